"""The work of `minigraph predict` and `minigraph convert`: classify photographs, convert weights."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import minigraph as tf
from minigraph.core.errors import DataLossError, InvalidArgumentError, UnknownNameError
from minigraph.data.images import SUFFIXES as IMAGES
from minigraph.data.images import open_image, resize
from minigraph.formats.tensorflow.graph_def import read_graph
from minigraph.models.bundle import SUFFIX, Bundle, Predictor, load_bundle, make_bundle, save_bundle
from minigraph.models.labels import class_names, read_labels
from minigraph.models.pretrained import load_pretrained
from minigraph.models.record import Model, Preprocessing
from minigraph.models.registry import get_model
from minigraph.tools.shared.grey import luma
from minigraph.tools.shared.tensorflow_files import (
    GRAPHS,
    image_and_scores,
    is_tensorflow_graph,
    open_tensorflow_graph,
    weights_in,
    write_graph_message,
)
from minigraph.tools.shared.workers import spread
from minigraph.weights import FORMATS, find_format, load_weights, save_weights


class Guess(NamedTuple):
    """A class, with number and name, and its probability."""

    id: int
    label: str
    probability: float


class Prediction(NamedTuple):
    """The classes of a photo, likeliest first, or the reason why it could not be read."""

    photo: Path
    guesses: tuple[Guess, ...] = ()
    problem: str | None = None


def load(
    network: str, weights: Path | None, labels: Path | None, backend: str | None,
    scaling: tuple[float, float] = (0.0, 255.0),
) -> Predictor:  # fmt: skip
    """A predictor for a bundle, for a model with weights from a file, or for a graph in TensorFlow's files.

    labels: a file of class names, which must match those of a bundle. Raises InvalidArgumentError if they do not.
    scaling: mean and divisor of the pixels, from 0 to 255, for a graph of TensorFlow.
    """
    path = Path(network)
    of_tensorflow = is_tensorflow_graph(path)
    if not (of_tensorflow or path.suffix == SUFFIX or path.is_file()):
        model = get_model(network)
        if weights is None:
            raise UnknownNameError(f"{model.name} needs weights: give a file of them with --weights")
        return Predictor(freeze(model, weights, labels), backend)
    if weights is not None:
        raise InvalidArgumentError(f"{network} has weights of its own; --weights is for models")
    if of_tensorflow:
        return Predictor(_of_tensorflow(path, labels, scaling), backend)
    bundle = load_bundle(network)
    if labels is not None:
        bundle.check_labels(read_labels(labels), str(labels))
    return Predictor(bundle, backend)


def _of_tensorflow(path: Path, labels: Path | None, scaling: tuple[float, float]) -> Bundle:
    if labels is None:
        raise InvalidArgumentError(f"{path}: give the names of the classes with --labels")
    names, opened = read_labels(labels), open_tensorflow_graph(path)
    images, scores = image_and_scores(opened, len(names))
    mean, std = ((number,) * 3 for number in scaling)
    with tf.Session(graph=opened.graph) as session:
        if opened.restore is not None:
            opened.restore(session)
        return make_bundle(session, images, scores, names, Preprocessing("RGB", mean, std), crop=None)


def freeze(model: Model, weights: Path, labels: Path | None) -> Bundle:
    """A model with weights from a file, ready for inference."""
    names = class_names(model) if labels is None else read_labels(labels)
    with Started(model, weights) as network:
        return make_bundle(network.session, network.images, network.predictions, names, network.preprocessing)


class Started:
    """A session with a model whose variables are those of a weight file."""

    def __init__(self, model: Model, weights: Path, backend: str | None = None) -> None:
        self._graph = tf.Graph()
        with self._graph.as_default():
            self.images = tf.placeholder(tf.float32, [None, *model.image_shape], name="images")
            _, ends = model.build(self.images, num_classes=model.classes)
        self.predictions = ends["predictions"]
        self.session = tf.Session(graph=self._graph, backend=backend)
        self.preprocessing = load_pretrained(self.session, model, weights)

    def __enter__(self) -> Started:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.session.close()


def predict(predictor: Predictor, photos: Iterable[Path], top: int) -> list[Prediction]:
    """The `top` likeliest classes of each photo, or the reason why it could not be read. Each rank takes a part."""
    return spread(lambda photo: _predict(predictor, photo, top), list(photos))


def expand(paths: Sequence[Path]) -> list[Path]:
    """The paths, with the image files in a folder in place of the folder."""
    found = []
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGES) if path.is_dir() else [path]
        if not inside:
            raise InvalidArgumentError(f"{path}: no image files in this folder")
        found += inside
    return found


def _predict(predictor: Predictor, photo: Path, top: int) -> Prediction:
    bundle = predictor.bundle
    try:
        picture = pixels(photo, bundle.image_size, bundle.crop, bundle.preprocessing.channels)
    except DataLossError as error:
        return Prediction(photo, problem=str(error))
    except OSError as error:
        return Prediction(photo, problem=f"{photo}: {error.strerror or error}")
    (found,) = predictor.predict(picture[None])
    best = np.argsort(-found, kind="stable")[:top]
    return Prediction(photo, tuple(Guess(int(i), bundle.labels[i], float(found[i])) for i in best))


def pixels(photo: Path, size: int, share: float | None, channels: str) -> NDArray[np.float32]:
    """A photo's pixels, cropped and resized, from 0 to 255: [size, size, 3], or for the channels "L" [size, size, 1].

    Raises DataLossError for a damaged file.
    """
    picture = crop(open_image(photo), size, share)
    return luma(picture) if channels == "L" else picture


def crop(image: Image.Image, size: int, share: float | None) -> NDArray[np.float32]:
    """Crop and resize the central square of `share` times the shorter side: float32 [size, size, 3].

    share: None for the whole image, stretched.
    """
    if share is None:
        return resize(image, (size, size))
    side = share * min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return resize(image, (size, size), (left, top, left + side, top + side))


def as_text(found: Sequence[Prediction]) -> str:
    """The predictions as text, a block of lines for each photo."""
    blocks = []
    for each in found:
        lines = [f"  {guess.probability:6.1%}  {guess.label}" for guess in each.guesses]
        blocks.append("\n".join([str(each.photo), *(lines or ["  could not be read"])]))
    return "\n".join(blocks)


def as_json(found: Sequence[Prediction]) -> str:
    """The predictions as a JSON list with an object for each photo."""
    plain = []
    for each in found:
        result = {"error": each.problem} if each.problem else {"classes": [guess._asdict() for guess in each.guesses]}
        plain.append({"photo": str(each.photo)} | result)
    return json.dumps(plain, indent=1, ensure_ascii=False)


def convert(source: Path, target: Path, model: str | None, labels: Path | None) -> str:
    """Write the weights of `source` to `target`. Returns one line about the result."""
    chosen = None if model is None else get_model(model)
    if target.suffix == SUFFIX:
        if chosen is None:
            raise UnknownNameError(f"{target}: a bundle holds a network and its weights; name the network with --model")
        save_bundle(target, freeze(chosen, source, labels))
        return f"wrote {target}: {chosen.name} with the weights of {source}"
    if labels is not None:
        raise InvalidArgumentError(f"{target}: only bundles ({SUFFIX}) hold labels")
    if source.suffix in GRAPHS and target.suffix in GRAPHS:
        message = read_graph(source)
        write_graph_message(target, message)
        return f"TensorFlow graph of {len(message.node)} nodes; wrote {target}"
    if chosen is None and is_tensorflow_graph(source) and (source.is_dir() or source.suffix in GRAPHS):
        kind, arrays = "TensorFlow graph", weights_in(source)
    elif chosen is None:
        kind, arrays = find_format(source)[0].name, load_weights(source)
    else:
        with Started(chosen, source) as network:
            kind = find_format(source)[0].name
            state, graph = network.session.read_state(), network.session.graph
            arrays = {v.op.name: state[v.op.name] for v in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)}
    save_weights(target, arrays)
    written = next(form for form in FORMATS if target.suffix.lower() in form.suffixes)
    total = sum(array.size for array in arrays.values())
    return f"{kind} to {written.name}: {len(arrays)} arrays, {total:,} numbers; wrote {target}"
