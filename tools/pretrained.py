"""The subcommands for pretrained weights: `predict` and `convert`."""

from __future__ import annotations

from pathlib import Path

import click

from minigraph.tools.shared import completion
from minigraph.tools.shared.options import backend_option, debug_option, number, output_file, tell_backend
from minigraph.tools.shared.workers import workers_option

_weights = click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Weights of the network.")
_labels = click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of class names, one per line [default: the bundle's, or ImageNet's for 1,000 classes].",
)


@click.command()
@click.argument("network", metavar="MODEL|BUNDLE|GRAPH", shell_complete=completion.targets)
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@_weights
@_labels
@click.option("--top", type=number(whole=True, least=1), default=5, show_default=True, help="Classes to print.")
@click.option("--input-mean", type=float, default=0.0, show_default=True, help="Mean of a .pb's pixels, 0 to 255.")
@click.option("--input-std", type=number(above=0), default=255.0, show_default=True, help="Their divisor.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@workers_option
@backend_option
@debug_option
def predict(
    network: str, photos: tuple[Path, ...], weights: Path | None, labels: Path | None, top: int,
    input_mean: float, input_std: float, as_json: bool, workers: int | None, distributed: bool, backend: str | None,
) -> None:  # fmt: skip
    """Print the likeliest classes of PHOTOS, files or folders of them.

    They are those of a model with --weights, a bundle (.mgb), or a graph.

    A graph is a frozen one of TensorFlow (.pb), a SavedModel, or a checkpoint with its .meta; it needs --labels, and
    takes whole photos, resized. Otherwise the centre of each photo is cropped and resized. The exit code is 1 if a
    photo cannot be read.
    """
    from minigraph.ops.collective.world import WORLD
    from minigraph.tools import prediction
    from minigraph.tools.shared.workers import begin

    begin(workers, distributed)
    predictor = prediction.load(network, weights, labels, backend, (input_mean, input_std))
    if not WORLD.rank:
        tell_backend(backend)
    found = prediction.predict(predictor, prediction.expand(photos), top)
    if WORLD.rank:
        return
    failed = [each for each in found if each.problem is not None]
    click.echo(prediction.as_json(found) if as_json else prediction.as_text(found))
    for each in failed:
        click.echo(each.problem, err=True)
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(found)} photos could not be read")


@click.command()
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
@click.argument("target", metavar="TO", type=output_file)
@click.option(
    "--model",
    shell_complete=completion.models,
    help="The weights' network; needed for its variable names and layouts, and for a bundle (.mgb).",
)
@_labels
@debug_option
def convert(source: Path, target: Path, model: str | None, labels: Path | None) -> None:
    """Convert weights to the file format of TO's suffix, or freeze a model into a bundle.

    Input formats: safetensors, NPZ, Keras HDF5, TensorFlow 1 checkpoints, frozen graphs (.pb) and SavedModels, torch
    files and ONNX initializers. Output formats: .safetensors, .npz, .h5, and .mgb with --model; .pb to .pbtxt and back.
    """
    from minigraph.tools import prediction

    click.echo(prediction.convert(source, target, model, labels))


COMMANDS = (predict, convert)
