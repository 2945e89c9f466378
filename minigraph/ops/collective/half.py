"""Sums and extremes of numbers of 16 bits between ranks, for which MPI has no reductions of its own.

Each sum is made in float32 and rounded once. A bfloat16 is the upper half of a float32, here as uint16.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def to_bfloat16(x: Array) -> Array:
    """The upper halves of float32 numbers, rounded to the nearest, ties to even; NaN stays NaN."""
    bits = np.ascontiguousarray(x).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    nan = (bits >> np.uint32(16)) | np.uint32(0x40)
    return np.where(np.isnan(x), nan, rounded).astype(np.uint16)


def from_bfloat16(bits: Array) -> Array:
    """The float32 numbers with these upper halves."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def _combine(function: Callable[[Array, Array], Array], given: Any, target: Any, _: Any) -> None:
    out = np.frombuffer(target, np.uint16)
    out[...] = function(np.frombuffer(given, np.uint16), out)


def _of_float16(function: Any) -> Callable[[Array, Array], Array]:
    def combine(a: Array, b: Array) -> Array:
        with np.errstate(all="ignore"):
            wide = function(a.view(np.float16).astype(np.float32), b.view(np.float16).astype(np.float32))
            halves: Array = wide.astype(np.float16).view(np.uint16)
        return halves

    return combine


def _add_bfloat16(a: Array, b: Array) -> Array:
    return to_bfloat16(from_bfloat16(a) + from_bfloat16(b))


def reductions(mpi: Any) -> dict[str, Any]:
    """The reductions by name, MPI's own and those of 16 bits, as operators of MPI."""
    functions = {
        "sum of float16": _of_float16(np.add),
        "min of float16": _of_float16(np.minimum),
        "max of float16": _of_float16(np.maximum),
        "sum of bfloat16": _add_bfloat16,
    }
    made = {name: mpi.Op.Create(partial(_combine, function), commute=True) for name, function in functions.items()}
    return {"sum": mpi.SUM, "min": mpi.MIN, "max": mpi.MAX, **made}
