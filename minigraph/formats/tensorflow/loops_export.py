"""minigraph's loops as frames of TensorFlow's graphs: Enter, Merge, Switch, NextIteration and Exit.

Values of all steps go into a TensorArray. `loops.py` has the importers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from minigraph.core.dtypes import DType, bool_, float32, int32, int64
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType
from minigraph.formats.tensorflow.emit import Exporter, TfExport, TfGraph
from minigraph.formats.tensorflow.values import Dims
from minigraph.ir.scan import LoopBody, ScanLoop, WhileLoop

_RESOURCE = DType("resource", np.dtype(np.object_))  # of a handle


class _Named(NamedTuple):
    """A tensor of TensorFlow's graph."""

    name: str
    dtype: DType


Step = Callable[[TfExport, Sequence[str], Sequence[str]], Sequence[str]]


def _frame(e: TfExport, first: Sequence[_Named], fixed: Sequence[_Named], test: Step, step: Step) -> list[str]:
    """The last values of a loop's variables.

    first: the variables at first; fixed: what does not change. test: the condition from both. step: the next values.
    """
    control = e.control

    def enter(label: str, tensor: _Named, constant: bool) -> str:
        attributes = {"frame_name": e.name, "is_constant": constant, "parallel_iterations": 10}
        return e.help("Enter", label, tensor.name, *control, T=tensor.dtype, **attributes)

    entered = [enter("Enter", x, False) for x in first]
    constants = [enter("constant", x, True) for x in fixed]
    following = [e.sheet.fresh(f"{e.name}/NextIteration") for _ in first]
    merged = [
        e.help("Merge", "Merge", x, n, T=kind, N=2) for x, n, (_, kind) in zip(entered, following, first, strict=True)
    ]
    (go,) = test(e.within(merged[0]), merged, constants)
    go = e.help("LoopCond", "LoopCond", go)
    switches = [e.help("Switch", "Switch", x, go, T=kind) for x, (_, kind) in zip(merged, first, strict=True)]
    states = [e.help("Identity", "Identity", f"{s}:1", T=kind) for s, (_, kind) in zip(switches, first, strict=True)]
    new = step(e.within(states[0]), states, constants)
    for name, value, (_, kind) in zip(following, new, first, strict=True):
        e.sheet.add("NextIteration", name, [value], {"T": kind})
    return [e.help("Exit", "Exit", s, T=kind) for s, (_, kind) in zip(switches, first, strict=True)]


class _Arrays:
    """Arrays of the values of all steps, by their handles and flows. size: the name of their number, if it is known."""

    def __init__(self, e: TfExport, types: Sequence[TensorType], size: str | None) -> None:
        self._e = e
        self._types = types
        length = e.number(0, int32, "size") if size is None else size
        self._names = [e.help("TensorArrayV3", "TensorArray", length, dtype=t.dtype, dynamic_size=size is None,
                              element_shape=Dims(t.shape)) for t in types]  # fmt: skip

    @property
    def handles(self) -> list[_Named]:
        return [_Named(name, _RESOURCE) for name in self._names]

    @property
    def flows(self) -> list[_Named]:
        return [_Named(f"{name}:1", float32) for name in self._names]

    def written(
        self, inside: TfExport, handles: Sequence[str], index: str, values: Sequence[str], flows: Sequence[str]
    ) -> list[str]:
        """The flows when the values of a step are written."""
        parts = zip(self._types, handles, values, flows, strict=True)
        return [inside.help("TensorArrayWriteV3", "Write", h, index, v, f, T=t.dtype) for t, h, v, f in parts]

    def stacked(self, flows: Sequence[str]) -> list[str]:
        """The values of all steps along a new first axis."""
        e, found = self._e, []
        for kind, name, flow in zip(self._types, self._names, flows, strict=True):
            size = e.help("TensorArraySizeV3", "Size", name, flow)
            zero, one = (e.number(n, int32, "step") for n in (0, 1))
            places = e.help("Range", "range", zero, size, one, Tidx=int32)
            shape = Dims(kind.shape)
            found.append(
                e.help("TensorArrayGatherV3", "Gather", name, places, flow, dtype=kind.dtype, element_shape=shape)
            )
        return found


def _while(e: TfExport) -> None:
    op: WhileLoop = e.op
    limit, go, *rest = e.reads
    kinds = [t.dtype for t in e.inputs[2:]]
    given = list(map(_Named, rest, kinds))
    arrays = _Arrays(e, [t.type for t in op.body.outputs[1 + op.carried :]], None)
    first = [_Named(e.number(0, int64, "start"), int64), _Named(go, bool_), *given[: op.carried], *arrays.flows]
    fixed = [_Named(limit, int64), *given[op.carried :], *arrays.handles]
    handles = 1 + len(given) - op.carried

    def test(inside: TfExport, states: Sequence[str], constants: Sequence[str]) -> list[str]:
        more = inside.help("Less", "Less", states[0], constants[0], T=int64)
        flat = inside.help(
            "Reshape", "go", states[1], inside.constant(np.zeros(0, np.int32), "scalar"), T=bool_, Tshape=int32
        )
        return [inside.help("LogicalAnd", "And", more, flat)]

    def step(inside: TfExport, states: Sequence[str], constants: Sequence[str]) -> list[str]:
        number, carried, flows = states[0], states[1 : 2 + op.carried], states[2 + op.carried :]
        found = _body(inside, op.body, [number, *carried, *constants[1:handles]])
        values, index = found[1 + op.carried :], inside.help("Cast", "index", number, SrcT=int64, DstT=int32)
        written = arrays.written(inside, constants[handles:], index, values, flows)
        return [_next(inside, number), *found[: 1 + op.carried], *written]

    last = _frame(e, first, fixed, test, step)
    e.alias(*last[2 : 2 + op.carried], *arrays.stacked(last[2 + op.carried :]))


def _scan(e: TfExport) -> None:
    op: ScanLoop = e.op
    names, kinds = e.reads, [t.dtype for t in e.inputs]
    given = list(map(_Named, names, kinds))
    shape = e.help("Shape", "Shape", names[op.carried], T=kinds[op.carried], out_type=int64)
    begin, one = (e.constant(np.array([n], np.int64), "place") for n in (0, 1))
    row = e.help("Slice", "length", shape, begin, one, T=int64, Index=int64)
    length = e.help("Reshape", "Reshape", row, e.constant(np.zeros(0, np.int32), "scalar"), T=int64, Tshape=int32)
    arrays = _Arrays(e, [t.type for t in op.body.outputs[op.carried :]],
                     e.help("Cast", "size", length, SrcT=int64, DstT=int32))  # fmt: skip
    first = [_Named(e.number(0, int64, "start"), int64), *given[: op.carried], *arrays.flows]
    fixed = [_Named(length, int64), *given[op.carried :], *arrays.handles]
    handles = 1 + len(given) - op.carried

    def test(inside: TfExport, states: Sequence[str], constants: Sequence[str]) -> list[str]:
        return [inside.help("Less", "Less", states[0], constants[0], T=int64)]

    def step(inside: TfExport, states: Sequence[str], constants: Sequence[str]) -> list[str]:
        place, rest = states[0], constants[1:handles]
        if op.reverse:
            left = inside.help("Sub", "left", constants[0], place, T=int64)
            place = inside.help("Sub", "place", left, inside.number(1, int64), T=int64)
        zero = inside.number(0, int32, "axis")
        rows = [inside.help("GatherV2", "row", s, place, zero,
                            Tparams=kinds[op.carried + i], Tindices=int64, Taxis=int32)
                for i, s in enumerate(rest[: op.scanned])]  # fmt: skip
        found = _body(inside, op.body, [*states[1 : 1 + op.carried], *rows, *rest[op.scanned :]])
        index = inside.help("Cast", "index", place, SrcT=int64, DstT=int32)
        flows = states[1 + op.carried :]
        written = arrays.written(inside, constants[handles:], index, found[op.carried :], flows)
        return [_next(inside, states[0]), *found[: op.carried], *written]

    last = _frame(e, first, fixed, test, step)
    e.alias(*last[1 : 1 + op.carried], *arrays.stacked(last[1 + op.carried :]))


def _next(inside: TfExport, number: str) -> str:
    return inside.help("Add", "next", number, inside.number(1, int64, "one"), T=int64)


def _body(inside: TfExport, body: LoopBody, given: Sequence[str]) -> list[str]:
    """The results of a body's nodes, written in the frame of a loop."""
    sheet: TfGraph = inside.sheet
    sheet.names.update(dict[Tensor, str](zip(body.inputs, given, strict=True)))
    for node in body.nodes:
        sheet.emit(TfExport(sheet, node, sheet.fresh(f"{inside.name}/{node.name.rpartition('/')[2]}")))
    return [sheet.names[t] for t in body.outputs]


# Arrays that a loop fills: tensors whose first axis counts the elements.


def _empty(e: TfExport) -> None:
    one = e.constant([1], "one")
    size = e.help("Reshape", "size", e.read(), one, T=e.dtype(), Tshape=int32)
    e.give("Fill", size, e.number(0, e.op.dtype, "value"), T=e.op.dtype, index_type=e.dtype())


def _write(e: TfExport) -> None:
    """The array with space for elements of the value's shape, which it may not have had, and with the value."""
    array, index, value = e.reads
    kind, rank = e.dtype(), e.rank(2)
    place = e.help("Reshape", "place", index, e.constant([1], "one"), T=e.dtype(1), Tshape=int32)
    place = e.help("Cast", "index", place, SrcT=e.dtype(1), DstT=int32)
    shape = e.help("Shape", "Shape", array, T=kind, out_type=int32)
    length = e.help("Slice", "length", shape, e.constant([0], "begin"), e.constant([1], "one"), T=int32, Index=int32)
    axis = e.number(0, int32, "axis")

    def along(first: str, rest: str) -> str:
        return e.help("ConcatV2", "concat", first, rest, axis, T=int32, Tidx=int32, N=2)

    element = e.help("Shape", "element", value, T=kind, out_type=int32)
    if rank:
        count = e.help("Size", "count", array, T=kind, out_type=int32)
        same = e.help("Equal", "Equal", length, count, T=int32)
        scalar = e.help("Reshape", "blank", same, e.constant(np.zeros(0, np.int32), "scalar"), T=bool_, Tshape=int32)
        before = e.help("Select", "before", scalar, e.constant([1] * rank, "ones"), element, T=int32)
        array = e.help("Reshape", "Reshape", array, along(length, before), T=kind, Tshape=int32)
        array = e.help("BroadcastTo", "BroadcastTo", array, along(length, element), T=kind, Tidx=int32)
    if e.op.grows:
        behind = e.help("Sub", "Sub", place, length, T=int32)
        missing = e.help("Add", "Add", behind, e.constant([1], "one"), T=int32)
        more = e.help("Maximum", "more", missing, e.constant([0], "none"), T=int32)
        space = e.help("Fill", "space", along(more, element), e.number(0, kind, "zero"), T=kind, index_type=int32)
        array = e.help("ConcatV2", "array", array, space, axis, T=kind, Tidx=int32, N=2)
    places = e.help("ExpandDims", "indices", place, axis, T=int32, Tdim=int32)
    values = e.help("ExpandDims", "updates", value, axis, T=kind, Tdim=int32)
    e.give("TensorScatterUpdate", array, places, values, T=kind, Tindices=int32)


EXPORT: dict[str, Exporter] = {
    "EmptyArray": _empty,
    "Scan": _scan,
    "ScanLoop": _scan,
    "WhileLoop": _while,
    "WriteElement": _write,
}
