"""Products of bytes, with each kind of instruction that processors have for them.

Tests `backends/llvm/integers.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.llvm import KERNELS

import minigraph as tf
from minigraph import quantization
from minigraph.backends.llvm import compiler
from minigraph.backends.llvm.team import TEAM
from minigraph.ops.nn.integer_products import IntegerConv2D, IntegerMatMul

Random = np.random.RandomState
WITHOUT = {16: ("+avx512vnni", "+avx512bw"), 8: ("+avx512vnni", "+avxvnni", "+avx2")}  # the best first
KINDS = [(lanes, known) for lanes, names in WITHOUT.items() for known in range(len(names) + 1)]


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]} lanes, without {kind[1]}")
def cpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor with fewer instructions than this one."""
    lanes, count = request.param
    found = compiler.host()
    lacks = WITHOUT[lanes][:count]
    given = found.features.split(",")
    if lanes > found.lanes or any(name not in given for name in WITHOUT[lanes][-1:]):
        pytest.skip("the processor has no such vectors")
    TEAM.start()  # its threads never leave their code, which must outlive this test's
    lesser = found._replace(features=",".join(f for f in given if f not in lacks), lanes=lanes)
    for name in ("builder", "compiler", "integers", "tile"):
        monkeypatch.setattr(f"minigraph.backends.llvm.{name}.host", lambda: lesser)
    monkeypatch.setattr(compiler, "_CODE", compiler._Code())


def whole(shape: tuple[int, ...], signed: bool, seed: int) -> Any:
    dtype = np.dtype(np.int8 if signed else np.uint8)
    values = Random(seed).randint(0, 256, shape).astype(np.uint8).view(dtype)
    values.reshape(-1)[:4] = np.iinfo(dtype).min, np.iinfo(dtype).max, np.iinfo(dtype).max, np.iinfo(dtype).min
    return values


def naive(image: Any, filters: Any, zero: int, stride: int, pad: int) -> Any:
    """The sums, window by window, in int64."""
    wide = np.pad(image.astype(np.int64) - zero, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    rows, columns = filters.shape[:2]
    height, width = (1 + (wide.shape[i] - k) // stride for i, k in ((1, rows), (2, columns)))
    out = np.zeros((len(image), height, width, filters.shape[3]), np.int64)
    for p in range(height):
        for q in range(width):
            part = wide[:, p * stride : p * stride + rows, q * stride : q * stride + columns]
            out[:, p, q] = np.tensordot(part, filters.astype(np.int64), 3)
    return out


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("image", "filters", "stride", "pad"),
    [
        ((2, 6, 5, 16), (3, 3, 16, 40), 1, 1),
        ((1, 9, 9, 3), (5, 4, 3, 18), 2, 2),
        ((3, 4, 7, 21), (1, 1, 21, 65), 1, 0),
        ((1, 6, 6, 8), (1, 1, 8, 9), 2, 0),
    ],
)
@pytest.mark.usefixtures("cpu")
def test_convolutions(signed: bool, image: Any, filters: Any, stride: int, pad: int) -> None:
    x, w = whole(image, signed, 0), whole(filters, True, 1)
    zero = -9 if signed else 130
    op = IntegerConv2D((stride, stride), ((pad, pad), (pad, pad)), zero=zero)
    (got,) = KERNELS.run(op, x, w)
    np.testing.assert_array_equal(got, naive(x, w, zero, stride, pad))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.usefixtures("cpu")
def test_products_of_matrices(transposed: bool) -> None:
    a, b = whole((17, 43), False, 0), whole((43, 50), True, 1)
    want = (a.astype(np.int64) - 7) @ b.astype(np.int64)
    (got,) = KERNELS.run(IntegerMatMul(transposed, 7), a, np.ascontiguousarray(b.T) if transposed else b)
    np.testing.assert_array_equal(got, want)


def _residual() -> tuple[Any, Any]:
    """A quantised convolution to which a quantised image is added."""
    x = tf.placeholder(tf.float32, [2, 7, 6, 19])
    scale, zero = np.float32(0.04), np.uint8(120)

    def quantized(y: Any) -> Any:
        return quantization.dequantize_linear(quantization.quantize_linear(y, scale, zero), scale, zero)

    w = Random(0).randint(-127, 128, (3, 3, 19, 19)).astype(np.int8)
    scales = Random(1).uniform(0.001, 0.01, 19).astype(np.float32)
    image = quantized(x)
    y = tf.nn.conv2d(image, quantization.dequantize_linear(w, scales, np.int8(0)), [1, 1, 1, 1], "SAME")
    return x, [quantized(tf.nn.relu6(quantized(y) + image)), quantized(y + 0.5 * image)]


@pytest.mark.usefixtures("cpu")
def test_epilogues_with_operands_of_several_dtypes() -> None:
    x, results = _residual()
    feed = {x: Random(3).normal(size=x.shape.as_list()).astype(np.float32)}
    found: dict[str, Any] = {}
    for backend in ("numpy", "llvm"):
        with tf.Session(backend=backend) as session:
            found[backend] = session.run(results, feed)
    for got, want in zip(found["llvm"], found["numpy"], strict=True):
        np.testing.assert_array_equal(got, want)


def test_a_large_image_of_few_channels() -> None:
    op = IntegerConv2D((1, 1), ((3, 3), (3, 3)), zero=5)
    x, w = whole((1, 224, 224, 3), False, 0), whole((7, 7, 3, 8), True, 1)
    (got,) = KERNELS.run(op, x, w)
    corner = naive(x[:, :12, :12], w, 5, 1, 3)[:, :8, :8]
    np.testing.assert_array_equal(got[:, :8, :8], corner)
