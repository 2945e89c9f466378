"""The base class of ops that exchange tensors with other ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.dtypes import string
from minigraph.core.errors import DTypeError
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.collective.transfer import Agreement, Transfer
from minigraph.ops.collective.world import WORLD
from minigraph.ops.host.base import HostOp


class Collective(Op, abstract=True):
    """An op that all ranks run at the same position in their order of collectives."""

    stateful = True

    @property
    def detail(self) -> str:
        """The attributes in which all ranks must agree, as text."""
        raise NotImplementedError

    def transfers(self, in_types: Sequence[TensorType], names: Sequence[str], where: str) -> list[Transfer]:
        """The exchanges of an application, all types static. names: of the user's nodes that it computes."""
        (kind,) = in_types
        name = type(self).__name__
        return [Transfer(name, named(names, in_types), self.detail, kind.dtype.name, kind.size, where=where)]


def named(names: Sequence[str], types: Sequence[TensorType]) -> tuple[str, ...]:
    """The names of nodes with the shapes of their operands."""
    return tuple(f"{name}{list(kind.static)}" for name, kind in zip(names, types, strict=True))


def refuse_strings(what: str, x: TensorType) -> None:
    """DTypeError for strings, which lie outside of their tensor's memory."""
    if x.dtype is string:
        raise DTypeError(f"{what} takes tensors of numbers, not of strings")


class StagedCollective(HostOp, abstract=True):
    """A collective whose result has a shape that depends on other ranks, so that it runs between two plans."""

    stateful = True
    differentiable = True

    def agree(self, array: Any) -> None:
        """Raise RanksDifferError unless all ranks are about to run this op."""
        WORLD.agree(Agreement([Transfer(type(self).__name__, dtype=str(array.dtype))]))
