"""A picture of a graph as plain data: boxes and arrows with kinds, shapes and costs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import NamedTuple

from minigraph.compile.cost import flops, moved_bytes, op_name
from minigraph.core.graph import Graph
from minigraph.core.graph import Node as GraphNode
from minigraph.core.op import Op, format_attributes
from minigraph.core.provenance import Source
from minigraph.core.types import TensorType
from minigraph.ir.program import Cell, Feed, Instr, Program
from minigraph.ir.regions import Region
from minigraph.ops.constant import Placeholder, PlaceholderWithDefault
from minigraph.ops.state.variable import NoOp, VariableV2
from minigraph.viz.amount import amount

KINDS = ("input", "parameter", "state", "constant", "forward", "gradient", "update")
KEPT, ADDED, REMOVED = "kept", "added", "removed"

_WIDELY = 3  # scopes; a scalar constant read in more of them is "shared"
GRADIENTS = re.compile(r"gradients(_\d+)?")
_GRADIENT_SCOPE = re.compile(rf"{GRADIENTS.pattern}|.+_grad(_\d+)?")


@dataclass(frozen=True, slots=True)
class Box:
    """An operation, or a folded scope (then `count` is above 1 and all numbers are sums over its contents).

    kind: one of KINDS; "parameter" is a trainable variable, "state" any other variable. types: of the outputs.
    flops, bytes: see `minigraph.compile.cost`; None if no part is known. partial: the FLOPs of some part are unknown.
    seconds: of a run, if measured. inner: a line for each operation inside a fused one.
    """

    id: str
    name: str
    op: str
    scope: tuple[str, ...]
    kind: str
    types: tuple[str, ...] = ()
    parameters: int = 0
    flops: int | None = None
    bytes: int | None = None
    partial: bool = False
    source: str = ""
    attributes: str = ""
    count: int = 1
    status: str = KEPT
    changes: tuple[int, int] = (0, 0)  # added and removed boxes in a folded scope
    seconds: float | None = None
    inner: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name.split("/"))


@dataclass(frozen=True, slots=True)
class Arrow:
    """Tensors that flow from one box to another, or an order between the boxes.

    kind: data, write (of a variable by its update), control, or shared. Shared arrows come from a scalar constant that
    many scopes read, because equal constants are merged; they are not drawn. type: of the tensor; empty for several.
    """

    source: str
    target: str
    type: str = ""
    kind: str = "data"
    tensors: frozenset[str] = frozenset()
    status: str = KEPT


@dataclass(frozen=True, slots=True)
class Picture:
    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    @property
    def parameters(self) -> int:
        return sum(b.parameters for b in self.boxes if b.status != REMOVED)

    @property
    def seconds(self) -> float | None:
        known = [b.seconds for b in self.boxes if b.seconds is not None]
        return sum(known) if known else None

    @property
    def flops(self) -> int:
        return sum(b.flops or 0 for b in self.boxes if b.status != REMOVED)


class _Item(NamedTuple):
    """One node of either kind of graph; inputs by (producer's position, output)."""

    op: Op
    name: str
    source: Source | None
    inputs: tuple[tuple[int, int], ...]
    control: tuple[int, ...]
    types: tuple[TensorType, ...]
    names: Sequence[str] = ()  # of the user's nodes it stands for


def trainable_names(graph: Graph) -> frozenset[str] | None:
    """The names of a graph's trainable variables; None if its collections contain no variables."""
    if not graph.get_collection("variables") and not graph.get_collection("trainable_variables"):
        return None
    return frozenset(v.op.name for v in graph.get_collection("trainable_variables"))


def picture_of_program(
    program: Program, title: str = "", trainable: Collection[str] | None = None, ids: Sequence[str] | None = None
) -> Picture:
    """A program's picture. trainable: names of the variables that count as parameters (None: all)."""
    position = {instr: i for i, instr in enumerate(program.instrs)}
    items = [
        _Item(
            instr.op,
            instr.name,
            instr.source,
            tuple((position[v.instr], v.output) for v in instr.inputs),
            tuple(position[c] for c in instr.control),
            instr.types,
            instr.names,
        )
        for instr in program.instrs
    ]
    results = {position[v.instr] for v in program.results}
    return _picture(title, items, results, trainable, ids)


def picture_of_graph(graph: Graph, title: str = "", only: Iterable[GraphNode] | None = None) -> Picture:
    """The picture of the user's graph, unchanged. only: the nodes to draw. Sizes may be unknown."""
    nodes = graph.nodes if only is None else sorted(set(only), key=lambda n: n.id)
    position = {node: i for i, node in enumerate(nodes)}
    items = [
        _Item(
            node.op,
            node.name,
            node.source,
            tuple((position[t.node], t.value_index) for t in node.inputs if t.node in position),
            tuple(position[c] for c in node.control_inputs if c in position),
            tuple(t.type for t in node.outputs),
        )
        for node in nodes
    ]
    return _picture(title, items, set(), trainable_names(graph), None)


def _picture(
    title: str,
    items: list[_Item],
    results: set[int],
    trainable: Collection[str] | None,
    ids: Sequence[str] | None,
) -> Picture:
    keys = list(ids) if ids is not None else [f"n{i}" for i in range(len(items))]
    kinds = _kinds(items, results, trainable)
    scopes = {item.name.rpartition("/")[0] for item in items}
    shared = _shared(items, kinds)
    boxes: list[Box] = []
    arrows = []
    for index, item in enumerate(items):
        ins = [items[p].types[o] for p, o in item.inputs]
        # As in TensorBoard, a node that gives its name to a scope (a variable) stands in it.
        scope = tuple((item.name if item.name in scopes else item.name.rpartition("/")[0]).split("/"))
        if kinds[index] == "gradient":
            scope = _among(scope, [boxes[p] for p, _ in item.inputs if kinds[p] == "gradient"])
        boxes.append(_box(keys[index], item, scope if scope[0] else (), kinds[index], ins))
        for place, (producer, output) in enumerate(item.inputs):
            writes = place in item.op.writes and not item.op.draws
            tensor = f"{keys[producer]}:{output}"
            kind = "write" if writes else "shared" if producer in shared else "data"
            kept = str(items[producer].types[output])
            arrows.append(Arrow(keys[producer], keys[index], kept, kind, frozenset((tensor,))))
        arrows += [Arrow(keys[c], keys[index], "", "control") for c in item.control]
    return Picture(title, tuple(boxes), tuple(dict.fromkeys(arrows)))


def _box(key: str, item: _Item, scope: tuple[str, ...], kind: str, ins: Sequence[TensorType]) -> Box:
    cost = flops(item.op, ins, item.types)
    size = item.types[0].size if kind == "parameter" and item.types[0].is_static else 0
    return Box(
        key,
        item.name,
        op_name(item.op),
        scope,
        kind,
        tuple(map(str, item.types)),
        size,
        cost,
        moved_bytes(item.op, ins, item.types),
        cost is None,
        short_source(item.source),
        "" if item.op.made_of((), ()) else format_attributes(item.op).strip(),
        inner=_inner(item, ins),
    )


def _inner(item: _Item, ins: Sequence[TensorType]) -> tuple[str, ...]:
    """A line for each operation of a fused one: its type, the node it stands for, and its FLOPs."""
    made_of = item.op.made_of(ins, item.types)
    if isinstance(item.op, Region):
        names = [i.names[0] if i.names else "" for i in item.op.members]
    else:
        names = [*item.names, *[""] * len(made_of)][: len(made_of)]
    lines = []
    for (op, inputs, outputs), name in zip(made_of, names, strict=True):
        cost = flops(op, inputs, outputs)
        lines.append("  ".join(filter(None, (op_name(op), name, amount(cost, "FLOP") if cost else ""))))
    return tuple(lines)


def _among(scope: tuple[str, ...], inputs: Sequence[Box]) -> tuple[str, ...]:
    """The scope in which to draw a gradient. Sums of gradients, all in one scope, move to their summands."""
    paths = [box.scope for box in inputs if box.scope[: len(scope)] == scope]
    if not paths or not GRADIENTS.fullmatch(scope[-1]):
        return scope
    return tuple(parts[0] for parts in itertools.takewhile(lambda p: len(set(p)) == 1, zip(*paths, strict=False)))


def _shared(items: list[_Item], kinds: list[str]) -> set[int]:
    readers: dict[int, set[str]] = {}
    for item in items:
        for producer, _ in item.inputs:
            if kinds[producer] == "constant" and items[producer].types[0].shape == ():
                readers.setdefault(producer, set()).add(item.name.rpartition("/")[0])
    return {producer for producer, scopes in readers.items() if len(scopes) > _WIDELY}


def _kinds(items: list[_Item], results: set[int], trainable: Collection[str] | None) -> list[str]:
    consumers: list[list[int]] = [[] for _ in items]
    for index, item in enumerate(items):
        for producer in {*(p for p, _ in item.inputs), *item.control}:
            consumers[producer].append(index)
    kinds = [""] * len(items)
    for index in reversed(range(len(items))):
        item = items[index]
        kind = _kind_of_source(item, trainable)
        if not kind and item.op.writes and not item.op.draws:
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


def _kind_of_source(item: _Item, trainable: Collection[str] | None) -> str:
    op = item.op
    if isinstance(op, Feed | Placeholder | PlaceholderWithDefault):
        return "input"
    if isinstance(op, Cell | VariableV2):
        name = op.name if isinstance(op, Cell) else item.name
        learns = ":" not in name if trainable is None else name in trainable
        return "parameter" if learns else "state"
    return "constant" if not item.inputs and not op.stateful and item.types else ""


def short_source(source: Source | None) -> str:
    """`folder/file.py:line`, without the rest of the path."""
    return "" if source is None else f"{'/'.join(PurePath(source.file).parts[-2:])}:{source.line}"


def track(programs: Sequence[Program]) -> list[list[str]]:
    """Ids for the instructions of successive programs: an instruction that a pass leaves unchanged keeps its id.

    Two instructions are the same if their ops and types are equal and they share a node of the user's graph.
    """
    fresh = 0
    ids: list[list[str]] = []
    known: dict[tuple[object, ...], list[tuple[str, Instr]]] = {}
    for program in programs:
        taken: set[str] = set()
        mine: list[str] = []
        for instr in program.instrs:
            found = None
            for key in _keys(instr):
                found = next((i for i, _ in known.get(key, ()) if i not in taken), None)
                if found is not None:
                    break
            if found is None:
                found, fresh = f"n{fresh}", fresh + 1
            taken.add(found)
            mine.append(found)
        known = {}
        for key_id, instr in zip(mine, program.instrs, strict=True):
            for key in _keys(instr):
                known.setdefault(key, []).append((key_id, instr))
        ids.append(mine)
    return ids


def _keys(instr: Instr) -> Iterable[tuple[object, ...]]:
    for name in dict.fromkeys(instr.names) or ("",):
        yield instr.op.key, instr.types, name


def compare(before: Picture, after: Picture, title: str = "") -> Picture:
    """Both pictures in one, with the differences marked as removed or added."""
    old = {b.id: b for b in before.boxes}
    new = {b.id for b in after.boxes}
    boxes = [b if b.id in old else replace(b, status=ADDED) for b in after.boxes]
    boxes += [replace(b, status=REMOVED) for b in before.boxes if b.id not in new]
    # The order of the graph before says where a removed box belongs.
    place = {b.id: float(i) for i, b in enumerate(before.boxes)}
    last = 0.0
    for box in after.boxes:
        last = place.setdefault(box.id, last + 1e-6)
    boxes.sort(key=lambda b: place[b.id])
    both = set(before.arrows) & set(after.arrows)
    arrows = [a if a in both else replace(a, status=ADDED) for a in after.arrows]
    arrows += [replace(a, status=REMOVED) for a in before.arrows if a not in both]
    return Picture(title or after.title, tuple(boxes), tuple(arrows))
