"""Resizing images: every method is linear and works along the rows and the columns separately, y = A·x·Bᵀ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import DType, float32, float64, int32
from minigraph.core.errors import DTypeError, InvalidArgumentError, ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import REGISTRY, Op, Sample
from minigraph.core.scalar import Scalar, cast
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import ShapeLike, TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.index import Index
from minigraph.loops.kernel import ADD, Buffer, Kernel
from minigraph.ops.array.known import in_graph
from minigraph.ops.array.shape import known_shape, shape_operand
from minigraph.ops.builder import apply, composed, first, require_gradient, require_shape

__all__ = ["resize_area", "resize_bicubic", "resize_bilinear", "resize_nearest_neighbor"]

_X = np.cos(np.arange(24.0) ** 2).reshape(2, 3, 4, 1)
_TABLE = 1024  # entries in TensorFlow's table of bicubic weights


class Resize(Op, abstract=True):
    """Images [N,H,W,C] resized to `size`, or to the second input if `size` is None.

    align_corners: the corners' centres coincide, so the scale is (in − 1)/(out − 1) instead of in/out.
    half_pixel_centers: pixel i lies at i + ½. The result is float64 for float64, else float32; the nearest neighbour
    keeps the dtype.
    """

    size: tuple[int, int] | None
    align_corners: bool = False
    half_pixel_centers: bool = False
    keeps_dtype: ClassVar[bool] = False

    def matrix(self, source: int, target: int) -> np.ndarray:
        """[target, source]: the weights of the source's pixels in each pixel of the target."""
        raise NotImplementedError

    def scale(self, source: int, target: int) -> np.float32:
        aligned = self.align_corners and target > 1
        return np.float32((source - 1) / (target - 1) if aligned else source / target)

    def places(self, source: int, target: int) -> np.ndarray:
        """The position of each pixel of the target in the source."""
        i, scale = np.arange(target, dtype=np.float32), self.scale(source, target)
        return (i + np.float32(0.5)) * scale - np.float32(0.5) if self.half_pixel_centers else i * scale

    def dtype_of(self, x: DType) -> DType:
        return x if self.keeps_dtype or x is float64 else float32

    def infer(self, x: TensorType, size: TensorType | None = None) -> tuple[TensorType, ...]:
        if x.dtype.is_bool or x.dtype.is_complex:
            raise DTypeError(f"'{type(self).__name__}' does not take {x.dtype.name}")
        if x.rank not in (None, 4):
            raise ShapeError(f"'{type(self).__name__}' takes [N,H,W,C], not {format_shape(x.shape)}")
        if x.shape is not None and 0 in x.shape[1:3]:
            raise ShapeError(f"'{type(self).__name__}' takes images with pixels, not of shape {format_shape(x.shape)}")
        if size is not None:
            require_shape(f"the size of '{type(self).__name__}'", size.shape, (2,))
        if self.size is not None and min(self.size) < 1:
            raise ShapeError(f"'{type(self).__name__}': output dimensions must be positive, not {self.size}")
        n, _, _, c = x.shape or (None,) * 4
        return (TensorType(self.dtype_of(x.dtype), (n, *(self.size or (None, None)), c)),)

    def forward(self, xp: Any, x: Any, size: Any = None) -> tuple[Any, ...]:
        target = self.size or tuple(int(d) for d in size)
        rows, columns = (self.matrix(a, b) for a, b in zip(x.shape[1:3], target, strict=True))
        return (_both(xp, x.astype(self.infer(_type(x))[0].dtype.np_dtype), rows, columns),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        pairs = zip(in_types[0].static[1:3], out_types[0].static[1:3], strict=True)
        return _weighted("resize", in_types[0], out_types[0], *(self.matrix(a, b) for a, b in pairs))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        to = ResizeGrad(type(self).__name__, self.align_corners, self.half_pixel_centers)
        return (apply(to, grad, node.inputs[0]), *[None] * (len(node.inputs) - 1))

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[Op, tuple[int, ...]]:
        if self.size is not None:
            return self, (0,)
        rows, columns = known_shape(consts[1], "an image's new size")
        return self.replace(size=(rows, columns)), (0,)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls((5, 3)), (_X,))
        yield Sample(cls((2, 7), True), (_X,))
        yield Sample(cls(None), (_X, np.array([6, 2], np.int32)))


def _type(x: Any) -> TensorType:
    from minigraph.core.dtypes import as_dtype

    return TensorType(as_dtype(x.dtype), x.shape)


def _both(xp: Any, x: Any, rows: np.ndarray, columns: np.ndarray) -> Any:
    """rows·x·columnsᵀ of each channel of each image."""
    along = xp.tensordot(rows.astype(x.dtype), x, axes=((1,), (1,)))  # [P,N,W,C]
    whole = xp.tensordot(along, columns.astype(x.dtype), axes=((2,), (1,)))  # [P,N,C,Q]
    return xp.ascontiguousarray(xp.transpose(whole, (1, 0, 3, 2)))


def _weighted(name: str, x_type: TensorType, out: TensorType, rows: np.ndarray, columns: np.ndarray) -> Kernel:
    """The kernel of rows·x·columnsᵀ, which reads only the elements that have a weight."""
    k, kind = Statement(name), accumulator(out.dtype if out.dtype.is_floating else float32)
    x, y = k.operand(x_type), k.result(out)
    (down, high), (across, wide) = (_taps(k, matrix, kind) for matrix in (rows, columns))
    with k.over(*y.shape, names="npqc") as (n, p, q, c):

        def term(r: Index, s: Index) -> list[Scalar]:
            h, w = k.index(down[p, r], x.shape[1]), k.index(across[q, s], x.shape[2])
            return [cast(x[n, h, w, c], kind) * (high[p, r] * wide[q, s])]

        (total,) = k.reduce([down.shape[1], across.shape[1]], ADD, [0], [kind], term)
        k.store(y, (n, p, q, c), total)
    return k.done()


def _taps(k: Statement, matrix: np.ndarray, dtype: DType) -> tuple[Buffer, Buffer]:
    """The columns of the numbers in each row of a matrix that are not 0, and these numbers, as tables.

    Rows with fewer numbers than others read their last one again, with the weight 0.
    """
    most = max(int(np.count_nonzero(matrix, axis=1).max(initial=0)), 1)
    places, weights = np.zeros((len(matrix), most), np.int64), np.zeros((len(matrix), most))
    for i, row in enumerate(matrix):
        found = np.flatnonzero(row)
        places[i, : len(found)], weights[i, : len(found)] = found, row[found]
        places[i, len(found) :] = found[-1] if len(found) else 0
    return k.table(places, int32), k.table(weights, dtype)


class ResizeGrad(Op):
    """The adjoint of a resize op: Aᵀ·δ·B, in the size and dtype of the second input. method: the op's name."""

    method: str
    align_corners: bool
    half_pixel_centers: bool
    accumulates = True

    @property
    def resize(self) -> Resize:
        kind = REGISTRY[self.method]
        assert issubclass(kind, Resize)
        return kind(None, self.align_corners, self.half_pixel_centers)

    def infer(self, grad: TensorType, like: TensorType) -> tuple[TensorType, ...]:
        require_gradient(grad, self.resize, like)
        self.resize.infer(grad)  # which has pixels
        return (TensorType(like.dtype, like.shape),)

    def forward(self, xp: Any, grad: Any, like: Any) -> tuple[Any, ...]:
        pairs = zip(like.shape[1:3], grad.shape[1:3], strict=True)
        rows, columns = (self.resize.matrix(a, b).T for a, b in pairs)
        return (_both(xp, grad, rows, columns).astype(like.dtype),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        pairs = zip(out_types[0].static[1:3], in_types[0].static[1:3], strict=True)
        matrices = (self.resize.matrix(a, b).T for a, b in pairs)
        return _weighted("resize_grad", in_types[0], out_types[0], *matrices)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        delta = node.inputs[0]
        if delta.type.is_static:
            rows, columns = delta.type.static[1:3]
            return apply(self.resize.replace(size=(rows, columns)), grad), None
        from minigraph.ops.array.shape import Shape
        from minigraph.ops.array.slicing import StridedSlice

        size = apply(StridedSlice((("slice", 1, 3, None),)), apply(Shape(), delta))
        return apply(self.resize, grad, size), None

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls("ResizeBilinear", False, False), (np.random.RandomState(1).randn(2, 5, 3, 1), _X))


def _sparse(source: int, indices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The matrix with `weights` [target, k] at the columns `indices`; repeated columns add up."""
    out = np.zeros((len(indices), source))
    np.add.at(out, (np.arange(len(indices))[:, None], np.clip(indices, 0, source - 1)), weights)
    return out


class ResizeBilinear(Resize):
    """Linear interpolation between the two nearest rows, and columns."""

    def matrix(self, source: int, target: int) -> np.ndarray:
        place = np.maximum(self.places(source, target), np.float32(0)) if self.half_pixel_centers else None
        place = self.places(source, target) if place is None else place
        low = np.floor(place)
        share = (place - low)[:, None]
        return _sparse(source, low.astype(int)[:, None] + [0, 1], np.concatenate([1 - share, share], 1))


class ResizeNearestNeighbor(Resize):
    """The pixel at ⌊i·scale⌋; with aligned corners the nearest one, halves rounded up."""

    keeps_dtype = True

    def matrix(self, source: int, target: int) -> np.ndarray:
        return _sparse(source, self._indices(source, target)[:, None], np.ones((target, 1)))

    def _indices(self, source: int, target: int) -> np.ndarray:
        i = np.arange(target, dtype=np.float32) + np.float32(0.5 if self.half_pixel_centers else 0)
        place = i * self.scale(source, target)
        whole = np.floor(place + np.float32(0.5)) if self.align_corners else np.floor(place)
        return np.asarray(np.clip(whole.astype(int), 0, source - 1))

    def forward(self, xp: Any, x: Any, size: Any = None) -> tuple[Any, ...]:
        rows, columns = self.size or tuple(int(d) for d in size)
        picked = xp.take(x, self._indices(x.shape[1], rows), axis=1)
        return (xp.take(picked, self._indices(x.shape[2], columns), axis=2),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        k = Statement("resize_nearest")
        x, y = k.operand(in_types[0]), k.result(out_types[0])
        down, across = (k.table(self._indices(x.shape[axis], y.shape[axis]), int32) for axis in (1, 2))
        with k.over(*y.shape[:3], names="npq") as (n, p, q):
            h, w = k.index(down[p], x.shape[1]), k.index(across[q], x.shape[2])
            with k.over(y.shape[3], names="c") as (c,):
                k.store(y, (n, p, q, c), x[n, h, w, c])
        return k.done()


@lru_cache(maxsize=2)
def _cubic(a: float) -> np.ndarray:
    """[_TABLE + 1, 2]: Keys's kernel at x and at x + 1, in float32."""
    x = np.arange(_TABLE + 1) / _TABLE
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    x = x + 1
    return np.stack([near, ((a * x - 5 * a) * x + 8 * a) * x - 4 * a], 1).astype(np.float32)


class ResizeBicubic(Resize):
    """Keys's cubic convolution over four rows, and columns, with a = −¾ (−½ with half_pixel_centers)."""

    def matrix(self, source: int, target: int) -> np.ndarray:
        place = self.places(source, target)
        low = np.floor(place)
        table = _cubic(-0.5 if self.half_pixel_centers else -0.75)
        step = np.rint((place - low) * np.float32(_TABLE)).astype(int)
        weights = np.stack([table[step, 1], table[step, 0], table[_TABLE - step, 0], table[_TABLE - step, 1]], 1)
        indices = low.astype(int)[:, None] + [-1, 0, 1, 2]
        if self.half_pixel_centers:  # pixels outside do not count
            weights = np.where((indices >= 0) & (indices < source), weights, 0)
            weights = weights / weights.sum(1, keepdims=True)
        return _sparse(source, indices, weights)


class ResizeArea(Resize):
    """The mean over the area that each pixel of the target covers."""

    def matrix(self, source: int, target: int) -> np.ndarray:
        scale = self.scale(source, target)
        start = np.arange(target, dtype=np.float32) * scale
        end = (np.arange(target, dtype=np.float32) + np.float32(1)) * scale
        reach = max(math.ceil(float(e)) - math.floor(float(s)) for s, e in zip(start, end, strict=True))
        indices = np.floor(start).astype(int)[:, None] + np.arange(reach)
        covered = np.minimum(indices + 1, end[:, None]) - np.maximum(indices, start[:, None])
        return _sparse(source, indices, np.clip(covered, 0, 1) / scale)


def _resize(op: type[Resize], images: Any, size: Any, name: str | None, align: bool, half: bool) -> Tensor:
    target = shape_operand(size)
    with composed(name, op.__name__, images, size) as scope:
        x = convert_to_tensor(images)
        if isinstance(target, Tensor):
            return first(x.graph.add(op(None, bool(align), bool(half)), (x, target), scope))
        if len(target) != 2:
            raise ShapeError(f"'size' must be a 1-D Tensor of 2 elements: new_height, new_width, not {size!r}")
        if min(target) < 1:
            raise InvalidArgumentError(f"'{op.__name__}': output dimensions must be positive, not {target}")
        x.graph.reserve_ids(0 if in_graph(size) else 1)
        return first(x.graph.add(op((target[0], target[1]), bool(align), bool(half)), (x,), scope))


def resize_bilinear(
    images: TensorLike, size: ShapeLike | TensorLike, align_corners: bool = False, name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:  # fmt: skip
    """Resize images by linear interpolation between the nearest two rows and columns.

    Args:
        images: Images [N,H,W,C] of a numeric dtype.
        size: New size (rows, columns): numbers, or an integer tensor [2].
        align_corners: Whether the corners' centres of input and output coincide, so the scale is (H − 1)/(rows − 1)
            instead of H/rows.
        name: Name of the node.
        half_pixel_centers: Whether pixel i lies at i + ½, as in TensorFlow 2, instead of at i.

    Returns:
        A tensor [N,rows,columns,C] of float32 (float64 for float64 images).

    Raises:
        ShapeError: `images` is not 4-dimensional, or `size` does not have 2 elements.
        DTypeError: `images` is bool.
        InvalidArgumentError: A size is not positive.

    Example:
        >>> image = tf.reshape([0.0, 2.0], [1, 1, 2, 1])
        >>> tf.Session().run(tf.image.resize_bilinear(image, [1, 4])).ravel()
        array([0., 1., 2., 2.], dtype=float32)
    """
    return _resize(ResizeBilinear, images, size, name, align_corners, half_pixel_centers)


def resize_nearest_neighbor(
    images: TensorLike, size: ShapeLike | TensorLike, align_corners: bool = False, name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:  # fmt: skip
    """Resize images by taking the nearest pixel: ⌊i·scale⌋, or the rounded position with aligned corners.

    Args:
        images: Images [N,H,W,C] of a numeric dtype.
        size: New size (rows, columns): numbers, or an integer tensor [2].
        align_corners: Whether the corners' centres of input and output coincide, so the scale is (H − 1)/(rows − 1)
            instead of H/rows.
        name: Name of the node.
        half_pixel_centers: Whether pixel i lies at i + ½, as in TensorFlow 2, instead of at i.

    Returns:
        A tensor [N,rows,columns,C] of the dtype of `images`.

    Raises:
        ShapeError: `images` is not 4-dimensional, or `size` does not have 2 elements.
        DTypeError: `images` is bool.
        InvalidArgumentError: A size is not positive.

    Example:
        >>> image = tf.reshape([1, 2], [1, 1, 2, 1])
        >>> tf.Session().run(tf.image.resize_nearest_neighbor(image, [1, 4])).ravel()
        array([1, 1, 2, 2], dtype=int32)
    """
    return _resize(ResizeNearestNeighbor, images, size, name, align_corners, half_pixel_centers)


def resize_bicubic(
    images: TensorLike, size: ShapeLike | TensorLike, align_corners: bool = False, name: str | None = None,
    half_pixel_centers: bool = False,
) -> Tensor:  # fmt: skip
    """Resize images by cubic convolution of the nearest four rows and columns.

    The kernel has a = −¾, or −½ with `half_pixel_centers`.
    Source: Keys 1981, Cubic Convolution Interpolation for Digital Image Processing.

    Args:
        images: Images [N,H,W,C] of a numeric dtype.
        size: New size (rows, columns): numbers, or an integer tensor [2].
        align_corners: Whether the corners' centres of input and output coincide, so the scale is (H − 1)/(rows − 1)
            instead of H/rows.
        name: Name of the node.
        half_pixel_centers: Whether pixel i lies at i + ½, as in TensorFlow 2, instead of at i.

    Returns:
        A tensor [N,rows,columns,C] of float32 (float64 for float64 images).

    Raises:
        ShapeError: `images` is not 4-dimensional, or `size` does not have 2 elements.
        DTypeError: `images` is bool.
        InvalidArgumentError: A size is not positive.

    Example:
        >>> image = tf.reshape([0.0, 1.0, 2.0, 3.0], [1, 1, 4, 1])
        >>> tf.Session().run(tf.image.resize_bicubic(image, [1, 2])).ravel()
        array([0., 2.], dtype=float32)
    """
    return _resize(ResizeBicubic, images, size, name, align_corners, half_pixel_centers)


def resize_area(
    images: TensorLike, size: ShapeLike | TensorLike, align_corners: bool = False, name: str | None = None
) -> Tensor:
    """Resize images by averaging the area that each new pixel covers.

    Args:
        images: Images [N,H,W,C] of a numeric dtype.
        size: New size (rows, columns): numbers, or an integer tensor [2].
        align_corners: Whether the corners' centres of input and output coincide, so the scale is (H − 1)/(rows − 1)
            instead of H/rows.
        name: Name of the node.

    Returns:
        A tensor [N,rows,columns,C] of float32 (float64 for float64 images).

    Raises:
        ShapeError: `images` is not 4-dimensional, or `size` does not have 2 elements.
        DTypeError: `images` is bool.
        InvalidArgumentError: A size is not positive.

    Example:
        >>> image = tf.reshape([0.0, 1.0, 2.0, 3.0], [1, 1, 4, 1])
        >>> tf.Session().run(tf.image.resize_area(image, [1, 2])).ravel()
        array([0.5, 2.5], dtype=float32)
    """
    return _resize(ResizeArea, images, size, name, align_corners, False)
