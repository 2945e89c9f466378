"""`tf.test.compute_gradient`: gradients compared with finite differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.errors import DTypeError, ShapeError

__all__ = ["compute_gradient", "compute_gradient_error"]

Jacobians = tuple[np.ndarray, np.ndarray]


def compute_gradient(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Sequence[Any] | None = None,
    extra_feed_dict: Mapping[Any, Any] | None = None,
) -> Jacobians | list[Jacobians]:
    """The derivative of `y` by `x` in the default session, from the gradients and from central differences.

    Args:
        x: A tensor of floats, or a list of tensors.
        x_shape: Its shape, without unknown dimensions; a list of shapes for a list of tensors.
        y: A tensor of floats.
        y_shape: Its shape, without unknown dimensions.
        x_init_value: Where to differentiate, an array or a list of arrays; by default random numbers in [0, 1).
        delta: Half of the step of the differences.
        init_targets: Operations to run first, such as initialisers.
        extra_feed_dict: Values of placeholders that `y` needs besides `x`.

    Returns:
        Two arrays of shape [elements of x, elements of y], the derivatives from the gradients and from the
        differences; a list of such pairs for a list of tensors.

    Raises:
        DTypeError: `x` or `y` is no tensor of floats.
        ShapeError: x_init_value has another shape than x_shape.

    Example:
        >>> import minigraph.tf1 as tf
        >>> x = tf.constant([1.0, 3.0])
        >>> with tf.Session():
        ...     exact, near = tf.test.compute_gradient(x, [2], x * x, [2], np.array([1.0, 3.0], np.float32))
        >>> exact.tolist()
        [[2.0, 0.0], [0.0, 6.0]]
    """
    feeds = dict(extra_feed_dict or {})
    xs, shapes = (x, x_shape) if isinstance(x, list) else ([x], [x_shape])
    points = x_init_value if isinstance(x, list) and x_init_value is not None else [x_init_value] * len(xs)
    for target in init_targets or ():
        target.run()
    found = [_jacobians(*each, y, tuple(y_shape), delta, feeds) for each in zip(xs, shapes, points, strict=True)]
    return found if isinstance(x, list) else found[0]


def compute_gradient_error(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Sequence[Any] | None = None,
    extra_feed_dict: Mapping[Any, Any] | None = None,
) -> float:
    """The largest difference between the two derivatives of `compute_gradient`, whose arguments it takes.

    Args:
        x, x_shape, y, y_shape: The tensors of floats, and their shapes without unknown dimensions.
        x_init_value: Where to differentiate; by default random numbers in [0, 1).
        delta: Half of the step of the differences.
        init_targets: Operations to run first.
        extra_feed_dict: Values of placeholders that `y` needs besides `x`.

    Returns:
        A number; 0 if `x` or `y` is empty.

    Raises:
        DTypeError: `x` or `y` is no tensor of floats.
        ShapeError: x_init_value has another shape than x_shape.

    Example:
        >>> import minigraph.tf1 as tf
        >>> x = tf.constant([1.0, 3.0], tf.float64)
        >>> with tf.Session():
        ...     tf.test.compute_gradient_error(x, [2], tf.exp(x), [2]) < 1e-5
        True
    """
    found = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    pairs = found if isinstance(found, list) else [found]
    return max((float(np.abs(exact - near).max()) for exact, near in pairs if exact.size), default=0.0)


def _jacobians(
    x: Any, x_shape: Any, point: Any, y: Any, y_shape: tuple[int, ...], delta: float, feeds: dict[Any, Any]
) -> Jacobians:
    for name, tensor in (("x", x), ("y", y)):
        if not tensor.dtype.base_dtype.is_floating:
            raise DTypeError(f"compute_gradient: {name} must be a tensor of floats, not of {tensor.dtype.name}")
    shape, dtype = tuple(x_shape), x.dtype.base_dtype.as_numpy_dtype
    start = np.random.random_sample(shape) if point is None else np.asarray(point)
    if start.shape != shape:
        raise ShapeError(f"compute_gradient: x_init_value has shape {start.shape}, x_shape is {shape}")
    start = start.astype(dtype)
    exact = _from_gradients(x, start, y, y_shape, feeds)
    near = np.zeros_like(exact)
    for row in range(start.size):
        sides = []
        for step in (delta, -delta):
            moved = start.copy()
            moved.reshape(-1)[row] += step
            sides.append(np.asarray(y.eval({**feeds, x: moved})).reshape(-1))
        near[row] = (sides[0] - sides[1]) / (2 * delta)
    return exact, near


def _from_gradients(x: Any, start: np.ndarray, y: Any, y_shape: tuple[int, ...], feeds: dict[Any, Any]) -> np.ndarray:
    """The derivative, column by column: each column is a gradient of one element of y."""
    with x.graph.as_default():
        weights = tf.ones(tf.shape(y), y.dtype.base_dtype)
        (gradient,) = tf.gradients(y, x, weights)
        dense: Any = None if gradient is None else tf.convert_to_tensor(gradient)
    columns, shape = int(np.prod(y_shape)), y.shape.as_list() if y.shape.is_fully_defined() else y_shape
    exact = np.zeros((start.size, columns), start.dtype)
    for column in range(columns if dense is not None else 0):
        one = np.zeros(columns, y.dtype.base_dtype.as_numpy_dtype)
        one[column] = 1
        found = dense.eval({**feeds, x: start, weights: one.reshape(shape)})
        exact[:, column] = np.asarray(found).reshape(-1)
    return exact
