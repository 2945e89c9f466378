"""Flipping, rotating and transposing images [H,W,C] or [N,H,W,C]."""

from __future__ import annotations

from typing import Any

from minigraph.core.dtypes import float32
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.reshape import transpose as permute
from minigraph.ops.array.reversal import reverse
from minigraph.ops.array.shape import known_dims, packed
from minigraph.ops.builder import composed
from minigraph.ops.image.operand import as_image, side_axis
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import less
from minigraph.ops.math.rounding import round
from minigraph.ops.math.selection import where
from minigraph.ops.random.distributions import random_uniform

__all__ = [
    "flip_left_right",
    "flip_up_down",
    "random_flip_left_right",
    "random_flip_up_down",
    "rot90",
    "transpose_image",
]


def flip_left_right(image: TensorLike) -> Tensor:
    """Reverse the order of the columns of images.

    Args:
        image: Images [H,W,C] or [N,H,W,C].

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3], [1, 3, 1])
        >>> tf.Session().run(tf.image.flip_left_right(image)).ravel()
        array([3, 2, 1], dtype=int32)
    """
    return _flip(image, 1, "flip_left_right")


def flip_up_down(image: TensorLike) -> Tensor:
    """Reverse the order of the rows of images.

    Args:
        image: Images [H,W,C] or [N,H,W,C].

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3], [3, 1, 1])
        >>> tf.Session().run(tf.image.flip_up_down(image)).ravel()
        array([3, 2, 1], dtype=int32)
    """
    return _flip(image, 0, "flip_up_down")


def _flip(image: Any, axis: int, name: str) -> Tensor:
    with composed(None, name, image):
        x = as_image(image)
        x.graph.reserve_ids(1 if x.type.is_static else 23)  # TensorFlow's checks of the image
        return reverse(x, [side_axis(x, axis)])


def random_flip_left_right(image: TensorLike, seed: int | None = None) -> Tensor:
    """Reverse the order of the columns of images with probability ½, each image of a batch by itself.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        seed: Seed of this operation; None to take it from the graph's seed.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3], [1, 3, 1])
        >>> tf.Session().run(tf.image.random_flip_left_right(image)).ravel().tolist() in ([1, 2, 3], [3, 2, 1])
        True
    """
    return _random_flip(image, 1, seed, "random_flip_left_right")


def random_flip_up_down(image: TensorLike, seed: int | None = None) -> Tensor:
    """Reverse the order of the rows of images with probability ½, each image of a batch by itself.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        seed: Seed of this operation; None to take it from the graph's seed.

    Returns:
        A tensor of the dtype and shape of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3], [3, 1, 1])
        >>> tf.Session().run(tf.image.random_flip_up_down(image)).ravel().tolist() in ([1, 2, 3], [3, 2, 1])
        True
    """
    return _random_flip(image, 0, seed, "random_flip_up_down")


def _random_flip(image: Any, axis: int, seed: int | None, name: str) -> Tensor:
    with composed(None, name, image) as scope:
        x = as_image(image)
        graph, known = x.graph, x.type.is_static
        if x.type.rank == 3:
            with graph.counted_as(19 if known else 41):
                graph.reserve_ids(1 if known else 23)  # TensorFlow's checks of the image, before the random number
                chance = random_uniform([], 0, 1.0, seed=seed)
                return where(less(chance, 0.5), reverse(x, [side_axis(x, axis)]), x, name=scope)
        with graph.counted_as((26 if known else 48) + (x.dtype is not float32)):
            flipped = reverse(x, [side_axis(x, axis)])
            graph.reserve_ids(4 if known else 21)
            chances = random_uniform(packed(known_dims(x, (0,))), 0, 1.0, seed=seed)
            flips = cast(round(reshape(chances, [-1, 1, 1, 1])), x.dtype)
            result: Tensor = flips * flipped + (1 - flips) * x
            return result


def rot90(image: TensorLike, k: int = 1, name: str | None = None) -> Tensor:
    """Rotate images anticlockwise by multiples of 90°.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        k: Number of quarter turns.
        name: Name scope of the nodes.

    Returns:
        A tensor of the rank and dtype of `image`, with H and W exchanged for odd `k`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3, 4], [2, 2, 1])
        >>> tf.Session().run(tf.image.rot90(image))[:, :, 0]
        array([[2, 4],
               [1, 3]], dtype=int32)
    """
    with composed(name, "rot90", image):
        x = as_image(image)
        rows, columns = side_axis(x, 0), side_axis(x, 1)
        turns = int(k) % 4
        if turns == 2:
            return reverse(x, [rows, columns])
        if turns == 1:
            return _swapped(reverse(x, [columns]))
        return reverse(_swapped(x), [columns]) if turns == 3 else x


def _swapped(x: Tensor) -> Tensor:
    """Rows and columns exchanged."""
    return permute(x, [1, 0, 2] if x.type.rank == 3 else [0, 2, 1, 3])


def transpose_image(image: TensorLike, name: str | None = None) -> Tensor:
    """Exchange the rows and the columns of images.

    Args:
        image: Images [H,W,C] or [N,H,W,C].
        name: Name scope of the nodes.

    Returns:
        A tensor [W,H,C] or [N,W,H,C] of the dtype of `image`.

    Raises:
        ShapeError: `image` has another rank.

    Example:
        >>> image = tf.reshape([1, 2, 3, 4], [2, 2, 1])
        >>> tf.Session().run(tf.image.transpose_image(image))[:, :, 0]
        array([[1, 3],
               [2, 4]], dtype=int32)
    """
    with composed(name, "transpose_image", image):
        return _swapped(as_image(image))
