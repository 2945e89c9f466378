"""The pass stabilise: logarithms in forms that neither overflow nor take log 0.

Tests `passes/stable_products.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from support.pass_text import check, check_missed, run

import minigraph as tf
from minigraph.passes.stabilise import stabilise
from minigraph.passes.stable_products import FACTORS


def x23() -> Any:
    return tf.placeholder(tf.float32, [2, 3])


def test_stabilised_loss_survives_large_logits() -> None:
    x, y = x23(), tf.constant([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    loss = -tf.reduce_sum(y * tf.log(tf.nn.softmax(x)), 1)
    feed = {x: [[1000.0, 0.0, 0.0], [0.0, 0.0, 0.0]]}
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(loss, feed), [1000.0, np.log(3)], rtol=1e-6)
    with tf.Session(optimize="O0") as session:
        assert not np.isfinite(session.run(loss, feed)[0])


X = "feed %x float32[2,3]\n"
CLASSES = X + "feed %y float32[2,3]\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("%s = Softmax(%x)\n%z = Log(%s)", "%z = LogSoftmax(%x)"),
        ("const %c float32[](1.0)\n%s = AddV2(%x, %c)\n%z = Log(%s)", "%z = Log1p(%x)"),
        ("const %c float32[](1.0)\n%s = AddV2(%c, %x)\n%z = Log(%s)", "%z = Log1p(%x)"),
        ("%e = Exp(%x)\n%z = Log1p(%e)", "%z = Softplus(%x)"),
        ("const %c float32[](1.0)\n%e = Exp(%x)\n%s = AddV2(%c, %e)\n%z = Log(%s)", "%z = Softplus(%x)"),
    ],
)
def test_stable_forms(before: str, after: str) -> None:
    # On numbers for which the unstable form is one, too: logarithms of negative numbers are NaN in both.
    check(stabilise, X + before + "\nreturn %z", X + after + "\nreturn %z", exact=False)


@pytest.mark.parametrize("axis", ["(1,)", "(-1,)"])
@pytest.mark.parametrize("product", ["%y, %l", "%l, %y"])
def test_cross_entropy(axis: str, product: str) -> None:
    text = f"%s = Softmax(%x)\n%l = Log(%s)\n%p = Mul({product})\n%t = Sum(%p) {{axis={axis}}}\n%z = Neg(%t)\nreturn %z"
    check(stabilise, CLASSES + text, CLASSES + "%z = SoftmaxCrossEntropyWithLogits(%x, %y)\nreturn %z", exact=False)


@pytest.mark.parametrize(
    ("feeds", "attributes", "reason"),
    [
        ("[2,3]", "axis=(1,), keep_dims=True", "it keeps the reduced axis"),
        ("[2,3]", "axis=(0,)", "it is not the sum over the last of two axes"),
        ("[2,3]", "axis=(0, 1)", "it is not the sum over the last of two axes"),
        ("[4,2,3]", "axis=(2,)", "it is not the sum over the last of two axes"),
    ],
)
def test_a_sum_that_is_no_cross_entropy_stays(feeds: str, attributes: str, reason: str) -> None:
    text = f"feed %x float32{feeds}\nfeed %y float32{feeds}\n%l = LogSoftmax(%x)\n%p = Mul(%y, %l)\n"
    check_missed(stabilise, text + f"%t = Sum(%p) {{{attributes}}}\n%z = Neg(%t)\nreturn %z", reason)


def test_a_cross_entropy_that_keeps_its_axis_runs() -> None:
    x, y = x23(), tf.constant([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    loss = -tf.reduce_sum(y * tf.log(tf.nn.softmax(x)), 1, keepdims=True)
    with tf.Session() as session:
        found = session.run(loss, {x: np.zeros((2, 3))})
    np.testing.assert_allclose(found, np.full((2, 1), np.log(3)), rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("feed %y float32[3]\n%l = LogSoftmax(%x)\n%p = Mul(%y, %l)\n%t = Sum(%p) {axis=(1,)}\n%z = Neg(%t)",
         "labels and logits have different types"),
        ("const %c float32[](2.0)\n%s = AddV2(%x, %c)\n%z = Log(%s)", "it is not a sum with the constant 1"),
        ("const %c float32[1,1,1](1.0)\n%s = AddV2(%x, %c)\n%z = Log(%s)", "it is not a sum with the constant 1"),
        ("%s = Softmax(%x)\n%z = Log(%s) ^%x", "it has control inputs"),
    ],
)  # fmt: skip
def test_what_is_not_the_form_stays(text: str, reason: str) -> None:
    check_missed(stabilise, X + text + "\nreturn %z", reason)


ONE = "const %c float32[](1.0)\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("%e = Exp(%x)\n%z = Sub(%e, %c)", "%z = Expm1(%x)"),
        ("const %m float32[](-1.0)\n%e = Exp(%x)\n%z = AddV2(%e, %m)", "%z = Expm1(%x)"),
        ("%e = Exp(%x)\n%z = Sub(%c, %e)", "%e = Expm1(%x)\n%z = Neg(%e)"),
        ("%e = Exp(%x)\n%z = Log(%e)", "return %x, %x"),
        ("%s = Sigmoid(%x)\n%z = Log(%s)", "%n = Neg(%x)\n%s = Softplus(%n)\n%z = Neg(%s)"),
        ("%s = Sigmoid(%x)\n%t = Sub(%c, %s)\n%z = Log(%t)", "%s = Softplus(%x)\n%z = Neg(%s)"),
        ("%s = Sigmoid(%x)\n%t = Neg(%s)\n%z = Log1p(%t)", "%s = Softplus(%x)\n%z = Neg(%s)"),
        ("%e = Exp(%x)\n%s = Add(%e, %c)\n%z = RealDiv(%e, %s)", "%z = Sigmoid(%x)"),
        ("%n = Neg(%x)\n%e = Exp(%n)\n%s = Add(%e, %c)\n%z = RealDiv(%c, %s)", "%z = Sigmoid(%x)"),
        ("%e = Exp(%x)\n%s = Sum(%e) {axis=(1,), keep_dims=True}\n%z = RealDiv(%e, %s)", "%z = Softmax(%x)"),
        # products, as gradients contain them
        ("%p = Sigmoid(%x)\n%q = RealDiv(%g, %p)\n%z = Mul(%q, %p)", "return %g, %x"),
        ("%e = Exp(%x)\n%s = AddV2(%c, %e)\n%q = RealDiv(%g, %s)\n%z = Mul(%q, %e)",
         "%s = Sigmoid(%x)\n%z = Mul(%g, %s)"),
        ("%p = Sigmoid(%x)\n%n = Sub(%c, %p)\n%q = RealDiv(%g, %n)\n%r = Neg(%q)\n%s = Mul(%r, %p)\n%z = Mul(%s, %n)",
         "%p = Sigmoid(%x)\n%r = Mul(%g, %p)\n%z = Neg(%r)"),
        ("%p = Softmax(%x)\n%q = RealDiv(%g, %p)\n%r = Mul(%q, %p)\n%s = Sum(%r) {axis=(-1,), keep_dims=True}\n"
         "%t = Sub(%q, %s)\n%z = Mul(%p, %t)",
         "%p = Softmax(%x)\n%s = Sum(%g) {axis=(-1,), keep_dims=True}\n%r = Mul(%s, %p)\n%z = Sub(%g, %r)"),
        ("%p = Sigmoid(%x)\n%q = RealDiv(%g, %p)\n%s = AddN(%q, %x)\n%z = Mul(%s, %p)",
         "%p = Sigmoid(%x)\n%q = Mul(%x, %p)\n%z = Add(%g, %q)"),
    ],
)  # fmt: skip
def test_stable_forms_of_values_and_gradients(before: str, after: str) -> None:
    feeds = X + "feed %g float32[2,3]\n" * ("%g" in before)
    end = "" if "return" in after else "\nreturn %z, %x"
    check(stabilise, feeds + ONE * ("%c" in before) + before + "\nreturn %z, %x", feeds + after + end, exact=False)


LOG_SUM_EXP = "feed %g float32[2]\n%e = Exp(%x)\n%t = Sum(%e) {axis=(1,)}\n%z = Log(%t)\n"


def test_log_sum_exp() -> None:
    gradient = "%q = RealDiv(%g, %t)\n%b = BroadcastTo(%q) {shape=(2, 3), axis=(1,)}\n%d = Mul(%b, %e)\n"
    after = """feed %g float32[2]
        %m = Max(%x) {axis=(1,), keep_dims=True}
        %f = IsFinite(%m)
        %o = Full() {type=float32[2,1], value=0}
        %n = Select(%f, %m, %o)
        %d = Sub(%x, %n)
        %e = Exp(%d)
        %t = Sum(%e) {axis=(1,)}
        %l = Log(%t)
        %r = Reshape(%n) {shape=(2,)}
        %z = Add(%l, %r)
        %p = Softmax(%x)
        %b = BroadcastTo(%g) {shape=(2, 3), axis=(1,)}
        %y = Mul(%b, %p)
        return %z, %y"""
    check(stabilise, X + LOG_SUM_EXP + gradient + "return %z, %d", X + after, exact=False)


def test_a_log_sum_exp_that_subtracts_its_maximum_stays() -> None:
    text = "%m = Max(%x) {axis=(1,), keep_dims=True}\n%d = Sub(%x, %m)\n"
    check_missed(
        stabilise,
        X + text + LOG_SUM_EXP.replace("Exp(%x)", "Exp(%d)") + "return %z",
        "the largest element is subtracted already",
    )
    empty = LOG_SUM_EXP.replace("float32[2]", "float32[2,0]").replace("Exp(%x)", "Exp(%g)")
    check_missed(stabilise, empty + "return %z", "there is nothing to sum")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("%p = Relu(%x)\n%q = RealDiv(%g, %p)\n%z = Mul(%q, %p)", "no factor cancels"),  # 0 is one of its values
        ("%p = Sigmoid(%x)\n%q = RealDiv(%g, %p)\n%r = Sigmoid(%g)\n%z = Mul(%q, %r)", "no factor cancels"),
        ("%p = Sigmoid(%x) ^%g\n%q = RealDiv(%g, %p)\n%z = Mul(%q, %p)", "no factor cancels"),
        ("%y = Neg(%x) ^%g\n%p = Exp(%y)\n%q = RealDiv(%g, %p)\n%z = Mul(%q, %p)", "no factor cancels"),
        ("%p = Sigmoid(%x)\n%q = RealDiv(%c, %p)\n%z = Mul(%q, %p)",
         "a factor that cancels gives the result its shape"),
        ("%e = Exp(%x)\n%s = Sum(%e) {axis=(0,), keep_dims=True}\n%q = RealDiv(%g, %s)\n%z = Mul(%q, %x)",
         "no factor cancels"),
        ("%e = Exp(%x)\n%s = Sub(%e, %two)\n%z = Neg(%s)", "the other operand is not the constant 1"),
        ("%e = Exp(%x)\n%s = Sub(%two, %e)\n%z = Neg(%s)", "it is not the constant 1 minus e^x"),
        ("%e = Exp(%x)\n%s = Add(%e, %two)\n%z = RealDiv(%c, %s)", "it is not a sum with the constant 1"),
        ("%e = Exp(%x)\n%s = Add(%e, %c)\n%z = RealDiv(%two, %s)", "the numerator is not the constant 1"),
        ("%p = Sigmoid(%x)\n%s = Sub(%two, %p)\n%z = Log(%s)", "it is not the constant 1 minus a sigmoid"),
    ],
)  # fmt: skip
def test_other_products_and_sums_stay(text: str, reason: str) -> None:
    feeds = X + "feed %g float32[2,3]\n" + ONE + "const %two float32[](2.0)\n"
    check_missed(stabilise, feeds + text + "\nreturn %z", reason)


def test_a_product_of_too_many_factors_stays() -> None:
    """Each level of products may double what is searched."""
    head = X + "feed %g float32[2,3]\n%p0 = Sigmoid(%x)\n%q = RealDiv(%g, %p0)\n"

    def product(factors: int) -> str:
        chain = "".join(f"%p{i + 1} = Mul(%p{i}, %g)\n" for i in range(factors - 3))
        return head + chain + f"%z = Mul(%q, %p{factors - 3})\nreturn %z"

    assert run(stabilise, product(FACTORS)).applied
    assert not run(stabilise, product(FACTORS + 1)).applied


FORMS: dict[str, tuple[Callable[[Any, Any, Any], Any], float]] = {
    # a function written for TensorFlow and for exact arithmetic alike, and the largest |x| it is tried at
    "cross entropy": (lambda m, x, y: -m.sum(y * m.log(m.softmax(x)), 1), 800),
    "log sum exp": (lambda m, x, y: m.log(m.sum(m.exp(x), 1)), 800),
    "log sum exp of all": (lambda m, x, y: m.log(m.sum(m.exp(x), (0, 1))), 800),
    "log sum exp of columns": (lambda m, x, y: m.log(m.sum(m.exp(x), 0)), 800),
    "expm1": (lambda m, x, y: m.exp(x) - 1, 80),
    "log sigmoid": (lambda m, x, y: m.log(m.sigmoid(x)), 800),
    "softplus": (lambda m, x, y: m.log(1 + m.exp(x)), 800),
    "sigmoid": (lambda m, x, y: m.exp(x) / (1 + m.exp(x)), 800),
    "binary cross entropy": (
        lambda m, x, y: -y * m.log(m.sigmoid(x)) - (1 - y) * m.log(1 - m.sigmoid(x)), 800
    ),
    "binary cross entropy of one sigmoid": (lambda m, x, y: _binary(m, m.sigmoid(x), y), 800),
    "binary cross entropy of a quotient": (lambda m, x, y: _binary(m, 1 / (1 + m.exp(-x)), y), 800),
    "entropy": (lambda m, x, y: _entropy(m, m.softmax(x)), 800),
    "softmax": (lambda m, x, y: y * _quotient(m, m.exp(x), 1), 800),
    "softmax of columns": (lambda m, x, y: y * _quotient(m, m.exp(x), 0), 800),
    "cross entropy of a quotient": (lambda m, x, y: -m.sum(y * m.log(_quotient(m, m.exp(x), 1)), 1), 800),
    "squares": (lambda m, x, y: -m.sum(m.square(m.log(m.softmax(x))), 1), 800),
}  # fmt: skip


def _binary(m: Any, p: Any, y: Any) -> Any:
    return -(y * m.log(p) + (1 - y) * m.log(1 - p))


def _entropy(m: Any, p: Any) -> Any:
    return -m.sum(p * m.log(p), 1)


def _quotient(m: Any, e: Any, axis: int) -> Any:
    return e / m.kept_sum(e, axis)


class _Tf:
    exp, log, sigmoid, softmax = tf.exp, tf.log, tf.sigmoid, tf.nn.softmax

    @staticmethod
    def sum(x: Any, axis: Any) -> Any:
        return tf.reduce_sum(x, axis)

    @staticmethod
    def kept_sum(x: Any, axis: Any) -> Any:
        return tf.reduce_sum(x, axis, keepdims=True)

    @staticmethod
    def square(x: Any) -> Any:
        return x * x


EXTREMES = np.array([[0, 1, 0], [1, 0, -0.003], [-0.2, 0.2, -1], [0.1, -0.1, 1e-12], [-1, -1, -1], [0.5, -1, 0.25]])
ORDINARY = np.random.RandomState(3).randn(6, 3) * 2
TARGETS = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0.5, 0.5], [0, 0, 1], [0.25, 0.5, 0.25]])


def _exact(form: Callable[[Any, Any, Any], Any], numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The value and the gradient of its sum with digits to spare for the smallest exponential, by differences."""

    class Exact:
        exp = staticmethod(np.vectorize(mp.exp, otypes=[object]))
        log = staticmethod(np.vectorize(lambda v: mp.log(v) if v else mp.mpf("-inf"), otypes=[object]))
        sigmoid = staticmethod(np.vectorize(lambda v: 1 / (1 + mp.exp(-v)), otypes=[object]))
        sum = staticmethod(lambda x, axis: np.sum(x, axis=axis))
        kept_sum = staticmethod(lambda x, axis: np.sum(x, axis=axis, keepdims=True))
        square = staticmethod(lambda x: x * x)

        @staticmethod
        def softmax(x: Any) -> Any:
            e = Exact.exp(x)
            return e / np.sum(e, axis=1, keepdims=True)

    with mp.workdps(int(0.45 * np.abs(numbers).max()) + 100):
        to_mp = np.vectorize(mp.mpf, otypes=[object])
        x, y = to_mp(numbers), to_mp(TARGETS)
        value = form(Exact, x, y)
        step = mp.mpf(10) ** -30
        gradient = np.zeros(x.shape)
        for index in np.ndindex(*x.shape):
            moved = []
            for sign in (1, -1):
                near = x.copy()
                near[index] += sign * step
                moved.append(np.sum(form(Exact, near, y)))
            gradient[index] = float((moved[0] - moved[1]) / (2 * step))
        return np.vectorize(float)(value), gradient


@pytest.mark.parametrize("name", FORMS)
def test_value_and_gradient_are_finite_and_right(name: str) -> None:
    """In debug mode, too, which compares with a program that overflows."""
    form, limit = FORMS[name]
    for numbers, scale in ((ORDINARY, 1.0), (EXTREMES, limit)):
        value, gradient = _exact(form, np.float32(numbers * scale).astype(float))
        for dtype, tolerance in ((np.float32, 2e-6), (np.float64, 1e-14)):
            for backend in ("numpy", "llvm"):
                with tf.Graph().as_default(), tf.Session(backend=backend, debug=backend == "numpy") as session:
                    x, y = tf.placeholder(dtype, [6, 3]), tf.placeholder(dtype, [6, 3])
                    result = form(_Tf, x, y)
                    found = session.run(
                        [result, tf.gradients(result, x)[0]], {x: np.float32(numbers * scale), y: TARGETS}
                    )
                for got, wanted in zip(found, (value, gradient), strict=True):
                    np.testing.assert_allclose(got, wanted, rtol=tolerance * 4, atol=tolerance)


def test_the_logarithm_of_a_sum_of_fed_numbers_is_left_alone() -> None:
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [3, 4])
        with tf.Session() as session:
            found = session.run(tf.log(tf.reduce_sum(x, 1)), {x: np.ones((3, 4), np.float32)})
    np.testing.assert_allclose(found, np.log([4.0, 4.0, 4.0]), rtol=1e-6)
