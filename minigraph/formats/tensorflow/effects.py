"""The order of effects, which minigraph defines and TensorFlow's graphs must state by control inputs.

In a run of minigraph every computation sees a variable's value from before the run; then plain assignments happen, then
updates, in graph order. TensorFlow runs nodes as soon as their inputs are there, and an update changes a variable where
its readers find it. So where one node needs several effects, such as a training step, each write follows the readers of
its variable and the writes before it, among the nodes that this node needs anyway.

TensorFlow's optimizer of graphs exchanges a cast with the node before it, and forgets that node's control inputs: a
cast of a value that was read after an update would be computed from the value before it. So such casts get the control
inputs of the read, as TensorFlow gives them to every node that is made under `tf.control_dependencies`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from minigraph.core.graph import Node, Tensor
from minigraph.graphs.walk import needed
from minigraph.ops.array.reshape import ExpandDims, Reshape, ReshapeLike, ReshapeTo, Squeeze
from minigraph.ops.state.variable import Assign, NoOp, ReadVariable, VariableV2

_VIEWS = (ExpandDims, Reshape, ReshapeLike, ReshapeTo, Squeeze)

# ops of TensorFlow that its pass ReorderCastLikeAndValuePreserving exchanges: the casts, and what a cast passes
_CASTS = frozenset(
    ("Angle", "Cast", "Dequantize", "Imag", "IsFinite", "IsInf", "IsNan", "QuantizeV2", "Real", "Requantize")
)
_KEEPS_VALUES = frozenset(
    (
        "AddN", "BatchToSpace", "BatchToSpaceND", "CheckNumerics", "DepthToSpace", "ExpandDims", "Identity",
        "InvertPermutation", "PreventGradient", "Print", "Reshape", "Reverse", "ReverseV2", "Roll", "Snapshot",
        "SpaceToBatch", "SpaceToBatchND", "SpaceToDepth", "Squeeze", "StopGradient", "Transpose",
    )
)  # fmt: skip


def orders(nodes: Sequence[Node]) -> dict[Node, list[Node]]:
    """For each node that writes, those that it must follow besides its inputs and control inputs."""
    found: dict[Node, list[Node]] = {}
    known: dict[Node, set[Node]] = {}  # what each write depends on, with the orders found so far
    for group in nodes:
        if group.control_inputs and (isinstance(group.op, NoOp) or group.op.writes):
            for write, before in _in_group(group, needed([group], found)):
                if write not in known:
                    known[write] = needed([write], found)
                if before not in known[write] and write not in needed([before], found):
                    found.setdefault(write, []).append(before)
                    known = {}
    return found


def _in_group(group: Node, nodes: set[Node]) -> Iterable[tuple[Node, Node]]:
    """Pairs of a write and a node before it, among the nodes that the group needs."""
    writes: dict[Node, list[Node]] = {}
    readers: dict[Node, list[Node]] = {}
    for node in sorted(nodes, key=lambda n: n.id):
        written = {node.inputs[i].node for i in node.op.writes if i < len(node.inputs)} if not node.op.draws else set()
        for variable in written:
            writes.setdefault(variable, []).append(node)
        for tensor in node.inputs:
            read = _variable_read(tensor)
            if read is not None and read not in written:
                readers.setdefault(read, []).append(node)
    for variable, found in writes.items():
        in_order = sorted(found, key=lambda n: (not isinstance(n.op, Assign), n.id))
        for write in in_order:
            yield from ((write, reader) for reader in readers.get(variable, ()) if reader is not write)
        yield from zip(in_order[1:], in_order, strict=False)


def _variable_read(tensor: Tensor) -> Node | None:
    """The variable whose value from before the run a tensor is, perhaps in another shape: TensorFlow makes no copy."""
    node = tensor.node
    while node.inputs and (node.op.is_view or isinstance(node.op, _VIEWS)) and not isinstance(node.op, ReadVariable):
        node = node.inputs[0].node
    if isinstance(node.op, ReadVariable) and not node.control_inputs:
        node = node.inputs[0].node
    return node if isinstance(node.op, VariableV2) else None


def hold_casts(messages: Iterable[Any]) -> None:
    """Give casts the control inputs of the reads whose values they cast.

    Args:
        messages: All nodes of a `GraphDef`; those that cast are changed.
    """
    known = {message.name: message for message in messages}
    for message in known.values():
        if message.op in _CASTS:
            given = set(message.input)
            message.input.extend(c for c in dict.fromkeys(_late(known, message)) if c not in given)


def _late(known: dict[str, Any], message: Any) -> Iterable[str]:
    """The control inputs of the nodes between a cast and the tensor that it would be exchanged with."""
    seen = {message.name}
    while message.input and not message.input[0].startswith("^"):
        message = known.get(message.input[0].partition(":")[0])
        if message is None or message.op not in _KEEPS_VALUES or message.name in seen:
            return
        seen.add(message.name)
        yield from (name for name in message.input if name.startswith("^"))
