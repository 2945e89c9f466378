"""The subcommands `export` and `import`: graphs to ONNX models and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from minigraph.core.errors import MinigraphError
from minigraph.tools.shared.options import debug_option, output_file


class SettingError(MinigraphError, ValueError):
    """An invalid value on the command line."""


_settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="INPUT=VALUE",
    help="Fix an input to a number or a comma-separated list of numbers; may be repeated.",
)


@click.command("export")
@click.argument("target")
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
    help="Checkpoint with the variables' values [default: initial values].",
)
@_settings
@debug_option
def export(
    target: str, out: Path, outputs: tuple[str, ...], checkpoint: Path | None, settings: tuple[str, ...]
) -> None:
    """Write an ONNX model of a network at inference, or of another graph.

    The target is a model's name, a Python file that builds a graph (.py), or a saved graph.
    """
    import minigraph as tf
    from minigraph.onnx import save
    from minigraph.tools.shared.target import load_target

    chosen = load_target(target, inference=True)
    graph = chosen.graph
    fetches = [graph.as_graph_element(_output(name)) for name in outputs] if outputs else chosen.fetches
    fixed = {k: v for k, v in (chosen.given or {}).items() if _is_number(v)}
    fixed |= {graph.as_graph_element(_output(n)): v for n, v in _parsed(settings).items()}
    with graph.as_default(), chosen.session() as session:
        if checkpoint is not None:
            tf.train.Saver().restore(session, str(checkpoint))
        save(out, [t for t in fetches if isinstance(t, tf.Tensor)], fixed=fixed, variables=session)
    click.echo(f"wrote {out}")


@click.command("import")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=output_file, required=True, help="Graph file to write.")
@click.option("--constants", is_flag=True, help="Import the weights as constants instead of variables.")
@_settings
@debug_option
def import_(model: Path, out: Path, constants: bool, settings: tuple[str, ...]) -> None:
    """Write an ONNX model with its weights as a graph file for `tf.train.import_meta_graph`."""
    import numpy as np

    import minigraph as tf
    from minigraph.onnx import load

    given = {name: np.asarray(value) for name, value in _parsed(settings).items()}
    with tf.Graph().as_default():
        found = load(model, given, variables=not constants)
        tf.train.export_meta_graph(out)
        click.echo(f"wrote {out}, with {len(tf.global_variables())} variables")
    for kind, tensors in (("input", found.inputs), ("output", found.outputs)):
        for name, tensor in tensors.items():
            click.echo(f"{kind} {name}: {tensor.name} {tensor.type}")


def _output(name: str) -> str:
    return name if ":" in name else f"{name}:0"


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
