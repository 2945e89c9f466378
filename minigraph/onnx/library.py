"""The onnx package, which is optional, and what can be wrong with a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import ALL, DType
from minigraph.core.errors import BackendError, GraphError

DOMAINS = {"ai.onnx": ""}  # two names of the standard operators' domain


class UnsupportedError(GraphError):
    """An operator, an attribute or a dtype that has no form on the other side."""


class NeedsConstantError(UnsupportedError):
    """A shape, or the like, that depends on what is fed. `inputs` names the model's inputs that it comes from."""

    def __init__(self, message: str, inputs: Sequence[str]) -> None:
        super().__init__(message)
        self.inputs = tuple(inputs)


def require_onnx() -> Any:
    """The onnx package. BackendError, with what installs it, where it is missing."""
    try:
        import onnx
    except ImportError as error:
        raise BackendError(f'ONNX models need the onnx package: pip install "minigraph[onnx]" ({error})') from error
    return onnx


def as_onnx_dtype(dtype: DType) -> int:
    """ONNX's number of a dtype."""
    number: int = require_onnx().helper.np_dtype_to_tensor_dtype(dtype.np_dtype)
    return number


def from_onnx_dtype(number: int) -> DType:
    """The dtype that ONNX has under a number. UnsupportedError for strings, bfloat16, float8 and the like."""
    onnx = require_onnx()
    try:
        wanted = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(number))
        return next(d for d in ALL if d.np_dtype == wanted)
    except (KeyError, StopIteration, TypeError):
        names = onnx.TensorProto.DataType
        name = names.Name(number) if number in names.values() else str(number)
        raise UnsupportedError(f"minigraph has no dtype for ONNX's {name}") from None
