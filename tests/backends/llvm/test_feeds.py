"""The LLVM backend on odd feeds and values, and what it says of launches that are not native."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from support.llvm import small_network

import minigraph as tf
from minigraph.backend.base import Lowered
from minigraph.backends.llvm import backend as native
from minigraph.models.record import Model
from minigraph.models.registry import MODELS
from minigraph.tools.cli import main
from minigraph.tools.shared.target import load_target


def results(backend: str, x: Any, y: Any, optimize: str = "O3") -> list[Any]:
    """The small network's loss, logits and gradients."""
    with tf.Graph().as_default():
        holders = [tf.placeholder(tf.float32, a.shape) for a in (x, y)]
        fetches = small_network(*holders)
        with tf.Session(backend=backend, optimize=optimize) as session:
            found: list[Any] = session.run(fetches, dict(zip(holders, (x, y), strict=True)))
    return found


def batch(size: int) -> tuple[Any, Any]:
    random = np.random.RandomState(0)
    return random.randn(size, 8, 12, 3).astype(np.float32), np.eye(8, dtype=np.float32)[random.randint(0, 8, size)]


def odd(x: Any) -> dict[str, Any]:
    """The same values, otherwise in memory."""
    every_second = np.empty((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)[..., ::2]
    every_second[...] = x
    backwards = x[::-1, ::-1].copy()[::-1, ::-1]
    misaligned = np.frombuffer(b"\0" + x.tobytes(), x.dtype, offset=1).reshape(x.shape)
    swapped = x.astype(x.dtype.newbyteorder())
    assert not misaligned.flags.aligned
    return {
        "every second": every_second,
        "backwards": backwards,
        "columns first": np.asfortranarray(x),
        "misaligned": misaligned,
        "swapped bytes": swapped,
    }


def test_feeds_may_lie_in_memory_in_any_way() -> None:
    x, y = batch(3)
    want = results("llvm", x, y)
    labels = odd(y)
    for name, values in odd(x).items():
        for got, exact in zip(results("llvm", values, labels[name]), want, strict=True):
            np.testing.assert_array_equal(got, exact, err_msg=name)
    one = np.broadcast_to(x[:1], x.shape)
    for got, exact in zip(results("llvm", one, y), results("llvm", one.copy(), y), strict=True):
        np.testing.assert_array_equal(got, exact)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_batch_of_nothing() -> None:
    x, y = batch(0)
    want = results("numpy", x, y, "O0")
    assert want[1].shape == (0, 8)
    for backend in ("llvm", "numpy"):
        for got, exact in zip(results(backend, x, y), want, strict=True):
            np.testing.assert_array_equal(got, exact)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_stay_where_they_do_on_numpy(value: float) -> None:
    x, y = batch(4)
    x[1, 3, 4, 1] = x[2, 0, 11, 0] = value
    found, wanted = results("llvm", x, y), results("numpy", x, y)
    assert np.isfinite(found[1][[0, 3]]).all()
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_more_elements_than_32_bits_can_count() -> None:
    size = 2**31 + 12_345
    values = np.zeros(size, np.uint8)
    values[-7], values[-3] = 5, 200
    with tf.Graph().as_default():
        x = tf.placeholder(tf.uint8, [size])
        fetches = [tf.reduce_max(x), tf.argmax(x, 0), x[-10:], tf.reduce_sum(tf.cast(tf.not_equal(x, 0), tf.int32))]
        with tf.Session(backend="llvm") as session:
            largest, where, end, count = session.run(fetches, {x: values})
    assert (largest, where, count) == (200, size - 3, 2)
    assert end.tolist() == [0, 0, 0, 5, 0, 0, 0, 200, 0, 0]


FILE = """
import minigraph as tf
x = tf.placeholder(tf.float32, [4, 6])
half = tf.placeholder(tf.float16, [3])
noise = tf.random_normal([4, 6])
fetches = [tf.reduce_max(x + noise, 1), half > 2, tf.Print(x, [x]), tf.nn.softmax(x)]
"""


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_explain_lists_what_is_not_native_and_why(backend: str, tmp_path: Path) -> None:
    file, out = tmp_path / "graph.py", tmp_path / "explained.json"
    file.write_text(FILE)
    done = CliRunner().invoke(main, ["explain", str(file), "--backend", backend, "--json", str(out)])
    assert done.exit_code == 0, done.output
    why = {row["op"]: row["why"] for row in json.loads(out.read_text())["not_native"]}
    if backend == "numpy":
        assert not why
        assert "native" not in done.output
        return
    assert set(why) == {"Print", "Greater"}
    assert why["Print"] == "this op has no native code"
    assert why["Greater"].startswith("no native code for float16[3]")
    assert "2 run as NumPy calls, not as native code" in done.output


QUICK = ("mnist-cnn", "folder-cnn", "lenet5", "lenet5-modern", "alexnet", "googlenet", "resnet18", "squeezenet")


@pytest.mark.parametrize("inference", [True, False])
@pytest.mark.parametrize(
    "model", [pytest.param(m, id=m.name, marks=() if m.name in QUICK else pytest.mark.slow) for m in MODELS]
)
def test_networks_are_native_from_end_to_end(model: Model, inference: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every launch has code; it is not compiled here."""
    monkeypatch.setattr(native, "lowered", lambda code, threads: Lowered(lambda *_: lambda: None, code.workspace))
    target = load_target(model.name, 2, inference)
    with target.graph.as_default(), tf.Session(graph=target.graph, backend="llvm") as session:
        plan, _ = session.plan_for(target.fetches, target.feeds)
    assert [(s.instr.name, s.lowered.not_native) for s in plan.steps if s.lowered.not_native] == []
