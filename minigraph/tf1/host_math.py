"""Functions of complex numbers, which the host computes between two plans."""

from __future__ import annotations

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


class HostFunction(HostOp):
    """A function of NumPy of complex numbers, element by element."""

    function: str
    differentiable = True

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        dtype, shape = same_dtype(self.function, *types), types[0].shape
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
        raise GradientError(f"gradients of {node.name!r} are not supported")


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


def _made(function: str, name: str | None, default: str, x: Tensor) -> Tensor:
    with tf.name_scope(name, default, [x]) as scope:
        return x.graph.add(HostFunction(function), [x], scope).outputs[0]


def real(input: Any, name: str | None = None) -> Tensor:
    """Return the real part of each number.

    Args:
        input: Complex or real numbers of any shape.
        name: Name of the node.

    Returns:
        A tensor of the shape of `input`: float32 of complex64, float64 of complex128; real numbers themselves.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.Session().run(tf.real([1 + 2j, 3 - 4j])).tolist()
        [1.0, 3.0]
    """
    x = convert_to_tensor(input)
    return _made("real", name, "Real", x) if x.dtype.is_complex else x


def imag(input: Any, name: str | None = None) -> Tensor:
    """Return the imaginary part of each number.

    Args:
        input: Complex or real numbers of any shape.
        name: Name of the node.

    Returns:
        A tensor of the shape of `input`: float32 of complex64, float64 of complex128; 0 for real numbers.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.Session().run(tf.imag([1 + 2j, 3 - 4j])).tolist()
        [2.0, -4.0]
    """
    x = convert_to_tensor(input)
    return _made("imag", name, "Imag", x) if x.dtype.is_complex else tf.zeros_like(x)


def conj(x: Any, name: str | None = None) -> Tensor:
    """Return the complex conjugate of each number.

    Args:
        x: Complex or real numbers of any shape.
        name: Name of the node.

    Returns:
        A tensor of the shape and dtype of `x`; real numbers themselves.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.Session().run(tf.conj([1 + 2j, 3 - 4j])).tolist()
        [(1-2j), (3+4j)]
    """
    found = convert_to_tensor(x)
    return _made("conj", name, "Conj", found) if found.dtype.is_complex else found


def complex(real: Any, imag: Any, name: str | None = None) -> Tensor:
    """Make complex numbers of their real and imaginary parts.

    Args:
        real: The real parts, float32 or float64.
        imag: The imaginary parts, of the same dtype; the shapes broadcast.
        name: Name of the node.

    Returns:
        A tensor of complex64 or complex128.

    Raises:
        DTypeError: The parts have another dtype.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.Session().run(tf.complex([1.0, 3.0], [2.0, -4.0])).tolist()
        [(1+2j), (3-4j)]
    """
    with tf.name_scope(name, "Complex", [real, imag]) as scope:
        a = convert_to_tensor(real)
        b = convert_to_tensor(imag, a.dtype)
        if a.dtype.name not in ("float32", "float64"):
            raise DTypeError(f"complex takes parts of float32 or float64, not {a.dtype.name}")
        return a.graph.add(ComplexOf(), [a, b], scope).outputs[0]
