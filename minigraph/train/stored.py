"""The arrays of a checkpoint of either kind."""

from __future__ import annotations

import os

import numpy as np

from minigraph.core.errors import DataLossError, NotFoundError
from minigraph.core.typing import PathLike
from minigraph.train.native_checkpoint import SUFFIX, read_checkpoint


def read_any(path: PathLike) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint of minigraph or of TensorFlow, by name. NotFoundError; DataLossError."""
    found = _of_tensorflow(path)
    return read_checkpoint(path)[0] if found is None else found


def _of_tensorflow(path: PathLike) -> dict[str, np.ndarray] | None:
    """The variables of a checkpoint of TensorFlow; None if there is none. DataLossError if it is damaged."""
    from minigraph.formats.registry import find_format, load_weights
    from minigraph.formats.tensorflow.checkpoint import is_checkpoint

    if os.path.isfile(f"{os.fspath(path)}{SUFFIX}"):
        return None
    if not os.path.isfile(f"{os.fspath(path)}.index"):
        try:
            form, _ = find_format(path)
        except (NotFoundError, DataLossError):
            return None
        if form.matches is not is_checkpoint:
            return None
    return load_weights(path)
