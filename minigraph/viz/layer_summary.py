"""The layers of a graph in a table: shapes, parameters, costs, and which follows which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from minigraph.compile.cost import flops
from minigraph.compile.specialise import specialise
from minigraph.core.errors import GraphError
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType, format_shape
from minigraph.graphs.walk import needed
from minigraph.ir.program import Cell, Feed, Instr
from minigraph.ops.constant import Const
from minigraph.ops.identity import Identity
from minigraph.ops.state.variable import ReadVariable
from minigraph.util.terminal import Column, output_width, table
from minigraph.viz.amount import amount
from minigraph.viz.item import items_of_program, kinds_of
from minigraph.viz.layers import find_layers

__all__ = ["GraphSummary", "LayerSummary", "summary_of"]

_NOTHING = (Cell, Const, Feed, Identity, ReadVariable)


@dataclass(slots=True)
class LayerSummary:
    """A layer of a `GraphSummary`, with its costs for a whole batch.

    Args:
        name: The layer's name: the name scope of its operations, or the first of them.
        operations: Its operations in order.
        parameters: Number of trainable parameters.
        frozen: Number of values in variables that are not trained, such as moving means.
        output: Type of the last operation's result.
        flops: Floating-point operations; None if an operation's cost is unknown.
        nbytes: Size of the output in bytes; 0 for a view of an earlier value.
        inputs: The layers and placeholders that it reads.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 8], name="x")
        >>> summary = tf.summary_of(tf.layers.dense(x, 4, tf.nn.relu, name="fc"))
        >>> (layer,) = summary.layers
        >>> layer.name, layer.operations, layer.parameters, layer.inputs
        ('fc', ['MatMul', 'BiasAdd', 'Relu'], 36, ['x'])
    """

    name: str
    operations: list[str] = field(default_factory=list)
    parameters: int = 0
    frozen: int = 0
    output: TensorType | None = None
    flops: int | None = 0
    nbytes: int = 0
    inputs: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GraphSummary:
    """The layers behind some tensors, as a table when it is printed; `summary_of` makes it.

    Args:
        inputs: The placeholders that are fed, with their shapes, by their names.
        layers: The layers, in order.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 8], name="x")
        >>> summary = tf.summary_of(tf.layers.dense(x, 4), batch_size=2)
        >>> summary.trainable, summary.frozen, summary.flops
        (36, 0, 136)
    """

    inputs: dict[str, TensorType]
    layers: list[LayerSummary]

    @property
    def trainable(self) -> int:
        """The number of trainable parameters."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def frozen(self) -> int:
        """The number of values in variables that are not trained."""
        return sum(layer.frozen for layer in self.layers)

    @property
    def flops(self) -> int:
        """The floating-point operations of all layers whose cost is known."""
        return sum(layer.flops or 0 for layer in self.layers)

    def totals(self) -> list[str]:
        """Give the lines below the table.

        Returns:
            The inputs, and the sums of parameters, FLOPs and outputs over all layers.
        """
        fed = ", ".join(f"{name} {format_shape(kind.shape)}" for name, kind in self.inputs.items() if kind.shape)
        least = "at least " if any(layer.flops is None for layer in self.layers) else ""
        activations = sum(layer.nbytes for layer in self.layers)
        return [
            f"inputs: {fed or 'none'}",
            f"{self.trainable + self.frozen:,} parameters: {self.trainable:,} trainable parameters, "
            f"{amount(4 * self.trainable, 'B')} as float32, and {self.frozen:,} values that are not trained",
            f"{least}{amount(self.flops, 'FLOP')} for one run",
            f"{amount(activations, 'B')} for the outputs of all layers together; runs reuse their memory",
        ]

    def __str__(self) -> str:
        return self.text(output_width())

    def text(self, width: int) -> str:
        """Give the table and the totals.

        Args:
            width: The most columns to use, where that is possible. Where there are fewer than the table needs, columns
                are left out.

        Returns:
            The text.
        """
        import io

        from rich.console import Console

        follows = [[previous] for previous in [*self.inputs][-1:] + [layer.name for layer in self.layers]]
        straight = all(layer.inputs in (before, []) for layer, before in zip(self.layers, follows, strict=False))
        outer = {layer.name.partition("/")[0] for layer in self.layers}
        prefix = f"{outer.pop()}/" if len(outer) == 1 else ""
        columns = [
            Column("layer", cut="start"), Column("operations", cut="end", drop=3), Column("output"),
            Column("parameters", right=True), Column("not trained", right=True, drop=1), Column("FLOPs", True, drop=2),
            Column("activations", True, drop=4), Column("connected to", cut="start", drop=5),
        ]  # fmt: skip
        rows = [
            [
                layer.name.removeprefix(prefix), " ".join(layer.operations),
                format_shape(layer.output.shape) if layer.output else "", f"{layer.parameters:,}", f"{layer.frozen:,}",
                "?" if layer.flops is None else amount(layer.flops, ""), amount(layer.nbytes, "B"),
                ", ".join(name.removeprefix(prefix) for name in layer.inputs),
            ]
            for layer in self.layers
        ]  # fmt: skip
        shown = [i for i in range(len(columns)) if not ((i == 4 and not self.frozen) or (i == 7 and straight))]
        cut = table([columns[i] for i in shown], [[row[i] for i in shown] for row in rows], width)
        with io.StringIO() as file:
            out = Console(file=file, width=width)
            out.print(cut)
            for line in self.totals():
                out.print(line, highlight=False, markup=False)
            return file.getvalue().rstrip("\n")


def summary_of(outputs: Tensor | Sequence[Tensor], batch_size: int = 1) -> GraphSummary:
    """Summarise the layers that compute tensors: shapes, parameters, floating-point operations, memory.

    A layer is a convolution, a product, a pooling, a normalisation … with the bias and the activation that follow it.

    Args:
        outputs: A tensor, such as a network's logits, or several.
        batch_size: The number that stands for unknown sizes of placeholders.

    Returns:
        The summary, which prints as a table.

    Raises:
        ShapeError: The shapes do not fit for this size.
        GraphError: A placeholder has a shape of unknown rank.

    Example:
        >>> x = tf.placeholder(tf.float32, [None, 28, 28, 1], name="images")
        >>> maps = tf.layers.conv2d(x, 8, 3, activation=tf.nn.relu, name="conv1")
        >>> pooled = tf.layers.max_pooling2d(maps, 2, 2, name="pool1")
        >>> summary = tf.summary_of(tf.layers.dense(tf.layers.flatten(pooled), 10, name="fc"), batch_size=32)
        >>> [(layer.name, layer.parameters) for layer in summary.layers if layer.parameters]
        [('conv1', 80), ('fc', 13530)]
    """
    fetched = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    graph = fetched[0].graph
    nodes = needed(t.node for t in fetched)
    placeholders = [n.outputs[0] for n in graph.nodes if n in nodes and n.type == "Placeholder"]
    types = [_static(tensor, batch_size) for tensor in placeholders]
    program = specialise(fetched, [], placeholders, types)
    items = items_of_program(program)
    trainable = {v.op.name for v in graph.get_collection("trainable_variables")}
    results = {program.instrs.index(value.instr) for value in program.results}
    layers = find_layers(items, kinds_of(items, results, trainable))

    found: dict[str, LayerSummary] = {}
    home: dict[Instr, str] = {}  # the layer of each instruction; of others, the name that a layer is connected to
    for instr in program.instrs:
        path = layers.around([*instr.names, instr.name])
        name = "/".join(path).replace(" ", "/") if path else instr.name
        if isinstance(instr.op, Cell):
            layer = found.setdefault(name, LayerSummary(name))
            if instr.op.name in trainable:
                layer.parameters += instr.types[0].size
            elif ":" not in instr.op.name:  # not the state of a random operation
                layer.frozen += instr.types[0].size
        elif isinstance(instr.op, Feed):
            home[instr] = instr.name
        elif not isinstance(instr.op, _NOTHING):
            _add(found.setdefault(name, LayerSummary(name)), instr, home)
            home[instr] = name
        elif instr.inputs and (source := home.get(instr.inputs[0].instr)):
            home[instr] = source
    fed = {tensor.node.name: kind for tensor, kind in zip(placeholders, types, strict=True)}
    return GraphSummary(fed, [layer for layer in found.values() if layer.operations])


def _add(layer: LayerSummary, instr: Instr, home: dict[Instr, str]) -> None:
    kind = type(instr.op).__name__
    if kind not in layer.operations:
        layer.operations.append(kind)
    cost = flops(instr.op, [v.type for v in instr.inputs], instr.types)
    layer.flops = None if cost is None or layer.flops is None else layer.flops + cost
    if instr.types:
        layer.output = instr.types[0]
        layer.nbytes = layer.nbytes if instr.op.is_view else layer.output.nbytes
    for value in instr.inputs:
        source = home.get(value.instr)
        if source not in (None, layer.name, *layer.inputs):
            layer.inputs.append(str(source))


def _static(tensor: Tensor, batch_size: int) -> TensorType:
    shape = tensor.type.shape
    if shape is None:
        raise GraphError(f"summary_of: the placeholder {tensor.node.name} has a shape of unknown rank; give it a shape")
    return TensorType(tensor.dtype, tuple(batch_size if size is None else size for size in shape))
