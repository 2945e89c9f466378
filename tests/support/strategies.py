"""Hypothesis strategies that several tests share."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from minigraph.ops.nn import conv2d as C

sizes = st.integers(1, 3)
pads = st.tuples(st.integers(0, 3), st.integers(0, 3))


@st.composite
def convolutions(draw: Any) -> tuple[C.Conv2D, tuple[int, ...], tuple[int, ...]]:
    """A convolution that fits, with explicit padding, and the shapes of image and filter."""
    kernel, strides, dilations = (draw(st.tuples(sizes, sizes)) for _ in range(3))
    padding = draw(st.tuples(pads, pads))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    least = [max(1, r - sum(p)) for r, p in zip(reach, padding, strict=True)]
    height, width = (draw(st.integers(n, n + 4)) for n in least)
    cases = [(1, 1, 1), (1, 1, 3), (1, 3, 2), (1, 5, 1), (2, 3, 2), (3, 1, 1), (2, 1, 2), (4, 1, 1)]
    groups, depth, fan = draw(st.sampled_from(cases))
    image = (draw(st.integers(0, 3)), height, width, groups * depth)
    return C.Conv2D(strides, padding, dilations, groups), image, (*kernel, depth, groups * fan)


@st.composite
def pools(draw: Any) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """Window, strides and padding of a pooling that fits, and the shape of the image."""
    kernel, strides = (draw(st.tuples(sizes, sizes)) for _ in range(2))
    padding = tuple(tuple(draw(st.integers(0, k - 1)) for _ in range(2)) for k in kernel)
    least = [max(1, k - sum(p)) for k, p in zip(kernel, padding, strict=True)]
    height, width = (draw(st.integers(n, n + 5)) for n in least)
    return (kernel, strides, padding), (draw(st.integers(0, 3)), height, width, draw(st.integers(1, 3)))
