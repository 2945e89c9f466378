"""Loops, sequences and training with bfloat16: the results of the same model in float32, for exact numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")
ml_dtypes = pytest.importorskip("ml_dtypes", reason="needs ml_dtypes")

from support import onnx_runtime  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.onnx import load  # noqa: E402

LOOP = """(FLOAT[2] x, int64 steps) => (FLOAT[2] y, FLOAT[N,2] all) {
    one = Constant <value = float[1] {1.0}> ()
    w = CastLike (one, x)
    y, all = Loop (STEPS, , x) <body = step (int64 n, bool go, FLOAT[2] v) => (bool on, FLOAT[2] next, FLOAT[2] old) {
        on = Identity (go)
        old = Identity (v)
        twice = Add (v, v)
        next = Add (twice, w)
    }>
}"""
SCAN = """(FLOAT[3,2] x, FLOAT[2] s) => (FLOAT[2] y, FLOAT[3,2] all) {
    y, all = Scan (s, x) <num_scan_inputs = 1, body = step (FLOAT[2] a, FLOAT[2] b) => (FLOAT[2] sum, FLOAT[2] c) {
        sum = Add (a, b)
        c = Mul (sum, b)
    }>
}"""
MAP = """(FLOAT[3,2] x, FLOAT[2] s) => (FLOAT[3,2] y) {
    parts = SplitToSequence <axis = 0, keepdims = 0> (x)
    sums = SequenceMap (parts, s) <body = step (FLOAT[2] a, FLOAT[2] b) => (FLOAT[2] c) { c = Add (a, b) }>
    y = ConcatFromSequence <axis = 0, new_axis = 1> (sums)
}"""
SEQUENCE = """(FLOAT[2] x, FLOAT[3] s) => (FLOAT[3] y, FLOAT[5] z) {
    first = Constant <value = int64 {0}> ()
    one = SequenceConstruct (x)
    two = SequenceInsert (one, s, first)
    y = SequenceAt (two, first)
    z = ConcatFromSequence <axis = 0> (two)
}"""
ROWS, ROW, THREE = np.arange(6.0).reshape(3, 2), np.array([0.5, -2.0]), np.array([1.0, 2.0, 4.0])


def model_of(text: str) -> Any:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 18]> agraph {text}')


def run(model: Any, feeds: dict[str, Any]) -> list[Any]:
    with tf.Graph().as_default():
        found = load(model)
        with tf.Session(backend="numpy") as session:
            return session.run(list(found.outputs.values()), {found.inputs[n]: a for n, a in feeds.items()})


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (LOOP.replace("STEPS", "steps"), {"x": ROW, "steps": np.int64(3)}),
        (LOOP.replace(", int64 steps", "").replace("    y,", "    n = Constant <value = int64 {3}> ()\n    y,")
            .replace("STEPS", "n"), {"x": ROW}),
        (SCAN, {"x": ROWS, "s": ROW}),
        (MAP, {"x": ROWS, "s": ROW}),
        (SEQUENCE, {"x": ROW, "s": THREE}),
    ],
    ids=["loop", "counted loop", "scan", "map", "sequence"],
)  # fmt: skip
def test_as_in_float32(text: str, given: dict[str, Any]) -> None:
    feeds = {n: np.asarray(a, np.float32 if np.ndim(a) else np.int64) for n, a in given.items()}
    wanted = onnx_runtime.evaluate(model_of(text.replace("FLOAT", "float")), feeds)
    brain = ml_dtypes.bfloat16
    narrow = {n: a.astype(brain) if a.dtype == np.float32 else a for n, a in feeds.items()}
    got = run(model_of(text.replace("FLOAT", "bfloat16")), narrow)
    for mine, theirs in zip(got, wanted, strict=True):
        assert mine.dtype == brain
        np.testing.assert_array_equal(mine.astype(np.float32), theirs)


def test_dropout_in_training() -> None:
    text = """(bfloat16[n] x) => (bfloat16[n] y, bool[n] mask) {
        ratio = Constant <value = float {0.5}> ()
        training = Constant <value = bool {1}> ()
        y, mask = Dropout <seed = 3> (x, ratio, training)
    }"""
    x = np.arange(1, 201, dtype=np.float32).astype(ml_dtypes.bfloat16)
    y, mask = run(model_of(text), {"x": x})
    assert y.dtype == x.dtype
    assert 50 < mask.sum() < 150
    np.testing.assert_array_equal(y.astype(np.float32), np.where(mask, 2 * x.astype(np.float32), 0))


@pytest.mark.parametrize("kind", ["float8e5m2", "float8e4m3fn", "bfloat16"])
def test_floats_that_llvm_has_no_instructions_for_are_cast(kind: str) -> None:
    pytest.importorskip("llvmlite")
    named = {"float8e5m2": "float8_e5m2", "float8e4m3fn": "float8_e4m3fn"}.get(kind, kind)
    model = onnx.parser.parse_model(
        f'<ir_version: 9, opset_import: ["": 19]> g (float[n] x) => ({kind}[n] y)'
        f" {{ y = Cast <to = {getattr(onnx.TensorProto, kind.upper())}> (x) }}"
    )
    x = np.array([0.3, -1.7, 0.0, 9.0], np.float32)
    with tf.Graph().as_default(), tf.Session(backend="llvm") as session:
        found = load(model)
        (y,) = session.run(list(found.outputs.values()), {found.inputs["x"]: x})
    np.testing.assert_array_equal(y.astype(np.float32), x.astype(getattr(ml_dtypes, named)).astype(np.float32))
