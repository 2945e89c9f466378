"""Nodes built by their importers, and the parts of their results that are known at import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.values import Last, NoTensor, OnnxValue, UnknownDim, first_perm, last_perm, valid_name
from minigraph.ops.math.casting import Cast

MOST_FOLDED = 64 << 20  # bytes of results computed at import; larger ones are computed by each run


class _TooLargeError(Exception):
    """A node's results are too large to be computed at import."""


def built(call: OnnxNode, importer: Callable[[OnnxNode], Result]) -> list[Any]:
    with tf.get_default_graph().name_scope(valid_name(call.name)):
        result = importer(call)
    return list(result) if isinstance(result, list | tuple) and not isinstance(result, Last) else [result]


def value_of(name: str, result: Any) -> OnnxValue:
    if isinstance(result, NoTensor):
        return result
    if isinstance(result, OnnxValue):
        return OnnxValue(name, result.array, result.forms, result.weight, result.dims, result.build)
    if isinstance(result, Last):
        rank = len(result.tensor.type.shape or ())
        return OnnxValue(name, forms={last_perm(rank): result.tensor})
    if isinstance(result, Tensor):
        return OnnxValue(name, forms={None: result})
    return OnnxValue(name, np.asarray(result))


def tensor_of(result: Any) -> Tensor:
    return value_of("", result).form()


def evaluated(call: OnnxNode, importer: Callable[[OnnxNode], Result]) -> list[np.ndarray] | None:
    """The results for known inputs, computed with the ops' references; None if they are too large to be kept."""
    known = [v.array for v in call.inputs if v is not None and v.array is not None]
    with tf.Graph().as_default() as scratch:
        copies = [None if v is None else OnnxValue(v.name, v.array) for v in call.inputs]
        results = built(_beside_graph(call, copies), importer)
        try:
            arrays = interpret(scratch, {}, max(MOST_FOLDED, 2 * sum(a.nbytes for a in known)))
        except _TooLargeError:
            return None
        return [_array(r, arrays) for r in results]


def interpret(graph: tf.Graph, given: Mapping[Tensor, Any], limit: int | None = None) -> dict[Tensor, Any]:
    """The values of all tensors. limit: bytes of a node's results, beyond which it is not computed."""
    values = dict(given)
    with np.errstate(all="ignore"):
        for node in graph.nodes:
            inputs = [values[t] for t in node.inputs if t in values]
            if limit is not None and node.inputs and _bytes_of(node, inputs) > limit:
                raise _TooLargeError
            if isinstance(node.op, Cast) and inputs[0].dtype == object and node.op.dtype.is_integer:
                values[node.outputs[0]] = inputs[0]
            elif node.type != "Placeholder":
                values.update(zip(node.outputs, node.op.reference(*inputs), strict=True))
    return values


def _bytes_of(node: Node, inputs: Sequence[Any]) -> int:
    """The size of a node's results on these values, which may decide on their shapes."""
    types: Sequence[TensorType] = [t.type for t in node.outputs]
    if not all(t.is_static for t in types) and all(v.dtype != object for v in inputs):
        given = [TensorType(t.dtype, v.shape) for t, v in zip(node.inputs, inputs, strict=True)]
        op, kept = node.op.specialise(given, inputs)
        types = op.infer(*(given[i] for i in kept))
    return sum(t.nbytes for t in types if t.is_static)


def _array(result: Any, values: Mapping[Tensor, Any]) -> np.ndarray:
    if isinstance(result, Last):
        array = values[result.tensor]
        return np.transpose(array, first_perm(array.ndim))
    if isinstance(result, OnnxValue) and result.array is None:
        return np.asarray(values[result.form()])
    if isinstance(result, OnnxValue):
        return np.asarray(result.array)
    return np.asarray(values[result] if isinstance(result, Tensor) else result)


def dims_of(call: OnnxNode, importer: Callable[[OnnxNode], Result]) -> np.ndarray | None:
    """The result on partly known shapes; None for an operator that is not supported here."""
    with tf.Graph().as_default() as scratch:
        given: dict[Tensor, Any] = {}
        copies: list[OnnxValue | None] = []
        for value in call.inputs:
            if value is None or value.dims is None:
                copies.append(None if value is None else OnnxValue(value.name, value.array))
                continue
            tensor = tf.placeholder(tf.int64, value.dims.shape)
            given[tensor] = value.dims
            copies.append(OnnxValue(value.name, forms={None: tensor}))
        try:
            result = built(_beside_graph(call, copies), importer)[0]
            found = _array(result, interpret(scratch, given, MOST_FOLDED))
        except Exception:  # arithmetic on objects can fail in any way, and then nothing is known
            return None
    whole = all(isinstance(d, int | np.integer | UnknownDim) for d in found.ravel())
    return found.astype(object) if whole else None


def with_inputs(call: OnnxNode, inputs: Sequence[OnnxValue | None]) -> OnnxNode:
    """The node with other inputs."""
    changed = copy(call)
    changed.inputs = list(inputs)
    return changed


def _beside_graph(call: OnnxNode, inputs: Sequence[OnnxValue | None]) -> OnnxNode:
    """The node with other inputs, to be computed once at import."""
    changed = with_inputs(call, inputs)
    changed.in_graph = False
    return changed
