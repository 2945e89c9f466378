"""Collections of layer outputs, under the names of their scopes."""

from __future__ import annotations

from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.util.nest import listed


def collect_named_outputs(collections: Any, alias: str, outputs: Tensor) -> Tensor:
    """Add a layer's output to collections, with its scope's name as its end point name."""
    for name in listed(collections):
        if name:
            outputs.graph.stores.setdefault("aliases", {}).setdefault(outputs, []).append(alias)
            tf.add_to_collection(name, outputs)
    return outputs


def convert_collection_to_dict(collection: str) -> dict[str, Tensor]:
    """The tensors of a collection by the names of their scopes. A tensor may have several names."""
    aliases = tf.get_default_graph().stores.get("aliases", {})
    return {alias: t for t in tf.get_collection(collection) for alias in aliases.get(t, [t.op.name])}
