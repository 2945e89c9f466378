"""Masks of tensors: bool tensors that say which steps of sequences count. Layers hand them on beside their results."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Graph, Tensor
from minigraph.keras.state import state_of
from minigraph.layers.structures import flat
from minigraph.ops.array.reshape import expand_dims
from minigraph.ops.math.casting import cast


def mask_of(value: Any) -> Any:
    """The mask of a tensor; None without one. Of a list of tensors the list of masks."""
    if isinstance(value, list | tuple):
        return [mask_of(v) for v in value]
    return state_of(value.graph).masks.get(value) if isinstance(value, Tensor) else None


def set_masks(values: Any, masks: Any) -> None:
    """Give tensors their masks. None: without masks."""
    for value, mask in zip(flat(values), flat(masks), strict=False):
        if mask is not None:
            state_of(value.graph).masks[value] = mask


def has_masks(masks: Any) -> bool:
    """Whether there is a mask at all."""
    return any(m is not None for m in flat(masks))


def takes(function: Any, argument: str) -> bool:
    """Whether a function has an argument of a name; False for one without a signature."""
    try:
        return argument in inspect.signature(function).parameters
    except ValueError:
        return False


def by_names(function: Any, args: Any, kwargs: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Arguments of a layer's call after the input: those that have no names, and those by names."""
    kinds = list(inspect.signature(function).parameters.values())[1:]
    if len(args) > len(kinds) or any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in kinds[: len(args)]):
        return args, dict(kwargs)
    named = {p.name: value for p, value in zip(kinds, args, strict=False)}
    if twice := named.keys() & kwargs.keys():
        raise TypeError(f"call() got multiple values for argument {min(twice)!r}")
    return (), {**named, **kwargs}


def as_masks(value: Any, graph: Graph) -> Any:
    """A mask that a caller gives, or a list of them, as tensors."""
    if value is None or isinstance(value, Tensor):
        return value
    if isinstance(value, list | tuple) and any(v is None or isinstance(v, Tensor | np.ndarray) for v in value):
        return [as_masks(v, graph) for v in value]
    with graph.as_default():
        return convert_to_tensor(np.asarray(value))


def masked_weights(mask: Any, weights: Any, like: Tensor) -> Any:
    """Weights of examples, 0 where the mask of an output leaves it out. like: the output, for the dtype."""
    if mask is None:
        return weights
    mask = cast(mask, like.dtype)
    if weights is None:
        return mask
    for _ in range((mask.type.rank or 0) - (weights.type.rank or 0)):
        weights = expand_dims(weights, -1)
    return cast(weights, like.dtype) * mask
