"""The programs of a compilation, before and after each pass, and their pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from minigraph.compile.specialise import specialise
from minigraph.core.errors import MinigraphError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.ir import Program
from minigraph.core.types import TensorType, format_shape
from minigraph.ops.constant import Placeholder
from minigraph.passes import choose
from minigraph.rewrite.pipeline import run_pipeline
from minigraph.viz.picture import Picture, compare, picture_of_program, track, trainable_names

BEFORE, AFTER = "before", "after"


class VizError(MinigraphError, ValueError):
    """There is nothing to draw, or no such stage."""


class Traced(NamedTuple):
    """The pictures of all stages, the first before any pass; equal boxes have equal ids in all of them."""

    title: str
    names: tuple[str, ...]
    pictures: tuple[Picture, ...]

    def stage(self, name: str) -> int:
        """The position of a stage. VizError, with the names there are, for an unknown one."""
        if name == AFTER:
            return len(self.names) - 1
        if name not in self.names:
            valid = ", ".join(dict.fromkeys((BEFORE, *self.names[1:], AFTER)))
            raise VizError(f"unknown stage '{name}'; there are {valid}")
        return self.names.index(name)

    def picture(self, stage: str) -> Picture:
        return self.pictures[self.stage(stage)]

    def diff(self, stage: str) -> Picture:
        """What the pass `stage` removed and added; for "after" what all passes did together."""
        index = self.stage(stage)
        if index == 0 and len(self.names) > 1:
            raise VizError(f"nothing was done before the first pass; choose {', '.join(self.names[1:])} or {AFTER}")
        start = 0 if stage == AFTER else index - 1
        return compare(self.pictures[start], self.pictures[index], f"{self.title}: what {_what(stage)} changed")


def _what(stage: str) -> str:
    return "all passes" if stage == AFTER else stage


def feeds_for(fetches: Iterable[Tensor | Node], batch_size: int) -> tuple[list[Tensor], list[TensorType]]:
    """The placeholders that `fetches` need and static types for them, with `batch_size` for unknown first dimensions.

    VizError where another dimension is unknown.
    """
    seen: set[Node] = set()
    stack = [f.node if isinstance(f, Tensor) else f for f in fetches]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack += [t.node for t in node.inputs]
            stack += node.control_inputs
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
    """Compile `fetches` as a session would, and draw the program before the passes of `optimize` and after each."""
    tensors = [f for f in fetches if isinstance(f, Tensor)]
    targets = [f for f in fetches if isinstance(f, Node)]
    feeds, types = feeds_for(fetches, batch_size)
    before = specialise(tensors, targets, feeds, types)
    _, stages = run_pipeline(before, choose(optimize, None, ()))
    programs: list[Program] = [before, *(s.program for s in stages)]
    names = [BEFORE]
    for stage in stages:
        again = sum(n == stage.name or n.startswith(stage.name + "-") for n in names)
        names.append(f"{stage.name}-{again + 1}" if again else stage.name)
    known = trainable_names(graph)
    pictures = []
    for name, program, ids in zip(names, programs, track(programs), strict=True):
        when = "before all passes" if name == BEFORE else f"after {name}"
        pictures.append(picture_of_program(program, f"{title} {when}".strip(), known, ids))
    return Traced(title, tuple(names), tuple(pictures))
