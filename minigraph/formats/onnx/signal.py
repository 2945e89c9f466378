"""Importers of Fourier transforms, and of Col2Im, Det, MelWeightMatrix and TensorScatter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import TensorType
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.elementwise import like
from minigraph.ops.builder import apply


def _dft(call: OnnxNode) -> Result:
    """The transform of real [N,…,1] or complex [N,…,2] signals, as products with matrices of cosines and sines."""
    rank = call.rank()
    axis = call.integer(2, -2) if call.opset >= 20 else call.attr("axis", 1)
    axis %= rank
    inverse, half = bool(call.attr("inverse", 0)), bool(call.attr("onesided", 0))
    x = tf.transpose(call.x(), [*(a for a in range(rank) if a not in (axis, rank - 1)), axis, rank - 1])
    length = call.static_axes([axis])[axis]
    count = call.integer(1, 2 * (length - 1) if inverse and half else length)
    call.check_size(count, count)
    real = x[..., 0]
    imaginary = x[..., 1] if call.shape()[-1] == 2 else None
    if inverse and half:
        return _back(call, _inverse_half(real, imaginary, count), axis)
    real = _sized(real, length, count)
    imaginary = None if imaginary is None else _sized(imaginary, length, count)
    out = count // 2 + 1 if half else count
    return _back(call, tf.stack(_transformed(real, imaginary, count, out, inverse), -1), axis)


def _sized(x: Tensor, length: int, count: int) -> Any:
    """The last axis cut or filled with zeros to `count` elements."""
    if count <= length:
        return x[..., :count]
    return tf.pad(x, [[0, 0]] * ((x.type.rank or 1) - 1) + [[0, count - length]])


def _transformed(real: Any, imaginary: Any, count: int, out: int, inverse: bool) -> list[Any]:
    angles = 2 * np.pi * np.outer(np.arange(count), np.arange(out)) % (2 * np.pi * count) / count
    scale = 1 / count if inverse else 1.0
    sign = 1.0 if inverse else -1.0
    cosines, sines = (tf.constant((f(angles) * scale).astype(real.dtype.np_dtype)) for f in (np.cos, np.sin))
    re, im = _rows(real, cosines), like(real, sign) * _rows(real, sines)
    if imaginary is None:
        return [re, im]
    return [re - like(real, sign) * _rows(imaginary, sines), im + _rows(imaginary, cosines)]


def _inverse_half(real: Any, imaginary: Any, count: int) -> Any:
    """The real signal with these coefficients, of the frequencies from 0 to half the rate."""
    half = count // 2 + 1
    angles = 2 * np.pi * np.outer(np.arange(half), np.arange(count)) / count
    weights = np.full((half, 1), 2.0)
    weights[0] = 1
    if count % 2 == 0:
        weights[-1] = 1
    cosines, sines = (tf.constant((f(angles) * weights / count).astype(real.dtype.np_dtype)) for f in (np.cos, np.sin))
    found = _rows(real[..., :half], cosines)
    found = found if imaginary is None else found - _rows(imaginary[..., :half], sines)
    return tf.expand_dims(found, -1)


def _rows(x: Any, matrix: Tensor) -> Any:
    return tf.tensordot(x, matrix, [[(x.type.rank or 1) - 1], [0]])


def _back(call: OnnxNode, y: Any, axis: int) -> Any:
    rank = call.rank()
    order = [*(a for a in range(rank) if a not in (axis, rank - 1)), axis, rank - 1]
    return tf.transpose(y, [int(i) for i in np.argsort(order)])


def _stft(call: OnnxNode) -> Result:
    """The transforms of windowed frames: [N, frames, frequencies, 2]."""
    length, complex_ = call.static_axes([1])[1], call.shape()[-1] == 2
    step = call.integer(1)
    frame = call.static(2)[0] if call.has(2) else length
    frame = call.integer(3, frame)
    call.check_size(max(length, frame) // max(step, 1) + 1, frame)
    call.check_size(frame, frame)
    places = np.arange(0, length - frame + 1, step)[:, None] + np.arange(frame)
    frames = tf.gather(call.x(), tf.constant(places.astype(np.int32)), axis=1)
    if call.has(2):
        frames = frames * tf.reshape(call.x(2), [-1, 1])
    out = frame // 2 + 1 if call.attr("onesided", 1) and not complex_ else frame
    imaginary = frames[..., 1] if complex_ else None
    return tf.stack(_transformed(frames[..., 0], imaginary, frame, out, False), -1)


def _mel_weights(call: OnnxNode) -> Result:
    """Triangles on the mel scale: [frequencies, bands]."""
    bands, length, rate = map(call.integer, range(3))
    low, high = (float(np.ravel(call.array(i))[0]) for i in (3, 4))
    frequencies = length // 2 + 1
    call.check_size(frequencies, bands)
    call.check_count(bands)
    mels = np.linspace(0, bands + 2, bands + 2, endpoint=False)
    ends = [2595 * np.log10(1 + f / 700) for f in (low, high)]
    mels = mels * ((ends[1] - ends[0]) / len(mels)) + ends[0]
    bins = ((length + 1) * (700 * (10 ** (mels / 2595) - 1)) // rate).astype(int)
    out = np.zeros((frequencies, bands), np.float32)
    for band in range(bands):
        first, middle, last = bins[band : band + 3]
        if middle == first:
            out[middle, band] = 1
        else:
            out[first : middle + 1, band] = (np.arange(first, middle + 1) - first) / (middle - first)
        out[middle:last, band] = (last - np.arange(middle, last)) / max(last - middle, 1)
    return out


class OnnxDeterminant(Op):
    """The determinants of square matrices [...,M,M]."""

    differentiable = False
    on_host = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(x.dtype, None if x.shape is None else x.shape[:-2]),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (np.asarray(np.linalg.det(x)).astype(x.dtype),)

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return ()


def _columns_to_image(call: OnnxNode) -> Result:
    """Col2Im: the sum of blocks [N, C·block, positions] at their places in an image, by a scatter."""
    image, block = ([int(d) for d in np.ravel(call.array(i))] for i in (1, 2))
    rank = len(image)
    strides, dilations = (list(call.attr(n, [1] * rank)) for n in ("strides", "dilations"))
    pads = list(call.attr("pads", [0] * 2 * rank))
    n, rows, _ = call.static()
    channels = rows // int(np.prod(block))
    padded = [s + pads[i] + pads[i + rank] for i, s in enumerate(image)]
    counts = [(p - d * (k - 1) - 1) // t + 1 for p, d, k, t in zip(padded, dilations, block, strides, strict=True)]
    call.check_size(rank, *block, *counts)
    inside = np.stack([k.ravel() for k in np.indices(block)], -1) * dilations  # [block, rank]
    starts = np.stack([s.ravel() for s in np.indices(counts)], -1) * strides  # [positions, rank]
    places = (inside[:, None] + starts[None]).reshape(-1, rank)
    x = tf.transpose(tf.reshape(call.x(), [n * channels, -1]), (1, 0))
    found = tf.scatter_nd(tf.constant(places.astype(np.int32)), x, [*padded, n * channels])
    cut = found[tuple(slice(pads[i], pads[i] + s) for i, s in enumerate(image))]
    return tf.reshape(tf.transpose(cut, (rank, *range(rank))), [n, channels, *image])


def _tensor_scatter(call: OnnxNode) -> Result:
    """A cache with the rows of an update written behind its own. If it is circular, they go on at its start."""
    axis, shape = call.attr("axis", -2) % call.rank(), call.static()
    length, steps = shape[axis], call.static(1)[axis]
    order = [0, axis, *(a for a in range(1, len(shape)) if a != axis)]
    back = [int(i) for i in np.argsort(order)]
    cache, update = tf.transpose(call.x(0), order), tf.transpose(call.x(1), order)
    call.check_size(shape[0], steps)
    first = tf.cast(call.x(2), tf.int32) if call.has(2) else tf.zeros([shape[0]], tf.int32)
    places = tf.expand_dims(first, 1) + tf.constant(np.arange(steps, dtype=np.int32))
    places = tf.floormod(places, like(places, length)) if call.attr("mode", "linear") == "circular" else places
    batch = tf.constant(np.arange(shape[0], dtype=np.int32).reshape(-1, 1)) + tf.zeros_like(places)
    index, sizes = tf.stack([batch, places], -1), [shape[a] for a in order]
    hits = tf.scatter_nd(index, tf.ones_like(update), sizes)
    kept = tf.where(hits > like(hits, 0), tf.scatter_nd(index, update, sizes), cache)
    return tf.transpose(kept, back)


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "Col2Im": _columns_to_image,
    "DFT": _dft,
    "Det": lambda call: apply(OnnxDeterminant(), call.x()),
    "MelWeightMatrix": _mel_weights,
    "STFT": _stft,
    "TensorScatter": _tensor_scatter,
}
