"""Dropout."""

from __future__ import annotations

from typing import Any

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.typing import NumberLike, ShapeLike, TensorLike
from minigraph.ops.array.shape import shape
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.math.casting import cast
from minigraph.ops.random.distributions import random_uniform

__all__ = ["dropout"]


def dropout(
    x: TensorLike, keep_prob: NumberLike | None = None, noise_shape: ShapeLike | Tensor = None,
    seed: int | None = None, name: str | None = None, rate: NumberLike | None = None,
) -> Tensor:  # fmt: skip
    """Set elements to 0 at random and divide the others by `keep_prob`, which keeps the expectation.

    An element is kept where U ≥ 1 − keep_prob for uniform U in [0, 1), as in TensorFlow 1.15.
    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov 2014, Dropout: A Simple Way to Prevent Neural
    Networks from Overfitting.

    Args:
        x: A tensor of a floating dtype.
        keep_prob: Probability in (0, 1] that an element is kept: a number, or a scalar tensor. The number 1 gives `x`
            itself.
        noise_shape: Shape of the random numbers, which broadcasts to that of `x`: elements that share a random number
            are kept or dropped together. By default the shape of `x`.
        seed: Seed of this operation; None to take it from the graph's seed.
        name: Name scope of the nodes.
        rate: 1 − keep_prob, in [0, 1). Give either `keep_prob` or `rate`.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        ValueError: Both or neither of `keep_prob` and `rate` are given, a number is out of range, or the dtype of `x`
            is not floating.

    Example:
        >>> y = tf.nn.dropout(tf.ones([1000]), keep_prob=0.5)
        >>> np.unique(tf.Session().run(y))
        array([0., 2.], dtype=float32)
    """
    rate = _rate(as_tensor_like(keep_prob), as_tensor_like(rate))
    tensor = convert_to_tensor(x)
    if not tensor.dtype.is_floating:
        raise ValueError(f"x has to be a floating point tensor since it's going to be scaled. Got {tensor.dtype.name}.")
    graph = tensor.graph
    with graph.as_default(), graph.name_scope(name or "dropout"):
        if rate == 0 and not isinstance(rate, Tensor):
            return tensor
        amount = convert_to_tensor(rate, tensor.dtype, name="rate")
        noise = random_uniform(_noise_shape(noise_shape, tensor), seed=seed, dtype=tensor.dtype)
        scale = 1 / (1 - amount)
        kept = noise >= amount
        scaled = tensor * scale
        mask = cast(kept, tensor.dtype)
        result: Tensor = scaled * mask
        result.set_shape(tensor.type.shape)
        return result


def _noise_shape(noise_shape: Any, x: Tensor) -> Any:
    if noise_shape is not None:
        return noise_shape
    return x.type.static if x.type.is_static else shape(x)


def _rate(keep_prob: Any, rate: Any) -> Any:
    if (keep_prob is None) == (rate is None):
        raise ValueError("dropout takes either keep_prob or rate")
    if isinstance(rate, Tensor):
        return rate
    if isinstance(keep_prob, Tensor):
        return 1 - keep_prob
    number = rate if keep_prob is None else 1 - keep_prob
    if not 0 <= number < 1:
        given = "" if keep_prob is None else f" (keep_prob must be in (0, 1], got {keep_prob})"
        raise ValueError(f"rate must be a scalar tensor or a float in the range [0, 1), got {number}{given}")
    return number
