"""Graphs as TensorFlow's `GraphRecords` messages, for TensorBoard to draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.dtypes import DType
from minigraph.core.graph_def import GraphRecords, NodeRecord
from minigraph.core.protos import proto
from minigraph.core.types import Shape

_PRODUCER = 134  # the version of graphs that TensorFlow 1.15 writes


def graph_message(definition: GraphRecords) -> Any:
    """A `GraphDef` message with the nodes' names, ops, inputs, shapes, dtypes and attributes; large ones left out."""
    message = proto("graph", "GraphDef")(node=[_node(n) for n in definition.node])
    message.versions.producer = _PRODUCER
    return message


def _node(node: NodeRecord) -> Any:
    message = proto("node_def", "NodeDef")(name=node.name, op=node.op, input=node.input)
    shapes = proto("attr_value", "AttrValue")()
    for kind in node.types:
        shapes.list.shape.append(_shape(kind.shape))
    message.attr["_output_shapes"].CopyFrom(shapes)
    if node.types:
        message.attr["dtype"].type = _dtype(node.types[0].dtype)
    for name, value in node.attr.items():
        if name != "dtype" and not isinstance(value, np.ndarray):
            message.attr[name].s = str(value).encode()
    return message


def _shape(shape: Shape) -> Any:
    kind = proto("tensor_shape", "TensorShapeProto")
    if shape is None:
        return kind(unknown_rank=True)
    return kind(dim=[kind.Dim(size=-1 if d is None else d) for d in shape])


def _dtype(dtype: DType) -> int:
    name = {"float16": "HALF", "float32": "FLOAT", "float64": "DOUBLE"}.get(dtype.name, dtype.name.upper())
    number: int = proto("types", "DataType").Value(f"DT_{name}")
    return number
