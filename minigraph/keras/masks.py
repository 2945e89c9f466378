"""Masks of tensors: bool tensors that say which steps of sequences count. Layers hand them on beside their results."""

from __future__ import annotations

import inspect
from typing import Any

from minigraph.core.graph import Tensor
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
    """Whether a function has an argument of a name."""
    return argument in inspect.signature(function).parameters


def given_argument(function: Any, name: str, args: Any, kwargs: Any) -> tuple[bool, Any]:
    """Whether an argument of a layer's call was given, and its value. args: those after the input."""
    given = dict(zip(list(inspect.signature(function).parameters)[1:], args, strict=False)) | kwargs
    return name in given, given.get(name)


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
