"""Graphs from records: `import_graph_def`, under TensorFlow 1's names and rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from minigraph.core.errors import GraphError
from minigraph.core.graph import Node, Tensor, convert_to_tensor, get_default_graph
from minigraph.core.graph_def import GraphDef, add_nodes


def import_graph_def(
    graph_def: GraphDef,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Tensor | Node] | None:
    """Add the nodes of `graph_def` to the default graph, under the scope `name` ("import"; "" for none).

    input_map: tensors of the default graph by the inputs (`x` or `x:0` in `graph_def`) that they are read in place of.
    return_elements: names in `graph_def` (`node`, or `node:output` for a tensor) of what is given back. GraphError
    where a node does not fit, an input to be replaced is none, or there is no such element; then nothing is added.
    The last two arguments are without effect.
    """
    if not isinstance(graph_def, GraphDef):
        raise TypeError(f"graph_def must be a tf.GraphDef, not {graph_def!r}")
    replaced = {} if input_map is None else input_map
    if not isinstance(replaced, Mapping) or not all(isinstance(k, str) for k in replaced):
        raise TypeError(f"input_map must be a dictionary mapping strings to Tensor objects, not {input_map!r}")
    _check_names(graph_def, replaced, return_elements or ())
    graph = get_default_graph()
    tensors = {key: convert_to_tensor(value) for key, value in replaced.items()}
    for tensor in tensors.values():
        graph.as_graph_element(tensor)
    made = _add(graph, graph_def, "import" if name is None else name, tensors)
    if return_elements is None:
        return None
    return [_element(made, element) for element in return_elements]


def _add(graph: Any, graph_def: GraphDef, name: str, tensors: Mapping[str, Tensor]) -> dict[str, Node]:
    with graph.name_scope(name or None) as scope:
        return add_nodes(graph, graph_def, scope.rstrip("/"), tensors)


def _check_names(graph_def: GraphDef, replaced: Mapping[str, Any], elements: Sequence[str]) -> None:
    read = {i for node in graph_def.node for i in node.input if not i.startswith("^")}
    read |= {f"{i}:0" for i in read if ":" not in i} | {i.removesuffix(":0") for i in read}
    missing = [key for key in replaced if key not in read]
    if missing:
        raise GraphError(f"Attempted to map inputs that were not found in graph_def: {missing}")
    outputs = {node.name: len(node.types) for node in graph_def.node}
    for element in elements:
        if not isinstance(element, str):
            raise TypeError(f"return_elements must be a list of strings, not {element!r}")
        base, colon, index = element.partition(":")
        if base not in outputs or (colon and not (index.isdecimal() and int(index) < outputs[base])):
            raise GraphError(f"Requested return_element '{element}' not found in graph_def.")


def _element(made: Mapping[str, Node], name: str) -> Tensor | Node:
    base, colon, index = name.partition(":")
    return made[base].outputs[int(index)] if colon else made[base]
