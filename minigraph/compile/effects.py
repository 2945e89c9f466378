"""The order of the writes of one run.

Every computation sees a variable's value from before the run. Then come overwrites, in graph order, then
read-modify-write updates, in graph order, each on the value that the write before it left. Data and control
dependencies take precedence. So no update is lost: a clipped overwrite beside an optimizer's step happens first, the
step after it, as TensorFlow 1 does in practice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from minigraph.core.graph import Node


def written_variables(node: Node) -> list[Node]:
    """The variables that the node writes; none for a node that only advances its random state."""
    return [] if node.op.draws else [node.inputs[i].node for i in node.op.writes]


def is_overwrite(node: Node) -> bool:
    """Whether a write gives its variable a new value without reading the old one."""
    return not set(node.op.writes) & set(node.op.reads)


def competing_writes(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """The variables with several writes, and these writes in graph order."""
    writes: dict[Node, list[Node]] = {}
    for node in nodes:
        for variable in written_variables(node):
            writes.setdefault(variable, []).append(node)
    return {variable: found for variable, found in writes.items() if len(found) > 1}


def writes_behind(
    nodes: Sequence[Node], writes: Iterable[Node], predecessors: Callable[[Node], Iterable[Node]]
) -> dict[Node, set[Node]]:
    """For each of `writes` those that it depends on, by data or control. nodes: all of the run, in graph order."""
    bit = {write: 1 << i for i, write in enumerate(writes)}
    past: dict[Node, int] = {}
    for node in nodes:
        found = 0
        for before in predecessors(node):
            found |= past.get(before, 0) | bit.get(before, 0)
        past[node] = found
    return {write: {other for other, mask in bit.items() if past[write] & mask} for write in bit}


def writes_before(
    nodes: Sequence[Node], predecessors: Callable[[Node], Iterable[Node]]
) -> Mapping[Node, Sequence[Node]]:
    """For each write of a variable with several the write that comes just before it; one for each such variable.

    nodes: all nodes of the run, in graph order.
    """
    competing = competing_writes(nodes)
    if not competing:
        return {}
    writes = sorted({w for found in competing.values() for w in found}, key=lambda n: n.id)
    behind = writes_behind(nodes, writes, predecessors)
    before: dict[Node, list[Node]] = {}
    last: dict[Node, Node] = {}
    for write in _ordered(writes, competing, behind):
        for variable in written_variables(write):
            if variable in last:
                before.setdefault(write, []).append(last[variable])
            if variable in competing:
                last[variable] = write
    return before


def _ordered(
    writes: Sequence[Node], competing: Mapping[Node, Sequence[Node]], behind: Mapping[Node, set[Node]]
) -> Iterable[Node]:
    """The writes in the order in which they happen.

    Where the rule for one variable contradicts the rule for another, graph order decides.
    """
    left = dict.fromkeys([*filter(is_overwrite, writes), *(w for w in writes if not is_overwrite(w))])
    rivals = {w: [o for v in written_variables(w) for o in competing.get(v, ()) if o is not w] for w in writes}
    while left:
        possible = [w for w in left if not any(b in left for b in behind[w])]
        fitting = (w for w in possible if not any(o in left and _goes_first(o, w, behind) for o in rivals[w]))
        chosen = next(fitting, None) or min(possible, key=lambda n: n.id)
        del left[chosen]
        yield chosen


def _goes_first(other: Node, write: Node, behind: Mapping[Node, set[Node]]) -> bool:
    """Whether the rule puts `other` before `write`, a write of the same variable."""
    if write in behind[other]:
        return False
    return other.id < write.id if is_overwrite(other) is is_overwrite(write) else is_overwrite(other)
