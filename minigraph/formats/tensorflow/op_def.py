"""Ops in TensorFlow's form, `OpDef`."""

from __future__ import annotations

import inspect
from typing import Any

from minigraph.core.graph import Node
from minigraph.core.protos import proto
from minigraph.formats.tensorflow.values import to_number

_KINDS = {"s": "string", "i": "int", "f": "float", "b": "bool"}  # by field of AttrValue; the others have these names


def op_definition(node: Node) -> Any:
    """The `OpDef` of a node's op, with the operands, results and attributes that the node has."""
    made = node.node_def
    definition = proto("op_def", "OpDef")(name=made.op, is_stateful=node.op.stateful)
    names = [p.name for p in inspect.signature(node.op.infer).parameters.values() if p.kind is not p.VAR_POSITIONAL]
    for i, tensor in enumerate(node.inputs):
        name = names[i] if i < len(names) else f"input_{i}"
        definition.input_arg.add(name=name, type=to_number(tensor.dtype))
    for i, tensor in enumerate(node.outputs):
        definition.output_arg.add(name=f"output_{i}" if i else "output", type=to_number(tensor.dtype))
    for name in sorted(made.attr):
        definition.attr.add(name=name, type=_kind(made.attr[name]))
    return definition


def _kind(value: Any) -> str:
    """The type of an attribute, such as `list(int)`."""
    kind: str = value.WhichOneof("value")
    if kind != "list":
        return _KINDS.get(kind, kind)
    filled = [field.name for field, _ in value.list.ListFields()]
    return f"list({_KINDS.get(filled[0], filled[0])})" if filled else "list(int)"
