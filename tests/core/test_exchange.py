"""Arrays of other libraries in the host's memory as feeds, and results as arrays, on the backends of the host."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.needed import needed

import minigraph as tf

NUMBERS = np.arange(12, dtype=np.float32).reshape(3, 4)


class OnlyDlpack:
    """An array that has DLPack's methods and nothing else."""

    def __init__(self, array: np.ndarray, device: int = 1) -> None:
        self._array, self._device = array, device

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._device, 0


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_arrays_with_dlpack_are_fed(backend: str, dtype: Any) -> None:
    x, v = tf.placeholder(tf.float32, [None, 4]), tf.Variable(tf.zeros([3, 4]))
    with tf.Session(backend=backend) as session:
        value = OnlyDlpack(NUMBERS.astype(dtype))
        np.testing.assert_array_equal(session.run(2 * x, {x: value}), 2 * NUMBERS)
        called = tf.py_func(lambda a: a + 1, [x], tf.float32)
        np.testing.assert_array_equal(session.run(called, {x: value}), NUMBERS + 1)
        assert session.run(x, {x: OnlyDlpack(np.zeros((0, 4), dtype))}).shape == (0, 4)
        v.load(value)
        np.testing.assert_array_equal(session.run(v), NUMBERS)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_tensors_of_pytorch_are_fed(backend: str) -> None:
    torch = needed("torch")
    x = tf.placeholder(tf.float32, [3, 4], name="pictures")
    tensor = torch.from_numpy(NUMBERS)
    with tf.Session(backend=backend) as session:
        for value in (tensor, tensor.double(), tensor.T.contiguous().T):
            np.testing.assert_array_equal(session.run(2 * x, {x: value}), 2 * NUMBERS)
        with pytest.raises(TypeError, match=r"'pictures:0'.*requires grad.*detach\(\)"):
            session.run(x, {x: tensor.clone().requires_grad_()})


def test_arrays_on_a_gpu_are_refused_by_name() -> None:
    x = tf.placeholder(tf.float32, [3, 4], name="pictures")
    with tf.Session(backend="numpy") as session, pytest.raises(TypeError, match=r"'pictures:0'.*in a GPU's memory"):
        session.run(x, {x: OnlyDlpack(NUMBERS, device=2)})


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_results_on_the_device_are_arrays(backend: str) -> None:
    x = tf.placeholder(tf.float32, [3, 4])
    chosen = tf.cond(tf.reduce_sum(x) > 0.0, lambda: x, lambda: -x)
    fetches = {"row": 2 * x, "sum": tf.reduce_sum(x), "none": tf.no_op()}
    with tf.Session(backend=backend) as session:
        found = session.run(fetches, {x: NUMBERS}, as_device=True)
        assert (type(found["row"]), type(found["sum"]), found["none"]) == (np.ndarray, np.ndarray, None)
        assert (found["sum"].shape, float(found["sum"])) == ((), 66.0)
        np.testing.assert_array_equal(session.run(chosen, {x: NUMBERS}, as_device=True), NUMBERS)
        assert isinstance(session.run(tf.reduce_sum(x), {x: NUMBERS}), np.float32)
