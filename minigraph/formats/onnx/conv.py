"""Convolutions along one to three axes, and matrix products."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.core.types import Dim
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.elementwise import like
from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.quantise_export import dequantized_in
from minigraph.formats.onnx.shape import pad
from minigraph.formats.onnx.values import Last, OnnxValue
from minigraph.formats.onnx.windows import OnnxWindows, Pairs, windows
from minigraph.ops.builder import apply
from minigraph.ops.nn.conv2d import Conv2D, Conv2DBackpropInput, Conv2DInputGrad
from minigraph.ops.window import Window, reach

FILTER = (2, 3, 1, 0)  # from ONNX's [O,I,H,W] to [H,W,I,O]


def _conv(call: OnnxNode) -> Result:
    filters = call.static(1)
    w = windows(call, filters[2:], call.shape()[2:])
    bias = call.x(2) if call.has(2) else None
    y = convolve(call, call.value(0), call.value(1), w)
    return Last(y if bias is None else tf.nn.bias_add(y, bias))


def convolve(call: OnnxNode, image: OnnxValue, filters: OnnxValue, w: OnnxWindows) -> Tensor:
    """The convolution of an image [N,C,...] with filters [O,C/groups,...], channels last."""
    rank, groups = w.rank, call.attr("group", 1)
    if rank == 1:
        x = tf.expand_dims(image.form((0, 2, 1)), 1)
        kernel = tf.expand_dims(filters.form((2, 1, 0)), 0)
        op = Conv2D((1, w.strides[0]), ((0, 0), w.pads[0]), (1, w.dilations[0]), groups)
        return tf.squeeze(apply(op, x, kernel), [1])
    if rank == 2:
        op = Conv2D(tuple(w.strides), tuple(w.pads), tuple(w.dilations), groups)  # type: ignore[arg-type]
        return apply(op, image.form((0, 2, 3, 1)), filters.form(FILTER))
    if rank == 3:
        padded = pad(image.form((0, 2, 3, 4, 1)), [(0, 0), *w.pads, (0, 0)])
        return _grouped_conv3d(padded, filters.form((2, 3, 4, 1, 0)), w.strides, w.dilations, groups)
    return call.unsupported(f"an image has one to three axes, not {rank}")


def _grouped_conv3d(x: Tensor, kernel: Tensor, strides: Sequence[int], dilations: Sequence[int], groups: int) -> Tensor:
    """The convolution of a padded image [N,D,H,W,C] with filters [D,H,W,C/groups,O], one for each group."""

    def convolved(part: Tensor, own: Tensor) -> Tensor:
        return tf.nn.conv3d(part, own, [1, *strides, 1], "VALID", dilations=[1, *dilations, 1])

    if groups == 1:
        return convolved(x, kernel)
    parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1), strict=True)
    return tf.concat([convolved(*p) for p in parts], -1)


def _conv_transpose(call: OnnxNode) -> Result:
    """The gradient of a convolution with respect to its image."""
    kernel, lengths = call.static(1)[2:], call.shape()[2:]
    if None in lengths:
        call.needs_shape(f"the size of the image must be known, but it is {call.type()}")
    w, sizes = _transposed_windows(call, kernel, lengths)  # type: ignore[arg-type]
    channels = call.static(1)[1] * call.attr("group", 1)
    y = _stretched(call, w, sizes) if w.rank == 3 else _input_gradient(call, w, sizes, channels)
    return Last(tf.nn.bias_add(y, call.x(2)) if call.has(2) else y)


def _transposed_windows(call: OnnxNode, kernel: Sequence[int], lengths: Sequence[int]) -> tuple[OnnxWindows, list[int]]:
    rank = len(kernel)
    strides, dilations = (list(call.attr(n, [1] * rank)) for n in ("strides", "dilations"))
    extra = list(call.attr("output_padding", [0] * rank))
    flat = list(call.attr("pads", [0] * 2 * rank))
    pads: Pairs = list(zip(flat[:rank], flat[rank:], strict=True))
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    full = [s * (n - 1) + e + k for s, n, e, k in zip(strides, lengths, extra, spans, strict=True)]
    auto, wanted = call.attr("auto_pad", "NOTSET"), call.attr("output_shape", None)
    if wanted is None and auto in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [n * s for n, s in zip(lengths, strides, strict=True)]
    if wanted is not None:
        wanted = list(wanted)[-rank:]
        totals = [max(f - n, 0) for f, n in zip(full, wanted, strict=True)]
        pads = [(t // 2, t - t // 2) if auto == "SAME_UPPER" else (t - t // 2, t // 2) for t in totals]
    sizes = wanted or [f - a - b for f, (a, b) in zip(full, pads, strict=True)]
    return OnnxWindows(list(kernel), strides, dilations, pads), sizes


def _input_gradient(call: OnnxNode, w: OnnxWindows, sizes: list[int], channels: int) -> Tensor:
    strides, pads, dilations, out = w.strides, w.pads, w.dilations, sizes
    if w.rank == 1:
        x, kernel = tf.expand_dims(call.last(0), 1), tf.expand_dims(call.value(1).form((2, 1, 0)), 0)
        strides, pads, dilations, out = [1, *strides], [(0, 0), *pads], [1, *dilations], [1, *out]
    else:
        x, kernel = call.last(0), call.value(1).form(FILTER)
    attributes = tuple(strides), tuple(pads), tuple(dilations), call.attr("group", 1)
    batch: Dim = call.shape()[0]
    if batch is not None:
        y = apply(Conv2DInputGrad(*attributes, (batch, *out, channels)), kernel, x)  # type: ignore[arg-type]
    else:
        like_y = tf.fill(tf.stack([tf.shape(x)[0], *out, channels]), like(x, 0))
        y = apply(Conv2DBackpropInput(*attributes), like_y, kernel, x)  # type: ignore[arg-type]
    return tf.squeeze(y, [1]) if w.rank == 1 else y


def _stretched(call: OnnxNode, w: OnnxWindows, sizes: list[int]) -> Tensor:
    """Along three axes: insert zeros between the elements, then convolve with the flipped filters."""
    groups = call.attr("group", 1)
    x = call.x()
    for axis, stride in enumerate(w.strides, 2):
        if stride > 1:
            shape = [-1 if d is None else d for d in x.type.shape or ()]
            wide = tf.pad(tf.expand_dims(x, axis + 1), [[0, stride - 1 if i == axis + 1 else 0] for i in range(6)])
            x = tf.reshape(wide, [*shape[:axis], shape[axis] * stride, *shape[axis + 1 :]])
    margins = []
    lengths = zip(w.kernel, w.dilations, w.pads, sizes, (x.type.shape or ())[2:], strict=True)
    for k, d, (before, _), size, length in lengths:
        first = (k - 1) * d - before
        margins.append((first, size + (k - 1) * d - first - (length or 0)))
    turned = tf.reverse(tf.transpose(call.x(1), (2, 3, 4, 0, 1)), [0, 1, 2])
    turned = tf.concat(tf.split(turned, groups, 3), 4) if groups > 1 else turned
    padded = pad(tf.transpose(x, (0, 2, 3, 4, 1)), [(0, 0), *margins, (0, 0)])
    return _grouped_conv3d(padded, turned, [1] * 3, w.dilations, groups)


def _conv_integer(call: OnnxNode) -> Result:
    """Computed in float64, where sums of products of bytes are exact; rounded, as Winograd's method is not."""
    image, filters = (tf.cast(shifted(call, i, i + 2), tf.float64) for i in (0, 1))
    w = windows(call, call.static(1)[2:], call.shape()[2:])
    y = convolve(call, OnnxValue("", forms={None: image}), OnnxValue("", forms={None: filters}), w)
    return Last(tf.cast(tf.round(y), tf.int32))


def shifted(call: OnnxNode, index: int, zero_point: int) -> Any:
    """A quantised input minus its zero point, as int32."""
    x = tf.cast(call.x(index), tf.int32)
    if not call.has(zero_point):
        return x
    zero = tf.cast(call.x(zero_point), tf.int32)
    if zero.type.rank == 1 and index == 1 and call.rank(index) > 2:
        zero = tf.reshape(zero, [-1] + [1] * (call.rank(index) - 1))
    elif zero.type.rank == 1 and index == 0 and call.kind == "MatMulInteger":
        zero = tf.expand_dims(zero, -1)
    return x - zero


def multiply(call: OnnxNode, a: Tensor, b: Tensor) -> Tensor:
    """NumPy's matmul: a vector counts as a row on the left and as a column on the right."""
    left, right = a.type.rank == 1, b.type.rank == 1
    a = tf.expand_dims(a, 0) if left else a
    b = tf.expand_dims(b, -1) if right else b
    y = tf.matmul(a, b)
    axes = ([-2] if left else []) + ([-1] if right else [])
    return tf.squeeze(y, axes) if axes else y


def _matmul_integer(call: OnnxNode) -> Result:
    """Computed in floating point, as backends have fast matrix products only there: in float32 if the weights rule out
    sums above 2^24, else in float64. Both are then exact."""
    weights = _known_weights(call)
    if weights is None:
        kind, b = tf.float64, tf.cast(shifted(call, 1, 3), tf.float64)
    else:
        kind = tf.float32 if 255 * np.abs(weights).sum(0).max(initial=0) <= 2**24 else tf.float64
        b = tf.constant(weights.astype(kind.np_dtype))
    return tf.cast(multiply(call, tf.cast(shifted(call, 0, 2), kind), b), tf.int32)


def _known_weights(call: OnnxNode) -> Any:
    """A matrix on the right minus its zero points, as an int32 array; None if it is only known in a run."""
    if call.rank(1) != 2 or not all(call.value(i).known for i in (1, 3) if call.has(i)):
        return None
    array = call.array(1).astype(np.int32)
    return array - call.array(3).astype(np.int32) if call.has(3) else array


def _gemm(call: OnnxNode) -> Result:
    alpha, beta = call.attr("alpha", 1.0), call.attr("beta", 1.0)
    y = tf.matmul(call.x(0), call.x(1), bool(call.attr("transA", 0)), bool(call.attr("transB", 0)))
    y = y if alpha == 1 else _scaled(y, alpha)
    if not call.has(2):
        return y
    c = call.x(2)
    if beta == 1 and c.type.rank == 1 and y.dtype.is_floating and c.type.shape != (1,):
        return tf.nn.bias_add(y, c)
    return y + (c if beta == 1 else _scaled(c, beta))


def _scaled(x: Tensor, factor: float) -> Any:
    if x.dtype.is_floating:
        return x * like(x, factor)
    return tf.cast(tf.cast(x, tf.float64) * tf.constant(np.float64(factor)), x.dtype)


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "Conv": _conv,
    "ConvInteger": _conv_integer,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": lambda call: multiply(call, call.x(0), call.x(1)),
    "MatMulInteger": _matmul_integer,
}


def _filters(e: Emit, index: int) -> str:
    """Filters [H,W,I,O] in ONNX's layout [O,I,H,W]."""
    array = e.known(index)
    if array is not None:
        return e.sheet.constant(np.transpose(array, (3, 2, 0, 1)), e.inputs[index].node.name.removesuffix("/read"))
    dequantized = dequantized_in(Emit(e.sheet, e.inputs[index].node), (3, 2, 0, 1))
    return dequantized or e.add("Transpose", e.plain(index), perm=[3, 2, 0, 1])


def padding(e: Emit, w: Window, height: Dim, width: Dim) -> dict[str, Any]:
    """The padding as attributes: numbers if the image's size is known."""
    if height is None or width is None:
        if w.padding == "SAME":
            return {"auto_pad": "SAME_UPPER"}
        height = width = 0 if w.padding != "VALID" else 1
    (top, bottom), (left, right) = w.pads(height, width)
    return {"pads": [top, left, bottom, right]} if any((top, left, bottom, right)) else {}


def _conv_out(e: Emit) -> None:
    kernel = e.inputs[1].type.static
    w = e.op.window(kernel)
    y = e.add(
        "Conv",
        e.first(0),
        _filters(e, 1),
        kernel_shape=list(kernel[:2]),
        strides=list(w.strides),
        dilations=list(w.dilations),
        group=e.op.groups,
        **padding(e, w, *(e.inputs[0].type.shape or ())[1:3]),
    )
    e.give_first(y)


def _conv_transpose_out(e: Emit) -> None:
    """Export a transposed convolution; the last two inputs are the filters and the gradient."""
    index = len(e.inputs) - 2
    kernel, image, out = e.inputs[index].type.static, e.inputs[-1].type.shape or (), e.out.shape or ()
    sizes, lengths = out[1:3], image[1:3]
    if not lengths or None in (*sizes, *lengths, *out[3:]):
        e.unsupported("the size of the image must be known")
    w, grad = e.op.window(kernel), e.first(-1)
    e.give_first(transposed(e, grad, _filters(e, index), w, sizes, lengths, e.op.groups))  # type: ignore[arg-type]


def transposed(
    e: Emit, image: str, filters: str, w: Window, sizes: Sequence[int], lengths: Sequence[int], groups: int
) -> str:
    """A transposed convolution. lengths, sizes: of the image, and of the result."""
    pads = w.pads(sizes[0], sizes[1])
    spare = [
        sizes[i] + sum(pads[i]) - (lengths[i] - 1) * w.strides[i] - reach(w.kernel[i], w.dilations[i]) for i in (0, 1)
    ]
    return e.add(
        "ConvTranspose",
        image,
        filters,
        kernel_shape=list(w.kernel),
        strides=list(w.strides),
        dilations=list(w.dilations),
        group=groups,
        pads=[pads[0][0], pads[1][0], pads[0][1], pads[1][1]],
        output_padding=spare,
    )


def _matmul_out(e: Emit) -> None:
    names = [_turned(e, 0, e.op.transpose_a), _turned(e, 1, e.op.transpose_b)]
    e.give(e.add("MatMul", *names))


def _turned(e: Emit, index: int, turn: bool) -> str:
    if not turn:
        return e.plain(index)
    array = e.known(index)
    if array is not None:
        return e.constant(np.swapaxes(array, -1, -2), f"transposed_{index}")
    rank = e.inputs[index].type.rank
    if rank is None:
        e.unsupported(f"the rank of input {index} must be known")
    return e.add("Transpose", e.plain(index), perm=[*range(rank - 2), rank - 1, rank - 2])


EXPORT: dict[str, Callable[[Emit], None]] = {
    "BatchMatMulV2": _matmul_out,
    "Conv2D": _conv_out,
    "Conv2DBackpropInput": _conv_transpose_out,
    "Conv2DInputGrad": _conv_transpose_out,
    "MatMul": _matmul_out,
}
