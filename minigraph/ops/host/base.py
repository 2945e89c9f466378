"""The base class of ops that the host runs between two plans."""

from __future__ import annotations

from collections.abc import Iterable

from minigraph.core.op import Op, Sample


class HostOp(Op, abstract=True):
    """Base class of ops that are in no plan. The session runs their `forward` between two plans."""

    staged = True
    differentiable = False

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()
