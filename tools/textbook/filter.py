"""`minigraph filter`: applies filters, built as graphs, to image files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

import minigraph as tf
from minigraph import filters as F
from minigraph.core.errors import InvalidArgumentError
from minigraph.tools.textbook.pixels import Pixels, as_grey, as_image, check_format, read_picture, write_picture

TILE, GAP, CAPTION = 256, 8, 14  # of a contact sheet, in pixels


@dataclass(frozen=True)
class FilterOptions:
    """The command line's options for a filter; None if not given. border: "replicate" or "shrink" for the median,
    otherwise as in `minigraph.filters`."""

    size: int | None = None
    sigma: float | None = None
    amount: float | None = None
    variance: float | None = None
    low: float | None = None
    high: float | None = None
    border: str | None = None

    def given(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if v is not None}


Build = Callable[..., tf.Tensor]


@dataclass(frozen=True)
class Kind:
    """A filter: its description, its function of images and the named options, and how its result is shown."""

    summary: str
    build: Build
    options: tuple[str, ...] = ("border",)
    show: Callable[[Any], Any] = lambda result: result


def _identity(images: Any, border: F.Border = "symmetric") -> tf.Tensor:
    return F.convolve(images, F.identity_kernel(), border)


def _canny(images: Any, **options: Any) -> tf.Tensor:
    """One edge map, of the grey levels: edges of each colour by itself would be pixels of eight colours."""
    colours = images.shape.as_list()[-1]
    return F.canny(images if colours == 1 else tf.image.rgb_to_grayscale(images), **options)


def _wiener(images: Any, variance: float | None = None, **options: Any) -> tf.Tensor:
    return F.wiener(images, noise=variance, **options)


KINDS: dict[str, Kind] = {
    "identity": Kind("the image itself", _identity),
    "mean": Kind("mean of the window", F.mean, ("size", "border")),
    "median": Kind("median of the window", F.median, ("size", "border")),
    "gaussian": Kind("Gaussian blur", F.gaussian, ("sigma", "size", "border")),
    "high-pass": Kind(
        "image minus blur, around mid-grey", F.high_pass, ("sigma", "size", "border"), lambda result: result + 128.0
    ),
    "sharpen": Kind("image plus high-pass", F.sharpen, ("sigma", "size", "amount", "border")),
    "gradient": Kind("magnitude of central differences", F.gradient),
    "sobel": Kind("magnitude of the Sobel gradient", F.sobel),
    "canny": Kind(
        "edges of the grey levels",
        _canny,
        ("sigma", "low", "high", "border"),
        lambda result: tf.cast(result, tf.float32) * 255.0,
    ),
    "wiener": Kind("Wiener's filter against noise", _wiener, ("size", "variance", "border")),
}


@dataclass(frozen=True)
class Noise:
    """kind: "gaussian" (amount: variance, in grey levels squared) or "salt-pepper" (amount: fraction of pixels)."""

    kind: str
    amount: float


def parse_noise(text: str) -> Noise:
    """Parse `gaussian:VARIANCE` or `salt-pepper:FRACTION`. Raises ValueError otherwise."""
    kind, _, amount = text.partition(":")
    try:
        number = float(amount)
    except ValueError:
        number = math.nan
    most = {"gaussian": math.inf, "salt-pepper": 1.0}.get(kind, -1.0)
    if not (0 <= number <= most and math.isfinite(number)):
        raise ValueError(f"expected gaussian:VARIANCE or salt-pepper:FRACTION, such as gaussian:100, got {text}")
    return Noise(kind, number)


def check_options(kind: str, options: FilterOptions) -> None:
    """Raise InvalidArgumentError for an option that the filter does not take."""
    known = KINDS[kind].options
    for name in options.given():
        if name not in known:
            having = ", ".join(k for k, v in KINDS.items() if name in v.options)
            raise InvalidArgumentError(f"--{name} has no effect on {kind}; it is for {having}")


class Filtering:
    """A picture, with noise if requested, and its filters, in one graph and one session."""

    def __init__(self, picture: Pixels, noise: Noise | None, seed: int, backend: str | None) -> None:
        self.picture = picture
        self.graph = tf.Graph()
        self.session = tf.Session(graph=self.graph, backend=backend)
        with self.graph.as_default():
            self.images = tf.placeholder(tf.float32, [1, *picture.levels.shape], name="images")
            self.source = self.images if noise is None else self._noisy(noise, seed)
            start = tf.clip_by_value(self.source, 0.0, 255.0)
        self.start: np.ndarray[Any, Any] = self.session.run(start, {self.images: picture.levels[None]})

    def _noisy(self, noise: Noise, seed: int) -> tf.Tensor:
        if noise.kind == "gaussian":
            return F.add_gaussian_noise(self.images, noise.amount, seed)
        return F.add_salt_and_pepper(self.images, noise.amount, seed=seed)

    def run(self, wanted: Mapping[str, FilterOptions]) -> list[Pixels]:
        """The picture after each kind of filter, with its alpha. Raises InvalidArgumentError if one cannot apply."""
        try:
            with self.graph.as_default():
                results = [KINDS[k].show(KINDS[k].build(self.images, **o.given())) for k, o in wanted.items()]
        except ValueError as error:
            raise InvalidArgumentError(str(error)) from None
        levels = self.session.run(results, {self.images: self.start})
        return [replace(self.picture, levels=each[0]) for each in levels]


def filter_file(
    path: Path, kind: str, out: Path, options: FilterOptions, noise: Noise | None, seed: int, backend: str | None,
    max_pixels: int, grey: bool = False,
) -> None:  # fmt: skip
    """Filter an image file and write the result. grey: of its grey levels, without its colours."""
    check_options(kind, options)
    check_format(out)
    picture = _read(path, max_pixels, grey)
    form = check_format(out, picture)
    (result,) = Filtering(picture, noise, seed, backend).run({kind: options})
    write_picture(out, as_image(result), form)


def _read(path: Path, max_pixels: int, grey: bool) -> Pixels:
    picture = read_picture(path, max_pixels)
    return as_grey(picture) if grey else picture


def contact_sheet(
    path: Path, out: Path, options: FilterOptions, noise: Noise | None, seed: int, backend: str | None,
    max_pixels: int, grey: bool = False,
) -> None:  # fmt: skip
    """Write one picture with the results of all filters; each takes the options that it supports."""
    form = check_format(out)
    picture = replace(_read(path, max_pixels, grey), alpha=None)
    wanted = {}
    for name, kind in KINDS.items():
        known = kind.options if name != "median" else ("size",)  # its borders are others
        wanted[name] = FilterOptions(**{k: v for k, v in options.given().items() if k in known})
    results = Filtering(picture, noise, seed, backend).run(wanted)
    write_picture(out, _sheet(list(zip(wanted, results, strict=True))), form)


def _sheet(tiles: list[tuple[str, Pixels]]) -> Image.Image:
    images = [as_image(replace(p, deep=False)).convert("RGB") for _, p in tiles]
    scale = min(1.0, TILE / max(images[0].size))
    width, height = (max(1, round(n * scale)) for n in images[0].size)
    cell = max(width, 6 * max(len(name) for name, _ in tiles)) + GAP, height + CAPTION + GAP
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * cell[0] + GAP, rows * cell[1] + GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for i, ((name, _), image) in enumerate(zip(tiles, images, strict=True)):
        left, top = GAP + i % columns * cell[0], GAP + i // columns * cell[1]
        sheet.paste(image.resize((width, height)), (left, top + CAPTION))
        draw.text((left, top), name, fill="black")
    return sheet
