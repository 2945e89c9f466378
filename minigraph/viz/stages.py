"""The programs of a compilation, before and after each pass, and their pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from minigraph.compile.plan import Plan
from minigraph.compile.specialise import specialise
from minigraph.core.errors import MinigraphError, UnknownNameError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.types import TensorType, format_shape
from minigraph.graphs.walk import needed
from minigraph.inspect.profile import LaunchProfile, Profile
from minigraph.ir.program import Instr, Program
from minigraph.ops.constant import Placeholder
from minigraph.passes import choose
from minigraph.rewrite.pipeline import Stage, run_pipeline
from minigraph.util.gc_pause import paused
from minigraph.viz.picture import Picture, compare, picture_of_program, track, trainable_names
from minigraph.viz.planned import Planned, planned
from minigraph.viz.values import Values

BEFORE, AFTER = "before", "after"


class VizError(MinigraphError, ValueError):
    """Nothing to draw, or an unknown stage."""


class UnknownStageError(VizError, UnknownNameError):
    """No stage has this name, or no picture can be written with this suffix."""


class Timed(NamedTuple):
    """A launch, and the id of its box in the last picture."""

    box: str
    launch: LaunchProfile


class Traced(NamedTuple):
    """The pictures of all stages, starting before the first pass. Equal boxes have equal ids in all pictures.

    launches, summary: of a profile, if any; the boxes of the last picture then have seconds. records: of the passes.
    planned: of a plan, if there is one. values: of a recorded run.
    """

    title: str
    names: tuple[str, ...]
    pictures: tuple[Picture, ...]
    launches: tuple[Timed, ...] = ()
    summary: str = ""
    records: tuple[Stage, ...] = ()
    planned: Planned = Planned()
    values: Values = Values()

    def stage(self, name: str) -> int:
        """The position of a stage. Raises VizError, with the valid names, for an unknown one."""
        if name == AFTER:
            return len(self.names) - 1
        if name not in self.names:
            valid = ", ".join(dict.fromkeys((BEFORE, *self.names[1:], AFTER)))
            raise UnknownStageError(f"unknown stage '{name}'; there are {valid}")
        return self.names.index(name)

    def picture(self, stage: str) -> Picture:
        return self.pictures[self.stage(stage)]

    def diff(self, stage: str) -> Picture:
        """The boxes that the pass `stage` removed and added; "after": those of all passes together."""
        index = self.stage(stage)
        if index == 0 and len(self.names) > 1:
            raise VizError(f"no pass runs before this stage; choose {', '.join(self.names[1:])} or {AFTER}")
        start = 0 if stage == AFTER else index - 1
        return compare(self.pictures[start], self.pictures[index], f"{self.title}: what {_what(stage)} changed")


def _what(stage: str) -> str:
    return "all passes" if stage == AFTER else stage


def feeds_for(fetches: Iterable[Tensor | Node], batch_size: int) -> tuple[list[Tensor], list[TensorType]]:
    """The placeholders that `fetches` need and static types for them, with `batch_size` for unknown first dimensions.

    Raises VizError if another dimension is unknown.
    """
    seen = needed(f.node if isinstance(f, Tensor) else f for f in fetches)
    feeds = [n.outputs[0] for n in sorted(seen, key=lambda n: n.id) if isinstance(n.op, Placeholder)]
    return feeds, [_static(t, batch_size) for t in feeds]


def _static(tensor: Tensor, batch_size: int) -> TensorType:
    shape = tensor.type.shape
    if shape and shape[0] is None:
        shape = (batch_size, *shape[1:])
    if shape is None or None in shape:
        raise VizError(
            f"only the first dimension of a placeholder may be unknown, but '{tensor.name}' has the shape "
            f"{format_shape(tensor.type.shape)} (made at {tensor.node.source.describe()})"
        )
    return TensorType(tensor.dtype, shape)


def trace(
    graph: Graph,
    fetches: Sequence[Tensor | Node],
    *,
    title: str = "",
    batch_size: int = 32,
    optimize: str = "O3",
) -> Traced:
    """Compile `fetches` as a session does, and draw the program before the passes of `optimize` and after each."""
    feeds, types = feeds_for(fetches, batch_size)
    with paused():
        before = specialise(*split_fetches(fetches), feeds, types)
        _, stages = run_pipeline(before, choose(optimize, None, ()))
        return _draw(title, before, stages, trainable_names(graph))[0]


def trace_plan(plan: Plan, graph: Graph | None = None, title: str = "plan") -> Traced:
    """The stages of a plan, with its arena. graph: the one that a session made it for."""
    traced, ids = _draw(title, plan.original, _stages(plan), None if graph is None else trainable_names(graph))
    return traced._replace(planned=planned(plan, ids))


def _stages(plan: Plan) -> list[Stage]:
    """The records of the passes, and one of what the backend does after them."""
    stages = list(plan.stages)
    if stages and stages[-1].program is not plan.program:  # without what is kept between runs
        stages.append(Stage("split", plan.program, [], [], 0, 0.0))
    return stages


def trace_profile(graph: Graph, plan: Plan, profile: Profile, title: str = "") -> Traced:
    """The stages of a plan that a session made for parts of `graph`, with its measurements in the last stage."""
    traced, ids = _draw(title, plan.original, _stages(plan), trainable_names(graph))
    timed = [Timed(ids[step.instr], launch) for step, launch in zip(plan.steps, profile.launches, strict=True)]
    seconds: dict[str, float] = {}
    for each in timed:
        seconds[each.box] = seconds.get(each.box, 0.0) + each.launch.seconds
    last = traced.pictures[-1]
    boxes = tuple(replace(b, seconds=seconds[b.id]) if b.id in seconds else b for b in last.boxes)
    pictures = (*traced.pictures[:-1], replace(last, boxes=boxes))
    shown = planned(plan, ids)
    return traced._replace(pictures=pictures, launches=tuple(timed), summary=profile.summary(), planned=shown)


def split_fetches(fetches: Iterable[Tensor | Node]) -> tuple[list[Tensor], list[Node]]:
    """The tensors and the operations, as `specialise` takes them."""
    fetches = list(fetches)
    return [f for f in fetches if isinstance(f, Tensor)], [f for f in fetches if isinstance(f, Node)]


def _draw(
    title: str, before: Program, stages: Sequence[Stage], known: frozenset[str] | None
) -> tuple[Traced, dict[Instr, str]]:
    """The pictures, and the ids of the last program's instructions."""
    programs: list[Program] = [before, *(s.program for s in stages)]
    names = [BEFORE]
    for stage in stages:
        again = sum(n == stage.name or n.startswith(stage.name + "-") for n in names)
        names.append(f"{stage.name}-{again + 1}" if again else stage.name)
    all_ids = track(programs)
    pictures: list[Picture] = []
    for name, program, ids in zip(names, programs, all_ids, strict=True):
        when = "before all passes" if name == BEFORE else f"after {name}"
        layers = pictures[0].layers if pictures else None
        pictures.append(picture_of_program(program, f"{title} {when}".strip(), known, ids, layers))
    last = dict(zip(programs[-1].instrs, all_ids[-1], strict=True))
    return Traced(title, tuple(names), tuple(pictures), records=tuple(stages)), last
