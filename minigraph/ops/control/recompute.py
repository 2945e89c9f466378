"""Recomputation: scopes whose values are computed again in the backward pass, and the op that this needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigraph.core.default_graph import get_default_graph
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.ops.identity import Identity

__all__ = ["recompute"]

_SCOPES, _COPIES, _ORIGINALS = "recompute_scopes", "recompute_copies", "recompute_originals"  # in a graph's stores


class Recompute(Op):
    """y = x, after the second input is computed.

    Nodes on y are not merged with equal nodes on x, because their operands differ.
    """

    is_view = True

    def infer(self, x: TensorType, gate: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any, gate: Any) -> tuple[Any, ...]:
        return (x,)

    def vjp(self, node: Node, grad: Tensor | None) -> Sequence[Tensor | None]:
        return grad, None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return (self, (0, 1)) if consts[0] is None else (Identity(), (0,))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.arange(3.0), np.ones(2)))


@contextmanager
def recompute(name: str) -> Iterator[str]:
    """Open a name scope whose values are computed again in the backward pass instead of being kept.

    This saves the memory of the values inside, and costs one more forward pass through the scope. `tf.gradients`
    computes them from the tensors that flow into the scope. Random values and nodes with control inputs are kept.
    Scopes may be nested. Source: T. Chen et al., "Training deep nets with sublinear memory cost" (2016).

    Args:
        name: The name of the scope.

    Yields:
        The name of the scope with a slash at the end, as `tf.name_scope` does.

    Example:
        >>> x = tf.constant(2.0)
        >>> with tf.recompute("block"):
        ...     y = tf.square(tf.square(x))
        >>> tf.Session().run(tf.gradients(y, x)[0]).item()
        32.0
    """
    graph = get_default_graph()
    with graph.name_scope(name) as scope:
        graph.stores.setdefault(_SCOPES, set()).add(scope.rstrip("/"))
        yield scope


def recompute_scopes(node: Node) -> tuple[str, ...]:
    """The `recompute` scopes in which a node was made, the outermost first."""
    known: set[str] = node.graph.stores.get(_SCOPES, set())
    if not known:
        return ()
    ends = [i for i, c in enumerate(node.name) if c == "/"]
    return tuple(node.name[:end] for end in ends if node.name[:end] in known)


def note_copy(node: Node, copy: Node) -> None:
    """Remember that `copy` computes the values of `node` again."""
    stores = node.graph.stores
    copies, originals = stores.setdefault(_COPIES, {}), stores.setdefault(_ORIGINALS, {})
    for tensor, again in zip(node.outputs, copy.outputs, strict=True):
        copies.setdefault(tensor, []).append(again)
        originals[again] = tensor


def original(tensor: Tensor) -> Tensor:
    """The tensor that `tensor` computes again or copies through a Recompute node; else `tensor` itself."""
    known: dict[Tensor, Tensor] = tensor.graph.stores.get(_ORIGINALS, {})
    while (before := tensor.node.inputs[0] if isinstance(tensor.node.op, Recompute) else known.get(tensor)) is not None:
        tensor = before
    return tensor


def copies_of(tensor: Tensor) -> Iterator[Tensor]:
    """All tensors that compute `tensor` again. A value fed for `tensor` replaces them too."""
    known: dict[Tensor, list[Tensor]] = tensor.graph.stores.get(_COPIES, {})
    for copy in known.get(tensor, ()):
        yield copy
        yield from copies_of(copy)
