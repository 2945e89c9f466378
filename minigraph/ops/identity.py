"""Identity, IdentityN and StopGradient: copies of tensors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement
from minigraph.loops.kernel import Kernel
from minigraph.ops.builder import first, make

__all__ = ["identity", "stop_gradient"]


class Identity(Op):
    """y = x."""

    is_view = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (x,)

    def vjp(self, node: Node, grad: Tensor | None) -> Sequence[Tensor | None]:
        return (grad,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(3.0),))


class IdentityN(Op):
    """Each output is the input of its number. Graphs of TensorFlow have it where several nodes make one node's results.

    The compiler takes it away, as it does Identity.
    """

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return types

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        return arrays

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        if not all(t.size for t in in_types):
            return None
        k = Statement("identity_n")
        pairs = [(k.operand(a, (a.size,)), k.result(b, (b.size,))) for a, b in zip(in_types, out_types, strict=True)]
        for x, y in pairs:
            with k.over(x.size) as (i,):
                k.store(y, (i,), x[i])
        return k.done()

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        return grads

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(3.0), np.array(2.0)))


class StopGradient(Op):
    """y = x, with no gradient."""

    differentiable = False
    is_view = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (x,)

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return Identity(), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(3.0),))


def identity(input: TensorLike, name: str | None = None) -> Tensor:
    """Copy a tensor, or read a variable.

    Args:
        input: A tensor of any dtype, or a variable, whose value is read after the active control dependencies.
        name: Name of the node.

    Returns:
        A tensor of the value, dtype and shape of `input`.

    Example:
        >>> tf.Session().run(tf.identity([1, 2]))
        array([1, 2], dtype=int32)
    """
    read = getattr(input, "read_value", None)
    if read is not None:
        value: Tensor = read(name=name or "Identity")
        return value
    return first(make(Identity(), name, "Identity", {"input": input}))


def stop_gradient(input: TensorLike, name: str | None = None) -> Tensor:
    """Copy a tensor that `tf.gradients` takes for a constant.

    Args:
        input: A tensor of any dtype.
        name: Name of the node.

    Returns:
        A tensor of the value, dtype and shape of `input`; no gradient flows through it.

    Example:
        >>> x = tf.constant(3.0)
        >>> tf.Session().run(tf.gradients(x * tf.stop_gradient(x), x)[0]).item()
        3.0
    """
    return first(make(StopGradient(), name, "StopGradient", {"input": input}))
