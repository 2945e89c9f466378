"""Attributes shared by convolution and pooling: kernel, strides, dilations and padding along any number of axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from minigraph.core.graph import Tensor
from minigraph.core.types import Dim
from minigraph.formats.onnx.call import OnnxNode
from minigraph.ops.array.slicing import StridedSlice
from minigraph.ops.builder import apply
from minigraph.ops.window import explicit_padding, reach

Pairs = list[tuple[int, int]]


@dataclass(frozen=True)
class OnnxWindows:
    """Window attributes, one entry per image axis. pads: (before, after)."""

    kernel: list[int]
    strides: list[int]
    dilations: list[int]
    pads: Pairs

    @property
    def rank(self) -> int:
        return len(self.kernel)

    def taps(self, padded: Tensor, sizes: Sequence[int]) -> Iterator[Tensor]:
        """The slice of a padded [N,C,...] image that each kernel element reads. sizes: of the output."""
        for place in product(*map(range, self.kernel)):
            spec: list[tuple[Any, ...]] = [("slice", None, None, None)] * 2
            for at, d, s, size in zip(place, self.dilations, self.strides, sizes, strict=True):
                spec.append(("slice", at * d, at * d + (size - 1) * s + 1, s))
            yield apply(StridedSlice(tuple(spec)), padded)


def windows(call: OnnxNode, kernel: Sequence[int], lengths: Sequence[Dim]) -> OnnxWindows:
    """The windows of a node over an image whose axes have these lengths."""
    rank = len(kernel)
    strides, dilations = (list(call.attr(n, [1] * rank)) for n in ("strides", "dilations"))
    counts = [len(numbers) for numbers in (kernel, strides, dilations)]
    if counts != [len(lengths)] * 3 or any(n < 1 for n in (*kernel, *strides, *dilations)):
        call.unsupported(
            f"an image of {len(lengths)} axes needs as many positive numbers for kernel, strides and dilations, not "
            f"{list(kernel)}, {strides} and {dilations}"
        )
    auto = call.attr("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        pads = []
        for length, k, s, d in zip(lengths, kernel, strides, dilations, strict=True):
            if length is None:
                call.needs_shape(f"{auto} needs the size of the image, but it is {call.type()}")
            low, high = explicit_padding(length, k, s, d, "SAME")
            pads.append((high, low) if auto == "SAME_LOWER" else (low, high))
    else:
        flat = [0] * 2 * rank if auto == "VALID" else list(call.attr("pads", [0] * 2 * rank))
        if len(flat) != 2 * rank:
            call.unsupported(f"an image of {rank} axes needs {2 * rank} numbers in pads, not {flat}")
        pads = list(zip(flat[:rank], flat[rank:], strict=True))
    return OnnxWindows(list(kernel), strides, dilations, pads)


def output_sizes(call: OnnxNode, w: OnnxWindows, lengths: Sequence[Dim], ceil: bool) -> tuple[list[Dim], Pairs]:
    """The output's sizes, and the extra padding at the end for rounding up."""
    sizes: list[Dim] = []
    extra = []
    for i, length in enumerate(lengths):
        low, high = w.pads[i]
        span, stride = reach(w.kernel[i], w.dilations[i]), w.strides[i]
        if length is None:
            if ceil and stride > 1:
                call.needs_shape(f"ceil_mode needs the size of the image, but it is {call.type()}")
            sizes.append(None)
            extra.append((0, 0))
            continue
        extent = length + low + high - span
        size = (-(-extent // stride) if ceil else extent // stride) + 1
        if ceil and (size - 1) * stride >= length + low:
            size -= 1  # a window that starts in the padding behind the image is left out
        sizes.append(size)
        extra.append((0, max((size - 1) * stride - extent, 0)))
    return sizes, extra
