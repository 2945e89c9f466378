"""The output of `minigraph bench`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from minigraph.tools.bench.candidates import OURS, versions
from minigraph.tools.bench.machine import Speeds
from minigraph.tools.bench.measure import BenchResult, Timing
from minigraph.util.cores import core_count
from minigraph.util.files import atomic_write


def table(result: BenchResult, machine: Speeds) -> Table:
    """A table of a workload's timings. Shares of the peak are those of the FLOPs by definition; shares of the limit are
    the least time of a step on `machine`, by our algorithm, over the time it took."""
    best = result.best_peer
    found = Table(
        title=result.workload.describe(), title_justify="left", caption=_caption(result), caption_justify="left"
    )
    headings = (
        "",
        "median ms",
        "fastest ms",
        "to best peer",
        "GFLOP/s",
        "of peak",
        "of limit",
        "peak MB",
        "to best peer",
        "first s",
    )
    for i, heading in enumerate(headings):
        found.add_column(heading, justify="left" if i == 0 else "right")
    for timing in sorted(result.done, key=lambda t: t.median):
        rate = result.work.flops / timing.median
        found.add_row(
            timing.candidate,
            f"{timing.median * 1e3:.2f}",
            f"{min(timing.seconds) * 1e3:.2f}",
            f"{timing.median / best.median:.2f}" if best else "",
            f"{rate / 1e9:.0f}",
            f"{rate / machine.flops:.2f}",
            f"{result.work.seconds(machine) / timing.median:.2f}",
            f"{timing.peak / 1e6:.0f}",
            f"{timing.peak / best.peak:.2f}" if best and best.peak else "",
            f"{timing.first:.1f}",
        )
    return found


def _caption(result: BenchResult) -> str:
    work = result.work
    lines = [
        f"{work.flops / 1e9:.2f} GFLOP by definition, {work.arithmetic / 1e9:.2f} by minigraph's algorithms; "
        f"{work.nbytes / 1e6:.1f} MB of variables, feeds and results"
    ]
    lines += [f"{t.candidate} failed: {t.error}" for t in result.timings if t.error]
    counts = {t.parameters for t in result.done}
    if len(counts) > 1:
        lines.append("the numbers of parameters differ: " + ", ".join(f"{n:,}" for n in sorted(counts)))
    return "\n".join(lines)


def about(machine: Speeds) -> dict[str, Any]:
    """The machine and the versions."""
    count = core_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "processor": _processor(),
        "cpus": count,
        "load": load,
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": versions(),
        "matmul_flops": machine.flops,
        "bandwidth": machine.bandwidth,
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def write_json(path: Path, results: Sequence[BenchResult], found: dict[str, Any]) -> None:
    """Write all measurements as JSON, atomically."""
    with atomic_write(path, "w") as file:
        json.dump({"machine": found, "results": [r.to_json() for r in results]}, file, indent=1)
        file.write("\n")


def write_plot(path: Path, results: Sequence[BenchResult]) -> None:
    """Plot medians as bars, one panel per workload; written atomically."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('pictures of timings need Matplotlib: pip install "minigraph[plot]"') from error
    shown = [r for r in results if r.done]
    heights = [len(r.done) for r in shown]
    figure = Figure(figsize=(8, 0.8 * len(shown) + 0.3 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(shown), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for panel, result in zip(panels, shown, strict=True):
        _draw(panel, result.workload.describe(), sorted(result.done, key=lambda t: -t.median))
    with atomic_write(path, "wb") as file:
        figure.savefig(file, format=path.suffix.lstrip(".") or "png", dpi=150)


def _draw(panel: Any, title: str, timings: Sequence[Timing]) -> None:
    colours = ["#1b6ca8" if t.framework == OURS else "#b8bcc2" for t in timings]
    bars = panel.barh([t.candidate for t in timings], [t.median * 1e3 for t in timings], color=colours)
    panel.bar_label(
        bars, [f"{t.median * 1e3:,.{0 if t.median > 0.1 else 2}f} ms" for t in timings], padding=3, fontsize=8
    )
    panel.set_title(title, loc="left", fontsize=10)
    panel.margins(x=0.15)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=8)
