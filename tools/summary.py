"""`minigraph summary`: the layers of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from minigraph.tools.shared import completion
from minigraph.tools.shared.options import debug_option, number

if TYPE_CHECKING:
    from minigraph.models.record import Model
    from minigraph.viz.layer_summary import GraphSummary


@click.command()
@click.argument("model", metavar="MODEL|FILE", shell_complete=completion.targets)
@click.option("--batch-size", type=number(whole=True, least=1), default=1, show_default=True, help="Images at a time.")
@click.option("--image-size", type=number(whole=True, least=1), help="Pixels on a side [default: the model's].")
@debug_option
def summary(model: str, batch_size: int, image_size: int | None) -> None:
    """Show the layers of a network with shapes, parameters, FLOPs and activation memory, for inference.

    The target is a model's name, a Python file that builds a graph (.py), a saved graph, or an ONNX model (.onnx).
    """
    from minigraph.models.registry import find_model

    found = find_model(model)
    if image_size is not None and found is None:
        raise click.UsageError(f"--image-size is for the models that `minigraph models` lists, which {model} is not")
    click.echo(summarise_file(model, batch_size) if found is None else summarise(found, batch_size, image_size))


def summarise(model: Model, batch_size: int = 1, image_size: int | None = None) -> GraphSummary:
    """A network's layers for inference. Raises ShapeError if it does not accept images of this size."""
    import minigraph as tf
    from minigraph.core.errors import InvalidArgumentError, ShapeError
    from minigraph.models.classifier import classifier

    size = model.image_size if image_size is None else image_size
    try:
        network = classifier(model, is_training=False, image_size=size)
        return tf.summary_of(network.end_points["predictions"], batch_size)
    except (InvalidArgumentError, ShapeError, ValueError) as error:
        raise ShapeError(f"{model.name} does not take images of {size} x {size}: {error}") from error


def summarise_file(name: str, batch_size: int) -> GraphSummary:
    """The layers of what a file computes, without training. Raises TargetError."""
    import minigraph as tf
    from minigraph.tools.shared.target import TargetError, load_target

    target = load_target(name, batch_size, inference=True)
    outputs = [fetch for fetch in target.fetches if isinstance(fetch, tf.Tensor)]
    if not outputs:
        raise TargetError(f"{name} computes no tensor that could be summarised, only operations")
    return tf.summary_of(outputs, batch_size)
