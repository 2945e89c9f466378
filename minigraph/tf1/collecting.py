"""Collections of layer outputs, under the names of their scopes."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.util.nest import listed


def collect_named_outputs(collections: Any, alias: str, outputs: Tensor) -> Tensor:
    """Add a layer's output to collections, with its scope's name as its end point name."""
    for name in listed(collections):
        if name:
            outputs.graph.stores.setdefault("aliases", {}).setdefault(outputs, []).append(alias)
            tf.add_to_collection(name, outputs)
    return outputs


def convert_collection_to_dict(collection: str) -> dict[str, Tensor]:
    """The tensors of a collection by the names of their scopes. A tensor may have several names."""
    aliases = tf.get_default_graph().stores.get("aliases", {})
    return {alias: t for t in tf.get_collection(collection) for alias in aliases.get(t, [t.op.name])}


def get_variable_collections(variables_collections: Any, name: str) -> Any:
    """The collections for a layer's variable of this name, from a list for all or a dict by names."""
    return variables_collections.get(name) if isinstance(variables_collections, dict) else variables_collections


def two_element_tuple(int_or_tuple: Any) -> tuple[int, int]:
    """A pair of sizes from one number, a pair, or a shape of two dimensions."""
    if isinstance(int_or_tuple, int):
        return int_or_tuple, int_or_tuple
    if isinstance(int_or_tuple, tf.TensorShape):
        int_or_tuple = int_or_tuple.as_list()
    if len(int_or_tuple) != 2:
        raise ValueError(f"Must be a number or have two elements, not {int_or_tuple!r}")
    return int(int_or_tuple[0]), int(int_or_tuple[1])


def n_positive_integers(n: int, value: Any) -> tuple[int, ...]:
    """`n` positive sizes, from one for all or from a list of them."""
    sizes = tuple(int(v) for v in value) if isinstance(value, list | tuple) else (int(value),) * n
    if len(sizes) != n or min(sizes) < 1:
        raise ValueError(f"must be {n} positive integers, not {value!r}")
    return sizes


def channel_dimension(shape: tf.TensorShape, data_format: str, min_rank: int = 1) -> int:
    """The number of channels of a shape, which must be known."""
    return _size(shape, 1 if data_format == "NCHW" else -1, min_rank)


def last_dimension(shape: tf.TensorShape, min_rank: int = 1) -> int:
    """The last dimension of a shape, which must be known."""
    return _size(shape, -1, min_rank)


def _size(shape: tf.TensorShape, place: int, min_rank: int) -> int:
    dims = tf.TensorShape(shape).as_list()
    if len(dims) < min_rank:
        raise ValueError(f"rank of shape must be at least {min_rank} not: {len(dims)}")
    size = dims[place]
    if size is None:
        raise ValueError(f"dimension {place} of shape must be known, not {shape}")
    return int(size)
