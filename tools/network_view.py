"""What a trained network has learned and where it looks: filters, maps, saliency and Grad-CAM, from its graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minigraph as tf
from minigraph.core.errors import InvalidArgumentError
from minigraph.graphs.walk import needed

_ACTIVATIONS = ("Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Tanh", "Sigmoid")
_MAPS = (*_ACTIVATIONS, "MaxPool", "AvgPool", "Concat", "ConcatV2", "Add")
Array = NDArray[Any]


class Seen(NamedTuple):
    """What one image does to a network.

    scores: of the classes. saliency: [H, W], the largest |∂score/∂pixel| of a pixel's channels. cam: [h, w], Grad-CAM
    of the last maps, from 0 on. maps: by layer, [h, w, maps].
    """

    scores: Array
    class_index: int
    saliency: Array
    cam: Array
    cam_layer: str
    maps: dict[str, Array]


class NetworkView:
    """A network in its session. images: its input, [N, H, W, C] or flat; predictions: the probabilities."""

    def __init__(self, session: tf.Session, images: tf.Tensor, predictions: tf.Tensor, shape: Sequence[int]) -> None:
        self.session, self.images, self.predictions = session, images, predictions
        self.shape = tuple(shape)
        self.nodes = sorted(_between(images, predictions), key=lambda n: n.id)

    def layers(self) -> dict[str, tf.Tensor]:
        """The maps of activations, poolings, sums and concatenations, in order: rank 4, of more than one pixel."""
        found = {}
        for node in self.nodes:
            if node.type in _MAPS:
                shape = node.outputs[0].type.shape or ()
                if len(shape) == 4 and shape[1:3] != (1, 1):
                    found[node.name] = node.outputs[0]
        return found

    def first_filters(self) -> tuple[str, Array]:
        """The name of the first convolution and its filters, [KH, KW, inputs, maps]."""
        for node in self.nodes:
            if node.type in ("Conv2D", "GroupedConv2D", "DepthwiseConv2dNative") and len(node.inputs) > 1:
                filters: Array = self.session.run(node.inputs[1])
                return node.name, filters
        raise InvalidArgumentError("the network has no convolution, so it has no filters to show")

    def look(self, image: Array, class_index: int | None = None, layers: Sequence[str] = ()) -> Seen:
        """Run one image, prepared for the network. class_index: of the class to explain; by default the likeliest."""
        known = self.layers()
        for name in layers:
            if name not in known:
                raise InvalidArgumentError(f"no layer {name!r} with maps; there are {', '.join(known)}")
        if not known:
            raise InvalidArgumentError("the network has no maps, only vectors")
        feeds = {self.images: image[None]}
        scores = self.session.run(self.predictions, feeds)[0]
        chosen = int(np.argmax(scores)) if class_index is None else class_index
        last = list(known)[-1]
        with self.session.graph.as_default():
            score = _logits(self.predictions)[:, chosen]
            gradients = tf.gradients(score, [self.images, known[last]])
        maps = {name: known[name] for name in layers}
        (by_image, by_maps), end, shown = self.session.run([gradients, known[last], maps], feeds)
        saliency = np.abs(np.reshape(by_image, self.shape)).max(axis=-1)
        cam = np.maximum(end[0] @ by_maps[0].mean(axis=(0, 1)), 0)
        return Seen(scores, chosen, saliency, cam, last, {name: found[0] for name, found in shown.items()})


def evenly(names: Sequence[str], count: int) -> list[str]:
    """At most `count` names, evenly spaced, the first and the last among them."""
    places = np.unique(np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int))
    return [names[i] for i in places]


def _between(start: tf.Tensor, end: tf.Tensor) -> Iterator[Any]:
    """The nodes that depend on `start` and that `end` depends on."""
    depends = {start.node}
    for node in sorted(needed([end.node]), key=lambda n: n.id):
        if node in depends or any(t.node in depends for t in node.inputs):
            depends.add(node)
            yield node


def _logits(predictions: tf.Tensor) -> tf.Tensor:
    """What goes into the last softmax: its slope does not vanish where the network is sure."""
    node = predictions.node
    while node.type in ("Identity", "Reshape", "Squeeze"):
        node = node.inputs[0].node
    found: tf.Tensor = node.inputs[0] if node.type == "Softmax" else predictions
    return found
