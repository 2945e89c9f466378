"""Profiles: the time, work and memory of each launch of a plan."""

from __future__ import annotations

import html
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigraph.backend.base import Launch
from minigraph.compile.assignment import Step
from minigraph.compile.collectives import exchanges_begun
from minigraph.compile.memory import lower_bound
from minigraph.compile.plan import Plan
from minigraph.compile.specialise import RANDOM_STATE
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.joint import Joint
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.program import Cell
from minigraph.ir.regions import Region, applications
from minigraph.ops.collective.world import WORLD
from minigraph.ops.constant import Const
from minigraph.util.alignment import aligned
from minigraph.util.html import Bar, beside, curves, table

if TYPE_CHECKING:
    from rich.table import Table

Types = Sequence[TensorType]
__all__ = ["LaunchProfile", "Profile"]

_Times = tuple[list[float], float, tuple[float, float]]
Flops = Callable[[Op, Types, Types], int | None]  # of an op with static input and output types; None: no formula

_HEADINGS = ("op", "node", "line", "ms", "share", "GFLOP/s", "MB read", "MB written", "notes")
LONGEST = 20  # launches that a notebook lists


class LaunchProfile(NamedTuple):
    """The time and work of one launch.

    Args:
        op: Name of the op; for a fused op, with its parts.
        node: Name of the node.
        source: The line that made the node.
        seconds: Median time, in seconds.
        flops: Number of floating-point operations; None for an op without a formula.
        bytes_read: Bytes of the inputs.
        bytes_written: Bytes of the outputs.
        in_place: Whether an output takes over an input's buffer, or a variable is updated in its own.
        fallback: Whether the op's reference ran, because the backend has no kernel.
        live: Bytes of the arena in use during the launch.
        inputs: Names of the inputs.
        outputs: Names of the outputs.
        begun: For a launch that waits for an exchange with other ranks, the number of the launch that began it.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 3])
        >>> y = tf.matmul(x, tf.ones([3, 4]), name="y")
        >>> launch = tf.Session().profile(y, {x: np.ones([2, 3])}).by_time()[0]
        >>> launch.node, launch.flops
        ('y', 48)
    """

    op: str
    node: str
    source: str
    seconds: float
    flops: int | None
    bytes_read: int
    bytes_written: int
    in_place: bool
    fallback: bool
    live: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    begun: int | None = None

    @property
    def notes(self) -> str:
        """The words "in place" and "fallback", as far as they apply."""
        return ", ".join(text for text, on in (("in place", self.in_place), ("fallback", self.fallback)) if on)


@dataclass(frozen=True)
class Profile:
    """The time, work and memory of a plan, from `Session.profile`. A notebook shows it as a table.

    Args:
        launches: The launches, in their order.
        seconds: Median time of a whole run, in seconds.
        feed_seconds: Time to copy the fed values in.
        result_seconds: Time to copy the results out.
        planned_peak: Bytes of the arena.
        peak_bound: The most bytes in use at one time; no arena can be smaller.
        measured_peak: Bytes by which the process's resident memory grew in the first run, when there was no arena yet.
            It is the greatest growth after any launch, and what the system counted in between if that is a new maximum
            of the process. Pages that were resident before, such as variables, do not count. None if the system does
            not tell. On a GPU it is the memory that the run takes of the GPU.
        variable_bytes: Bytes of the variables.
        repeat: Number of runs that the medians are of.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 3])
        >>> profile = tf.Session().profile(tf.matmul(x, tf.ones([3, 4])), {x: np.ones([2, 3])})
        >>> profile.flops, profile.repeat
        (48, 3)
        >>> "median of 3 runs" in profile.summary()
        True
    """

    launches: tuple[LaunchProfile, ...]
    seconds: float
    feed_seconds: float
    result_seconds: float
    planned_peak: int
    peak_bound: int
    measured_peak: int | None
    variable_bytes: int
    repeat: int

    @property
    def flops(self) -> int:
        """The floating-point operations of all launches whose ops have a formula."""
        return sum(launch.flops or 0 for launch in self.launches)

    @property
    def launch_seconds(self) -> float:
        """The time of all launches, in seconds."""
        return sum(launch.seconds for launch in self.launches)

    def summary(self) -> str:
        """Give the totals.

        Returns:
            Three lines of text, and one on the exchanges with other ranks if there are any.
        """
        measured = "not known here" if self.measured_peak is None else _mega(self.measured_peak) + " MB"
        above = self.planned_peak / self.peak_bound if self.peak_bound else 1.0
        plural = "" if self.repeat == 1 else "s"
        return (
            f"{self.seconds * 1e3:.3f} ms a run (median of {self.repeat} run{plural}), {self.launch_seconds * 1e3:.3f} "
            f"ms in {len(self.launches)} launches, {self.flops / 1e9:.3f} GFLOP\n"
            f"peak memory: planned {_mega(self.planned_peak)} MB, {above:.2f} x the lower bound "
            f"{_mega(self.peak_bound)} MB; measured growth of the process {measured}\n"
            f"variables: {_mega(self.variable_bytes)} MB{self._told_exchanges()}"
        )

    def _exchanges(self) -> Iterator[tuple[float, float, LaunchProfile]]:
        """When each exchange with other ranks begins and has ended, in seconds, and the launch that waits for it."""
        ends = [*accumulate(launch.seconds for launch in self.launches)]
        for end, launch in zip(ends, self.launches, strict=True):
            if launch.begun is not None:
                yield ends[launch.begun], end, launch

    def _told_exchanges(self) -> str:
        found = [*self._exchanges()]
        if not found:
            return ""
        under_way = sum(end - begin for begin, end, _ in found)
        waiting = sum(launch.seconds for _, _, launch in found)
        size = sum(launch.bytes_read for _, _, launch in found)
        return (
            f"\nexchanges: {len(found)} of {_mega(size)} MB, {under_way * 1e3:.3f} ms under way, "
            f"{waiting * 1e3:.3f} ms of it waited for ({1 - waiting / max(under_way, 1e-9):.0%} hidden)"
        )

    def by_time(self, top: int | None = None) -> list[LaunchProfile]:
        """Sort the launches by time.

        Args:
            top: Number of launches to give; by default all.

        Returns:
            The launches, the longest first.
        """
        return sorted(self.launches, key=lambda launch: -launch.seconds)[:top]

    def table(self, top: int | None = None) -> Table:
        """Make a table of the launches. Needs the package rich.

        Args:
            top: Number of launches to show; by default all.

        Returns:
            A rich.table.Table, the longest launches first.
        """
        from rich.table import Table
        from rich.text import Text

        table = Table(caption=self.summary(), caption_justify="left")
        for index, heading in enumerate(_HEADINGS):
            table.add_column(heading, justify="right" if 3 <= index < 8 else "left", overflow="fold")
        for launch in self.by_time(top):
            table.add_row(*map(Text, self._row(launch)))
        return table

    def _row(self, launch: LaunchProfile) -> tuple[str, ...]:
        rate = "" if not launch.flops else f"{launch.flops / 1e9 / max(launch.seconds, 1e-9):.1f}"
        return (
            launch.op,
            launch.node,
            short_source(launch.source),
            f"{launch.seconds * 1e3:.3f}",
            f"{100 * launch.seconds / max(self.launch_seconds, 1e-9):.1f}%",
            rate,
            _mega(launch.bytes_read),
            _mega(launch.bytes_written),
            launch.notes,
        )

    def to_trace(self) -> dict[str, Any]:
        """Convert the profile to Chrome's trace-event format, for Perfetto.

        Returns:
            A dict to write as JSON: the median times end to end, and the use of the arena.
        """
        events: list[dict[str, Any]] = [
            {"ph": "M", "pid": 1, "tid": 1, "name": "process_name", "args": {"name": "minigraph"}},
            {"ph": "M", "pid": 1, "tid": 1, "name": "thread_name", "args": {"name": "launches"}},
        ]
        now = 0  # ns

        def add(name: str, category: str, seconds: float, args: dict[str, Any]) -> None:
            nonlocal now
            span = max(round(seconds * 1e9), 0)
            event = {"ph": "X", "pid": 1, "tid": 1, "name": name, "cat": category, "ts": now / 1e3, "dur": span / 1e3}
            events.append(event | {"args": args})
            now += span

        def count(live: int) -> None:
            args = {"live bytes": live}
            events.append({"ph": "C", "pid": 1, "tid": 1, "name": "arena", "ts": now / 1e3, "args": args})

        add("copy feeds", "copy", self.feed_seconds, {})
        for launch in self.launches:
            count(launch.live)
            args = launch._asdict()
            args["line"] = args.pop("source")
            del args["op"], args["seconds"]
            add(launch.op, "fallback" if launch.fallback else "launch", launch.seconds, args)
        count(0)
        for lane, (begin, end, launch) in enumerate(self._exchanges(), start=2):
            span = {"ts": (self.feed_seconds + begin) * 1e6, "dur": (end - begin) * 1e6}
            args = {"bytes": launch.bytes_read, "waited for, ms": launch.seconds * 1e3}
            events.append(
                {"ph": "X", "pid": 1, "tid": lane, "name": launch.node, "cat": "exchange", **span, "args": args}
            )
            lane_name = {"name": f"exchange {lane - 1}"}
            events.append({"ph": "M", "pid": 1, "tid": lane, "name": "thread_name", "args": lane_name})
        add("copy results", "copy", self.result_seconds, {})
        totals: dict[str, Any] = {
            "planned_peak": self.planned_peak,
            "peak_bound": self.peak_bound,
            "seconds": self.seconds,
        }
        totals |= {"measured_peak": self.measured_peak, "variable_bytes": self.variable_bytes, "repeat": self.repeat}
        return {"traceEvents": events, "displayTimeUnit": "ms", "otherData": totals}

    def __repr__(self) -> str:
        return f"<Profile of {len(self.launches)} launches, {self.seconds * 1e3:.3f} ms a run>"

    def _repr_html_(self) -> str:
        """The form that a notebook shows: the totals, time and memory by launch, and the longest launches."""
        rows: list[list[str | Bar]] = []
        for launch in self.by_time(LONGEST):
            *cells, notes = self._row(launch)
            share = launch.seconds / max(self.launch_seconds, 1e-9)
            rows.append([Bar(cell, share) if column == 4 else cell for column, cell in enumerate(cells)] + [notes])
        hidden = len(self.launches) - len(rows)
        charts = [
            curves("time of each launch, ms", {"ms": [launch.seconds * 1e3 for launch in self.launches]}, bars=True),
            curves("arena in use, MB", {"MB": [launch.live / 1e6 for launch in self.launches]}, bars=True),
        ]
        summary = "<br>".join(map(html.escape, self.summary().splitlines()))
        more = f"<p>{hidden} shorter launches; `table()` shows all.</p>" if hidden else ""
        return f"<p>{summary}</p>{beside(charts)}{table(_HEADINGS, rows, range(3, 8))}{more}"


def profile_plan(plan: Plan, arrays: Sequence[np.ndarray], repeat: int, flops: Flops) -> Profile:
    """Run a plan once for its memory, and `repeat` times for its times. Variables and random states stay as they were.

    The memory comes first, because it is measured best while the plan has no arena.
    """
    if repeat < 1:
        raise ValueError(f"repeat must be at least 1, not {repeat}")
    saved = plan.save()
    try:
        measured = _measure_memory(plan, arrays)
        runs = [_measure_times(plan, arrays) for _ in range(repeat)]
    finally:
        plan.restore(saved)
    return _profile(plan, [times for _, times in runs], measured, flops)


def trace_plan(
    plan: Plan, arrays: Sequence[np.ndarray], flops: Flops, as_device: bool = False
) -> tuple[list[np.ndarray], Profile]:
    """Run a plan once. The results, and the profile of this run, whose effects stay."""
    values, times = _measure_times(plan, arrays, as_device)
    return values, _profile(plan, [times], None, flops)


def _profile(plan: Plan, runs: Sequence[_Times], measured: int | None, flops: Flops) -> Profile:
    medians = [statistics.median(times) for times in zip(*(spans for spans, _, _ in runs), strict=True)]
    cells = {i.op.name: i.op.type.nbytes for i in plan.program.instrs if isinstance(i.op, Cell)}
    return Profile(
        launches=tuple(
            _launch(plan, step, median, live, copies, flops)._replace(begun=begun if WORLD.size > 1 else None)
            for step, median, live, copies, begun in zip(
                plan.steps, medians, live_bytes(plan), _are_copies(plan), exchanges_begun(plan.steps), strict=True
            )
        ),
        seconds=statistics.median(ends[-1] for _, _, ends in runs),
        feed_seconds=statistics.median(first for _, first, _ in runs),
        result_seconds=statistics.median(ends[-1] - ends[0] for _, _, ends in runs),
        planned_peak=plan.peak,
        peak_bound=lower_bound(plan.lifetimes),
        measured_peak=measured,
        variable_bytes=sum(size for name, size in cells.items() if not name.startswith(RANDOM_STATE)),
        repeat=len(runs),
    )


def _parts(op: Op, inputs: Types, outputs: Types) -> list[tuple[Op, Types, Types]]:
    """The parts of a fused op, with types. Any other op is its only part."""
    if isinstance(op, Region | Joint):
        return [*applications(i for i in op.members if not isinstance(i.op, Const))]
    if isinstance(op, MultiTensorApply):
        return [(op.op, *types) for types in zip(op.pieces(inputs), op.pieces(outputs), strict=True)]
    return [(op, inputs, outputs)]


def _flops_of(op: Op, inputs: Types, outputs: Types, formula: Flops) -> int | None:
    """The sum over the parts that have a formula; None if no part has one."""
    counts = [formula(*part) for part in _parts(op, inputs, outputs)]
    known = [c for c in counts if c is not None]
    return sum(known) if known else None


def live_bytes(plan: Plan) -> list[int]:
    """For each step, the bytes of the arena in use while it runs."""
    changes: dict[int, int] = {}
    for buffer in plan.lifetimes:
        size = aligned(buffer.size)
        changes[buffer.start] = changes.get(buffer.start, 0) + size
        changes[buffer.end + 1] = changes.get(buffer.end + 1, 0) - size
    out: list[int] = []
    live = changes.get(-1, 0)  # the fed values
    moment = -1
    for step, copies in zip(plan.steps, _are_copies(plan), strict=True):
        if not copies or step.instr.op.is_view:  # else the copy belongs to the step before, which wrote it
            moment += 1
            live += changes.get(moment, 0)
        out.append(live)
    return out


def _are_copies(plan: Plan) -> list[bool]:
    """For each step, whether it only copies a variable's value, or shuffles nothing."""
    before = [None, *(step.instr for step in plan.steps)]
    return [s.instr.op.is_view or s.instr is b for s, b in zip(plan.steps, before, strict=False)]


def op_kind(op: Op) -> str:
    """Name of the op; for a fused op, with its parts."""
    name = type(op).__name__
    if isinstance(op, MultiTensorApply):
        return f"{name}({op.count} {type(op.op).__name__})"
    if isinstance(op, Region | Joint):
        return f"{name}({'+'.join(type(part).__name__ for part, _, _ in _parts(op, (), ()))})"
    return name


def short_source(source: str) -> str:
    """`file.py:12` for a path and a line."""
    return os.path.basename(source)


def _launch(plan: Plan, step: Step, seconds: float, live: int, copies: bool, flops: Flops) -> LaunchProfile:
    op = step.instr.op
    unread = set(op.writes) - set(op.reads)
    outputs = [v for v in step.outputs if v is not None]
    read = dict.fromkeys(v for i, v in enumerate(step.inputs) if copies or i not in unread)
    in_types, out_types = [v.type for v in step.inputs], [v.type for v in outputs]
    return LaunchProfile(
        op="Copy" if copies else op_kind(op),
        node=step.instr.name,
        source=str(step.instr.source or ""),
        seconds=seconds,
        flops=0 if copies else _flops_of(op, in_types, step.instr.types, flops),
        bytes_read=sum(v.type.nbytes for v in read),
        bytes_written=sum(v.type.nbytes for v in outputs),
        in_place=any(not (op.draws and i in op.writes) for i in plan.overwritten(step)),
        fallback=step.lowered.fallback,
        live=live,
        inputs=tuple(map(str, in_types)),
        outputs=tuple(map(str, out_types)),
    )


def _measure_times(
    plan: Plan, arrays: Sequence[np.ndarray], as_device: bool = False
) -> tuple[list[np.ndarray], _Times]:
    """The results, and seconds: of each launch; before the first launch; and, from the start, to the end of the last
    launch and of the run."""
    mark, between = plan.backend.mark, plan.backend.seconds_between
    begins: list[Any] = []
    ends: list[Any] = []

    def around(index: int, launch: Launch) -> None:
        begins.append(mark())
        launch()
        ends.append(mark())

    start = mark()
    values = plan.watch(arrays, around, as_device)
    end = mark()
    spans = [between(a, b) for a, b in zip(begins, ends, strict=True)]
    first, last = (begins[0], ends[-1]) if begins else (end, end)
    return values, (spans, between(start, first), (between(start, last), between(start, end)))


def _measure_memory(plan: Plan, arrays: Sequence[np.ndarray]) -> int | None:
    """See `Profile.measured_peak`."""
    on_device = plan.backend.memory_used()
    if on_device is not None:
        return _measure_device_memory(plan, arrays, on_device)
    before, old_maximum = _resident(), _maximum()
    largest = before or 0

    def around(index: int, launch: Launch) -> None:
        nonlocal largest
        launch()
        largest = max(largest, _resident() or 0)

    plan.watch(arrays, around)
    new_maximum = _maximum()
    if new_maximum is not None and old_maximum is not None and new_maximum > old_maximum:
        return max(largest, new_maximum) - (old_maximum if before is None else before)
    return None if before is None else largest - before


def _measure_device_memory(plan: Plan, arrays: Sequence[np.ndarray], before: int) -> int:
    """The most bytes of a device's memory after any launch, beyond those in use before the run."""
    largest = before

    def around(index: int, launch: Launch) -> None:
        nonlocal largest
        launch()
        largest = max(largest, plan.backend.memory_used() or 0)

    plan.watch(arrays, around)
    return largest - before


def _resident() -> int | None:
    """Resident bytes of this process, if /proc reports them."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, AttributeError):
        return None


def _maximum() -> int | None:
    """Peak resident bytes of this process; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if sys.platform == "darwin" else used * 1024


def _mega(nbytes: int) -> str:
    return f"{nbytes / 1e6:.2f}"
