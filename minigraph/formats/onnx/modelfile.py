"""ONNX files, read as untrusted input and written atomically."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.formats.onnx.library import require_onnx
from minigraph.util.files import atomic_write
from minigraph.util.read_budget import OWN


def read_model(source: Any) -> Any:
    """The ModelProto in a file, checked, with its external data in memory; or a given ModelProto, checked.

    Raises NotFoundError; DataLossError for a damaged file, another format, or data outside the model's folder.
    """
    onnx = require_onnx()
    if isinstance(source, onnx.ModelProto):
        model, folder, name = source, None, "the model"
    else:
        path = Path(os.fspath(source))
        if not path.is_file():
            raise NotFoundError(f"{path}: no such file")
        model, folder, name = _parsed(path), path.parent, str(path)
    fetched: dict[Path, int] = {}
    for tensor in list(_tensors(model.graph)) + [t for f in model.functions for n in f.node for t in _of_node(n)]:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            _fetch(tensor, folder, name, fetched)
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise DataLossError(f"{name} is not a valid ONNX model: {_first_line(error)}") from None
    return model


def _parsed(path: Path) -> Any:
    onnx = require_onnx()
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except Exception:  # protobuf's own class of error depends on its implementation
        raise DataLossError(f"{path} is damaged or not an ONNX model") from None
    if not model.ir_version or not model.HasField("graph"):
        raise DataLossError(f"{path} is damaged or not an ONNX model: it holds no graph")
    return model


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for node in graph.node:
        yield from _of_node(node)


def _of_node(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        for graph in subgraphs(attribute):
            yield from _tensors(graph)


def subgraphs(attribute: Any) -> Sequence[Any]:
    """The graphs in an attribute of a node."""
    return [attribute.g] if attribute.HasField("g") else attribute.graphs


def _fetch(tensor: Any, folder: Path | None, model: str, fetched: dict[Path, int]) -> None:
    """Read a tensor's data from its external file, which must be in the model's folder.

    fetched: the bytes that were read of each file; tensors may share parts of it, but only so often.
    """
    onnx = require_onnx()
    entries = {e.key: e.value for e in tensor.external_data}
    where = entries.get("location", "")
    about = f"{model}: the data of '{tensor.name}'"
    if folder is None:
        raise DataLossError(f"{about} is in the file '{where}', but the model was given without its folder")
    root, path = folder.resolve(), (folder / where).resolve()
    if not where or Path(where).is_absolute() or not path.is_relative_to(root) or path == root:
        raise DataLossError(f"{about} refers to '{where}', outside of the model's folder; it is not read")
    if not path.is_file():
        raise DataLossError(f"{about} refers to the file '{where}', which does not exist")
    offset, length = (int(v) if v.isdecimal() else -1 for v in (entries.get("offset", "0"), entries.get("length", "0")))
    available = path.stat().st_size
    length = available - offset if "length" not in entries else length
    if offset < 0 or length < 0 or offset + length > available:
        raise DataLossError(
            f"{about} is said to be bytes {entries.get('offset', 0)} to {entries.get('length', 'the end')} further "
            f"of '{where}', which has {available}"
        )
    fetched[path] = fetched.get(path, 0) + length
    if fetched[path] > OWN * available:
        raise DataLossError(f"{about} and of others is read more than {OWN} times from '{where}'")
    with open(path, "rb") as file:
        file.seek(offset)
        tensor.raw_data = file.read(length)
    del tensor.external_data[:]
    tensor.data_location = onnx.TensorProto.DEFAULT


def write_model(model: Any, path: Any) -> None:
    """Check and write a ModelProto. Raises ValueError above protobuf's limit of 2 GB."""
    require_onnx().checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    with atomic_write(path) as file:
        file.write(data)
