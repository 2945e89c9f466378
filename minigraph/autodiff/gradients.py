"""Reverse-mode differentiation as a graph transformation: gradients are nodes like all others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from minigraph.autodiff.registry import no_gradient, overriding
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import GradientError, of_two_graphs
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.operand import Operand
from minigraph.core.types import compatible, format_shape
from minigraph.core.typing import TensorLike
from minigraph.ops.array.indexed_slices import IndexedSlices, as_slices
from minigraph.ops.builder import apply
from minigraph.ops.control.recompute import Recompute, note_copy, original, recompute_scopes
from minigraph.ops.filling import OnesLike, ZerosLike
from minigraph.ops.math.add_n import AddN
from minigraph.util.nest import listed


class UnconnectedGradients:
    """The results of `tf.gradients` for an x that no y depends on: None, or zeros of the type of x.

    Example:
        >>> x, y = tf.constant(3.0), tf.constant(4.0)
        >>> (slope,) = tf.gradients(y * y, [x], unconnected_gradients=tf.UnconnectedGradients.ZERO)
        >>> tf.Session().run(slope).item()
        0.0
    """

    NONE: Final = "none"
    ZERO: Final = "zero"


def gradients(
    ys: TensorLike | Sequence[TensorLike],
    xs: Operand[Any] | Sequence[Operand[Any]],
    grad_ys: TensorLike | Sequence[TensorLike | None] | None = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: Any = None,
    stop_gradients: Operand[Any] | Sequence[Operand[Any]] | None = None,
    unconnected_gradients: Literal["none", "zero"] = "none",
) -> list[Tensor | IndexedSlices | None]:
    """Make the gradients of tensors: Σ ∂ys/∂xs, by reverse-mode differentiation.

    Args:
        ys: A floating-point tensor, or a list of them.
        xs: A floating-point tensor or variable, or a list of them.
        grad_ys: For each y, a factor of its dtype and shape; None for ones.
        name: Name scope of the nodes.
        colocate_gradients_with_ops, gate_gradients, aggregation_method: TensorFlow 1's; they have no effect.
        stop_gradients: Tensors, or one, that count as constants.
        unconnected_gradients: The result for an x that no y depends on: "none" or "zero", or one of
            `tf.UnconnectedGradients`.

    Returns:
        For each x a tensor of its dtype and shape, or `tf.IndexedSlices` if all ys read x by `tf.gather` along axis 0
        or `tf.nn.embedding_lookup`; None if no y depends on it and `unconnected_gradients` is "none".

    Raises:
        ValueError: There is no y, `grad_ys` is of another length, or `unconnected_gradients` is unknown.
        TypeError: A y is not floating-point.
        GraphError: The tensors are of different graphs.
        GradientError: A path leads through an op without a gradient or through complex numbers, or a factor's shape
            does not fit.

    Example:
        >>> x = tf.constant(3.0)
        >>> (slope,) = tf.gradients(x * x, x)
        >>> (curvature,) = tf.gradients(slope, x)
        >>> tf.Session().run(slope).item(), tf.Session().run(curvature).item()
        (6.0, 2.0)

    Source: Baydin et al., "Automatic differentiation in machine learning: a survey", 2018.
    """
    found = dense_gradients(ys, xs, grad_ys, name, stop_gradients, unconnected_gradients)
    return [None if g is None else as_slices(g) for g in found]


def dense_gradients(
    ys: TensorLike | Sequence[TensorLike],
    xs: Operand[Any] | Sequence[Operand[Any]],
    grad_ys: TensorLike | Sequence[TensorLike | None] | None = None,
    name: str = "gradients",
    stop_gradients: Operand[Any] | Sequence[Operand[Any]] | None = None,
    unconnected_gradients: Literal["none", "zero"] = "none",
) -> list[Tensor | None]:
    """`gradients` that are tensors, also those of look-ups."""
    if unconnected_gradients not in ("none", "zero"):
        raise ValueError(f"Unknown value for unconnected_gradients: {unconnected_gradients!r}")
    targets, sources = _tensors(ys), [_differentiand(x) for x in listed(xs)]
    stops = set() if stop_gradients is None else {_differentiand(s).node for s in listed(stop_gradients)}
    if not targets:
        raise ValueError("gradients needs at least one y")
    graph = targets[0].graph
    for tensor in (*targets, *sources):
        if tensor.graph is not graph:
            raise of_two_graphs(tensor, targets[0])
    # Gradients wait for what they read, not for the dependencies of the code that asks for them.
    with graph.as_default(), graph.name_scope(name), graph.control_dependencies(None):
        collected = _Accumulator()
        for y, grad in zip(targets, _initial(targets, grad_ys), strict=True):
            collected.add(y, grad)
        _backward(graph, targets, sources, stops, collected)
        found = [collected.total(x) for x in sources]
        return [
            apply(ZerosLike(), x) if g is None and unconnected_gradients == "zero" else g
            for x, g in zip(sources, found, strict=True)
        ]


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
    recomputed = _Recomputation(graph)
    for node in sorted(between, key=lambda n: n.id, reverse=True):
        if node in stops or not _is_differentiable(node):
            continue
        if node in sources and all(t.node not in between for t in node.inputs):
            continue  # nothing that is wanted lies before it
        grads = [collected.total(t) for t in node.outputs]
        gate = next((g for g in grads if g is not None), None)
        if gate is None or not node.inputs:
            continue
        if overriding(node) is None:
            _refuse_complex(node, between, grads)
        reader = recomputed.node(node, gate)
        with graph.made_at(node.source), graph.name_scope(f"{node.name}_grad"):
            for operand, grad in zip(node.inputs, _partials(node, reader, grads), strict=True):
                tensor = original(operand)
                if grad is not None and tensor.node in between:
                    collected.add(tensor, grad)


def _partials(node: Node, reader: Node, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
    """The gradients for the inputs of a node. reader: the node whose values they read."""
    own = overriding(node)
    if own is None:
        return node.op.vjp(reader, *grads)
    filled = [apply(ZerosLike(), y) if g is None else g for g, y in zip(grads, node.outputs, strict=True)]
    found = listed(own(reader, *filled))
    if len(found) != len(node.inputs):
        raise ValueError(
            f"Num gradients {len(found)} generated for op {node.name} do not match num inputs {len(node.inputs)}"
        )
    return found


def _refuse_complex(node: Node, between: set[Node], grads: Sequence[Tensor | None]) -> None:
    """GradientError if a gradient would pass a complex tensor, for which no op has one."""
    passed = [y for y, g in zip(node.outputs, grads, strict=True) if g is not None]
    passed += [t for t in map(original, node.inputs) if t.node in between]
    if any(t.dtype.is_complex for t in passed):
        text = f"node '{node.name}' ({node.type}) lies on the path"
        raise GradientError(f"gradients through complex numbers are not supported: {text}")


def _is_differentiable(node: Node) -> bool:
    own = overriding(node)
    return node.op.differentiable if own is None else own is not no_gradient


class _Recomputation:
    """Copies of the nodes of `recompute` scopes, which the gradients of one call read.

    Each scope has its own copies. They read the scope's inputs through `Recompute`, which waits for the first gradient
    that reaches the scope. A scope inside another one reads the copies of the outer one.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.gates: dict[str, Tensor] = {}
        self.copies: dict[tuple[str, Node], Node] = {}
        self.operands: dict[tuple[str, Tensor], Tensor] = {}

    def node(self, node: Node, gate: Tensor) -> Node:
        """The node that the gradient of `node` reads in its place. `gate` is part of that gradient."""
        scopes = recompute_scopes(node)
        if not scopes or not _repeatable(node):
            return node
        for scope in scopes:
            self.gates.setdefault(scope, gate)
        with self.graph.counted_as(0):  # default op seeds are counts of ids, and are not to depend on this
            return self._copy(node, scopes)

    def _copy(self, wanted: Node, scopes: Sequence[str]) -> Node:
        """A copy of `wanted`, and of the nodes that it needs in the innermost of `scopes`."""
        scope = scopes[-1]
        needed: set[Node] = set()
        stack = [wanted]
        while stack:
            node = stack.pop()
            if node not in needed and (scope, node) not in self.copies:
                needed.add(node)
                stack.extend(t.node for t in node.inputs if _is_inside(t.node, scope))
        for node in sorted(needed, key=lambda n: n.id):
            operands = [self._operand(t, scopes) for t in node.inputs]
            with self.graph.made_at(node.source):
                copy = self.copies[scope, node] = self.graph.add(node.op, operands, node.name)
            for tensor, again in zip(node.outputs, copy.outputs, strict=True):
                again.type = tensor.type
            self.graph.override_gradient(copy, self.graph.gradient_override(node))
            note_copy(node, copy)
        return self.copies[scope, wanted]

    def _operand(self, tensor: Tensor, scopes: Sequence[str]) -> Tensor:
        """The tensor that a copy within `scopes` reads in place of `tensor`."""
        node = tensor.node
        if not scopes or not (node.inputs or node.op.stateful):
            return tensor  # a constant needs no recomputation
        scope = scopes[-1]
        if _is_inside(node, scope):
            return self._copy(node, scopes).outputs[tensor.value_index]
        if (scope, tensor) not in self.operands:
            outside = self._operand(tensor, scopes[:-1])
            with self.graph.made_at(node.source):
                self.operands[scope, tensor] = apply(Recompute(), outside, self.gates[scope], name=f"{scope}/again")
        return self.operands[scope, tensor]


def _repeatable(node: Node) -> bool:
    """Whether a node that runs once more, at any time, gives the same values."""
    return bool(node.inputs) and not (node.op.stateful or node.control_inputs)


def _is_inside(node: Node, scope: str) -> bool:
    return node.name.startswith(f"{scope}/") and _repeatable(node)


def _between(ys: list[Tensor], xs: list[Tensor], stops: set[Node]) -> set[Node]:
    """The nodes on differentiable paths from an x to a y, among them the nodes of the x's.

    A node that reads a recomputed value counts as a reader of the original, so no copy is part of a path.
    """
    after = {x.node for x in xs}
    first = min((x.node.id for x in xs), default=0)
    last = max(y.node.id for y in ys)
    for node in ys[0].graph.nodes[first : last + 1]:
        passes = node not in stops and _is_differentiable(node)
        if passes and any(_has_slope(t) and original(t).node in after for t in node.inputs):
            after.add(node)
    before: set[Node] = set()
    stack = [y.node for y in ys if y.node in after]
    while stack:
        node = stack.pop()
        if node not in before:
            before.add(node)
            if node not in stops:
                operands = [original(t) for t in node.inputs if _has_slope(t)]
                stack.extend(t.node for t in operands if t.node in after)
    return before


def _has_slope(tensor: Tensor) -> bool:
    return tensor.dtype.is_floating or tensor.dtype.is_complex


def _initial(ys: list[Tensor], grad_ys: Any) -> list[Tensor]:
    given = listed(grad_ys) if grad_ys is not None else [None] * len(ys)
    if len(given) != len(ys):
        raise ValueError(f"grad_ys has {len(given)} entries for {len(ys)} ys")
    out = []
    for y, grad in zip(ys, given, strict=True):
        if not y.dtype.is_floating:
            raise TypeError(f"Gradients of {y!r} are not defined: its dtype is not a floating one.")
        if grad is None:
            out.append(apply(OnesLike(), y, name="grad_ys"))
            continue
        tensor = convert_to_tensor(grad, y.dtype, name="grad_ys")
        if not compatible(tensor.type.shape, y.type.shape):
            raise GradientError(
                f"grad_ys of shape {format_shape(tensor.type.shape)} for a y of shape {format_shape(y.type.shape)}"
            )
        out.append(tensor)
    return out


def _tensors(values: Any) -> list[Tensor]:
    return [convert_to_tensor(v) for v in listed(values)]


def _differentiand(x: Any) -> Tensor:
    """The tensor to differentiate by. For a variable this is its buffer, which all of its reads lead through."""
    ref = getattr(x, "ref", None)
    return ref if isinstance(ref, Tensor) else convert_to_tensor(x)


def cut_at(y: Tensor, xs: list[Tensor]) -> list[Node]:
    """The nodes on the way from `y` back to `xs` that pass no gradient; they explain why a gradient is missing."""
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
