"""Dtypes, shapes, arrays and attributes in TensorFlow's protocol buffers.

Sources: tensorflow/core/framework/{types,tensor,tensor_shape,attr_value}.proto.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.dtypes import ALL, COMPLEX, DType, as_dtype, string
from minigraph.core.errors import GraphError
from minigraph.core.protos import proto
from minigraph.core.types import Shape, TensorType
from minigraph.formats.tensorflow.numbers import NUMBERS
from minigraph.util.read_budget import Budget, Damaged

NAMES: dict[int, str] = {number: name for name, number in NUMBERS.items()}
RESOURCE = NUMBERS["resource"]
GRADIENT = "_gradient_op_type"  # the attribute with the name of the function that replaces a node's gradient
_REF = 100  # added to a dtype's number for a reference
_DTYPES = {d.name: d for d in (*ALL, *COMPLEX, string)}
_FIELDS = {
    "float32": "float_val", "float64": "double_val", "int64": "int64_val", "bool": "bool_val", "string": "string_val",
    "uint32": "uint32_val", "uint64": "uint64_val", "float16": "half_val",
    "complex64": "scomplex_val", "complex128": "dcomplex_val",
}  # fmt: skip


class UnreadableError(GraphError):
    """A part of a graph of TensorFlow has no form in minigraph, or the other way round."""


class Dims(NamedTuple):
    """A shape, as the value of an attribute."""

    shape: Shape


def from_number(number: int) -> DType:
    """The dtype of TensorFlow's number. UnreadableError where there is none."""
    dtype = _DTYPES.get(NAMES.get(number % _REF, ""))
    if dtype is None:
        names = proto("types", "DataType")
        name = names.Name(number) if number in names.values() else str(number)
        raise UnreadableError(f"minigraph has no dtype for TensorFlow's {name}")
    return dtype


def to_number(dtype: DType) -> int:
    """TensorFlow's number of a dtype."""
    return NUMBERS[dtype.name]


def read_shape(message: Any) -> Shape:
    """The shape in a `TensorShapeProto`. Dimensions that are not known are None, as is a shape of unknown rank."""
    if message.unknown_rank:
        return None
    return tuple(None if d.size < 0 else int(d.size) for d in message.dim)


def write_shape(shape: Shape) -> Any:
    """A `TensorShapeProto`."""
    kind = proto("tensor_shape", "TensorShapeProto")
    if shape is None:
        return kind(unknown_rank=True)
    return kind(dim=[kind.Dim(size=-1 if d is None else int(d)) for d in shape])


def read_tensor(message: Any, budget: Budget) -> np.ndarray:
    """The array in a `TensorProto`; strings are bytes in an array of objects. Raises Damaged."""
    dtype, given = from_number(message.dtype), read_shape(message.tensor_shape)
    if given is None or None in given:
        raise Damaged("a constant has no shape")
    shape = tuple(d for d in given if d is not None)
    size, itemsize = math.prod(shape), dtype.np_dtype.itemsize
    budget.take("a constant", shape, itemsize)
    if message.tensor_content:
        if dtype is string or len(message.tensor_content) != size * itemsize:
            raise Damaged(f"a constant {TensorType(dtype, shape)} is kept in {len(message.tensor_content)} bytes")
        raw = np.frombuffer(message.tensor_content, dtype.np_dtype.newbyteorder("<"))
        return raw.astype(dtype.np_dtype).reshape(shape)
    return _filled(_listed(message, dtype), dtype, shape, size)


def _listed(message: Any, dtype: DType) -> np.ndarray:
    values = getattr(message, _FIELDS.get(dtype.name, "int_val"))
    if dtype.name == "float16":
        return np.array(values, np.uint16).view(np.float16)
    if dtype.is_complex:  # real and imaginary parts in turn
        return np.array(values, dtype.real_dtype.np_dtype).view(dtype.np_dtype)
    if dtype is not string:
        return np.array(values).astype(dtype.np_dtype)
    flat = np.empty(len(values), np.object_)
    flat[:] = list(values)
    return flat


def _filled(values: np.ndarray, dtype: DType, shape: Any, size: int) -> np.ndarray:
    """The values in row-major order; the last one repeats."""
    if len(values) > size:
        raise Damaged(f"a constant {TensorType(dtype, shape)} has {len(values)} elements")
    if len(values) == size:
        return values.reshape(shape)
    last = values[-1] if len(values) else (b"" if dtype is string else 0)
    if len(values) < 2:
        return np.broadcast_to(np.array(last, dtype.np_dtype), shape)  # takes the room of one number
    flat = np.full(size, last, dtype.np_dtype)
    flat[: len(values)] = values
    return flat.reshape(shape)


def write_tensor(array: np.ndarray) -> Any:
    """A `TensorProto`. Strings are bytes in an array of objects."""
    dtype = string if array.dtype == np.object_ else as_dtype(array.dtype)
    message = proto("tensor", "TensorProto")(dtype=to_number(dtype), tensor_shape=write_shape(array.shape))
    if dtype is string:
        message.string_val.extend(bytes(v) for v in array.ravel())
        return message
    flat = array.reshape(-1)
    one = flat[:1]
    all_equal = flat.size and one.tobytes() * flat.size == flat.tobytes()
    # A NaN of float32 may lose bits on its way through Python's float.
    if all_equal and (dtype.name != "float32" or np.isfinite(one[0])):
        write_elements(message, one)
        return message
    message.tensor_content = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    return message


def write_elements(message: Any, flat: np.ndarray) -> None:
    """Add elements to the field of a `TensorProto` that lists those of their dtype."""
    if flat.dtype == np.object_:
        message.string_val.extend(bytes(v) for v in flat)
        return
    dtype = as_dtype(flat.dtype)
    if dtype.name == "float16":
        flat = flat.view(np.uint16)
    elif dtype.is_complex:
        flat = flat.view(dtype.real_dtype.np_dtype)
    getattr(message, _FIELDS.get(dtype.name, "int_val")).extend(flat.tolist())


def read_attribute(message: Any, budget: Budget) -> Any:
    """The value in an `AttrValue`: bytes for text, a tuple for a list, a DType, a shape, or an array."""
    kind = message.WhichOneof("value")
    if kind == "list":
        parts = message.list
        for name in ("s", "i", "f", "b", "type", "shape", "tensor"):
            if values := getattr(parts, name):
                return tuple(_read_one(name, v, budget) for v in values)
        return ()
    return None if kind is None else _read_one(kind, getattr(message, kind), budget)


def _read_one(kind: str, value: Any, budget: Budget) -> Any:
    if kind == "type":
        return from_number(value) if value % _REF != RESOURCE else None
    if kind == "shape":
        return read_shape(value)
    return read_tensor(value, budget) if kind == "tensor" else value


def attribute(value: Any) -> Any:
    """An `AttrValue` of a bool, int, float, text, DType, `Dims`, array, or a tuple of them."""
    message = proto("attr_value", "AttrValue")()
    if isinstance(value, tuple) and not isinstance(value, Dims):
        message.list.SetInParent()
        kind = _kind(value[0]) if value else "i"
        field = getattr(message.list, kind)
        for item in value:
            if kind in ("shape", "tensor"):
                field.add().CopyFrom(_plain(item))
            else:
                field.append(_plain(item))
        return message
    kind, plain = _kind(value), _plain(value)
    if kind in ("shape", "tensor"):
        getattr(message, kind).CopyFrom(plain)
    else:
        setattr(message, kind, plain)
    return message


def _kind(value: Any) -> str:
    kinds: Mapping[Any, str] = {bool: "b", int: "i", float: "f", str: "s", bytes: "s", DType: "type", Dims: "shape"}
    return "tensor" if isinstance(value, np.ndarray) else kinds[type(value)]


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, DType):
        return to_number(value)
    if isinstance(value, Dims):
        return write_shape(value.shape)
    return write_tensor(value) if isinstance(value, np.ndarray) else value
