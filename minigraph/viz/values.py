"""The values of one run for the page: statistics and a picture of each, and where NaN began."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minigraph.compile.plan import Plan
from minigraph.inspect.values import Origin, RecordedPlan, Statistics
from minigraph.ir.program import Cell, Feed, Instr, Program, Value
from minigraph.ops.constant import Const
from minigraph.ops.identity import Identity
from minigraph.ops.state.variable import ReadVariable
from minigraph.viz.orientation import TO_LAST, channels_first
from minigraph.viz.picture import Picture
from minigraph.viz.tiles import TilePicture, kind_of, most_bytes, shares, tiles

BUDGET = 900_000  # bytes of all pictures; about 1.1 MB in the page
_LAYER = 8  # how many times the bytes of another value the result of a layer gets
_LEAST = 24  # bytes, below which there is no picture


class RecordedValue(NamedTuple):
    """A value of the run."""

    statistics: Statistics
    picture: TilePicture | None


class Values(NamedTuple):
    """The values of a run by the name of their node, where NaN and infinity began, and what was fed, in words.

    channels: the order of the colours of the images that are fed, "RGB" or "BGR".
    """

    of: Mapping[str, RecordedValue] = {}
    origins: Sequence[Origin] = ()
    fed: str = ""
    channels: str = "RGB"


def record(plan: Plan, arrays: Sequence[np.ndarray], before: Picture, fed: str = "", channels: str = "RGB") -> Values:
    """Run the program of a plan, as it is before the passes, once, and record its values.

    arrays: the feeds by slot. before: the picture of that program.
    """
    found: dict[str, RecordedValue] = {}
    first = channels_first(plan.original)
    kinds = _kinds(plan.original, before, first)
    first -= {instr for instr, kind in kinds.items() if kind == "filters"}
    needs = _needs(plan.original, before, kinds, first)
    budgets = shares(needs, BUDGET)

    def visit(instr: Instr, array: np.ndarray, known: Statistics) -> None:
        picture = None
        if instr in needs and budgets[instr] >= min(_LEAST, needs[instr][0]):
            drawn = array.transpose(TO_LAST) if instr in first else array
            picture = tiles(drawn, kinds[instr], budgets[instr])
        found[instr.name] = RecordedValue(known, picture)

    recorded = RecordedPlan(plan.original, plan.backend, plan.store)
    origins = recorded.record(arrays, visit)
    for instr in plan.original.instrs:
        source = _shown(instr)
        if source is not instr and source.name in found:
            found.setdefault(instr.name, found[source.name])
    return Values(found, origins, fed, channels)


def _shown(instr: Instr) -> Instr:
    """The instruction whose result this one passes on unchanged."""
    while instr.inputs and (instr.op.is_view or isinstance(instr.op, Identity | ReadVariable)):
        instr = instr.inputs[0].instr
    return instr


def _kinds(program: Program, before: Picture, first: Collection[Instr]) -> dict[Instr, str]:
    """The kind of picture of each instruction's first result; "" for none.

    Of gradients and updates, those in the shape of a variable are taken for the variable's.
    """
    weights = {_shape(Value(i, 0)) for i in program.instrs if isinstance(i.op, Cell)}
    found = {}
    for instr, box in zip(program.instrs, before.boxes, strict=True):
        drawn = instr.types and instr.types[0].dtype.is_floating and _shown(instr) is instr
        shape = _shape(Value(instr, 0)) if drawn else ()
        constant = isinstance(instr.op, Const | Cell)
        of_weights = constant or (box.part in ("gradient", "update") and shape in weights)
        shape = shape if of_weights else _last(shape, instr in first)
        kind = kind_of(shape, of_weights, isinstance(instr.op, Feed)) if shape else ""
        found[instr] = kind
    return found


def _shape(value: Value) -> tuple[int, ...]:
    return value.type.static


def _last(shape: tuple[int, ...], first: bool) -> tuple[int, ...]:
    """A shape with the channels last; first: whether they come first in it."""
    return tuple(shape[axis] for axis in TO_LAST) if first and len(shape) == 4 else shape


def _needs(
    program: Program, before: Picture, kinds: Mapping[Instr, str], first: Collection[Instr]
) -> dict[Instr, tuple[int, int]]:
    """The bytes of the largest picture of each instruction, and its weight: results of layers come first."""
    last: dict[tuple[object, ...], Instr] = {}
    for instr, box in zip(program.instrs, before.boxes, strict=True):
        if kinds[instr] and box.part != "update":
            last[(box.layer, box.part, kinds[instr] == "filters")] = instr
    heads = set(last.values())
    return {
        instr: (most_bytes(_last(instr.types[0].static, instr in first), kind), _LAYER if instr in heads else 1)
        for instr, kind in kinds.items()
        if kind
    }
