"""ONNX models: import to graphs and export from them. Needs the onnx package: `pip install "minigraph[onnx]"`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from minigraph.core.errors import DataLossError
from minigraph.core.graph import Node, Tensor
from minigraph.core.typing import PathLike, TensorLike
from minigraph.formats.onnx.backend import OnnxBackend
from minigraph.formats.onnx.exporting import export_model
from minigraph.formats.onnx.importing import Imported, import_model
from minigraph.formats.onnx.library import NeedsConstantError, UnsupportedError
from minigraph.formats.onnx.modelfile import read_model, write_model
from minigraph.ops.constant import Placeholder

if TYPE_CHECKING:
    from onnx import ModelProto

    from minigraph.run.session import Session
    from minigraph.run.variables import Variable

__all__ = ["Backend", "Imported", "NeedsConstantError", "UnsupportedError", "load", "save", "to_model"]


Backend = OnnxBackend


def load(
    model: PathLike | ModelProto,
    inputs: Mapping[str, TensorLike | None] | None = None,
    variables: bool = True,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
) -> Imported:
    """Add an ONNX model to the default graph.

    All tensors have ONNX's layout: images are [N,C,H,W].

    Args:
        model: Path of a file, or an onnx.ModelProto.
        inputs: Tensors or arrays by the names of the model's inputs: a tensor is read instead of a new placeholder, and
            an array fixes the input. A sequence is a list of these, and None an optional without a value.
        variables: Whether floating-point weights become trainable variables; otherwise they are constants.
        shapes: Shapes by the names of the model's inputs, in place of those in the model; None for an unknown length.
        dims: Lengths by the names of the model's symbolic dimensions, such as "height".

    Returns:
        The tensors of the model's inputs and outputs, by name.

    Raises:
        NotFoundError: The file does not exist.
        DataLossError: The file is damaged.
        UnsupportedError: minigraph cannot compute some nodes, which the message names; or `shapes` or `dims`
            do not fit.
        NeedsConstantError: An input must be fixed.
        BackendError: The package onnx is not installed.

    Example:
        >>> from minigraph import onnx
        >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
        >>> onnx.save("model.onnx", {"y": tf.nn.relu(x)})
        >>> model = onnx.load("model.onnx")
        >>> print(tf.Session().run(model.outputs["y"], {model.inputs["x"]: [[-1.0, 2.0]]}))
        [[0. 2.]]
    """
    message = read_model(model)
    where = f"{os.fspath(model)}: " if isinstance(model, str | os.PathLike) else ""
    try:
        return import_model(message, inputs or {}, variables, shapes or {}, dims or {})
    except DataLossError as error:
        raise DataLossError(f"{where}{error}") from None
    except UnsupportedError as error:
        error.args = (f"{where}{error}",)
        raise


def to_model(
    outputs: Tensor | Sequence[Tensor] | Mapping[str, Tensor],
    inputs: Sequence[Tensor] | None = None,
    fixed: Mapping[Tensor | Variable | str, npt.ArrayLike] | None = None,
    variables: Session | Mapping[str, np.ndarray] | None = None,
    opset: int = 17,
    layout: Literal["NHWC", "NCHW"] = "NHWC",
    batch: str = "N",
) -> ModelProto:
    """Export the computation of some tensors as an ONNX model.

    The model's outputs have minigraph's layout, and so by default have its inputs: images are [N,H,W,C].

    Args:
        outputs: A tensor, a list of tensors, or tensors by their names in the model.
        inputs: The model's inputs; by default all placeholders that the outputs depend on.
        fixed: Values by placeholder, such as 1 for a keep_prob; they become constants.
        variables: The session that holds the variables' values, or arrays by the variables' names; by default the
            initial values.
        opset: The operator set, 17 or a newer one that the onnx package knows.
        layout: Of image inputs: "NHWC", or "NCHW" to have channels first.
        batch: Name of the unknown first dimension of inputs and outputs.

    Returns:
        The onnx.ModelProto.

    Raises:
        UnsupportedError: Nodes have no form in ONNX. The message names them and the lines that made them.
        BackendError: The package onnx is not installed.

    Example:
        >>> from minigraph import onnx
        >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
        >>> model = onnx.to_model(tf.nn.relu(x))
        >>> [node.op_type for node in model.graph.node]
        ['Relu']
    """
    named = _named(outputs)
    graph = next(iter(named.values())).graph
    given = {_tensor(graph, k): v for k, v in (fixed or {}).items()}
    found = [t for t in _placeholders(named.values()) if t not in given] if inputs is None else list(inputs)
    values = variables if isinstance(variables, Mapping) else _state(graph, variables)
    model: ModelProto = export_model(named, found, given, values, opset, layout, batch)
    return model


def save(
    path: PathLike,
    outputs: Tensor | Sequence[Tensor] | Mapping[str, Tensor],
    inputs: Sequence[Tensor] | None = None,
    fixed: Mapping[Tensor | Variable | str, npt.ArrayLike] | None = None,
    variables: Session | Mapping[str, np.ndarray] | None = None,
    opset: int = 17,
    layout: Literal["NHWC", "NCHW"] = "NHWC",
    batch: str = "N",
) -> None:
    """Write the computation of some tensors to a file, as an ONNX model.

    Args:
        path: Path of the file.
        outputs: A tensor, a list of tensors, or tensors by their names in the model.
        inputs: The model's inputs; by default all placeholders that the outputs depend on.
        fixed: Values by placeholder, such as 1 for a keep_prob; they become constants.
        variables: The session that holds the variables' values, or arrays by the variables' names; by default the
            initial values.
        opset: The operator set, 17 or a newer one that the onnx package knows.
        layout: Of image inputs: "NHWC", or "NCHW" to have channels first.
        batch: Name of the unknown first dimension of inputs and outputs.

    Raises:
        UnsupportedError: Nodes have no form in ONNX. The message names them and the lines that made them.
        BackendError: The package onnx is not installed.

    Example:
        >>> from minigraph import onnx
        >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
        >>> onnx.save("model.onnx", tf.nn.relu(x))
    """
    write_model(to_model(outputs, inputs, fixed, variables, opset, layout, batch), path)


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
    from minigraph.run.variable_lists import global_variables

    with graph.as_default(), Session(graph=graph) as fresh:
        fresh.run([v.initializer for v in global_variables()])
        return fresh.read_state()
