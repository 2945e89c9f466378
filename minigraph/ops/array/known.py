"""Integers of the graph that are to be known before a run: shapes, axes, multiples and the like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import int32
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.operand import Operand
from minigraph.core.types import TensorType
from minigraph.ops.array.late import Form, Late, as_attribute
from minigraph.ops.builder import composed, make
from minigraph.ops.constant import Const, PlaceholderWithDefault
from minigraph.ops.counting import no_flops
from minigraph.ops.host.decided import decided

_X = np.arange(6.0).reshape(2, 3)


class ShapeOf(Op, abstract=True):
    """A property of the input's shape; known when the shape is."""

    dtype: Any = int32
    differentiable = False

    def value(self, shape: tuple[int, ...]) -> Any:
        raise NotImplementedError

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.asarray(self.value(x.shape), dtype=self.dtype.np_dtype),)

    flops = no_flops

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Const(np.asarray(self.value(types[0].static), self.dtype.np_dtype)), ()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X,))


_DEEPEST = 64  # ops from a shape's value to the constants that it is computed from
_LARGEST = 1 << 16  # elements


def static_value(tensor: Tensor) -> np.ndarray | None:
    """The value of an integer tensor that is computed from constants and known shapes alone, else None.

    None also for values that are too large, or lie behind too many ops, to be a shape.
    """
    return _static_value(tensor, {}, _DEEPEST)


def _static_value(tensor: Tensor, found: dict[Tensor, np.ndarray | None], depth: int) -> np.ndarray | None:
    if tensor not in found:
        found[tensor] = _computed_value(tensor, found, depth) if depth else None
    return found[tensor]


def _computed_value(tensor: Tensor, found: dict[Tensor, np.ndarray | None], depth: int) -> np.ndarray | None:
    op = tensor.node.op
    if type(op).__name__ == "Switch":  # the same value, in one branch of a condition
        return _static_value(tensor.node.inputs[0], found, depth - 1)
    if isinstance(op, Const):
        return op.value
    if _varies(op) or not tensor.dtype.is_integer or not tensor.node.inputs:
        return None
    if isinstance(op, ShapeOf):
        source = tensor.node.inputs[0].type
        return np.asarray(op.value(source.static)) if source.is_static else None
    if tensor.type.is_static and tensor.type.size > _LARGEST:
        return None
    inputs = [_static_value(t, found, depth - 1) for t in tensor.node.inputs]
    if any(v is None for v in inputs):
        return None
    return np.asarray(op.forward(np, *inputs)[tensor.value_index])


def value_nodes(tensor: Tensor) -> Iterator[Node]:
    """The nodes that compute a tensor's values. A node whose result is read for its shape alone is not among them."""
    todo, seen = [tensor.node], set()
    while todo:
        node = todo.pop()
        if node not in seen and not isinstance(node.op, ShapeOf):
            seen.add(node)
            yield node
            todo += [t.node for t in node.inputs]


def depends_on_values(tensor: Tensor) -> bool:
    """Whether more than shapes and what is fed decides the value: state, or an op that the host runs."""
    return any(_varies(n.op) or n.op.staged for n in value_nodes(tensor))


def _varies(op: Op) -> bool:
    """Whether equal inputs may give other values: the op has a state, or its default may be fed over."""
    return op.stateful or isinstance(op, PlaceholderWithDefault)


def before_run(tensor: Tensor) -> Tensor:
    """An integer tensor that the compiler knows: the host reads it before the run if more than shapes decides it."""
    return decided(tensor) if depends_on_values(tensor) else tensor


def is_packed(value: Any) -> bool:
    """Whether a Python list holds tensors, so that it stands for their stack."""
    if not isinstance(value, list | tuple):
        return False
    return any(isinstance(v, Operand) or is_packed(v) for v in value)


def in_graph(value: Any) -> bool:
    """Whether an argument consists of nodes of the graph. Of any other TensorFlow makes a constant."""
    return isinstance(value, Operand) or is_packed(value)


def number_or_tensor(value: Any) -> Any:
    """Numbers in the graph as an array, if they are known now, else as a tensor; any other value as it is."""
    if not in_graph(value):
        return value
    tensor = convert_to_tensor(value)
    known = static_value(tensor)
    return before_run(tensor) if known is None else known


def whole_number(op: str, argument: str, value: Any) -> int:
    """A whole number, or the value of a tensor of one that is known now. TypeError for anything else."""
    known = static_value(value) if isinstance(value, Tensor) else value
    if known is None or np.shape(known) or np.asarray(known).dtype.kind not in "iu":
        raise TypeError(f"{op}: {argument} must be a whole number that is known when the graph is built, not {value!r}")
    return int(known)


def make_late(
    op: type[Op], field: str, form: Form, value: Any, operands: dict[str, Any], name: str | None, default: str,
    consts: Sequence[str] = (), **others: Any,
) -> Node:  # fmt: skip
    """One node of `op`, as `make` adds it, with integers as the attribute `field` that may be in the graph.

    others: the other attributes.
    """
    found = number_or_tensor(value)
    if not isinstance(found, Tensor):
        return make(op(**{field: as_attribute(form, found)}, **others), name, default, operands, consts=consts)
    with composed(name, default, *operands.values(), found) as scope:
        tensors = [convert_to_tensor(v, name=k) for k, v in operands.items()]
        return found.graph.add(Late(op.__name__, field, form, tuple(others.items())), (*tensors, found), scope)
