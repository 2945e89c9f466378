"""ONNX models into graphs and out of them. Needs the onnx package: `pip install "minigraph[onnx]"`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Node, Tensor
from minigraph.formats.onnx.exporting import export_model
from minigraph.formats.onnx.importing import Imported, import_model
from minigraph.formats.onnx.library import NeedsConstantError, UnsupportedError
from minigraph.formats.onnx.modelfile import read_model, write_model
from minigraph.ops.constant import Placeholder

__all__ = ["Imported", "NeedsConstantError", "UnsupportedError", "load", "save", "to_model"]


def load(model: Any, inputs: Mapping[str, Any] | None = None, variables: bool = True) -> Imported:
    """Add an ONNX model to the default graph; gives the tensors of its inputs and outputs by their names in the model.

    model: a file's name, or an onnx.ModelProto. inputs: for some of the model's inputs the tensor that is read instead
    of a new placeholder, or an array that fixes it; what decides a shape must be fixed. variables: floating-point
    weights become trainable variables (else constants). All tensors have ONNX's layout: images are [N,C,H,W].

    NotFoundError; DataLossError for a damaged file; UnsupportedError, with the nodes, for what minigraph cannot do, and
    NeedsConstantError where an input must be fixed. BackendError without the onnx package.
    """
    return import_model(read_model(model), inputs or {}, variables)


def to_model(
    outputs: Any,
    inputs: Sequence[Tensor] | None = None,
    fixed: Mapping[Any, Any] | None = None,
    variables: Any = None,
) -> Any:
    """The onnx.ModelProto (operator set 17) of what `outputs` compute.

    outputs: a tensor, a list of tensors, or tensors by their names in the model. inputs: by default the placeholders
    that they depend on. fixed: placeholders and their values, such as a keep_prob of 1. variables: a session, or arrays
    by the variables' names; by default the initial values. The model's inputs and outputs have minigraph's layout:
    images are [N,H,W,C]. UnsupportedError names all nodes that have no form in ONNX, and the lines that made them.
    """
    named = _named(outputs)
    graph = next(iter(named.values())).graph
    given = {_tensor(graph, k): v for k, v in (fixed or {}).items()}
    found = [t for t in _placeholders(named.values()) if t not in given] if inputs is None else list(inputs)
    values = variables if isinstance(variables, Mapping) else _state(graph, variables)
    return export_model(named, found, given, values)


def save(
    path: Any,
    outputs: Any,
    inputs: Sequence[Tensor] | None = None,
    fixed: Mapping[Any, Any] | None = None,
    variables: Any = None,
) -> None:
    """Write what `outputs` compute as an ONNX model; the arguments are those of `to_model`."""
    write_model(to_model(outputs, inputs, fixed, variables), path)


def _named(outputs: Any) -> dict[str, Tensor]:
    if isinstance(outputs, Mapping):
        return dict(outputs)
    tensors = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    return {t.name.removesuffix(":0").replace(":", "_"): t for t in tensors}


def _tensor(graph: Any, key: Any) -> Tensor:
    element = graph.as_graph_element(key)
    return element.outputs[0] if isinstance(element, Node) else element


def _placeholders(outputs: Iterable[Tensor]) -> list[Tensor]:
    todo, seen = [t.node for t in outputs], set()
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo += [t.node for t in node.inputs]
    return [n.outputs[0] for n in sorted(seen, key=lambda n: n.id) if isinstance(n.op, Placeholder)]


def _state(graph: Any, session: Any) -> dict[str, np.ndarray]:
    if session is not None:
        state: dict[str, np.ndarray] = session.read_state()
        return state
    from minigraph.run.session import Session
    from minigraph.run.variables import global_variables

    with graph.as_default(), Session(graph=graph) as fresh:
        fresh.run([v.initializer for v in global_variables()])
        return fresh.read_state()
