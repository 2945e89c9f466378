"""Parts of filters that only ever lie over padding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from minigraph.ir.program import Instr, Value
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.array.slicing import Pad, StridedSlice
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad, Convolution
from minigraph.ops.window import Pair, reach
from minigraph.rewrite.driver import Rule
from minigraph.rewrite.pattern import Match, Pattern
from minigraph.rewrite.pipeline import RulePass

Trimmed: TypeAlias = "tuple[Convolution, list[Pair]]"


def _side(length: int, out: int, kernel: int, stride: int, dilation: int, before: int) -> tuple[Pair, Pair] | str:
    """The range of rows or columns of a filter that see the image in some window, and the padding they need."""
    tops = [p * stride - before for p in range(out)]
    seen = [r for r in range(kernel) if any(0 <= top + r * dilation < length for top in tops)]
    if not seen:
        return "the filter sees padding only"
    low, high = seen[0], seen[-1] + 1
    left = before - low * dilation
    right = (out - 1) * stride + reach(high - low, dilation) - length - left
    return ((low, high), (left, right)) if left >= 0 <= right else "the rest would need negative padding"


def _trim(instr: Instr, image: Sequence[int], w: Sequence[int], out: Sequence[int]) -> Trimmed | str:
    """The convolution with the smaller filter, and the ranges of its rows and columns that are left."""
    op = instr.op
    assert isinstance(op, Convolution)
    before = [first for first, _ in op.window(w).pads(image[1], image[2])]
    ranges, pads = [], []
    for i in range(2):
        found = _side(image[1 + i], out[1 + i], w[i], op.strides[i], op.dilations[i], before[i])
        if isinstance(found, str):
            return found
        ranges.append(found[0])
        pads.append(found[1])
    if ranges == [(0, w[0]), (0, w[1])]:
        return "all of the filter sees the image"
    return op.replace(padding=tuple(pads)), ranges


def _sliced(new: Rebuilder, w: Value, ranges: Sequence[Pair]) -> Value:
    return new.add(StridedSlice(tuple(("slice", low, high, None) for low, high in ranges)), w)


def _forward(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    x, w = found.root.inputs
    made = _trim(found.root, x.type.static, w.type.static, found.root.types[0].static)
    return made if isinstance(made, str) else [new.add(made[0], x, _sliced(new, w, made[1]))]


def _input_grad(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    w, delta = found.root.inputs
    made = _trim(found.root, found.root.types[0].static, w.type.static, delta.type.static)
    return made if isinstance(made, str) else [new.add(made[0], _sliced(new, w, made[1]), delta)]


def _filter_grad(found: Match, new: Rebuilder) -> Sequence[Value] | str:
    x, delta = found.root.inputs
    shape = found.root.types[0].static
    made = _trim(found.root, x.type.static, shape, delta.type.static)
    if isinstance(made, str):
        return made
    op, ranges = made
    op = op.replace(shape=(*(high - low for low, high in ranges), *shape[2:]))
    around = tuple((low, size - high) for (low, high), size in zip(ranges, shape, strict=False))
    return [new.add(Pad((*around, (0, 0), (0, 0))), new.add(op, x, delta))]


RULES: tuple[Rule, ...] = (
    Rule("trim_filter", Pattern(Conv2D), _forward),
    Rule("trim_filter_of_input_grad", Pattern(Conv2DInputGrad), _input_grad),
    Rule("trim_filter_grad", Pattern(Conv2DFilterGrad), _filter_grad),
)


@dataclass(frozen=True)
class TrimFilters(RulePass):
    """Removal of the parts of filters that lie over padding in every window.

    before      y = conv(x, w), where x is so small that some rows or columns of w never lie over it: of a 3×3 filter
                on an image of one pixel only the middle does. Its gradients, too
    after       conv(x, w'), where w' is the rest of w; ∂L/∂w is ∂L/∂w' with zeros around it
    conditions  the rest needs no negative padding
    formula     Σ_{r,s} x[p+r, q+s]·w[r,s] has no terms for rows r and columns s with p+r or q+s outside x for all p, q
    """

    name: str = field(default="trim_filters", init=False)
    rules: tuple[Rule, ...] = field(default=RULES, init=False, repr=False)


trim_filters = TrimFilters()
