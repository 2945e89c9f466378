"""Functions of numbers that few programs need: the host computes them with NumPy, between two plans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core import types as T
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import DType, as_dtype
from minigraph.core.errors import DTypeError, GradientError
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType
from minigraph.ops.builder import same_dtype
from minigraph.ops.host.base import HostOp

_Slope = Callable[..., tuple[Any, ...]]

# The gradients for the operands, from the gradient for the result and the operands.
_SLOPES: dict[str, _Slope] = {
    "tan": lambda g, x: (g / tf.square(tf.cos(x)),),
    "arcsin": lambda g, x: (g / tf.sqrt(1 - x * x),),
    "arccos": lambda g, x: (-g / tf.sqrt(1 - x * x),),
    "arctan": lambda g, x: (g / (1 + x * x),),
    "sinh": lambda g, x: (g * cosh(x),),
    "cosh": lambda g, x: (g * sinh(x),),
    "arctan2": lambda g, y, x: (g * x / (x * x + y * y), -g * y / (x * x + y * y)),
}


class HostFunction(HostOp):
    """A function of NumPy, element by element. kinds: the NumPy dtype kinds it takes."""

    function: str
    kinds: str = "f"
    differentiable = True

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        dtype, shape = same_dtype(self.function, *types), types[0].shape
        if dtype.np_dtype.kind not in self.kinds:
            raise DTypeError(f"{self.function!r} does not take {dtype.name}")
        for other in types[1:]:
            shape = T.broadcast(shape, other.shape)
        return (TensorType(self._result(dtype), shape),)

    def _result(self, dtype: DType) -> DType:
        return dtype.real_dtype if self.function in ("real", "imag") else dtype

    def forward(self, xp: Any, *operands: Any) -> tuple[Any, ...]:
        arrays = [np.asarray(x) for x in operands]
        result = self._result(as_dtype(arrays[0].dtype)).np_dtype
        with np.errstate(all="ignore"):
            return (np.asarray(getattr(np, self.function)(*arrays)).astype(result),)

    def vjp(self, node: Node, grad: Tensor) -> list[Tensor | None]:
        if self.function not in _SLOPES:
            raise GradientError(f"gradients of {node.name!r} are not supported")
        found = _SLOPES[self.function](grad, *node.inputs)
        return [_summed(g, x) for g, x in zip(found, node.inputs, strict=True)]


class ComplexOf(HostFunction):
    """Complex numbers of their parts."""

    function: str = "complex"

    def _result(self, dtype: DType) -> DType:
        return as_dtype(np.result_type(dtype.np_dtype, np.complex64))

    def forward(self, xp: Any, *operands: Any) -> tuple[Any, ...]:
        parts = np.broadcast_arrays(*operands)
        found = np.empty(parts[0].shape, np.result_type(parts[0], np.complex64))
        found.real, found.imag = parts
        return (found,)


def _summed(grad: Tensor, like: Tensor) -> Tensor:
    """The gradient, summed over the axes that the operand was broadcast along."""
    if like.shape == grad.shape and like.shape.is_fully_defined():
        return grad
    x, broadcast = tf.zeros_like(like), tf.zeros_like(grad)
    (found,) = tf.gradients(x + broadcast, x, grad)
    return convert_to_tensor(found)  # type: ignore[arg-type]


def _made(function: str, name: str | None, default: str, *operands: Any, kinds: str = "f") -> Tensor:
    with tf.name_scope(name, default, list(operands)) as scope:
        first, *others = operands
        if others and not isinstance(first, tf.Tensor) and isinstance(others[0], tf.Tensor):
            first = convert_to_tensor(first, others[0].dtype)
        x = convert_to_tensor(first)
        tensors = [x, *(convert_to_tensor(y, x.dtype) for y in others)]
        return x.graph.add(HostFunction(function, kinds), tensors, scope).outputs[0]


def tan(x: Any, name: str | None = None) -> Tensor:
    """The tangent."""
    return _made("tan", name, "Tan", x)


def asin(x: Any, name: str | None = None) -> Tensor:
    """The arc sine, in [−π/2, π/2]."""
    return _made("arcsin", name, "Asin", x)


def acos(x: Any, name: str | None = None) -> Tensor:
    """The arc cosine, in [0, π]."""
    return _made("arccos", name, "Acos", x)


def atan(x: Any, name: str | None = None) -> Tensor:
    """The arc tangent, in (−π/2, π/2)."""
    return _made("arctan", name, "Atan", x)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle of the points (x, y), in [−π, π]."""
    return _made("arctan2", name, "Atan2", y, x)


def sinh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic sine."""
    return _made("sinh", name, "Sinh", x)


def cosh(x: Any, name: str | None = None) -> Tensor:
    """The hyperbolic cosine."""
    return _made("cosh", name, "Cosh", x)


def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The remainder of the division that rounds to 0, with the sign of x."""
    return _made("fmod", name, "TruncateMod", x, y, kinds="fiu")


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The quotient, rounded to 0."""
    with tf.name_scope(name, "TruncateDiv", [x, y]):
        a = convert_to_tensor(x)
        b = convert_to_tensor(y, a.dtype)
        return tf.floordiv(a - truncatemod(a, b), b)


def real(input: Any, name: str | None = None) -> Tensor:
    """The real part."""
    x = convert_to_tensor(input)
    return _made("real", name, "Real", x, kinds="c") if x.dtype.is_complex else x


def imag(input: Any, name: str | None = None) -> Tensor:
    """The imaginary part."""
    x = convert_to_tensor(input)
    return _made("imag", name, "Imag", x, kinds="c") if x.dtype.is_complex else tf.zeros_like(x)


def conj(x: Any, name: str | None = None) -> Tensor:
    """The complex conjugate; real numbers themselves."""
    found = convert_to_tensor(x)
    return _made("conj", name, "Conj", found, kinds="c") if found.dtype.is_complex else found


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """Complex numbers of their parts, both float32 or both float64."""
    with tf.name_scope(name, "Complex", [real, imag]) as scope:
        a = convert_to_tensor(real)
        b = convert_to_tensor(imag, a.dtype)
        if a.dtype.name not in ("float32", "float64"):
            raise DTypeError(f"complex takes parts of float32 or float64, not {a.dtype.name}")
        return a.graph.add(ComplexOf(), [a, b], scope).outputs[0]
