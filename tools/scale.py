"""The subcommand `scale`: predicts the time of a training step on many processes.

The model. A step is computed, exchanged and updated. Computation: the launches of one process, timed with the cores
that it gets on its host, beside as many copies of itself as run at the same time, so that they share caches and memory
as they will. P processes on C < P cores take turns: whatever needs a core takes P/C of the time. Exchanges: one after
the other, each from the moment when its bucket is whole, at the cost of the algorithm (R. Thakur, R. Rabenseifner and
W. Gropp, "Optimization of collective communication operations in MPICH", 2005) with a latency and a bandwidth. What is
not over when the gradients are made is waited for. Where processors carry exchanges, as MPI does with arrays in host
memory, each byte also costs the time of a core that copies and adds it, at the bandwidth between processes of a host.
That part is added to the computation, and hides nowhere. Update: after all exchanges.

The model knows no congestion, no slow rank, and no rank that waits for its turn while its partners wait for it.
"""

from __future__ import annotations

import math
import multiprocessing
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache, partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from threading import BrokenBarrierError
from typing import TYPE_CHECKING, NamedTuple

import click

from minigraph.core.errors import MinigraphError, UnknownNameError
from minigraph.tools.shared import completion
from minigraph.tools.shared.options import backend_option, debug_option, number, output_file
from minigraph.util.cores import share_cores, usable_cores

if TYPE_CHECKING:
    from minigraph.compile.plan import Plan

MOST_WORKERS = 1 << 16  # that are looked at for the number from which communication shows
SHOWS = 0.01  # share of a step that exchanges add, from which communication shows
LONGEST_WAIT = 600.0  # seconds of a copy for the others to be compiled, too
_PREFIXES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_barrier: Barrier  # of the processes that are timed together, in each of them
_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


class Link(NamedTuple):
    """bandwidth: bytes per second between two processes, in each direction. latency: seconds of a message."""

    bandwidth: float
    latency: float

    def message(self, size: float) -> float:
        """The seconds of a message of `size` bytes."""
        return self.latency + size / self.bandwidth


class Hosts(NamedTuple):
    """Hosts of some `processes` each, connected by a network, and the network inside a host.

    carries: whether processors carry the exchanges.
    """

    between: Link
    inside: Link
    processes: int
    carries: bool = False

    def link(self, workers: int) -> Link:
        """The slowest link between neighbours."""
        return self.inside if workers <= self.processes else self.between


def ring(size: float, workers: int, hosts: Hosts) -> float:
    """The seconds of an all-reduce of `size` bytes by a ring: 2(N − 1) messages of a part 1/N each."""
    return 2 * (workers - 1) * hosts.link(workers).message(size / workers)


def tree(size: float, workers: int, hosts: Hosts) -> float:
    """By recursive halving and doubling: log₂ N rounds each way, in which a rank sends (N − 1)/N of the array."""
    rounds = math.ceil(math.log2(workers))
    share = (workers - 1) / workers
    link = hosts.link(workers)
    return 2 * (rounds * link.latency + share * size / link.bandwidth)


def hierarchical(size: float, workers: int, hosts: Hosts) -> float:
    """By a ring in each host, and a ring between hosts in which each of a host's processes carries its part."""
    local = min(hosts.processes, workers)
    return ring(size, local, hosts) + ring(size, math.ceil(workers / local), hosts._replace(processes=1))


ALGORITHMS: dict[str, Callable[[float, int, Hosts], float]] = {
    "ring": ring,
    "tree": tree,
    "hierarchical": hierarchical,
}


class MeasuredStep(NamedTuple):
    """A training step on one process. compute: seconds before the variables are updated. update: of that and the rest.

    gradients: for each its time in `compute` and its bytes, in the order in which they are made. images: in a batch.
    """

    compute: float
    update: float
    gradients: tuple[tuple[float, int], ...]
    images: int = 1


class ExchangeCost(NamedTuple):
    """The seconds of an exchange by itself, and those of them in which it needs a core of each process."""

    seconds: float
    work: float = 0.0


class StepPrediction(NamedTuple):
    """The seconds of a step, those of one without exchanges, and those of its exchanges by themselves."""

    workers: int
    step: float
    alone: float
    exchange: float

    @property
    def shows(self) -> float:
        """The seconds by which the exchanges make the step longer."""
        return self.step - self.alone

    @property
    def hidden(self) -> float:
        """The share of the exchanges that adds nothing to the step; 1 without exchanges."""
        return 1 - min(1.0, max(0.0, self.shows / self.exchange)) if self.exchange else 1.0


def exchange_cost(algorithm: str, size: float, workers: int, hosts: Hosts) -> ExchangeCost:
    """The cost of an all-reduce of `size` bytes. The work is that of 2(N − 1)/N of the bytes, which each rank moves."""
    seconds = ALGORITHMS[algorithm](size, workers, hosts)
    moved = 2 * (workers - 1) / workers * size
    return ExchangeCost(seconds, min(seconds, moved / hosts.inside.bandwidth) if hosts.carries else 0.0)


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


def predict(
    step: MeasuredStep, workers: int, cost: Callable[[int], ExchangeCost], bucket: int, turns: float = 1.0
) -> StepPrediction:
    """A step of `workers` processes.

    cost: of an all-reduce by its bytes. bucket: bytes of one at most. turns: processes for each core of a host, at
    least 1.
    """
    end = work = total = 0.0  # end: when the last exchange so far is over
    for ready, size in buckets(step.gradients, bucket) if workers > 1 else ():
        alone = cost(size)
        seconds = alone.seconds + (turns - 1) * alone.work
        end = max(end, turns * (ready + work)) + seconds
        work += alone.work
        total += seconds
    found = max(end, turns * (step.compute + work)) + turns * step.update
    return StepPrediction(workers, found, turns * step.compute + turns * step.update, total)


def measured(plan: Plan, seconds: Sequence[float], rest: float = 0.0) -> MeasuredStep:
    """The step of a plan whose launches take `seconds` each, and what is around them `rest`."""
    updates = dict(_updates(plan))
    ends, now = [], 0.0
    for i, time in enumerate(seconds):
        now += 0.0 if i in updates else time
        ends.append(now)
    found = sorted((ends[made] if made >= 0 else 0.0, size) for pairs in updates.values() for made, size in pairs)
    return MeasuredStep(now, sum(seconds[i] for i in updates) + rest, tuple(found))


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


class TimedStep(NamedTuple):
    """What is timed: a target by its name, with a batch size, a number of steps, and a backend."""

    model: str
    batch_size: int | None
    steps: int
    backend: str | None

    def step(self, wait: Callable[[], object] = lambda: None) -> MeasuredStep:
        """Time the step. wait: called before, when everything is compiled."""
        from minigraph.tools.shared.target import load_target

        target = load_target(self.model, self.batch_size)
        with target.session(**target.options("O3", self.backend)) as session:
            feeds = target.feeds
            session.run(target.fetches, feeds)
            wait()
            found = session.profile(target.fetches, feeds, repeat=self.steps)
            plan = session.plan_for(target.fetches, feeds)[0]
        rest = max(0.0, found.seconds - found.launch_seconds)
        step = measured(plan, [launch.seconds for launch in found.launches], rest)
        return step._replace(images=target.batch_size)

    def step_of_copies(self, copies: int, threads: int) -> MeasuredStep:
        """The slowest step of `copies` processes of `threads` threads each, which run at the same time.

        Raises:
            MinigraphError: One of them failed or was killed.
        """
        context = multiprocessing.get_context("spawn")
        given = threads, context.Barrier(copies, timeout=LONGEST_WAIT)
        try:
            with ProcessPoolExecutor(copies, context, _begin_copy, given) as pool:
                found = list(pool.map(_time_copy, [self] * copies))
        except BrokenProcessPool as error:
            raise MinigraphError(f"one of {copies} processes that ran at the same time was killed") from error
        if failures := [each for each in found if isinstance(each, _Failure)]:
            raise min(failures, key=lambda failure: failure.follows).error()
        steps = [each for each in found if isinstance(each, MeasuredStep)]
        return max(steps, key=lambda step: step.compute + step.update)


def _begin_copy(threads: int, barrier: Barrier) -> None:
    global _barrier
    share_cores(range(threads), [range(threads)])
    _barrier = barrier


class _Failure(NamedTuple):
    """What a process tells of an error, which itself may hold a graph and cannot be pickled then.

    unknown: whether a name is not known. follows: whether the process only waited for others, one of which failed.
    """

    text: str
    trace: str
    unknown: bool
    follows: bool

    def error(self) -> MinigraphError:
        found = (UnknownNameError if self.unknown else MinigraphError)(self.text)
        found.add_note(self.trace)  # for --debug
        return found


def _time_copy(timed: TimedStep) -> MeasuredStep | _Failure:
    try:
        return timed.step(_barrier.wait)
    except BaseException as error:
        _barrier.abort()  # nobody waits for this process
        text = str(error) if isinstance(error, MinigraphError) else f"{type(error).__name__}: {error}"
        if follows := isinstance(error, BrokenBarrierError):
            text = f"a process waited {LONGEST_WAIT:g} s for the others, which run at the same time"
        return _Failure(text, traceback.format_exc(), isinstance(error, UnknownNameError), follows)


class Sharing(NamedTuple):
    """How the processes of a host share its cores: those that run at a time, their threads, and processes per core."""

    copies: int
    threads: int
    turns: float


def sharing(processes: int, cores: int) -> Sharing:
    """How `processes` share the `cores` of a host: each has an equal part, or they take turns on a core each."""
    return Sharing(min(processes, cores), max(1, cores // processes), max(1.0, processes / cores))


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
    "--cores",
    type=number(whole=True, least=1),
    help="Cores that the processes of a host share, at most this machine's [default: each process has all of these].",
)
@click.option(
    "--carrier",
    type=click.Choice(["processors", "network"]),
    help="What moves and adds the numbers of exchanges [default: the network for GPUs, else processors].",
)
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
    cores: int | None,
    carrier: str | None,
    algorithm: str,
    batch_size: int | None,
    steps: int,
    out: Path | None,
    backend: str | None,
) -> None:
    """Predict the time of a training step on many processes with equal batches.

    One process is timed here, or with --cores as many as share the cores of a host. The model of the exchanges is
    simple: they run one after the other, at the given latency and bandwidth, beside the computation of gradients.
    """
    from minigraph.backend.discovery import get_backend
    from minigraph.passes.bucket_gradients import bucket_gradients

    if cores is not None and cores > len(usable_cores()):
        raise click.BadParameter(f"{cores}, but this machine has {len(usable_cores())}", param_hint="'--cores'")
    timed = TimedStep(model, batch_size, steps, backend)
    carries = carrier == "processors" if carrier else get_backend(backend).name != "cupy"
    hosts = Hosts(Link(bandwidth, latency), Link(host_bandwidth, host_latency), per_host, carries)

    def shared(count: int) -> Sharing:
        return sharing(min(count, per_host), cores) if cores else Sharing(1, 0, 1.0)

    @cache
    def step_on(copies: int, threads: int) -> MeasuredStep:
        found = timed.step_of_copies(copies, threads) if cores else timed.step()
        if not found.gradients:
            raise click.BadParameter(f"{model} has no optimizer's step", param_hint="'MODEL|FILE'")
        return found

    def predicted(count: int) -> StepPrediction:
        how = shared(count)
        return predict(
            step_on(how.copies, how.threads), count, partial(exchange_cost, algorithm, workers=count, hosts=hosts),
            bucket_gradients.max_bytes, how.turns,
        )  # fmt: skip

    found = [predicted(count) for count in workers]
    _print_table(found, step_on(*shared(workers[0])[:2]))
    powers = [1 << n for n in range(1, MOST_WORKERS.bit_length())]
    first = next((p.workers for p in map(predicted, powers) if p.shows > SHOWS * p.step), None)
    text = "does not show" if first is None else f"shows from {first} processes on"
    click.echo(f"communication {text} (more than {SHOWS:.0%} of a step, up to {MOST_WORKERS} processes)")
    if out is not None:
        _draw(out, [predicted(count) for count in sorted({1, *powers, *workers}) if count <= 2 * max(workers)], model)


def _print_table(found: Sequence[StepPrediction], step: MeasuredStep) -> None:
    from rich.table import Table

    from minigraph.util.terminal import console

    size = sum(nbytes for _, nbytes in step.gradients)
    table = Table("processes", "step ms", "images/s", "efficiency", "exchange ms", "hidden", title_justify="left")
    table.title = f"{len(step.gradients)} gradients, {size / 1e6:.1f} MB; batch {step.images} per process"
    for each in found:
        hidden = f"{each.hidden:.0%}" if each.exchange else ""
        speed = each.workers * step.images / each.step
        cells = (
            f"{each.step * 1e3:.2f}",
            f"{speed:,.0f}",
            f"{each.alone / each.step:.1%}",
            f"{each.exchange * 1e3:.2f}",
        )
        table.add_row(f"{each.workers:,}", *cells, hidden)
    console().print(table)


def _draw(path: Path, found: Sequence[StepPrediction], title: str) -> None:
    """Draw the efficiency, without exchanges 1, over the number of processes."""
    from minigraph.tools.textbook.figures.board import BLUE, new_sheet, plain_axes
    from minigraph.util.files import atomic_write

    sheet = new_sheet(6, 4)
    axes = plain_axes(sheet, (0.12, 0.15, 0.84, 0.75))
    axes.semilogx([p.workers for p in found], [p.alone / p.step for p in found], "o-", base=2, color=BLUE)
    axes.set(xlabel="processes", ylabel="efficiency", ylim=(0, 1.05), title=title)
    with atomic_write(path, "wb") as file:
        sheet.savefig(file, format=path.suffix.lstrip(".") or "png")
