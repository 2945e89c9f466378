"""Numbers and arrays in TensorFlow's protocol buffers.

Tests `core/protos.py`.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from minigraph.core.protos import proto
from minigraph.formats.tensorflow.numbers import NUMBERS
from minigraph.formats.tensorflow.values import read_tensor, write_tensor
from minigraph.util.read_budget import Budget

_NAMES = {"float16": "HALF", "float32": "FLOAT", "float64": "DOUBLE"}


@pytest.mark.parametrize("name", NUMBERS)
def test_the_number_of_a_dtype_is_tensorflows(name: str) -> None:
    assert NUMBERS[name] == proto("types", "DataType").Value(f"DT_{_NAMES.get(name, name.upper())}")


@given(st.data(), st.sampled_from(["float16", "float32", "float64"]), st.booleans())
@settings(max_examples=200)
def test_a_tensor_keeps_every_bit(data: st.DataObject, name: str, repeated: bool) -> None:
    """Any bits: NaNs with payloads, infinities, subnormal numbers, both zeros."""
    dtype = np.dtype(name)
    bits = stn.arrays(f"uint{8 * dtype.itemsize}", () if repeated else stn.array_shapes(max_dims=2, min_side=0))
    array = data.draw(bits).view(dtype)
    if repeated:
        array = np.broadcast_to(array, (2, 3))
    found = read_tensor(write_tensor(array), Budget(0))
    assert (found.dtype, found.shape, found.tobytes()) == (array.dtype, array.shape, array.tobytes())
