"""Signatures: the tensors that a model takes and gives, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from minigraph.core.default_graph import get_default_graph
from minigraph.core.graph import Graph, Tensor
from minigraph.core.operand import Operand
from minigraph.core.protos import proto
from minigraph.formats.tensorflow.values import to_number, write_shape
from minigraph.saved_model.constants import signature_constants

__all__ = ["build_signature_def", "build_tensor_info", "get_tensor_from_tensor_info", "predict_signature_def"]


def build_tensor_info(tensor: Tensor | Operand[Any]) -> Any:
    """Describe a tensor for a signature.

    Args:
        tensor: The tensor.

    Returns:
        A `TensorInfo`: its name, dtype and shape.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
        >>> tf.saved_model.build_tensor_info(x).name
        'x:0'
    """
    given = tensor if isinstance(tensor, Tensor) else tensor.as_graph_tensor()
    kind = proto("meta_graph", "TensorInfo")
    return kind(name=given.name, dtype=to_number(given.dtype), tensor_shape=write_shape(given.type.shape))


def get_tensor_from_tensor_info(
    tensor_info: Any, graph: Graph | None = None, import_scope: str | None = None
) -> Tensor:
    """Find the tensor that a signature describes.

    Args:
        tensor_info: The `TensorInfo`.
        graph: The graph; by default the default graph.
        import_scope: The scope into which the model was loaded.

    Returns:
        The tensor.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
        >>> tf.saved_model.get_tensor_from_tensor_info(tf.saved_model.build_tensor_info(x)) is x
        True
    """
    name = f"{import_scope}/{tensor_info.name}" if import_scope else tensor_info.name
    return (graph or get_default_graph()).get_tensor_by_name(name)


def build_signature_def(
    inputs: Mapping[str, Any] | None = None, outputs: Mapping[str, Any] | None = None, method_name: str | None = None
) -> Any:
    """Make a signature.

    Args:
        inputs: `TensorInfo` of the inputs by name.
        outputs: `TensorInfo` of the outputs by name.
        method_name: What the signature computes, such as `tf.saved_model.signature_constants.PREDICT_METHOD_NAME`.

    Returns:
        A `SignatureDef`.

    Example:
        >>> x = tf.placeholder(tf.float32, name="x")
        >>> info = tf.saved_model.build_tensor_info(x)
        >>> tf.saved_model.build_signature_def({"x": info}, {"y": info}, "predict").outputs["y"].name
        'x:0'
    """
    return proto("meta_graph", "SignatureDef")(inputs=inputs, outputs=outputs, method_name=method_name or "")


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Any:
    """Make a signature for predictions.

    Args:
        inputs: Tensors by name.
        outputs: Tensors by name.

    Returns:
        A `SignatureDef`.

    Raises:
        ValueError: There are no inputs or no outputs.

    Example:
        >>> x = tf.placeholder(tf.float32, name="x")
        >>> tf.saved_model.predict_signature_def({"x": x}, {"y": tf.square(x)}).method_name
        'tensorflow/serving/predict'
    """
    if not inputs or not outputs:
        raise ValueError("Prediction inputs and outputs cannot be None or empty.")
    taken, given = ({name: build_tensor_info(t) for name, t in each.items()} for each in (inputs, outputs))
    return build_signature_def(taken, given, signature_constants.PREDICT_METHOD_NAME)
