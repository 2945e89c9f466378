"""The initializers of an ONNX model, as weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from minigraph.core.errors import MissingPackageError
from minigraph.formats.arrays import Weights, from_raw, is_number, mapped, native
from minigraph.util.read_budget import Budget, Damaged

_BFLOAT16 = 16


def is_onnx(path: Path, head: bytes) -> bool:
    """Whether the file can be a model: it starts with the format's version, and its suffix is .onnx."""
    return path.suffix.lower() == ".onnx" and head[:1] == b"\x08"


def read_onnx(path: Path) -> Weights:
    """The initializers by name, without external data. Raises Damaged, MissingPackageError."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise MissingPackageError('ONNX files need onnx: pip install "minigraph[onnx]"') from error
    data = mapped(path)
    budget = Budget(len(data))
    try:
        model = onnx.load_model_from_string(bytes(data))
    except DecodeError:
        raise Damaged("it is damaged or not an ONNX model") from None
    return {tensor.name: _array(onnx, tensor, budget) for tensor in model.graph.initializer}


def _array(onnx: Any, tensor: Any, budget: Budget) -> Any:
    name, shape = tensor.name, tuple(tensor.dims)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise Damaged(f"the numbers of '{name}' lie in another file, which is not read")
    budget.take(name, shape, 8)
    if tensor.data_type == _BFLOAT16 and tensor.raw_data:
        return from_raw(name, tensor.raw_data, "bfloat16", shape)
    array = onnx.numpy_helper.to_array(tensor)
    if not is_number(array):
        raise Damaged(f"'{name}' holds {array.dtype}, which is not read")
    return native(array)
