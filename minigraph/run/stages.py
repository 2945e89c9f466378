"""Runs in several plans: where a branch, or the shape of something, depends on values.

A plan has fixed shapes and no branches. So a run that needs the condition of a `tf.cond`, or a node whose results'
shapes depend on values (`tf.where` with one argument, `tf.py_func`, decoding an image), first computes what these need
by a plan of its own, decides or computes them on the host, and goes on with a plan that is fed the results. Random
numbers and messages on the way there are drawn, and shown, once a run; updates of variables are refused there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.compile.specialise import taken_inputs
from minigraph.core.dtypes import string
from minigraph.core.errors import MinigraphError, UnimplementedError, at_node
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.ops.constant import Placeholder
from minigraph.ops.control.branches import Merge
from minigraph.ops.state.variable import ReadVariable, VariableV2

Known = dict[Tensor | Node, Any]  # by tensor; a node without results that has run stands for itself
Branches = dict[Tensor, bool]
Run = Callable[[Sequence[Tensor], Sequence[Node], Mapping[Tensor | Node, Any], Branches], list[Any]]


def _is_open(node: Node, branches: Branches) -> bool:
    """Whether the node stands between two plans."""
    return node.op.staged or (isinstance(node.op, Merge) and node.inputs[2] not in branches)


def _before(node: Node, known: Mapping[Tensor | Node, Any], branches: Branches) -> list[Node]:
    """What has to run before a node; before a branch that is not decided only its condition."""
    open_merge = isinstance(node.op, Merge) and node.inputs[2] not in branches
    inputs = node.inputs[2:] if open_merge else taken_inputs(node, branches)
    return [*(t.node for t in inputs if t not in known), *node.control_inputs]


def _needed(roots: Iterable[Node], known: Mapping[Tensor | Node, Any], branches: Branches) -> list[Node]:
    """All that `roots` need, what is known aside, in order of making."""
    seen: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if not (node in seen or node in known or (node.outputs and all(t in known for t in node.outputs))):
            seen.add(node)
            stack.extend(_before(node, known, branches))
    return sorted(seen, key=lambda n: n.id)


def needs_stages(tensors: Sequence[Tensor], targets: Sequence[Node], feeds: Sequence[Tensor]) -> bool:
    """Whether one plan cannot do it."""
    if any(t.dtype is string for t in feeds):
        return True
    graph = tensors[0].graph if tensors else targets[0].graph if targets else None
    if graph is None or not _has_open(graph):
        return False
    known: Known = dict.fromkeys(feeds)
    roots = [*(t.node for t in tensors if t not in known), *targets]
    return any(_is_open(n, {}) for n in _needed(roots, known, {}))


def _has_open(graph: Graph) -> bool:
    """Whether any node of the graph stands between plans; each node is looked at once."""
    seen, found = graph.stores.get("staged", (0, False))
    found = found or any(_is_open(n, {}) for n in graph.nodes[seen:])
    graph.stores["staged"] = len(graph.nodes), found
    return bool(found)


class RunStage(NamedTuple):
    """One plan on the way: what it computes, what it runs beside, and the nodes that are done after it."""

    fetched: list[Tensor]
    order: list[Node]
    ready: list[Node]


def run_in_stages(
    run: Run,
    tensors: Sequence[Tensor],
    targets: Sequence[Node],
    feeds: Mapping[Tensor, Any],
    stages: dict[Any, RunStage],
) -> list[Any]:
    """The values of `tensors`, by as many plans as it takes. `run` runs one; `stages` remembers them between runs."""
    known: Known = {}
    known.update(feeds.items())
    branches: Branches = {}
    while True:
        key = tuple(known), tuple(branches.items())
        if key not in stages:
            stages[key] = _next_stage(tensors, targets, known, branches)
        stage = stages[key]
        if not stage.ready:
            return run(tensors, targets, known, branches)
        if stage.fetched or stage.order:
            values = run(stage.fetched, stage.order, known, branches)
            known.update(zip(stage.fetched, values, strict=True))
        for node in stage.ready:
            _do(node, known, branches)


def _next_stage(tensors: Sequence[Tensor], targets: Sequence[Node], known: Known, branches: Branches) -> RunStage:
    roots = [*(t.node for t in tensors if t not in known), *targets]
    ready = _frontier(_needed(roots, known, branches), known, branches)
    wanted = dict.fromkeys(t for n in ready for t in _operands(n) if t not in known)
    order = [c for n in ready for c in n.control_inputs]
    behind = _needed([*(t.node for t in wanted), *order], known, branches)
    once = [n.outputs[0] for n in behind if _is_effect(n, ready[0])]
    return RunStage(list(dict.fromkeys([*wanted, *once])), order, ready)


def _frontier(nodes: Sequence[Node], known: Known, branches: Branches) -> list[Node]:
    """Of the nodes between plans those that come behind no other."""
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
            f"{staged.type} node '{staged.name}', which runs between plans: run it in a run of its own",
            node,
        )
    return op.stateful and bool(node.outputs) and not isinstance(op, ReadVariable | VariableV2 | Placeholder)


def _do(node: Node, known: Known, branches: Branches) -> None:
    if isinstance(node.op, Merge):
        condition = node.inputs[2]
        branches[condition] = bool(known[condition])
        return
    try:
        results = node.op.forward(np, *(known[t] for t in node.inputs))
    except Exception as error:
        if isinstance(error, MinigraphError | ValueError | IndexError | TypeError | OSError):
            raise at_node(error, node) from error
        raise
    known.update(zip(node.outputs, results, strict=True))
    if not results:
        known[node] = None
