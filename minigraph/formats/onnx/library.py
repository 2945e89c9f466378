"""The onnx package, which is optional, and the errors about models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType, as_dtype, register_dtype
from minigraph.core.errors import BackendError, GraphError

DOMAINS = {"ai.onnx": ""}  # two names of the standard operators' domain


class UnsupportedError(GraphError):
    """An operator, an attribute or a dtype has no form on the other side."""


class NeedsShapeError(UnsupportedError):
    """An importer needs a dimension that is unknown. The node is then built when a run is compiled."""


class NeedsConstantError(UnsupportedError):
    """A shape, or a similar value, depends on fed values.

    Args:
        message: The text.
        inputs: Names of the model's inputs that it depends on, also the attribute `inputs`.
        index: The node's input that must be known.
    """

    def __init__(self, message: str, inputs: Sequence[str], index: int | None = None) -> None:
        super().__init__(message)
        self.inputs = tuple(inputs)
        self.index = index


def require_onnx() -> Any:
    """The onnx package. BackendError, with the command that installs it, if it is missing."""
    try:
        import onnx
    except ImportError as error:
        raise BackendError(f'ONNX models need the onnx package: pip install "minigraph[onnx]" ({error})') from error
    return onnx


def as_onnx_dtype(dtype: DType) -> int:
    """ONNX's number for a dtype."""
    number: int = require_onnx().helper.np_dtype_to_tensor_dtype(dtype.np_dtype)
    return number


def from_onnx_dtype(number: int) -> DType:
    """The dtype for ONNX's number. UnsupportedError for strings and complex numbers.

    bfloat16 and the dtypes of 8 bits and less come from the package ml_dtypes, which onnx itself needs. Their tensors
    can be moved and cast.
    """
    onnx = require_onnx()
    try:
        wanted = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(number))
        return register_dtype(wanted.name, wanted) if _is_narrow(wanted) else as_dtype(wanted)
    except (KeyError, TypeError):
        names = onnx.TensorProto.DataType
        name = names.Name(number) if number in names.values() else str(number)
        raise UnsupportedError(f"minigraph has no dtype for ONNX's {name}") from None


def _is_narrow(dtype: np.dtype[Any]) -> bool:
    return dtype.type.__module__.startswith("ml_dtypes")


def dtype_of(array: np.ndarray) -> DType:
    """The dtype of an array. Raises DTypeError if minigraph has no such dtype."""
    return register_dtype(array.dtype.name, array.dtype) if _is_narrow(array.dtype) else as_dtype(array.dtype)


def limits(dtype: DType) -> tuple[float, float]:
    """The least and the largest finite number of a dtype."""
    if not _is_narrow(dtype.np_dtype):
        return float(dtype.min), float(dtype.max)
    import ml_dtypes

    info = ml_dtypes.iinfo if "int" in dtype.name else ml_dtypes.finfo
    return float(info(dtype.np_dtype).min), float(info(dtype.np_dtype).max)
