"""The subcommand `quantize`: a trained network as an ONNX model on 8-bit integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

import minigraph as tf
from minigraph.core.errors import InvalidArgumentError, UnknownNameError
from minigraph.core.graph import Tensor
from minigraph.tools.shared import completion
from minigraph.tools.shared.options import backend_option, debug_option, number, output_file, tell_backend
from minigraph.tools.shared.sizes import Sizes, parse_sizes, size_options

if TYPE_CHECKING:
    from minigraph.models.record import Preprocessing
    from minigraph.quantization import QuantizedNetwork

BATCH = 8  # images of a run, where the network takes any number
Images = NDArray[np.float32]


class _Trained(NamedTuple):
    """A network with its weights. read: the image of a file, as the network takes it, without the axis of the batch."""

    session: tf.Session
    images: Tensor
    outputs: dict[str, Tensor]
    read: Callable[[Path], Images]


@click.command()
@click.argument("network", metavar="MODEL|FILE", shell_complete=completion.targets)
@click.option(
    "--images",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder of photographs like those that the network will see.",
)
@click.option("-o", "--out", type=output_file, required=True, help="The ONNX model to write (.onnx).")
@click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Weights of a MODEL.")
@click.option(
    "--count",
    type=number(whole=True, least=1),
    default=64,
    show_default=True,
    help="Images that choose the ranges; the others check the result.",
)
@click.option("--input-mean", type=float, default=0.0, show_default=True, help="Mean of a file's pixels, 0 to 255.")
@click.option("--input-std", type=number(above=0), default=255.0, show_default=True, help="Their divisor.")
@size_options
@backend_option
@debug_option
def quantize(
    network: str, folder: Path, out: Path, weights: Path | None, count: int, input_mean: float, input_std: float,
    shapes: tuple[str, ...], dims: tuple[str, ...], backend: str | None,
) -> None:  # fmt: skip
    """Write a trained network as an ONNX model on 8-bit integers.

    The network is a model with --weights, an ONNX model, or a graph (.pb), SavedModel or checkpoint of TensorFlow.
    Weights get a scale for each channel; the ranges of activations come from the images.
    """
    from minigraph.onnx import save
    from minigraph.quantization import quantize_network
    from minigraph.tools.prediction import expand

    if out.suffix != ".onnx":
        raise UnknownNameError(f"{out}: the name of an ONNX file ends in .onnx")
    tell_backend(backend)
    files = expand([folder])
    trained = _trained(network, weights, (input_mean, input_std), parse_sizes(shapes, dims), backend)
    chosen = dict.fromkeys(files[len(files) * i // count] for i in range(count))
    rest = [file for file in files if file not in chosen] or files
    feeds = ({trained.images: batch} for batch in _batches(trained, list(chosen)))
    made = quantize_network(trained.outputs, feeds, trained.session)
    with made.graph.as_default():
        save(out, made.outputs)
    click.echo(f"wrote {out}, {out.stat().st_size / 1e6:.1f} MB; {len(chosen)} images chose the ranges")
    for name, (same, total) in _agreement(trained, made, rest, backend).items():
        click.echo(f"{name}: the same class as in float32 for {same} of {total} images")


def _trained(
    network: str, weights: Path | None, scaling: tuple[float, float], sizes: Sizes, backend: str | None
) -> _Trained:
    from minigraph.models.bundle import CROP
    from minigraph.models.record import Preprocessing
    from minigraph.models.registry import find_model
    from minigraph.tools.prediction import Started
    from minigraph.tools.shared.target import load_target

    if (model := find_model(network)) is not None:
        if weights is None:
            raise UnknownNameError(f"{model.name} needs weights: give a file of them with --weights")
        started = Started(model, weights, backend)
        read = _reader(started.images, started.preprocessing, CROP)
        return _Trained(started.session, started.images, {"predictions": started.predictions}, read)
    if weights is not None:
        raise InvalidArgumentError(f"{network} has weights of its own; --weights is for models")
    target = load_target(network, inference=True, sizes=sizes)
    inputs = [n.outputs[0] for n in target.graph.nodes if n.type == "Placeholder"]
    images = [t for t in inputs if t.type.rank == 4 and t.dtype is tf.float32]
    if len(images) != 1:
        raise InvalidArgumentError(f"{network}: one float32 input for images was expected, but it has {len(images)}")
    grey = 1 in (images[0].shape[1], images[0].shape[3])
    mean, std = ((number,) * (1 if grey else 3) for number in scaling)
    read = _reader(images[0], Preprocessing("L" if grey else "RGB", mean, std), None)
    tensors = [t for t in target.fetches if isinstance(t, Tensor)]
    outputs = dict(target.results or {t.name.removesuffix(":0").replace(":", "_"): t for t in tensors})
    return _Trained(target.session(backend=backend), images[0], outputs, read)


def _reader(images: Tensor, preprocessing: Preprocessing, share: float | None) -> Callable[[Path], Images]:
    """Reads a photo as an input for images takes it, with channels last or first."""
    from minigraph.tools.prediction import pixels

    shape, channels = images.shape.as_list(), len(preprocessing.channels)
    first = shape[3] != channels
    size = shape[2]
    if size is None or size != shape[3 if first else 1] or channels != shape[1 if first else 3]:
        raise InvalidArgumentError(f"{images.name} must be square images of a known size, but has the shape {shape}")

    def read(photo: Path) -> Images:
        made = preprocessing.apply(pixels(photo, size, share, preprocessing.channels))
        return np.moveaxis(made, -1, 0) if first else made

    return read


def _batches(trained: _Trained, files: Sequence[Path]) -> Iterator[Images]:
    """The images of files, in batches of the network's size."""
    fixed = trained.images.shape.as_list()[0]
    size = fixed or BATCH
    for start in range(0, len(files) - len(files) % (fixed or 1), size):
        yield np.stack([trained.read(file) for file in files[start : start + size]])


def _agreement(
    trained: _Trained, made: QuantizedNetwork, files: Sequence[Path], backend: str | None
) -> dict[str, tuple[int, int]]:
    """For each output [N, classes]: for how many images both networks find the same class, and of how many."""
    names = [name for name, t in trained.outputs.items() if t.type.rank == 2 and t.shape[1] != 1]
    if not names:
        return {}
    (images,) = made.inputs.values()
    counts = dict.fromkeys(names, (0, 0))
    with tf.Session(graph=made.graph, backend=backend) as session:
        for batch in _batches(trained, files):
            real = trained.session.run({n: trained.outputs[n] for n in names}, {trained.images: batch})
            whole = session.run({n: made.outputs[n] for n in names}, {images: batch})
            for name, (same, total) in counts.items():
                found = np.argmax(real[name], 1) == np.argmax(whole[name], 1)
                counts[name] = same + int(found.sum()), total + len(batch)
    return counts
