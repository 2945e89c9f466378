"""Cutting and padding: Python's slices on tensors, tf.slice, tf.pad."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from operator import mul
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import EarlyShapeError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.moves import Move, Moves, Strided, at, c_strides, read, write
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, cast, constant
from minigraph.core.types import Dim, TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Guard, Index, Inside
from minigraph.loops.kernel import ADD, Kernel
from minigraph.ops.builder import apply, first, make, require_gradient
from minigraph.ops.counting import no_flops, per_input

__all__ = ["strided_slice"]

_X = np.arange(12.0).reshape(3, 4)

# One entry an axis of the result or input: ("slice", start, stop, step), ("index", i), ("new",), ("rest",).
Spec = tuple[tuple[Any, ...], ...]


class StridedSlice(Op):
    """x[spec], as Python and NumPy slice. With `whole`, slices that leave x are errors; Python would shorten them."""

    spec: Spec
    whole: bool = False

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if x.shape is None and self.whole:
            x = TensorType(x.dtype, (None,) * len(self.spec))
        if x.shape is None:
            return (TensorType(x.dtype, None),)
        if sum(entry[0] == "rest" for entry in self.spec) > 1:
            raise ShapeError("an index can hold only one '...'")
        used = sum(entry[0] in ("slice", "index") for entry in self.spec)
        if used > len(x.shape):
            raise ShapeError(f"Index out of range: {used} indices for a tensor of rank {len(x.shape)}")
        out: list[Dim] = []
        rest = list(x.shape)
        for kind, *args in self.spec:
            if kind == "new":
                out.append(1)
            elif kind == "rest":
                keep = len(rest) - self._after_rest()
                out += rest[:keep]
                rest = rest[keep:]
            else:
                length = rest.pop(0)
                if self.whole:
                    _check_inside(args[0], args[1], length)
                    length = length if args[1] is None else args[1]  # what is cut does not depend on what follows
                out += _entry_dim(kind, args, length)
        return (TensorType(x.dtype, (*out, *rest)),)

    def _after_rest(self) -> int:
        at = next(i for i, entry in enumerate(self.spec) if entry[0] == "rest")
        return sum(entry[0] in ("slice", "index") for entry in self.spec[at + 1 :])

    @property
    def index(self) -> tuple[Any, ...]:
        """The spec as NumPy takes it."""
        table: dict[str, Callable[..., Any]] = {"new": lambda: None, "rest": lambda: ..., "slice": slice, "index": int}
        return tuple(table[kind](*args) for kind, *args in self.spec)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.asarray(x[self.index]),)

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        return read(in_types[0], at(self.index))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(StridedSliceGrad(self.spec), grad, node.inputs[0]),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((("slice", 1, None, None), ("slice", None, -1, 2))), (_X,))
        yield Sample(cls((("rest",), ("index", -1), ("new",))), (_X,))
        yield Sample(cls((("slice", None, None, -1),)), (_X,))


def _check_inside(start: int, end: int | None, length: Dim) -> None:
    stop, limit = start if end is None else end, max(start, end or 0) if length is None else length
    if not 0 <= start <= stop <= limit:
        size = -1 if end is None else end - start
        raise EarlyShapeError(f"slice of {size} from {start} leaves a dimension of size {length}")


def _entry_dim(kind: str, args: list[Any], length: Dim) -> list[Dim]:
    if kind == "index":
        if length is not None and not -length <= args[0] < length:
            raise ShapeError(f"slice index {args[0]} of dimension of size {length} out of bounds")
        return []
    if length is not None:
        return [len(range(length)[slice(*args)])]
    return [None]


class StridedSliceGrad(Op):
    """The first input put at `spec` into zeros of the shape of the second."""

    spec: Spec

    def infer(self, grad: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        require_gradient(grad, StridedSlice(self.spec), like)
        return (TensorType(grad.dtype, like.shape),)

    def forward(self, xp: Any, grad: Any, like: Any) -> tuple[Any, ...]:
        return PutSlice(self.spec, like.shape).forward(xp, grad)

    flops = no_flops

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(StridedSlice(self.spec), grad), None

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        return PutSlice(self.spec, types[1].static), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((("slice", 1, None, None),)), (_X[1:], _X))


class PutSlice(Op):
    """The input put at `spec` into zeros of `shape`."""

    spec: Spec
    shape: tuple[int, ...]

    def infer(self, grad: TensorType) -> tuple[TensorType, ...]:
        require_gradient(grad, StridedSlice(self.spec), TensorType(grad.dtype, self.shape))
        return (TensorType(grad.dtype, self.shape),)

    def forward(self, xp: Any, grad: Any) -> tuple[Any, ...]:
        out = xp.zeros(self.shape, grad.dtype)
        out[StridedSlice(self.spec).index] = grad
        return (out,)

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        return write(out_types[0], at(StridedSlice(self.spec).index), fill=0)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(StridedSlice(self.spec), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((("slice", 1, None, None),), (3, 4)), (_X[1:],))


class Pad(Op):
    """The input with `paddings[i]` = (before, after) elements of `value` added along axis i."""

    paddings: tuple[tuple[int, int], ...]
    value: float = 0.0

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        if any(n < 0 for pair in self.paddings for n in pair):
            raise ShapeError(f"paddings must be non-negative: {self.paddings}")
        if x.shape is None:
            return (TensorType(x.dtype, (None,) * len(self.paddings)),)
        if len(x.shape) != len(self.paddings):
            raise ShapeError(f"paddings {self.paddings} do not fit the shape {format_shape(x.shape)}")
        pairs = zip(x.shape, self.paddings, strict=True)
        return (TensorType(x.dtype, tuple(None if d is None else d + a + b for d, (a, b) in pairs)),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.pad(x, self.paddings, constant_values=self.value),)

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        inside = tuple(slice(a, a + d) for (a, _), d in zip(self.paddings, in_types[0].static, strict=True))
        return write(out_types[0], at(inside), fill=self.value)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        spec = tuple(("slice", a, -b if b else None, None) for a, b in self.paddings)
        return (apply(StridedSlice(spec), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(((1, 0), (0, 2))), (_X,))


class MirrorPad(Op):
    """The input extended by its mirror image: REFLECT leaves the border out, SYMMETRIC repeats it."""

    paddings: tuple[tuple[int, int], ...]
    mode: str

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        out = Pad(self.paddings).infer(x)
        for axis, length in enumerate(x.shape or ()):
            if length == 0 and any(self.paddings[axis]):
                raise ShapeError(f"mode {self.mode} has nothing to repeat along axis {axis} of {format_shape(x.shape)}")
        return out

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.pad(x, self.paddings, mode=self.mode.lower()),)

    flops = no_flops

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        """One part for each combination of the axes' runs."""
        x, y = in_types[0].static, out_types[0].static
        runs = [_runs(n, around, self.mode) for n, around in zip(x, self.paddings, strict=True)]
        parts = []
        for chosen in product(*runs):
            sources, targets, steps, lengths = zip(*chosen, strict=True) if chosen else ((), (), (), ())
            source = Strided(0, sum(map(mul, sources, c_strides(x))), tuple(map(mul, steps, c_strides(x))))
            parts.append(Move(lengths, source, Strided(0, sum(map(mul, targets, c_strides(y))), c_strides(y))))
        return Moves(tuple(parts))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(MirrorPadGrad(self.paddings, self.mode), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(((1, 1), (0, 2)), "REFLECT"), (_X,))
        yield Sample(cls(((1, 1), (0, 2)), "SYMMETRIC"), (_X,))


def _runs(length: int, paddings: tuple[int, int], mode: str) -> list[tuple[int, int, int, int]]:
    """The padded axis as runs of evenly spaced input elements: for each run (first in
    the input, first in the output, step, length)."""
    sources = _mirrored(length, paddings, mode).tolist()
    runs = []
    begin = 0
    for stop in sorted({paddings[0], paddings[0] + length, len(sources)}):
        while begin < stop:
            step = sources[begin + 1] - sources[begin] if begin + 1 < stop else 1
            end = begin + 1
            while end < stop and sources[end] - sources[end - 1] == step:
                end += 1
            runs.append((sources[begin], begin, step, end - begin))
            begin = end
    return runs


def _mirrored(length: int, paddings: tuple[int, int], mode: str) -> np.ndarray:
    """The input element that each element of a padded axis repeats."""
    kind: Any = mode.lower()
    return np.pad(np.arange(length), paddings, mode=kind)


class _Image(NamedTuple):
    """Element i of an axis, low ≤ i < high, stands at the places sign·i + start + t·period, t < steps, of the padded
    axis, as far as that has them."""

    sign: int
    start: int
    period: int
    steps: int
    low: int
    high: int


def _images(length: int, before: int, after: int, mode: str) -> Iterator[_Image]:
    """The places of an element in a mirrored axis: those of its copies, and those of its mirror images."""
    if not before and not after:
        yield _Image(1, 0, 1, 1, 0, length)
        return
    edge = 1 if mode == "SYMMETRIC" else 0  # whether the element at the edge is repeated
    period = max(2 * length - 2 + 2 * edge, 1)
    first, last = -((before + length - 1) // period), (length + after - 1) // period
    yield _Image(1, before + first * period, period, last - first + 1, 0, length)
    low, high = (0, length) if edge else (1, length - 1)
    first, last = -((before - low - edge) // period), (length + after - 1 + high - 1 + edge) // period
    if low < high and first <= last:
        yield _Image(-1, before - edge + first * period, period, last - first + 1, low, high)


class MirrorPadGrad(Op):
    """The border of the input added back to the elements that it mirrors."""

    paddings: tuple[tuple[int, int], ...]
    mode: str
    accumulates = True

    def infer(self, grad: TensorType) -> tuple[TensorType, ...]:
        if grad.shape is None:
            return (TensorType(grad.dtype, (None,) * len(self.paddings)),)
        if len(grad.shape) != len(self.paddings):
            raise ShapeError(f"paddings {self.paddings} do not fit the shape {format_shape(grad.shape)}")
        pairs = zip(grad.shape, self.paddings, strict=True)
        inner = TensorType(grad.dtype, tuple(None if d is None else d - a - b for d, (a, b) in pairs))
        if any(d is not None and d < 0 for d in inner.shape or ()):
            raise ShapeError(f"a tensor of shape {format_shape(grad.shape)} has no room for paddings {self.paddings}")
        require_gradient(grad, MirrorPad(self.paddings, self.mode), inner)
        return (inner,)

    def forward(self, xp: Any, grad: Any) -> tuple[Any, ...]:
        for axis, (before, after) in enumerate(self.paddings):
            inner = grad.shape[axis] - before - after
            moved = xp.moveaxis(grad, axis, 0)
            folded = xp.zeros((inner, *moved.shape[1:]), grad.dtype)
            xp.add.at(folded, _mirrored(inner, (before, after), self.mode), moved)
            grad = xp.moveaxis(folded, 0, axis)
        return (grad,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """Each element adds up all places of the padded array that show it."""
        k, kind, shape = Statement("mirror_pad_grad"), accumulator(out_types[0].dtype), out_types[0].static
        grad, y = k.operand(in_types[0]), k.result(out_types[0])
        axes = [_images(n, *sides, self.mode) for n, sides in zip(shape, self.paddings, strict=True)]
        with k.over(*shape) as at:
            total = constant(0, kind)
            for chosen in product(*axes):

                def term(*steps: Index, chosen: tuple[_Image, ...] = chosen) -> tuple[list[Scalar], Guard]:
                    places = [i * m.sign + m.start + t * m.period for i, t, m in zip(at, steps, chosen, strict=True)]
                    seen = tuple(Inside(i, m.low, m.high) for i, m in zip(at, chosen, strict=True))
                    return [cast(grad[tuple(places)], kind)], (*grad.inside(*places), *seen)

                total = total + k.reduce([m.steps for m in chosen], ADD, [0], [kind], term)[0]
            k.store(y, at, total)
        return k.done()

    flops = per_input

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(MirrorPad(self.paddings, self.mode), grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(((1, 1), (0, 2)), "REFLECT"), (np.arange(30.0).reshape(5, 6),))


def as_entry(key: Any) -> tuple[Any, ...]:
    if key is None:
        return ("new",)
    if key is Ellipsis:
        return ("rest",)
    if isinstance(key, slice):
        return ("slice", *(None if v is None else int(v.__index__()) for v in (key.start, key.stop, key.step)))
    if isinstance(key, Tensor) or not hasattr(key, "__index__"):
        raise TypeError(f"a tensor is sliced by integers, slices, None and ..., not by {key!r}; see tf.gather")
    return ("index", int(key.__index__()))


def getitem(x: Any, key: Any) -> Tensor:
    """x[key] with integers, slices, None and `...`."""
    keys = key if isinstance(key, tuple) else (key,)
    op = StridedSlice(tuple(map(as_entry, keys)))
    return first(make(op, None, "strided_slice", {"input": x}, consts=("stack", "stack_1", "stack_2")))


def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """`size[i]` elements (-1: all that follow) from `begin[i]` along each axis."""
    starts, sizes = ([int(v) for v in np.ravel(a)] for a in (begin, size))
    tensor = convert_to_tensor(input_)
    entries = (("slice", b, None if s == -1 else b + s, None) for b, s in zip(starts, sizes, strict=True))
    op = StridedSlice(tuple(entries), whole=True)
    return first(make(op, name, "Slice", {"input": tensor}, consts=("begin", "size")))


def strided_slice(
    input_: TensorLike, begin: Sequence[int], end: Sequence[int], strides: Sequence[int] | None = None,
    begin_mask: int = 0, end_mask: int = 0, ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0,
    var: None = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Cut a tensor as Python slices do: x[begin[0]:end[0]:strides[0], begin[1]:end[1]:strides[1], …].

    `x[...]` with integers, slices, None and `...` does the same.

    Args:
        input_: A tensor of any dtype.
        begin: The first index along each of the first axes.
        end: The index before which each axis ends.
        strides: The step along each axis; by default 1.
        begin_mask, end_mask: Bit i is set if slice i begins at the first element, or ends after the last.
        ellipsis_mask: Bit i is set if entry i stands for all axes that the others leave, as `...`; one bit at most.
        new_axis_mask: Bit i is set if entry i is a new axis of size 1.
        shrink_axis_mask: Bit i is set if entry i is the index `begin[i]`, which drops the axis.
        var: Not supported; it must be None.
        name: Name of the node.

    Returns:
        A tensor of the dtype of `input_`.

    Raises:
        ShapeError: There are more indices than axes, or `begin`, `end` and `strides` differ in length.
        ValueError: A step is 0, or `var` is given.

    Example:
        >>> tf.Session().run(tf.strided_slice([1, 2, 3, 4, 5], [0], [5], [2]))
        array([1, 3, 5], dtype=int32)
    """
    refuse("tf.strided_slice", var=var)
    steps = [1] * len(begin) if strides is None else strides
    if not len(begin) == len(end) == len(steps):
        raise ShapeError(f"begin, end and strides must be of one length, not {len(begin)}, {len(end)}, {len(steps)}")
    spec: list[tuple[Any, ...]] = []
    for i, (first_, last, step) in enumerate(zip(begin, end, steps, strict=True)):
        if ellipsis_mask >> i & 1:
            spec.append(("rest",))
        elif new_axis_mask >> i & 1:
            spec.append(("new",))
        elif shrink_axis_mask >> i & 1:
            spec.append(("index", int(first_)))
        elif int(step) == 0:
            raise ValueError(f"strides[{i}] must be non-zero")
        else:
            start, stop = (None if mask >> i & 1 else int(v) for mask, v in ((begin_mask, first_), (end_mask, last)))
            spec.append(("slice", start, stop, int(step)))
    consts = ("begin", "end", "strides") if strides is not None else ("begin", "end", *["ones"] * 4)
    return first(make(StridedSlice(tuple(spec)), name, "StridedSlice", {"input": input_}, consts=consts))


def exact_number(value: float) -> float:
    """`value` as a float, or as an integer that no float equals."""
    if isinstance(value, complex | np.complexfloating):
        raise TypeError(f"constant_values must be a real number, not {value!r}")
    return float(value) if float(value) == value or value != value else int(value)


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: float = 0
) -> Tensor:
    """`tensor` with (before, after) elements added along each axis; mode CONSTANT, REFLECT or SYMMETRIC."""
    pairs = tuple((int(a), int(b)) for a, b in np.asarray(paddings))
    kind = mode.upper()
    if kind not in ("CONSTANT", "REFLECT", "SYMMETRIC"):
        raise ValueError(f"Unknown padding mode: {mode}")
    op: Op = Pad(pairs, exact_number(constant_values)) if kind == "CONSTANT" else MirrorPad(pairs, kind)
    return first(make(op, name, type(op).__name__, {"tensor": tensor}, consts=("paddings",)))
