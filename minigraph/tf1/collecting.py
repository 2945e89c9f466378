"""Collections of layer outputs, under the names of their scopes."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor


def collect_named_outputs(collections: Any, alias: str, outputs: Tensor) -> Tensor:
    """Add a layer's output to collections, with its scope's name as its end point name."""
    outputs.graph.stores.setdefault("aliases", {})[outputs] = alias
    for name in collections if isinstance(collections, list | tuple) else [collections]:
        if name:
            tf.add_to_collection(name, outputs)
    return outputs


def convert_collection_to_dict(collection: str) -> dict[str, Tensor]:
    """The tensors of a collection by scope name."""
    aliases = tf.get_default_graph().stores.get("aliases", {})
    return {aliases.get(t, t.op.name): t for t in tf.get_collection(collection)}
