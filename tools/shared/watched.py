"""Histograms of a network's weights and activations, for the event files of its training."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Node
from minigraph.graphs.walk import needed

EXAMPLES = 16  # of a batch, whose activations are looked at
_MOST = 8  # activations
_FUNCTIONS = ("Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Tanh", "Sigmoid")


def activations(logits: tf.Tensor, fed: Collection[tf.Tensor]) -> list[tf.Tensor]:
    """At most eight results of activation functions that depend on what is fed and on no random numbers."""
    depends, random = {tensor.node for tensor in fed}, set[Node]()
    found = []
    for node in sorted(needed([logits.node]), key=lambda n: n.id):
        before = [t.node for t in node.inputs]
        if not depends.isdisjoint(before):
            depends.add(node)
        if node.op.draws or not random.isdisjoint(before):
            random.add(node)
        elif node.type in _FUNCTIONS and node in depends:
            found.append(node.outputs[0])
    places = np.unique(np.linspace(0, len(found) - 1, min(_MOST, len(found))).round().astype(int))
    return [found[i] for i in places]


def look(session: tf.Session, logits: tf.Tensor, feeds: Mapping[tf.Tensor, Any]) -> dict[str, np.ndarray]:
    """The values of the trained variables and of some activations by tag, `weights/...` and `activations/...`.

    feeds: of the activations; without any there are none. Draws no random numbers, so the training stays the same.
    """
    with session.graph.as_default():
        learned = {f"weights/{v.op.name}": v for v in tf.trainable_variables()}
    seen: dict[str, np.ndarray] = session.run(learned)
    if feeds and (chosen := {f"activations/{t.op.name}": t for t in activations(logits, feeds)}):
        seen |= session.run(chosen, feeds)
    return seen
