"""Graphs as TensorFlow's `GraphDef` messages, for TensorBoard to draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.graph_def import GraphRecords, NodeRecord
from minigraph.core.protos import proto
from minigraph.formats.tensorflow.values import to_number, write_shape

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
        shapes.list.shape.append(write_shape(kind.shape))
    message.attr["_output_shapes"].CopyFrom(shapes)
    if node.types:
        message.attr["dtype"].type = to_number(node.types[0].dtype)
    for name, value in node.attr.items():
        if name != "dtype" and not isinstance(value, np.ndarray):
            message.attr[name].s = str(value).encode()
    return message
