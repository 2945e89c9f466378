"""Effects in the branches of conditions: in TensorFlow's graphs they follow a switch by the condition."""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.core.graph import Node, Tensor
from minigraph.formats.tensorflow.emit import TfGraph
from minigraph.formats.tensorflow.state import depends_on_switch
from minigraph.ops.control.branches import Merge, Switch
from minigraph.ops.state.variable import ReadVariable, VariableV2

Pivot = tuple[Tensor, int]  # a condition, and the side


def effects_in_branches(nodes: Sequence[Node]) -> dict[Node, Pivot]:
    """The nodes with effects, random ones among them, that only one branch of a condition needs, and that branch."""
    readers: dict[Node, set[Node]] = {}
    for node in nodes:
        for before in (*(t.node for t in node.inputs), *node.control_inputs):
            readers.setdefault(before, set()).add(node)
    found: dict[Node, Pivot] = {}
    for merge in nodes:
        if isinstance(merge.op, Merge):
            for taken in (0, 1):
                for node in _only_for(merge, taken, readers):
                    if _has_effect(node) and not _follows(node, merge.inputs[2], taken):
                        found.setdefault(node, (merge.inputs[2], taken))
    return found


def _only_for(merge: Node, taken: int, readers: dict[Node, set[Node]]) -> set[Node]:
    """The nodes that are needed for one side of a merge and for nothing else."""
    own = {merge}
    stack = [merge.inputs[taken].node]
    while stack:
        node = stack.pop()
        if node not in own and readers[node] <= own and not isinstance(node.op, Switch):
            own.add(node)
            stack += [t.node for t in node.inputs]
            stack += node.control_inputs
    return own - {merge}


def _has_effect(node: Node) -> bool:
    return node.op.stateful and not isinstance(node.op, VariableV2 | ReadVariable)


def _follows(node: Node, pred: Tensor, taken: int) -> bool:
    return any(depends_on_switch(t, pred, taken) for t in node.inputs)


class Pivots:
    """TensorFlow's nodes that are computed in one branch only, made as they are asked for."""

    def __init__(self, sheet: TfGraph) -> None:
        self._sheet = sheet
        self._made: dict[Pivot, str] = {}

    def name(self, pivot: Pivot) -> str:
        """The name of a node that is computed in this branch only."""
        if pivot not in self._made:
            pred, taken = pivot
            read, label = self._sheet.names[pred], pred.node.name.removesuffix("/pred_id")
            switch, name = (self._sheet.fresh(f"{label}/{n}") for n in ("pivot", "switch_t" if taken else "switch_f"))
            self._sheet.add("Switch", switch, [read, read], {"T": pred.dtype})
            self._sheet.add("Identity", name, [f"{switch}:{taken}"], {"T": pred.dtype})
            self._made[pivot] = name
        return self._made[pivot]
