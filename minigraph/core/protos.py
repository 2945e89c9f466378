"""TensorBoard's protocol buffers, which are TensorFlow's."""

from __future__ import annotations

import importlib
from typing import Any

from minigraph.core.errors import MissingPackageError

# What the interface offers, by module.
MESSAGES = {
    "AttrValue": "attr_value",
    "Event": "event",
    "GraphDef": "graph",
    "HistogramProto": "summary",
    "MetaGraphDef": "meta_graph",
    "NameAttrList": "attr_value",
    "NodeDef": "node_def",
    "RunMetadata": "config",
    "SessionLog": "event",
    "Summary": "summary",
    "TensorInfo": "meta_graph",
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
            "TensorFlow's graphs, summaries, event files and traces need tensorboard: "
            f'pip install "minigraph[tensorboard]" ({error})'
        ) from error
