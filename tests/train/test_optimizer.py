"""Optimizers: TensorFlow 1's formulas, slots, names and errors, against plain NumPy and PyTorch.

Tests `train/optimizers.py` and `train/global_step.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from support.lines import here

import minigraph as tf

STEPS = 20
TARGET = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]])
START = np.array([[0.5, 0.25, -1.0], [2.0, 0.1, 4.0]])
Rule = Callable[[np.ndarray, np.ndarray, int], np.ndarray]  # (variable, gradient, step from 1) → variable


def gradient(w: np.ndarray) -> np.ndarray:
    """Of Σ (w − target)² · (1 + w²/10)."""
    d = w - TARGET
    return 2 * d * (1 + w**2 / 10) + d**2 * w / 5


def loss_of(w: tf.Variable) -> tf.Tensor:
    d = w - tf.constant(TARGET, w.dtype)
    return tf.reduce_sum(tf.square(d) * (1.0 + tf.square(w) / 10.0))


def descent(lr: float) -> Rule:
    return lambda w, g, t: w - lr * g


class Momentum:
    def __init__(self, lr: float, mu: float, nesterov: bool = False) -> None:
        self.lr, self.mu, self.nesterov, self.a = lr, mu, nesterov, np.zeros_like(START)

    def __call__(self, w: np.ndarray, g: np.ndarray, t: int) -> np.ndarray:
        self.a = self.mu * self.a + g
        return w - self.lr * (g + self.mu * self.a if self.nesterov else self.a)


class Adagrad:
    def __init__(self, lr: float, start: float = 0.1) -> None:
        self.lr, self.a = lr, np.full_like(START, start)

    def __call__(self, w: np.ndarray, g: np.ndarray, t: int) -> np.ndarray:
        self.a = self.a + g**2
        return w - self.lr * g / np.sqrt(self.a)


class RMSProp:
    def __init__(
        self, lr: float, rho: float = 0.9, mu: float = 0.0, eps: float = 1e-10, centered: bool = False
    ) -> None:
        self.lr, self.rho, self.mu, self.eps, self.centered = lr, rho, mu, eps, centered
        self.ms, self.mg, self.mom = np.ones_like(START), np.zeros_like(START), np.zeros_like(START)

    def __call__(self, w: np.ndarray, g: np.ndarray, t: int) -> np.ndarray:
        self.ms = self.rho * self.ms + (1 - self.rho) * g**2
        self.mg = self.rho * self.mg + (1 - self.rho) * g
        spread = self.ms - self.mg**2 if self.centered else self.ms
        self.mom = self.mu * self.mom + self.lr * g / np.sqrt(spread + self.eps)
        return w - self.mom


class Adam:
    def __init__(self, lr: float = 0.001, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> None:
        self.lr, self.b1, self.b2, self.eps = lr, b1, b2, eps
        self.m, self.v = np.zeros_like(START), np.zeros_like(START)

    def __call__(self, w: np.ndarray, g: np.ndarray, t: int) -> np.ndarray:
        self.m = self.b1 * self.m + (1 - self.b1) * g
        self.v = self.b2 * self.v + (1 - self.b2) * g**2
        rate = self.lr * math.sqrt(1 - self.b2**t) / (1 - self.b1**t)
        return w - rate * self.m / (np.sqrt(self.v) + self.eps)


CASES: dict[str, tuple[Callable[[], tf.train.Optimizer], Callable[[], Rule]]] = {
    "descent": (lambda: tf.train.GradientDescentOptimizer(0.05), lambda: descent(0.05)),
    "momentum": (lambda: tf.train.MomentumOptimizer(0.02, 0.8), lambda: Momentum(0.02, 0.8)),
    "nesterov": (
        lambda: tf.train.MomentumOptimizer(0.02, 0.8, use_nesterov=True),
        lambda: Momentum(0.02, 0.8, nesterov=True),
    ),
    "adagrad": (lambda: tf.train.AdagradOptimizer(0.3), lambda: Adagrad(0.3)),
    "adagrad from 1": (lambda: tf.train.AdagradOptimizer(0.3, 1.0), lambda: Adagrad(0.3, 1.0)),
    "rmsprop": (lambda: tf.train.RMSPropOptimizer(0.05), lambda: RMSProp(0.05)),
    "rmsprop with momentum": (
        lambda: tf.train.RMSPropOptimizer(0.02, decay=0.8, momentum=0.5, epsilon=0.1),
        lambda: RMSProp(0.02, 0.8, 0.5, 0.1),
    ),
    "centered rmsprop": (
        lambda: tf.train.RMSPropOptimizer(0.02, momentum=0.3, epsilon=0.01, centered=True),
        lambda: RMSProp(0.02, mu=0.3, eps=0.01, centered=True),
    ),
    "adam": (lambda: tf.train.AdamOptimizer(), Adam),
    "adam with all set": (lambda: tf.train.AdamOptimizer(0.1, 0.7, 0.9, 0.01), lambda: Adam(0.1, 0.7, 0.9, 0.01)),
}


def trajectory(train: Any, w: tf.Variable, feeds: dict[Any, Any] | None = None) -> list[np.ndarray]:
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        out = []
        for _ in range(STEPS):
            session.run(train, feeds)
            out.append(session.run(w))
        return out


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_formulas(name: str, dtype: str) -> None:
    optimizer, rule = (make() for make in CASES[name])
    w = tf.Variable(START.astype(dtype))
    found = trajectory(optimizer.minimize(loss_of(w)), w)
    expected = START
    # The powers of Adam's β are float32, as in TensorFlow.
    tolerance = 1e-4 if dtype == "float32" else 1e-5 if "adam" in name else 1e-12
    for t, value in enumerate(found, start=1):
        expected = rule(expected, gradient(expected), t)
        assert value.dtype == dtype
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)


def torch_case(name: str, torch: Any) -> tuple[Any, Any]:
    """(ours, theirs). PyTorch's ε of Adam stands behind the bias correction: it is our ε at t → ∞, so it is made
    small enough not to matter. Its momentum is ours."""
    optim = torch.optim
    return {
        "descent": (tf.train.GradientDescentOptimizer(0.05), lambda p: optim.SGD(p, 0.05)),
        "momentum": (tf.train.MomentumOptimizer(0.02, 0.8), lambda p: optim.SGD(p, 0.02, 0.8)),
        "nesterov": (
            tf.train.MomentumOptimizer(0.02, 0.8, use_nesterov=True),
            lambda p: optim.SGD(p, 0.02, 0.8, nesterov=True),
        ),
        "adagrad": (
            tf.train.AdagradOptimizer(0.3),
            lambda p: optim.Adagrad(p, 0.3, initial_accumulator_value=0.1, eps=0),
        ),
        "adam": (tf.train.AdamOptimizer(0.1, epsilon=1e-12), lambda p: optim.Adam(p, 0.1, eps=1e-12)),
    }[name]


@pytest.mark.parametrize("name", ["descent", "momentum", "nesterov", "adagrad", "adam"])
def test_against_torch(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = torch_case(name, torch)
    w = tf.Variable(START)
    found = trajectory(ours.minimize(loss_of(w)), w)
    p = torch.tensor(START, requires_grad=True)
    optimizer, target = theirs([p]), torch.tensor(TARGET)
    for value in found:
        optimizer.zero_grad()
        ((p - target) ** 2 * (1 + p**2 / 10)).sum().backward()
        optimizer.step()
        np.testing.assert_allclose(value, p.detach().numpy(), rtol=1e-5, atol=1e-5)


# slots and names


def test_slots_and_names() -> None:
    a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable(3.0, name="scope/b")
    loss = tf.reduce_sum(a) * b
    expected = {
        tf.train.GradientDescentOptimizer(0.1): {},
        tf.train.MomentumOptimizer(0.1, 0.9): {"momentum": "Momentum"},
        tf.train.AdagradOptimizer(0.1): {"accumulator": "Adagrad"},
        tf.train.AdamOptimizer(0.1): {"m": "Adam", "v": "Adam_1"},
        tf.train.RMSPropOptimizer(0.1): {"rms": "RMSProp", "momentum": "RMSProp_1"},
        tf.train.AdamOptimizer(0.1, name="Mine"): {"m": "Mine", "v": "Mine_1"},
    }
    for optimizer, slots in expected.items():
        train = optimizer.minimize(loss)
        assert optimizer.get_slot_names() == sorted(slots)
        for slot, suffix in slots.items():
            for v in (a, b):
                made = optimizer.get_slot(v, slot)
                assert made is not None
                assert made.op.name == f"{v.op.name}/{suffix}"
                assert made.get_shape() == v.get_shape()
                assert made not in tf.trainable_variables()
                assert made in tf.global_variables()
        assert train.name == optimizer.get_name()
        assert optimizer.get_slot(a, "nosuch") is None
    names = [v.op.name for v in tf.global_variables()]
    assert {"beta1_power", "beta2_power", "beta1_power_1", "beta2_power_1"} <= set(names)
    assert len(set(names)) == len(names)


def test_initial_values_of_slots() -> None:
    v = tf.Variable([1.0, 2.0])
    with tf.Session() as session:
        for optimizer, key, value in (
            (tf.train.RMSPropOptimizer(0.1), "rms", 1.0),
            (tf.train.RMSPropOptimizer(0.1), "momentum", 0.0),
            (tf.train.AdagradOptimizer(0.1, 0.3), "accumulator", 0.3),
            (tf.train.AdamOptimizer(0.1), "v", 0.0),
        ):
            optimizer.minimize(tf.reduce_sum(v))
            slot = optimizer.get_slot(v, key)
            assert slot is not None
            session.run(slot.initializer)
            assert session.run(slot).tolist() == [np.float32(value)] * 2


@pytest.mark.parametrize("name", CASES)
def test_global_step_is_counted(name: str) -> None:
    w = tf.Variable(START)
    step = tf.train.get_or_create_global_step()
    train = CASES[name][0]().minimize(loss_of(w), global_step=step)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for count in range(1, 4):
            assert session.run([step, train])[0] == count
            assert tf.train.global_step(session, step) == count


def test_the_count_comes_after_the_updates() -> None:
    w, step = tf.Variable(1.0), tf.Variable(0)
    train = tf.train.GradientDescentOptimizer(0.5).minimize(w * 2.0, global_step=step)
    with tf.control_dependencies([train]):
        after = [w.read_value(), step.read_value()]
    with tf.Session() as session:
        session.run([w.initializer, step.initializer])
        assert session.run(after) == [0, 1]


# what is optimized


def test_var_list() -> None:
    a, b, c = tf.Variable(1.0), tf.Variable(2.0), tf.Variable(3.0, trainable=False)
    loss = a * b * c
    descent = tf.train.GradientDescentOptimizer(0.1)
    with tf.Session() as session:
        for var_list, expected in ((None, [0.4, 1.7, 3]), ([b], [1, 1.7, 3]), (b, [1, 1.7, 3]), ([c], [1, 2, 2.8])):
            train = descent.minimize(loss, var_list=var_list)
            session.run([v.initializer for v in (a, b, c)])
            session.run(train)
            np.testing.assert_allclose(session.run([a, b, c]), expected, rtol=1e-6)


def test_a_variable_without_a_path_is_left_alone() -> None:
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    optimizer = tf.train.AdamOptimizer(0.1)
    pairs = optimizer.compute_gradients(tf.square(a))
    assert [(g is None, v) for g, v in pairs] == [(False, a), (True, b)]
    train = optimizer.apply_gradients(pairs)
    assert optimizer.get_slot(b, "m") is None
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        assert session.run(b) == 2
        assert session.run(a) == pytest.approx(0.9)


def test_clipped_gradients() -> None:
    a, b = tf.Variable([10.0, -0.1]), tf.Variable(5.0)
    optimizer = tf.train.GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(tf.reduce_sum(tf.square(a)))
    clipped = [(None if g is None else tf.clip_by_value(g, -1.0, 1.0), v) for g, v in pairs]
    train = optimizer.apply_gradients(clipped)
    with tf.Session() as session:
        session.run([a.initializer, b.initializer])
        session.run(train)
        np.testing.assert_allclose(session.run(a), [9.0, 0.1], rtol=1e-6)


def test_grad_loss_weights_the_loss() -> None:
    a = tf.Variable([1.0, 2.0])
    train = tf.train.GradientDescentOptimizer(1.0).minimize(tf.square(a), grad_loss=tf.constant([1.0, 0.0]))
    with tf.Session() as session:
        session.run(a.initializer)
        session.run(train)
        assert session.run(a).tolist() == [-1, 2]


def test_gradients_are_those_of_before_the_step() -> None:
    a, b = tf.Variable(2.0), tf.Variable(3.0)
    train = tf.train.GradientDescentOptimizer(1.0).minimize(a * b)
    with tf.Session() as session:
        session.run([a.initializer, b.initializer])
        session.run(train)
        assert session.run([a, b]) == [-1, 1]


def test_minimize_twice_and_two_optimizers() -> None:
    w = tf.Variable(START)
    loss = loss_of(w)
    adam, momentum = tf.train.AdamOptimizer(0.1), tf.train.MomentumOptimizer(0.02, 0.5)
    trains = [adam.minimize(loss), momentum.minimize(loss), adam.minimize(loss)]
    assert [t.name for t in trains] == ["Adam", "Momentum", "Adam_1"]
    assert len(adam.variables()) == 4
    assert tf.get_collection(tf.GraphKeys.TRAIN_OP) == trains
    rules: list[Rule] = [Adam(0.1), Momentum(0.02, 0.5)]
    expected = START
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for t in range(1, 6):
            for index, step in ((0, 2 * t - 1), (1, t), (2, 2 * t)):
                session.run(trains[index])
                expected = rules[index % 2](expected, gradient(expected), step)
                np.testing.assert_allclose(session.run(w), expected, rtol=1e-4, atol=1e-5)


def test_one_optimizer_on_two_graphs() -> None:
    optimizer = tf.train.AdamOptimizer(0.1)
    for _ in range(2):
        with tf.Graph().as_default():
            w = tf.Variable(START)
            found = trajectory(optimizer.minimize(loss_of(w)), w)[0]
            np.testing.assert_allclose(found, Adam(0.1)(START, gradient(START), 1), rtol=1e-4, atol=1e-5)


def test_variables_of_two_dtypes() -> None:
    a, b = tf.Variable(1.0), tf.Variable(np.float64(2.0))
    loss = tf.cast(tf.square(a), tf.float64) + tf.square(b)
    train = tf.train.AdamOptimizer(0.1).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        np.testing.assert_allclose(session.run([a, b]), [0.9, 1.9], rtol=1e-5)


# hyperparameters


@pytest.mark.parametrize("name", ["descent", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
def test_a_learning_rate_that_is_fed(name: str) -> None:
    w = tf.Variable(START)
    rate = tf.placeholder(tf.float32, [])
    made: dict[str, Callable[[Any], Any]] = {
        "descent": tf.train.GradientDescentOptimizer,
        "momentum": lambda lr: tf.train.MomentumOptimizer(lr, 0.9),
        "nesterov": lambda lr: tf.train.MomentumOptimizer(lr, 0.9, use_nesterov=True),
        "adagrad": tf.train.AdagradOptimizer,
        "rmsprop": tf.train.RMSPropOptimizer,
        "adam": tf.train.AdamOptimizer,
    }
    found = trajectory(made[name](rate).minimize(loss_of(w)), w, {rate: 0.03125})
    again = trajectory(made[name](0.03125).minimize(loss_of(w)), w)
    np.testing.assert_array_equal(found, again)


def test_a_learning_rate_that_decays() -> None:
    w = tf.Variable(np.float32(8.0))
    step = tf.train.get_or_create_global_step()
    rate = 1.0 / (1.0 + tf.cast(step, tf.float32))
    train = tf.train.GradientDescentOptimizer(rate).minimize(w * 1.0, global_step=step)
    found = trajectory(train, w)
    np.testing.assert_allclose(found, 8 - np.cumsum(1 / np.arange(1, STEPS + 1)), rtol=1e-5)
    called = tf.train.GradientDescentOptimizer(lambda: 0.5).minimize(w * 1.0)
    assert trajectory(called, w)[0] == 7.5


@pytest.mark.parametrize("rate", [math.nan, math.inf, -math.inf, np.float32("nan")])
@pytest.mark.parametrize("kind", ["GradientDescentOptimizer", "AdamOptimizer", "AdagradOptimizer", "RMSPropOptimizer"])
def test_a_learning_rate_that_is_no_number(kind: str, rate: float) -> None:
    w = tf.Variable(1.0)
    with pytest.raises(ValueError, match="learning_rate must be a finite number"):
        getattr(tf.train, kind)(rate).minimize(tf.square(w))


def test_other_bad_hyperparameters() -> None:
    w = tf.Variable(1.0)
    with pytest.raises(ValueError, match="beta1 must be a finite number"):
        tf.train.AdamOptimizer(0.1, beta1=math.nan).minimize(tf.square(w))
    with pytest.raises(ValueError, match="momentum must be a finite number"):
        tf.train.MomentumOptimizer(0.1, math.inf).minimize(tf.square(w))
    with pytest.raises(ValueError, match="must be positive"):
        tf.train.AdagradOptimizer(0.1, 0.0)
    with pytest.raises((TypeError, ValueError)):
        tf.train.GradientDescentOptimizer("fast").minimize(tf.square(w))
    with pytest.raises(ValueError, match="name"):
        tf.train.GradientDescentOptimizer(0.1, name="")


# errors


def test_nothing_to_optimize() -> None:
    x = tf.placeholder(tf.float32, [])
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    with pytest.raises(ValueError, match="No variables to optimize"):
        optimizer.minimize(tf.square(x))
    v = tf.Variable(1.0)
    with pytest.raises(ValueError, match="No variables to optimize"):
        optimizer.minimize(tf.square(v), var_list=[])
    with pytest.raises(ValueError, match="No variables provided"):
        optimizer.apply_gradients([])
    with pytest.raises(ValueError, match="No gradients provided"):
        optimizer.apply_gradients([(None, v)])
    with pytest.raises(ValueError, match="does not depend on any of them"):
        optimizer.minimize(tf.square(x))
    with pytest.raises(TypeError, match=r"not a tf\.Variable"):
        optimizer.minimize(tf.square(v), var_list=[tf.square(v)])
    with pytest.raises(TypeError):
        optimizer.minimize(tf.argmax([v, v], 0))


def test_the_op_that_cuts_the_path_is_named() -> None:
    v = tf.Variable([1.0, 2.0], name="weights")
    best, line = tf.argmax(v * 2.0, 0, name="choice"), here()
    loss = tf.square(tf.cast(best, tf.float32))
    with pytest.raises(ValueError, match="No gradients provided for any variable") as caught:
        tf.train.AdamOptimizer().minimize(loss)
    for text in ("ArgMax", "'choice'", line, "weights"):
        assert text in str(caught.value)
    with pytest.raises(ValueError, match="StopGradient"):
        tf.train.AdamOptimizer().minimize(tf.reduce_sum(tf.stop_gradient(v)))


def test_a_gradient_of_another_shape() -> None:
    v = tf.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match="gradient's shape"):
        tf.train.GradientDescentOptimizer(0.1).apply_gradients([(tf.constant([1.0, 2.0, 3.0]), v)])
