"""The subcommand `run-onnx`: runs an ONNX model on arrays or pictures, and compares with ONNX Runtime."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import click
import numpy as np

import minigraph as tf
from minigraph.core.errors import MinigraphError
from minigraph.core.types import format_shape
from minigraph.tools.shared.inputs import read_inputs
from minigraph.tools.shared.options import backend_option, debug_option, number, output_file, tell_backend
from minigraph.tools.shared.sizes import parse_sizes, size_options

CLOSE = 1e-4  # of an output's largest number; of a float16 output one unit in the last place


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
    found = load_onnx(model, 1, parse_sizes(shapes, dims), lambda inputs: read_inputs(files, inputs))
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
