"""ONNX files as targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

import minigraph as tf
from minigraph.core.types import TensorType, format_shape
from minigraph.onnx import Imported, load
from minigraph.tools.shared.sizes import Sizes, chosen_shape

SEED = 0


class OnnxTarget(NamedTuple):
    """An ONNX model in a graph of its own, and random feeds for its inputs."""

    graph: tf.Graph
    model: Imported
    feeds: dict[tf.Tensor, Any]


def load_fixed(path: Path, batch_size: int, sizes: Sizes) -> OnnxTarget:
    """Load a model with all sizes of its inputs known; see `load_onnx`."""
    found = load_onnx(path, batch_size, sizes)
    if all(t.type.is_static for t in found.feeds):
        return found
    shapes = {name: np.shape(found.feeds[t]) for name, t in found.model.inputs.items()}
    return load_onnx(path, batch_size, Sizes(shapes, sizes.dims))


def load_onnx(path: Path, batch_size: int, sizes: Sizes) -> OnnxTarget:
    """Load a model. Sizes that are chosen here, because neither the model nor `sizes` say them, are told on stderr."""
    with tf.Graph().as_default() as graph:
        model = load(path, shapes=sizes.shapes, dims=sizes.dims)
    feeds, chosen = {}, []
    for name, tensor in model.inputs.items():
        shape = chosen_shape(tensor.type, batch_size)
        if not tensor.type.is_static:
            chosen.append(f"{name}: {format_shape(shape)} for {format_shape(tensor.type.shape)}")
        feeds[tensor] = random_input(tensor.type, shape)
    if chosen:
        click.echo(
            f"sizes chosen for {'; '.join(chosen)}; set others with --shape INPUT=SIZES or --dim NAME=SIZE", err=True
        )
    return OnnxTarget(graph, model, feeds)


def random_input(kind: TensorType, shape: tuple[int, ...]) -> Any:
    """Numbers between 0 and 1; integers 0 and 1."""
    random, dtype = np.random.RandomState(SEED), kind.dtype.np_dtype
    values = random.uniform(size=shape) if kind.dtype.is_floating else random.randint(2, size=shape)
    return np.asarray(values).astype(dtype)
