"""Sequences side by side in one tensor."""

from __future__ import annotations

import numpy as np

from minigraph.core.arguments import renamed
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import int32
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.array.indexing import gather_nd
from minigraph.ops.array.joining import stack
from minigraph.ops.array.reshape import expand_dims, transpose
from minigraph.ops.array.shape import shape
from minigraph.ops.builder import composed
from minigraph.ops.filling import zeros_like
from minigraph.ops.host.host_ops import range_of
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import less
from minigraph.ops.math.selection import where as select

__all__ = ["reverse_sequence"]


def reverse_sequence(
    input: TensorLike, seq_lengths: TensorLike, seq_axis: int | None = None,
    batch_axis: int | None = None, name: str | None = None, seq_dim: int | None = None, batch_dim: int | None = None,
) -> Tensor:  # fmt: skip
    """Reverse the first elements of each sequence, as many as its length says, and keep the rest.

    Args:
        input: A tensor of known rank.
        seq_lengths: The lengths, an integer vector with one element for each sequence.
        seq_axis: The axis along the sequences.
        batch_axis: The axis across the sequences; by default 0.
        name: Name scope of the nodes.
        seq_dim: Older name of `seq_axis`.
        batch_dim: Older name of `batch_axis`.

    Returns:
        A tensor of the dtype and shape of `input`.

    Raises:
        ValueError: `seq_axis` is missing, or an argument is given under both of its names.
        ShapeError: The rank is unknown.

    Example:
        >>> tf.Session().run(tf.reverse_sequence([[1, 2, 3], [4, 5, 6]], [2, 3], seq_axis=1)).tolist()
        [[2, 1, 3], [6, 5, 4]]
    """
    along = renamed("seq_axis", seq_axis, "seq_dim", seq_dim)
    across = renamed("batch_axis", batch_axis, "batch_dim", batch_dim) or 0
    with composed(name, "ReverseSequence", input, seq_lengths) as scope:
        x = convert_to_tensor(input)
        if along is None or x.type.rank is None:
            raise ShapeError("reverse_sequence needs seq_axis, and a tensor of known rank")
        rest = [a for a in range(x.type.rank) if a not in (along % x.type.rank, across % x.type.rank)]
        order = [across % x.type.rank, along % x.type.rank, *rest]
        rows = transpose(x, order)
        count, length = shape(rows)[0], shape(rows)[1]
        places, ends = range_of(length), expand_dims(cast(seq_lengths, int32), 1)
        columns = select(less(places + zeros_like(ends), ends), ends - 1 - places, places + zeros_like(ends))
        index = stack([expand_dims(range_of(count), 1) + zeros_like(columns), columns], 2)
        found = transpose(gather_nd(rows, index), np.argsort(order).tolist(), name=scope)
        found.set_shape(x.type.shape)
        return found
