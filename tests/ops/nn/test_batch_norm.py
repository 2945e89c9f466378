"""Batch normalisation: its laws, PyTorch in float64, moving averages, and the warning where they stand still.

Tests `ops/nn/norm.py` and `layers/normalization.py`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.evaluate import check_gradients
from support.lines import here

import minigraph as tf
from minigraph.core.errors import GraphError, ShapeError

RANDOM = np.random.RandomState(0)
Array = np.ndarray[Any, Any]


def normalised(x: Array, scale: Array, offset: Array, epsilon: float = 1e-3) -> list[Array]:
    with tf.Graph().as_default(), tf.Session() as session:
        tensor = tf.placeholder(x.dtype, x.shape)
        return list(session.run(tf.nn.fused_batch_norm(tensor, scale, offset, epsilon=epsilon), {tensor: x}))


@settings(max_examples=30)
@given(st.integers(0, 99), st.floats(0.1, 50), st.floats(-50, 50))
def test_scale_and_shift_of_the_input_do_not_matter(seed: int, factor: float, shift: float) -> None:
    """Up to ε: BN(a·x + b) = BN(x), and −a turns the sign."""
    x = np.random.RandomState(seed).randn(3, 4, 5, 2)
    one, zero = np.ones(2), np.zeros(2)
    epsilon = 1.001e-5
    tolerance = 4 * epsilon * max(1, 1 / factor**2)
    y, mean, variance = normalised(x, one, zero, epsilon)
    moved, moved_mean, moved_variance = normalised(factor * x + shift, one, zero, epsilon)
    np.testing.assert_allclose(moved, y, rtol=0, atol=tolerance)
    np.testing.assert_allclose(normalised(-factor * x, one, zero, epsilon)[0], -y, rtol=0, atol=tolerance)
    np.testing.assert_allclose(moved_mean, factor * mean + shift, atol=1e-9)
    np.testing.assert_allclose(moved_variance, factor**2 * variance, rtol=1e-9)
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((0, 1, 2)), 1, rtol=1e-4)


def test_the_returned_variance_is_the_populations_estimate() -> None:
    """Var = m/(m−1)·E[σ²]: over many batches, the biased variances average to (m−1)/m of the population's."""
    one, zero = np.ones(2000), np.zeros(2000)
    variance = normalised(3 * RANDOM.randn(1, 2, 3, 2000), one, zero)[2]
    assert variance.mean() == pytest.approx(9, rel=0.05)
    x = RANDOM.randn(2, 3, 4, 2)
    np.testing.assert_allclose(normalised(x, one[:2], zero[:2])[2], x.var((0, 1, 2), ddof=1))
    alone = normalised(RANDOM.randn(1, 1, 1, 2), one[:2], zero[:2])
    assert alone[2].tolist() == [0, 0]


def test_training_and_inference_against_torch() -> None:
    torch = pytest.importorskip("torch")
    x, gamma, beta = RANDOM.randn(3, 4, 5, 2), RANDOM.randn(2), RANDOM.randn(2)
    delta = RANDOM.randn(*x.shape)
    module = torch.nn.BatchNorm2d(2, eps=1e-3, momentum=0.1, dtype=torch.float64)
    module.weight.data, module.bias.data = torch.tensor(gamma), torch.tensor(beta)
    tx = torch.tensor(x.transpose(0, 3, 1, 2).copy(), requires_grad=True)
    ty = module(tx)
    first = torch.autograd.grad(
        ty, [tx, module.weight, module.bias], torch.tensor(delta.transpose(0, 3, 1, 2).copy()), create_graph=True
    )
    second = torch.autograd.grad(sum((g**2).sum() for g in first), [tx, module.weight])

    with tf.Graph().as_default(), tf.Session() as session:
        tensor, training = tf.placeholder(tf.float64, [None, 4, 5, 2]), tf.placeholder(tf.bool, [])
        values = [tf.constant_initializer(v, tf.float64) for v in (gamma, beta)]
        y = tf.layers.batch_normalization(
            tensor, momentum=0.9, training=training, gamma_initializer=values[0], beta_initializer=values[1]
        )
        gamma_v, beta_v, mean, variance = tf.global_variables()
        grads = tf.gradients(y, [tensor, gamma_v, beta_v], grad_ys=delta)
        again = tf.gradients(sum(tf.reduce_sum(g * g) for g in grads), [tensor, gamma_v])
        session.run(tf.global_variables_initializer())
        found = session.run([y, *grads, *again], {tensor: x, training: True})
        session.run(tf.get_collection(tf.GraphKeys.UPDATE_OPS), {tensor: x, training: True})
        moved = session.run([mean, variance])
        session.run(tf.get_collection(tf.GraphKeys.UPDATE_OPS), {tensor: x, training: False})
        np.testing.assert_array_equal(session.run([mean, variance]), moved)
        inference = session.run(y, {tensor: 2 * x, training: False})

    def images(t: Any) -> Array:
        return np.asarray(t.detach().numpy()).transpose(0, 2, 3, 1)

    expected = [images(ty), images(first[0]), *(g.detach().numpy() for g in first[1:]), images(second[0])]
    for a, b in zip(found, [*expected, second[1].numpy()], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(moved, [module.running_mean.numpy(), module.running_var.numpy()], rtol=1e-12)
    module.eval()
    np.testing.assert_allclose(inference, images(module(2 * tx)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("batch", [None, 3])
def test_channels_first_as_pytorch(training: bool, batch: int | None) -> None:
    torch = pytest.importorskip("torch")
    images, scale, offset = (RANDOM.randn(*s) for s in ((3, 2, 4, 5), (2,), (2,)))
    mean, variance = (None, None) if training else (RANDOM.randn(2), RANDOM.rand(2) + 0.5)
    operands = [torch.tensor(a, requires_grad=True) for a in (images, scale, offset)]
    given = [None if a is None else torch.tensor(a) for a in (mean, variance)]
    wanted = torch.nn.functional.batch_norm(operands[0], *given, *operands[1:], training, eps=1e-3)
    gradients = torch.autograd.grad((wanted**3).sum(), operands)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float64, [batch, 2, 4, 5])
        factors = [tf.constant(a) for a in (scale, offset)]
        y, m, v = tf.nn.fused_batch_norm(x, *factors, mean, variance, data_format="NCHW", is_training=training)
        assert y.get_shape().as_list() == [batch, 2, 4, 5]
        results = [y, m, v, *tf.gradients(tf.reduce_sum(y**3), [x, *factors])]
        with tf.Session() as session:
            found = session.run(results, {x: images})
    moments = (images.mean((0, 2, 3)), images.var((0, 2, 3), ddof=1)) if training else (mean, variance)
    expected = [wanted.detach().numpy(), *moments, *(g.numpy() for g in gradients)]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


def test_gradients_flow_through_all_results_to_second_order() -> None:
    arrays = [RANDOM.randn(2, 2, 3, 2), RANDOM.randn(2), RANDOM.randn(2)]
    check_gradients(lambda x, s, o: list(tf.nn.fused_batch_norm(x, s, o)), arrays)
    moments = [RANDOM.randn(2), RANDOM.rand(2) + 0.5]
    check_gradients(
        lambda x, s, o, m, v: tf.nn.fused_batch_norm(x, s, o, m, v, is_training=False)[0], [*arrays, *moments]
    )


@pytest.mark.parametrize("fused", [True, False])
def test_inference_is_one_product_and_one_sum(fused: bool) -> None:
    """x·inv + shift with [C] factors, so that a convolution before can take both in."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [None, 4, 4, 3])
        if fused:
            ones = np.ones(3, np.float32)
            y = tf.nn.fused_batch_norm(x, ones, ones, ones, ones, is_training=False)[0]
        else:
            y = tf.layers.batch_normalization(x)
        assert y.op.type == "AddV2"
        product, shift = y.op.inputs
        assert product.op.type == "Mul"
        assert product.op.inputs[0] is x
        assert [t.get_shape().as_list() for t in (shift, product.op.inputs[1])] == [[3], [3]]
        assert [n.name for n in x.consumers()] == [product.op.name]
        assert not graph.get_collection(tf.GraphKeys.UPDATE_OPS)


def test_mistakes_are_told() -> None:
    with tf.Graph().as_default():
        x, rows = tf.placeholder(tf.float32, [None, 4, 4, 3]), tf.placeholder(tf.float32, [None, 3])
        ones = np.ones(3, np.float32)
        for mistake, message in (
            (lambda: tf.nn.fused_batch_norm(x, ones, ones, ones, ones), "must be None if is_training"),
            (lambda: tf.nn.fused_batch_norm(x, ones, ones, is_training=False), "must be given"),
            (lambda: tf.nn.fused_batch_norm(x, ones, ones, data_format="NWHC"), "NHWC or NCHW"),
            (lambda: tf.nn.fused_batch_norm(rows, ones, ones), "N,H,W,C"),
            (lambda: tf.layers.batch_normalization(rows, axis=2), "axis 2"),
            (lambda: tf.layers.batch_normalization(rows, axis=0), "size of axis 0"),
            (lambda: tf.layers.batch_normalization(rows, renorm=True), "renorm=True is not supported"),
            (lambda: tf.layers.conv2d(rows, 3, 3), "rank 4"),
            (lambda: tf.layers.conv2d(x, 3, 3, data_format="NCHW"), "channels_last"),
            (lambda: tf.layers.dense(tf.placeholder(tf.float32, [4]), 3), "rank 2"),
        ):
            with pytest.raises(ValueError, match=message):
                mistake()
        with pytest.raises(ShapeError, match="rank"):
            tf.layers.flatten(tf.placeholder(tf.float32))
        tf.layers.batch_normalization(rows, name="bn")
        with pytest.raises(GraphError, match="bn/gamma already exists"):
            tf.layers.batch_normalization(rows, name="bn")


def test_dropout_layer_only_drops_in_training() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x, training = tf.ones([1000]), tf.placeholder(tf.bool, [])
        y = tf.layers.dropout(x, 0.25, training=training)
        assert (session.run(y, {training: False}) == 1).all()
        dropped = session.run(y, {training: True})
        assert set(np.unique(dropped)) == {0, np.float32(1 / 0.75)}
        assert (dropped == 0).mean() == pytest.approx(0.25, abs=0.05)


# the warning


def train(update: str, lint: bool = True, steps: int = 8) -> tuple[str, list[Any]]:
    """Steps of training; where the layer was made, and the warnings. update: "with" the step, "apart", or ""."""
    with tf.Graph().as_default(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        x = tf.placeholder(tf.float32, [None, 3])
        y, line = tf.layers.batch_normalization(x, training=True), here()
        updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
        with tf.control_dependencies(updates if update == "with" else []):
            step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(y * y * y))
        with tf.Session(lint=lint) as session:
            session.run(tf.global_variables_initializer())
            for i in range(steps):
                session.run(step, {x: RANDOM.randn(4, 3)})
                if update == "apart" and i == 2:
                    session.run(updates, {x: RANDOM.randn(4, 3)})
        return line, [w for w in caught if w.category is tf.StaleMovingAveragesWarning]


def test_moving_averages_that_never_move_are_warned_of_once() -> None:
    line, (warning,) = train("", steps=30)
    assert line in str(warning.message)
    assert "batch_normalization/AssignMovingAvg" in str(warning.message)
    assert "UPDATE_OPS" in str(warning.message)
    assert warning.filename == __file__


@pytest.mark.parametrize(("update", "lint"), [("with", True), ("apart", True), ("", False)])
def test_no_warning_where_they_move_or_it_is_switched_off(update: str, lint: bool) -> None:
    assert not train(update, lint)[1]


def test_no_warning_without_training_or_without_the_layer() -> None:
    with tf.Graph().as_default(), warnings.catch_warnings(), tf.Session() as session:
        warnings.simplefilter("error")
        x, w = tf.placeholder(tf.float32, [None, 3]), tf.Variable(np.ones((3, 1), np.float32))
        aside = tf.matmul(x, w)
        step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(aside * aside))
        y = tf.layers.batch_normalization(x, training=True)
        session.run(tf.global_variables_initializer())
        for _ in range(8):
            session.run(step, {x: np.ones((2, 3))})
            session.run(y, {x: np.ones((2, 3))})


@pytest.mark.parametrize(("name", "scope"), [(None, "FusedBatchNorm"), ("bn", "bn")])
def test_fused_batch_norm_is_named_as_in_tensorflow(name: str | None, scope: str) -> None:
    made = tf.nn.fused_batch_norm(tf.zeros([2, 3, 3, 4]), tf.ones([4]), tf.zeros([4]), name=name)
    assert all(tensor.name.startswith(f"{scope}/") for tensor in made)
