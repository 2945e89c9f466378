"""The subcommands for pretrained weights: predict, convert."""

from __future__ import annotations

from pathlib import Path

import click

from minigraph.tools.shared.options import backend_option, debug_option, number, output_file

_weights = click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="The network's weights.")
_labels = click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Names of the classes, one a line [default: ImageNet's for 1,000 classes; the bundle's].",
)


@click.command()
@click.argument("network", metavar="MODEL|BUNDLE")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@_weights
@_labels
@click.option("--top", type=number(whole=True, least=1), default=5, show_default=True, help="Classes to print.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@backend_option
@debug_option
def predict(
    network: str, photos: tuple[Path, ...], weights: Path | None, labels: Path | None, top: int, as_json: bool,
    backend: str | None,
) -> None:  # fmt: skip
    """Print the likeliest classes of PHOTOS, by a model with --weights, or a bundle (.mgb).

    A photo is resized, and what the network looks at is cut out of its middle. Exit code 1 if one cannot be read.
    """
    from minigraph.tools import prediction

    predictor = prediction.load(network, weights, labels, backend)
    found = prediction.predict(predictor, photos, top)
    failed = [each for each in found if each.problem is not None]
    click.echo(prediction.as_json(found) if as_json else prediction.as_text(found))
    for each in failed:
        click.echo(each.problem, err=True)
    if failed:
        raise click.ClickException(f"{len(failed)} of {len(found)} photos could not be read")


@click.command()
@click.argument("source", metavar="FROM", type=click.Path(path_type=Path))
@click.argument("target", metavar="TO", type=output_file)
@click.option("--model", help="The network they are of: its names and layouts, and what a bundle (.mgb) needs.")
@_labels
@debug_option
def convert(source: Path, target: Path, model: str | None, labels: Path | None) -> None:
    """Convert weights from one kind of file to another, which TO's suffix tells; or freeze a model into a bundle.

    Read are safetensors, NPZ, Keras HDF5, TensorFlow 1 checkpoints, torch's files and ONNX initializers; written are
    .safetensors, .npz, .h5, and with --model .mgb.
    """
    from minigraph.tools import prediction

    click.echo(prediction.convert(source, target, model, labels))


COMMANDS = (predict, convert)
