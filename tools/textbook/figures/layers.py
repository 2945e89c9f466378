"""The layers of a network, found by the view of layers, as a graph of plain records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.viz.fold import fold
from minigraph.viz.picture import picture_of_graph

_SIZES = re.compile(r"\[([\d,?]*)\]")
_QUIET = {"Reshape", "Squeeze"}  # layers that only give the same numbers another shape


class DrawnLayer(NamedTuple):
    """A layer. name: with its scopes. words: what it computes. shape: of its output, without the batch.

    inputs: the names of the layers that it reads.
    """

    name: str
    words: str
    shape: tuple[int, ...]
    parameters: int
    inputs: tuple[str, ...]

    @property
    def size(self) -> str:
        """The number of maps and their size, such as 6@28×28; or the number of units."""
        if len(self.shape) < 3:
            return " × ".join(f"{n:,}" for n in self.shape)
        return f"{self.shape[2]:,}@{self.shape[0]}×{self.shape[1]}"


def layers_of(build: Callable[[Any], Any], image: Sequence[int]) -> list[DrawnLayer]:
    """The layers of the network that `build` makes of images [1, *image], in order; the image is the first.

    A normalisation is part of the convolution before it, and a change of shape is part of the layer before it.
    """
    graph = tf.Graph()
    with graph.as_default():
        build(tf.placeholder(tf.float32, [1, *image], name="image"))
    picture = picture_of_graph(graph).by_layers()
    scopes = {box.scope[:depth] for box in picture.boxes for depth in range(len(box.scope) + 1)}
    folded = fold(picture, scopes - set(picture.layers.words))
    boxes = {b.id: b for b in folded.boxes if b.part == "forward" and b.types and (b.words or b.kind == "input")}
    inputs = {id: [a.source for a in folded.arrows if a.target == id and a.source in boxes] for id in boxes}
    found: dict[str, DrawnLayer] = {}
    inside: dict[str, str] = {}  # the layer that holds each box
    for id, box in boxes.items():
        before = tuple(dict.fromkeys(inside[i] for i in inputs[id]))
        joins = box.words in _QUIET or box.name.endswith(" norm")
        if joins and len(before) == 1 and len(inputs[id]) == 1:
            last = found[before[0]]
            words = last.words if box.words in _QUIET else f"{last.words}, {box.words}"
            found[last.name] = last._replace(words=words, parameters=last.parameters + box.parameters)
            inside[id] = last.name
        else:
            found[box.name] = DrawnLayer(box.name, box.words, _shape(box.types[0]), box.parameters, before)
            inside[id] = box.name
    return list(found.values())


def _shape(type: str) -> tuple[int, ...]:
    match = _SIZES.search(type)
    return tuple(int(n) for n in match[1].split(",")[1:]) if match else ()


def block(layers: Sequence[DrawnLayer], scope: str) -> list[DrawnLayer]:
    """The layers in a scope, and before them the layers that they read."""
    inner = [layer for layer in layers if layer.name.startswith(f"{scope}/")]
    names = {layer.name for layer in inner}
    outer = {name for layer in inner for name in layer.inputs} - names
    return [layer._replace(inputs=()) for layer in layers if layer.name in outer] + inner


def ranks(layers: Sequence[DrawnLayer]) -> dict[str, int]:
    """The length of the longest way from the start to each layer."""
    found: dict[str, int] = {}
    for layer in layers:
        found[layer.name] = max((found[name] + 1 for name in layer.inputs), default=0)
    return found


def lanes(layers: Sequence[DrawnLayer]) -> dict[str, int]:
    """A column for each layer: a chain keeps its column, each of several branches gets a new one.

    The start, and a layer that joins branches, stand in the first column.
    """
    readers = Counter(name for layer in layers for name in layer.inputs)
    found: dict[str, int] = {}
    count = 0
    for layer in layers:
        if len(layer.inputs) != 1:
            found[layer.name] = 0
        elif readers[layer.inputs[0]] > 1:
            found[layer.name] = count
            count += 1
        else:
            found[layer.name] = found[layer.inputs[0]]
    return found
