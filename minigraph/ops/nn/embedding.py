"""Look-up of rows in a table."""

from __future__ import annotations

from typing import Literal

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.array.gathering import gather
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.identity import identity
from minigraph.util.nest import listed

__all__ = ["embedding_lookup"]


def embedding_lookup(
    params: TensorLike, ids: TensorLike, partition_strategy: Literal["mod", "div"] = "mod", name: str | None = None,
    validate_indices: bool = True, max_norm: float | None = None,
) -> Tensor:  # fmt: skip
    """Look up rows of a table by their numbers.

    Args:
        params: Table [V, …], or a list of one table.
        ids: Integer tensor of any shape, with values in [0, V).
        partition_strategy: TensorFlow 1's; it has no effect: there is one table.
        name: Name scope of the nodes.
        validate_indices: TensorFlow 1's; it has no effect: indices are always checked.
        max_norm: Not supported; must be None.

    Returns:
        A tensor of the dtype of `params` and the shape ids.shape + params.shape[1:].

    Raises:
        ValueError: `params` lists several tables, or `max_norm` is given.

    Example:
        >>> table = tf.constant([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
        >>> tf.Session().run(tf.nn.embedding_lookup(table, [2, 0]))
        array([[4., 5.],
               [0., 1.]], dtype=float32)
    """
    tables = listed(params)
    if len(tables) != 1 or max_norm is not None:
        raise ValueError("tf.nn.embedding_lookup takes one table, and no max_norm")
    with composed(name, "embedding_lookup", tables[0], ids) as scope:
        return identity(gather(as_tensor_like(tables[0]), convert_to_tensor(ids, name="ids"), name=scope))
