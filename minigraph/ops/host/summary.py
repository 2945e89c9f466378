"""Summaries: numbers of a run as serialised `Summary` messages, which TensorBoard shows."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

from minigraph.core.dtypes import string, uint8
from minigraph.core.errors import DTypeError, EarlyShapeError, InvalidArgumentError
from minigraph.core.op import Op, Sample
from minigraph.core.protos import proto
from minigraph.core.types import TensorType, compatible, format_shape

_LARGEST = float(np.finfo(np.float64).max)
_FLAT = 1e-6  # an image whose largest number is below is left black, or grey


class SummaryOp(Op, abstract=True):
    """Gives one string: a serialised `Summary`. It runs on the host, after the plan."""

    differentiable = False

    def infer(self, *types: Any, **_: Any) -> tuple[TensorType, ...]:
        return (TensorType(string, ()),)

    def values(self, *arrays: Any, **_: Any) -> Iterable[Any]:
        """The `Summary.Value` messages."""
        raise NotImplementedError

    def forward(self, xp: Any, *arrays: Any, **_: Any) -> tuple[Any, ...]:
        message = proto("summary", "Summary")(value=self.values(*map(np.asarray, arrays)))
        return (_scalar(message.SerializeToString()),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()


def _scalar(text: bytes) -> np.ndarray:
    array = np.empty((), np.object_)
    array[()] = text
    return array


def _value(**fields: Any) -> Any:
    return proto("summary", "Summary").Value(**fields)


class ScalarSummary(SummaryOp):
    """One number."""

    tag: str

    def infer(self, values: TensorType) -> tuple[TensorType, ...]:
        _require_real("ScalarSummary", values)
        if not compatible(values.shape, ()):
            raise EarlyShapeError(f"a scalar summary takes one number, not shape {format_shape(values.shape)}")
        return super().infer()

    def values(self, array: np.ndarray) -> Iterable[Any]:
        if array.shape:
            raise InvalidArgumentError(f"a scalar summary takes one number, not shape {array.shape} (tag '{self.tag}')")
        yield _value(tag=self.tag, simple_value=float(array))


class HistogramSummary(SummaryOp):
    """How often numbers occur, counted in TensorFlow 1's buckets. InvalidArgumentError on NaN and infinity."""

    tag: str

    def infer(self, values: TensorType) -> tuple[TensorType, ...]:
        _require_real("HistogramSummary", values)
        return super().infer()

    def values(self, array: np.ndarray) -> Iterable[Any]:
        flat = array.ravel().astype(np.float64)
        bad = flat[~np.isfinite(flat)]
        if bad.size:
            kind = "Nan" if np.isnan(bad[0]) else "Infinity"
            raise InvalidArgumentError(f"{kind} in summary histogram for: {self.tag}")
        yield _value(tag=self.tag, histo=histogram(flat))


class ImageSummary(SummaryOp):
    """The first `max_images` of [N,H,W,C], C of 1, 3 or 4, as PNG. uint8, or floats, scaled for each image.

    Where all numbers are at least 0, the largest becomes 255; else 0 becomes 128, and the one farthest from it 1 or
    255. Pixels that are not finite become red, or white if there is one channel.
    """

    tag: str
    max_images: int

    def infer(self, images: TensorType) -> tuple[TensorType, ...]:
        if images.dtype is not uint8 and not images.dtype.is_floating:
            raise DTypeError(f"an image summary takes uint8 or floats, not {images.dtype.name}")
        if images.shape is not None and (len(images.shape) != 4 or images.shape[3] not in (None, 1, 3, 4)):
            raise EarlyShapeError(f"an image summary takes [N,H,W,C], C of 1, 3 or 4, not {format_shape(images.shape)}")
        return super().infer()

    def values(self, images: np.ndarray) -> Iterable[Any]:
        from PIL import Image

        for index, image in enumerate(images[: self.max_images]):
            tag = f"{self.tag}/image" if self.max_images == 1 else f"{self.tag}/image/{index}"
            pixels = image if image.dtype == np.uint8 else scale_image(image)
            buffer = io.BytesIO()
            Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
            height, width, channels = pixels.shape
            encoded = proto("summary", "Summary").Image(
                height=height, width=width, colorspace=channels, encoded_image_string=buffer.getvalue()
            )
            yield _value(tag=tag, image=encoded)


class MergeSummary(SummaryOp):
    """All values of several summaries."""

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        if any(t.dtype is not string for t in types):
            raise DTypeError("only summaries can be merged")
        return super().infer()

    def values(self, *summaries: np.ndarray) -> Iterable[Any]:
        seen: set[str] = set()
        for text in summaries:
            for value in proto("summary", "Summary").FromString(text.item()).value:
                if value.tag in seen:
                    raise InvalidArgumentError(f"Duplicate tag {value.tag} found in summary inputs")
                seen.add(value.tag)
                yield value


def _require_real(kind: str, values: TensorType) -> None:
    if values.dtype is string or values.dtype.is_bool:
        raise DTypeError(f"'{kind}' takes numbers, not {values.dtype.name}")


@cache
def _limits() -> np.ndarray:
    """The buckets' upper ends: 1e-12 times powers of 1.1 up to 1e20, the same below zero, and 0."""
    positive = [1e-12]
    while positive[-1] * 1.1 < 1e20:
        positive.append(positive[-1] * 1.1)
    positive.append(_LARGEST)
    return np.array([*(-v for v in reversed(positive)), 0.0, *positive])


def histogram(values: np.ndarray) -> Any:
    """A `HistogramProto` of finite float64 numbers; a run of empty buckets is one."""
    limits = _limits()
    counts = np.bincount(np.searchsorted(limits, values, side="right"), minlength=len(limits))
    last_of_run = np.append((counts[:-1] > 0) | (counts[1:] > 0), True)
    return proto("summary", "HistogramProto")(
        min=values.min() if values.size else _LARGEST,
        max=values.max() if values.size else -_LARGEST,
        num=values.size,
        sum=values.sum(),
        sum_squares=np.square(values).sum(),
        bucket_limit=limits[last_of_run],
        bucket=counts[last_of_run].astype(np.float64),
    )


def scale_image(image: np.ndarray) -> np.ndarray:
    """Floats [H,W,C] as uint8; see `ImageSummary`."""
    numbers = image.astype(np.float32)
    bad = np.any(~np.isfinite(numbers), axis=2)
    good = numbers[~bad]
    smallest, largest = (good.min(), good.max()) if good.size else (np.float32(0), np.float32(0))
    if smallest < 0:
        farthest, top, offset = max(abs(smallest), abs(largest)), 127, 128
    else:
        farthest, top, offset = largest, 255, 0
    scale = np.float32(0) if farthest < _FLAT else np.float32(top) / farthest
    pixels = np.where(bad[..., None], np.float32(0), numbers) * scale + np.float32(offset)
    out = pixels.astype(np.uint8)
    colour: Sequence[int] = (255, 0, 0, 255)
    out[bad] = colour[: image.shape[2]]
    return out
