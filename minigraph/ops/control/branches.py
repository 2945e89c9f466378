"""Branches: `tf.cond` and `tf.case`, of which a run computes only the one it takes.

As in TensorFlow 1, both branches are nodes of the graph. What flows into a branch passes a Switch, and what comes out
of the two a Merge. Before a run the session finds out what the conditions are, and compiles only what lies behind the
chosen inputs of the merges: one plan for each combination of branches taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import bool_, int32
from minigraph.core.errors import DTypeError, GraphError
from minigraph.core.graph import Branch, Graph, Node, Tensor, convert_to_tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import Shape, TensorType
from minigraph.ops.array.joining import stack
from minigraph.ops.builder import apply, apply_all, as_tensor_like, graph_of
from minigraph.ops.control.checks import Assert
from minigraph.ops.filling import ZerosLike
from minigraph.ops.identity import Identity
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import less_equal
from minigraph.ops.math.reduce import reduce_sum

__all__ = ["case", "cond", "while_loop"]

_X = np.arange(3.0)


def _check_condition(kind: str, pred: TensorType) -> None:
    if pred.dtype is not bool_ or pred.rank not in (None, 0):
        raise DTypeError(f"'{kind}' takes one truth value as its condition, not {pred}")


class Switch(Op):
    """The value for the branch of False, and for that of True. A run asks for one only; the other would be zeros."""

    on_host = True

    def infer(self, data: TensorType, pred: TensorType) -> tuple[TensorType, ...]:
        _check_condition("Switch", pred)
        return data, data

    def forward(self, xp: Any, data: Any, pred: Any) -> tuple[Any, ...]:
        none = xp.zeros_like(data)
        return (none, data) if pred else (data, none)

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        data, pred = node.inputs
        sides = [apply(ZerosLike(), data) if g is None else g for g in grads]
        return apply(Merge(), *sides, pred), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, np.array(True)))


class Merge(Op):
    """The first input where the condition, the third, is False, else the second; and the number of that input."""

    on_host = True

    def infer(self, no: TensorType, yes: TensorType, pred: TensorType) -> tuple[TensorType, ...]:
        _check_condition("Merge", pred)
        if no.dtype is not yes.dtype:
            raise DTypeError(
                f"Outputs of true_fn and false_fn must have the same type: {yes.dtype.name}, {no.dtype.name}"
            )
        return TensorType(no.dtype, _common(no.shape, yes.shape)), TensorType(int32, ())

    def forward(self, xp: Any, no: Any, yes: Any, pred: Any) -> tuple[Any, ...]:
        return (yes if pred else no), xp.asarray(pred).astype(np.int32)

    def vjp(self, node: Node, grad: Tensor | None, _index: Any = None) -> Sequence[Tensor | None]:
        assert grad is not None
        return (*apply_all(Switch(), grad, node.inputs[2]), None)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, 2 * _X, np.array(True)))
        yield Sample(cls(), (_X, 2 * _X, np.array(False)))


def _common(a: Shape, b: Shape) -> Shape:
    """What holds of both shapes."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(x if x == y else None for x, y in zip(a, b, strict=True))


def cond(
    pred: Any, true_fn: Any = None, false_fn: Any = None, strict: bool = False, name: str | None = None,
    fn1: Any = None, fn2: Any = None,
) -> Any:  # fmt: skip
    """What `true_fn()` gives if `pred` is True, else what `false_fn()` gives; only that one's operations run.

    Both functions are called now, to build the graph. Each gives a tensor, an operation, or a list, tuple or dict of
    tensors, of the same form and dtypes. Where a branch gives an operation, the result is a tensor that stands for it.
    Effects of a branch run only where its results come after them. strict: a list of one tensor stays a list.
    """
    yes, no = fn1 if true_fn is None else true_fn, fn2 if false_fn is None else false_fn
    for function, what in ((yes, "true_fn"), (no, "false_fn")):
        if not callable(function):
            raise TypeError(f"cond(): {what} must be callable.")
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    graph = graph_of([as_tensor_like(pred)])
    with graph.as_default(), graph.name_scope(name or "cond"):
        condition = convert_to_tensor(as_tensor_like(pred))
        condition = graph.add(Identity(), (condition,), "pred_id").outputs[0]
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
    """The form of what the function gives, and its tensors, made inside the branch."""

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
    """The nest of `value` with its leaves taken out into `tensors`."""
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(_form(v, tensors, graph, condition) for v in value)
    if isinstance(value, Mapping):
        return "dict", tuple((k, _form(v, tensors, graph, condition)) for k, v in sorted(value.items()))
    if isinstance(value, Node):
        with graph.control_dependencies([value]):
            tensors.append(graph.add(Identity(), (condition,)).outputs[0])
    else:  # a node of the branch, also where the function gives what was there before
        given = convert_to_tensor(as_tensor_like(value))
        tensors.append(graph.add(Identity(), (given,)).outputs[0])
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
    pred_fn_pairs: Any, default: Any = None, exclusive: bool = False, strict: bool = False, name: str = "case"
) -> Any:
    """What the function of the first true condition gives, or `default()` where none is.

    pred_fn_pairs: a list of (condition, function), or a dict. exclusive: a run where more than one is true fails, with
    InvalidArgumentError; so does one where none is and there is no default.
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
        chosen = default
        if default is None:
            (*pairs, (last, action)) = pairs

            def chosen() -> Any:
                check = graph.add(Assert(("None of the conditions of tf.case is True",)), (convert_to_tensor(last),))
                with graph.control_dependencies([check]):
                    return _ordered(action())

        checks = [_at_most_one(conditions)] if exclusive and len(conditions) > 1 else []
        with graph.control_dependencies(checks):
            for condition, action in reversed(pairs):
                chosen = _choice(condition, action, chosen, strict)
            return chosen()


def _choice(condition: Any, action: Any, otherwise: Any, strict: bool) -> Callable[[], Any]:
    return lambda: cond(condition, action, otherwise, strict=strict)


def _at_most_one(conditions: list[Tensor]) -> Node:
    count = reduce_sum(cast(stack(conditions), int32))
    message = "More than one condition of tf.case is True, and exclusive=True"
    return count.graph.add(Assert((message,)), (less_equal(count, 1),))


def _ordered(value: Any) -> Any:
    """A tensor again, after the active control dependencies."""
    return apply(Identity(), value) if isinstance(value, Tensor) else value


def while_loop(cond: Any, body: Any, loop_vars: Any, **options: Any) -> Any:
    """Not there: loops whose number of rounds depends on values have no place in a plan.

    Where the number of rounds is known, a Python loop builds the graph; else loop over `Session.run`.
    """
    raise NotImplementedError(
        "tf.while_loop is not supported: a plan has no loops. Where the number of rounds is known, write a Python loop "
        "that builds the graph; else loop over Session.run."
    )
