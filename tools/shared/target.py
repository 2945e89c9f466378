"""Targets of `viz`, `explain`, `bisect` and `profile`: a model, a saved graph, or a graph that a Python file builds."""

from __future__ import annotations

import difflib
import runpy
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import minigraph as tf
from minigraph.core import scopes
from minigraph.core.errors import DataLossError, GraphError, MinigraphError, NotFoundError, UnknownNameError
from minigraph.core.graph import Node, Tensor
from minigraph.graphs.walk import needed
from minigraph.models.bundle import SUFFIX as BUNDLE
from minigraph.models.bundle import Predictor, load_bundle
from minigraph.models.classifier import classifier
from minigraph.models.record import Model, Preprocessing, Recipe
from minigraph.models.registry import MODELS, find_model
from minigraph.ops.collective.world import WORLD
from minigraph.passes import choose
from minigraph.rewrite.pipeline import Pass
from minigraph.tools.shared.sizes import Sizes
from minigraph.tools.shared.tensorflow_files import is_tensorflow_graph, open_tensorflow_graph
from minigraph.tools.shared.train import build_network
from minigraph.viz.item import is_gradient

SEED = 0
STDDEV = 0.05  # of initial values: with large ones training is chaotic, and rounding shows in the results
BATCH_SIZE = 32  # of a file's graph, where nothing says it
NETWORK_BATCH_SIZE = 8  # of a network without a recipe
IDLE = {"VariableV2", "ReadVariable", "Const", "Placeholder"}  # nothing to see where nothing reads them


_NAMES = ", ".join(sorted(m.name for m in MODELS))
_KINDS = (
    "a Python file (.py), a saved graph, a graph (.pb, .pbtxt), SavedModel or checkpoint of TensorFlow, an ONNX model "
    f"(.onnx), a bundle ({BUNDLE}), or one of the models {_NAMES}"
)


class TargetError(MinigraphError, ValueError):
    """The model or file does not exist, or the file does not define a target."""


class UnknownTargetError(TargetError, UnknownNameError):
    """The target is neither a file nor a model."""


class Classes(NamedTuple):
    """How a network takes photographs.

    image_shape: as it takes an image. crop: as of a `Bundle`. labels, logits: in training. model: of the registry.
    """

    images: Tensor
    image_shape: tuple[int, ...]
    image_size: int
    preprocessing: Preprocessing
    crop: float | None = None
    labels: Tensor | None = None
    logits: Tensor | None = None
    model: Model | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A graph and its fetches.

    batch_size: for unknown dimensions. given: the feeds; None feeds random numbers to all placeholders. passes:
    replace the pipeline's, if given. results: of a network at inference, by name. restore: gives a session the
    variables' values, where a file has them. network: of a model's name or a bundle.
    """

    name: str
    graph: tf.Graph
    fetches: list[Tensor | Node]
    batch_size: int
    given: Mapping[Any, Any] | None = None
    passes: Sequence[Pass] | None = None
    results: Mapping[str, Tensor] | None = None
    restore: Callable[[Any], object] | None = None
    network: Classes | None = None

    @property
    def feeds(self) -> dict[Any, Any]:
        if self.given is not None:
            return dict(self.given)
        tensors = [n.outputs[0] for n in self.graph.nodes if n.type == "Placeholder"]
        return {t: _random(t, self.batch_size) for t in tensors}

    def session(self, **options: Any) -> tf.Session:
        """A session in which the variables that the fetches need have their initial values."""
        session = tf.Session(graph=self.graph, **options)
        session.run(self.initializers)
        if self.restore is not None:
            self.restore(session)
        return session

    def options(self, optimize: str, backend: str | None, memory_limit: int | None = None) -> dict[str, Any]:
        """The options of a session for the target: these, and the target's own passes."""
        return {"optimize": optimize, "backend": backend, "passes": self.passes, "memory_limit": memory_limit}

    @property
    def initializers(self) -> list[Any]:
        """The operations that give the variables behind the fetches their initial values."""
        return list(_needed_initializers(self.graph, self.fetches))


def load_target(
    name: str,
    batch_size: int | None = None,
    inference: bool = False,
    sizes: Sizes | None = None,
    image_size: int | None = None,
) -> Target:
    """Load a model's training step or inference, a saved graph, an ONNX model, or the graph that a Python file builds.

    A Python file runs with an empty default graph, and with a `__name__` that is not `__main__`. If it defines
    `fetches`, `feeds` (a dict) or `passes`, these are used. Otherwise, and for a saved graph, the training operations
    are fetched, or if there are none, all nodes that no other node reads; placeholders get random numbers. batch_size:
    by default the recipe's, 8 for a model without one, 32 for a file, 1 for an ONNX model. sizes: of an ONNX model's
    unknown dimensions. image_size: rows and columns of a model's images, by default its own. Raises TargetError if
    `name` is no target, or `sizes` are given for another kind.
    """
    if sizes and any(sizes) and not name.endswith(".onnx"):
        raise TargetError(f"--shape and --dim are for ONNX models, which {name} is not")
    model = find_model(name)
    if model is not None:
        if image_size is not None:
            model = replace(model, image_size=image_size)
        return _of_model(model, batch_size, inference)
    path = Path(name)
    if path.suffix == ".onnx":
        return _of_onnx(path, batch_size or 1, sizes or Sizes({}, {}))
    if path.suffix == BUNDLE and path.is_file():
        return _of_bundle(path, batch_size or 1)
    if is_tensorflow_graph(path):
        return _of_tensorflow(path, batch_size or BATCH_SIZE, inference)
    if path.is_dir():
        raise TargetError(f"{name} is a folder; a target is {_KINDS}")
    if path.suffix == ".py":
        return _of_file(path, batch_size or BATCH_SIZE, inference)
    if path.is_file():
        return _of_saved(path, batch_size or BATCH_SIZE, inference)
    if path.suffix or path.name != name:
        raise TargetError(f"{name}: no such file; a target is {_KINDS}")
    near = difflib.get_close_matches(name, [m.name for m in MODELS], n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise UnknownTargetError(f"unknown model {name!r}{hint}; a target is {_KINDS}")


def _of_saved(path: Path, batch_size: int, inference: bool) -> Target:
    with tf.Graph().as_default() as graph:
        try:
            tf.train.import_meta_graph(str(path))
        except DataLossError as error:
            raise TargetError(f"{error}; a target is {_KINDS}") from error
        except GraphError as error:
            raise TargetError(f"{path}: {error}") from error
    found = list(_ends(graph, inference))
    if not found:
        raise TargetError(f"{path} has nothing to fetch but variables, placeholders and constants")
    return Target(path.name, graph, found, batch_size)


def _of_tensorflow(path: Path, batch_size: int, inference: bool) -> Target:
    try:
        opened = open_tensorflow_graph(path)
    except (DataLossError, GraphError, NotFoundError) as error:
        raise TargetError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    results = dict(opened.outputs) or None
    found: list[Tensor | Node] = list(opened.outputs.values()) or list(_ends(opened.graph, inference))
    if not found:
        raise TargetError(f"{path} has nothing to fetch but variables, placeholders and constants")
    return Target(path.name, opened.graph, found, batch_size, results=results, restore=opened.restore)


def _of_onnx(path: Path, batch_size: int, sizes: Sizes) -> Target:
    from minigraph.tools.shared.onnx_target import load_fixed

    found = load_fixed(path, batch_size, sizes)
    results = found.model.outputs
    return Target(path.name, found.graph, list(results.values()), batch_size, found.feeds, results=results)


def _of_model(model: Model, batch_size: int | None, inference: bool) -> Target:
    count = batch_size or (model.recipe.batch_size if model.recipe else NETWORK_BATCH_SIZE)
    return _of_recipe(model, model.recipe, count, inference) if model.recipe else _of_network(model, count, inference)


def _of_recipe(model: Model, recipe: Recipe, batch_size: int, inference: bool) -> Target:
    stddev = None if recipe.stddev is None else STDDEV
    network = build_network(model, stddev=stddev, learning_rate=recipe.learning_rate, seed=SEED)
    images, labels = _examples((batch_size, *recipe.image_shape), model.classes)
    feeds: dict[Any, Any] = {network.images: images}
    fetches: list[Tensor | Node] = [network.train_step, network.loss, network.accuracy]
    if network.share is not None:
        feeds[network.share] = np.float32(1 / WORLD.size)
    if inference:
        fetches = [network.predicted]
        feeds[network.keep_prob] = np.float32(1)
    else:
        feeds[network.labels] = labels
        feeds[network.keep_prob] = np.float32(recipe.keep_prob or 1)
    results = _results(network.graph, network.logits, network.predicted) if inference else None
    trained = (None, None) if inference else (network.labels, network.logits)
    known = _classes(model, network.images, recipe.image_shape, *trained)
    return Target(model.name, network.graph, fetches, batch_size, feeds, results=results, network=known)


def _classes(
    model: Model, images: Tensor, shape: tuple[int, ...], labels: Tensor | None, logits: Tensor | None
) -> Classes:
    return Classes(images, shape, model.image_size, model.preprocessing, None, labels, logits, model)


def _of_bundle(path: Path, batch_size: int) -> Target:
    bundle = load_bundle(path)
    found = Predictor(bundle)
    found.session.close()
    shape = (bundle.image_size, bundle.image_size, len(bundle.preprocessing.channels))
    known = Classes(found.images, shape, bundle.image_size, bundle.preprocessing, bundle.crop)
    results = {"predictions": found.predictions}
    return Target(path.name, found.session.graph, [found.predictions], batch_size, results=results, network=known)


def _results(graph: tf.Graph, logits: Tensor, predicted: Tensor | None = None) -> dict[str, Tensor]:
    with graph.as_default():
        chosen = tf.argmax(logits, 1, name="class") if predicted is None else predicted
        return {"logits": logits, "probabilities": tf.nn.softmax(logits, name="probabilities"), "class": chosen}


def _of_network(model: Model, batch_size: int, inference: bool) -> Target:
    network = classifier(model, is_training=not inference, seed=SEED)
    images, labels = _examples((batch_size, *model.image_shape), model.classes)
    trained = (None, None) if inference else (network.labels, network.logits)
    known = _classes(model, network.images, model.image_shape, *trained)
    if network.train is None:
        results = _results(network.graph, network.end_points["logits"])
        fetches: list[Tensor | Node] = [network.end_points["predictions"]]
        return Target(
            model.name, network.graph, fetches, batch_size, {network.images: images}, results=results, network=known
        )
    feeds = {network.images: images, network.labels: labels}
    return Target(model.name, network.graph, [network.train, network.loss], batch_size, feeds, network=known)


def _examples(shape: tuple[int, ...], classes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Random images of this shape, and one-hot labels."""
    random = np.random.RandomState(SEED)
    images = random.uniform(size=shape).astype(np.float32)
    return images, np.eye(classes, dtype=np.float32)[random.randint(classes, size=shape[0])]


def _of_file(path: Path, batch_size: int, inference: bool) -> Target:
    if not path.is_file():
        raise TargetError(f"{path}: no such file")
    names, default = _run(path)
    graph = next((v for v in names.values() if isinstance(v, tf.Graph) and v.nodes), default)
    if not graph.nodes:
        raise TargetError(f"{path} builds no graph when imported; code under `if __name__ ==` does not run")
    fetches, feeds, passes = (names.get(n) for n in ("fetches", "feeds", "passes"))
    if feeds is not None and not isinstance(feeds, Mapping):
        raise TargetError(f"{path}: feeds must map tensors to values, not {feeds!r}")
    try:
        passes = None if passes is None else choose("O0", list(passes), ())
    except (AttributeError, TypeError, ValueError) as error:
        raise TargetError(f"{path}: passes must be a list of names or passes: {error}") from error
    try:
        found = list(_ends(graph, inference) if fetches is None else _flat(graph, fetches))
    except (GraphError, KeyError, TypeError) as error:
        raise TargetError(f"{path}: fetches: {error.args[0]}") from error
    if not found:
        raise TargetError(f"{path} has nothing to fetch but variables, placeholders and constants")
    try:
        given = None if feeds is None else {_fed(graph, key): value for key, value in feeds.items()}
    except (GraphError, KeyError, TypeError, ValueError) as error:
        raise TargetError(f"{path}: feeds: {error.args[0]}") from error
    return Target(path.name, graph, found, batch_size, given, passes)


def _fed(graph: tf.Graph, key: Any) -> Any:
    """The tensor that a key of `feeds` means, which may be a name."""
    return graph.as_graph_element(key, allow_operation=False) if isinstance(key, str) else key


def _run(path: Path) -> tuple[dict[str, Any], tf.Graph]:
    """Run the file; return its globals and its final default graph."""
    old_argv, old_path = sys.argv, list(sys.path)
    sys.argv, sys.path[:0] = [str(path)], [str(path.resolve().parent)]
    try:
        with _no_default_graph():
            return runpy.run_path(str(path), run_name="__minigraph__"), tf.get_default_graph()
    except (Exception, SystemExit) as error:
        raise TargetError(f"{path} failed: {type(error).__name__}: {error}") from error
    finally:
        sys.argv, sys.path[:] = old_argv, old_path


@contextmanager
def _no_default_graph() -> Iterator[None]:
    """An empty stack of default graphs, as in a new process, so that a file may call reset_default_graph()."""
    stack = scopes.graph_stack()
    outer, before = list(stack), scopes.global_graph(tf.Graph)
    stack.clear()
    scopes.forget_global_graph()
    try:
        yield
    finally:
        stack[:] = outer
        scopes.forget_global_graph()
        scopes.global_graph(lambda: before)


def _flat(graph: tf.Graph, fetches: Any) -> Iterator[Tensor | Node]:
    if isinstance(fetches, Mapping):
        fetches = list(fetches.values())
    if isinstance(fetches, list | tuple):
        for each in fetches:
            yield from _flat(graph, each)
    else:
        yield graph.as_graph_element(fetches.ref if isinstance(fetches, tf.Variable) else fetches)


def _ends(graph: tf.Graph, inference: bool) -> Iterator[Tensor | Node]:
    """The training operations if there are any, otherwise all nodes that no other node reads, without initializers."""
    trains = graph.get_collection(tf.GraphKeys.TRAIN_OP)
    if trains and not inference:
        yield from trains
        return
    starts = set(_initializers(graph).values())
    training: set[Node] = set()  # with `inference`: gradients, updates of variables, and all nodes after them
    for node in graph.nodes:
        if node.type == "NoOp" and node.control_inputs and starts.issuperset(node.control_inputs):
            starts.add(node)
        learns = (node.op.writes and not node.op.draws) or is_gradient(node.name)
        if inference and node not in starts and (learns or not training.isdisjoint(_before(node))):
            training.add(node)
    read = {b for node in graph.nodes if node not in training for b in _before(node)}
    for node in graph.nodes:
        if not (node in read or node in starts or node in training or node.type in IDLE):
            yield node.outputs[0] if node.outputs else node


def _initializers(graph: tf.Graph) -> dict[Node, Node]:
    """The initializer of each variable; for a variable in no collection, its first assignment."""
    known = {v.op: v.initializer for v in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)}
    for node in graph.nodes:
        if node.type == "Assign":
            known.setdefault(node.inputs[0].node, node)
    return known


def _needed_initializers(graph: tf.Graph, fetches: Sequence[Tensor | Node]) -> list[Node]:
    """The initializers of the variables that the fetches, or other needed initializers, read or change."""
    initializers = _initializers(graph)
    chosen: list[Node] = []
    nodes = needed(f.node if isinstance(f, Tensor) else f for f in fetches)
    while more := [i for v, i in initializers.items() if v in nodes and i not in chosen]:
        chosen += more
        nodes |= needed(more)
    return chosen


def _before(node: Node) -> Iterable[Node]:
    yield from (t.node for t in node.inputs)
    yield from node.control_inputs


def _random(tensor: Tensor, batch_size: int) -> Any:
    shape = [batch_size if d is None else d for d in tensor.get_shape().as_list()]
    random = np.random.RandomState(SEED)
    dtype = tensor.dtype.np_dtype
    return (random.uniform(size=shape) if dtype.kind == "f" else random.randint(2, size=shape)).astype(dtype)
