"""Branches: `tf.cond` and `tf.case`. A run computes only the branch it takes.

As in TensorFlow 1, both branches are nodes of the graph. Tensors that flow into a branch pass a Switch; the results of
both branches meet in a Merge. Before a run the session evaluates the conditions, and compiles only the chosen inputs
of each Merge: one plan for each combination of branches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.contexts import Branch
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import bool_, int32
from minigraph.core.errors import DTypeError, GraphError, ShapeError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import constant
from minigraph.core.scalar import where as choose
from minigraph.core.types import TensorType, common
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement
from minigraph.loops.kernel import Kernel
from minigraph.ops.array.joining import stack
from minigraph.ops.builder import apply, apply_all, as_tensor_like, graph_of
from minigraph.ops.control.checks import Assert
from minigraph.ops.filling import ZerosLike
from minigraph.ops.identity import Identity
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import less_equal
from minigraph.ops.math.reduce import reduce_sum

__all__ = ["case", "cond"]

_X = np.arange(3.0)


def _check_condition(kind: str, pred: TensorType) -> None:
    if pred.dtype is not bool_:
        raise DTypeError(f"'{kind}' takes a bool as its condition, not {pred}")
    if pred.rank not in (None, 0):
        raise ShapeError(f"'{kind}' takes one truth value as its condition, not {pred}")


class Switch(Op):
    """The value for the branch for False, and that for True. A run reads one of them; the other is zeros."""

    def infer(self, data: TensorType, pred: TensorType) -> tuple[TensorType, ...]:
        _check_condition("Switch", pred)
        return data, data

    def forward(self, xp: Any, data: Any, pred: Any) -> tuple[Any, ...]:
        none = xp.zeros_like(data)
        return (none, data) if pred else (data, none)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k, size = Statement("switch"), (in_types[0].size,)
        x, pred = k.operand(in_types[0], size), k.operand(in_types[1])
        no, yes = (k.result(t, size) for t in out_types)
        with k.over(*size) as at:
            value, zero = x[tuple(at)], constant(0, x.dtype)
            k.store(no, at, choose(pred[()], zero, value))
            k.store(yes, at, choose(pred[()], value, zero))
        return k.done()

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        data, pred = node.inputs
        sides = [apply(ZerosLike(), data) if g is None else g for g in grads]
        return apply(Merge(), *sides, pred), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, np.array(True)))


class Merge(Op):
    """The first input if the condition, the third input, is False, else the second; and the index of that input."""

    def infer(self, no: TensorType, yes: TensorType, pred: TensorType) -> tuple[TensorType, ...]:
        _check_condition("Merge", pred)
        if no.dtype is not yes.dtype:
            raise DTypeError(
                f"Outputs of true_fn and false_fn must have the same type: {yes.dtype.name}, {no.dtype.name}"
            )
        return TensorType(no.dtype, common(no.shape, yes.shape)), TensorType(int32, ())

    def forward(self, xp: Any, no: Any, yes: Any, pred: Any) -> tuple[Any, ...]:
        return (yes if pred else no), xp.asarray(pred).astype(np.int32)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        if in_types[0].shape != in_types[1].shape:
            return None
        k, size = Statement("merge"), (in_types[0].size,)
        no, yes, pred = k.operand(in_types[0], size), k.operand(in_types[1], size), k.operand(in_types[2])
        y, index = k.result(out_types[0], size), k.result(out_types[1])
        with k.over(*size) as at:
            k.store(y, at, choose(pred[()], yes[tuple(at)], no[tuple(at)]))
        with k.over(1):
            k.store(index, (), pred[()])
        return k.done()

    def vjp(self, node: Node, grad: Tensor | None, _index: Any = None) -> Sequence[Tensor | None]:
        assert grad is not None
        return (*apply_all(Switch(), grad, node.inputs[2]), None)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, 2 * _X, np.array(True)))
        yield Sample(cls(), (_X, 2 * _X, np.array(False)))


def cond(
    pred: TensorLike, true_fn: Callable[[], Any] | None = None, false_fn: Callable[[], Any] | None = None,
    strict: bool = False, name: str | None = None, fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:  # fmt: skip
    """Compute one of two branches, depending on a condition.

    Both functions are called at once to build the graph; a run computes only the branch it takes. An effect in a
    branch, such as an assignment, runs only if a result of the branch depends on it: see `tf.control_dependencies`.

    Args:
        pred: The condition, a bool scalar of the graph.
        true_fn: Builds the branch for True. It returns a tensor, an operation, or a list, tuple or dict of tensors.
        false_fn: Builds the branch for False. Its results have the structure and dtypes of those of `true_fn`.
        strict: Whether a list of one tensor stays a list.
        name: Name scope of the nodes.
        fn1: Older name of `true_fn`.
        fn2: Older name of `false_fn`.

    Returns:
        The results of the branch taken, in the structure that the functions return. For an operation it is a tensor
        that stands for it.

    Raises:
        TypeError: `pred` is a Python bool, or a function is not callable.
        ValueError: A function returns None, or the results of the functions differ in structure or dtype.

    Example:
        >>> x = tf.placeholder(tf.float32, [])
        >>> y = tf.cond(x > 0.0, lambda: tf.sqrt(x), lambda: -x)
        >>> s = tf.Session()
        >>> s.run(y, {x: 9.0}).item(), s.run(y, {x: -4.0}).item()
        (3.0, 4.0)
    """
    yes: Any = renamed("true_fn", true_fn, "fn1", fn1)
    no: Any = renamed("false_fn", false_fn, "fn2", fn2)
    for function, what in ((yes, "true_fn"), (no, "false_fn")):
        if not callable(function):
            raise TypeError(f"cond(): {what} must be callable.")
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    graph = graph_of([as_tensor_like(pred)])
    with graph.as_default(), graph.name_scope(name or "cond"):
        condition = convert_to_tensor(pred)
        condition = graph.add(Identity(), (condition,), "pred_id").outputs[0]
        graph.reserve_ids(3)  # TensorFlow switches the condition, too
        made = [_branch(graph, condition, taken, f) for taken, f in ((1, yes), (0, no))]
        (form, first), (other, second) = made
        if form != other or len(first) != len(second):
            raise ValueError(f"true_fn and false_fn do not give the same nested structure: {form} and {other}")
        merged = [_merged(a, b, condition) for a, b in zip(first, second, strict=True)]
    return _rebuilt(form, iter(merged), strict)


def _merged(yes: Tensor, no: Tensor, condition: Tensor) -> Tensor:
    if yes.dtype is not no.dtype:
        raise ValueError(f"Outputs of true_fn and false_fn must have the same type: {yes.dtype.name}, {no.dtype.name}")
    return apply(Merge(), no, yes, condition)


def _branch(graph: Graph, condition: Tensor, taken: int, function: Callable[[], Any]) -> tuple[Any, list[Tensor]]:
    """The structure of the function's results, and their tensors, made inside the branch."""

    def switch(tensor: Tensor) -> Tensor:
        return graph.add(Switch(), (tensor, condition), f"{tensor.node.name.rpartition('/')[2]}/Switch").outputs[taken]

    what = "true_fn" if taken else "false_fn"
    with graph.branch(Branch(switch)):
        result = function()
        if result is None:
            raise ValueError(f"{what} must have a return value.")
        tensors: list[Tensor] = []
        form = _form(result, tensors, graph, condition)
    return form, tensors


def _form(value: Any, tensors: list[Tensor], graph: Graph, condition: Tensor) -> Any:
    """The structure of `value`. Its leaves are appended to `tensors`."""
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(_form(v, tensors, graph, condition) for v in value)
    if isinstance(value, Mapping):
        return "dict", tuple((k, _form(v, tensors, graph, condition)) for k, v in sorted(value.items()))
    if isinstance(value, Node):
        with graph.control_dependencies([value]):
            tensors.append(graph.add(Identity(), (condition,)).outputs[0])
    else:  # a node of the branch, even if the function returns a tensor from outside
        given = convert_to_tensor(value)
        tensors.append(graph.add(Identity(), (given,)).outputs[0])
        graph.reserve_ids(-1)  # TensorFlow does without this copy
    return "leaf"


def _rebuilt(form: Any, leaves: Any, strict: bool = True) -> Any:
    if form == "leaf":
        return next(leaves)
    kind, parts = form
    if kind == "dict":
        return {key: _rebuilt(part, leaves) for key, part in parts}
    items = [_rebuilt(part, leaves) for part in parts]
    if len(items) == 1 and not strict:
        return items[0]
    return tuple(items) if kind == "tuple" else items


def case(
    pred_fn_pairs: Sequence[tuple[Tensor, Callable[[], Any]]] | Mapping[Tensor, Callable[[], Any]],
    default: Callable[[], Any] | None = None, exclusive: bool = False, strict: bool = False, name: str = "case",
) -> Any:  # fmt: skip
    """Compute the branch of the first condition that is True.

    Args:
        pred_fn_pairs: Pairs of a condition, a bool scalar, and the function that builds its branch; or a dict of them.
        default: Builds the branch for the case that no condition is True. Without it, such a run fails.
        exclusive: Whether a run fails if more than one condition is True.
        strict: Whether a list of one tensor stays a list.
        name: Name scope of the nodes.

    Returns:
        The results of the branch taken, in the structure that the functions return.

    Raises:
        TypeError: An entry is not a pair of a tensor and a function.
        GraphError: There are no conditions.
        ValueError: The results of the functions differ in structure or dtype.
        InvalidArgumentError: No condition is True and there is no default, or more than one is True and `exclusive`
            is set; found in the run.

    Example:
        >>> x = tf.placeholder(tf.int32, [])
        >>> y = tf.case([(x < 0, lambda: tf.constant(-1)), (x > 0, lambda: tf.constant(1))], lambda: tf.constant(0))
        >>> s = tf.Session()
        >>> [s.run(y, {x: n}).item() for n in (-5, 0, 7)]
        [-1, 0, 1]
    """
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, Mapping) else pred_fn_pairs)
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
            raise TypeError(f"Each entry in pred_fn_pairs must be a 2-tuple (condition, function), not {pair!r}")
        if not isinstance(as_tensor_like(pair[0]), Tensor):
            raise TypeError(f"pred must be a Tensor, got: {pair[0]!r}")
    if not pairs:
        raise GraphError("tf.case needs at least one condition")
    conditions = [convert_to_tensor(p) for p, _ in pairs]
    graph = conditions[0].graph
    with graph.as_default(), graph.name_scope(name):
        chosen = _last_or_fail(graph, *pairs.pop()) if default is None else default
        checks = [_at_most_one(conditions)] if exclusive and len(conditions) > 1 else []
        with graph.control_dependencies(checks):
            for condition, action in reversed(pairs):
                chosen = _choice(condition, action, chosen, strict)
            return chosen()


def _last_or_fail(graph: Graph, condition: Any, action: Callable[[], Any]) -> Callable[[], Any]:
    """The branch of the last condition; a run in which it is False fails."""

    def branch() -> Any:
        check = graph.add(Assert(("None of the conditions of tf.case is True",)), (convert_to_tensor(condition),))
        with graph.control_dependencies([check]):
            return _ordered(action())

    return branch


def _choice(condition: Any, action: Any, otherwise: Any, strict: bool) -> Callable[[], Any]:
    return lambda: cond(condition, action, otherwise, strict=strict)


def _at_most_one(conditions: list[Tensor]) -> Node:
    count = reduce_sum(cast(stack(conditions), int32))
    message = "More than one condition of tf.case is True, and exclusive=True"
    return count.graph.add(Assert((message,)), (less_equal(count, 1),))


def _ordered(value: Any) -> Any:
    """`value`; a tensor is copied, so that it comes after the active control dependencies."""
    return apply(Identity(), value) if isinstance(value, Tensor) else value
