"""Weights in files, compared to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np


def same_weights(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Assert that names, dtypes, shapes and bits are equal, and that the arrays may be written to."""
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        array = np.asarray(value)
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        assert found[name].tobytes() == array.tobytes(), name
        assert found[name].flags.writeable
        assert found[name].flags.c_contiguous
