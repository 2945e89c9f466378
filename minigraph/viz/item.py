"""The nodes of either kind of graph in one form, and the part of a training step that each belongs to."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from minigraph.core.graph import Node
from minigraph.core.op import Op
from minigraph.core.provenance import Source
from minigraph.core.types import TensorType
from minigraph.ir.compiled_loop import CompiledLoop
from minigraph.ir.joint import Joint
from minigraph.ir.program import Cell, Feed, Instr, Program
from minigraph.ir.regions import Region
from minigraph.ir.scan import ScanLoop, WhileLoop
from minigraph.ops.constant import Const, Placeholder, PlaceholderWithDefault
from minigraph.ops.state.variable import NoOp, VariableV2

KINDS = ("input", "parameter", "state", "constant", "forward", "gradient", "update")
GRADIENTS = re.compile(r"gradients(_\d+)?")
_GRADIENT_SCOPE = re.compile(rf"{GRADIENTS.pattern}|.+_grad(_\d+)?")


class Item(NamedTuple):
    """A node.

    inputs: (position of the producer, number of its output). control: positions. names: the user's nodes that it
    stands for.
    """

    op: Op
    name: str
    source: Source | None
    inputs: tuple[tuple[int, int], ...]
    control: tuple[int, ...]
    types: tuple[TensorType, ...]
    names: Sequence[str]

    @property
    def updates(self) -> bool:
        """Whether it writes a variable."""
        return bool(self.op.writes) and not self.op.draws


def leaves(op: Op, names: Sequence[str]) -> Iterator[tuple[Op, str]]:
    """The operations in an op, itself if it is not fused, with the user's node that each stands for."""
    if isinstance(op, Region | Joint):
        for member in op.members:
            yield from leaves(member.op, member.names)
    else:
        yield op, names[0] if names else ""


class LoopedOp(NamedTuple):
    """An operation in the body of a loop."""

    op: Op
    name: str
    inputs: tuple[TensorType, ...]
    types: tuple[TensorType, ...]


def step_of(op: Op) -> list[LoopedOp]:
    """The operations of one step of a loop, in order, without its constants; none for other operations."""
    nodes: Sequence[Instr | Node] = ()
    if isinstance(op, CompiledLoop):
        nodes = op.program.instrs
    elif isinstance(op, ScanLoop | WhileLoop):
        nodes = op.body.nodes
    return [
        LoopedOp(n.op, n.name, tuple(v.type for v in n.inputs), tuple(_types(n)))
        for n in nodes
        if not isinstance(n.op, Feed | Const)
    ]


def _types(node: Instr | Node) -> Sequence[TensorType]:
    return node.types if isinstance(node, Instr) else [t.type for t in node.outputs]


def items_of_program(program: Program) -> list[Item]:
    position = {instr: i for i, instr in enumerate(program.instrs)}
    return [
        Item(
            instr.op,
            instr.name,
            instr.source,
            tuple((position[v.instr], v.output) for v in instr.inputs),
            tuple(position[c] for c in instr.control),
            instr.types,
            _names(instr),
        )
        for instr in program.instrs
    ]


def _names(instr: Instr) -> Sequence[str]:
    if isinstance(instr.op, Region | Joint):
        return [*dict.fromkeys([*(name for _, name in leaves(instr.op, ()) if name), *instr.names])]
    return instr.names or (instr.name,)


def items_of_nodes(nodes: Sequence[Node]) -> list[Item]:
    position = {node: i for i, node in enumerate(nodes)}
    return [
        Item(
            node.op,
            node.name,
            node.source,
            tuple((position[t.node], t.value_index) for t in node.inputs if t.node in position),
            tuple(position[c] for c in node.control_inputs if c in position),
            tuple(t.type for t in node.outputs),
            (node.name,),
        )
        for node in nodes
    ]


def consumers_of(items: Sequence[Item], control: bool = False) -> list[list[int]]:
    """The positions of the nodes that read each node's outputs. control: or have to run after it."""
    found: list[list[int]] = [[] for _ in items]
    for index, item in enumerate(items):
        for producer in dict.fromkeys([*(p for p, _ in item.inputs), *(item.control if control else ())]):
            found[producer].append(index)
    return found


def kinds_of(items: Sequence[Item], results: Collection[int], trainable: Collection[str] | None) -> list[str]:
    """The kind of each node, one of KINDS. results: positions of fetched nodes. trainable: as in `Picture`'s makers."""
    consumers = consumers_of(items, control=True)
    kinds = [""] * len(items)
    for index in reversed(range(len(items))):
        item = items[index]
        kind = _kind_of_source(item, trainable)
        if not kind and item.updates:
            kind = "update"
        if not kind and is_gradient(item.name):
            kind = "gradient"
        if not kind and index not in results and consumers[index]:
            # What only updates read, such as a decayed learning rate, belongs to them.
            kind = "update" if all(kinds[c] == "update" for c in consumers[index]) else ""
        kinds[index] = kind or "forward"
    for index, item in enumerate(items):
        if isinstance(item.op, NoOp) and any(kinds[c] == "update" for c in item.control):
            kinds[index] = "update"
    return kinds


def is_gradient(name: str) -> bool:
    """Whether the node is in one of the scopes that `gradients` opens."""
    return any(_GRADIENT_SCOPE.fullmatch(part) for part in name.split("/")[:-1])


def differentiated(name: str) -> str:
    """The node whose gradient the node `name` computes, from `gradients/conv1/Relu_grad/ReluGrad`; "" for a sum."""
    *scopes, _ = name.split("/")
    inner = [part for part in scopes if not GRADIENTS.fullmatch(part)]
    if not inner or "_grad" not in inner[-1]:
        return "/".join(inner)
    return "/".join((*inner[:-1], re.sub(r"_grad(_\d+)?$", "", inner[-1])))


def _kind_of_source(item: Item, trainable: Collection[str] | None) -> str:
    op = item.op
    if isinstance(op, Feed | Placeholder | PlaceholderWithDefault):
        return "input"
    if isinstance(op, Cell | VariableV2):
        name = op.name if isinstance(op, Cell) else item.name
        learns = ":" not in name if trainable is None else name in trainable
        return "parameter" if learns else "state"
    return "constant" if not item.inputs and not op.stateful and item.types else ""
