"""Tangent, hyperbolic and inverse functions, and division to 0: see ``cases.py`` for the rules of these files."""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import Results, case
from cases_ops import add, f32, normal

_INSIDE = f32([[-0.99, -0.5, -0.01], [0.2, 0.7, 0.95]])
for _name, _x in (("tan", normal(2, 3)), ("asin", _INSIDE), ("acos", _INSIDE), ("atan", 3 * normal(2, 3)),
                  ("sinh", normal(2, 3)), ("cosh", normal(2, 3)), ("asinh", 3 * normal(2, 3)),
                  ("acosh", 1.1 + np.abs(normal(2, 3))), ("atanh", _INSIDE)):  # fmt: skip
    add(_name, lambda tf, x, n=_name: getattr(tf, n)(x), _x, second=True)
    add(_name + "_double", lambda tf, x, n=_name: getattr(tf.math, n)(x), _x.astype(np.float64))
add("atan2", lambda tf, y, x: tf.atan2(y, x), normal(2, 3), normal(2, 3, seed=1), second=True)


@case(rtol=2e-6)
def elementary_at_limits(tf: Any) -> Results:
    """Values at zeros, ends of the domain, and infinity."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(f32([0.0, -0.0, 1.0, -1.0, 1.5, np.inf, -np.inf]))
        names = ("tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh")
        results = dict(zip(names, session.run([getattr(tf, n)(x) for n in names])))
        angles = tf.atan2(tf.reshape(x, [-1, 1]), x)
        results["atan2"], results["signs"] = session.run([angles, 1.0 / angles])
        return results


@case()
def division_to_zero(tf: Any) -> Results:
    """Remainders with the sign of the dividend, and their quotients."""
    with tf.Graph().as_default(), tf.Session() as session:
        results = {}
        for kind in (np.int32, np.int64, np.uint8, np.float32, np.float64):
            x, y = np.array([7, 250, 9, 100, 0], kind), np.array([3, 7, 10, 100, 5], kind)
            if kind != np.uint8:
                x, y = np.concatenate([x, -x, x]), np.concatenate([y, y, -y])
                results[kind.__name__] = session.run(tf.truncatemod(tf.constant(x), tf.constant(y)))
            if kind in (np.int32, np.uint8):
                results["quotient " + kind.__name__] = session.run(tf.truncatediv(tf.constant(x), tf.constant(y)))
        results["fractions"] = session.run(tf.truncatemod(f32([5.3, -5.3, 1e30, -0.5]), f32([1.1, 1.1, 7.0, np.inf])))
        return results
