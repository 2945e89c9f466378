"""Native softmax, cross-entropy, reductions and copies, against SciPy, PyTorch and plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import test_numpy_kernels as kernels
from scipy import special
from test_llvm import is_native, own_cache, run_program  # noqa: F401

from minigraph.core.op import Op
from minigraph.ops import loss as L


def native(op: Op, *operands: Any, missing: tuple[int, ...] = ()) -> list[Any]:
    """The results of the op's native code."""
    assert is_native(op, list(operands))
    return kernels.Bound(op, list(operands), missing).run()


def randn(*shape: int, dtype: Any = np.float32) -> Any:
    return np.random.RandomState(0).standard_normal(shape).astype(dtype)


ROWS = [(1, 1), (3, 2), (5, 10), (7, 16), (4, 17), (2, 33), (3000, 10), (3, 1000), (2, 3, 5), (6,)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", ROWS, ids=str)
def test_softmax(shape: tuple[int, ...], dtype: str) -> None:
    x = 20 * randn(*shape, dtype=dtype)
    exact = x.astype(np.float64)
    tolerance = {"rtol": 1e-5, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(native(L.Softmax(), x)[0], special.softmax(exact, -1), **tolerance)
    np.testing.assert_allclose(native(L.LogSoftmax(), x)[0], special.log_softmax(exact, -1), **tolerance)
    kernels.check(L.Softmax(), [x])
    kernels.check(L.LogSoftmax(), [x])


@pytest.mark.parametrize("integers", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("shape", [s for s in ROWS if len(s) == 2], ids=str)
def test_cross_entropy(shape: tuple[int, int], integers: str) -> None:
    x, y = 10 * randn(*shape), np.abs(randn(*shape))
    classes = (np.arange(shape[0]) * 7 % shape[1]).astype(integers)
    p, log_p = (f(x.astype(np.float64), -1) for f in (special.softmax, special.log_softmax))
    hot = np.arange(shape[1]) == classes[:, None]
    for op, labels, dense in (
        (L.SoftmaxCrossEntropyWithLogits(), y, y),
        (L.SparseSoftmaxCrossEntropyWithLogits(), classes, hot),
    ):
        for missing in ((), (0,), (1,)):
            loss, backprop = native(op, x, labels, missing=missing)
            if loss is not None:
                want = -np.sum(dense * log_p, -1)
                np.testing.assert_allclose(loss, want, rtol=1e-5, atol=1e-6 * max(1.0, np.max(np.abs(want))))
            if backprop is not None:
                np.testing.assert_allclose(backprop, p - dense, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("width", [3, 16, 21])
def test_softmax_of_special_values_is_that_of_the_reference(width: int) -> None:
    x = randn(7, width)
    x[0, 0], x[1, 1], x[2, 2], x[3], x[4] = np.inf, np.nan, -np.inf, -np.inf, 1e30
    x[5, 0], x[5, 1] = np.inf, -np.inf
    classes = np.array([0, 1, 0, 2, 1, 1, 0])
    with np.errstate(all="ignore"):
        kernels.check(L.Softmax(), [x])
        kernels.check(L.LogSoftmax(), [x])
        kernels.check(L.SoftmaxCrossEntropyWithLogits(), [x, np.abs(randn(7, width))])
        kernels.check(L.SparseSoftmaxCrossEntropyWithLogits(), [x, classes])


@pytest.mark.parametrize("wrong", [-1, 5, 2**31])
def test_class_numbers_out_of_range(wrong: int) -> None:
    labels = np.array([0, 4, wrong])
    assert is_native(L.SparseSoftmaxCrossEntropyWithLogits(), [randn(3, 5), labels])
    bound = kernels.Bound(L.SparseSoftmaxCrossEntropyWithLogits(), [randn(3, 5), labels])
    with pytest.raises(IndexError, match=r"labels must lie in \[0, 5\)"):
        bound.run()
    labels[2] = 3
    bound.run()


@pytest.mark.parametrize("op", [L.Softmax(), L.LogSoftmax()])
def test_softmax_of_nothing(op: Op) -> None:
    for shape in ((0, 3), (3, 0)):
        kernels.check(op, [randn(*shape)])
    for shape in ((0, 3), (3, 0)):
        kernels.check(L.SoftmaxCrossEntropyWithLogits(), [randn(*shape), randn(*shape)])


PROGRAM = """
import hashlib, numpy as np, minigraph as tf
x = tf.placeholder(tf.float32, [3000, 40])
y = tf.placeholder(tf.int64, [3000])
losses = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=x, labels=y)
fetch = [tf.nn.softmax(x), losses, *tf.gradients(losses, [x])]
values = np.random.RandomState(0).randn(3000, 40).astype("f")
with tf.Session(backend="llvm") as session:
    found = session.run(fetch, {x: values, y: np.arange(3000) % 40})
print(hashlib.sha256(b"".join(f.tobytes() for f in found)).hexdigest())
"""


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    assert run_program(PROGRAM, OMP_NUM_THREADS="1") == run_program(PROGRAM, OMP_NUM_THREADS="2")
