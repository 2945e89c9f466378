"""minigraph's graphs as TensorFlow's `GraphDef` messages."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from minigraph.core.graph import Graph, Node
from minigraph.core.graph_def import plain_attributes
from minigraph.core.protos import proto
from minigraph.formats.tensorflow.branches import Pivots, effects_in_branches
from minigraph.formats.tensorflow.effects import hold_casts, orders
from minigraph.formats.tensorflow.emit import TfExport, TfGraph, without_form
from minigraph.formats.tensorflow.importing import OWN
from minigraph.formats.tensorflow.op_table import EXPORTERS
from minigraph.formats.tensorflow.values import UnreadableError, write_shape

PRODUCER = 134  # the version of graphs that TensorFlow 1.15 writes


def graph_message(graph: Graph, nodes: Collection[Node] | None = None, add_shapes: bool = False) -> Any:
    """A `GraphDef` message of a graph, or of some of its nodes, with the nodes' names and order.

    Ops that TensorFlow lacks keep minigraph's names and attributes, so that minigraph reads them back. add_shapes: with
    the attribute `_output_shapes`. GraphError where an attribute cannot be written.
    """
    chosen = graph.nodes if nodes is None else sorted(nodes, key=lambda n: n.id)
    sheet = TfGraph((n.name for n in graph.nodes), _in_tensorflow)
    pivots, inside, before = Pivots(sheet), effects_in_branches(chosen), orders(chosen)
    for node in chosen:
        start = len(sheet.nodes)
        _emit(sheet, node)
        own = next(m for m in sheet.nodes[start:] if m.name == node.name)
        if node in inside:
            own.input.append(f"^{pivots.name(inside[node])}")
        own.input.extend(f"^{n.name}" for n in before.get(node, ()))
        if add_shapes:
            _add_shapes(own, node)
    hold_casts(sheet.nodes)
    message = proto("graph", "GraphDef")(node=sheet.nodes)
    message.versions.producer = PRODUCER
    return message


def _in_tensorflow(call: TfExport) -> None:
    """Add a node in TensorFlow's form. UnreadableError if it has none."""
    EXPORTERS.get(call.node.type, without_form)(call)


def _emit(sheet: TfGraph, node: Node) -> None:
    call, start = TfExport(sheet, node), len(sheet.nodes)
    try:
        _in_tensorflow(call)
        return
    except UnreadableError:
        del sheet.nodes[start:]  # it keeps minigraph's form
    own = json.dumps(plain_attributes(node.name, node.type, {n: getattr(node.op, n) for n in node.op.fields}))
    reads = [sheet.names.get(t, t.name) for t in node.inputs]
    call.give(node.type, *reads, **{OWN: own})


def _add_shapes(message: Any, node: Node) -> None:
    shapes = message.attr["_output_shapes"].list
    for tensor in node.outputs:
        shapes.shape.add().CopyFrom(write_shape(tensor.type.shape))
