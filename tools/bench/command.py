"""The subcommand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from minigraph.tools.shared.options import autotune_option, debug_option, number, output_file


@click.command("bench")
@click.argument("workloads", nargs=-1, metavar="[WORKLOAD]...")
@click.option("--list", "listed", is_flag=True, help="List the workloads and what would be compared.")
@click.option(
    "--backend", "backends", multiple=True, metavar="NAME", help="This project's; may be repeated [default: all]."
)
@click.option("--peers/--no-peers", default=True, help="Other frameworks too, where they are installed [default].")
@click.option("--rounds", type=number(whole=True, least=1), default=15, show_default=True, help="Timed steps of each.")
@click.option("--json", "data", type=output_file, help="Write all timings.")
@click.option("--plot", type=output_file, help="Draw the medians (.png, .svg, .pdf).")
@autotune_option
@debug_option
def bench(
    workloads: tuple[str, ...],
    listed: bool,
    backends: tuple[str, ...],
    peers: bool,
    rounds: int,
    data: Path | None,
    plot: Path | None,
) -> None:
    """Time training steps and inference against other frameworks.

    Every candidate runs in a process of its own, and all take their steps in turn, so that what else the machine does
    meets all alike. Ratios are of medians. PyTorch, TensorFlow, JAX and ONNX Runtime take part where they are
    installed: pip install "minigraph[peers]".
    """
    from rich.console import Console

    from minigraph.backend.discovery import get_backend
    from minigraph.tools.bench import report
    from minigraph.tools.bench.candidates import candidates, default_backends
    from minigraph.tools.bench.measure import measure, peak_flops
    from minigraph.tools.bench.workloads import WORKLOADS, get_workload

    chosen = [get_workload(name) for name in workloads] or list(WORKLOADS)
    for name in backends:
        get_backend(name)
    compared = candidates(backends or default_backends(), peers)
    out = Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140)
    if listed:
        for work in WORKLOADS:
            out.print(f"{work.name:12} {work.describe()}", highlight=False)
        out.print("compared: " + "; ".join(c.name for c in compared), highlight=False)
        return
    peak = peak_flops()
    machine = report.machine(peak)
    facts = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    out.print(
        f"{machine['processor']}, {machine['cpus']} CPUs; large matrix products {peak / 1e9:.0f} GFLOP/s",
        highlight=False,
    )
    out.print(facts, highlight=False)
    results = []
    for work in chosen:
        with _progress(work.describe()) as tell:
            results.append(measure(work, compared, rounds, tell))
        out.print(report.table(results[-1], peak))
        if data is not None:
            report.write_json(data, results, machine)
    if plot is not None:
        report.write_plot(plot, results)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[str, float], None]]:
    """A live bar on a terminal, else a line that says what is being timed."""
    from rich.console import Console
    from rich.progress import Progress

    if not sys.stderr.isatty():
        click.echo(f"timing {what}", err=True)
        yield lambda text, part: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda text, part: bar.update(task, description=text, completed=part)
