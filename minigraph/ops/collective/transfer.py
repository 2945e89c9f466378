"""Descriptions of exchanges. Ranks compare them first, so that ranks that differ fail instead of waiting for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from minigraph.core.errors import OpError


class RanksDifferError(OpError):
    """The ranks do not make the same exchanges. All ranks raise it."""


class Transfer(NamedTuple):
    """One exchange, as all ranks must make it.

    names: of the nodes, with shapes. detail: the reduction, or the rank that sends. size: number of elements; −1 if the
    ranks may give different numbers. carrier: the library that carries it. where: the user's line, which is told but
    not compared.
    """

    kind: str
    names: tuple[str, ...] = ()
    detail: str = ""
    dtype: str = ""
    size: int = -1
    carrier: str = "MPI"
    where: str = ""

    def __str__(self) -> str:
        more = f" and {len(self.names) - 1} more" if len(self.names) > 1 else ""
        name = f" '{self.names[0]}'{more}" if self.names else ""
        made = f", made at {self.where}" if self.where else ""
        by = "" if self.carrier == "MPI" else f" by {self.carrier}"
        return f"{self.kind}{name} ({self.detail} of {self.dtype}{by}{made})"


class Agreement:
    """The exchanges that a rank is about to make, and a number that stands for them."""

    def __init__(self, transfers: Sequence[Transfer]) -> None:
        self.transfers = tuple(transfers)
        text = repr([t[:-1] for t in self.transfers])
        self.digest = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "little")


ENDED = Agreement([Transfer("the end of the program")])


def difference(lists: Sequence[Sequence[Transfer]]) -> str:
    """How the ranks' next exchanges differ, for the user."""
    ended = [rank for rank, transfers in enumerate(lists) if transfers == ENDED.transfers]
    if ended:
        return f"rank {ended[0]} has ended its program before rank {speaker(lists)}"
    other = next(rank for rank in range(1, len(lists)) if _compared(lists[rank]) != _compared(lists[0]))
    count = max(len(lists[0]), len(lists[other]))
    rows = [[*transfers, *[None] * (count - len(transfers))] for transfers in (lists[0], lists[other])]
    at = next(i for i, pair in enumerate(zip(*map(_compared, rows), strict=True)) if pair[0] != pair[1])
    mine, theirs = (row[at] or "nothing more" for row in rows)
    return f"the ranks do not make the same exchanges: number {at + 1} is {mine} on rank 0, {theirs} on rank {other}"


def speaker(lists: Sequence[Sequence[Transfer]]) -> int:
    """The first rank that has not ended its program."""
    return next(rank for rank, transfers in enumerate(lists) if transfers != ENDED.transfers)


def _compared(transfers: Sequence[Transfer | None]) -> list[tuple[object, ...] | None]:
    """The transfers without the lines that made them."""
    return [t and t[:-1] for t in transfers]
