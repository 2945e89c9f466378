"""The stages of a run in several plans: the values each computes, and the nodes that the host runs after it.

A plan has fixed shapes and no branches. If a run needs the condition of a `tf.cond`, or a node whose shapes depend on
values (`tf.where` with one argument, `tf.py_func`, decoding an image), a first plan computes the operands of these
nodes, the host decides or computes them, and another plan is fed the results. Random numbers are drawn once a run and
messages are shown once a run; an update of a variable before such a node is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from minigraph.compile.specialise import taken_inputs
from minigraph.core.dtypes import string
from minigraph.core.errors import UnimplementedError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.ops.constant import Placeholder
from minigraph.ops.control.branches import Merge
from minigraph.ops.state.variable import ReadVariable, VariableV2

Known = dict[Tensor | Node, Any]  # by tensor; for a node without results, by the node
Branches = dict[Tensor, Any]  # by condition: a bool; by the result of a node that decides: see `decided`


def _is_open(node: Node, branches: Branches) -> bool:
    """Whether the host computes or decides the node, between two plans."""
    return node.op.staged or (isinstance(node.op, Merge) and node.inputs[2] not in branches)


def _before(node: Node, known: Mapping[Tensor | Node, Any], branches: Branches) -> list[Node]:
    """The nodes that must run before `node`; before a branch that is not decided, only its condition."""
    open_merge = isinstance(node.op, Merge) and node.inputs[2] not in branches
    inputs = node.inputs[2:] if open_merge else taken_inputs(node, branches)
    return [*(t.node for t in inputs if t not in known), *node.control_inputs]


def is_known(node: Node, known: Mapping[Tensor | Node, Any]) -> bool:
    """Whether the node has run, or all its results are known."""
    return node in known or (bool(node.outputs) and all(t in known for t in node.outputs))


def _needed(roots: Iterable[Node], known: Mapping[Tensor | Node, Any], branches: Branches) -> list[Node]:
    """The nodes that `roots` need and that are not known yet, in the order of the graph."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in seen and not is_known(node, known):
            seen.add(node)
            stack.extend(_before(node, known, branches))
    return sorted(seen, key=lambda n: n.id)


def needs_stages(tensors: Sequence[Tensor], targets: Sequence[Node], feeds: Sequence[Tensor]) -> bool:
    """Whether the run takes several plans."""
    return any(t.dtype is string for t in feeds) or first_for_host(tensors, targets, feeds) is not None


def first_for_host(tensors: Sequence[Tensor], targets: Sequence[Node], feeds: Sequence[Tensor]) -> Node | None:
    """The first node of the run that the host computes or decides, between two plans."""
    graph = tensors[0].graph if tensors else targets[0].graph if targets else None
    if graph is None or not _has_open(graph):
        return None
    known: Known = dict.fromkeys(feeds)
    roots = [*(t.node for t in tensors if t not in known), *targets]
    return next((n for n in _needed(roots, known, {}) if _is_open(n, {})), None)


def _has_open(graph: Graph) -> bool:
    """Whether the graph has any node that the host computes; looks at each node once."""
    seen, found = graph.stores.get("staged", (0, False))
    found = found or any(_is_open(n, {}) for n in graph.nodes[seen:])
    graph.stores["staged"] = len(graph.nodes), found
    return bool(found)


class RunStage(NamedTuple):
    """One plan of a run: the tensors it computes, the operations it runs, and the nodes that the host does after it.

    The last stage has no such nodes.
    """

    fetched: list[Tensor]
    order: list[Node]
    ready: list[Node]


def next_stage(tensors: Sequence[Tensor], targets: Sequence[Node], known: Known, branches: Branches) -> RunStage:
    roots = [*(t.node for t in tensors if t not in known), *targets]
    ready = _frontier(_needed(roots, known, branches), known, branches)
    wanted = dict.fromkeys(t for n in ready for t in _operands(n) if t not in known)
    order = [c for n in ready for c in n.control_inputs]
    behind = _needed([*(t.node for t in wanted), *order], known, branches)
    once = [n.outputs[0] for n in behind if _is_effect(n, ready[0])]
    return RunStage(list(dict.fromkeys([*wanted, *once])), order, ready)


def _frontier(nodes: Sequence[Node], known: Known, branches: Branches) -> list[Node]:
    """The nodes for the host that depend on no other one."""
    later: set[Node] = set()
    ready = []
    for node in nodes:
        before = _before(node, known, branches)
        if any(p in later for p in before):
            later.add(node)
        elif _is_open(node, branches):
            ready.append(node)
            later.add(node)
    return ready


def _operands(node: Node) -> tuple[Tensor, ...]:
    return node.inputs[2:] if isinstance(node.op, Merge) else node.inputs


def _is_effect(node: Node, staged: Node) -> bool:
    """Whether the node may run only once. UnimplementedError for one that updates a variable."""
    op = node.op
    if op.writes and not op.draws:
        raise UnimplementedError(
            f"{node.type} node '{node.name}', made at {node.source.describe()}, updates a variable before the "
            f"{staged.type} node '{staged.name}', which runs between plans: run it separately",
            node,
        )
    return op.stateful and bool(node.outputs) and not isinstance(op, ReadVariable | VariableV2 | Placeholder)
