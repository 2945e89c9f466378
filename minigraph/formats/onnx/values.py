"""The value of a name in an ONNX graph, and its layouts in the graph under construction.

ONNX images are channels first, minigraph's are channels last. A value keeps the layout in which it was made; the other
layout is made by a transpose when an operator reads it. Channels-last values thus pass from operator to operator.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType
from minigraph.formats.onnx.library import UnsupportedError, dtype_of

Perm = tuple[int, ...] | None  # None: as in ONNX


def last_perm(rank: int) -> tuple[int, ...]:
    """From channels first to channels last."""
    return (0, *range(2, rank), 1)


def first_perm(rank: int) -> tuple[int, ...]:
    """From channels last to channels first."""
    return (0, rank - 1, *range(1, rank - 1))


class Last(NamedTuple):
    """An importer's result with channels last."""

    tensor: Tensor


class UnknownDim:
    """An unknown dimension in arithmetic on shapes."""

    def _join(self, other: Any) -> UnknownDim:
        return UnknownDim()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __rfloordiv__ = _join


class OnnxValue:
    """A value. array: its known content at import. weight: the array becomes a variable when a tensor is needed.

    dims: for a vector of integers computed from shapes, an object array with UnknownDim for unknown numbers; `build`
    then makes the tensor when it is read.
    """

    def __init__(
        self,
        name: str,
        array: np.ndarray | None = None,
        forms: dict[Perm, Tensor] | None = None,
        weight: bool = False,
        dims: np.ndarray | None = None,
        build: Callable[[], Tensor] | None = None,
    ) -> None:
        self.name = name
        self.array = array
        self.forms = forms or {}
        self.weight = weight
        self.dims = dims
        self.build = build
        if array is not None:
            try:
                dtype_of(array)
            except DTypeError:
                raise UnsupportedError(f"'{name}' holds {array.dtype}: minigraph has no dtype for it") from None

    @property
    def known(self) -> bool:
        return self.array is not None

    @property
    def type(self) -> TensorType:
        """dtype and shape in ONNX's layout."""
        if self.array is not None:
            return TensorType(dtype_of(self.array), self.array.shape)
        if not self.forms and self.dims is not None:
            return TensorType(tf.int64, self.dims.shape)
        perm, tensor = next(iter(self.forms.items()))
        shape = tensor.type.shape
        if perm is None or shape is None:
            return tensor.type
        return TensorType(tensor.dtype, tuple(shape[i] for i in np.argsort(perm)))

    @property
    def is_last(self) -> bool:
        """Whether the value exists only with channels last."""
        return bool(self.forms) and None not in self.forms

    def form(self, perm: Perm = None) -> Tensor:
        """The tensor with its axes in the order `perm`."""
        if perm == tuple(range(len(perm or ()))):
            perm = None
        if perm not in self.forms:
            self.forms[perm] = self._make(perm)
        return self.forms[perm]

    def _make(self, perm: Perm) -> Tensor:
        if self.array is not None:
            return self._entered(self.array if perm is None else np.transpose(self.array, perm))
        if not self.forms and self.build is not None:
            self.forms[None] = self.build()
            return self.form(perm)
        old, tensor = next(iter(self.forms.items()))
        rank = len(perm or old or ())
        have, want = (range(rank) if p is None else p for p in (old, perm))
        return tf.transpose(tensor, [list(have).index(axis) for axis in want])

    def _entered(self, array: np.ndarray) -> Tensor:
        if not self.weight:
            return tf.constant(array, name="const")
        graph = tf.get_default_graph()
        with graph.name_scope(None), graph.control_dependencies(None):
            return tf.Variable(np.ascontiguousarray(array), name=valid_name(self.name)).value()


class Dequantized(OnnxValue):
    """A known value that enters the graph as integers and their scale. make: the tensor with axes in some order."""

    def __init__(self, name: str, array: np.ndarray, make: Callable[[Perm], Tensor]) -> None:
        super().__init__(name, array)
        self.make = make

    def _make(self, perm: Perm) -> Tensor:
        return self.make(perm)


class NoTensor(OnnxValue):
    """A value that is not a tensor."""

    @property
    def type(self) -> TensorType:
        raise UnsupportedError(f"'{self.name}' is a sequence or an optional without a value, not a tensor")

    def form(self, perm: Perm = None) -> Tensor:
        raise UnsupportedError(f"'{self.name}' is a sequence or an optional without a value, not a tensor")


class NoValue(NoTensor):
    """An optional without a value. An optional with a value is represented by that value."""


class OnnxSequence(NoTensor):
    """A sequence, by its elements."""

    def __init__(self, name: str, parts: Sequence[OnnxValue]) -> None:
        super().__init__(name)
        self.parts = parts


def valid_name(name: str) -> str:
    """`name` with the characters replaced that minigraph does not allow in node names."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_.\\/>-") else "_" for c in name.strip("/"))
    return kept if kept and (kept[0].isalnum() or kept[0] == ".") else f"n{kept}"
