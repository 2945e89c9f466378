"""Summaries and event files, read back by TensorBoard itself."""

from __future__ import annotations

import io
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import minigraph as tf

pytest.importorskip("tensorboard", reason="TensorBoard reads the files here")


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0, "histograms": 0})
    accumulator.Reload()
    return accumulator


@pytest.fixture(autouse=True)
def graph() -> Any:
    with tf.Graph().as_default() as graph:
        yield graph


def pixels(summary: bytes) -> list[np.ndarray]:
    values = tf.Summary.FromString(summary).value
    return [np.asarray(Image.open(io.BytesIO(v.image.encoded_image_string))) for v in values]


def test_tensorboard_reads_what_a_training_run_wrote(tmp_path: Path, graph: tf.Graph) -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    weights = tf.Variable([[1.0], [2.0], [3.0]], name="weights")
    loss = tf.reduce_mean(tf.square(tf.matmul(x, weights)))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    tf.summary.scalar("loss", loss)
    tf.summary.histogram("weights", weights)
    tf.summary.image("picture", tf.reshape(x, [1, -1, 3, 1]), max_outputs=1)
    merged = tf.summary.merge_all()
    data = np.arange(6.0).reshape(2, 3)
    losses = []
    start = tf.global_variables_initializer()
    with tf.Session() as session, tf.summary.FileWriter(tmp_path, session.graph) as writer:
        session.run(start)
        for step in range(12):
            summary, value, _ = session.run([merged, loss, train], {x: data})
            losses.append(float(value))
            writer.add_summary(summary, step)
    found = read(tmp_path)
    assert [e.value for e in found.Scalars("loss")] == losses
    assert [e.step for e in found.Scalars("loss")] == list(range(12))
    histograms = found.Histograms("weights_1")
    assert len(histograms) == 12
    first = histograms[0].histogram_value
    assert (first.min, first.max, first.num, first.sum, first.sum_squares) == (1, 3, 3, 6, 14)
    picture = np.asarray(Image.open(io.BytesIO(found.Images("picture/image")[0].encoded_image_string)))
    np.testing.assert_array_equal(picture, np.floor(data * np.float32(255 / 5)))
    drawn = found.Graph()
    assert [n.name for n in drawn.node] == [n.name for n in graph.nodes]
    node = next(n for n in drawn.node if n.name == "MatMul")
    assert list(node.input) == ["Placeholder", "weights/read"]
    assert [[d.size for d in s.dim] for s in node.attr["_output_shapes"].list.shape] == [[-1, 1]]


def test_a_summary_is_bytes_of_the_message() -> None:
    with tf.Session() as session:
        text, none = session.run([tf.summary.scalar("a b", 2.5), tf.summary.scalar("c", 1.0).op])
    assert isinstance(text, bytes)
    assert none is None
    assert tf.Summary.FromString(text) == tf.Summary(value=[tf.Summary.Value(tag="a_b", simple_value=2.5)])


def test_histogram_counts_lie_between_the_limits() -> None:
    values = np.random.RandomState(0).standard_normal(1000).astype(np.float32)
    values[:10] = 0
    with tf.Session() as session:
        text = session.run(tf.summary.histogram("h", values))
    histogram = tf.Summary.FromString(text).value[0].histo
    edges = np.array([-np.inf, *histogram.bucket_limit])
    expected = [np.sum((values >= low) & (values < high)) for low, high in pairwise(edges)]
    np.testing.assert_array_equal(histogram.bucket, expected)
    assert sum(histogram.bucket) == 1000


def test_a_histogram_of_nan_is_an_error_with_the_line() -> None:
    summary = tf.summary.histogram("h", tf.log(tf.constant([-1.0])))
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"Nan .*: h .*test_summary.py"):
        session.run(summary)


def test_images() -> None:
    """Floats are scaled by the image's extreme; uint8 stays."""
    signed = np.array([[[[-2.0], [0.0], [1.0], [np.nan]]], [[[0.0], [0.5], [0.25], [1.0]]]], np.float32)
    plain = np.arange(2 * 2 * 2 * 3).reshape(2, 2, 2, 3).astype(np.uint8)
    with tf.Session() as session:
        first = pixels(session.run(tf.summary.image("i", signed)))
        second = pixels(session.run(tf.summary.image("i", plain, max_outputs=1)))
    np.testing.assert_array_equal(first, [[[1, 128, 191, 255]], [[0, 127, 63, 255]]])
    np.testing.assert_array_equal(second, plain[:1])


def test_two_summaries_of_one_tag_do_not_merge() -> None:
    one = tf.summary.scalar("a", 1.0)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="Duplicate tag a"):
        session.run(tf.summary.merge([one, one]))


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: tf.summary.scalar("a", tf.zeros([2])), ValueError),
        (lambda: tf.summary.scalar("a", tf.constant(True)), TypeError),
        (lambda: tf.summary.image("a", tf.zeros([2, 3, 3])), ValueError),
        (lambda: tf.summary.image("a", tf.zeros([2, 3, 3, 2])), ValueError),
        (lambda: tf.summary.image("a", tf.zeros([2, 3, 3, 3], tf.int32)), TypeError),
        (lambda: tf.summary.image("a", tf.zeros([2, 3, 3, 3]), max_outputs=0), ValueError),
        (lambda: tf.summary.merge([tf.zeros([2])]), TypeError),
        (lambda: tf.summary.merge([]), ValueError),
    ],
)
def test_misuse(make: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


def test_strings_stay_on_the_host() -> None:
    summary = tf.summary.scalar("a", 1.0)
    doubled = tf.identity(tf.constant(1.0)) + 1.0
    with tf.control_dependencies([summary]):
        after = tf.identity(doubled)
    with tf.Session() as session:
        assert session.run(after) == 2.0
        with pytest.raises(TypeError, match="strings are made by the graph only"):
            session.run(after, {summary: b""})
    assert tf.summary.merge_all() is not None
    assert tf.summary.merge_all("no such collection") is None


def test_writer_closes_and_reopens(tmp_path: Path) -> None:
    writer = tf.summary.FileWriter(str(tmp_path / "logs"))
    writer.add_summary(tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=1.0)]), 1)
    writer.close()
    with pytest.warns(UserWarning, match="closed FileWriter"):
        writer.add_summary(tf.Summary(), 2)
    writer.reopen()
    writer.add_event(tf.Event(step=3, summary=tf.Summary(value=[tf.Summary.Value(tag="a", simple_value=2.0)])))
    writer.close()
    assert len(list((tmp_path / "logs").iterdir())) == 2
    assert [(e.step, e.value) for e in read(tmp_path / "logs").Scalars("a")] == [(1, 1.0), (3, 2.0)]


def test_a_traced_run(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [None, 20], name="x")
    weights = tf.Variable(tf.ones([20, 5]), name="w")
    product = tf.matmul(x, weights, name="product")
    step = weights.assign_add(tf.ones([20, 5]))
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    with tf.Session() as session, tf.summary.FileWriter(tmp_path) as writer:
        session.run(tf.global_variables_initializer())
        fetches, feeds = [product, step], {x: np.ones((3, 20))}
        traced = session.run(fetches, feeds, options=options, run_metadata=metadata)
        plain = session.run(fetches, feeds)
        writer.add_run_metadata(metadata, "step1", 1)
        with pytest.raises(ValueError, match="already used"):
            writer.add_run_metadata(metadata, "step1", 2)
    np.testing.assert_array_equal(traced[0], np.full((3, 5), 20.0))
    np.testing.assert_array_equal(plain[0], np.full((3, 5), 40.0))  # the traced run had its effect, once
    (device,) = metadata.step_stats.dev_stats
    nodes = {n.node_name: n for n in device.node_stats}
    assert nodes["product"].output[0].tensor_description.allocation_description.requested_bytes == 3 * 5 * 4
    assert read(tmp_path).RunMetadata("step1") == metadata


def test_without_tensorboard_the_error_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['tensorboard'] = None\nimport minigraph as tf\n"
        "s = tf.summary.scalar('a', 1.0)\ntry: tf.Session().run(s)\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert 'pip install "minigraph[tensorboard]"' in done.stdout
