"""Feeds: keys of a feed dictionary as tensors, and their values as arrays that fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.backend.base import Backend
from minigraph.core.dtypes import string
from minigraph.core.errors import GraphError
from minigraph.core.exchange import as_array
from minigraph.core.graph import Graph, Tensor
from minigraph.core.operand import Operand
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.ops.constant import Placeholder
from minigraph.run.variables import Variable


def feed_tensor(graph: Graph, key: Any) -> Tensor:
    """The tensor that a key stands for. TypeError if none can be fed for it."""
    try:
        element = graph.as_graph_element(key.value() if isinstance(key, Variable) else key)
    except (GraphError, KeyError, TypeError) as error:
        text = error.args[0] if error.args else error
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {text}") from None
    if not isinstance(element, Tensor):
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {element!r} is an operation")
    if element.dtype is string and not isinstance(element.node.op, Placeholder):
        raise TypeError(f"Cannot feed {element!r}: strings are made by the graph only")
    return element


def flat_feeds(feeds: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Feeds whose keys are tuples of tensors, such as the state of a recurrent network, as feeds of the tensors."""
    if not any(isinstance(key, tuple) for key in feeds):
        return feeds
    return dict(pair for key, value in feeds.items() for pair in _pairs(key, value))


def _pairs(key: Any, value: Any) -> Iterator[tuple[Any, Any]]:
    if not isinstance(key, tuple):
        yield key, value
    elif not isinstance(value, tuple | list) or len(value) != len(key):
        raise TypeError(
            f"Cannot interpret feed_dict key as Tensor: a tuple of {len(key)} tensors takes as many values, "
            f"not {value!r}"
        )
    else:
        for one, other in zip(key, value, strict=True):
            yield from _pairs(one, other)


def as_feed(value: Any, dtype: np.dtype[Any], backend: Backend) -> Any:
    """A fed value as an array, on the backend's device if it is there. TypeError or ValueError if it is none."""
    if isinstance(value, Operand):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values are Python scalars, strings, "
            f"lists, and numpy ndarrays. Got {value!r}."
        )
    if value is None:
        raise TypeError("The value of a feed cannot be None.")
    return as_array(value, dtype, backend.import_array)


def feed_error(tensors: Sequence[Tensor], values: Iterable[Any], backend: Backend) -> Exception:
    """The error for the first value that is no array, with the tensor's name."""
    for tensor, value in zip(tensors, values, strict=True):
        try:
            as_feed(value, tensor.dtype.np_dtype, backend)
        except (TypeError, ValueError) as error:
            return type(error)(f"Cannot feed Tensor '{tensor.name}' of dtype {tensor.dtype.name}: {error}")
    raise AssertionError("all feeds are arrays")


def feed_type(tensor: Tensor, array: np.ndarray) -> TensorType:
    """The static type of an array that is fed for a tensor. ValueError if the tensor cannot have its shape."""
    if not compatible(tensor.type.shape, array.shape):
        raise ValueError(
            f"Cannot feed value of shape {array.shape} for Tensor '{tensor.name}', "
            f"which has shape '{format_shape(tensor.type.shape)}' (made at {tensor.node.source.describe()})"
        )
    return TensorType(tensor.dtype, array.shape)
