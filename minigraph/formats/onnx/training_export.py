"""Exporters of losses and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigraph.core.op import Op
from minigraph.formats.onnx.conv import padding, transposed
from minigraph.formats.onnx.emit import Emit
from minigraph.ops.array.reshape import Tile
from minigraph.ops.array.slicing import MirrorPad, StridedSlice
from minigraph.ops.nn.avg_pool import AvgPool


def _flat(e: Emit, name: str) -> str:
    return e.add("Reshape", name, e.ints([-1], "flat"))


def _sparse_cross_entropy(e: Emit) -> None:
    classes = (e.inputs[0].type.shape or (None,))[-1]
    if classes is None:
        e.unsupported("the number of classes must be known")
    ends = e.constant(np.array([0, 1], e.out.dtype.np_dtype), "ends")
    _loss(e, e.add("OneHot", e.as_int64(1), e.ints([classes], "classes"), ends))


def _loss(e: Emit, labels: str) -> None:
    """−Σ y·log p of each row, and p − y if it is used."""
    log_p = e.add("LogSoftmax", e.plain(0), axis=-1)
    total = e.add("ReduceSum", e.add("Mul", labels, log_p), e.ints([-1], "axes"), keepdims=0)
    e.give(e.add("Neg", total))
    if e.sheet.uses[e.node.outputs[1]]:
        e.give(e.add("Sub", e.add("Exp", log_p), labels), 1)


def _relu_grad(e: Emit) -> None:
    (g, y), first = e.operands()
    e.result(e.add("Where", e.add("Greater", y, e.number(0, "zero")), g, e.number(0, "zero")), first)


def _relu6_grad(e: Emit) -> None:
    (g, y), first = e.operands()
    six = e.number(6, "six")
    inside = e.add("And", e.add("Greater", y, e.number(0, "zero")), e.add("Less", y, six))
    e.result(e.add("Where", inside, g, e.number(0, "zero")), first)


def _bias_grad(e: Emit) -> None:
    axes = list(range((e.inputs[0].type.rank or 1) - 1))
    e.give(e.add("ReduceSum", e.plain(), e.ints(axes, "axes"), keepdims=0))


def _sum_to(e: Emit) -> None:
    """The sum over the axes that have length 1, or none, in the result."""
    rank, result = e.inputs[0].type.rank, e.out.shape
    if rank is None or result is None:
        e.unsupported(f"the ranks must be known, but the shapes are {e.inputs[0].type} and {e.out}")
    ones = [1] * (rank - len(result))
    if None in result:
        shape = e.add("Shape", e.plain(1))
        wide = e.add("Concat", e.ints(ones, "ones"), shape, axis=0)
        axes = _flat(e, e.add("NonZero", e.add("Equal", wide, e.ints([1], "one"))))
    else:
        shape = e.ints(result, "shape")
        axes = e.ints([i for i, d in enumerate([*ones, *result]) if d == 1], "axes")
    total = e.add("ReduceSum", e.plain(), axes, keepdims=1, noop_with_empty_axes=1)
    e.give(e.add("Reshape", total, shape))


def _filter_grad(e: Emit) -> None:
    """A convolution of the image with δ, in which the batch is summed, and strides and dilations change places."""
    kernel, sizes = e.out.static, (e.inputs[0].type.shape or (None,) * 4)[1:3]
    w, groups = e.op.window(kernel), e.op.groups
    if None in sizes:
        e.unsupported(f"the size of the image must be known, but it is {e.inputs[0].type}")
    image, grad = e.first(), e.first(-1)
    if groups == 1:
        image = e.add("Transpose", image, perm=[1, 0, 2, 3])
    else:  # [N, groups·C, H, W] to [C, groups·N, H, W]
        apart = e.add("Reshape", image, e.ints([0, groups, -1, *sizes], "groups"))
        turned = e.add("Transpose", apart, perm=[2, 1, 0, 3, 4])
        image = e.add("Reshape", turned, e.ints([kernel[2], -1, *sizes], "joined"))
    grad = e.add("Transpose", grad, perm=[1, 0, 2, 3])
    pads = padding(e, w, *sizes)
    strides, dilations = list(w.dilations), list(w.strides)
    found = e.add("Conv", image, grad, strides=strides, dilations=dilations, group=groups, **pads)
    cut = e.add("Slice", found, e.ints([0, 0], "start"), e.ints(kernel[:2], "end"), e.ints([2, 3], "axes"))
    e.give(e.add("Transpose", cut, perm=[2, 3, 0, 1]))


def _avg_pool_grad(e: Emit) -> None:
    """A transposed convolution of δ, divided by the numbers of elements, with filters of ones."""
    _, *image_shape = e.out.shape or (None,) * 4
    if None in image_shape:
        e.unsupported(f"the size of the image must be known, but it is {e.out}")
    shape: Any = (1, *image_shape)
    counts = np.asarray(AvgPool(*e.op.attributes).counts(shape), e.out.dtype.np_dtype)
    share = e.add("Div", e.plain(-1), e.constant(counts, "counts"))
    ones = e.constant(np.ones((shape[3], 1, *e.op.ksize), e.out.dtype.np_dtype), "ones")
    image = e.add("Transpose", share, perm=[0, 3, 1, 2])
    lengths: Any = (e.inputs[-1].type.shape or ())[1:3]
    e.give_first(transposed(e, image, ones, e.op.window, shape[1:3], lengths, shape[3]))


def _max_pool_grad(e: Emit) -> None:
    """δ at the places of the maxima, which ONNX's MaxPool numbers through the whole image."""
    pool, shape = e.inputs[1].node, e.out.shape or (None,) * 4
    if pool.type != "MaxPool":
        e.unsupported("the places of the maxima must come from max_pool")
    w, image = e.op.window, e.sheet.first_of(pool.inputs[0])
    attributes = {"kernel_shape": list(w.kernel), "strides": list(w.strides), **padding(e, w, *shape[1:3])}
    places = e.sheet.add("MaxPool", [image], e.name, 2, **attributes)[1]
    sizes = e.add("Shape", image)
    grad = _flat(e, e.first(2))
    found = _scattered(e, _flat(e, places), grad, e.add("ReduceProd", sizes, keepdims=1), 0)
    e.give_first(e.add("Reshape", found, sizes))


def _scattered(e: Emit, places: str, grad: str, shape: str, axis: int) -> str:
    """The elements of a gradient added to zeros, at places along an axis."""
    return e.add("ScatterElements", e.filled(shape, 0), places, grad, axis=axis, reduction="add")


def _moved_back(move: Callable[[Any], Op]) -> Callable[[Emit], None]:
    """Export the gradient of an op that moves data, or moves it within each element of an unknown batch.

    move: that op.
    """

    def build(e: Emit) -> None:
        batch, *rest = e.out.shape or (None, None)
        if None in rest:
            e.unsupported(f"the shape must be known, but for the batch, but is {e.out}")
        shape = (batch or 2, *rest)
        numbers = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)  # type: ignore[arg-type]
        (places,) = move(e.op).reference(numbers)
        if batch is None:
            if len(places) != 2 or np.any(places[1] - places[0] != numbers[0].size):
                e.unsupported(f"it moves elements along the batch, whose size must be known, but is {e.out}")
            places, numbers = places[0], numbers[0]
        rows = e.add("Reshape", e.plain(0), e.ints([-1, places.size], "rows"))
        sizes = e.add("Concat", e.add("Gather", e.add("Shape", rows), e.ints([0])), e.ints([numbers.size]), axis=0)
        spread = e.add("Expand", e.ints(np.reshape(places, [1, -1]), "places"), e.add("Shape", rows))
        found = _scattered(e, spread, rows, sizes, 1)
        e.give(e.add("Reshape", found, e.ints([-1 if batch is None else batch, *rest], "shape")))

    return build


def _concat_grad(e: Emit) -> None:
    axis = e.op.axis
    sizes = [(t.type.shape or (None,) * (axis + 1))[axis] for t in e.node.outputs]
    if None in sizes:
        e.unsupported(f"the lengths along axis {axis} must be known")
    names = e.sheet.add("Split", [e.plain(), e.ints(sizes, "sizes")], e.name, len(sizes), axis=axis)
    for i, name in enumerate(names):
        e.give(name, i)


def _gather_grad(e: Emit) -> None:
    """The slices added to zeros, both with the axes first along which they were looked up."""
    given, rank = e.inputs[1].type.rank, e.inputs[2].type.rank
    if given is None or rank is None:
        e.unsupported(f"the ranks must be known, but the shapes are {e.inputs[1].type} and {e.inputs[2].type}")
    axis = e.op.axis % rank
    order = [axis, *(a for a in range(rank) if a != axis)]
    ahead = list(range(axis, axis + given))
    moved = [*ahead, *(a for a in range(rank - 1 + given) if a not in ahead)]
    indices = e.add("Unsqueeze", e.as_int64(1), e.ints([-1], "axes"))
    sizes = e.add("Gather", e.add("Shape", e.plain(2)), e.ints(order, "order"))
    found = _added(e, sizes, indices, e.add("Transpose", e.plain(0), perm=moved))
    e.give(e.add("Transpose", found, perm=[int(a) for a in np.argsort(order)]))


def _added(e: Emit, shape: str, indices: str, grad: str) -> str:
    return e.add("ScatterND", e.filled(shape, 0), indices, grad, reduction="add")


def _window_sum(e: Emit) -> None:
    """A product with a matrix of ones around the diagonal."""
    channels = (e.out.shape or (None,))[-1]
    if channels is None:
        e.unsupported("the number of channels must be known")
    places = np.arange(channels)
    near = np.abs(places[:, None] - places) <= e.op.radius
    e.give(e.add("MatMul", e.plain(), e.constant(near.astype(e.out.dtype.np_dtype), "near")))


EXPORT: dict[str, Callable[[Emit], None]] = {
    "AvgPoolGrad": _avg_pool_grad,
    "BiasAddGrad": _bias_grad,
    "ConcatGrad": _concat_grad,
    "Conv2DBackpropFilter": _filter_grad,
    "Conv2DFilterGrad": _filter_grad,
    "GatherGrad": _gather_grad,
    "MaxPoolGrad": _max_pool_grad,
    "MirrorPadGrad": _moved_back(lambda op: MirrorPad(op.paddings, op.mode)),
    "Relu6Grad": _relu6_grad,
    "ReluGrad": _relu_grad,
    "ScatterNdLike": lambda e: e.give(_added(e, e.add("Shape", e.plain(2)), e.as_int64(1), e.plain(0))),
    "SoftmaxCrossEntropyWithLogits": lambda e: _loss(e, e.plain(1)),
    "SparseSoftmaxCrossEntropyWithLogits": _sparse_cross_entropy,
    "StridedSliceGrad": _moved_back(lambda op: StridedSlice(op.spec)),
    "SumLike": _sum_to,
    "SumTo": _sum_to,
    "TileGrad": _moved_back(lambda op: Tile(op.multiples)),
    "WindowSum": _window_sum,
}
