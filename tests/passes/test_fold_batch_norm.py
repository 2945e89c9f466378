"""Batch normalisation at inference goes into the filter before it; what stops that, and the numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.networks import max_pool
from support.networks import normalised as normalised_convolution
from support.pass_text import check, check_missed, program
from support.programs import after, kinds, program_of

import minigraph as tf
from minigraph.ir.parser import ProgramSyntaxError
from minigraph.passes.constant_folding import constant_folding
from minigraph.passes.fold_batch_norm import fold_batch_norm
from minigraph.passes.simplify import simplify

QUICK = settings(max_examples=40)


def variable(shape: list[int], seed: int, positive: bool = False) -> Any:
    values = np.random.RandomState(seed).randn(*shape)
    return tf.Variable((np.abs(values) + 0.5 if positive else values).astype(np.float32))


def normalised(x: Any, channels: int = 4, seed: int = 10) -> Any:
    mean, offset, scale = (variable([channels], seed + i) for i in range(3))
    return tf.nn.batch_normalization(x, mean, variable([channels], seed + 3, positive=True), offset, scale, 1e-3)


def convolved(x: Any, filters: Any) -> Any:
    return tf.nn.conv2d(x, filters, [1, 1, 1, 1], "SAME")


def image() -> Any:
    return tf.placeholder(tf.float32, [2, 6, 5, 3])


def dense(x: Any) -> Any:
    return tf.matmul(tf.reshape(x, [2, 90]), variable([90, 4], 1))


ROOTS: dict[str, Callable[[Any], Any]] = {
    "convolution": lambda x: convolved(x, variable([3, 3, 3, 4], 1)),
    "with a bias": lambda x: tf.nn.bias_add(convolved(x, variable([3, 3, 3, 4], 1)), variable([4], 2)),
    "with an added bias": lambda x: convolved(x, variable([3, 3, 3, 4], 1)) + variable([4], 2),
    "matrix product": dense,
}
FORMS: dict[str, Callable[[Any], Any]] = {
    "batch_normalization": normalised,
    "no offset": lambda y: tf.nn.batch_normalization(
        y, variable([4], 5), variable([4], 6, positive=True), None, variable([4], 7), 1e-3
    ),
    "written out": lambda y: variable([4], 5) * ((y - variable([4], 6)) / tf.sqrt(variable([4], 7, True))) + 0.5,
    "keeping its axes": lambda y: y * variable([1] * (len(y.shape) - 1) + [4], 5) - variable([4], 6),
    "one number": lambda y: 0.25 * y,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("root", ROOTS)
def test_nothing_but_the_root_and_a_bias_is_left_of_what_works_on_the_batch(root: str, form: str) -> None:
    x = image()
    y = FORMS[form](ROOTS[root](x))
    outcome = after(program_of([y], [x]), constant_folding, simplify, fold_batch_norm)
    assert outcome.applied
    rows = y.shape.as_list()
    large = [type(i.op).__name__ for i in outcome.program.instrs if i.types and i.types[0].shape == tuple(rows)]
    contraction = "MatMul" if root == "matrix product" else "Conv2D"
    plain = form == "one number" and root in ("convolution", "matrix product")
    assert large == ([contraction] if plain else [contraction, "BiasAdd"])

    feed = {x: np.random.RandomState(0).randn(2, 6, 5, 3).astype(np.float32)}
    found = {}
    for level in ("O0", "O3"):
        with tf.Session(optimize=level, debug=level == "O3") as session:
            session.run(tf.global_variables_initializer())
            found[level] = session.run(y, feed)
    assert np.linalg.norm(found["O0"] - found["O3"]) <= 1e-5 * np.linalg.norm(found["O0"])


def test_statistics_of_the_batch_are_not_folded() -> None:
    x = image()
    y = convolved(x, variable([3, 3, 3, 4], 1))
    mean, var = tf.nn.moments(y, [0, 1, 2])
    outcome = after(program_of([tf.nn.batch_normalization(y, mean, var, None, None, 1e-3)], [x]), fold_batch_norm)
    assert not outcome.applied


def test_a_step_that_trains_the_scale_is_not_folded() -> None:
    x = image()
    y = normalised(convolved(x, variable([3, 3, 3, 4], 1)))
    gradients = tf.gradients(tf.reduce_sum(tf.square(y)), tf.trainable_variables())
    outcome = after(program_of([y, *gradients], [x]), fold_batch_norm)
    assert "Mul" in kinds(outcome.program)
    assert not any("into_filter" in a.rule for a in outcome.applied)


def test_folded_filters_follow_the_variables() -> None:
    x = image()
    y = normalised(convolved(x, variable([3, 3, 3, 4], 1)))
    feed = {x: np.random.RandomState(0).randn(2, 6, 5, 3).astype(np.float32)}
    filters, scale = tf.global_variables()[0], tf.global_variables()[3]
    found: dict[str, list[np.ndarray]] = {"O0": [], "O3": []}
    for level, values in found.items():
        with tf.Session(optimize=level) as session:
            session.run(tf.global_variables_initializer())
            values.append(session.run(y, feed))
            session.run(scale.assign(2.0 * scale))
            values.append(session.run(y, feed))
            filters.load(np.ones((3, 3, 3, 4)), session)
            values.append(session.run(y, feed))
    for a, b in zip(found["O0"], found["O3"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    assert not np.allclose(found["O3"][0], found["O3"][1])
    assert not np.allclose(found["O3"][1], found["O3"][2])


@QUICK
@given(
    residual=st.booleans(),
    activate=st.booleans(),
    shared=st.booleans(),
    fetch_inside=st.booleans(),
    channels_first=st.booleans(),
    update=st.booleans(),
)
def test_random_networks_keep_their_values(
    residual: bool, activate: bool, shared: bool, fetch_inside: bool, channels_first: bool, update: bool
) -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 6, 5, 4])
        form = "NCHW" if channels_first else "NHWC"
        filters = variable([3, 3, 4, 4], 1)

        def block(h: Any, seed: int) -> Any:
            own = filters if shared else variable([3, 3, 4, 4], seed)
            h = tf.transpose(h, [0, 3, 1, 2]) if channels_first else h
            h = tf.nn.conv2d(h, own, [1, 1, 1, 1], "SAME", data_format=form)
            h = tf.transpose(h, [0, 2, 3, 1]) if channels_first else h
            h = normalised(h, seed=seed)
            return tf.nn.relu(h) if activate else h

        first = block(x, 20)
        second = block(first, 30)
        y = second + first if residual else second
        fetches = [y, first] if fetch_inside else [y]
        if update:
            with tf.control_dependencies([y]):
                fetches.append(filters.assign(0.5 * filters))
        feed = {x: np.random.RandomState(0).randn(3, 6, 5, 4).astype(np.float32)}
        found = {}
        for level in ("O0", "O3"):
            with tf.Session(optimize=level) as session:
                session.run(tf.global_variables_initializer())
                found[level] = [v for _ in range(2) for v in session.run(fetches, feed)]
    for a, b in zip(found["O0"], found["O3"], strict=True):
        assert np.linalg.norm(a - b) <= 1e-5 * np.linalg.norm(a)


def residual(x: Any) -> Any:
    """ResNet-18 (He et al., 2015) at inference, a quarter as wide: the features behind its last pooling."""
    x = max_pool(normalised_convolution(x, 16, 7, 2, "conv1", train=False), 3, 2, "pool1")
    for stage, width in enumerate((16, 32, 64, 128)):
        for block in range(2):
            stride = 2 if stage and not block else 1
            name = f"block{stage}_{block}"
            shortcut = x
            if stride > 1:
                shortcut = normalised_convolution(x, width, 1, stride, f"{name}_shortcut", train=False, relu=False)
            y = normalised_convolution(x, width, 3, stride, f"{name}_1", train=False)
            x = tf.nn.relu(shortcut + normalised_convolution(y, width, 3, 1, f"{name}_2", train=False, relu=False))
    return tf.reduce_mean(x, [1, 2])


def test_a_residual_network_runs_no_batch_normalisation() -> None:
    x = tf.placeholder(tf.float32, [None, 64, 64, 3])
    tf.set_random_seed(1)
    y = residual(x)
    random = np.random.RandomState(0)
    feed = {x: random.randn(3, 64, 64, 3).astype(np.float32)}
    state = {v.op.name: random.rand(*v.shape.as_list()).astype(np.float32) + 0.5 for v in tf.global_variables()}
    state |= {name: 0.1 * (value - 1.0) for name, value in state.items() if name.endswith("weights")}
    found = {}
    for level in ("O0", "O3"):
        with tf.Session(optimize=level) as session:
            session.write_state(state)
            found[level] = session.run(y, feed)
            plan, _ = session.plan_for(y, feed)
            members = [i for s in plan.steps for i in (*getattr(s.instr.op, "members", ()), s.instr)]
            made = [type(i.op).__name__ for i in members if i.types[0].rank == 4]
            if level == "O3":
                assert not {"Mul", "Sub", "Rsqrt"} & set(made)
                assert {n for n in made if "Conv" not in n} <= {
                    "Epilogue",
                    "BiasAdd",
                    "AddV2",
                    "Relu",
                    "MaxPool",
                    "Blocked",
                }
    assert np.linalg.norm(found["O0"] - found["O3"]) <= 1e-5 * np.linalg.norm(found["O0"])


CONV = """
    feed %x float32[2,6,5,3]
    cell %wv float32[3,3,3,4]
    %w = ReadVariable(%wv)
    cell %sv float32[4]
    %s = ReadVariable(%sv)
    %y = Conv2D(%x, %w)
"""
START = CONV.rpartition("%y")[0]


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("%z = Mul(%y, %s)", "%f = Mul(%w, %s)\n%z = Conv2D(%x, %f)"),
        ("%z = Mul(%s, %y)", "%f = Mul(%w, %s)\n%z = Conv2D(%x, %f)"),
        ("%z = RealDiv(%y, %s)", "%f = RealDiv(%w, %s)\n%z = Conv2D(%x, %f)"),
        ("%z = AddV2(%s, %y)", "%c = Conv2D(%x, %w)\n%z = BiasAdd(%c, %s)"),
        ("%z = Sub(%y, %s)", "%c = Conv2D(%x, %w)\n%n = Neg(%s)\n%z = BiasAdd(%c, %n)"),
        ("%b = BiasAdd(%y, %s)\n%z = Sub(%b, %s)", "%c = Conv2D(%x, %w)\n%n = Sub(%s, %s)\n%z = BiasAdd(%c, %n)"),
        ("%b = BiasAdd(%y, %s)\n%z = BiasAdd(%b, %s)", "%c = Conv2D(%x, %w)\n%n = Add(%s, %s)\n%z = BiasAdd(%c, %n)"),
    ],
)
def test_scales_and_shifts_go_into_filter_and_bias(text: str, after: str) -> None:
    check(fold_batch_norm, CONV + text + "\nreturn %z", START + after + "\nreturn %z", exact=False)


def test_a_scale_behind_a_bias_scales_both() -> None:
    check(
        fold_batch_norm,
        CONV + "%b = BiasAdd(%y, %s)\n%z = Mul(%b, %s)\nreturn %z",
        START + "%f = Mul(%w, %s)\n%c = Conv2D(%x, %f)\n%t = Mul(%s, %s)\n%z = BiasAdd(%c, %t)\nreturn %z",
        exact=False,
    )


ONE_ELEMENT = "cell %tv float32[1]\n%t = ReadVariable(%tv)\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (ONE_ELEMENT + "%z = AddV2(%y, %t)", "the other operand is one number for all channels"),
        ("const %t float32[](0.5)\n%z = Sub(%y, %t)", "the other operand is one number for all channels"),
        ("feed %t float32[4]\n%z = Mul(%y, %t)", "the other operand depends on the batch"),
        ("feed %t float32[4]\n%z = AddV2(%y, %t)", "the other operand depends on the batch"),
        ("feed %t float32[4]\n%b = BiasAdd(%y, %t)\n%z = Mul(%b, %s)", "the bias depends on the batch"),
        ("feed %t float32[4]\n%b = BiasAdd(%y, %t)\n%z = AddV2(%b, %s)", "the bias depends on the batch"),
        ("%z = Mul(%y, %y)", "its result has 2 readers"),
        ("%e = Exp(%y)\n%z = Mul(%y, %s)\n%q = AddV2(%z, %e)", "its result has 2 readers"),
        ("%g = Conv2D(%x, %w) {strides=(2, 2)}\n%e = Exp(%g)\n%z = Mul(%y, %s)", "the filter has 2 readers"),
        ("%r = Reshape(%s) {shape=(4, 1)}\n%z = Mul(%y, %r)", None),
        ("cell %tv float32[5,1]\n%t = ReadVariable(%tv)\n%z = Mul(%y, %t)",
         "the other operand is not one number for each channel"),
        ("cell %tv float32[1,2,6,5,4]\n%t = ReadVariable(%tv)\n%z = Mul(%y, %t)",
         "both operands are the same, or it is broadcast"),
        ("%z = Mul(%y, %s) ^%x", "it has control inputs"),
    ],
)  # fmt: skip
def test_what_stays_and_why(text: str, reason: str | None) -> None:
    if reason is None:  # no broadcast to the convolution's shape
        with pytest.raises(ProgramSyntaxError, match="do not broadcast"):
            program(CONV + text + "\nreturn %z")
        return
    extra = ", %e" if "%g" in text else ""
    check_missed(fold_batch_norm, CONV + text + f"\nreturn %z{extra}" + (", %q" if "%q" in text else ""), reason)


@pytest.mark.parametrize(
    ("before", "product", "reason"),
    [
        ("feed %f float32[3,3,3,4]\n", "Conv2D(%x, %f)", "the filter depends on the batch"),
        ("feed %m float32[5,6]\ncell %nv float32[4,6]\n%n = ReadVariable(%nv)\n",
         "MatMul(%m, %n) {transpose_b=True}", "the filter's last axis is not the channels"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_scaled_stays(before: str, product: str, reason: str) -> None:
    check_missed(fold_batch_norm, f"{START}{before}%y = {product}\n%z = Mul(%y, %s)\nreturn %z", reason)


def test_a_shift_of_one_element_runs() -> None:
    x = image()
    y = convolved(x, variable([3, 3, 3, 4], 1)) + variable([1], 2)
    feed = {x: np.ones((2, 6, 5, 3), np.float32)}
    found = []
    for level in ("O0", "O3"):
        with tf.Session(optimize=level) as session:
            session.run(tf.global_variables_initializer())
            found.append(session.run(y, feed))
    np.testing.assert_allclose(*found, rtol=1e-5, atol=1e-5)
