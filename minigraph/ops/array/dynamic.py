"""Slices and paddings whose position or size is a tensor of the graph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import constant, where
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement, located
from minigraph.loops.kernel import Kernel
from minigraph.loops.refusal import vectors_outside
from minigraph.ops.array.known import before_run, depends_on_values, in_graph, make_late, static_value
from minigraph.ops.array.shape import Shape, known_shape, static_dims
from minigraph.ops.array.slicing import MirrorPad, Pad, StridedSlice, exact_number
from minigraph.ops.array.slicing import pad as fixed_pad
from minigraph.ops.array.slicing import slice_ as fixed_slice
from minigraph.ops.builder import apply, as_tensor_like, first, graph_of, require_shape

__all__ = ["pad"]

_X = np.arange(12.0).reshape(3, 4)
_BEGIN = np.array([1, 0], np.int32)


def _vector(what: str, x: TensorType, *vectors: TensorType) -> None:
    for vector in vectors:
        if not vector.dtype.is_integer or vector.rank not in (None, 1):
            raise ShapeError(f"{what} takes vectors of integers, not {vector}")
        if x.rank is not None and vector.shape is not None and vector.shape[0] not in (None, x.rank):
            raise ShapeError(f"{what}: {vector.shape[0]} numbers for a tensor of shape {format_shape(x.shape)}")


class Slice(Op):
    """`size[i]` elements (−1: all that follow) from `begin[i]` along each axis. The sizes are known before a run."""

    def infer(self, x: TensorType, begin: TensorType, size: TensorType) -> tuple[TensorType, ...]:
        _vector("slice", x, begin, size)
        known = size.shape[0] if size.shape is not None else x.rank
        return (TensorType(x.dtype, None if known is None else (None,) * known),)

    def forward(self, xp: Any, x: Any, begin: Any, size: Any) -> tuple[Any, ...]:
        sizes = (n if s == -1 else s + b for n, b, s in zip(x.shape, begin, size, strict=True))
        return (x[tuple(slice(int(b), int(e)) for b, e in zip(begin, sizes, strict=True))],)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(PutAt(), grad, node.inputs[1], node.inputs[0]), None, None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        sizes = known_shape(consts[2], "tf.slice")
        if consts[1] is None:
            if min(sizes, default=0) < 0:
                raise ShapeError("tf.slice: a size of -1 needs to know where the slice begins before the run")
            return SliceAt(sizes), (0, 1)
        pairs = zip(types[0].static, known_shape(consts[1], "tf.slice"), sizes, strict=True)
        spec = []
        for length, start, size in pairs:
            end = length if size == -1 else start + size
            if not 0 <= start <= end <= length:
                raise ShapeError(f"slice of {size} from {start} leaves a dimension of size {length}")
            spec.append(("slice", start, end, None))
        return StridedSlice(tuple(spec)), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, _BEGIN, np.array([2, 3], np.int32)))
        yield Sample(cls(), (_X, _BEGIN, np.array([-1, 2], np.int32)))


class SliceAt(Op):
    """Slice with the sizes as numbers."""

    sizes: tuple[int, ...]

    def infer(self, x: TensorType, begin: TensorType) -> tuple[TensorType, ...]:
        _vector("slice", x, begin)
        return (TensorType(x.dtype, self.sizes),)

    def forward(self, xp: Any, x: Any, begin: Any) -> tuple[Any, ...]:
        return (xp.array(x[_place(begin, self.sizes, x.shape)]),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """A block that leaves the array is of zeros, where the backend cannot refuse it."""
        shape = in_types[0].static
        if not shape or not all(self.sizes) or any(a > b for a, b in zip(self.sizes, shape, strict=True)):
            return None
        k = Statement("slice_at")
        x, begin, y = k.operand(in_types[0]), k.operand(in_types[1]), k.result(out_types[0])
        with k.over(1, *self.sizes[:-1]) as (_, *outer):
            valid, start = located(k, begin, _room(self.sizes, shape))
            with k.over(self.sizes[-1], names="z") as (last,):
                place = tuple(a + b for a, b in zip(start, (*outer, last), strict=True))
                k.store(y, (*outer, last), where(valid, x[place], constant(0, x.dtype)))
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:
        return vectors_outside(in_types, _room(self.sizes, in_types[0].static))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(PutAt(), grad, node.inputs[1], node.inputs[0]), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((2, 3)), (_X, _BEGIN))


def _room(sizes: Sequence[int], shape: Sequence[int]) -> list[int]:
    """The numbers of places at which a block of the sizes can begin, axis by axis."""
    return [length - size + 1 for size, length in zip(sizes, shape, strict=True)]


def _place(begin: Any, sizes: Sequence[int], shape: Sequence[int]) -> tuple[slice, ...]:
    for start, size, length in zip(begin, sizes, shape, strict=True):
        if not 0 <= start <= length - size:
            raise InvalidArgumentError(f"slice of {size} from {start} leaves a dimension of size {length}")
    return tuple(slice(int(b), int(b) + s) for b, s in zip(begin, sizes, strict=True))


class PutAt(Op):
    """The first input put at `begin` into zeros of the shape of the third."""

    def infer(self, part: TensorType, begin: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        _vector("slice", like, begin)
        if part.rank is not None and like.rank not in (None, part.rank):
            raise ShapeError(f"a block of shape {format_shape(part.shape)} in a tensor of {format_shape(like.shape)}")
        return (TensorType(part.dtype, like.shape),)

    def forward(self, xp: Any, part: Any, begin: Any, like: Any) -> tuple[Any, ...]:
        out = xp.zeros(like.shape, part.dtype)
        out[_place(begin, part.shape, like.shape)] = part
        return (out,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """A block that does not fit is left out, where the backend cannot refuse it."""
        sizes, shape = in_types[0].static, out_types[0].static
        if not shape or not all(sizes) or any(a > b for a, b in zip(sizes, shape, strict=True)):
            return None
        k = Statement("put_at")
        part, begin = k.operand(in_types[0]), k.operand(in_types[1])
        k.operand(in_types[2])
        y = k.result(out_types[0])
        with k.over(1, *shape[:-1]) as (_, *outer):
            valid, start = located(k, begin, _room(sizes, shape))
            with k.over(shape[-1], names="z") as (last,):
                block = k.padded(part, [i - b for i, b in zip((*outer, last), start, strict=True)], 0)
                k.store(y, (*outer, last), where(valid, block, constant(0, y.dtype)))
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel | None:
        return vectors_outside(in_types, _room(in_types[0].static, in_types[2].static))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        part, begin, _ = node.inputs
        return apply(Slice(), grad, begin, apply(Shape(begin.dtype), part)), None, None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X[:2, :3], _BEGIN, _X))


class PadBy(Op):
    """The input with `paddings[i]` = (before, after) elements of `value` along axis i, known before a run."""

    value: float = 0.0

    def infer(self, x: TensorType, paddings: TensorType) -> tuple[TensorType, ...]:
        if not paddings.dtype.is_integer or paddings.rank not in (None, 2):
            raise ShapeError(f"pad takes pairs of integers [rank, 2], not {paddings}")
        require_shape("the tensor of paddings", paddings.shape, (x.rank, 2))
        known = x.rank if paddings.shape is None or x.rank is not None else paddings.shape[0]
        return (TensorType(x.dtype, None if known is None else (None,) * known),)

    def forward(self, xp: Any, x: Any, paddings: Any) -> tuple[Any, ...]:
        return Pad(_pairs(paddings), self.value).forward(xp, x)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, paddings = node.inputs
        before = apply(StridedSlice((("slice", None, None, None), ("index", 0))), paddings)
        return apply(Slice(), grad, before, apply(Shape(paddings.dtype), x)), None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        if consts[1] is None:
            raise ShapeError("tf.pad: the paddings depend on values that are only known when the graph runs")
        return Pad(_pairs(consts[1]), self.value), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_X, np.array([[1, 0], [0, 2]], np.int32)))


def _pairs(paddings: Any) -> tuple[tuple[int, int], ...]:
    return tuple((int(a), int(b)) for a, b in paddings)


def _may_be_negative(sizes: Tensor) -> bool:
    """Whether a size may be -1, so that the slice must know where it begins."""
    known = static_value(sizes)
    return depends_on_values(sizes) if known is None else bool((known < 0).any())


def slice_(
    input_: TensorLike, begin: Sequence[int] | TensorLike, size: Sequence[int] | TensorLike, name: str | None = None
) -> Tensor:
    """Cut a block out of a tensor: `size[i]` elements from `begin[i]` on along each axis i.

    Args:
        input_: A tensor of any dtype.
        begin: The first element along each axis: integers, or an integer vector of the graph.
        size: The number of elements along each axis, −1 for all that follow: integers, or a vector of the graph.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype of `input_`.

    Raises:
        ShapeError: The block does not lie inside `input_`.
        InvalidArgumentError: `begin` depends on values, and the block does not lie inside `input_`; found in the run.

    Example:
        >>> tf.Session().run(tf.slice([[1, 2, 3], [4, 5, 6]], begin=[0, 1], size=[2, -1]))
        array([[2, 3],
               [5, 6]], dtype=int32)
    """
    if not in_graph(begin) and not in_graph(size):
        return fixed_slice(input_, begin, size, name)
    graph = graph_of([as_tensor_like(v) for v in (input_, begin, size)])
    with graph.as_default(), graph.name_scope(name or "Slice") as scope:
        x, starts, sizes = (convert_to_tensor(v) for v in (input_, begin, size))
        if _may_be_negative(sizes):
            starts = before_run(starts)
        result = first(graph.add(Slice(), (x, starts, before_run(sizes)), scope))
        result.set_shape(static_dims(sizes))
        return result


def pad(
    tensor: TensorLike, paddings: Sequence[Sequence[int]] | TensorLike,
    mode: Literal["CONSTANT", "REFLECT", "SYMMETRIC"] = "CONSTANT", name: str | None = None,
    constant_values: float = 0,
) -> Tensor:  # fmt: skip
    """Add elements before and after a tensor along each axis.

    Args:
        tensor: A tensor of numeric dtype.
        paddings: The pair (before, after) for each axis: integers, or an integer tensor [rank, 2] of the graph.
        mode: CONSTANT adds `constant_values`. REFLECT mirrors the tensor without its border, SYMMETRIC with its border.
        name: Name scope of the nodes.
        constant_values: The number to add in mode CONSTANT.

    Returns:
        A tensor of the dtype of `tensor`.

    Raises:
        ValueError: `mode` is unknown.
        ShapeError: `paddings` does not have one pair for each axis.

    Example:
        >>> tf.Session().run(tf.pad([1, 2, 3], [[2, 1]]))
        array([0, 0, 1, 2, 3, 0], dtype=int32)
        >>> tf.Session().run(tf.pad([1, 2, 3], [[2, 1]], mode="REFLECT"))
        array([3, 2, 1, 2, 3, 2], dtype=int32)
    """
    if not in_graph(paddings):
        return fixed_pad(tensor, paddings, mode, name, constant_values)
    if mode.upper() in ("REFLECT", "SYMMETRIC"):
        others = {"mode": mode.upper()}
        return first(
            make_late(MirrorPad, "paddings", "pairs", paddings, {"tensor": tensor}, name, "MirrorPad", **others)
        )
    if mode.upper() != "CONSTANT":
        raise ValueError(f"Unknown padding mode: {mode}")
    graph = graph_of([as_tensor_like(v) for v in (tensor, paddings)])
    with graph.as_default(), graph.name_scope(name or "Pad") as scope:
        x, pairs = convert_to_tensor(tensor), before_run(convert_to_tensor(paddings))
        result = first(graph.add(PadBy(exact_number(constant_values)), (x, pairs), scope))
        known = static_value(pairs)
        if known is not None and x.type.shape is not None:
            dims = zip(x.type.shape, known, strict=True)
            result.set_shape([None if d is None else d + int(a) + int(b) for d, (a, b) in dims])
        return result
