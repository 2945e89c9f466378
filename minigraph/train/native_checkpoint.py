"""minigraph's own checkpoints: named arrays in one safetensors file, written atomically and checked when read."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from minigraph.core.errors import DataLossError, DTypeError, NotFoundError
from minigraph.core.typing import PathLike
from minigraph.util.files import atomic_write

SUFFIX = ".safetensors"
_FORMAT = "minigraph.checkpoint.1"


def write_checkpoint(path: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write named arrays with a checksum. `metadata`: texts by key. DTypeError for complex128, which has no form."""
    from safetensors.numpy import save

    if wide := [name for name, a in arrays.items() if a.dtype == np.complex128]:
        raise DTypeError(f"'{wide[0]}' is complex128, which only checkpoints of TensorFlow 1's form can hold")
    contiguous = {name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()}
    header = {f"user.{k}": v for k, v in metadata.items()} | {"format": _FORMAT}
    data = save(contiguous, header | {"sha256": _digest(contiguous, header)})
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with atomic_write(path) as file:
        for piece in _ordered(data):
            file.write(piece)


def _ordered(data: bytes) -> tuple[bytes, memoryview]:
    """The two pieces of a safetensors file, with its metadata in order: safetensors writes them in a random one, but
    equal checkpoints are to be equal files."""
    import json

    end = 8 + int.from_bytes(data[:8], "little")
    head = json.loads(data[8:end])
    head["__metadata__"] = dict(sorted(head["__metadata__"].items()))
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the numbers stay aligned
    return len(text).to_bytes(8, "little") + text, memoryview(data)[end:]


def read_checkpoint(path: PathLike) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The named arrays and the metadata of a checkpoint. NotFoundError; DataLossError if the file is damaged."""
    from safetensors import SafetensorError, safe_open

    file = find_checkpoint(path)
    try:
        with safe_open(file, framework="np") as content:
            header = content.metadata() or {}
            if header.get("format") != _FORMAT:
                raise DataLossError(f"{file} is a safetensors file, but not a checkpoint of minigraph")
            arrays = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise DataLossError(f"{file} is damaged, or not a checkpoint: {error}") from None
    if header.pop("sha256", None) != _digest(arrays, header):
        raise DataLossError(f"{file} is damaged: its content does not match its checksum")
    return arrays, {k.removeprefix("user."): v for k, v in header.items() if k.startswith("user.")}


def read_metadata(path: PathLike) -> dict[str, str]:
    """Read the metadata that `Saver.save` was given.

    Args:
        path: Path of the checkpoint.

    Returns:
        The texts by key.

    Raises:
        NotFoundError: The file does not exist.
        DataLossError: The file is damaged or of another kind.

    Example:
        >>> w = tf.Variable(2.0)
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     path = tf.train.Saver().save(sess, "model", metadata={"epoch": "3"})
        >>> tf.train.read_metadata(path)
        {'epoch': '3'}
    """
    return read_checkpoint(path)[1]


def find_checkpoint(path: PathLike) -> str:
    """The file of a checkpoint, whose ending may be left out. NotFoundError."""
    text = str(os.fspath(path))
    for candidate in (text, text + SUFFIX):
        if os.path.isfile(candidate):
            return candidate
    raise NotFoundError(f"no checkpoint at {text}")


def _digest(arrays: Mapping[str, np.ndarray], header: Mapping[str, str]) -> str:
    import hashlib
    import json

    digest = hashlib.sha256(json.dumps(sorted(header.items())).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
