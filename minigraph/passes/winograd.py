"""Convolutions by fewer multiplications: Winograd's forms, where they pay."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from minigraph.core.types import TensorType
from minigraph.ir.hoist import Fixed, changes_variables
from minigraph.ir.program import Builder, Cell, Feed, Instr, Program, Value, copy_instr, reachable
from minigraph.ir.rebuild import Rebuilder, Trial, rebuild_in_order
from minigraph.ops.nn.activation import Relu
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad, Convolution
from minigraph.ops.nn.winograd import (
    WinogradConv2D,
    WinogradFilter,
    WinogradFilterAdjoint,
    WinogradFilterGrad,
    WinogradGrads,
    WinogradInputGrad,
)
from minigraph.ops.nn.winograd_costs import USUAL, Costs
from minigraph.ops.window import Pair
from minigraph.rewrite.choice import Chooser
from minigraph.rewrite.driver import Applied, Change, Missed, Outcome
from minigraph.rewrite.pipeline import Replayable

TILES = {3: (2, 4, 6), 5: (2, 3, 4)}  # the candidates m, by the filter's size

BLOCK = 4 << 20  # bytes of tiles for which the transformed filter, or its gradient, is gone through once
MARGIN = 0.85  # the estimates are about as exact as that
DIRECT = "direct"
TRIAL = 256 << 20  # bytes of images and results in a trial, at most; it may take fewer images than the batch has


class ConvShape(NamedTuple):
    """One convolution, or its gradients: shapes of image, filter and output, bytes of a number, and whether the filter
    is transformed beforehand."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    y: tuple[int, ...]
    itemsize: int
    is_prepared: bool = False
    costs: Costs = USUAL

    def direct(self, kinds: Sequence[type[Convolution]]) -> float:
        """The cost by column matrices."""
        pixels, taps = math.prod(self.y[:3]), self.w[0] * self.w[1]
        moved = sum(self.w[3] if k is Conv2DInputGrad else self.w[2] for k in kinds)
        products = len(kinds) * 2 * pixels * taps * self.w[2] * self.w[3]
        return products + self.costs.columns * self.itemsize * pixels * taps * moved

    def winograd(self, kinds: Sequence[type[Convolution]], m: int) -> float:
        """The cost with tiles of m x m: the products, every pass over the tiles, and the filter: its transform, or
        its way from memory where it is transformed beforehand; and once through it a block (a gradient reads and writes
        its sum)."""
        c, o, r = self.w[2], self.w[3], self.w[0]
        n = m + r - 1
        tiles = self.y[0] * -(-self.y[1] // m) * -(-self.y[2] // m)
        image = 6 * n * n * c  # gathered, and read and written once a transform
        output = n * n * o + 2 * n * m * o + 3 * m * m * o
        product = n * n * (c + o)
        moved = {
            Conv2D: image + product + output,
            Conv2DInputGrad: product + output + 8 * n * n * c,
            Conv2DFilterGrad: image + product + output,
        }
        total = sum(moved[k] for k in kinds) - (output if len(kinds) == 2 else 0)
        blocks = max(1.0, tiles * product * self.itemsize / BLOCK)
        passes = sum(3 if k is Conv2DFilterGrad else 1 for k in kinds)
        transforms = n * n if self.is_prepared else 2 * len(kinds) * (r * r + 2 * n * r + n * n)
        filters = c * o * (blocks * passes * n * n + transforms)
        products = len(kinds) * 2 * n * n * c * o * tiles
        full = max(1.0, self.costs.full / max(min(c, o), 1))
        return products + self.itemsize * (self.costs.tiles * full * total * tiles + self.costs.filters * filters)

    def best(self, kinds: Sequence[type[Convolution]], margin: float = MARGIN) -> int | str:
        """The tile that costs least, or why none is worth it: it must be below `margin` of the direct form's cost."""
        cost, tile = min((self.relative(kinds, m), m) for m in TILES[self.w[0]])
        return (
            f"it is estimated at {cost:.2f} times the direct form, not below {margin} times" if cost >= margin else tile
        )

    def odd_channels(self) -> str | None:
        """Why there are no kernels for so many channels; None where there are."""
        multiple = self.costs.multiple
        if self.w[2] % multiple == self.w[3] % multiple == 0:
            return None
        return f"its {self.w[2]} and {self.w[3]} channels are not multiples of {multiple}"

    def relative(self, kinds: Sequence[type[Convolution]], m: int) -> float:
        """The cost with tiles of m x m to the direct form's."""
        return self.winograd(kinds, m) / max(self.direct(kinds), 1)


class _Unit:
    """Instructions to be made anew together: one, or an input gradient and a filter gradient."""

    def __init__(self, members: Sequence[Instr]) -> None:
        self.members = members
        self.tile: int | str = ""  # of the Winograd form, or why there is none


def _site(instr: Instr) -> ConvShape:
    op, first, second = instr.op, *(v.type.static for v in instr.inputs)
    size = instr.types[0].dtype.np_dtype.itemsize
    if isinstance(op, Conv2DInputGrad):
        return ConvShape(op.shape, first, second, size)
    if isinstance(op, Conv2DFilterGrad):
        return ConvShape(first, op.shape, second, size)
    return ConvShape(first, second, instr.types[0].static, size)


def _is_convolution(instr: Instr) -> bool:
    return isinstance(instr.op, Conv2D | Conv2DInputGrad | Conv2DFilterGrad)


def _unfit(instr: Instr) -> str | None:
    op, site = instr.op, _site(instr)
    assert isinstance(op, Convolution)
    if instr.control:
        return "it has control inputs"
    if op.strides != (1, 1) or op.dilations != (1, 1):
        return f"its strides are {op.strides} and its dilations {op.dilations}, not 1"
    if site.w[0] != site.w[1] or site.w[0] not in TILES:
        return f"its filter is {site.w[0]}x{site.w[1]}, not 3x3 or 5x5"
    if op.groups != 1:
        return f"it has {op.groups} groups"
    return None if site.itemsize >= 4 else f"{instr.types[0].dtype.name} is not exact enough"


def _pads(instr: Instr) -> tuple[Pair, Pair]:
    op, site = instr.op, _site(instr)
    assert isinstance(op, Convolution)
    return op.window(site.w).pads(site.x[1], site.x[2])


def _first_reads(program: Program) -> dict[Instr, int]:
    """The place of the first reader of each instruction."""
    out: dict[Instr, int] = {}
    for place, instr in enumerate(program.instrs):
        for before in instr.predecessors:
            out.setdefault(before, place)
    return out


def _units(program: Program) -> list[_Unit]:
    """All instructions, gradients of the same δ in pairs."""
    first_read = _first_reads(program)
    waiting: dict[tuple[Value, ConvShape, tuple[Pair, Pair]], list[_Unit]] = {}
    units: list[_Unit] = []
    for place, instr in enumerate(program.instrs):
        unit = _Unit([instr])
        if isinstance(instr.op, Conv2DInputGrad | Conv2DFilterGrad) and _unfit(instr) is None:
            alike = waiting.setdefault((instr.inputs[1], _site(instr), _pads(instr)), [])
            other = next((u for u in alike if _can_join(u.members[0], instr, place, first_read)), None)
            if other is not None:
                other.members = [other.members[0], instr]
                alike.remove(other)
                continue
            alike.append(unit)
        units.append(unit)
    return units


def _can_join(first: Instr, second: Instr, place: int, first_read: dict[Instr, int]) -> bool:
    """Whether `first`, of another kind than `second`, can be done as late as that, which is at `place`."""
    return type(first.op) is not type(second.op) and first_read.get(first, place + 1) > place


@dataclass(frozen=True)
class WinogradPass(Replayable):
    """Winograd convolution.

    before      y = conv2d(x, w); dx = its input gradient (w, δ) and dw = its filter gradient (x, δ)
    after       U = winograd_filter(w), y = winograd_conv2d(x, U); dx, dU = winograd_grads(x, U, δ), or one of them
                alone, and dw = winograd_filter_adjoint(dU)
    conditions  a filter of 3x3 or 5x5, stride 1, no dilation, one group, float32 or float64; no control inputs; and its
                estimated cost is below `margin` times the direct form's, by `costs`, unless a `chooser` decides. The
                two gradients become one where they have δ in common and nothing that comes before the second needs the
                first
    formula     see `ops/nn/winograd.py`. Exact in exact arithmetic; rounding errors grow with the tile (docs/passes.md)
    """

    margin: float = MARGIN
    costs: Costs = USUAL
    chooser: Chooser | None = None
    name: str = field(default="winograd", init=False)

    def tuned(self, chooser: Chooser) -> WinogradPass:
        """The pass whose choices `chooser` makes."""
        return replace(self, chooser=chooser)

    def run(self, program: Program) -> Outcome:
        units = _units(program)
        is_fixed = (lambda _: False) if changes_variables(program) else Fixed()
        applied: list[Applied] = []
        missed: list[Missed] = []
        changes: list[Change] = []
        for unit in units:
            if not _is_convolution(unit.members[0]):
                continue
            unit.tile, reason = self._choose(unit.members, is_fixed)
            values = tuple(_made(unit.members, unit.tile, Trial(), lambda v: v))
            changes.append(Change(tuple(unit.members), values, partial(self._redo, unit.tile, is_fixed)))
            for each in unit.members:
                if isinstance(unit.tile, str):
                    missed.append(Missed(self.name, each.name, each.name, unit.tile))
                else:
                    applied.append(Applied(self.name, each.name, str(each.source), reason))
        if not applied:
            return Outcome(program, [], missed, 1, changes)
        return Outcome(_replace(program, units), applied, missed, 1, changes)

    def _redo(
        self, tile: int | str, is_fixed: Callable[[Value], bool], members: Sequence[Instr], new: Rebuilder
    ) -> Sequence[Value] | str:
        other, _ = self._choose(members, is_fixed)
        if other != tile and (isinstance(other, int) or isinstance(tile, int)):
            return f"its tile is {other}, not {tile}"
        if len({(_site(i), _pads(i)) for i in members}) != 1:
            return "its gradients are of two convolutions"
        return _made(members, tile, new, lambda v: v)

    def _choose(self, members: Sequence[Instr], is_fixed: Callable[[Value], bool]) -> tuple[int | str, str]:
        """The tile, or why there is none; and what is said of it."""
        prepared = isinstance(members[0].op, Conv2D) and is_fixed(members[0].inputs[1])
        site = _site(members[0])._replace(is_prepared=prepared, costs=self.costs)
        kinds = [type(i.op) for i in members if isinstance(i.op, Convolution)]
        unfit = _unfit(members[0]) or site.odd_channels()
        tile = unfit or site.best(kinds, self.margin)
        if self.chooser is None or unfit or 0 in (*site.x, *site.w, *site.y):
            if isinstance(tile, str):
                return tile, ""
            return tile, f"{_label(tile, site)}, estimated at {site.relative(kinds, tile):.2f} times the direct form"
        expected = DIRECT if isinstance(tile, str) else _label(tile, site)
        trial = _trial(members, is_fixed)
        ways: dict[str, Callable[[], Program]] = {DIRECT: lambda: trial}
        tiles = {_label(m, site): m for m in TILES[site.w[0]]}
        ways |= {label: partial(_with_tile, trial, m) for label, m in tiles.items()}
        choice = self.chooser(trial, ways, expected)
        if choice.label == DIRECT:
            return choice.reason, ""
        return tiles[choice.label], f"{choice.label}, {choice.reason}"


def _label(tile: int, site: ConvShape) -> str:
    return f"F({tile}x{tile}, {site.w[0]}x{site.w[1]})"


def _trial(members: Sequence[Instr], is_fixed: Callable[[Value], bool]) -> Program:
    """The instructions by themselves, on at most as many images as TRIAL allows; as in most networks, an operation by
    elements comes after a convolution, and one makes the gradient that is handed to it. What `is_fixed` is a variable.
    """
    site = _site(members[0])
    size = min(site.x[0], max(1, TRIAL // (site.itemsize * (math.prod(site.x[1:]) + math.prod(site.y[1:])))))
    builder = Builder()
    values: dict[Value, Value] = {}
    feeds: list[TensorType] = []
    for instr in members:
        how = instr.op.batching([v.type for v in instr.inputs], instr.types)
        assert how is not None
        for value, is_cut in zip(instr.inputs, how.cut, strict=True):
            if value in values:
                continue
            kind = value.type
            if is_cut:
                kind = TensorType(kind.dtype, (size, *kind.static[1:]))
            if is_fixed(value) and not is_cut:
                made = builder.add(Cell(f"operand{len(values)}", kind))
            else:
                made = builder.add(Feed(len(feeds), kind))
                feeds.append(kind)
            is_delta = not isinstance(instr.op, Conv2D) and value == instr.inputs[1]
            values[value] = Value(builder.add(Relu(), [Value(made, 0)]) if is_delta else made, 0)
    for instr in members:
        copy_instr(instr, builder, values, instr.op.for_batch(size))
    results = [values[Value(i, 0)] for i in members]
    if isinstance(members[0].op, Conv2D):
        results = [Value(builder.add(Relu(), results), 0)]
    return Program(reachable(v.instr for v in results), tuple(results), tuple(feeds))


def _with_tile(program: Program, tile: int) -> Program:
    """The program with all of its convolutions by that tile."""
    units = _units(program)
    for unit in units:
        unit.tile = tile if _is_convolution(unit.members[0]) else ""
    return _replace(program, units)


def _replace(program: Program, units: list[_Unit]) -> Program:
    tiles = {unit.members[0]: unit.tile for unit in units if isinstance(unit.tile, int)}

    def emit(members: Sequence[Instr], new: Rebuilder) -> dict[Value, Value]:
        new.current = members[0]
        made = _made(members, tiles[members[0]], new, new.values.__getitem__)
        for instr, value in zip(members[1:], made[1:], strict=True):
            value.instr.names.append(instr.name)
        new.current = None
        return {Value(instr, 0): value for instr, value in zip(members, made, strict=True)}

    return rebuild_in_order(program, [unit.members for unit in units if isinstance(unit.tile, int)], emit)


def _made(
    members: Sequence[Instr], tile: int | str, new: Rebuilder, operand: Callable[[Value], Value]
) -> Sequence[Value]:
    """The values that replace the members' results; `operand` gives the replacement of each operand."""
    if isinstance(tile, str):
        return [Value(i, 0) for i in members]
    site, pads = _site(members[0]), _pads(members[0])
    kernel = site.w[0]
    operands = {type(i.op): [operand(v) for v in i.inputs] for i in members}
    if Conv2D in operands:
        x, w = operands[Conv2D]
        return [new.add(WinogradConv2D(tile, kernel, pads), x, new.add(WinogradFilter(tile, kernel), w))]
    made: dict[object, Value] = {}
    if len(members) == 2:
        (w, grad), (x, _) = operands[Conv2DInputGrad], operands[Conv2DFilterGrad]
        both = new.add_instr(WinogradGrads(tile, kernel, pads), x, new.add(WinogradFilter(tile, kernel), w), grad)
        made = {Conv2DInputGrad: Value(both, 0), Conv2DFilterGrad: Value(both, 1)}
    elif Conv2DInputGrad in operands:
        w, grad = operands[Conv2DInputGrad]
        op = WinogradInputGrad(tile, kernel, pads, site.x)
        made[Conv2DInputGrad] = new.add(op, new.add(WinogradFilter(tile, kernel), w), grad)
    else:
        made[Conv2DFilterGrad] = new.add(WinogradFilterGrad(tile, kernel, pads), *operands[Conv2DFilterGrad])
    if Conv2DFilterGrad in made:
        made[Conv2DFilterGrad] = new.add(WinogradFilterAdjoint(tile, kernel), made[Conv2DFilterGrad])
    return [made[type(i.op)] for i in members]


winograd = WinogradPass()
