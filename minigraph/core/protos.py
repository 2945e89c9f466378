"""TensorBoard's protocol buffers, which are TensorFlow's."""

from __future__ import annotations

import importlib
from typing import Any

from minigraph.core.errors import MissingPackageError

# What the interface offers, by module.
MESSAGES = {
    "Event": "event",
    "HistogramProto": "summary",
    "RunMetadata": "config",
    "SessionLog": "event",
    "Summary": "summary",
}


def proto(module: str, name: str) -> Any:
    """The message class `name` of `tensorboard.compat.proto.<module>_pb2`. MissingPackageError without TensorBoard."""
    return getattr(tensorboard_module(f"compat.proto.{module}_pb2"), name)


def tensorboard_module(name: str) -> Any:
    """A module of the package tensorboard."""
    try:
        return importlib.import_module(f"tensorboard.{name}")
    except ImportError as error:
        raise MissingPackageError(
            f'summaries, event files and traces need tensorboard: pip install "minigraph[tensorboard]" ({error})'
        ) from error
