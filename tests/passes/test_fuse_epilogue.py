"""The pass fuse_epilogue: what goes into a convolution or a matrix product, what does not and why, and the numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pass_text import check, check_missed, check_unchanged, run
from support.programs import after, kinds, program_of
from support.random_graphs import Case, evaluate

import minigraph as tf
from minigraph.backends.numpy import loop as loops
from minigraph.core.dtypes import as_dtype
from minigraph.core.op import REGISTRY
from minigraph.core.types import TensorType
from minigraph.ir.program import Program
from minigraph.ir.regions import Region
from minigraph.ops.nn.max_pool import MaxPool
from minigraph.passes.fuse_epilogue import FuseEpilogue, fuse_epilogue
from minigraph.passes.fuse_pointwise import fuse_pointwise

FUSE = ["fuse_pointwise", "fuse_epilogue"]

QUICK = settings(max_examples=60)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few rows."""
    monkeypatch.setattr(loops, "TARGET", 100)


def regions(program: Program) -> list[str]:
    return [repr(i.op) for i in program.instrs if isinstance(i.op, Region)]


def x45() -> Any:
    return tf.placeholder(tf.float32, [4, 5])


def convolved(x: Any, channels: int = 3, seed: int = 0) -> Any:
    filters = np.random.RandomState(seed).randn(3, 3, x.shape[3].value, channels).astype(np.float32)
    return tf.nn.conv2d(x, tf.Variable(filters), [1, 1, 1, 1], "SAME")


def test_bias_activation_and_residual_go_into_the_convolution() -> None:
    x = tf.placeholder(tf.float32, [2, 5, 6, 3])
    y = tf.nn.relu(tf.nn.bias_add(convolved(x), tf.Variable([1.0, 2.0, 3.0])) + x)
    program = after(program_of([y], [x]), fuse_pointwise, fuse_epilogue).program
    assert regions(program) == ["Epilogue(Conv2D+BiasAdd+AddV2+Relu)"]
    assert "Conv2D" not in kinds(program)


def test_of_two_convolutions_the_last_takes_the_other_in() -> None:
    x = tf.placeholder(tf.float32, [2, 5, 6, 3])
    y = tf.nn.relu(convolved(x) + convolved(x, seed=1))
    program = after(program_of([y], [x]), fuse_pointwise, fuse_epilogue).program
    assert regions(program) == ["Epilogue(Conv2D+AddV2+Relu)"]
    assert kinds(program).count("Conv2D") == 1


def test_a_matrix_product_takes_bias_and_activation() -> None:
    x = x45()
    y = tf.sigmoid(tf.matmul(x, tf.Variable(tf.ones([5, 7]))) + tf.Variable(tf.ones([7])))
    program = after(program_of([y], [x]), fuse_pointwise, fuse_epilogue).program
    assert regions(program) == ["Epilogue(MatMul+AddV2+Sigmoid)"]


def test_an_epilogue_of_another_dtype_has_room_for_the_product() -> None:
    x = x45()
    y = tf.cast(tf.matmul(x, tf.ones([5, 7])) > 3.0, tf.float32)
    z = tf.greater(tf.matmul(x, 2.0 * tf.ones([5, 7])), 3.0)
    feed = {x: np.random.RandomState(0).rand(4, 5).astype(np.float32)}
    with tf.Session(passes=FUSE) as session:
        assert "Epilogue(MatMul+Greater)" in regions(session.plan_for(z, feed)[0].program)
        np.testing.assert_array_equal(session.run(y, feed), (feed[x].sum(1, keepdims=True) > 3) * np.ones((4, 7)))
        np.testing.assert_array_equal(
            session.run(z, feed), (feed[x].sum(1, keepdims=True) > 1.5) & np.ones((4, 7), bool)
        )


@pytest.mark.usefixtures("small_blocks")
@QUICK
@given(batch=st.integers(1, 5), residual=st.booleans(), spread=st.booleans(), twice=st.booleans(), grad=st.booleans())
def test_random_epilogues_keep_their_values(batch: int, residual: bool, spread: bool, twice: bool, grad: bool) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 5, 6, 3])
        y = tf.nn.bias_add(convolved(x), tf.Variable([1.0, -2.0, 0.5]))
        if residual:
            y = y + tf.tanh(x)
        if spread:  # one number for each image
            y = y * tf.reduce_mean(x, [1, 2, 3], keepdims=True)
        y = tf.nn.relu(y)
        y = convolved(y, seed=3) * y if twice else tf.sigmoid(convolved(y, seed=2))
        fetches: list[Any] = [y, tf.matmul(tf.reshape(y, [-1, 90]), tf.ones([90, 4])) * 0.1]
        if grad:
            fetches += tf.gradients(tf.reduce_sum(fetches[1]), [x, *tf.trainable_variables()])
        feed = {x: np.random.RandomState(batch).randn(batch, 5, 6, 3).astype(np.float32)}
        case = Case(graph, fetches, feed, tf.global_variables_initializer())
    for a, b in zip(evaluate(case, optimize="O0"), evaluate(case, passes=FUSE), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * max(1.0, float(np.abs(a).max())))


def test_native_kernels_take_an_epilogue_to_the_bit() -> None:
    """What follows a pooling, a softmax, a normalisation or a reduction on LLVM, with one launch for the two."""
    pytest.importorskip("llvmlite")
    x, b = tf.placeholder(tf.float32, [None, 7, 5, 8]), tf.Variable(np.arange(8, dtype=np.float32) / 8 - 0.5)
    pooled = [tf.nn.max_pool(x, 3, 2, "SAME"), tf.nn.avg_pool(x, 3, 2, "VALID"), tf.nn.lrn(x), tf.nn.softmax(x)]
    reduced = [tf.reduce_max(x, [1, 2]), tf.reduce_min(x, [1, 2]), tf.reduce_mean(x, [1, 2])]
    ys = [tf.nn.relu(tf.nn.bias_add(p, b)) for p in pooled] + [tf.tanh(r + b) for r in reduced]
    for axes in ([3], [0, 1], [0, 2]):  # kept axes in front, between and behind
        kept = tf.reduce_max(x, axes, keepdims=True)
        ys.append(tf.tanh(kept * tf.Variable(tf.ones(kept.shape[1:].as_list())) + 0.5))
    feed = {x: np.random.RandomState(0).randn(2, 7, 5, 8).astype(np.float32)}
    found = []
    for passes in ([*FUSE], ["fuse_pointwise"]):
        with tf.Session(backend="llvm", passes=passes) as session:
            session.run(tf.global_variables_initializer())
            found.append(session.run(ys, feed))
            found.append(len(session.plan_for(ys, feed)[0].steps))
    with tf.Session(backend="llvm", passes=FUSE) as session:  # a scalar of a dtype that tiles do not know
        total = session.run(tf.square(tf.reduce_sum(tf.cast(x, tf.float64))), feed)
    np.testing.assert_allclose(total, feed[x].astype(float).sum() ** 2)
    for fused, plain in zip(found[0], found[2], strict=True):
        np.testing.assert_array_equal(fused, plain)
    assert (found[1], found[3]) == (10, 20)
    with tf.Session(backend="numpy", optimize="O0") as session:
        session.run(tf.global_variables_initializer())
        for fused, plain in zip(found[0], session.run(ys, feed), strict=True):
            np.testing.assert_allclose(fused, plain, rtol=1e-5, atol=1e-6)


# as text


POOL = """
    feed %x float32[2,4,4,3]
    %y = MaxPool(%x) {ksize=(2, 2), padding='VALID', strides=(2, 2)}
    %z = Relu(%y)
"""


def test_only_the_ops_that_a_backend_names_take_what_follows() -> None:
    named = FuseEpilogue(others=(MaxPool,))
    assert [type(i.op).__name__ for i in run(named, POOL + "return %z").program.instrs] == ["Feed", "Epilogue"]
    check_unchanged(fuse_epilogue, POOL + "return %z")
    check_missed(named, POOL + "return %z, %y.1", "its result has 2 readers")


MN = "feed %m float32[4,3]\nfeed %n float32[3,5]\n"


def test_a_pointwise_instruction_goes_into_the_product() -> None:
    check(
        fuse_epilogue,
        MN + "feed %b float32[5]\n%y = MatMul(%m, %n)\n%z = BiasAdd(%y, %b)\nreturn %z",
        MN
        + """
            feed %b float32[5]
            %z = Epilogue(%m, %n, %b) {
              feed %m float32[4,3]
              feed %n float32[3,5]
              feed %b float32[5]
              %y = MatMul(%m, %n)
              %z = BiasAdd(%y, %b)
              return %z
            }
            return %z
        """,
    )


def test_of_two_products_that_are_added_the_last_takes_the_other_in() -> None:
    outcome = run(
        fuse_epilogue, MN + "%a = MatMul(%m, %n)\n%e = Exp(%m)\n%b = MatMul(%e, %n)\n%z = AddV2(%a, %b)\nreturn %z"
    )
    assert regions(outcome.program) == ["Epilogue(MatMul+AddV2)"]
    region = outcome.program.instrs[-1]
    assert [type(v.instr.op).__name__ for v in region.inputs] == ["Exp", "Feed", "MatMul"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("%z = Exp(%y)\nreturn %z, %y", "its result has 2 readers"),
        ("%z = Mul(%y, %y)\nreturn %z", "its result has 2 readers"),
        ("return %y", "it is a result of the run"),
        (
            "%z = Loop(%y) {space=(4, 5)} {\nfeed %y float32[4,5]\n%s = Square(%y)\n%z = Sum(%s) {axis=(0, 1)}\n"
            "return %z\n}\nreturn %z",
            "Loop does not go through it element by element",
        ),
        ("%z = Softmax(%y)\nreturn %z", "Softmax does not go through it element by element"),
        ("feed %w float32[2,4,5]\n%z = Mul(%y, %w)\nreturn %z", "Mul does not go through it element by element"),
        ("%z = Exp(%y) ^%m\nreturn %z", "what follows has control inputs, or orders others"),
        ("%z = Exp(%y)\n%w = Exp(%m) ^%z\nreturn %z, %w", "what follows has control inputs, or orders others"),
        ("%z = Exp(%y)\n%w = Exp(%m) ^%y\nreturn %z, %w", "it has control inputs, or orders others"),
    ],
)
def test_why_there_is_no_epilogue(text: str, reason: str) -> None:
    check_missed(fuse_epilogue, MN + "%y = MatMul(%m, %n)\n" + text, reason)


def test_a_product_with_control_inputs_stays() -> None:
    text = MN + "%y = MatMul(%m, %n) ^%m\n%z = Exp(%y)\nreturn %z"
    check_missed(fuse_epilogue, text, "it has control inputs, or orders others")


def test_no_stateful_op_is_pointwise() -> None:
    """So that no condition has to keep one out of a region."""
    for kind in REGISTRY.values():
        for sample in kind.samples() if kind.stateful else ():
            arrays = [np.asarray(a) for a in sample.inputs]
            types = [TensorType(as_dtype(a.dtype), a.shape) for a in arrays if a.dtype != object]
            assert not sample.op.is_pointwise(types), kind.__name__
