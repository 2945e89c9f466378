"""Variables as ops: the buffer, reads and assignments; and nodes that only order others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.default_graph import get_default_graph
from minigraph.core.errors import DTypeError, ShapeError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.operand import Operand
from minigraph.core.scalar import Scalar
from minigraph.core.types import TensorType, format_shape
from minigraph.loops.builder import Statement
from minigraph.loops.kernel import Kernel
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.counting import no_flops, per_input
from minigraph.ops.identity import identity

__all__ = ["group", "no_op"]

_X = np.arange(3.0)


class VariableV2(Op):
    """A buffer that the session keeps. `shared_name` is its name in the session."""

    type: TensorType
    shared_name: str
    stateful = True

    def infer(self) -> tuple[TensorType, ...]:
        return (self.type,)

    def renamed(self, name: str) -> VariableV2:
        return self.replace(shared_name=name)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()


class ReadVariable(Op):
    """The variable's value after the control inputs of the read have run."""

    stateful = True  # two reads may see different values; the compiler merges reads that see the same one
    reads = (0,)
    is_view = True

    def infer(self, ref: TensorType) -> tuple[TensorType, ...]:
        return (ref,)

    def forward(self, xp: Any, ref: Any) -> tuple[Any, ...]:
        return (ref,)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (grad,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X,))


class Update(Op, abstract=True):
    """An op that gives its first input, a variable, a new value. Its output is that value."""

    stateful = True
    differentiable = False
    writes = (0,)

    def infer(self, ref: TensorType, value: TensorType) -> tuple[TensorType, ...]:
        if ref.dtype is not value.dtype:
            raise DTypeError(
                f"Input 'value' of '{type(self).__name__}' Op has type {value.dtype.name} that does not match "
                f"type {ref.dtype.name} of the variable"
            )
        if not T.compatible(ref.shape, value.shape):
            raise ShapeError(
                f"Dimensions must be equal: a value of shape {format_shape(value.shape)} "
                f"for a variable of shape {format_shape(ref.shape)}"
            )
        return (ref,)

    def forward(self, xp: Any, ref: Any, value: Any) -> tuple[Any, ...]:
        return (self.element(ref, value),)

    flops = per_input

    def element(self, ref: Scalar, value: Scalar) -> Scalar:
        """An element of the new value."""
        raise NotImplementedError(type(self).__name__)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        k, size = Statement("assign"), in_types[0].size
        if in_types[1].size != size:
            return None
        var, value = k.variable(in_types[0], (size,)), k.operand(in_types[1], (size,))
        with k.over(size) as at:
            k.store(var, at, self.element(var[at[0]], value[at[0]]))
        return k.done()

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, _X + 1))


class Assign(Update):
    """var = value. The variable may have no value before."""

    def element(self, ref: Scalar, value: Scalar) -> Scalar:
        return value

    flops = no_flops


class AssignAdd(Update):
    """var = var + value."""

    reads = (0,)

    def element(self, ref: Scalar, value: Scalar) -> Scalar:
        return ref + value


class AssignSub(Update):
    """var = var − value."""

    reads = (0,)

    def element(self, ref: Scalar, value: Scalar) -> Scalar:
        return ref - value


class NoOp(Op):
    """Computes nothing. Running it runs its control inputs."""

    stateful = True
    differentiable = False

    def infer(self) -> tuple[TensorType, ...]:
        return ()

    def forward(self, xp: Any) -> tuple[Any, ...]:
        return ()

    flops = no_flops

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), ())


def no_op(name: str | None = None) -> Node:
    """Make an operation that does nothing. With control dependencies, running it runs these.

    Args:
        name: Name of the node.

    Returns:
        The operation.

    Example:
        >>> tf.no_op(name="done").name
        'done'
    """
    return get_default_graph().add(NoOp(), (), name)


def group(*inputs: Tensor | Node | Operand[Any], name: str | None = None) -> Node:
    """Make an operation that runs several others.

    Args:
        inputs: Operations, tensors and variables.
        name: Name of the node.

    Returns:
        The operation. It has no value.

    Example:
        >>> a, b = tf.Variable(1.0), tf.Variable(2.0)
        >>> step = tf.group(a.assign_add(1.0), b.assign_add(1.0))
        >>> with tf.Session() as s:
        ...     s.run(tf.global_variables_initializer())
        ...     s.run(step)
        ...     print(*s.run([a, b]))
        2.0 3.0
    """
    elements = [as_tensor_like(i) for i in inputs]
    graph = _graph(elements)
    with graph.as_default(), graph.control_dependencies(elements):
        return no_op(name or "group_deps")


def tuple_(
    tensors: Sequence[Operand[Any] | None], name: str | None = None,
    control_inputs: Sequence[Tensor | Node | Operand[Any]] | None = None,
) -> list[Tensor | None]:  # fmt: skip
    """Copy tensors, and make each copy available only after all of them are computed.

    Args:
        tensors: Tensors and variables. None stays None.
        name: Name scope of the nodes.
        control_inputs: Operations and tensors that must run before as well.

    Returns:
        A tensor for each of `tensors`, of the same value, dtype and shape.

    Raises:
        ValueError: All of `tensors` are None.

    Example:
        >>> a, b = tf.tuple([tf.constant([1]), tf.constant([2])])
        >>> tf.Session().run([a, b])
        [array([1], dtype=int32), array([2], dtype=int32)]
    """
    elements = [as_tensor_like(t) for t in tensors]
    if all(e is None for e in elements):
        raise ValueError(f"Must have at least one Tensor: {list(tensors)!r}")
    graph = _graph([e for e in elements if e is not None])
    with graph.as_default(), graph.name_scope(name or "tuple"):
        gate = group(*[e for e in elements if e is not None], *(control_inputs or []))
        with graph.control_dependencies([gate]):
            return [e if e is None else identity(e, name="control_dependency") for e in elements]


def _graph(elements: Sequence[Any]) -> Graph:
    return elements[0].graph if elements else get_default_graph()
