"""Operators of signals, texts and images with importers of their own, against ONNX Runtime, NumPy or plain loops.

Tests `formats/onnx/signal.py`, `formats/onnx/einsum.py`, `formats/onnx/ngrams.py`, `formats/onnx/windows.py`,
`formats/onnx/bits.py` and `formats/onnx/sampling.py`.
"""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")
ml_dtypes = pytest.importorskip("ml_dtypes", reason="needs dtypes of 8 bits")

from support import onnx_runtime  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.onnx import UnsupportedError, load  # noqa: E402

Array = npt.NDArray[Any]


def node_model(kind: str, *arrays: Array, opset: int = 22, rank: int = 0, **attributes: Any) -> Any:
    """A model of one node, with inputs x0, x1, … and the output y. rank: of a float output that ONNX cannot infer."""
    make = onnx.helper.make_tensor_value_info
    number = onnx.helper.np_dtype_to_tensor_dtype
    infos = [make(f"x{i}", number(a.dtype), a.shape) for i, a in enumerate(arrays)]
    node = onnx.helper.make_node(kind, [i.name for i in infos], ["y"], **attributes)
    y = make("y", onnx.TensorProto.FLOAT, [None] * rank) if rank else onnx.helper.make_empty_tensor_value_info("y")
    graph = onnx.helper.make_graph([node], "g", infos, [y])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model)


def run(model: Any, *arrays: Array, fixed: tuple[int, ...] = ()) -> Array:
    with tf.Graph().as_default():
        found = load(model, {f"x{i}": arrays[i] for i in fixed})
        feeds = {t: arrays[int(n[1:])] for n, t in found.inputs.items()}
        with tf.Session(backend="numpy") as session:
            session.run(tf.global_variables_initializer())
            result: Array = session.run(found.outputs["y"], feeds)
    return result


def runtime(model: Any, *arrays: Array) -> Array:
    result: Array = onnx_runtime.evaluate(model, {f"x{i}": a for i, a in enumerate(arrays)})[0]
    return result


@pytest.mark.parametrize("onesided", [0, 1])
@pytest.mark.parametrize("windowed", [False, True])
def test_stft(onesided: int, windowed: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 23, 1)).astype(np.float32)
    window = np.hanning(7).astype(np.float32) if windowed else np.ones(7, np.float32)
    arrays = [x, np.array(3), window]
    found = run(node_model("STFT", *arrays, opset=17, rank=4, onesided=onesided), *arrays, fixed=(1,))
    frames = np.stack([x[:, s : s + 7, 0] * window for s in range(0, 17, 3)], 1)
    wanted = (np.fft.rfft if onesided else np.fft.fft)(frames)
    np.testing.assert_allclose(found[..., 0] + 1j * found[..., 1], wanted, atol=1e-5)


def test_stft_of_a_complex_signal() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 16, 2)).astype(np.float32)
    found = run(node_model("STFT", x, np.array(4), opset=17, rank=4), x, np.array(4), fixed=(1,))
    np.testing.assert_allclose(
        found[..., 0] + 1j * found[..., 1], np.fft.fft(x[..., 0] + 1j * x[..., 1])[:, None], atol=1e-5
    )


@pytest.mark.parametrize(("equation", "shapes"), [
    ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("iji->ji", [(3, 2, 3)]), ("iii->", [(3, 3, 3)]),
    ("...ii,ij->...j", [(2, 4, 3, 3), (3, 5)]),
])  # fmt: skip
def test_einsum_of_diagonals(equation: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [np.random.default_rng(0).normal(size=s).astype(np.float32) for s in shapes]
    found = run(node_model("Einsum", *arrays, equation=equation), *arrays)
    np.testing.assert_allclose(found, np.einsum(equation, *arrays), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mode", ["TF", "IDF", "TFIDF"])
@pytest.mark.parametrize("skips", [0, 2])
@pytest.mark.parametrize("shape", [(12,), (3, 9)])
def test_tfidf(mode: str, skips: int, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(len(shape)).integers(0, 4, shape)
    attributes = {
        "ngram_counts": [0, 2, 6], "ngram_indexes": [4, 0, 3, 1, 5], "pool_int64s": [1, 2, 1, 3, 0, 2, 1, 2, 3],
        "weights": [0.5, 2.0, 1.5, 3.0, 0.25], "min_gram_length": 1, "max_gram_length": 3,
    }  # fmt: skip
    model = node_model("TfIdfVectorizer", x, mode=mode, max_skip_count=skips, **attributes)
    np.testing.assert_allclose(run(model, x), runtime(model, x), rtol=1e-6)


def test_mel_weights_of_narrow_bands() -> None:
    """Several bands within one frequency."""
    arrays = [np.array(v) for v in (20, 32, 8000)] + [np.array(v, np.float32) for v in (0, 4000)]
    model = node_model("MelWeightMatrix", *arrays, rank=2)
    np.testing.assert_allclose(run(model, *arrays, fixed=tuple(range(5))), runtime(model, *arrays), rtol=1e-6)


def test_scan_with_a_batch() -> None:
    text = """<ir_version: 3, opset_import: ["": 8]> g (float[2,2] s, float[2,3,2] x)
        => (float[2,2] y, float[2,3,2] z) {
        y, z = Scan <num_scan_inputs = 1, directions = [1],
            body = b (float[2] a, float[2] n) => (float[2] c, float[2] d) { c = Add (a, n) d = Mul (c, n) }> ("", s, x)
    }"""
    model = onnx.parser.parse_model(text)
    s, x = np.ones((2, 2), np.float32), np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    wanted = onnx_runtime.evaluate(model, {"s": s, "x": x})
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:
        found = load(model)
        got = session.run(list(found.outputs.values()), {found.inputs["s"]: s, found.inputs["x"]: x})
    for mine, theirs in zip(got, wanted, strict=True):
        assert mine.tolist() == theirs.tolist()


@pytest.mark.parametrize("mode", ["up", "down", "nearest"])
@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_casts_to_powers_of_two(mode: str, dtype: Any) -> None:
    x = np.array([1, 1.1, 1.4, 1.6, 2, 3, 0.7, 0.25, 5, 100], dtype)
    model = node_model("Cast", x, opset=25, to=onnx.TensorProto.FLOAT8E8M0, round_mode=mode)
    exponents = {"up": np.ceil, "down": np.floor}.get(mode)
    exact = x.astype(np.float64)
    wanted = 2.0 ** exponents(np.log2(exact)) if exponents else x.astype(ml_dtypes.float8_e8m0fnu).astype(np.float64)
    assert run(model, x).astype(np.float64).tolist() == wanted.tolist()


def deformed(x: Array, w: Array, offset: Array, mask: Array, bias: Array, stride: int, dilation: int, pads: list[int],
             groups: int, parts: int) -> Array:  # fmt: skip
    """The definition, by a loop over each number that it adds up."""

    def at(n: int, c: int, y: float, z: float) -> float:
        total = 0.0
        for a, b in itertools.product(
            (int(np.floor(y)), int(np.floor(y)) + 1), (int(np.floor(z)), int(np.floor(z)) + 1)
        ):
            if 0 <= a < x.shape[2] and 0 <= b < x.shape[3]:
                total += x[n, c, a, b] * (1 - abs(y - a)) * (1 - abs(z - b))
        return total

    outputs, own, high, wide = w.shape
    out = np.zeros((len(x), outputs, *offset.shape[2:]))
    for n, o, i, j in np.ndindex(out.shape):
        total = float(bias[o])
        for c, p, q in np.ndindex(own, high, wide):
            channel = o // (outputs // groups) * own + c
            k = (channel // (x.shape[1] // parts) * high + p) * wide + q
            y = i * stride - pads[0] + p * dilation + offset[n, 2 * k, i, j]
            z = j * stride - pads[1] + q * dilation + offset[n, 2 * k + 1, i, j]
            total += w[o, c, p, q] * mask[n, k, i, j] * at(n, channel, y, z)
        out[n, o, i, j] = total
    return out


@pytest.mark.parametrize(
    ("stride", "dilation", "groups", "parts"), [(1, 1, 1, 1), (2, 1, 2, 1), (1, 2, 1, 2), (2, 2, 2, 4)]
)
def test_deformable_convolution(stride: int, dilation: int, groups: int, parts: int) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 4, 6, 5)), rng.normal(size=(2, 4 // groups, 3, 2))
    pads = [1, 0, 2, 1]
    sizes = [
        (n + pads[a] + pads[a + 2] - (k - 1) * dilation - 1) // stride + 1 for a, (n, k) in enumerate([(6, 3), (5, 2)])
    ]
    offset = rng.normal(size=(2, parts * 12, *sizes)) * 1.5
    mask, bias = rng.normal(size=(2, parts * 6, *sizes)), rng.normal(size=2)
    arrays = [a.astype(np.float32) for a in (x, w, offset, bias, mask)]
    model = node_model(
        "DeformConv",
        *arrays,
        strides=[stride] * 2,
        dilations=[dilation] * 2,
        pads=pads,
        group=groups,
        offset_group=parts,
    )
    wanted = deformed(x, w, offset, mask, bias, stride, dilation, pads, groups, parts)
    np.testing.assert_allclose(run(model, *arrays), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pixels", ["RGB", "BGR", "Grayscale"])
def test_image_decoder(pixels: str) -> None:
    image = pytest.importorskip("PIL.Image", reason="needs Pillow as the oracle")
    colours = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    file = io.BytesIO()
    image.fromarray(colours).save(file, "PNG")
    content = np.frombuffer(file.getvalue(), np.uint8)
    grey = np.asarray(image.fromarray(colours).convert("L"))[..., None]
    wanted = {"RGB": colours, "BGR": colours[..., ::-1], "Grayscale": grey}[pixels]
    model = node_model("ImageDecoder", content, pixel_format=pixels)
    assert run(model, content).tolist() == wanted.tolist()
    damaged = np.zeros_like(content)
    assert run(model, damaged).shape == (0, 0, wanted.shape[-1])


def test_dropout_in_training() -> None:
    """About a quarter is zero, the rest is scaled, the gradient is that of the same mask."""
    text = """<ir_version: 8, opset_import: ["": 17]> g (float[n] x) => (float[n] y, bool[n] m) {
        ratio = Constant <value = float {0.25}> ()
        training = Constant <value = bool {1}> ()
        y, m = Dropout <seed = 3> (x, ratio, training)
    }"""
    x = np.arange(1, 4001, dtype=np.float32)
    with tf.Graph().as_default():
        found = load(onnx.parser.parse_model(text))
        given = found.inputs["x"]
        slope = tf.gradients(found.outputs["y"], given)[0]
        with tf.Session(backend="numpy") as session:
            y, mask, g = session.run([found.outputs["y"], found.outputs["m"], slope], {given: x})
            again = session.run(found.outputs["m"], {given: x})
    assert abs(mask.mean() - 0.75) < 0.03
    np.testing.assert_allclose(y, np.where(mask, x / 0.75, 0), rtol=1e-6)
    np.testing.assert_allclose(g, np.where(mask, 1 / 0.75, 0), rtol=1e-6)
    assert (mask != again).any()


def test_refused() -> None:
    x, file = np.zeros(4, np.int64), np.zeros(4, np.uint8)
    strings = {"ngram_counts": [0], "ngram_indexes": [0], "pool_strings": ["a"], "min_gram_length": 1}
    for model, message in (
        (
            node_model("TfIdfVectorizer", x, mode="TF", max_skip_count=0, max_gram_length=1, **strings),
            "n-grams of strings",
        ),
        (node_model("ImageDecoder", file, pixel_format="YUV"), "'YUV' is unknown"),
    ):
        with tf.Graph().as_default(), pytest.raises(UnsupportedError, match=message):
            load(model)


@pytest.mark.parametrize("width", [40, 2000])
@pytest.mark.parametrize("fed", [False, True])
def test_integer_matrix_products_are_exact(width: int, fed: bool) -> None:
    """Weights that are known, some with rows whose sums float32 cannot hold exactly, and weights that are fed."""
    rng = np.random.default_rng(0)
    x, w = rng.integers(0, 256, (3, width)).astype(np.uint8), rng.integers(128, 256, (width, 5)).astype(np.uint8)
    arrays = [x, w, np.array(3, np.uint8), np.arange(5, dtype=np.uint8)]
    found = run(node_model("MatMulInteger", *arrays), *arrays, fixed=() if fed else (1, 3))
    wanted = (x.astype(np.int64) - 3) @ (w.astype(np.int64) - np.arange(5))
    assert found.dtype == np.int32
    assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_powers_of_integers_are_exact(dtype: str) -> None:
    bases, exponents = np.array([7, -7, 5, 3, 2, 0], dtype), np.array([9, 9, 13, 19, 30, 0])
    wanted = [int(b) ** int(e) for b, e in zip(bases, exponents, strict=True)]
    for kind in ("float32", "float64", "int64"):
        model = node_model("Pow", bases, exponents.astype(kind))
        assert run(model, bases, exponents.astype(kind)).tolist() == wanted
        assert runtime(model, bases, exponents.astype(kind)).tolist() == wanted


def test_casts_to_integers_out_of_range_are_those_of_onnx_runtime() -> None:
    numbers = np.array([np.nan, np.inf, -np.inf, 1e20, -1e20, 300.7, -1.5, 3e9, -3e9, 7e4, 255.9, 256, -129])
    with np.errstate(all="ignore"):
        for source, target in itertools.product(("float16", "float32", "float64"), ("int8", "uint8", "int16", "int64")):
            x = numbers.astype(source)
            model = node_model("Cast", x, to=onnx.helper.np_dtype_to_tensor_dtype(np.dtype(target)))
            np.testing.assert_array_equal(run(model, x), runtime(model, x))
