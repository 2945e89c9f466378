"""Arrays in TensorFlow's messages; the texts were recorded from TensorFlow 1.15.5. Tests `tf1/tensor_protos.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph.tf1 as tf

pytest.importorskip("tensorboard", reason="needs TensorBoard's messages")

SHAPE = "tensor_shape { dim { size: 2 } }"


@pytest.mark.parametrize(
    ("values", "options", "text"),
    [
        (10.0, {}, "dtype: DT_FLOAT tensor_shape {} float_val: 10.0"),
        (1 + 2j, {"dtype": "complex64"}, "dtype: DT_COMPLEX64 tensor_shape {} scomplex_val: 1 scomplex_val: 2"),
        ([1, 2], {}, f"dtype: DT_INT32 {SHAPE} tensor_content: '\\1\\0\\0\\0\\2\\0\\0\\0'"),
        (1.5, {"dtype": "float16"}, "dtype: DT_HALF tensor_shape {} half_val: 15872"),
        ([True], {"shape": [2]}, f"dtype: DT_BOOL {SHAPE} bool_val: true"),
        (["a", b"b"], {}, f"dtype: DT_STRING {SHAPE} string_val: 'a' string_val: 'b'"),
        (np.zeros(2), {}, f"dtype: DT_DOUBLE {SHAPE} tensor_content: '" + 16 * "\\0" + "'"),
    ],
)  # fmt: skip
def test_messages_are_tensorflows(values: Any, options: dict[str, Any], text: str) -> None:
    message = tf.make_tensor_proto(values, **options)
    tf.test.TestCase().assertProtoEquals(text, message)
    assert tf.make_tensor_proto(message) is message
    want = np.broadcast_to(np.asarray(values), [d.size for d in message.tensor_shape.dim])
    np.testing.assert_array_equal(tf.make_ndarray(message), want.astype(np.bytes_) if want.dtype.kind == "U" else want)


def test_values_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="Too many elements"):
        tf.make_tensor_proto([1, 2, 3], shape=[2])
    with pytest.raises(TypeError, match="Expected Tensor's shape"):
        tf.make_tensor_proto([1, 2], shape=[2, 1], verify_shape=True)
    with pytest.raises(TypeError, match="Expected int32"):
        tf.make_tensor_proto(1.5, tf.int32)
