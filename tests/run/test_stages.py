"""Runs in several plans: which branch runs, how often things are drawn and compiled, what is refused.

Tests `run/staged.py`.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigraph as tf


def noted(calls: list[str], name: str, value: Any) -> Any:
    def function() -> Any:
        def note(a: Any) -> Any:
            calls.append(name)
            return a

        return tf.py_func(note, [value], tf.float32)

    return function


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_only_the_branch_that_is_taken_runs(backend: str) -> None:
    calls: list[str] = []
    pred, x = tf.placeholder(tf.bool, []), tf.constant([1.0, 2.0])
    y = tf.cond(pred, noted(calls, "yes", x), noted(calls, "no", 2.0 * x)) + 1.0
    with tf.Session(backend=backend) as session:
        assert session.run(y, {pred: True}).tolist() == [2.0, 3.0]
        assert calls == ["yes"]
        assert session.run(y, {pred: False}).tolist() == [3.0, 5.0]
    assert calls == ["yes", "no"]


def test_plans_are_made_once_for_each_branch_and_shape() -> None:
    pred, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [None])
    y = tf.cond(pred, lambda: x * 2.0, lambda: x - 1.0)
    with tf.Session() as session:
        for _ in range(3):
            for flag in (True, False):
                session.run(y, {pred: flag, x: [1.0, 2.0]})
        assert session.stats.compiled == 3  # the condition, and each branch


def test_random_numbers_before_a_condition_are_drawn_once_a_run() -> None:
    tf.set_random_seed(1)
    r = tf.random_uniform([], seed=2)
    side = tf.cond(r < 0.5, lambda: -r, lambda: r)
    with tf.Session() as session:
        found = [session.run([r, side]) for _ in range(8)]
    assert {bool(r < 0.5) for r, _ in found} == {True, False}
    assert all(value == (-r if r < 0.5 else r) for r, value in found)
    with tf.Session() as session:
        assert [session.run(r) for _ in range(8)] == [r for r, _ in found]


def test_the_untaken_branch_needs_no_feed_and_no_value() -> None:
    pred, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
    v = tf.Variable(1.0)
    y = tf.cond(pred, lambda: x + v, lambda: tf.constant(3.0))
    with tf.Session() as session:
        assert session.run(y, {pred: False}) == 3.0
        with pytest.raises(tf.errors.InvalidArgumentError, match="must feed a value"):
            session.run(y, {pred: True})


def test_training_steps_in_branches() -> None:
    pred, v = tf.placeholder(tf.bool, []), tf.Variable(2.0)
    loss = tf.cond(pred, lambda: v * v, lambda: 3.0 * v)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train, {pred: True})
        assert session.run(v) == pytest.approx(2.0 - 0.4)
        session.run(train, {pred: False})
        assert session.run(v) == pytest.approx(1.6 - 0.3)


def test_gradients_behind_a_mask_against_numpy() -> None:
    x = tf.placeholder(tf.float64, [None, 3])
    kept = tf.boolean_mask(x, x[:, 0] > 0.0)
    (gradient,) = tf.gradients(tf.reduce_sum(kept**3), [x])
    with tf.Session() as session:
        for count in (4, 1, 7):
            value = np.random.RandomState(count).randn(count, 3)
            wanted = np.where(value[:, :1] > 0, 3 * value**2, 0)
            np.testing.assert_allclose(session.run(gradient, {x: value}), wanted)


def test_an_update_before_a_value_between_plans_is_refused() -> None:
    v = tf.Variable(0.0)
    with tf.control_dependencies([tf.assign_add(v, 1.0)]):
        places = tf.where(tf.stack([v.read_value(), 1.0]) > 0.0)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.UnimplementedError, match=r"test_stages.* updates a variable before the Where"):
            session.run(places)


def test_there_is_no_one_plan_to_profile() -> None:
    x = tf.placeholder(tf.float32, [3])
    with tf.Session() as session, pytest.raises(ValueError, match="no single plan"):
        session.profile(tf.boolean_mask(x, x > 0), {x: [1.0, -1.0, 2.0]})


def test_an_error_of_a_python_function_names_the_line() -> None:
    def fail() -> Any:
        raise ValueError("broken")

    y = tf.py_func(fail, [], tf.float32)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"broken .*test_stages.py"):
        session.run(y)


def test_print_stops_after_its_first_runs(capfd: pytest.CaptureFixture[str]) -> None:
    x = tf.Print(tf.constant([1.0, 2.0, 3.0, 4.0]), [tf.constant([5, 6])], "five: ", first_n=2)
    with tf.Session() as session:
        for _ in range(4):
            session.run(x + 1.0)
    assert capfd.readouterr().err.splitlines() == ["five: [5 6]"] * 2


def pixels_of(image: np.ndarray, kind: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind)
    return buffer.getvalue()


def test_image_files_are_read_and_written(tmp_path: Path) -> None:
    colours = np.random.RandomState(0).randint(0, 256, (5, 7, 3)).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(pixels_of(colours, "PNG"))
    smooth = np.broadcast_to(np.linspace(0, 255, 16).astype(np.uint8)[:, None, None], (16, 16, 3))
    given = tf.placeholder(tf.string, [], name="contents")
    decoded = tf.image.decode_png(tf.read_file(str(tmp_path / "a.png")), channels=3)
    grey = tf.image.decode_image(given, channels=1)
    small = tf.image.resize_images(decoded, [2, 2])
    written = tf.write_file(str(tmp_path / "b.png"), tf.image.encode_png(decoded))
    assert decoded.shape.as_list() == [None, None, 3]
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(decoded), colours)
        assert session.run(small).shape == (2, 2, 3)
        encoded = session.run(tf.image.encode_jpeg(tf.constant(smooth)))
        assert np.abs(session.run(grey, {given: encoded})[..., 0].astype(int) - smooth[..., 0]).max() < 8
        np.testing.assert_array_equal(
            session.run(tf.image.decode_png(session.run(tf.image.encode_png(colours)))), colours
        )
        session.run(written)
        assert (tmp_path / "b.png").read_bytes()[:4] == b"\x89PNG"
        with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid JPEG data"):
            session.run(tf.image.decode_jpeg(b"nothing"))
        with pytest.raises(tf.errors.NotFoundError, match="absent"):
            session.run(tf.image.decode_jpeg(tf.read_file(str(tmp_path / "absent"))))


def test_graphs_with_branches_are_written_and_read() -> None:
    pred = tf.placeholder(tf.bool, [], name="pred")
    tf.identity(tf.cond(pred, lambda: tf.constant(1.0), lambda: tf.constant(2.0)), name="out")
    definition = tf.get_default_graph().as_graph_def()
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(definition, name="")
        assert [session.run("out:0", {"pred:0": flag}) for flag in (True, False)] == [1.0, 2.0]


def test_an_update_of_a_variable_that_a_loop_on_the_host_reads_is_kept() -> None:
    """y = v³ by a loop that makes the variable in its body; one step of descent: v − 0.1·3v²."""
    with tf.Graph().as_default(), tf.Session(backend="numpy") as session:

        def step(i: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return i + 1, y * tf.get_variable("v", [], initializer=tf.constant_initializer(0.5))

        y = tf.while_loop(lambda i, y: i < 3, step, [tf.constant(0), tf.constant(1.0)])[1]
        train = tf.train.GradientDescentOptimizer(0.1).minimize(y)
        (variable,) = tf.global_variables()
        session.run(tf.global_variables_initializer())
        session.run(train)
        assert session.run(variable) == pytest.approx(0.5 - 0.1 * 3 * 0.5**2)
