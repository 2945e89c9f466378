"""The combination of the ranks' tensors, element by element."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import float32, uint16
from minigraph.core.errors import DTypeError, GradientError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.ops.builder import apply, require_float
from minigraph.ops.collective.collective import Collective
from minigraph.ops.collective.half import from_bfloat16, to_bfloat16
from minigraph.ops.collective.world import WORLD

REDUCTIONS = ("sum", "average", "min", "max", "sum of bfloat16")


class AllReduce(Collective):
    """y = the sum, average, minimum or maximum of the ranks' x, which all ranks get.

    "sum of bfloat16" takes numbers as ToBfloat16 makes them.
    """

    reduction: str

    @property
    def detail(self) -> str:
        return self.reduction

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        kind = x.dtype.np_dtype.kind
        wanted = {"average": "f", "sum of bfloat16": "u"}.get(self.reduction, "fiu")
        saturates = self.reduction == "sum" and kind in "iu" and x.dtype.size < 4  # in Open MPI; ours wrap around
        if kind not in wanted or saturates:
            raise DTypeError(f"the {self.reduction} of the ranks' tensors is not defined for {x.dtype.name}")
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        out = np.array(x, order="C")
        WORLD.reduce(out, self.reduction, self)
        return (out,)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        if self.reduction not in ("sum", "average"):
            raise GradientError(f"no gradient is defined for the {self.reduction} of the ranks' tensors")
        return (apply(self, grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for reduction in REDUCTIONS[:2]:
            yield Sample(cls(reduction), (np.arange(6.0).reshape(2, 3),))
        for reduction in REDUCTIONS[2:4]:
            yield Sample(cls(reduction), (np.arange(6.0),), smooth=False)
        yield Sample(cls(REDUCTIONS[4]), (np.arange(4, dtype=np.uint16),), smooth=False)


class ToBfloat16(Op):
    """The input rounded to float32 and then to bfloat16, as the upper halves of its numbers: uint16."""

    differentiable = False
    on_host = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        require_float("ToBfloat16", x)
        return (TensorType(uint16, x.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (to_bfloat16(x.astype(np.float32)).reshape(x.shape),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array([0.0, -1.0, 1.0, 1 / 3, 3.4e38, np.inf], np.float32),))


class FromBfloat16(Op):
    """The float32 numbers whose upper halves are the input."""

    differentiable = False
    on_host = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.dtype is not uint16:
            raise DTypeError(f"'FromBfloat16' takes uint16, not {x.dtype.name}")
        return (TensorType(float32, x.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (from_bfloat16(x).reshape(x.shape),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (np.array([0, 0x8000, 0x3F80, 0x7F80], np.uint16),))
