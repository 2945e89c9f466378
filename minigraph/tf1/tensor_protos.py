"""Arrays in TensorFlow's messages, and back. They need TensorBoard."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigraph.core.dtypes import as_dtype, string
from minigraph.core.protos import proto
from minigraph.formats.tensorflow.values import read_tensor, to_number, write_elements, write_shape
from minigraph.ops.builder import constant_array
from minigraph.ops.constant import string_array
from minigraph.util.read_budget import Budget


def make_tensor_proto(
    values: Any, dtype: Any = None, shape: Any = None, verify_shape: bool = False, allow_broadcast: bool = False
) -> Any:
    """A `TensorProto` of numbers or strings. Of fewer values than the shape has elements, the last one repeats.

    Args:
        values: Numbers or strings: an array or nested lists; a `TensorProto` is returned as it is.
        dtype: The dtype; by default that of the values.
        shape: The shape; by default that of the values.
        verify_shape: Refuse values of another shape.
        allow_broadcast: Take one value or all; excludes `verify_shape`.

    Returns:
        A `TensorProto`.

    Raises:
        ValueError: There are more values than elements, or both switches are on.
        TypeError: The values do not fit the dtype, or the shape as a switch wants it.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.make_ndarray(tf.make_tensor_proto([1.5], shape=[2]))
        array([1.5, 1.5], dtype=float32)
    """
    kind = proto("tensor", "TensorProto")
    if isinstance(values, kind):
        return values
    wanted = None if dtype is None else as_dtype(dtype)
    array = _array(values, wanted)
    dims = array.shape if shape is None else tuple(int(d) for d in shape)
    size = math.prod(dims)
    if verify_shape and allow_broadcast:
        raise ValueError("verify_shape and allow_broadcast exclude each other")
    if allow_broadcast and array.shape not in ((), (1,)) and array.size != size:
        raise TypeError(f"Expected Tensor's shape: {dims}, got {array.shape}.")
    if verify_shape and dims != array.shape:
        raise TypeError(f"Expected Tensor's shape: {dims}, got {array.shape}.")
    if array.size > size:
        raise ValueError(f"Too many elements provided. Needed at most {size}, but received {array.size}")
    found = string if array.dtype == np.object_ else as_dtype(array.dtype)
    message = kind(dtype=to_number(found), tensor_shape=write_shape(dims))
    if array.size == size > 1 and found is not string:
        message.tensor_content = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    else:
        write_elements(message, array.reshape(-1))
    return message


def _array(values: Any, wanted: Any) -> np.ndarray:
    flat = np.asarray(values, np.object_).reshape(-1) if not isinstance(values, np.ndarray) else values.reshape(-1)
    is_text = wanted is string or (wanted is None and flat.size > 0 and isinstance(flat[0], str | bytes))
    return string_array(values) if is_text else constant_array(values, wanted)


def make_ndarray(tensor: Any) -> np.ndarray:
    """The array in a `TensorProto`; strings are bytes in an array of objects.

    Args:
        tensor: A `TensorProto`.

    Returns:
        An array of the message's dtype and shape.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.make_ndarray(tf.make_tensor_proto([[1, 2]]))
        array([[1, 2]], dtype=int32)
    """
    return np.array(read_tensor(tensor, Budget(tensor.ByteSize)))
