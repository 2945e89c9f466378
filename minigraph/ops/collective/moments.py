"""Mean and variance of numbers that lie on several ranks."""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.core.graph import Tensor
from minigraph.ops.array.reshape import squeeze
from minigraph.ops.array.shape import size
from minigraph.ops.builder import apply
from minigraph.ops.collective.all_reduce import AllReduce
from minigraph.ops.collective.world import WORLD
from minigraph.ops.math.arithmetic import square
from minigraph.ops.math.casting import cast
from minigraph.ops.math.reduce import reduce_sum


def moments_over_ranks(x: Tensor, axes: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
    """The mean and the biased variance over some axes and all ranks, [C], and the number of numbers behind each.

    Gradients flow through both. The ranks may have batches of different sizes.
    """
    WORLD.require_start()
    total = apply(AllReduce("sum"), reduce_sum(x, axes, keepdims=True))
    mine = cast(size(x) // size(total), x.dtype)
    count = apply(AllReduce("sum"), mine)
    mean = total / count
    variance = apply(AllReduce("sum"), reduce_sum(square(x - mean), axes, keepdims=True)) / count
    return squeeze(mean, axes), squeeze(variance, axes), count
