"""Random changes of brightness, contrast, saturation and hue."""

from __future__ import annotations

from typing import Any

from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.image.colour import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation
from minigraph.ops.random.distributions import random_uniform

__all__ = ["random_brightness", "random_contrast", "random_hue", "random_saturation"]


def _between(lower: Any, upper: Any, seed: int | None) -> Tensor:
    return random_uniform([], lower, upper, seed=seed)


def random_brightness(image: TensorLike, max_delta: float, seed: int | None = None) -> Tensor:
    """Adjust the brightness by a random amount in [−max_delta, max_delta).

    Args:
        image: Images, as for `adjust_brightness`.
        max_delta: Bound of the amount, at least 0.
        seed: Seed of this operation; None to take it from the graph's seed.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ValueError: `max_delta` is negative.

    Example:
        >>> y = tf.Session().run(tf.image.random_brightness([0.5], max_delta=0.25))
        >>> 0.25 <= y.item() < 0.75
        True
    """
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_brightness(image, _between(-max_delta, max_delta, seed))


def _check_range(lower: float, upper: float) -> None:
    if upper <= lower:
        raise ValueError("upper must be > lower.")
    if lower < 0:
        raise ValueError("lower must be non-negative.")


def random_contrast(image: TensorLike, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """Adjust the contrast by a random factor in [lower, upper).

    Args:
        image: Images, as for `adjust_contrast`.
        lower: Least factor, at least 0.
        upper: Bound of the factor, above `lower`.
        seed: Seed of this operation; None to take it from the graph's seed.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ValueError: `lower` is negative, or `upper` is not above it.
        ShapeError: `image` has fewer than 3 dimensions.

    Example:
        >>> image = tf.reshape([0.0, 2.0], [1, 2, 1])
        >>> y = tf.Session().run(tf.image.random_contrast(image, 0.5, 1.0))
        >>> 1.0 <= np.ptp(y).item() < 2.0
        True
    """
    _check_range(lower, upper)
    return adjust_contrast(image, _between(lower, upper, seed))


def random_saturation(image: TensorLike, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """Adjust the saturation by a random factor in [lower, upper).

    Args:
        image: Images, as for `adjust_saturation`.
        lower: Least factor, at least 0.
        upper: Bound of the factor, above `lower`.
        seed: Seed of this operation; None to take it from the graph's seed.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ValueError: `lower` is negative, or `upper` is not above it.
        ShapeError: The last dimension of `image` is not 3.

    Example:
        >>> y = tf.Session().run(tf.image.random_saturation([[[0.5, 0.25, 0.25]]], 0.0, 1.0))
        >>> 0.0 <= np.ptp(y).item() < 0.25
        True
    """
    _check_range(lower, upper)
    return adjust_saturation(image, _between(lower, upper, seed))


def random_hue(image: TensorLike, max_delta: float, seed: int | None = None) -> Tensor:
    """Rotate the hue by a random share of the circle in [−max_delta, max_delta).

    Args:
        image: Images, as for `adjust_hue`.
        max_delta: Bound of the share, in [0, ½].
        seed: Seed of this operation; None to take it from the graph's seed.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ValueError: `max_delta` is not in [0, ½].
        ShapeError: The last dimension of `image` is not 3.

    Example:
        >>> y = tf.image.random_hue([[[1.0, 0.0, 0.0]]], max_delta=0.1)
        >>> tf.Session().run(y).max().item()
        1.0
    """
    if max_delta > 0.5:
        raise ValueError("max_delta must be <= 0.5.")
    if max_delta < 0:
        raise ValueError("max_delta must be non-negative.")
    return adjust_hue(image, _between(-max_delta, max_delta, seed))
