"""Sums by segment, sorting, and functions applied to each slice: composed of others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.types import format_shape
from minigraph.ops.array.indexing import scatter_nd
from minigraph.ops.array.joining import stack, unstack
from minigraph.ops.array.shape import expand_dims, static_value, transpose
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.host.host_ops import SegmentSum, segment_count
from minigraph.ops.identity import identity
from minigraph.ops.math.ranking import top_k
from minigraph.ops.nn.conv3d import known_dims

__all__ = ["argsort", "identity_n", "map_fn", "segment_sum", "sort", "unsorted_segment_sum"]


def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: int, name: str | None = None) -> Tensor:
    """out[s] = Σ data[i] over the i with segment_ids[i] = s, along the first axis, for s below `num_segments`."""
    with composed(name, "UnsortedSegmentSum", data, segment_ids) as scope:
        x, ids = convert_to_tensor(as_tensor_like(data)), convert_to_tensor(as_tensor_like(segment_ids))
        if ids.type.rank != 1:
            raise ShapeError(f"segment_ids must be a vector, not shape {format_shape(ids.type.shape)}")
        tail = known_dims(x, range(1, x.type.rank or 1))
        dims = [num_segments, *tail]
        target = stack(dims) if any(isinstance(d, Tensor) for d in dims) else dims
        return scatter_nd(expand_dims(ids, 1), x, target, name=scope)


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """out[s] = Σ data[i] over the i with segment_ids[i] = s, along the first axis, for s up to the last id. The ids are
    in order; where they are not known when the graph is built, the sums are made between two plans."""
    with composed(name, "SegmentSum", data, segment_ids) as scope:
        x, ids = convert_to_tensor(as_tensor_like(data)), convert_to_tensor(as_tensor_like(segment_ids))
        known = static_value(ids)
        if known is None:
            return x.graph.add(SegmentSum(), (x, ids), scope).outputs[0]
        count = segment_count(known)
        return unsorted_segment_sum(x, ids, count, name=scope)


def _ordered(values: Any, axis: int, direction: str) -> tuple[Tensor, Tensor]:
    """Sorted values and their places, along `axis`."""
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"direction must be ASCENDING or DESCENDING, not {direction!r}")
    x = convert_to_tensor(as_tensor_like(values))
    dims = x.type.shape
    size = dims[axis] if dims else None
    if dims is None or size is None:
        raise ShapeError(f"sort needs to know the size of axis {axis} of {format_shape(dims)}")
    order = list(range(len(dims)))
    order[axis], order[-1] = order[-1], order[axis]
    last = x if axis in (-1, len(dims) - 1) else transpose(x, order)
    found, places = top_k(last if direction == "DESCENDING" else -last, size)
    ranked = found if direction == "DESCENDING" else -found
    return (ranked, places) if last is x else (transpose(ranked, order), transpose(places, order))


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Tensor:
    """`values` in order along `axis`, whose size must be known. direction: ASCENDING or DESCENDING."""
    with composed(name, "sort", values):
        return _ordered(values, axis, direction)[0]


def argsort(
    values: Any, axis: int = -1, direction: str = "ASCENDING", stable: bool = False, name: str | None = None
) -> Tensor:
    """The places (int32) from which `sort` takes its elements."""
    with composed(name, "argsort", values):
        return _ordered(values, axis, direction)[1]


def map_fn(fn: Callable[[Any], Any], elems: Any, dtype: Any = None, name: str | None = None, **_ignored: Any) -> Any:
    """`fn` of each slice along the first axis, whose size must be known, stacked. `elems` and what `fn` gives may be
    tuples or lists of tensors. The function is called once for each slice, so the graph grows with their number."""
    many = isinstance(elems, list | tuple)
    parts = [convert_to_tensor(as_tensor_like(e)) for e in (elems if many else [elems])]
    with composed(name, "map", *parts):
        slices = list(zip(*(unstack(p) for p in parts), strict=True))
        if not slices:
            raise ShapeError("map_fn needs at least one slice")
        results = [fn(type(elems)(s) if many else s[0]) for s in slices]
        if isinstance(results[0], list | tuple):
            return type(results[0])(stack(list(column)) for column in zip(*results, strict=True))
        return stack(results)


def identity_n(input: Any, name: str | None = None) -> list[Tensor]:
    """Tensors equal to those of the list."""
    with composed(name, "IdentityN", *input):
        return [identity(as_tensor_like(t)) for t in input]
