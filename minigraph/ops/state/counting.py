"""A variable that counts up to a limit, and updates of many slices, batch by batch."""

from __future__ import annotations

from typing import Any

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import int32
from minigraph.core.errors import DTypeError, OutOfRangeError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType
from minigraph.core.typing import TensorLike
from minigraph.ops.array.joining import stack
from minigraph.ops.array.reshape import reshape
from minigraph.ops.array.shape import shape
from minigraph.ops.filling import ones_like, zeros_like
from minigraph.ops.host.base import HostOp
from minigraph.ops.host.host_ops import range_of
from minigraph.ops.identity import identity
from minigraph.ops.math.casting import cast
from minigraph.ops.state.scatter_api import scatter_nd_update
from minigraph.ops.state.variable import AssignAdd


class CheckBelow(HostOp):
    """A whole number. OutOfRangeError unless it is below the limit."""

    limit: int

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if not x.dtype.is_integer or x.rank not in (None, 0):
            raise DTypeError(f"'CountUpTo' counts in a scalar variable of integer dtype, not {x}")
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        if x >= self.limit:
            raise OutOfRangeError(f"Reached limit of {self.limit}")
        return (x,)


def count_up_to(ref: Any, limit: int, name: str | None = None) -> Tensor:
    """The value of a scalar variable, which is then one more; OutOfRangeError once it has reached the limit."""
    graph = ref.graph
    with graph.as_default(), graph.name_scope(name or "CountUpTo") as scope:
        now = graph.add(CheckBelow(int(limit)), (convert_to_tensor(ref),), f"{scope}now").outputs[0]
        with graph.control_dependencies([graph.add(AssignAdd(), (ref.ref, ones_like(now)), "AssignAdd")]):
            return identity(now, name=scope)


def batch_scatter_update(
    ref: Any, indices: TensorLike, updates: TensorLike, use_locking: bool = True, name: str | None = None
) -> Tensor:
    """ref[b, indices[b, i]] = updates[b, i] for all b of the leading axes. The updates of a run need no lock."""
    graph = ref.graph
    with graph.as_default(), graph.name_scope(name):
        places = convert_to_tensor(indices, name="indices")
        rank = places.shape.ndims
        if not rank:
            raise ShapeError(f"batch_scatter_update takes indices of known rank, 1 or more, not {places.type}")
        vectors = [places]
        for axis in reversed(range(rank - 1)):
            along = reshape(range_of(shape(places)[axis], dtype=int32), [-1, *[1] * (rank - 1 - axis)])
            vectors.insert(0, cast(along, places.dtype) + zeros_like(places))
        return scatter_nd_update(ref, stack(vectors, axis=-1), updates, use_locking)
