"""Bundles: a frozen network, its labels and its preprocessing in one file, which runs without the code that built it.

A bundle is a safetensors file. Its arrays are the network's larger constants, by their nodes' names; its metadata
holds the graph (as in a graph file, without these constants), the labels and the rest as JSON, and a checksum of all.
A bundle contains no code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import minigraph as tf
from minigraph.core.errors import DataLossError, GraphError, InvalidArgumentError
from minigraph.core.graph_def import GraphRecords, NodeRecord
from minigraph.graphs.freeze import convert_variables_to_constants
from minigraph.graphs.importing import add_nodes
from minigraph.models.record import Preprocessing
from minigraph.train.native_checkpoint import read_checkpoint, write_checkpoint

SUFFIX = ".mgb"
CROP = 0.875  # of an image's shorter side that is looked at, as is usual for ImageNet
_VERSION = 1
_SMALL = 16  # elements of a constant that stays in the graph


@dataclass(frozen=True)
class Bundle:
    """A network for inference with its labels and its preprocessing; `make_bundle` and `load_bundle` make it.

    Args:
        graph_def: The frozen graph.
        images: Name of the input tensor, float32 [N, image_size, image_size, channels].
        predictions: Name of the output tensor, float32 [N, classes].
        labels: Names of the classes, in order.
        preprocessing: The scaling that the network expects of images.
        image_size: Rows and columns of the images.
        crop: Side of the central square that the images show, relative to the picture's shorter side; None for the
            whole picture, stretched.

    Example:
        See `make_bundle`.
    """

    graph_def: GraphRecords
    images: str
    predictions: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    image_size: int
    crop: float | None = CROP

    def check_labels(self, labels: Sequence[str], where: str) -> None:
        """Compare the bundle's labels with others.

        Args:
            labels: The others, in order.
            where: Where they come from, for the message.

        Raises:
            InvalidArgumentError: They differ; the message lists the differences.
        """
        if tuple(labels) == self.labels:
            return
        missing = [label for label in self.labels if label not in labels]
        added = [label for label in labels if label not in self.labels]
        said = [f"only the bundle has {_some(missing)}"] if missing else []
        said += [f"only {where} has {_some(added)}"] if added else []
        what = "; ".join(said) or "they are in another order, or some occur twice"
        raise InvalidArgumentError(f"the classes of {where} are not the bundle's {len(self.labels)}: {what}")


class Predictor:
    """A bundle in a session of its own.

    Args:
        bundle: The bundle.
        backend: The backend's name; None for the default.

    Raises:
        InvalidArgumentError: The number of labels is not the number of classes.

    Example:
        >>> from minigraph.models import Preprocessing
        >>> from minigraph.models.bundle import Predictor, make_bundle
        >>> images = tf.placeholder(tf.float32, [None, 4, 4, 3])
        >>> predictions = tf.nn.softmax(tf.layers.dense(tf.reduce_mean(images, [1, 2]), 2))
        >>> scale = Preprocessing("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
        >>> with tf.Session() as session:
        ...     session.run(tf.global_variables_initializer())
        ...     bundle = make_bundle(session, images, predictions, ["cat", "dog"], scale)
        >>> Predictor(bundle).predict(np.zeros([1, 4, 4, 3])).shape
        (1, 2)
    """

    def __init__(self, bundle: Bundle, backend: str | None = None) -> None:
        self.bundle = bundle
        graph = tf.Graph()
        with graph.as_default():
            add_nodes(graph, bundle.graph_def)
        self.images = graph.get_tensor_by_name(bundle.images)
        self.predictions = graph.get_tensor_by_name(bundle.predictions)
        _check_classes(self.predictions, bundle.labels)
        self.session = tf.Session(graph=graph, backend=backend)

    def predict(self, pictures: NDArray[Any]) -> NDArray[np.float32]:
        """Compute the predictions for pictures.

        Args:
            pictures: [N, image_size, image_size, channels], RGB or grey, from 0 to 255.

        Returns:
            float32 [N, classes].
        """
        images = self.bundle.preprocessing.apply(pictures)
        found: NDArray[np.float32] = self.session.run(self.predictions, {self.images: images})
        return found


def make_bundle(
    session: Any, images: tf.Tensor, predictions: tf.Tensor, labels: Sequence[str], preprocessing: Preprocessing,
    crop: float | None = CROP,
) -> Bundle:  # fmt: skip
    """Bundle the graph that computes predictions, with the variables' present values.

    Args:
        session: A session with the variables' values.
        images: The placeholder of the images, float32 [N, size, size, channels] of known size.
        predictions: The output, float32 [N, classes].
        labels: Names of the classes, in order.
        preprocessing: The scaling that the network expects of images.
        crop: Side of the central square that the images show, relative to the picture's shorter side; None for the
            whole picture, stretched.

    Returns:
        The bundle.

    Raises:
        InvalidArgumentError: The images have another shape, or the number of labels is not the number of classes.
        GraphError: The predictions do not depend on the images.

    Example:
        >>> from minigraph.models import Preprocessing
        >>> from minigraph.models.bundle import make_bundle
        >>> images = tf.placeholder(tf.float32, [None, 4, 4, 3])
        >>> predictions = tf.nn.softmax(tf.layers.dense(tf.reduce_mean(images, [1, 2]), 2))
        >>> scale = Preprocessing("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
        >>> with tf.Session() as session:
        ...     session.run(tf.global_variables_initializer())
        ...     bundle = make_bundle(session, images, predictions, ["cat", "dog"], scale)
        >>> bundle.labels, bundle.image_size
        (('cat', 'dog'), 4)
    """
    shape = images.type.shape or ()
    if len(shape) != 4 or shape[1] is None or shape[1] != shape[2] or shape[3] != len(preprocessing.channels):
        raise InvalidArgumentError(
            f"a bundle's images are [N, size, size, {len(preprocessing.channels)}], but '{images.name}' has the shape "
            f"{images.shape}"
        )
    _check_classes(predictions, labels)
    frozen = convert_variables_to_constants(session, session.graph.as_records(), [predictions.node.name])
    if images.node.name not in {node.name for node in frozen.node}:
        raise GraphError(f"'{predictions.name}' does not depend on '{images.name}'")
    return Bundle(frozen, images.name, predictions.name, tuple(labels), preprocessing, shape[1], crop)


def save_bundle(path: Any, bundle: Bundle) -> None:
    """Write a bundle to a file, whole or not at all.

    Args:
        path: The file, which usually ends in .mgb. Its folder is made.
        bundle: The bundle.

    Example:
        >>> from minigraph.models import Preprocessing
        >>> from minigraph.models.bundle import load_bundle, make_bundle, save_bundle
        >>> images = tf.placeholder(tf.float32, [None, 4, 4, 3])
        >>> predictions = tf.nn.softmax(tf.layers.dense(tf.reduce_mean(images, [1, 2]), 2))
        >>> scale = Preprocessing("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
        >>> with tf.Session() as session:
        ...     session.run(tf.global_variables_initializer())
        ...     bundle = make_bundle(session, images, predictions, ["cat", "dog"], scale)
        >>> save_bundle("pets.mgb", bundle)
        >>> load_bundle("pets.mgb").labels
        ('cat', 'dog')
    """
    arrays, nodes = {}, []
    for node in bundle.graph_def.node:
        value = node.attr.get("value") if node.op == "Const" else None
        if isinstance(value, np.ndarray) and value.size > _SMALL:
            arrays[node.name] = value
            node = node._replace(attr={"value": np.zeros(0, value.dtype)})
        nodes.append(node)
    said = {
        "version": _VERSION,
        "images": bundle.images,
        "predictions": bundle.predictions,
        "labels": list(bundle.labels),
        "preprocessing": _as_json(bundle.preprocessing),
        "image_size": bundle.image_size,
        "crop": bundle.crop,
    }
    graph = GraphRecords(nodes, bundle.graph_def.op_count).to_text()
    write_checkpoint(os.fspath(path), arrays, {"bundle": json.dumps(said, ensure_ascii=False), "graph": graph})


def load_bundle(path: Any) -> Bundle:
    """Read a bundle from a file. The file contains no code.

    Args:
        path: The file.

    Returns:
        The bundle.

    Raises:
        NotFoundError: There is no such file.
        DataLossError: The file is damaged, or has another format or a newer version.

    Example:
        >>> from minigraph.models import Preprocessing
        >>> from minigraph.models.bundle import load_bundle, make_bundle, save_bundle
        >>> images = tf.placeholder(tf.float32, [None, 4, 4, 3])
        >>> predictions = tf.nn.softmax(tf.layers.dense(tf.reduce_mean(images, [1, 2]), 2))
        >>> scale = Preprocessing("RGB", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
        >>> with tf.Session() as session:
        ...     session.run(tf.global_variables_initializer())
        ...     bundle = make_bundle(session, images, predictions, ["cat", "dog"], scale)
        >>> save_bundle("pets.mgb", bundle)
        >>> load_bundle("pets.mgb").preprocessing.channels
        'RGB'
    """
    arrays, metadata = read_checkpoint(path)
    if "bundle" not in metadata or "graph" not in metadata:
        raise DataLossError(f"{os.fspath(path)} is a checkpoint, not a bundle")
    try:
        said = json.loads(metadata["bundle"])
        if said["version"] != _VERSION:
            raise ValueError(f"it is of version {said['version']}, and this reads version {_VERSION}")
        definition = GraphRecords.from_text(metadata["graph"])
        definition.node = [_with_value(node, arrays) for node in definition.node]
        preprocessing = _preprocessing(said["preprocessing"])
        labels = tuple(map(str, said["labels"]))
        place = (str(said["images"]), str(said["predictions"]))
        crop = None if said["crop"] is None else float(said["crop"])
        return Bundle(definition, *place, labels, preprocessing, int(said["image_size"]), crop)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataLossError(f"{os.fspath(path)} is a damaged bundle: {error}") from None


def _as_json(preprocessing: Preprocessing) -> dict[str, Any]:
    """The record in JSON types."""
    return {name: getattr(preprocessing, name) for name in ("channels", "mean", "std")}


def _preprocessing(plain: Mapping[str, Any]) -> Preprocessing:
    mean, std = (tuple(map(float, plain[name])) for name in ("mean", "std"))
    return Preprocessing(str(plain["channels"]), mean, std)


def _with_value(node: NodeRecord, arrays: Mapping[str, NDArray[Any]]) -> NodeRecord:
    return node._replace(attr={"value": arrays[node.name]}) if node.op == "Const" and node.name in arrays else node


def _check_classes(predictions: tf.Tensor, labels: Sequence[str]) -> None:
    shape = predictions.type.shape
    if shape is None or len(shape) != 2 or shape[1] != len(labels):
        raise InvalidArgumentError(
            f"there are {len(labels)} labels, but '{predictions.name}' has the shape {predictions.shape}: expected "
            f"[N, {len(labels)}]"
        )


def _some(labels: Sequence[str]) -> str:
    shown = ", ".join(map(repr, labels[:5]))
    return shown + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
