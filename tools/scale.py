"""The subcommand `scale`: predicts the time of a training step on many processes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from minigraph.tools.shared import completion
from minigraph.tools.shared.options import backend_option, debug_option, number, output_file

if TYPE_CHECKING:
    from minigraph.compile.plan import Plan

MOST_WORKERS = 1 << 16  # that are looked at for the number from which communication shows
SHOWS = 0.01  # share of a step that waits for exchanges, from which communication shows
_PREFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


class Link(NamedTuple):
    """bandwidth: bytes per second between two processes, in each direction. latency: seconds of a message."""

    bandwidth: float
    latency: float

    def message(self, size: float) -> float:
        """The seconds of a message of `size` bytes."""
        return self.latency + size / self.bandwidth


class Hosts(NamedTuple):
    """Hosts of some `processes` each, connected by a network, and the network inside a host."""

    between: Link
    inside: Link
    processes: int


def ring(size: float, workers: int, hosts: Hosts) -> float:
    """The seconds of an all-reduce of `size` bytes by a ring: 2(N − 1) messages of a part 1/N each."""
    return 2 * (workers - 1) * hosts.between.message(size / workers)


def tree(size: float, workers: int, hosts: Hosts) -> float:
    """By recursive halving and doubling: log₂ N rounds each way, in which a rank sends (N − 1)/N of the array."""
    rounds = math.ceil(math.log2(workers))
    share = (workers - 1) / workers
    return 2 * (rounds * hosts.between.latency + share * size / hosts.between.bandwidth)


def hierarchical(size: float, workers: int, hosts: Hosts) -> float:
    """By a ring in each host, and a ring between hosts in which each of a host's processes carries its part."""
    local = min(hosts.processes, workers)
    inner = ring(size, local, hosts._replace(between=hosts.inside))
    return inner + ring(size, math.ceil(workers / local), hosts)


ALGORITHMS: dict[str, Callable[[float, int, Hosts], float]] = {
    "ring": ring,
    "tree": tree,
    "hierarchical": hierarchical,
}


class MeasuredStep(NamedTuple):
    """A training step on one process. compute: seconds before the variables are updated. update: seconds of that.

    gradients: for each its time in `compute` and its bytes, in the order in which they are made.
    """

    compute: float
    update: float
    gradients: tuple[tuple[float, int], ...]


class StepPrediction(NamedTuple):
    """The seconds of a step, those of its exchanges, and those that it waits for them."""

    workers: int
    step: float
    exchange: float
    waiting: float


def buckets(gradients: Sequence[tuple[float, int]], most: int) -> list[tuple[float, int]]:
    """The time at which each bucket of at most `most` bytes is whole, and its bytes; see the pass bucket_gradients."""
    from minigraph.passes.bucket_gradients import takes

    found: list[tuple[float, int]] = []
    for ready, size in gradients:
        if found and takes(found[-1][1], found[-1][0], size, ready, most):
            found[-1] = max(ready, found[-1][0]), found[-1][1] + size
        else:
            found.append((ready, size))
    return found


def predict(step: MeasuredStep, workers: int, cost: Callable[[int], float], bucket: int) -> StepPrediction:
    """A step of `workers` processes. cost: the seconds of an all-reduce by bytes; exchanges run one after the other."""
    end = total = 0.0
    for ready, size in buckets(step.gradients, bucket) if workers > 1 else ():
        seconds = cost(size)
        end = max(end, ready) + seconds
        total += seconds
    waiting = max(0.0, end - step.compute)
    return StepPrediction(workers, step.compute + waiting + step.update, total, waiting)


def measured(plan: Plan, seconds: Sequence[float]) -> MeasuredStep:
    """The step of a plan whose launches take `seconds` each."""
    updates = dict(_updates(plan))
    ends, now = [], 0.0
    for i, time in enumerate(seconds):
        now += 0.0 if i in updates else time
        ends.append(now)
    found = sorted((ends[made] if made >= 0 else 0.0, size) for pairs in updates.values() for made, size in pairs)
    return MeasuredStep(now, sum(seconds[i] for i in updates), tuple(found))


def _updates(plan: Plan) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """The launches that update variables; for the gradients of each the launch that makes it, and the bytes."""
    from minigraph.ir.multi_tensor_apply import MultiTensorApply
    from minigraph.ops.state.update import Apply

    makers: dict[object, int] = {}
    for i, step in enumerate(plan.steps):
        op = step.instr.op
        if isinstance(op, Apply | MultiTensorApply):
            pieces = op.pieces(step.inputs) if isinstance(op, MultiTensorApply) else [step.inputs]
            single = op.op if isinstance(op, MultiTensorApply) else op
            gradients = [piece[single.gradient] for piece in pieces]
            yield i, [(makers.get(plan.root(g), -1), g.type.nbytes) for g in gradients]
        makers.update({plan.root(v): i for v in step.outputs if v is not None})


def _rate(text: str) -> float:
    """Bytes per second from a text such as 25Gb (bits) or 3GB (bytes)."""
    found = re.fullmatch(r"([0-9.]+)\s*([kMGT]?)(b|B)(/s|ps)?", text)
    if not found or not float(found[1]):
        raise click.BadParameter(f"expected bits or bytes per second, such as 25Gb or 3GB, got {text}")
    return float(found[1]) * _PREFIXES[found[2]] / (8 if found[3] == "b" else 1)


def _duration(text: str) -> float:
    found = re.fullmatch(r"([0-9.]+)\s*(ns|us|ms|s)", text)
    if not found:
        raise click.BadParameter(f"expected a time such as 5us, got {text}")
    return float(found[1]) * _SECONDS[found[2]]


def _counts(text: str) -> list[int]:
    found = text.split(",")
    if not all(part.strip().isdecimal() and int(part) for part in found):
        raise click.BadParameter(f"expected numbers of processes such as 8,64,512, got {text}")
    return [int(part) for part in found]


@click.command()
@click.argument("model", metavar="MODEL|FILE", shell_complete=completion.targets)
@click.option("--workers", type=_counts, default="1,2,4,8,16,32,64,128,256", help="Numbers of processes, by commas.")
@click.option("--bandwidth", type=_rate, default="25Gb", show_default=True, help="Between two hosts, per second.")
@click.option("--latency", type=_duration, default="5us", show_default=True, help="Of a message between two hosts.")
@click.option("--per-host", type=number(whole=True, least=1), default=8, show_default=True, help="Processes of a host.")
@click.option("--host-bandwidth", type=_rate, default="200Gb", show_default=True, help="Between processes of a host.")
@click.option("--host-latency", type=_duration, default="1us", show_default=True, help="Between processes of a host.")
@click.option(
    "--algorithm", type=click.Choice([*ALGORITHMS]), default="ring", show_default=True, help="Of all-reduces."
)
@click.option(
    "--batch-size", type=number(whole=True, least=1), help="Images per process [default: the recipe's, or 8]."
)
@click.option("--steps", type=number(whole=True, least=1), default=5, show_default=True, help="Timed steps.")
@click.option("--out", type=output_file, metavar="FILE", help="Also draw the efficiency to an image file.")
@backend_option
@debug_option
def scale(
    model: str,
    workers: list[int],
    bandwidth: float,
    latency: float,
    per_host: int,
    host_bandwidth: float,
    host_latency: float,
    algorithm: str,
    batch_size: int | None,
    steps: int,
    out: Path | None,
    backend: str | None,
) -> None:
    """Predict the time of a training step on many processes with equal batches.

    One process is timed here. The model of the exchanges is simple: they run one after the other, at the given latency
    and bandwidth, beside the computation of gradients, and slow it down in no way.
    """
    from minigraph.passes.bucket_gradients import bucket_gradients
    from minigraph.tools.profile import profile
    from minigraph.tools.shared.target import load_target

    target = load_target(model, batch_size)
    profiled = profile(target, steps, "O3", backend)
    step = measured(profiled.plan, [launch.seconds for launch in profiled.profile.launches])
    if not step.gradients:
        raise click.BadParameter(f"{model} has no optimizer's step", param_hint="'MODEL|FILE'")
    hosts = Hosts(Link(bandwidth, latency), Link(host_bandwidth, host_latency), per_host)

    def predicted(count: int) -> StepPrediction:
        return predict(step, count, lambda size: ALGORITHMS[algorithm](size, count, hosts), bucket_gradients.max_bytes)

    found = [predicted(count) for count in workers]
    _print_table(found, step, target.batch_size)
    powers = [1 << n for n in range(1, MOST_WORKERS.bit_length())]
    first = next((p.workers for p in map(predicted, powers) if p.waiting > SHOWS * p.step), None)
    text = "does not show" if first is None else f"shows from {first} processes on"
    click.echo(f"communication {text} (more than {SHOWS:.0%} of a step, up to {MOST_WORKERS} processes)")
    if out is not None:
        _draw(out, [predicted(count) for count in sorted({1, *powers, *workers}) if count <= 2 * max(workers)], model)


def _print_table(found: Sequence[StepPrediction], step: MeasuredStep, batch_size: int) -> None:
    from rich.table import Table

    from minigraph.util.terminal import console

    size = sum(nbytes for _, nbytes in step.gradients)
    table = Table("processes", "step ms", "images/s", "efficiency", "exchange ms", "hidden", title_justify="left")
    table.title = f"{len(step.gradients)} gradients, {size / 1e6:.1f} MB; batch {batch_size} per process"
    for each in found:
        hidden = f"{1 - each.waiting / each.exchange:.0%}" if each.exchange else ""
        speed = each.workers * batch_size / each.step
        cells = (
            f"{each.step * 1e3:.2f}",
            f"{speed:,.0f}",
            f"{(step.compute + step.update) / each.step:.1%}",
            f"{each.exchange * 1e3:.2f}",
        )
        table.add_row(f"{each.workers:,}", *cells, hidden)
    console().print(table)


def _draw(path: Path, found: Sequence[StepPrediction], title: str) -> None:
    """Draw the efficiency over the number of processes. found: by number, from 1."""
    from minigraph.tools.textbook.figures.board import BLUE, new_sheet, plain_axes
    from minigraph.util.files import atomic_write

    sheet = new_sheet(6, 4)
    axes = plain_axes(sheet, (0.12, 0.15, 0.84, 0.75))
    axes.semilogx([p.workers for p in found], [found[0].step / p.step for p in found], "o-", base=2, color=BLUE)
    axes.set(xlabel="processes", ylabel="efficiency", ylim=(0, 1.05), title=title)
    with atomic_write(path, "wb") as file:
        sheet.savefig(file, format=path.suffix.lstrip(".") or "png")
