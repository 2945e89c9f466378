"""Functions that random programs call. A printed program begins with the text of this file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigraph as tf


def data(kind: str, seed: int, shape: Sequence[int], dtype: Any = np.float32) -> np.ndarray:
    """Numbers of a kind, all of them exact in the narrowest dtype that a program may have them in."""
    random = np.random.RandomState(seed)
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return random.randint(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        low, high = (0 if dtype.kind == "u" else -5), (3 if kind == "index" else 7)
        whole = random.randint(low if kind != "index" else 0, high, shape).astype(dtype)
        if kind == "special":
            ends = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)
            return np.where(random.rand(*shape) < 0.3, random.choice(ends, shape), whole)
        return whole
    normal = random.randn(*shape)
    values = {
        "normal": normal,
        "small": random.randint(-3, 4, shape) * 1.0,
        "positive": random.rand(*shape) + 0.25,
        "zeros": random.choice([0.0, -0.0], shape),
        "ones": np.ones(shape),
        "wide": normal * 10.0 ** random.uniform(-4, 4, shape),
        "special": np.where(
            random.rand(*shape) < 0.3,
            random.choice([0.0, -0.0, np.nan, np.inf, -np.inf, 1e-7, 6e4, -6e4, 1e-40, 1.0], shape),
            normal,
        ),
    }[kind]
    return np.asarray(values, np.float32).astype(np.float16 if dtype == np.float16 else np.float32).astype(dtype)


def total(dtype: Any, values: Sequence[Any]) -> Any:
    """Σ values·weights, the weights small integers that repeat."""
    return tf.add_n([tf.reduce_sum(tf.cast(v, dtype) * tf.constant(_weights(v), dtype)) for v in values])


def _weights(value: Any) -> np.ndarray:
    dims = [d or 1 for d in value.get_shape().as_list()]
    return np.resize([1.0, -2.0, 3.0, 2.0, -1.0, 1.0, 2.0], dims)


def grads(y: Any, xs: Sequence[Any]) -> list[Any]:
    """The gradients of y; zeros for what it does not depend on."""
    found = zip(tf.gradients(y, list(xs)), xs, strict=True)
    return [tf.zeros_like(x) if g is None else tf.convert_to_tensor(g) for g, x in found]


def after(effects: Sequence[Any], compute: Callable[[], Any]) -> Any:
    with tf.control_dependencies(list(effects)):
        return compute()


def drop(x: Any, keep: float, seed: int) -> Any:
    """Dropout. A float64 program draws the same numbers as a float32 one."""
    if x.dtype != tf.float64:
        return tf.nn.dropout(x, keep, seed=seed)
    return x * tf.cast(tf.nn.dropout(tf.ones_like(tf.cast(x, tf.float32)), keep, seed=seed), x.dtype)


def noise(like: Any, seed: int) -> Any:
    """Uniform numbers in [-1, 1), the same for every dtype."""
    drawn = tf.random_uniform(tf.shape(like), -1.0, 1.0, seed=seed)
    drawn.set_shape(like.get_shape())
    return tf.cast(drawn, like.dtype)
