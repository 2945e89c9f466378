"""Loops over the first axis of sequences, with a body that is a graph of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError, at_node
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import Dim, TensorType, common, compatible, merge
from minigraph.ops.array.joining import stack, unstack
from minigraph.ops.builder import apply_all
from minigraph.ops.constant import Const, Placeholder
from minigraph.ops.host.base import HostOp

UNROLLED = 128  # nodes; a loop that has no more of them, all steps together, is compiled step by step


class LoopBody:
    """A graph with inputs and outputs: the body of a loop. It is equal to itself only.

    gradient: gives the gradients for the inputs of a `Scan` node with this body, from those for its outputs.
    """

    def __init__(
        self, inputs: Sequence[Tensor], outputs: Sequence[Tensor],
        gradient: Callable[[Node, Sequence[Tensor | None]], Sequence[Tensor | None]],
    ) -> None:  # fmt: skip
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.gradient = gradient
        self.nodes = _needed(outputs, set(inputs))

    def __repr__(self) -> str:
        return f"<{len(self.nodes)} nodes>"

    def typed(self, types: Sequence[TensorType]) -> LoopBody:
        """The body for inputs of these types."""
        if all(t.type.is_static for t in self.outputs):
            return self
        graph = Graph()
        with graph.as_default():
            inputs = [graph.add(Placeholder(t.dtype, t.shape), ()).outputs[0] for t in types]
            return LoopBody(inputs, self.copied(graph, inputs), self.gradient)

    def evaluate(self, arrays: Sequence[Any]) -> list[Any]:
        """The outputs for the inputs, by the ops' references."""
        values: dict[Tensor, Any] = dict(zip(self.inputs, arrays, strict=True))
        for node in self.nodes:
            if isinstance(node.op, Const):
                values[node.outputs[0]] = node.op.value
                continue
            try:
                results = node.op.reference(*[values[t] for t in node.inputs])
            except Exception as error:
                raise at_node(error, node) from error
            values.update(zip(node.outputs, results, strict=True))
        return [values[t] for t in self.outputs]

    def copied(self, graph: Graph, inputs: Sequence[Tensor]) -> list[Tensor]:
        """The outputs for tensors of another graph, by copies of the nodes there. Checks stay control inputs."""
        values: dict[Tensor, Tensor] = dict(zip(self.inputs, inputs, strict=True))
        copies: dict[Node, Node] = {}
        for node in self.nodes:
            with graph.control_dependencies([copies[c] for c in node.control_inputs if c in copies]):
                copy = graph.add(node.op, [values[t] for t in node.inputs], node.name.rpartition("/")[2])
            graph.override_gradient(copy, node.graph.gradient_override(node))
            copies[node] = copy
            values.update(zip(node.outputs, copy.outputs, strict=True))
        return [values[t] for t in self.outputs]


def _needed(outputs: Sequence[Tensor], given: set[Tensor]) -> list[Node]:
    """The nodes of a body in order. ShapeError for an input that is not given."""
    todo, found = [t.node for t in outputs if t not in given], set()
    while todo:
        node = todo.pop()
        if node not in found:
            if isinstance(node.op, Placeholder):
                raise ShapeError(f"the body of a loop reads '{node.name}', which is not one of its inputs")
            found.add(node)
            todo += [t.node for t in node.inputs if t not in given]
            todo += [c for c in node.control_inputs if c.op.checks]
    return sorted(found, key=lambda n: n.id)


def over_steps(
    step: Callable[[Sequence[Any]], Sequence[Any]], kinds: Sequence[TensorType], carried: int, scanned: int,
    reverse: bool, arrays: Sequence[Any],
) -> tuple[Any, ...]:  # fmt: skip
    """The results of a loop. step: gives a step's results, of these kinds, for the states, elements and constants."""
    state, sequences = list(arrays[:carried]), arrays[carried : carried + scanned]
    constants = arrays[carried + scanned :]
    length = len(sequences[0])
    stacked: list[Any] = [None] * (len(kinds) - carried)
    for t in reversed(range(length)) if reverse else range(length):
        found = step([*state, *(s[t] for s in sequences), *constants])
        state = list(found[:carried])
        for k, value in enumerate(found[carried:]):
            if stacked[k] is None:
                stacked[k] = np.empty((length, *np.shape(value)), np.asarray(value).dtype)
            stacked[k][t] = value
    empty = [_empty(t) for t in kinds[carried:]] if not length else []
    return (*map(np.asarray, state), *(empty or stacked))


class ScanLoop(Op):
    """`state, outputs[t] = body(state, sequences[t], constants)` for each t, from the last to the first if `reverse`.

    Inputs: `carried` initial states, `scanned` sequences, constants. Outputs: the final states, and for each further
    output of the body the outputs of all steps, along a new first axis.
    """

    body: LoopBody
    carried: int
    scanned: int
    reverse: bool = False
    on_host = True

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        first, sequences = types[: self.carried], types[self.carried : self.carried + self.scanned]
        length: Dim = None
        for kind in sequences:
            if kind.rank == 0:
                raise ShapeError(f"a loop runs along the first axis of a sequence, not over {kind}")
            length = kind.shape[0] if length is None and kind.shape is not None else length
            if kind.shape is not None and not compatible((length,), kind.shape[:1]):
                raise ShapeError(f"the sequences of a loop have different lengths: {', '.join(map(str, sequences))}")
        results = [t.type for t in self.body.outputs]
        states = [_common(a, b) for a, b in zip(first, results[: self.carried], strict=True)]
        stacked = [_along(length, t) for t in results[self.carried :]]
        return (*states, *stacked)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        kinds = [t.type for t in self.body.outputs]
        return over_steps(self.body.evaluate, kinds, self.carried, self.scanned, self.reverse, arrays)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        last = self.carried + self.scanned
        rows = [TensorType(t.dtype, t.static[1:]) for t in types[self.carried : last]]
        body = self.body.typed([*types[: self.carried], *rows, *types[last:]])
        return self.replace(body=body), tuple(range(len(types)))

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        return self.body.gradient(node, grads)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()


class Scan(ScanLoop):
    """As `ScanLoop`. A short loop is compiled without a loop."""

    on_host = False
    expands = True

    def expand(self, inputs: Sequence[Tensor], consts: Sequence[Any]) -> Sequence[Tensor]:
        graph = inputs[0].graph
        first, rest = list(inputs[: self.carried]), inputs[self.carried + self.scanned :]
        sequences = inputs[self.carried : self.carried + self.scanned]
        length = sequences[0].type.static[0]
        if not 0 < length * len(self.body.nodes) <= UNROLLED:
            return apply_all(ScanLoop(self.body, self.carried, self.scanned, self.reverse), *inputs)
        parts = [unstack(s, length) for s in sequences]
        results: list[list[Tensor]] = [[]] * length
        for t in reversed(range(length)) if self.reverse else range(length):
            found = self.body.copied(graph, [*first, *(p[t] for p in parts), *rest])
            first, results[t] = found[: self.carried], found[self.carried :]
        return [*first, *(stack(list(each)) for each in zip(*results, strict=True))]


class WhileLoop(HostOp):
    """`go, state, outputs = body(t, state, constants)` while t is less than the first input and `go` is true.

    Inputs: the largest number of steps, int64; the first `go`; `carried` states, whose shapes may change; constants.
    Outputs: the final states, and for each further output of the body the outputs of all steps along a new first axis.
    """

    body: LoopBody
    carried: int
    differentiable = True

    def infer(self, limit: TensorType, go: TensorType, *types: TensorType) -> tuple[TensorType, ...]:
        results = [t.type for t in self.body.outputs[1:]]
        states = [either(a, b) for a, b in zip(types, results[: self.carried], strict=False)]
        return (*states, *(_along(None, t) for t in results[self.carried :]))

    def forward(self, xp: Any, limit: Any, go: Any, *arrays: Any) -> tuple[Any, ...]:
        return self.run(LoopBody.evaluate, limit, go, *arrays)

    def run(
        self, step: Callable[[LoopBody, Sequence[Any]], list[Any]], limit: Any, go: Any, *arrays: Any
    ) -> tuple[Any, ...]:
        """The results. step: gives the outputs of the body for its inputs."""
        state, constants = list(arrays[: self.carried]), arrays[self.carried :]
        steps: list[list[Any]] = []
        while len(steps) < int(limit) and bool(np.ravel(go)[0]):
            go, *found = step(self.body, [np.int64(len(steps)), np.asarray(go), *state, *constants])
            state = found[: self.carried]
            steps.append(found[self.carried :])
        types = [t.type for t in self.body.outputs[1 + self.carried :]]
        stacked = [_stacked([s[k] for s in steps]) if steps else _empty(t) for k, t in enumerate(types)]
        return (*map(np.asarray, state), *stacked)

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        return self.body.gradient(node, grads)


def _stacked(steps: list[Any]) -> Any:
    """The values of all steps along a new axis. ShapeError if they have different shapes."""
    shapes = sorted({np.shape(s) for s in steps})
    if len(shapes) > 1:
        raise ShapeError(f"the steps of a loop give values of different shapes, such as {shapes[0]} and {shapes[1]}")
    return np.stack(steps)


def either(a: TensorType, b: TensorType) -> TensorType:
    """The type that describes both, of one dtype."""
    return TensorType(a.dtype, common(a.shape, b.shape))


def _common(a: TensorType, b: TensorType) -> TensorType:
    ranked = a.rank is not None and a.rank == b.rank
    if a.dtype is not b.dtype or (ranked and not compatible(a.shape, b.shape)):
        raise ShapeError(f"a state of a loop is {a} at first, and {b} after a step")
    return TensorType(a.dtype, merge(a.shape, b.shape) if ranked else None)


def _along(length: Dim, kind: TensorType) -> TensorType:
    return TensorType(kind.dtype, None if kind.shape is None else (length, *kind.shape))


def element(kind: TensorType) -> TensorType:
    """The type of a step's element of a sequence of this type."""
    return TensorType(kind.dtype, None if kind.shape is None else kind.shape[1:])


def _empty(kind: TensorType) -> Any:
    return np.empty((0, *(d or 0 for d in kind.shape or ())), kind.dtype.np_dtype)
