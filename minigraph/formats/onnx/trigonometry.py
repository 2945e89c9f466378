"""Importers of the inverse trigonometric functions, by the arctangent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.elementwise import like, select

# Cephes (S. Moshier): atan x = x + x·z·P(z)/Q(z) with z = x², for |x| ≤ 0.66.
P = (-8.750608600031904122785e-1, -1.615753718733365076637e1, -7.500855792314704667340e1, -1.228866684490136173410e2,
     -6.485021904942025371773e1)  # fmt: skip
Q = (1.0, 2.485846490142306297962e1, 1.650270098316988542046e2, 4.328810604912902668951e2, 4.853903996359136964868e2,
     1.945506571482613964425e2)  # fmt: skip


def _polynomial(coefficients: tuple[float, ...], z: Any) -> Any:
    total: Any = like(z, coefficients[0])
    for c in coefficients[1:]:
        total = total * z + like(z, c)
    return total


def _atan(x: Tensor) -> Any:
    """In float64: |x| above tan 3π/8 by π/2 − atan 1/x, above 0.66 by π/4 + atan (x − 1)/(x + 1)."""
    size = tf.abs(x)
    large, middle = size > like(x, 2.41421356237309504880), size > like(x, 0.66)
    inverse = like(x, -1) / tf.where(large, size, tf.ones_like(size))
    small = tf.where(large, inverse, tf.where(middle, (size - like(x, 1)) / (size + like(x, 1)), size))
    start = tf.where(large, _filled(x, np.pi / 2), tf.where(middle, _filled(x, np.pi / 4), tf.zeros_like(x)))
    z: Any = small * small
    found = start + small + small * z * _polynomial(P, z) / _polynomial(Q, z)
    return select(tf.less(x, like(x, 0)), -found, found)


def _filled(x: Tensor, value: float) -> Any:
    return tf.zeros_like(x) + like(x, value)


def _asin(x: Tensor) -> Any:
    one = like(x, 1)
    return _atan(x / tf.sqrt((one - x) * (one + x)))


def _acos(x: Tensor) -> Any:
    one = like(x, 1)
    return like(x, 2) * _atan(tf.sqrt((one - x) / (one + x)))


def _in_float64(function: Callable[[Tensor], Any]) -> Callable[[OnnxNode], Result]:
    return lambda call: call.spread(lambda x: tf.cast(function(tf.cast(x, tf.float64)), x.dtype))


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "Acos": _in_float64(_acos),
    "Asin": _in_float64(_asin),
    "Atan": _in_float64(_atan),
}
