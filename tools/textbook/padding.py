"""`minigraph explain-padding`: the positions of the windows of a convolution or a pooling along one axis."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from minigraph.core.errors import ShapeError
from minigraph.ops.window import Pair, explicit_padding, output_size, reach

WIDEST = 100  # columns of a drawing
MOST = 30  # windows in it


def explain(length: int, kernel: int, stride: int = 1, dilation: int = 1, padding: int | None = None) -> str:
    """The output sizes of VALID, of SAME and of `padding` elements on either side, with their arithmetic and drawings.

    The textbook formula (L − K + 2P)/S + 1 is exact only if it gives a whole number. Otherwise a program is not
    refused: the windows that fit are used, and the elements left over at the end are not read.
    """
    span = reach(kernel, dilation)
    lines = [f"{length} inputs, kernel {kernel}, stride {stride}" + (f", dilation {dilation}" if dilation > 1 else "")]
    if dilation > 1:
        lines.append(f"A window covers K = ({kernel} - 1)*{dilation} + 1 = {span} inputs.")
    lines += ["", *_formula(length, span, stride, padding or 0)]
    for name in ("VALID", "SAME"):
        lines += ["", *_section(name, length, kernel, stride, dilation, name)]
    if padding is not None:
        lines += ["", *_section(f"P = {padding}", length, kernel, stride, dilation, (padding, padding))]
    return "\n".join(lines)


def _formula(length: int, span: int, stride: int, padding: int) -> Iterator[str]:
    value = Fraction(length - span + 2 * padding, stride) + 1
    shown = str(value) if value.denominator == 1 else f"{float(value):.6g}"
    yield f"(L - K + 2P)/S + 1 = ({length} - {span} + 2*{padding})/{stride} + 1 = {shown}"
    if value.denominator != 1 and value > 0:
        yield "This is not a whole number, so the last window would end outside: it is left out, or padded (SAME)."


def _section(name: str, length: int, kernel: int, stride: int, dilation: int, padding: str | Pair) -> Iterator[str]:
    span = reach(kernel, dilation)
    try:
        out = output_size(length, kernel, stride, dilation, padding)
    except ShapeError:
        yield f"{name}: no output, for a window of {span} is longer than the {length} inputs"
        return
    assert out is not None
    before, after = explicit_padding(length, kernel, stride, dilation, padding)
    if padding == "VALID":
        yield f"VALID: ceil((L - K + 1)/S) = ceil(({length} - {span} + 1)/{stride}) = {_count(out, 'output')}"
    elif padding == "SAME":
        total = f"max((out - 1)*S + K - L, 0) = max({out - 1}*{stride} + {span} - {length}, 0) = {before + after}"
        yield f"SAME: ceil(L/S) = ceil({length}/{stride}) = {_count(out, 'output')}"
        yield f"  padding {total}: {before} before, {after} after (an odd one goes to the end)"
    else:
        rest = f"floor((L - K + 2P)/S) + 1 = floor(({length} - {span} + {before + after})/{stride}) + 1"
        yield f"{name}: {rest} = {_count(out, 'output')}"
    unread = length + before + after - ((out - 1) * stride + span)
    if unread > 0:
        yield f"  not read: the last {_count(unread, 'position')}"
    yield from _drawing(length, span, stride, dilation, out, before, after)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _drawing(length: int, span: int, stride: int, dilation: int, out: int, before: int, after: int) -> Iterator[str]:
    """A line for the inputs, "." for padding, followed by a line for each window, "#" for the elements it reads."""
    total = before + length + after
    last = (out - 1) * stride + span
    cell = len(str(max(length - 1, out - 1))) + 1
    if out > MOST or max(total, last) * cell + 8 > WIDEST:
        yield "  (too large to draw)"
        return
    numbers = [*("." * before), *map(str, range(length)), *("." * after)]
    yield "  input " + "".join(n.rjust(cell) for n in numbers)
    for window in range(out):
        marks = [" "] * total
        for position in range(window * stride, window * stride + span, dilation):
            marks[position] = "#"
        yield (f"  y[{window}]".ljust(8) + "".join(m.rjust(cell) for m in marks)).rstrip()
