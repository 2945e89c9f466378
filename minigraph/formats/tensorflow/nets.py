"""Importers and exporters of convolutions, pooling, normalisation, losses and resizing, with their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType
from minigraph.formats.tensorflow.arrays_import import like
from minigraph.formats.tensorflow.node import Importer, TfNode, same
from minigraph.ops.array.joining import stack
from minigraph.ops.array.reshape import Reshape, transpose
from minigraph.ops.array.shape import Fill, zeros
from minigraph.ops.array.shape import shape as shape_of
from minigraph.ops.array.space_to_batch import batch_to_space_nd, space_to_batch_nd
from minigraph.ops.builder import apply, apply_all
from minigraph.ops.filling import Full
from minigraph.ops.image import resize
from minigraph.ops.math.arithmetic import square
from minigraph.ops.math.casting import cast, widened
from minigraph.ops.math.exponential import pow, rsqrt
from minigraph.ops.math.reduce import reduce_mean, reduce_sum
from minigraph.ops.nn import conv2d, loss, lrn, pool
from minigraph.ops.nn.avg_pool import AvgPool, AvgPoolGrad
from minigraph.ops.nn.conv3d import conv3d
from minigraph.ops.nn.cross_entropy import SoftmaxCrossEntropyWithLogits, SparseSoftmaxCrossEntropyWithLogits
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolGrad
from minigraph.ops.nn.norm import batch_normalization, bessel_corrected
from minigraph.ops.nn.pool_nd import avg_pool3d, max_pool3d
from minigraph.ops.nn.softmax import LogSoftmax, Softmax
from minigraph.ops.nn.statistics import moments

Tensors = Sequence[Tensor]


def _attributes(call: TfNode, groups: int = 1) -> tuple[Any, ...]:
    return call.pair("strides"), call.padding(), call.pair("dilations", (1, 1, 1, 1)), groups


def _conv(call: TfNode) -> Tensors:
    groups = 1
    x, w = call.last(call.x), call.inputs[1]
    if x.type.shape is not None and w.type.shape is not None and x.type.shape[3] and w.type.shape[2]:
        groups = max(x.type.shape[3] // w.type.shape[2], 1)
    return call.images(conv2d.Conv2D(*_attributes(call, groups)), x, w)


def _image_like(call: TfNode, index: int) -> Tensor:
    """A tensor of the shape that an input states, with channels last."""
    found = like(call, index)
    return call.last(found)


def _conv_input(call: TfNode) -> Tensors:
    _, w, grad = call.inputs
    op = conv2d.Conv2DBackpropInput(*_attributes(call))
    return call.images(op, _image_like(call, 0), w, call.last(grad))


def _conv_filter(call: TfNode) -> Tensors:
    x, _, grad = call.inputs
    op = conv2d.Conv2DBackpropFilter(*_attributes(call))
    return call.add(op, call.last(x), like(call, 1), call.last(grad))


def _depthwise_shape(call: TfNode, kind: TensorType) -> tuple[int, int, int, int]:
    if not kind.is_static or kind.rank != 4:
        call.unsupported(f"the filter must be [KH,KW,C,M] of known shape, not {kind}")
    rows, columns, channels, fan = kind.static
    return rows, columns, channels, fan


def _flat(shape: tuple[int, int, int, int]) -> Reshape:
    return Reshape((shape[0], shape[1], 1, shape[2] * shape[3]))


def _depthwise(call: TfNode) -> Tensors:
    shape = _depthwise_shape(call, call.inputs[1].type)
    op = conv2d.Conv2D(*_attributes(call, shape[2]))
    return call.images(op, call.last(call.x), apply(_flat(shape), call.inputs[1]))


def _depthwise_input(call: TfNode) -> Tensors:
    _, w, grad = call.inputs
    shape = _depthwise_shape(call, w.type)
    op = conv2d.Conv2DBackpropInput(*_attributes(call, shape[2]))
    return call.images(op, _image_like(call, 0), apply(_flat(shape), w), call.last(grad))


def _depthwise_filter(call: TfNode) -> Tensors:
    x, _, grad = call.inputs
    w = like(call, 1)
    shape = _depthwise_shape(call, w.type)
    op = conv2d.Conv2DBackpropFilter(*_attributes(call, shape[2]))
    made = apply(op, call.last(x), apply(_flat(shape), w), call.last(grad))
    return call.add(Reshape(shape), made)


def _conv3d(call: TfNode) -> Tensors:
    if call.attr("data_format", "NDHWC") != "NDHWC":
        call.unsupported("data_format NCDHW is not read")
    strides, dilations = (list(call.attr(n, (1,) * 5)) for n in ("strides", "dilations"))
    return call.build(lambda: conv3d(call.x, call.inputs[1], strides, call.padding(), dilations=dilations))


# pooling


def _pooling(call: TfNode) -> tuple[Any, ...]:
    return call.pair("ksize"), call.pair("strides"), call.padding()


def _pool(kind: type[pool.Pool]) -> Importer:
    return lambda call: call.images(kind(*_pooling(call)), call.last(call.x))


def _max_pool_grad(call: TfNode) -> Tensors:
    x, _, grad = call.inputs
    image = call.last(x)
    where = apply_all(MaxPool(*_pooling(call)), image)[1]  # merged with the forward one in a run
    return call.images(MaxPoolGrad(*_pooling(call)), image, where, call.last(grad))


def _avg_pool_grad(call: TfNode) -> Tensors:
    return call.images(AvgPoolGrad(*_pooling(call)), _image_like(call, 0), call.last(call.inputs[1]))


def _pool_3d(function: Any) -> Importer:
    def build(call: TfNode) -> Tensors:
        if call.attr("data_format", "NDHWC") != "NDHWC":
            call.unsupported("data_format NCDHW is not read")
        ksize, strides = list(call.attr("ksize")), list(call.attr("strides"))
        return call.build(lambda: function(call.x, ksize, strides, call.padding()))

    return build


# normalisation


def _batch_norm(call: TfNode) -> Tensors:
    epsilon = float(call.attr("epsilon", 1e-4))
    x, scale, offset, mean, variance = call.inputs

    def inference() -> list[Tensor]:
        y = batch_normalization(call.last(x), mean, variance, offset, scale, epsilon)
        return [y, mean, variance, mean, variance, variance]

    def training() -> list[Tensor]:
        image = widened(call.last(x))
        found, biased = moments(image, [0, 1, 2])
        y = batch_normalization(image, found, biased, offset, scale, epsilon)
        return [cast(y, x.dtype), found, bessel_corrected(biased, image), found, biased, biased]

    return _in_own_layout(call, training if call.attr("is_training", True) else inference)


def _in_own_layout(call: TfNode, function: Any) -> Tensors:
    """What `function` makes, whose first result is an image with channels last."""

    def build() -> list[Tensor]:
        made = list(function())
        return [transpose(made[0], [0, 3, 1, 2]) if call.channels_first else made[0], *made[1:]]

    return call.build(build)


def _batch_norm_grad(call: TfNode) -> Tensors:
    epsilon, training = float(call.attr("epsilon", 1e-4)), call.attr("is_training", True)
    scale, mean, variance = call.inputs[2:5]

    def build() -> list[Tensor]:
        grad, x = (widened(call.last(t)) for t in call.inputs[:2])
        inverse = rsqrt(variance + epsilon)
        unit = (x - mean) * inverse
        to_scale, to_offset = reduce_sum(grad * unit, [0, 1, 2]), reduce_sum(grad, [0, 1, 2])
        if training:
            axes = [0, 1, 2]
            part = grad - reduce_mean(grad, axes) - unit * reduce_mean(grad * unit, axes)
            to_x = part * (scale * inverse)
        else:
            to_x = grad * (scale * inverse)
        empty = zeros([0], scale.dtype)
        return [cast(to_x, call.inputs[1].dtype), to_scale, to_offset, empty, empty]

    return _in_own_layout(call, build)


def _old_batch_norm(call: TfNode) -> Tensors:
    x, mean, variance, beta, gamma = call.inputs
    scale = gamma if call.attr("scale_after_normalization") else None
    epsilon = float(call.attr("variance_epsilon"))
    return call.build(lambda: batch_normalization(x, mean, variance, beta, scale, epsilon))


def _lrn_attributes(call: TfNode) -> tuple[int, float, float, float]:
    numbers = (float(call.attr(n, d)) for n, d in (("bias", 1.0), ("alpha", 1.0), ("beta", 0.5)))
    return (int(call.attr("depth_radius", 5)), *numbers)  # type: ignore[return-value]


def _lrn_grad(call: TfNode) -> Tensors:
    grad, x, y = call.inputs
    radius, bias, alpha, beta = _lrn_attributes(call)

    def build() -> Tensor:
        window = lrn.WindowSum(radius)
        s = bias + alpha * apply(window, square(x))
        return grad * pow(s, -beta) - 2.0 * alpha * beta * x * apply(window, grad * y / s)

    return call.build(build)


# resizing


def _resize(kind: type[resize.Resize]) -> Importer:
    def build(call: TfNode) -> Tensors:
        known = call.known(1)
        size = None if known is None else (int(known[0]), int(known[1]))
        op = kind(size, *_resize_flags(call))
        return call.add(op, *call.inputs[: 2 if known is None else 1])

    return build


def _resize_flags(call: TfNode) -> tuple[bool, bool]:
    return bool(call.attr("align_corners", False)), bool(call.attr("half_pixel_centers", False))


def _resize_grad(method: str) -> Importer:
    def build(call: TfNode) -> Tensors:
        op = resize.ResizeGrad(method, *_resize_flags(call))
        grad, original = call.inputs
        if method == "ResizeNearestNeighbor":
            batch, channels = grad.type.shape[::3] if grad.type.shape is not None else (None, None)
            known = call.known(1)
            if known is not None and batch is not None and channels is not None:
                shape = (batch, int(known[0]), int(known[1]), channels)
                original = apply(Full(TensorType(grad.dtype, shape), 0))
            else:
                around = shape_of(grad)
                whole = stack([around[0], original[0], original[1], around[3]])
                original = apply(Fill(), whole, zeros([], grad.dtype))
        return call.add(op, grad, original)

    return build


# blocks of pixels and images


def _blocks(function: Any) -> Importer:
    """SpaceToBatchND, or BatchToSpaceND: TensorFlow's form of a convolution with dilations."""

    def build(call: TfNode) -> Tensors:
        block = [int(n) for n in call.constant(1, "the blocks")]
        table = call.inputs[2]
        return call.build(lambda: function(call.x, block, table))

    return build


IMPORT: dict[str, Importer] = {
    "AvgPool": _pool(AvgPool),
    "AvgPool3D": _pool_3d(avg_pool3d),
    "AvgPoolGrad": _avg_pool_grad,
    "BatchNormWithGlobalNormalization": _old_batch_norm,
    "BatchToSpaceND": _blocks(batch_to_space_nd),
    "Conv2D": _conv,
    "Conv2DBackpropFilter": _conv_filter,
    "Conv2DBackpropInput": _conv_input,
    "Conv3D": _conv3d,
    "DepthwiseConv2dNative": _depthwise,
    "DepthwiseConv2dNativeBackpropFilter": _depthwise_filter,
    "DepthwiseConv2dNativeBackpropInput": _depthwise_input,
    "FusedBatchNorm": _batch_norm,
    "FusedBatchNormV2": _batch_norm,
    "FusedBatchNormV3": _batch_norm,
    "FusedBatchNormGrad": _batch_norm_grad,
    "FusedBatchNormGradV2": _batch_norm_grad,
    "FusedBatchNormGradV3": _batch_norm_grad,
    "L2Loss": same(loss.L2Loss()),
    "LRN": lambda call: call.same(lrn.LRN(*_lrn_attributes(call))),
    "LRNGrad": _lrn_grad,
    "LogSoftmax": same(LogSoftmax()),
    "MaxPool": _pool(MaxPool),
    "MaxPool3D": _pool_3d(max_pool3d),
    "MaxPoolGrad": _max_pool_grad,
    "ResizeArea": _resize(resize.ResizeArea),
    "ResizeBicubic": _resize(resize.ResizeBicubic),
    "ResizeBicubicGrad": _resize_grad("ResizeBicubic"),
    "ResizeBilinear": _resize(resize.ResizeBilinear),
    "ResizeBilinearGrad": _resize_grad("ResizeBilinear"),
    "ResizeNearestNeighbor": _resize(resize.ResizeNearestNeighbor),
    "ResizeNearestNeighborGrad": _resize_grad("ResizeNearestNeighbor"),
    "Softmax": same(Softmax()),
    "SoftmaxCrossEntropyWithLogits": same(SoftmaxCrossEntropyWithLogits()),
    "SpaceToBatchND": _blocks(space_to_batch_nd),
    "SparseSoftmaxCrossEntropyWithLogits": same(SparseSoftmaxCrossEntropyWithLogits()),
}
