"""The subcommand `run-onnx`: runs an ONNX model on arrays or pictures, and compares with ONNX Runtime."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

import minigraph as tf
from minigraph.core.errors import DataLossError, MinigraphError, NotFoundError
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.tools.shared.options import backend_option, debug_option, number, output_file, tell_backend
from minigraph.tools.shared.sizes import parse_sizes, size_options

CLOSE = 1e-4  # of an output's largest number; of a float16 output one unit in the last place


class InputError(MinigraphError, ValueError):
    """A file does not fit an input of the model."""


@click.command("run-onnx")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--input",
    "files",
    multiple=True,
    metavar="[NAME=]FILE",
    help="A picture, a .npy file, or a .npz file with arrays by the inputs' names; may be repeated [default: random].",
)
@size_options
@backend_option
@click.option(
    "--runs", type=number(whole=True, least=1), default=3, show_default=True, help="Timed runs after the first."
)
@click.option("--compare", type=click.Choice(["onnxruntime"]), help="Compare with ONNX Runtime without optimisations.")
@click.option("-o", "--out", type=output_file, help="Write the outputs as a .npz file.")
@debug_option
def run_onnx(
    model: Path, files: tuple[str, ...], shapes: tuple[str, ...], dims: tuple[str, ...], backend: str | None, runs: int,
    compare: str | None, out: Path | None,
) -> None:  # fmt: skip
    """Run an ONNX model; print its outputs, the times, and the difference to ONNX Runtime.

    A picture is resized to the input's size if that is known. Floating-point inputs get numbers from 0 to 1.
    """
    from minigraph.tools.shared.onnx_target import blamed_on, load_onnx

    tell_backend(backend)
    start = time.perf_counter()
    found = load_onnx(model, 1, parse_sizes(shapes, dims), lambda inputs: _read(files, inputs))
    loaded = time.perf_counter() - start
    feeds = {t: np.asarray(a) for t, a in found.feeds.items()}
    with blamed_on(found.chosen), tf.Session(graph=found.graph, backend=backend) as session:
        with found.graph.as_default():
            session.run(tf.global_variables_initializer())
        times = []
        for _ in range(1 + runs):
            start = time.perf_counter()
            outputs = session.run(found.model.outputs, feeds)
            times.append(time.perf_counter() - start)
    outputs = {name: np.asarray(array) for name, array in outputs.items()}
    for name, array in outputs.items():
        click.echo(f"{name}: {_described(array)}")
    median = sorted(times[1:])[runs // 2]
    click.echo(f"loaded in {loaded:.2f} s; first run {times[0]:.2f} s; then {1e3 * median:.2f} ms (median of {runs})")
    if out is not None:
        from minigraph.formats.npz import write_npz
        from minigraph.util.files import atomic_write

        with atomic_write(out) as file:
            write_npz(file, outputs)
        click.echo(f"wrote {out}")
    if compare is not None:
        _compare(model, {n: feeds[t] for n, t in found.model.inputs.items()}, outputs)


def _read(files: Sequence[str], inputs: Mapping[str, tf.Tensor]) -> dict[tf.Tensor, np.ndarray]:
    """The arrays of the files, by the inputs they are for."""
    found: dict[str, np.ndarray] = {}
    for text in files:
        name, equals, path = text.partition("=")
        if not (equals and name in inputs):
            name, path = "", text
        if not Path(path).is_file():
            raise NotFoundError(f"--input: {path}: no such file")
        if Path(path).suffix == ".npz":
            found |= _arrays(Path(path), inputs)
            continue
        if not name and len(inputs) != 1:
            raise InputError(f"--input: the model has the inputs {', '.join(inputs)}: say which, as in NAME={path}")
        name = name or next(iter(inputs))
        found[name] = _array(Path(path)) if Path(path).suffix == ".npy" else _picture(Path(path), inputs[name].type)
    return {inputs[n]: _fitted(n, a, inputs[n].type) for n, a in found.items()}


def _arrays(path: Path, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    from minigraph.formats.registry import load_weights

    found = load_weights(path)
    if any(n not in inputs for n in found):
        raise InputError(f"{path} has the arrays {', '.join(found)}; the model's inputs are {', '.join(inputs)}")
    return found


def _array(path: Path) -> np.ndarray:
    try:
        with open(path, "rb") as file:
            array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataLossError(f"{path} is damaged, or holds no array of numbers") from error
    return array


def _fitted(name: str, array: np.ndarray, kind: TensorType) -> np.ndarray:
    if not compatible(kind.shape, array.shape):
        shapes = f"{format_shape(array.shape)}, the input {format_shape(kind.shape)}"
        raise InputError(f"--input: the array for '{name}' has the shape {shapes}")
    return array.astype(kind.dtype.np_dtype, copy=False)


def _picture(path: Path, kind: TensorType) -> np.ndarray:
    """A picture as the input wants it: channels first or last, in the input's size, else in its own, cut to 32s."""
    from minigraph.data import load_image
    from minigraph.data.images import open_image

    shape = kind.shape or ()
    first = len(shape) == 4 and shape[1] in (1, 3)
    if not first and not (len(shape) == 4 and shape[3] in (1, 3)):
        raise InputError(
            f"{path} is a picture, but the input is {kind}, neither [N,C,H,W] nor [N,H,W,C] with C = 1 or 3"
        )
    sides, channels = (shape[2:], shape[1]) if first else (shape[1:3], shape[3])
    wide, high = open_image(path).size
    height, width = (known or max(own // 32, 1) * 32 for known, own in zip(sides, (high, wide), strict=True))
    image = load_image(path, (height, width))
    image = image.mean(2, keepdims=True) if channels == 1 else image
    image = image / np.float32(255) if kind.dtype.is_floating else image.round()
    batch: np.ndarray = image[None]
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2)) if first else batch


def _described(array: np.ndarray) -> str:
    head = f"{array.dtype} {format_shape(array.shape)}"
    if array.size <= 8:
        return f"{head} {' '.join(f'{v:.6g}' for v in array.ravel().tolist())}"
    text = f"{head} from {array.min():.6g} to {array.max():.6g}, mean {array.mean():.6g}"
    if array.ndim == 2 and array.dtype.kind == "f":
        best = np.argsort(-array[0])[:5]
        text += "; largest " + ", ".join(f"{i}: {array[0, i]:.4g}" for i in best)
    return text


def _compare(path: Path, feeds: Mapping[str, np.ndarray], outputs: Mapping[str, np.ndarray]) -> None:
    """Print the largest difference of each output, and fail if one is not close."""
    try:
        import onnxruntime
    except ImportError:
        raise MinigraphError('--compare needs ONNX Runtime: pip install "minigraph[peers]"') from None
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    found = [part for y in session.run(None, dict(feeds)) for part in (y if isinstance(y, list) else [y])]
    far = []
    for name, theirs in zip(outputs, found, strict=True):
        mine = outputs[name]
        if mine.shape != theirs.shape:
            far.append(name)
            click.echo(f"{name}: shape {format_shape(mine.shape)}, ONNX Runtime's {format_shape(theirs.shape)}")
            continue
        a, b = mine.astype(np.float64), np.asarray(theirs).astype(np.float64)
        scale = np.abs(b).max(initial=0.0) or 1.0
        error = float(np.abs(a - b).max(initial=0.0) / scale)
        click.echo(f"{name}: differs from ONNX Runtime by at most {error:.1e} of its largest number")
        coarse = theirs.dtype.kind == "f" and float(np.finfo(theirs.dtype).eps)
        if not error <= max(CLOSE, coarse):
            far.append(name)
    if far:
        raise MinigraphError(f"the outputs {', '.join(far)} differ from those of ONNX Runtime")


COMMANDS = (run_onnx,)
