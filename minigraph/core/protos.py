"""TensorBoard's protocol buffers, which are TensorFlow's."""

from __future__ import annotations

import importlib
from functools import cache
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


@cache
def saved_model_class() -> Any:
    """The message class `SavedModel` (tensorflow/core/protobuf/saved_model.proto), which TensorBoard lacks."""
    meta_graph = proto("meta_graph", "MetaGraphDef").DESCRIPTOR
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="minigraph/saved_model.proto", package="minigraph", syntax="proto3", dependency=[meta_graph.file.name]
    )
    message = file.message_type.add(name="SavedModel")
    message.field.add(name="saved_model_schema_version", number=1, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_INT64)
    message.field.add(name="meta_graphs", number=2, label=kinds.LABEL_REPEATED, type=kinds.TYPE_MESSAGE,
                      type_name=f".{meta_graph.full_name}")  # fmt: skip
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("minigraph.SavedModel"))


def tensorboard_module(name: str) -> Any:
    """A module of the package tensorboard."""
    try:
        return importlib.import_module(f"tensorboard.{name}")
    except ImportError as error:
        raise MissingPackageError(
            "TensorFlow's graphs, summaries, event files and traces need tensorboard: "
            f'pip install "minigraph[tensorboard]" ({error})'
        ) from error
