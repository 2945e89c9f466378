"""Loops of TensorFlow's graphs: frames of Enter, Merge, Switch, NextIteration and Exit, and the arrays that they fill.

Source: Yu et al., "Dynamic control flow in large-scale machine learning", 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.dtypes import int32
from minigraph.core.graph import Tensor
from minigraph.formats.tensorflow.node import Importer, TfNode
from minigraph.formats.tensorflow.values import UnreadableError
from minigraph.graphs.importing import base_name, full_name
from minigraph.ops.array.gathering import GatherV2
from minigraph.ops.array.known import static_value
from minigraph.ops.array.shape import shape
from minigraph.ops.builder import apply
from minigraph.ops.constant import Const
from minigraph.ops.control.arrays import EmptyArray, WriteElement
from minigraph.ops.filling import ZerosLike
from minigraph.ops.host.host_ops import Range
from minigraph.ops.identity import Identity

ENTER, EXIT, MERGE = ("Enter", "RefEnter"), ("Exit", "RefExit"), ("Merge", "RefMerge")
NEXT, SWITCH = ("NextIteration", "RefNextIteration"), ("Switch", "RefSwitch")
LOOPS = frozenset((*ENTER, *EXIT, *NEXT, "LoopCond"))
Path = tuple[str, ...]  # the frames around a node, the outermost first


class LoopVariable(NamedTuple):
    """A variable of a loop, by the names of its nodes.

    switch: None if only the condition reads it. exit: None if nothing reads its last value.
    """

    enter: str
    merge: str
    switch: str | None
    next: str  # the tensor that NextIteration takes
    exit: str | None


class LoopFrame(NamedTuple):
    """A loop. constants: Enter nodes of what does not change. cond: the tensor that decides. test: its nodes."""

    path: Path
    variables: list[LoopVariable]
    constants: list[str]
    cond: str
    test: set[str]
    structure: set[str]  # the nodes that make the loop, which compute nothing


def paths_of(messages: Mapping[str, Any]) -> dict[str, Path]:
    """The frames around each node that is in one."""
    readers: dict[str, list[str]] = {}
    for node in messages.values():
        for name in map(base_name, node.input):
            readers.setdefault(name, []).append(node.name)
    paths: dict[str, Path] = {}
    todo = [node.name for node in messages.values() if node.op in ENTER]
    while todo:
        node = messages[todo.pop()]
        around = max((paths.get(base_name(i), ()) for i in node.input), key=len, default=())
        if node.op in ENTER:
            around = (*around, node.attr["frame_name"].s.decode(errors="backslashreplace"))
        elif node.op in EXIT:
            around = around[:-1]
        if len(around) > len(paths.get(node.name, ())):
            if len(around) > _DEEPEST:
                raise UnreadableError(f"node '{node.name}' ({node.op}): more than {_DEEPEST} loops lie in each other")
            paths[node.name] = around
            todo += readers.get(node.name, [])
    return paths


_DEEPEST = 16


def frame_of(path: Path, messages: Mapping[str, Any], paths: Mapping[str, Path]) -> LoopFrame:
    """The loop of these nodes. UnreadableError if they make none."""
    inside = [messages[n] for n, p in paths.items() if p == path]
    exits, copies = _exits(path, messages, paths)
    conds = [n for n in inside if n.op == "LoopCond"]
    if len(conds) != 1:
        raise UnreadableError(f"the loop '{path[-1]}' has {len(conds)} conditions")
    (cond,) = conds
    switches = {base_name(n.input[0]): n for n in inside if n.op in SWITCH and cond.name in map(base_name, n.input[1:])}
    variables = []
    entered = set()
    for merge in inside:
        sides = [messages[n] for n in map(base_name, merge.input) if n in messages] if merge.op in MERGE else []
        enters, nexts = ([s for s in sides if s.op in kinds] for kinds in (ENTER, NEXT))
        if len(sides) != 2 or not enters or not nexts:
            continue
        switch = switches[merge.name].name if merge.name in switches else None
        leave = exits.get(switch or "")
        value = full_name(nexts[0].input[0])
        variables.append(LoopVariable(enters[0].name, merge.name, switch, value, leave.name if leave else None))
        entered |= {enters[0].name, merge.name, nexts[0].name, *([switch] if switch else [])}
    constants = [n.name for n in inside if n.op in ENTER and n.name not in entered]
    structure = entered | {*constants, *copies, cond.name}
    among = {n for n, p in paths.items() if p[: len(path)] == path} - structure
    test = _before(base_name(cond.input[0]), among, path, messages, paths)
    return LoopFrame(path, variables, constants, full_name(cond.input[0]), test, structure)


def _exits(path: Path, messages: Mapping[str, Any], paths: Mapping[str, Path]) -> tuple[dict[str, Any], set[str]]:
    """The Exit nodes by what they leave, and the copies between a Switch and them, as gradients of loops have."""
    exits, copies = {}, set()
    for node in messages.values():
        if node.op in EXIT:
            source, between = base_name(node.input[0]), set[str]()
            while paths.get(source) == path and messages[source].op == "Identity" and source not in between:
                between.add(source)
                source = base_name(messages[source].input[0])
            if paths.get(source) == path and messages[source].op in SWITCH:
                exits[source] = node
                copies |= between
    return exits, copies


def _before(name: str, among: set[str], path: Path, messages: Mapping[str, Any], paths: Mapping[str, Path]) -> set[str]:
    """The nodes of `among` that compute this one. Of a loop within `path` they are all, for it runs as a whole."""
    wholes: dict[str | Path, list[str]] = {}
    whole_of: dict[str, str | Path] = {}
    for member in among:
        node = messages[member]
        deeper = paths.get(base_name(node.input[0]) if node.op in EXIT else member, ())[: len(path) + 1]
        whole_of[member] = deeper if len(deeper) > len(path) else member
        wholes.setdefault(whole_of[member], []).append(member)
    found: set[str] = set()
    todo = [name]
    while todo:
        name = todo.pop()
        if name in among and name not in found:
            members = wholes[whole_of[name]]
            found.update(members)
            todo += [base_name(i) for member in members for i in messages[member].input]
    return found


# Arrays. What stands for a handle is a constant: the kind of the array.


_FIXED, _GROWING, _GRADIENT = range(3)


def _array(call: TfNode) -> Sequence[Tensor]:
    kind = np.asarray(_GROWING if call.attr("dynamic_size", False) else _FIXED)
    (flow,) = call.add(EmptyArray(call.dtype("dtype")), call.x)
    return apply(Const(kind)), flow


def _gradient_array(call: TfNode) -> Sequence[Tensor]:
    """An array of the gradients of the elements of another. Its flow is that of the other one, or holds gradients."""
    (flow,) = call.add(Identity(), call.inputs[1])
    return apply(Const(np.asarray(_GRADIENT))), flow


def _write(call: TfNode) -> Sequence[Tensor]:
    """Gradients of elements are written for each read, to be added up: zeros but for the element."""
    _handle, index, value, flow = call.inputs
    if call.known(0) == _GRADIENT:
        flow = apply(ZerosLike(), flow)
    return call.add(WriteElement(call.known(0) == _GROWING), flow, index, value)


def _read(call: TfNode) -> Sequence[Tensor]:
    _handle, index, flow = call.inputs
    return call.add(GatherV2(0), flow, index)


def _gather(call: TfNode) -> Sequence[Tensor]:
    _handle, indices, flow = call.inputs
    (rows,) = call.add(GatherV2(0), flow, indices)
    element = call.attr("element_shape", None)
    if element is not None:
        rows.set_shape((None, *element))
    return (rows,)


def _scatter(call: TfNode) -> Sequence[Tensor]:
    """All elements at once, in order."""
    _handle, indices, value, _flow = call.inputs
    known = call.known(1)
    if known is None:
        first, _, step = indices.node.inputs if isinstance(indices.node.op, Range) else (indices,) * 3
        in_order = static_value(first) == 0 and static_value(step) == 1
    else:
        in_order = known.tolist() == list(range(len(known)))
    if not in_order:
        call.unsupported("the elements of an array are read in their order only")
    return call.add(Identity(), value)


def _replace_element(call: TfNode) -> Sequence[Tensor]:
    """A tensor with other elements along the first axis; as many as arrays of loops write, one."""
    array, indices, updates = call.inputs
    if indices.type.shape != (1, 1):
        call.unsupported(f"one element is written at a time, by indices of shape [1, 1], not {indices.type.shape}")
    return call.build(lambda: apply(WriteElement(False), array, indices[0, 0], updates[0]))


def _size(call: TfNode) -> Sequence[Tensor]:
    flow = call.inputs[1]
    return call.build(lambda: shape(flow, out_type=int32)[0])


def _joined(call: TfNode) -> Sequence[Tensor]:
    """The elements joined, and their lengths, which are equal."""
    call.unsupported("arrays whose elements are joined are not read")


# Lists, which loops of functions fill.


def _empty_list(call: TfNode) -> Sequence[Tensor]:
    return call.add(EmptyArray(call.dtype("element_dtype")), apply(Const(np.array(0, np.int32))))


def _push(call: TfNode) -> Sequence[Tensor]:
    array, value = call.inputs
    return call.add(WriteElement(True), array, shape(array, out_type=int32)[0], value)


def _pop(call: TfNode) -> Sequence[Tensor]:
    """The list without its last element, and this element."""
    return call.build(lambda: [call.x[:-1], call.x[-1]])


def _get_item(call: TfNode) -> Sequence[Tensor]:
    return call.add(GatherV2(0), *call.inputs[:2])


def _elements(call: TfNode) -> Sequence[Tensor]:
    return call.add(Identity(), call.x)


IMPORT: dict[str, Importer] = {
    "EmptyTensorList": _empty_list,
    "TensorArrayConcatV3": _joined,
    "TensorArrayGatherV3": _gather,
    "TensorArrayGradV3": _gradient_array,
    "TensorArrayReadV3": _read,
    "TensorArrayScatterV3": _scatter,
    "TensorArraySizeV3": _size,
    "TensorArrayV3": _array,
    "TensorArrayWriteV3": _write,
    "TensorScatterUpdate": _replace_element,
    "TensorListElementShape": lambda call: call.build(lambda: shape(call.x, out_type=call.dtype("shape_type"))[1:]),
    "TensorListFromTensor": _elements,
    "TensorListGather": _get_item,
    "TensorListGetItem": _get_item,
    "TensorListLength": lambda call: call.build(lambda: shape(call.x, out_type=int32)[0]),
    "TensorListPopBack": _pop,
    "TensorListPushBack": _push,
    "TensorListReserve": lambda call: call.add(EmptyArray(call.dtype("element_dtype")), call.inputs[1]),
    "TensorListSetItem": lambda call: call.same(WriteElement(False)),
    "TensorListStack": _elements,
}
