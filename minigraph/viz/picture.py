"""A picture of a graph as plain data: boxes and arrows with kinds, shapes and costs."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from minigraph.compile.cost import flops, moved_bytes, op_name
from minigraph.core.graph import Graph
from minigraph.core.graph import Node as GraphNode
from minigraph.core.op import Op, format_attributes
from minigraph.core.provenance import Source
from minigraph.core.types import TensorType
from minigraph.ir.joint import Joint
from minigraph.ir.program import Cell, Instr, Program
from minigraph.ir.regions import Region
from minigraph.ops.state.variable import VariableV2
from minigraph.viz.amount import amount
from minigraph.viz.item import (
    GRADIENTS,
    Item,
    consumers_of,
    is_gradient,
    items_of_nodes,
    items_of_program,
    kinds_of,
    leaves,
    step_of,
)
from minigraph.viz.layers import UPDATES, Layers, Path, find_layers
from minigraph.viz.words import short

PARTS = ("forward", "gradient", "update")
KEPT, ADDED, REMOVED = "kept", "added", "removed"

_PARTS = 8  # of a fused operation that its title lists
_WIDELY = 3  # scopes; a scalar constant read in more of them is "shared"


@dataclass(frozen=True, slots=True)
class Box:
    """An operation, or a folded scope (then `count` is above 1 and all numbers are sums over its contents).

    kind: one of KINDS; "parameter" is a trainable variable, "state" any other variable. types: of the outputs.
    flops, bytes: see `minigraph.compile.cost`; None if no part is known. partial: the FLOPs of some part are unknown.
    seconds: of a run, if measured. inner: a line for each operation inside a fused one. layer: the scope in the view of
    layers. part: one of PARTS. words: what a folded layer computes. title: the parts of a fused operation in short.
    line: the text of the source line. names: of the user's nodes that it stands for.
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
    layer: Path = ()
    part: str = "forward"
    words: str = ""
    title: str = ""
    line: str = ""
    names: tuple[str, ...] = ()

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
    """layered: whether the scopes are layers instead of name scopes."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    layers: Layers = field(default_factory=Layers)
    layered: bool = False

    def by_layers(self) -> Picture:
        """The same picture with layers instead of name scopes."""
        return replace(self, boxes=tuple(replace(b, scope=b.layer) for b in self.boxes), layered=True)

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


def trainable_names(graph: Graph) -> frozenset[str] | None:
    """The names of a graph's trainable variables; None if its collections contain no variables."""
    if not graph.get_collection("variables") and not graph.get_collection("trainable_variables"):
        return None
    return frozenset(v.op.name for v in graph.get_collection("trainable_variables"))


def picture_of_program(
    program: Program,
    title: str = "",
    trainable: Collection[str] | None = None,
    ids: Sequence[str] | None = None,
    layers: Layers | None = None,
) -> Picture:
    """A program's picture.

    trainable: names of the variables that count as parameters (None: all). layers: those of the program before any
    pass; by default this program's.
    """
    position = {instr: i for i, instr in enumerate(program.instrs)}
    results = {position[v.instr] for v in program.results}
    return _picture(title, items_of_program(program), results, trainable, ids, layers)


def picture_of_graph(graph: Graph, title: str = "", only: Iterable[GraphNode] | None = None) -> Picture:
    """The picture of the user's graph, unchanged. only: the nodes to draw. Sizes may be unknown."""
    nodes = graph.nodes if only is None else sorted(set(only), key=lambda n: n.id)
    return _picture(title, items_of_nodes(nodes), set(), trainable_names(graph), None, None)


def _picture(
    title: str,
    items: list[Item],
    results: set[int],
    trainable: Collection[str] | None,
    ids: Sequence[str] | None,
    layers: Layers | None,
) -> Picture:
    keys = list(ids) if ids is not None else [f"n{i}" for i in range(len(items))]
    kinds = kinds_of(items, results, trainable)
    layers = find_layers(items, kinds) if layers is None else layers
    paths = _paths(items, kinds, layers)
    scopes = {item.name.rpartition("/")[0] for item in items}
    shared = _shared(items, kinds)
    parts = _parts(items, kinds, paths)
    boxes: list[Box] = []
    arrows = []
    for index, item in enumerate(items):
        ins = [items[p].types[o] for p, o in item.inputs]
        # As in TensorBoard, a node that gives its name to a scope (a variable) stands in it.
        scope = tuple((item.name if item.name in scopes else item.name.rpartition("/")[0]).split("/"))
        if kinds[index] == "gradient":
            scope = _among(scope, [boxes[p] for p, _ in item.inputs if kinds[p] == "gradient"])
        scope = tuple(part for part in scope if part and not GRADIENTS.fullmatch(part))
        box = _box(keys[index], item, scope, kinds[index], ins)
        boxes.append(replace(box, layer=paths[index], part=parts[index], title=_title(item, layers)))
        for place, (producer, output) in enumerate(item.inputs):
            writes = place in item.op.writes and not item.op.draws
            tensor = f"{keys[producer]}:{output}"
            kind = "write" if writes else "shared" if producer in shared else "data"
            kept = str(items[producer].types[output])
            arrows.append(Arrow(keys[producer], keys[index], kept, kind, frozenset((tensor,))))
        arrows += [Arrow(keys[c], keys[index], "", "control") for c in item.control]
    return Picture(title, tuple(boxes), tuple(dict.fromkeys(arrows)), layers)


def _paths(items: Sequence[Item], kinds: Sequence[str], layers: Layers) -> list[Path]:
    """The scope of each node in the view of layers. Variables have a scope of their own, with their reads and slots."""
    variables = {item.name for item in items if isinstance(item.op, Cell | VariableV2)}
    consumers = consumers_of(items)
    paths: list[Path] = [()] * len(items)
    for index in reversed(range(len(items))):
        item = items[index]
        found = None if kinds[index] == "constant" else layers.around(item.names)
        path = next((paths[c] for c in consumers[index]), ()) if found is None else found
        name = item.name if item.name in variables else item.name.rpartition("/")[0]
        outer = name.rpartition("/")[0]
        if name in variables and path in layers.words:
            path = (*path, (outer if outer in variables else name).rpartition("/")[2])
        paths[index] = path
    return paths


def _parts(items: Sequence[Item], kinds: Sequence[str], paths: Sequence[Path]) -> list[str]:
    """The part of a training step, one of PARTS, that each node is in. A constant is in the part that reads it."""
    consumers = consumers_of(items)
    parts = ["forward"] * len(items)
    for index in reversed(range(len(items))):
        readers = {parts[c] for c in consumers[index]} if kinds[index] == "constant" else set()
        if paths[index][:1] == (UPDATES,) or kinds[index] == "update":
            parts[index] = "update"
        elif kinds[index] == "gradient" or readers == {"gradient"}:
            parts[index] = "gradient"
    return parts


def _box(key: str, item: Item, scope: tuple[str, ...], kind: str, ins: Sequence[TensorType]) -> Box:
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
        line=item.source.text if item.source else "",
        names=tuple(item.names),
    )


def _inner(item: Item, ins: Sequence[TensorType]) -> tuple[str, ...]:
    """A line for each operation of a fused one, or of a step of a loop: its type, the node it stands for, its FLOPs."""
    made_of = item.op.made_of(ins, item.types)
    lines = []
    for (op, inputs, outputs), name in zip(made_of, _inner_names(item, len(made_of)), strict=True):
        lines.append(_line(op, name, inputs, outputs))
    for step in step_of(item.op):
        parts = _inner(Item(step.op, step.name, None, (), (), step.types, (step.name,)), step.inputs)
        lines += parts or [_line(step.op, step.name, step.inputs, step.types)]
    return tuple(lines)


def _line(op: Op, name: str, inputs: Sequence[TensorType], outputs: Sequence[TensorType]) -> str:
    known = all(t.is_static for t in (*inputs, *outputs))
    cost = flops(op, inputs, outputs) if known else None
    return "  ".join(filter(None, (op_name(op), name, amount(cost, "FLOP") if cost else "")))


def _inner_names(item: Item, count: int) -> list[str]:
    if isinstance(item.op, Region | Joint):
        return [i.names[0] if i.names else "" for i in item.op.members]
    return [*item.names, *[""] * count][:count]


def _title(item: Item, layers: Layers) -> str:
    """`conv1 + bias + relu + pool` for an op of several, `loop of matMul + tanh` for a loop; "" for others."""
    steps = step_of(item.op)
    if not steps and not isinstance(item.op, Region | Joint):
        return ""
    words = []
    for op, name in [leaf for s in steps for leaf in leaves(s.op, (s.name,))] or leaves(item.op, item.names):
        path = layers.of.get(name, ())
        word = path[-1] if op.contracts and path else short(type(op).__name__)
        words.append(f"∇ {word}" if op.contracts and is_gradient(name) else word)
    words = [word for word, _ in itertools.groupby(words)]
    title = " + ".join(words if len(words) <= _PARTS else [*words[:_PARTS], "…"])
    return f"loop of {title}" if steps else title


def _among(scope: tuple[str, ...], inputs: Sequence[Box]) -> tuple[str, ...]:
    """The scope in which to draw a gradient. Sums of gradients, all in one scope, move to their summands."""
    if not inputs or not GRADIENTS.fullmatch(scope[-1]):
        return scope
    common = itertools.takewhile(lambda p: len(set(p)) == 1, zip(*(b.scope for b in inputs), strict=False))
    return tuple(parts[0] for parts in common)


def _shared(items: Sequence[Item], kinds: Sequence[str]) -> set[int]:
    readers: dict[int, set[str]] = {}
    for item in items:
        for producer, _ in item.inputs:
            if kinds[producer] == "constant" and items[producer].types[0].shape == ():
                readers.setdefault(producer, set()).add(item.name.rpartition("/")[0])
    return {producer for producer, scopes in readers.items() if len(scopes) > _WIDELY}


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
    return Picture(title or after.title, tuple(boxes), tuple(arrows), before.layers)
