"""Rarer functions of single numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import as_dtype, float64, int64
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.scalar import Scalar, call
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply, composed
from minigraph.ops.math import elementwise as E
from minigraph.ops.math.math_api import abs, cast, equal, negative, round, softplus
from minigraph.ops.pointwise import Unary, scalar_like, unary


class Erf(Unary):
    """The error function, 2/√π·∫₀ˣ e^−t² dt."""

    kinds = "f"
    on_host = True

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        values = [math.erf(v) for v in np.ravel(x).tolist()]
        return (xp.asarray(values, dtype=x.dtype).reshape(x.shape),)

    def is_pointwise(self, in_types: Sequence[TensorType]) -> bool:
        return False  # there is no such function in generated code

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        slope = apply(E.Exp(), apply(E.Neg(), apply(E.Square(), x)))
        return apply(E.Mul(), g, apply(E.Mul(), scalar_like(2 / math.sqrt(math.pi), x), slope))


class Expm1(Unary):
    """y = e^x − 1, exact for small x; ∂y/∂x = e^x."""

    ufunc = "expm1"
    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        return call("expm1", operands[0])

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(E.Mul(), g, apply(E.Exp(), x))


def erf(x: Any, name: str | None = None) -> Tensor:
    """The error function, 2/√π·∫₀ˣ e^−t² dt."""
    return unary(Erf(), x, name, "Erf")


def expm1(x: Any, name: str | None = None) -> Tensor:
    """e^x − 1."""
    return unary(Expm1(), x, name, "Expm1")


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(1/(1 + e^−x))."""
    with composed(name, "LogSigmoid", x) as scope:
        return negative(softplus(-convert_to_tensor(x)), name=scope)


def is_inf(x: Any, name: str | None = None) -> Tensor:
    """Whether x is infinite."""
    with composed(name, "IsInf", x) as scope:
        return equal(abs(x), np.inf, name=scope)


def rint(x: Any, name: str | None = None) -> Tensor:
    """x rounded; halves go to the even neighbour."""
    return round(x, name or "Rint")


def to_int64(x: Any, name: str = "ToInt64") -> Tensor:
    """`x` as int64."""
    return cast(x, int64, name)


def to_double(x: Any, name: str = "ToDouble") -> Tensor:
    """`x` as float64."""
    return cast(x, float64, name)


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`value` as another dtype, with what does not fit set to that dtype's smallest or largest number."""
    kind = as_dtype(dtype)
    with composed(name, "saturate_cast", value) as scope:
        x = convert_to_tensor(value)
        if x.dtype.min < kind.min:
            x = apply(E.Maximum(), x, scalar_like(kind.min, x))
        if x.dtype.max > kind.max:
            x = apply(E.Minimum(), x, scalar_like(kind.max, x))
        return cast(x, kind, name=scope)
