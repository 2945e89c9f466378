"""Identity and StopGradient: the input, under another name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
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


class StopGradient(Op):
    """y = x, and nothing flows back."""

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


def identity(input: Any, name: str | None = None) -> Tensor:
    """A tensor equal to `input`. Of a variable: its value here, after the active control dependencies."""
    read = getattr(input, "read_value", None)
    if read is not None:
        value: Tensor = read(name=name or "Identity")
        return value
    return first(make(Identity(), name, "Identity", {"input": input}))


def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """`input`, taken as a constant by `gradients`."""
    return first(make(StopGradient(), name, "StopGradient", {"input": input}))
