"""The subcommand `bench`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from minigraph.tools.shared.completion import choices
from minigraph.tools.shared.options import autotune_option, debug_option, number, output_file
from minigraph.util.terminal import console

if TYPE_CHECKING:
    from minigraph.tools.bench.candidates import Candidate
    from minigraph.tools.bench.workloads import Workload


def _names() -> list[tuple[str, str]]:
    from minigraph.tools.bench.workloads import WORKLOADS

    return [(work.name, work.describe()) for work in WORKLOADS]


@click.command("bench")
@click.argument("workloads", nargs=-1, metavar="[WORKLOAD|FILE.onnx]...", shell_complete=choices(_names, files=True))
@click.option("--list", "listed", is_flag=True, help="List the workloads and the candidates.")
@click.option(
    "--backend", "backends", multiple=True, metavar="NAME", help="A minigraph backend; may be repeated [default: all]."
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    metavar="NAME",
    default=("float32",),
    show_default=True,
    help="A precision of minigraph's sessions (see Session); may be repeated.",
)
@click.option("--peers/--no-peers", default=True, help="Also time other installed frameworks [default].")
@click.option(
    "--rounds", type=number(whole=True, least=1), default=15, show_default=True, help="Timed steps per candidate."
)
@click.option("--json", "data", type=output_file, help="Write all timings as JSON.")
@click.option("--plot", type=output_file, help="Plot the medians (.png, .svg, .pdf).")
@autotune_option
@debug_option
def bench(
    workloads: tuple[str, ...],
    listed: bool,
    backends: tuple[str, ...],
    precisions: tuple[str, ...],
    peers: bool,
    rounds: int,
    data: Path | None,
    plot: Path | None,
) -> None:
    """Time training steps and inference against other frameworks.

    Each candidate runs in its own process, and the candidates take turns step by step, so that other load on the
    machine affects all of them alike. Ratios compare medians. PyTorch, TensorFlow, JAX and ONNX Runtime take part if
    they are installed: pip install "minigraph[peers]".
    """
    from minigraph.backend.discovery import get_backend
    from minigraph.tools.bench.candidates import candidates, default_backends
    from minigraph.tools.bench.workloads import WORKLOADS, get_workload

    chosen = [get_workload(name) for name in workloads] or list(WORKLOADS)
    for name in backends:
        for precision in precisions:
            get_backend(name, precision)
    compared = candidates(backends or default_backends(), precisions, peers)
    if listed:
        out = console()
        for work in WORKLOADS:
            out.print(f"{work.name:12} {work.describe()}", highlight=False)
        out.print("compared: " + "; ".join(c.name for c in compared), highlight=False)
    else:
        _time(chosen, compared, rounds, data, plot)


def _time(
    chosen: Sequence[Workload], compared: Sequence[Candidate], rounds: int, data: Path | None, plot: Path | None
) -> None:
    """Time the workloads, and print a table for each as soon as it is done."""
    from minigraph.tools.bench import report
    from minigraph.tools.bench.machine import measure_machine
    from minigraph.tools.bench.measure import measure

    out, machine = console(), measure_machine()
    found = report.about(machine)
    facts = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    out.print(
        f"{found['processor']}, {found['cpus']} CPUs; large matrix products {machine.flops / 1e9:.0f} GFLOP/s, "
        f"reading {machine.bandwidth / 1e9:.0f} GB/s",
        highlight=False,
    )
    out.print(facts, highlight=False)
    results = []
    for work in chosen:
        with _progress(work.describe()) as tell:
            results.append(measure(work, compared, rounds, tell))
        out.print(report.table(results[-1], machine))
        if data is not None:
            report.write_json(data, results, found)
    if plot is not None:
        report.write_plot(plot, results)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[str, float], None]]:
    """A live bar on a terminal; otherwise a line that names the workload."""
    from rich.console import Console
    from rich.progress import Progress

    if not sys.stderr.isatty():
        click.echo(f"timing {what}", err=True)
        yield lambda text, part: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda text, part: bar.update(task, description=text, completed=part)
