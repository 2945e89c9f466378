"""The output of `minigraph summary`: a network's layers, computed from its graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import minigraph as tf
from minigraph.compile.cost import flops
from minigraph.compile.specialise import specialise
from minigraph.core.errors import InvalidArgumentError, ShapeError
from minigraph.core.types import TensorType, format_shape
from minigraph.ir.program import Cell, Feed, Instr
from minigraph.models.classifier import classifier
from minigraph.models.record import Model
from minigraph.ops.constant import Const
from minigraph.ops.identity import Identity
from minigraph.ops.state.variable import ReadVariable
from minigraph.viz.amount import amount

_NOTHING = (Cell, Const, Feed, Identity, ReadVariable)


@dataclass(slots=True)
class LayerSummary:
    """A layer: its operations in order, its output type, and its costs for a whole batch.

    parameters: number of trainable parameters. nbytes: size of the output; 0 for a view of an earlier value. flops:
    None if an operation's cost is unknown.
    """

    name: str
    parameters: int = 0
    operations: list[str] = field(default_factory=list)
    flops: int | None = 0
    output: TensorType | None = None
    nbytes: int = 0

    def add(self, instr: Instr) -> None:
        kind = type(instr.op).__name__
        if kind not in self.operations:
            self.operations.append(kind)
        cost = flops(instr.op, [v.type for v in instr.inputs], instr.types)
        self.flops = None if cost is None or self.flops is None else self.flops + cost
        self.output = instr.types[0]
        self.nbytes = self.nbytes if instr.op.is_view else self.output.nbytes


class ModelSummary(NamedTuple):
    """The layers for inference, in order. frozen: the number of untrained values in variables."""

    model: Model
    image: TensorType
    layers: list[LayerSummary]
    frozen: int


def summarise(model: Model, batch_size: int = 1, image_size: int | None = None) -> ModelSummary:
    """Group a network's operations into layers: by the scope of their variables, or one operation without variables.

    Raises ShapeError if the network does not accept images of this size.
    """
    size = model.image_size if image_size is None else image_size
    try:
        network = classifier(model, is_training=False, image_size=size)
        kind = TensorType(tf.float32, (batch_size, size, size, model.channels))
        program = specialise([network.end_points["predictions"]], [], [network.images], [kind])
    except (InvalidArgumentError, ShapeError, ValueError) as error:
        raise ShapeError(f"{model.name} does not take images of {size} x {size}: {error}") from error
    layers: dict[str, LayerSummary] = {}
    trainable = {v.op.name: v.value().type.size for v in network.graph.get_collection("trainable_variables")}
    scopes = {_scope(name) for name in trainable}
    for instr in program.instrs:
        if isinstance(instr.op, Cell):
            name = _scope(instr.op.name)
            layers.setdefault(name, LayerSummary(name)).parameters += trainable.get(instr.op.name, 0)
        elif not isinstance(instr.op, _NOTHING):
            name = _layer(instr.name, scopes)
            layers.setdefault(name, LayerSummary(name)).add(instr)
    kept = network.graph.get_collection("variables")
    frozen = sum(v.value().type.size for v in kept) - sum(trainable.values())
    return ModelSummary(model, kind, [layer for layer in layers.values() if layer.operations], frozen)


def _scope(variable: str) -> str:
    """The scope of a variable's layer; a normalisation belongs to the preceding convolution."""
    return variable.rpartition("/")[0].removesuffix("/norm")


def _layer(node: str, scopes: set[str]) -> str:
    """The innermost layer scope that contains the node; the node's own name if there is none."""
    parts = node.split("/")
    inside = ("/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1))
    return next((scope for scope in inside if scope in scopes), node)


def print_table(found: ModelSummary) -> None:
    """Print the layers as a table, with totals."""
    from rich.table import Table

    from minigraph.tools.explain import console

    table = Table("layer", "operations", "output")
    for title in ("parameters", "FLOPs", "activations"):
        table.add_column(title, justify="right")
    outer = {layer.name.partition("/")[0] for layer in found.layers}
    prefix = f"{outer.pop()}/" if len(outer) == 1 else ""
    for layer in found.layers:
        assert layer.output is not None
        cost = "?" if layer.flops is None else amount(layer.flops, "")
        shape, size = format_shape(layer.output.shape), amount(layer.nbytes, "B")
        table.add_row(
            layer.name.removeprefix(prefix), " ".join(layer.operations), shape, f"{layer.parameters:,}", cost, size
        )
    out = console()
    out.print(table)
    for line in totals(found):
        out.print(line, highlight=False)


def totals(found: ModelSummary) -> list[str]:
    """Lines with the totals over all layers."""
    parameters = sum(layer.parameters for layer in found.layers)
    costs = [layer.flops for layer in found.layers]
    known = sum(cost for cost in costs if cost is not None)
    least = "at least " if None in costs else ""
    activations = sum(layer.nbytes for layer in found.layers)
    kept = f", and {found.frozen:,} values that are not trained" if found.frozen else ""
    return [
        f"{found.model.name}, images {format_shape(found.image.shape)}",
        f"{parameters:,} trainable parameters, {amount(4 * parameters, 'B')} as float32{kept}",
        f"{least}{amount(known, 'FLOP')} for inference",
        f"{amount(activations, 'B')} for the outputs of all layers together; inference reuses their memory",
    ]
