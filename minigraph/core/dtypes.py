"""Dtypes of tensors, named as in TensorFlow 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.errors import DTypeError

__all__ = [
    "DType",
    "as_dtype",
    "complex64",
    "complex128",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "string",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]


class DType:
    """The type of a tensor's elements, such as `tf.float32`. It equals the NumPy dtype and the name, too.

    Args:
        name: The name.
        np_dtype: The NumPy dtype.

    Example:
        >>> tf.float32.name, tf.float32.size, tf.float32 == np.float32
        ('float32', 4, True)
    """

    __slots__ = ("name", "np_dtype")

    def __init__(self, name: str, np_dtype: Any) -> None:
        self.name = name
        self.np_dtype: np.dtype[Any] = np.dtype(np_dtype)

    @property
    def as_numpy_dtype(self) -> type:
        """The type of NumPy's scalars, such as `np.float32`."""
        return self.np_dtype.type

    @property
    def base_dtype(self) -> DType:
        """The dtype itself; in TensorFlow 1 the dtype of a variable's value."""
        return self

    @property
    def size(self) -> int:
        """The size of an element, in bytes."""
        return self.np_dtype.itemsize

    @property
    def is_floating(self) -> bool:
        """Whether the elements are floating-point numbers."""
        return self.np_dtype.kind == "f"

    @property
    def is_integer(self) -> bool:
        """Whether the elements are integers, signed or not."""
        return self.np_dtype.kind in "iu"

    @property
    def is_bool(self) -> bool:
        """Whether the elements are booleans."""
        return self.np_dtype.kind == "b"

    @property
    def is_unsigned(self) -> bool:
        """Whether the elements are integers without sign."""
        return self.np_dtype.kind == "u"

    @property
    def is_complex(self) -> bool:
        """Whether the elements are complex numbers."""
        return self.np_dtype.kind == "c"

    @property
    def real_dtype(self) -> DType:
        """The dtype of a complex number's parts; other dtypes themselves."""
        return as_dtype(self.np_dtype.type(0).real.dtype) if self.is_complex else self

    @property
    def limits(self) -> tuple[Any, Any]:
        """The least and the greatest number of an image's pixels: the range of integers, [0, 1] for others."""
        return (self.min, self.max) if self.is_integer else (0, 1)

    @property
    def min(self) -> Any:
        """The least finite number. DTypeError for booleans and strings."""
        self._require_numbers("minimum")
        return np.finfo(self.np_dtype).min if self.is_floating else np.iinfo(self.np_dtype).min

    @property
    def max(self) -> Any:
        """The greatest finite number. DTypeError for booleans and strings."""
        self._require_numbers("maximum")
        return np.finfo(self.np_dtype).max if self.is_floating else np.iinfo(self.np_dtype).max

    @property
    def lowest(self) -> Any:
        """The value that no other is below: −∞ for floating dtypes."""
        return -np.inf if self.is_floating else self.min

    @property
    def highest(self) -> Any:
        """The value that no other is above: ∞ for floating dtypes."""
        return np.inf if self.is_floating else self.max

    def _require_numbers(self, what: str) -> None:
        if not self.is_floating and not self.is_integer:
            raise DTypeError(f"Cannot find {what} value of {self}.")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DType):
            return self is other
        try:
            return as_dtype(other) is self
        except DTypeError:
            return False

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[Any, ...]:
        return as_dtype, (self.name,)

    def __repr__(self) -> str:
        return f"tf.{self.name}"

    def __str__(self) -> str:
        return f"<dtype: '{self.name}'>"


float16 = DType("float16", np.float16)
float32 = DType("float32", np.float32)
float64 = DType("float64", np.float64)
int8 = DType("int8", np.int8)
int16 = DType("int16", np.int16)
int32 = DType("int32", np.int32)
int64 = DType("int64", np.int64)
uint8 = DType("uint8", np.uint8)
uint16 = DType("uint16", np.uint16)
uint32 = DType("uint32", np.uint32)
uint64 = DType("uint64", np.uint64)
complex64 = DType("complex64", np.complex64)
complex128 = DType("complex128", np.complex128)
bool_ = DType("bool", np.bool_)
string = DType("string", np.object_)  # of bytes, on the host only: no plan has strings

ALL = (float16, float32, float64, int8, int16, int32, int64, uint8, uint16, uint32, uint64, bool_)
COMPLEX = (complex64, complex128)  # which can be moved and cast
_BY_NAME = {d.name: d for d in (*ALL, *COMPLEX, string)} | {"half": float16, "float": float32, "double": float64}
_BY_NUMPY = {d.np_dtype: d for d in (*ALL, *COMPLEX)}


def register_dtype(name: str, np_dtype: Any) -> DType:
    """Find, or make, the dtype for a NumPy dtype of another package. Its tensors can be moved and cast."""
    known = _BY_NUMPY.get(np.dtype(np_dtype))
    if known is None:
        known = _BY_NAME[name] = _BY_NUMPY[np.dtype(np_dtype)] = DType(name, np_dtype)
    return known


def as_dtype(type_value: Any) -> DType:
    """Convert a value to a dtype.

    Args:
        type_value: A dtype, a NumPy dtype or scalar type, a name such as "float32", or Python's float (float32), int
            (int32) or bool.

    Returns:
        The dtype.

    Raises:
        DTypeError: There is no such dtype.

    Example:
        >>> tf.as_dtype("float32"), tf.as_dtype(np.int64), tf.as_dtype(float)
        (tf.float32, tf.int64, tf.float32)
    """
    if isinstance(type_value, DType):
        return type_value
    if isinstance(type_value, str) and type_value in _BY_NAME:
        return _BY_NAME[type_value]
    if type_value is float:
        return float32
    if type_value is int:
        return int32
    try:
        if type_value is not None:  # which NumPy takes for float64
            return _BY_NUMPY[np.dtype(type_value)]
    except (TypeError, KeyError):
        pass
    raise DTypeError(f"Cannot convert value {type_value!r} to a minigraph DType")
