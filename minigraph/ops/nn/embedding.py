"""Look-up of rows in a table."""

from __future__ import annotations

from typing import Literal

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.array.gathering import gather
from minigraph.ops.array.joining import concat
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.identity import identity
from minigraph.ops.math.clipping import clip_by_norm
from minigraph.util.nest import listed

__all__ = ["embedding_lookup"]


def embedding_lookup(
    params: TensorLike, ids: TensorLike, partition_strategy: Literal["mod", "div"] = "mod", name: str | None = None,
    validate_indices: bool = True, max_norm: float | None = None,
) -> Tensor:  # fmt: skip
    """Look up rows of a table by their numbers.

    Args:
        params: Table [V, …], or a list of the parts of one.
        ids: Integer tensor of any shape, with values in [0, V).
        partition_strategy: How several parts share the rows. "mod": row i stands in part i mod their number; "div": the
            parts follow each other.
        name: Name scope of the nodes.
        validate_indices: TensorFlow 1's; it has no effect: indices are always checked.
        max_norm: The norm to which longer rows are scaled down; None for no limit.

    Returns:
        A tensor of the dtype of `params` and the shape ids.shape + params.shape[1:].

    Raises:
        ValueError: `partition_strategy` is unknown.

    Example:
        >>> table = tf.constant([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
        >>> tf.Session().run(tf.nn.embedding_lookup(table, [2, 0]))
        array([[4., 5.],
               [0., 1.]], dtype=float32)
    """
    tables = [as_tensor_like(t) for t in listed(params)]
    if partition_strategy not in ("mod", "div"):
        raise ValueError(f"Unrecognized partition strategy: {partition_strategy}")
    with composed(name, "embedding_lookup", tables[0], ids) as scope:
        places = convert_to_tensor(ids, name="ids")
        if len(tables) == 1:
            rows = gather(tables[0], places, name=scope)
        else:
            nodes = 2 * len(tables) + (17 if partition_strategy == "mod" else 31) + (places.dtype.size == 8)
            with places.graph.counted_as(nodes):
                rows = gather(concat(tables, 0), _in_parts(tables, places, partition_strategy))
        if max_norm is not None:
            rows = clip_by_norm(rows, max_norm, axes=list(range(places.type.rank or 0, rows.type.rank or 0)))
        return identity(rows)


def _in_parts(tables: list[TensorLike], ids: Tensor, partition_strategy: str) -> Tensor:
    """The places of rows in the concatenation of the parts of a table."""
    if partition_strategy == "div":
        return ids
    sizes = [int(convert_to_tensor(t).shape[0]) for t in tables]
    starts = constant([sum(sizes[:n]) for n in range(len(tables))], ids.dtype)
    return gather(starts, ids % len(tables)) + ids // len(tables)
