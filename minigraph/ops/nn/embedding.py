"""Rows of a table by their numbers."""

from __future__ import annotations

from typing import Any

from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.ops.array.joining import gather
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.identity import identity

__all__ = ["embedding_lookup"]


def embedding_lookup(
    params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None, validate_indices: bool = True,
    max_norm: Any = None,
) -> Tensor:  # fmt: skip
    """The rows of the table `params` at `ids`. One table only, and no `max_norm`."""
    tables = list(params) if isinstance(params, list | tuple) else [params]
    if len(tables) != 1 or max_norm is not None:
        raise ValueError("tf.nn.embedding_lookup takes one table, and no max_norm")
    with composed(name, "embedding_lookup", tables[0], ids) as scope:
        return identity(gather(as_tensor_like(tables[0]), convert_to_tensor(ids, name="ids"), name=scope))
