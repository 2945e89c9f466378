"""Warnings for programs that run but are probably wrong.

Each has a class, so `warnings.simplefilter("ignore", ...)` can switch it off; Session(lint=False) switches all off. A
lint watches the runs of one session until it has warned or has seen enough.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from minigraph.compile.effects import competing_writes, is_overwrite, writes_behind
from minigraph.compile.specialise import taken_inputs
from minigraph.core.collections import GraphKeys
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.provenance import Source
from minigraph.graphs.walk import needed
from minigraph.ops.constant import Const
from minigraph.ops.math.reduce import Mean
from minigraph.ops.state.sparse_update import SparseApply
from minigraph.ops.state.update import Apply

__all__ = [
    "DoubleSoftmaxWarning",
    "DropoutInEvaluationWarning",
    "EmptyBatchWarning",
    "LostPixelsWarning",
    "SameBatchWarning",
    "StaleMovingAveragesWarning",
    "UnorderedUpdatesWarning",
]

WATCHED = 40  # runs of a kind that a lint looks at
SAME = 15  # training runs with one batch before the warning
LARGER = 4  # the least ratio of an array's rows to those of the batches cut from it
# Updates that commute with each other.
ADDING = frozenset({"AssignAdd", "AssignSub", "ApplyGradientDescent", "ScatterAdd", "ScatterSub"})
DARK = 0.05  # the largest share of ones in pictures that were cast to whole numbers
RUNS = 5  # training runs without an update before the warning: a program may run updates by themselves, now and then


class StaleMovingAveragesWarning(UserWarning):
    """A graph is trained, but the moving averages of its batch normalisation never change."""


class SameBatchWarning(UserWarning):
    """A training loop feeds the same few rows of a larger array again and again."""


class EmptyBatchWarning(UserWarning):
    """A training run is fed an array without rows."""


class LostPixelsWarning(UserWarning):
    """Pictures were divided by their largest value and cast back to whole numbers, so nearly all pixels are 0."""


class DoubleSoftmaxWarning(UserWarning):
    """A loss that takes logits gets the result of a softmax or a sigmoid."""


class DropoutInEvaluationWarning(UserWarning):
    """Dropout is active in a run that trains nothing."""


class UnorderedUpdatesWarning(UserWarning):
    """One run writes a variable several times, in an order that TensorFlow leaves open."""


class ObservedRun(NamedTuple):
    """A run. `request` identifies the form of the call; `ends` are all tensors and nodes that it computes.

    branches: the branch that it takes of each condition.
    """

    request: object
    ends: Sequence[Tensor | Node]
    fetched: Sequence[Tensor]
    feeds: Mapping[Tensor, np.ndarray]
    branches: Mapping[Tensor, Any] = MappingProxyType({})

    def nodes(self) -> set[Node]:
        """All nodes that it computes."""
        seen: set[Node] = set()
        stack = [_node(end) for end in self.ends]
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack += [t.node for t in taken_inputs(node, self.branches)]
                stack += node.control_inputs
        return seen


class Lints:
    """All lints of one session."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._watching: list[MovingAveragesLint | SameBatchLint | DropoutLint | LostPixelsLint] = [
            SameBatchLint(),
            DropoutLint(),
            LostPixelsLint(),
        ]
        averages = MovingAveragesLint.for_graph(graph)
        if averages is not None:
            self._watching.append(averages)
        self._told: set[Node] = set()

    def at_compile(self, run: ObservedRun) -> None:
        """Look at a new form of call."""
        nodes = run.nodes()
        for node in sorted(nodes, key=lambda n: n.id):
            found = _double_softmax(node)
            if found is not None and node not in self._told:
                self._told.add(node)
                _warn_of_double_softmax(*found)
        _look_for_unordered_updates(nodes)
        empty = _empty_batch(run.feeds)
        if empty is not None and _trains(nodes):
            _warn_of_empty_batch(empty)

    def after_run(self, run: ObservedRun) -> bool:
        """Look at a run. False if there is nothing left to watch."""
        for lint in tuple(self._watching):
            if not lint.after_run(run):
                self._watching.remove(lint)
        return bool(self._watching)


def _node(element: Tensor | Node) -> Node:
    return element if isinstance(element, Node) else element.node


def _trains(nodes: Iterable[Node]) -> bool:
    return any(isinstance(n.op, Apply | SparseApply) for n in nodes)


def _warn(message: str, kind: type[Warning], source: Source) -> None:
    """Warn at the user's line."""
    warnings.warn_explicit(f"{message} Session(lint=False) switches this warning off.", kind, source.file, source.line)


def _double_softmax(node: Node) -> tuple[Node, Node] | None:
    """(the loss, the softmax or sigmoid in its logits) for a loss that has one."""
    logits: Tensor | None = None
    if node.type in ("SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits"):
        logits = node.inputs[0]
    elif node.type == "Log1p" and node.inputs[0].node.type == "Exp":  # the inner part of the sigmoid's cross-entropy
        choice = node.inputs[0].node.inputs[0].node
        if choice.type == "Select" and choice.inputs[0].node.type == "GreaterEqual":
            logits = choice.inputs[2]
    while logits is not None and logits.node.type in ("Identity", "Reshape"):
        logits = logits.node.inputs[0]
    if logits is None or logits.node.type not in ("Softmax", "Sigmoid"):
        return None
    return node, logits.node


def _warn_of_double_softmax(loss: Node, inner: Node) -> None:
    name = inner.type.lower()
    _warn(
        f"the loss '{loss.name}' (made at {loss.source.describe()}) takes logits and applies {name} itself, but gets "
        f"the {name} '{inner.name}' (made at {inner.source.describe()}): it learns badly. Give it what goes into that.",
        DoubleSoftmaxWarning,
        loss.source,
    )


def _look_for_unordered_updates(nodes: set[Node]) -> None:
    """Warn if a run writes a variable twice, no dependency orders the writes, and their order matters."""
    competing = competing_writes(sorted(nodes, key=lambda n: n.id))
    if not competing:
        return
    writes = {w for found in competing.values() for w in found}
    behind = writes_behind(sorted(nodes, key=lambda n: n.id), writes, _predecessors)
    for variable, found in competing.items():
        for first, second in itertools.combinations(found, 2):
            if first not in behind[second] and not (first.type in ADDING and second.type in ADDING):
                _warn_of_unordered_updates(variable, first, second)
                break


def _predecessors(node: Node) -> list[Node]:
    return [*(t.node for t in node.inputs), *node.control_inputs]


def _warn_of_unordered_updates(variable: Node, first: Node, second: Node) -> None:
    overwrites = [w for w in (first, second) if is_overwrite(w)]
    if len(overwrites) == 2:
        effect = f"'{second.name}' overwrites the value of '{first.name}'"
    elif overwrites:
        update = first if overwrites[0] is second else second
        effect = f"'{overwrites[0].name}' happens first, and '{update.name}' updates its value"
    else:
        effect = f"'{first.name}' happens first, then '{second.name}'"
    _warn(
        f"one run writes the variable '{variable.name}' twice: by '{first.name}', made at {first.source.describe()}, "
        f"and by '{second.name}', made at {second.source.describe()}. Here {effect}; TensorFlow leaves the order open. "
        "Put one of them under tf.control_dependencies of the other, or run them apart.",
        UnorderedUpdatesWarning,
        second.source,
    )


class SameBatchLint:
    """Watches the values that training runs feed.

    A batch that is the whole data may come again. So only a part of a larger array counts.
    """

    def __init__(self) -> None:
        self._training: WeakKeyDictionary[object, bool] = WeakKeyDictionary()
        self._last: list[np.ndarray] = []
        self._same = self._runs = 0

    def after_run(self, run: ObservedRun) -> bool:
        if run.request not in self._training:
            self._training[run.request] = _trains(run.nodes())
        pieces = [(t, a) for t, a in run.feeds.items() if _is_piece(a)]
        if not self._training[run.request] or not pieces:
            return True
        self._runs += 1
        arrays = [a for _, a in pieces]
        again = len(arrays) == len(self._last) and all(map(_same_memory, arrays, self._last))
        self._same = self._same + 1 if again else 1
        self._last = arrays
        if self._same < SAME:
            return self._runs < WATCHED
        tensor, array = pieces[0]
        whole = array.base
        assert whole is not None
        _warn(
            f"{SAME} training runs in a row have fed '{tensor.name}' (made at {tensor.node.source.describe()}) the "
            f"same {len(array)} rows of an array of {len(whole)}. Does the loop take the next rows in each step?",
            SameBatchWarning,
            tensor.node.source,
        )
        return False


def _is_piece(array: np.ndarray) -> bool:
    whole = array.base
    return isinstance(whole, np.ndarray) and bool(array.shape and whole.shape) and (
        whole.shape[1:] == array.shape[1:] and len(whole) >= LARGER * len(array) > 0
    )  # fmt: skip


def _same_memory(a: np.ndarray, b: np.ndarray) -> bool:
    return a.__array_interface__["data"] == b.__array_interface__["data"] and a.shape == b.shape


def _empty_batch(feeds: Mapping[Tensor, np.ndarray]) -> Tensor | None:
    """A placeholder that gets no rows: one for real numbers, or any if most are empty. Index vectors may be empty."""
    arrays = {t: a for t, a in feeds.items() if a.ndim}
    empty = [t for t, a in arrays.items() if not len(a)]
    most = 2 * len(empty) > len(arrays)
    return next((t for t in empty if t.dtype.is_floating), empty[0] if most else None)


def _warn_of_empty_batch(tensor: Tensor) -> None:
    _warn(
        f"a training run has fed '{tensor.name}' (made at {tensor.node.source.describe()}) no rows, so a mean over "
        "them is NaN. Is the batch cut beyond the end of the data?",
        EmptyBatchWarning,
        tensor.node.source,
    )


class LostPixelsLint:
    """Watches the pictures that the first training runs feed."""

    def __init__(self) -> None:
        self._training: WeakKeyDictionary[object, bool] = WeakKeyDictionary()
        self._runs = 0

    def after_run(self, run: ObservedRun) -> bool:
        if run.request not in self._training:
            self._training[run.request] = _trains(run.nodes())
        if not self._training[run.request] or not run.feeds:
            return True
        self._runs += 1
        for tensor, array in run.feeds.items():
            if _lost_pixels(tensor, array):
                ones = np.count_nonzero(array) / array.size
                _warn(
                    f"the pictures fed to '{tensor.name}' (made at {tensor.node.source.describe()}) are whole numbers "
                    f"({array.dtype}): {1 - ones:.1%} of them are 0, the others 1. Were they divided by 255 and cast "
                    "back? Keep them as floating-point numbers.",
                    LostPixelsWarning,
                    tensor.node.source,
                )
                return False
        return self._runs < RUNS


def _lost_pixels(tensor: Tensor, array: np.ndarray) -> bool:
    """Whether these are colour pictures of whole numbers, nearly all 0 and the others 1."""
    if not (tensor.dtype.is_floating and array.dtype.kind in "iu" and array.ndim == 4 and array.shape[-1] in (3, 4)):
        return False
    if array.size == 0 or not 0 < np.count_nonzero(array) <= DARK * array.size:
        return False
    return int(array.min()) == 0 and int(array.max()) == 1


class DropoutLint:
    """Watches runs without training in a session that has trained."""

    def __init__(self) -> None:
        self._seen: WeakKeyDictionary[object, tuple[bool, list[Node]]] = WeakKeyDictionary()
        self._trained = False
        self._runs = 0

    def after_run(self, run: ObservedRun) -> bool:
        if run.request not in self._seen:
            nodes = run.nodes()
            self._seen[run.request] = _trains(nodes), [n for n in nodes if _is_dropout(n)]
        trains, masks = self._seen[run.request]
        self._trained |= trains
        if trains or not masks or not self._trained:
            return True
        self._runs += 1
        for mask in masks:
            rate = _number(mask.inputs[1], run.feeds)
            if rate is not None and rate > 0:
                _warn(
                    f"a run that trains nothing drops out a share of {rate:.3g} ('{mask.name}', made at "
                    f"{mask.source.describe()}): its results are random. In evaluation, keep_prob is 1.",
                    DropoutInEvaluationWarning,
                    mask.source,
                )
                return False
        return self._runs < WATCHED


def _is_dropout(node: Node) -> bool:
    """Whether it is the comparison of uniform numbers with a rate that makes dropout's mask."""
    return node.type == "GreaterEqual" and "dropout" in node.name.lower() and any(
        n.op.draws for n in needed([node.inputs[0].node])
    )  # fmt: skip


def _number(tensor: Tensor, feeds: Mapping[Tensor, np.ndarray]) -> float | None:
    """The value of a scalar that depends on constants and feeds alone; None for others."""
    if tensor in feeds:
        return float(feeds[tensor]) if feeds[tensor].size == 1 else None
    op = tensor.node.op
    if isinstance(op, Const):
        return float(op.value) if op.value.size == 1 else None
    if op.stateful or not tensor.node.inputs or len(tensor.node.inputs) > 3:
        return None
    inputs = [_number(t, feeds) for t in tensor.node.inputs]
    if any(v is None for v in inputs):
        return None
    arrays = [np.asarray(v, t.dtype.np_dtype) for v, t in zip(inputs, tensor.node.inputs, strict=True)]
    try:
        return float(op.reference(*arrays)[tensor.value_index])
    except (TypeError, ValueError, NotImplementedError):
        return None


class MovingAveragesLint:
    """Watches the runs of one session until it has warned, or has seen a run that updates moving averages."""

    @classmethod
    def for_graph(cls, graph: Graph) -> MovingAveragesLint | None:
        """A lint for a graph with moving averages; None for another graph."""
        return cls(graph) if graph.get_collection(GraphKeys.UPDATE_OPS) else None

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._seen: WeakKeyDictionary[object, Node | bool | None] = WeakKeyDictionary()
        self._stale = 0

    def after_run(self, run: ObservedRun) -> bool:
        """Look at a run. False if there is nothing left to watch."""
        if run.request not in self._seen:
            self._seen[run.request] = self._judge(run.ends)
        found = self._seen[run.request]
        if found is True:
            return False
        if not isinstance(found, Node):
            return True
        self._stale += 1
        if self._stale < RUNS:
            return True
        warnings.warn(
            f"{RUNS} runs have trained this graph, but the moving averages of its batch normalisation are never "
            f"updated ('{found.name}' was not run; made at {found.source.describe()}), so that inference will use "
            "their initial values. Run the updates with the training step: "
            "`with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)): train = opt.minimize(loss)`. "
            "Session(lint=False) switches this warning off.",
            StaleMovingAveragesWarning,
            stacklevel=5,
        )
        return False

    def _judge(self, ends: Iterable[Tensor | Node]) -> Node | bool | None:
        """True: the run updates averages. A node: it trains by batch statistics that this node would average."""
        updates = {self.graph.as_node(u) for u in self.graph.get_collection(GraphKeys.UPDATE_OPS)}
        run = needed(map(self.graph.as_node, ends))
        if run & updates:
            return True
        if not _trains(run):
            return None
        for update in sorted(updates, key=lambda n: n.id):
            if any(isinstance(n.op, Mean) for n in needed([update]) & run):
                return update
        return None
