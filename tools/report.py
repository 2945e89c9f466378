"""The pictures of a training run, drawn with Pillow and written atomically as PNG."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from minigraph.tools.shared.data import Images
from minigraph.util.files import atomic_write

Colour = tuple[int, int, int]
Point = tuple[float, float]

_WHITE: Colour = (255, 255, 255)
_INK: Colour = (38, 42, 48)
_GREY: Colour = (118, 124, 134)
_LINE: Colour = (224, 227, 232)
_BLUE: Colour = (31, 104, 178)
_PALE_BLUE: Colour = (178, 206, 232)
_GREEN: Colour = (20, 130, 82)
_RED: Colour = (200, 40, 44)

_SCALE = 2  # everything is drawn this much larger than its layout says, for sharp screens
_COLUMNS = 10
_ROWS = 5
_WRONG_ROWS = 2
_DIGIT = 56  # side of a digit's picture, pixels before _SCALE
_CELL = (68, 80)
_MARGIN = 20


class _Canvas:
    """A white picture in layout pixels."""

    def __init__(self, width: float, height: float) -> None:
        self.image = Image.new("RGB", (round(width * _SCALE), round(height * _SCALE)), _WHITE)
        self._draw = ImageDraw.Draw(self.image)

    def text(self, at: Point, text: str, colour: Colour = _INK, size: int = 12, anchor: str = "la") -> None:
        self._draw.text((at[0] * _SCALE, at[1] * _SCALE), text, colour, _font(size * _SCALE), anchor=anchor)

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1) -> None:
        scaled = [(x * _SCALE, y * _SCALE) for x, y in points]
        self._draw.line(scaled, colour, max(1, round(width * _SCALE)), joint="curve")

    def frame(self, x: float, y: float, width: float, height: float, colour: Colour, thickness: float = 1) -> None:
        box = (x * _SCALE, y * _SCALE, (x + width) * _SCALE - 1, (y + height) * _SCALE - 1)
        self._draw.rectangle(box, outline=colour, width=round(thickness * _SCALE))

    def dot(self, at: Point, radius: float, colour: Colour) -> None:
        x, y = at[0] * _SCALE, at[1] * _SCALE
        r = radius * _SCALE
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour, outline=_WHITE, width=_SCALE)

    def paste(self, at: Point, pixels: NDArray[np.uint8], side: int) -> None:
        picture = Image.fromarray(pixels).resize((side * _SCALE,) * 2, Image.Resampling.BICUBIC)
        self.image.paste(picture, (round(at[0] * _SCALE), round(at[1] * _SCALE)))

    def save(self, path: str | os.PathLike[str]) -> None:
        with atomic_write(path) as file:
            self.image.save(file, "PNG", optimize=True)


@lru_cache
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def draw_predictions(
    path: str | os.PathLike[str],
    images: Images,
    predicted: NDArray[np.integer],
    actual: NDArray[np.integer],
    classes: Sequence[str],
) -> None:
    """Draw a grid of the first test images with predicted and actual class, then some misclassified ones.

    images: [M, side * side], grey from 0 (white) to 1, or [M, H, W, 3], colours from 0 to 1.
    predicted, actual: [M], indices into classes.
    """
    wrong = np.flatnonzero(predicted != actual)
    shown = np.arange(min(len(images), _COLUMNS * _ROWS))
    failures = wrong[: _COLUMNS * _WRONG_ROWS]
    count = "all" if len(failures) == len(wrong) else f"{len(failures)} of"
    sections = [(f"The first {len(shown)} test images: predicted / actual", shown)]
    if len(failures):
        sections.append((f"Wrong: {count} {len(wrong):,} among all {len(images):,} test images", failures))

    rows = [-(-len(indices) // _COLUMNS) for _, indices in sections]
    heading = 30
    height = 2 * _MARGIN + heading * len(sections) + _CELL[1] * sum(rows) + 8 * (len(sections) - 1)
    canvas = _Canvas(2 * _MARGIN + _COLUMNS * _CELL[0], height)
    top = float(_MARGIN)
    for (title, indices), used in zip(sections, rows, strict=True):
        canvas.text((_MARGIN + 6, top), title, size=14)
        for place, index in enumerate(indices):
            row, column = divmod(place, _COLUMNS)
            at = (_MARGIN + column * _CELL[0] + 6, top + heading + row * _CELL[1])
            _draw_digit(canvas, at, images[index], classes[predicted[index]], classes[actual[index]])
        top += heading + used * _CELL[1] + 8
    canvas.save(path)


def _draw_digit(canvas: _Canvas, at: Point, image: NDArray[np.float32], predicted: str, actual: str) -> None:
    pixels = as_pixels(image)
    canvas.paste(at, pixels, _DIGIT)
    right = predicted == actual
    canvas.frame(*at, _DIGIT, _DIGIT, _LINE if right else _RED, 1 if right else 2)
    below = (at[0] + _DIGIT / 2, at[1] + _DIGIT + 3)
    canvas.text(below, f"{predicted} / {actual}", _GREEN if right else _RED, 12, "ma")


def as_pixels(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture of a test image: flat and grey, from 0 (white) to 1, or [H, W, 3] from 0 to 1."""
    levels = np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
    if image.ndim == 3:
        return levels
    side = math.isqrt(image.size)
    return (255 - levels).reshape(side, side)


class _Axes(NamedTuple):
    """A plot's rectangle in layout pixels, and its ranges; y may be logarithmic."""

    left: float
    top: float
    width: float
    height: float
    x_end: float
    y_low: float
    y_high: float
    log: bool

    def place(self, x: float, y: float) -> Point:
        scale: Callable[[float], float] = math.log10 if self.log else float
        low, high = scale(self.y_low), scale(self.y_high)
        part = (scale(min(max(y, self.y_low), self.y_high)) - low) / (high - low)
        return self.left + x / self.x_end * self.width, self.top + (1 - part) * self.height


def draw_history(
    path: str | os.PathLike[str],
    loss: Sequence[float],
    accuracy: Sequence[float],
    test_loss: Sequence[float],
    test_accuracy: Sequence[float],
    steps_per_epoch: int,
) -> None:
    """Plot loss and accuracy by step: batches in a pale colour, their moving mean in full; test images as dots."""
    width, height, gap, left = 700.0, 220.0, 56.0, 64.0
    canvas = _Canvas(left + width + 24, 2 * height + gap + 84)
    epochs = max(len(loss) / steps_per_epoch, 1e-9)

    low, high, log = _loss_range([*loss, *test_loss])
    axes = _Axes(left, 36, width, height, epochs, low, high, log)
    scale = ", logarithmic" if log else ""
    title = f"Loss: of the batches (line) and on the test images (dots){scale}"
    _draw_axes(canvas, axes, title, _log_ticks(low, high) if log else None)
    _draw_curve(canvas, axes, loss, steps_per_epoch)
    _draw_dots(canvas, axes, test_loss, "{:.3g}")

    # Accuracy of a good model lies near 1, so the axis starts where most of the curve does.
    smooth = _moving_mean(accuracy, log=False)
    least = min([*smooth[len(smooth) // 10 :], *test_accuracy, 0.9])
    step = _round_step(1 - least)
    low = max(0.0, 1 - step * math.ceil((1 - least) / step))
    axes = _Axes(left, 36 + height + gap, width, height, epochs, low, 1.0, False)
    _draw_axes(canvas, axes, "Accuracy: of the batches (line) and on the test images (dots)", None)
    _draw_curve(canvas, axes, accuracy, steps_per_epoch)
    _draw_dots(canvas, axes, test_accuracy, "{:.4f}")
    canvas.text((left + width / 2, axes.top + height + 24), "epochs", _GREY, 12, "ma")
    canvas.save(path)


def _loss_range(loss: Sequence[float]) -> tuple[float, float, bool]:
    """The ends of the loss axis, and whether it is logarithmic."""
    positive = [value for value in loss if value > 0] or [1.0]
    low, high = min(positive), max(positive)
    if high > 20 * low:
        low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high) + 1e-9)
        return max(low, high / 1e8), high, True
    step = _round_step(high)
    return 0.0, step * math.ceil(high / step), False


def _draw_axes(canvas: _Canvas, axes: _Axes, title: str, ticks: list[float] | None) -> None:
    canvas.text((axes.left, axes.top - 8), title, size=14, anchor="ld")
    if ticks is None:
        step = _round_step(axes.y_high - axes.y_low)
        count = round((axes.y_high - axes.y_low) / step)
        ticks = [axes.y_low + i * step for i in range(count + 1)]
    for tick in ticks:
        y = axes.place(0, tick)[1]
        canvas.line([(axes.left, y), (axes.left + axes.width, y)], _LINE)
        canvas.text((axes.left - 8, y), _label(tick), _GREY, 11, "rm")
    step = max(_round_step(axes.x_end), 1) if axes.x_end >= 1 else _round_step(axes.x_end)
    for i in range(math.floor(axes.x_end / step + 1e-9) + 1):
        x = axes.place(i * step, axes.y_low)[0]
        canvas.line([(x, axes.top), (x, axes.top + axes.height)], _LINE)
        canvas.text((x, axes.top + axes.height + 6), f"{i * step:g}", _GREY, 11, "ma")


def _draw_curve(canvas: _Canvas, axes: _Axes, values: Sequence[float], steps_per_epoch: int) -> None:
    for curve, colour, width in (
        (values, _PALE_BLUE, 1.0),
        (_moving_mean(values, axes.log), _BLUE, 2.0),
    ):
        points = [axes.place((step + 1) / steps_per_epoch, value) for step, value in enumerate(curve)]
        if len(points) == 1:
            canvas.dot(points[0], 4, colour)
        else:
            canvas.line(points, colour, width)


def _draw_dots(canvas: _Canvas, axes: _Axes, values: Sequence[float], form: str) -> None:
    """A value of each epoch as a dot, with its number if there are not too many."""
    for epoch, value in enumerate(values, 1):
        x, y = axes.place(epoch, value)
        canvas.dot((x, y), 4.5, _RED)
        if len(values) <= 10:
            below = y < axes.top + 24
            canvas.text((x - 6, y + (9 if below else -9)), form.format(value), _RED, 11, "ra" if below else "rd")


def _moving_mean(values: Sequence[float], log: bool) -> list[float]:
    """Exponential moving mean, corrected for its start; geometric if log."""
    keep = 1 - 1 / min(max(len(values) / 15, 3), 50)
    result, total, weight = [], 0.0, 0.0
    for value in values:
        total = keep * total + (1 - keep) * (math.log(max(value, 1e-30)) if log else value)
        weight = keep * weight + (1 - keep)
        result.append(math.exp(total / weight) if log else total / weight)
    return result


def _round_step(span: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides span into about five parts."""
    if span <= 0:
        return 1.0
    power: float = 10 ** math.floor(math.log10(span / 5))
    return power * next(factor for factor in (1, 2, 5, 10) if factor * power >= span / 5 * 0.999)


def _label(tick: float) -> str:
    exact = f"{tick:.0e}".replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")
    return exact if tick and not 1e-3 <= tick < 1e5 else f"{tick:g}"


def _log_ticks(low: float, high: float) -> list[float]:
    first, last = round(math.log10(low)), round(math.log10(high))
    return [10.0**exponent for exponent in range(first, last + 1, max(1, (last - first) // 5))]
