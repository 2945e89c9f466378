"""Values computed again in the backward pass instead of being kept: the scopes that ask for it, and the op it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigraph.core.graph import Node, Tensor, get_default_graph
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.ops.identity import Identity

__all__ = ["recompute"]

_SCOPES, _COPIES, _ORIGINALS = "recompute_scopes", "recompute_copies", "recompute_originals"  # in a graph's stores


class Recompute(Op):
    """y = x, not before the second input is there.

    What is computed from it is another computation than the same one on x: equal ones are merged only where their
    operands are the same.
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
    """A name scope whose values `gradients` does not keep for the backward pass, but computes again.

    They are computed from what flows into the scope, once its gradient is there: memory for the values inside, against
    the time of one more forward pass through it. Random values and what has control inputs are kept. Scopes may be
    nested. Yields the name with a slash behind it, as `name_scope` does.
    """
    graph = get_default_graph()
    with graph.name_scope(name) as scope:
        graph.stores.setdefault(_SCOPES, set()).add(scope.rstrip("/"))
        yield scope


def recompute_scopes(node: Node) -> tuple[str, ...]:
    """The `recompute` scopes that a node was made in, the outermost first."""
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
    """The tensor that `tensor` computes again, or is the same as behind a gate; else itself."""
    known: dict[Tensor, Tensor] = tensor.graph.stores.get(_ORIGINALS, {})
    while (before := tensor.node.inputs[0] if isinstance(tensor.node.op, Recompute) else known.get(tensor)) is not None:
        tensor = before
    return tensor


def copies_of(tensor: Tensor) -> Iterator[Tensor]:
    """All tensors that compute `tensor` again: a value fed for it stands for them too."""
    known: dict[Tensor, list[Tensor]] = tensor.graph.stores.get(_COPIES, {})
    for copy in known.get(tensor, ()):
        yield copy
        yield from copies_of(copy)
