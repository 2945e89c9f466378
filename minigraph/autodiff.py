"""Reverse-mode differentiation as a graph transformation: gradients are nodes like any others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.errors import GradientError, GraphError
from minigraph.core.graph import Graph, Node, Tensor, convert_to_tensor
from minigraph.core.types import compatible, format_shape
from minigraph.ops.builder import apply, as_tensor_like
from minigraph.ops.filling import OnesLike
from minigraph.ops.selection import AddN


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Any = None,
) -> list[Tensor | None]:
    """Σ ∂ys/∂xs, one tensor per x, or None where no path leads from x to a y.

    `grad_ys` weights each y (default: ones). Nothing flows back through the nodes of `stop_gradients`, as if they were
    constants. GradientError where a path leads through an op that has no gradient. The other arguments are TensorFlow
    1's, accepted and without effect.
    """
    ys, xs = _tensors(ys), [_differentiand(x) for x in _listed(xs)]
    stops = set() if stop_gradients is None else {_differentiand(s).node for s in _listed(stop_gradients)}
    if not ys:
        raise ValueError("gradients needs at least one y")
    graph = ys[0].graph
    for tensor in (*ys, *xs):
        if tensor.graph is not graph:
            raise GraphError(f"{tensor!r} must be from the same graph as {ys[0]!r}.")
    with graph.as_default(), graph.name_scope(name):
        collected = _Accumulator()
        for y, grad in zip(ys, _initial(ys, grad_ys), strict=True):
            collected.add(y, grad)
        _backward(graph, ys, xs, stops, collected)
        return [collected.total(x) for x in xs]


class _Accumulator:
    """The gradients that have reached each tensor so far."""

    def __init__(self) -> None:
        self.parts: dict[Tensor, list[Tensor]] = {}

    def add(self, tensor: Tensor, grad: Tensor) -> None:
        self.parts.setdefault(tensor, []).append(grad)

    def total(self, tensor: Tensor) -> Tensor | None:
        parts = self.parts.get(tensor)
        if not parts:
            return None
        if len(parts) > 1:
            with tensor.graph.made_at(tensor.node.source):
                self.parts[tensor] = [apply(AddN(), *parts)]
        return self.parts[tensor][0]


def _backward(graph: Graph, ys: list[Tensor], xs: list[Tensor], stops: set[Node], collected: _Accumulator) -> None:
    sources = {x.node for x in xs}
    between = _between(ys, xs, stops)
    for node in sorted(between, key=lambda n: n.id, reverse=True):
        if node in stops or (node in sources and all(t.node not in between for t in node.inputs)):
            continue  # nothing that is wanted lies before it
        grads = [collected.total(t) for t in node.outputs]
        if all(g is None for g in grads) or not node.inputs:
            continue
        with graph.control_dependencies(None), graph.made_at(node.source), graph.name_scope(f"{node.name}_grad"):
            for tensor, grad in zip(node.inputs, node.op.vjp(node, *grads), strict=True):
                if grad is not None and tensor.node in between:
                    collected.add(tensor, grad)


def _between(ys: list[Tensor], xs: list[Tensor], stops: set[Node]) -> set[Node]:
    """The nodes on differentiable paths from an x to a y, the x's own nodes included."""
    after = {x.node for x in xs}
    first = min((x.node.id for x in xs), default=0)
    last = max(y.node.id for y in ys)
    for node in ys[0].graph.nodes[first : last + 1]:
        passes = node.op.differentiable and node not in stops
        if passes and any(t.dtype.is_floating and t.node in after for t in node.inputs):
            after.add(node)
    before: set[Node] = set()
    stack = [y.node for y in ys if y.node in after]
    while stack:
        node = stack.pop()
        if node not in before:
            before.add(node)
            if node not in stops:
                stack.extend(t.node for t in node.inputs if t.node in after and t.dtype.is_floating)
    return before


def _initial(ys: list[Tensor], grad_ys: Any) -> list[Tensor]:
    given = _listed(grad_ys) if grad_ys is not None else [None] * len(ys)
    if len(given) != len(ys):
        raise ValueError(f"grad_ys has {len(given)} entries for {len(ys)} ys")
    out = []
    for y, grad in zip(ys, given, strict=True):
        if not y.dtype.is_floating:
            raise TypeError(f"Gradients of {y!r} are not defined: its dtype is not a floating one.")
        if grad is None:
            out.append(apply(OnesLike(), y, name="grad_ys"))
            continue
        tensor = convert_to_tensor(as_tensor_like(grad), y.dtype, name="grad_ys")
        if not compatible(tensor.type.shape, y.type.shape):
            raise GradientError(
                f"grad_ys of shape {format_shape(tensor.type.shape)} for a y of shape {format_shape(y.type.shape)}"
            )
        out.append(tensor)
    return out


def _listed(value: Any) -> Sequence[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _tensors(values: Any) -> list[Tensor]:
    return [convert_to_tensor(v) for v in _listed(values)]


def _differentiand(x: Any) -> Tensor:
    """The tensor to differentiate by: for a variable its buffer, through which all its reads go."""
    ref = getattr(x, "ref", None)
    return ref if isinstance(ref, Tensor) else convert_to_tensor(x)


def cut_at(y: Tensor, xs: list[Tensor]) -> list[Node]:
    """The nodes at which no gradient passes on the way from `y` back to `xs`: to explain a missing gradient."""
    graph = y.graph
    sources = {x.node for x in xs}
    depends = set(sources)
    for node in graph.nodes:
        if any(t.node in depends for t in node.inputs):
            depends.add(node)
    found: list[Node] = []
    seen: set[Node] = set()
    stack = [y.node]
    while stack:
        node = stack.pop()
        if node in seen or node in sources or node not in depends:
            continue
        seen.add(node)
        if not node.op.differentiable:
            found.append(node)
        else:
            stack.extend(t.node for t in node.inputs)
    return found
