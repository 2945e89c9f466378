"""Sequences and optional values, whose lengths are known at import, against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from support import onnx_runtime  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.onnx import NeedsConstantError, UnsupportedError, load  # noqa: E402

A, B = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones((1, 3), np.float32)


def model_of(text: str, opset: int = 18) -> Any:
    return onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> agraph {text}')


def run(model: Any, **given: Any) -> dict[str, Any]:
    """The outputs by name; tensors are fed, and elements of sequences, too."""
    with tf.Graph().as_default():
        parts = {n: [tf.placeholder(a.dtype, a.shape) for a in v] for n, v in given.items() if isinstance(v, list)}
        found = load(model, parts)
        feeds = {t: given[n] for n, t in found.inputs.items()}
        feeds |= {t: a for n, tensors in parts.items() for t, a in zip(tensors, given[n], strict=True)}
        with tf.Session(backend="numpy") as session:
            session.run(tf.global_variables_initializer())
            return session.run(found.outputs, feeds)


def check(text: str, **given: Any) -> dict[str, Any]:
    model = model_of(text)
    got = run(model, **given)
    wanted = onnx_runtime.evaluate(model, given)
    flat = [part for w in wanted for part in (w if isinstance(w, list) else [w])]
    for mine, theirs in zip(got.values(), flat, strict=True):
        assert np.shape(mine) == np.shape(theirs)
        np.testing.assert_array_equal(mine, theirs)
    return got


def test_construct_insert_erase_and_read() -> None:
    got = check(
        """(float[2,3] a, float[1,3] b) => (float[M,3] y, int64 n, float[K,3] z, seq(float[L,3]) s) {
            one = Constant <value = int64 {-1}> ()
            first = Constant <value = int64 {0}> ()
            two = SequenceConstruct (a, b)
            three = SequenceInsert (two, b, first)
            four = SequenceInsert (three, a)
            s = SequenceErase (four, one)
            n = SequenceLength (four)
            y = SequenceAt (four, one)
            z = ConcatFromSequence <axis = 0> (s)
        }""",
        a=A, b=B,
    )  # fmt: skip
    assert list(got) == ["y", "n", "z", "s[0]", "s[1]", "s[2]"]


@pytest.mark.parametrize("sizes", ["int64 {2}", "int64[2] {1, 3}", "int64 {4}"])
def test_split(sizes: str) -> None:
    check(
        f"""(float[2,4] x) => (seq(float[2,K]) s) {{
            n = Constant <value = {sizes}> ()
            s = SplitToSequence <axis = -1> (x, n)
        }}""",
        x=np.arange(8, dtype=np.float32).reshape(2, 4),
    )


@pytest.mark.parametrize(("keepdims", "shape"), [(0, "N,M"), (1, "N,M,K")])
def test_split_into_single_ones_and_stack(keepdims: int, shape: str) -> None:
    check(
        f"""(float[3,2] x) => (float[{shape}] y) {{
            s = SplitToSequence <axis = 0, keepdims = {keepdims}> (x)
            y = ConcatFromSequence <axis = 1, new_axis = 1> (s)
        }}""",
        x=np.arange(6, dtype=np.float32).reshape(3, 2),
    )


def test_a_sequence_as_input_and_a_map() -> None:
    """The map is spelled out by ONNX as a loop over a sequence; ONNX Runtime runs that."""
    text = """(seq(float[2,3]) s, float[2,3] a) => (seq(float[2,3]) y, seq(int64[2]) z) {
        y, z = SequenceMap <body = each (float[2,3] x, float[2,3] b) => (float[2,3] u, int64[2] v) {
            u = Mul (x, b)
            v = Shape (x)
        }> (s, a)
    }"""
    got = check(text, s=[A, -A, A + 1], a=A)
    assert [got[f"y[{i}]"].tolist() for i in range(3)] == [(A * A).tolist(), (-A * A).tolist(), ((A + 1) * A).tolist()]


LOOP = """(float[2] x, seq(float[2]) s, int64 steps) => (seq(float[2]) y, float[N,2] z) <float[2] weight = {1, 2}> {
    go = Constant <value = bool {1}> ()
    y, last, z = Loop (steps, go, s, x) <body = body (int64 i, bool c, seq(float[2]) t, float[2] v)
        => (bool d, seq(float[2]) u, float[2] w, float[2] before) {
        three = Constant <value = int64 {3}> ()
        d = Less (i, three)
        before = Identity (v)
        w = Add (v, weight)
        u = SequenceInsert (t, w)
    }>
}"""


def test_a_loop_over_a_sequence_is_unrolled() -> None:
    """Its condition ends it after four of ten steps; the body reads one weight, in every step the same."""
    model = model_of(LOOP)
    x, s = np.array([5, 6], np.float32), [np.zeros(2, np.float32)]
    wanted = onnx_runtime.evaluate(model, {"x": x, "s": s, "steps": np.array(10)})
    with tf.Graph().as_default(), pytest.raises(NeedsConstantError, match="steps"):
        load(model, {"s": s})
    with tf.Graph().as_default():
        found = load(model, {"s": s, "steps": np.array(10)})
        assert [v.name for v in tf.trainable_variables()] == ["weight:0"]
        with tf.Session(backend="numpy") as session:
            session.run(tf.global_variables_initializer())
            got = session.run(found.outputs, {found.inputs["x"]: x})
    assert [got[f"y[{i}]"].tolist() for i in range(5)] == [w.tolist() for w in wanted[0]]
    assert got["z"].tolist() == wanted[1].tolist()


def test_branches_with_sequences_need_a_known_condition() -> None:
    text = """(bool c, float[2] x) => (seq(float[2]) y) {
        y = If (c) <then_branch = yes () => (seq(float[2]) u) { u = SequenceConstruct (x, x) },
                    else_branch = no () => (seq(float[2]) v) { v = SequenceConstruct (x) }>
    }"""
    with tf.Graph().as_default(), pytest.raises(NeedsConstantError, match="depends on the inputs c"):
        load(model_of(text))
    for c, names in ((True, ["y[0]", "y[1]"]), (False, ["y[0]"])):
        with tf.Graph().as_default():
            assert list(load(model_of(text), {"c": np.array(c)}).outputs) == names


def test_optional_values() -> None:
    text = """(optional(float[2]) x, float[2] a) => (bool has, float[2] y) {
        has = OptionalHasElement (x)
        y = If (has) <then_branch = yes () => (float[2] u) { u = OptionalGetElement (x) },
                      else_branch = no () => (float[2] v) { v = Neg (a) }>
    }"""
    a, x = np.array([1, 2], np.float32), np.array([3, 4], np.float32)
    for value, wanted in ((x, [3, 4]), (None, [-1, -2])):
        with tf.Graph().as_default():
            found = load(model_of(text), {"x": value})
            with tf.Session(backend="numpy") as session:
                has, y = session.run(list(found.outputs.values()), {found.inputs["a"]: a})
        assert bool(has) == (value is not None)
        assert y.tolist() == wanted


def test_refused() -> None:
    for text, given, message in (
        ("(seq(float[2]) s) => (int64 n) { n = SequenceLength (s) }", {}, "'s' is not a tensor but sequence_type"),
        ("(float[2] x) => (int64 n) { n = SequenceLength (x) }", {}, "'x' is not a sequence"),
        ("(seq(float[2]) s) => (float[2] y) { y = Neg (s) }", {"s": [A]}, "'s' is a sequence"),
        ("(optional(float[2]) s) => (float[2] y) { y = OptionalGetElement (s) }", {"s": None}, "without a value"),
        (
            "(float[2] x) => (float[2] y) { n = Constant <value = int64 {2}> () s = SequenceConstruct (x, x)"
            " y = SequenceAt (s, n) }", {}, "'y' \\(SequenceAt\\): its attributes and inputs do not fit",
        ),
    ):  # fmt: skip
        with tf.Graph().as_default(), pytest.raises(UnsupportedError, match=message):
            load(model_of(text), given)
