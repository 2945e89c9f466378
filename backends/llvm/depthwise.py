"""Convolution with one filter a channel."""

from __future__ import annotations

import math

from minigraph.backends.llvm.builder import F32, Frame, Value, index, intrinsic, number
from minigraph.backends.llvm.native import Call, How, Native, always, ins, outs
from minigraph.backends.llvm.windows import TAPS, WindowWriter, load, store, windows_of
from minigraph.backends.numpy.common import Types
from minigraph.core.dtypes import float32
from minigraph.ops.conv2d import Conv2D


def conv2d(op: Conv2D, in_types: Types, out_types: Types, how: How) -> Native | None:
    """y = Σ over taps of x·w[tap], for float32; None where channels share filters."""
    x, w, y = in_types[0].static, in_types[1].static, out_types[0].static
    fits = w[2] == 1 and x[3] == w[3] and out_types[0].dtype is float32 and 0 not in (*x, *y)
    if not fits or op.dilations != (1, 1) or math.prod(w[:2]) > TAPS:
        return None

    def make() -> list[Call]:
        frame = Frame(3)
        writer = WindowWriter(windows_of(op.window(w), x, y), frame, True)
        with writer.windows() as pixel:
            b = frame.b

            def body(c: Value, width: int) -> None:
                total = none = number(F32, 0.0, width)
                for i, (tap, ok) in enumerate(pixel.taps):
                    value = load(frame, 0, b.add(tap, c), F32, width)
                    weight = load(frame, 1, b.add(index(i * w[3]), c), F32, width)
                    if ok is not None:
                        value, weight = b.select(ok, value, none), b.select(ok, weight, none)
                    total = intrinsic(b, "fma", value, weight, total)
                store(frame, 2, b.add(pixel.result, c), total, F32)

            writer.channels(body)
        return [Call(frame.text, "kernel", writer.tasks, (*ins(0, 1), *outs(0)))]

    return Native(always(make))
