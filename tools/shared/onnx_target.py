"""ONNX files as targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

import minigraph as tf
from minigraph.core.errors import MinigraphError
from minigraph.core.types import TensorType, format_shape
from minigraph.onnx import Imported, load
from minigraph.tools.shared.sizes import Sizes, chosen_shape

SEED = 0


class OnnxTarget(NamedTuple):
    """An ONNX model in a graph of its own, and feeds for its inputs. chosen: the sizes that nobody stated, as text."""

    graph: tf.Graph
    model: Imported
    feeds: dict[tf.Tensor, Any]
    chosen: str


def _nothing(inputs: dict[str, tf.Tensor]) -> dict[tf.Tensor, Any]:
    return {}


def load_fixed(path: Path, batch_size: int, sizes: Sizes) -> OnnxTarget:
    """Load a model with all sizes of its inputs known; see `load_onnx`."""
    found = load_onnx(path, batch_size, sizes)
    if all(t.type.is_static for t in found.feeds):
        return found
    shapes = {name: np.shape(found.feeds[t]) for name, t in found.model.inputs.items()}
    with blamed_on(found.chosen):
        return load_onnx(path, batch_size, Sizes(shapes, sizes.dims))


@contextmanager
def blamed_on(chosen: str) -> Iterator[None]:
    """Add to errors that sizes which were chosen may be their cause."""
    try:
        yield
    except MinigraphError as error:
        if not chosen:
            raise
        raise MinigraphError(f"{error}\nSizes that do not fit may be the cause: {chosen}") from error


def load_onnx(
    path: Path, batch_size: int, sizes: Sizes, read: Callable[[dict[str, tf.Tensor]], dict[tf.Tensor, Any]] = _nothing
) -> OnnxTarget:
    """Load a model. Sizes that are chosen here, because nobody says them, are told on stderr.

    read: gives the feeds of those inputs for which the user has some. The others are random.
    """
    with tf.Graph().as_default() as graph:
        model = load(path, shapes=sizes.shapes, dims=sizes.dims)
    feeds, chosen = read(model.inputs), []
    for name, tensor in model.inputs.items():
        if tensor in feeds:
            continue
        shape = chosen_shape(tensor.type, batch_size)
        if not tensor.type.is_static:
            chosen.append(f"{name}: {format_shape(shape)} for {format_shape(tensor.type.shape)}")
        feeds[tensor] = random_input(tensor.type, shape)
    text = f"{'; '.join(chosen)}; set others with --shape INPUT=SIZES or --dim NAME=SIZE" if chosen else ""
    if chosen:
        click.echo(f"sizes chosen for {text}", err=True)
    return OnnxTarget(graph, model, feeds, text)


def random_input(kind: TensorType, shape: tuple[int, ...]) -> Any:
    """Numbers between 0 and 1; integers 0 and 1."""
    random, dtype = np.random.RandomState(SEED), kind.dtype.np_dtype
    values = random.uniform(size=shape) if kind.dtype.is_floating else random.randint(2, size=shape)
    return np.asarray(values).astype(dtype)
