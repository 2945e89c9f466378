"""The subcommands `export` and `import`: graphs to ONNX models and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from minigraph.core.errors import UnknownNameError
from minigraph.tools.shared import completion
from minigraph.tools.shared.options import debug_option, output_file
from minigraph.tools.shared.sizes import parse_sizes, size_options


class SettingError(UnknownNameError, ValueError):
    """An invalid value on the command line."""


_settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="INPUT=VALUE",
    help="Fix an input to a number or a comma-separated list of numbers; may be repeated.",
)


@click.command("export")
@click.argument("target", shell_complete=completion.targets)
@click.argument("out", type=output_file)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="TENSOR",
    help="Output to export; may be repeated [default: the network's outputs].",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="Checkpoint with the variables' values, or the folder of a training run [default: initial values].",
)
@click.option("--opset", type=int, default=17, show_default=True, help="ONNX's operator set.")
@click.option(
    "--layout", type=click.Choice(["NHWC", "NCHW"]), default="NHWC", show_default=True, help="Layout of image inputs."
)
@click.option("--batch-name", default="N", show_default=True, help="Name of the unknown batch size.")
@_settings
@debug_option
def export(
    target: str, out: Path, outputs: tuple[str, ...], checkpoint: Path | None, opset: int,
    layout: Literal["NHWC", "NCHW"], batch_name: str, settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Write an ONNX model, or a frozen graph of TensorFlow (.pb, .pbtxt), of a network at inference or another graph.

    The target is a model's name, a Python file that builds a graph (.py), a saved graph, or a graph (.pb), SavedModel
    or checkpoint of TensorFlow. The outputs of a model are called logits, probabilities and class.
    """
    if out.suffix not in (".onnx", ".pb", ".pbtxt"):
        raise SettingError(f"{out}: the name of an ONNX file ends in .onnx, that of a graph of TensorFlow in .pb")
    import minigraph as tf
    from minigraph.onnx import save
    from minigraph.tools.shared.running import checkpoint_file
    from minigraph.tools.shared.target import load_target
    from minigraph.tools.shared.tensorflow_files import frozen_message, write_graph_message

    chosen = load_target(target, inference=True)
    graph = chosen.graph
    results: Any = [_tensor_of(graph, name, "--output") for name in outputs] or chosen.results
    if results is None:
        results = [t for t in chosen.fetches if isinstance(t, tf.Tensor)]
    fixed = {k: v for k, v in (chosen.given or {}).items() if _is_number(v)}
    fixed |= {_tensor_of(graph, n, "--set"): v for n, v in _parsed(settings).items()}
    with graph.as_default(), chosen.session() as session:
        if checkpoint is not None:
            tf.train.Saver().restore(session, str(checkpoint_file(checkpoint)))
        if out.suffix != ".onnx":
            named = results if isinstance(results, dict) else {t.node.name: t for t in results}
            write_graph_message(out, frozen_message(session, named, fixed))
            click.echo(f"wrote {out}, with the outputs {', '.join(named)}")
            return
        save(out, results, fixed=fixed, variables=session, opset=opset, layout=layout, batch=batch_name)
    click.echo(f"wrote {out}")


@click.command("import")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=output_file, help="Graph file to write [default: the model's name with .graph].")
@click.option("--constants", is_flag=True, help="Import the weights as constants instead of variables.")
@size_options
@_settings
@debug_option
def import_(
    model: Path, out: Path | None, constants: bool, shapes: tuple[str, ...], dims: tuple[str, ...],
    settings: tuple[str, ...],
) -> None:  # fmt: skip
    """Write an ONNX model with its weights as a graph file for `tf.train.import_meta_graph`."""
    import numpy as np

    import minigraph as tf
    from minigraph.onnx import load

    given = {name: np.asarray(value) for name, value in _parsed(settings).items()}
    with tf.Graph().as_default():
        sizes = parse_sizes(shapes, dims)
        found = load(model, given, not constants, sizes.shapes, sizes.dims)
        out = out or Path(model.name).with_suffix(".graph")
        tf.train.export_meta_graph(out)
        click.echo(f"wrote {out}, with {len(tf.global_variables())} variables")
    for kind, tensors in (("input", found.inputs), ("output", found.outputs)):
        for name, tensor in tensors.items():
            click.echo(f"{kind} {name}: {tensor.name} {tensor.type}")


def _tensor_of(graph: Any, name: str, option: str) -> Any:
    try:
        return graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
    except (KeyError, ValueError) as error:
        raise SettingError(f"{option} {name}: {error.args[0]}") from None


def _is_number(value: Any) -> bool:
    import numpy as np

    return np.ndim(value) == 0


def _parsed(settings: tuple[str, ...]) -> dict[str, Any]:
    found = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        try:
            numbers = [float(v) if set(v) & set(".eEn") else int(v) for v in text.split(",")]
        except ValueError:
            numbers = []
        if not (name and equals and numbers):
            raise SettingError(f"--set: expected INPUT=VALUE, such as keep_prob=1 or sizes=1,3,8,8, got {setting!r}")
        found[name] = numbers if "," in text else numbers[0]
    return found


COMMANDS = (export, import_)
