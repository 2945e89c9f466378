"""Arguments of TensorFlow 1 that minigraph cannot honour are refused by an error that names them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph import tf1
from minigraph.core.errors import DTypeError, ShapeError

REFUSED: dict[str, Callable[[], Any]] = {
    "partitioner": lambda: tf.get_variable("v", [2], partitioner=lambda **_: [1]),
    "variable_def": lambda: tf.Variable(1.0, variable_def=3),  # type: ignore[arg-type]
    "builder": lambda: tf.train.Saver([tf.Variable(1.0)], builder=3),  # type: ignore[arg-type]
    "export_scope": lambda: tf.train.export_meta_graph(export_scope="a"),  # type: ignore[arg-type]
    "activity_regularizer": lambda: tf.layers.dense(tf.zeros([1, 2]), 3, activity_regularizer=tf.nn.l2_loss),  # type: ignore[arg-type]
    "renorm": lambda: tf.layers.batch_normalization(tf.zeros([1, 2]), renorm=True),
    "progressive": lambda: tf.image.encode_jpeg(np.zeros([2, 2, 3], np.uint8), progressive=True),
    "try_recover_truncated": lambda: tf.image.decode_jpeg(b"", try_recover_truncated=True),
    "target": lambda: tf.Session("grpc://localhost:2222"),
    "master": lambda: tf1.train.MonitoredTrainingSession("grpc://localhost:2222"),
    "is_chief": lambda: tf1.train.Supervisor(is_chief=False),
    "sync_optimizer": lambda: tf1.contrib.slim.learning.train(tf.no_op(), None, sync_optimizer=3),
    "fake_data": lambda: tf1.examples.tutorials.mnist.input_data.read_data_sets("", fake_data=True),
    "batch_weights": lambda: tf1.contrib.layers.batch_norm(tf.zeros([1, 2]), batch_weights=[1.0]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_error_names_the_argument(name: str) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match=f"{name}=.* is not supported"):
        REFUSED[name]()


def test_a_scope_refuses_a_partitioner() -> None:
    with pytest.raises(ValueError, match="partitioner="), tf.variable_scope("a", partitioner=3):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize("call", [tf.layers.dense, tf.get_variable, tf.train.Saver, tf.Variable, tf.map_fn])
def test_an_unknown_argument_is_an_error(call: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="bogus"):
        call(bogus=None)


def test_arguments_that_must_agree_with_others() -> None:
    with tf.Graph().as_default():
        with pytest.raises(ShapeError, match=r"\(2,\)"):
            tf.Variable([1.0, 2.0], expected_shape=[3])
        with pytest.raises(ShapeError, match="num is 3"):
            tf.split([1.0, 2.0, 3.0], [1, 2], num=3)
        with pytest.raises(DTypeError, match="tensor_dtype is int32"):
            tf.accumulate_n([[1.0], [2.0]], tensor_dtype=tf.int32)
        with pytest.raises(DTypeError, match="dtype is int32"):
            tf.map_fn(lambda v: v, tf.constant([1.0, 2.0]), dtype=tf.int32)
        with pytest.raises(DTypeError, match="out_idx"):
            tf.unique([1, 2], out_idx=tf.float32)
        with pytest.raises(ShapeError, match="grayscale"):
            tf.image.encode_jpeg(np.zeros([2, 2, 3], np.uint8), format="grayscale")


def test_compression_of_png_files_acts() -> None:
    image = np.zeros([64, 64, 3], np.uint8)
    with tf.Graph().as_default(), tf.Session() as session:
        files = session.run([tf.image.encode_png(image, compression=level) for level in (0, 9)])
        pixels = session.run([tf.image.decode_png(file) for file in files])
    assert len(files[0]) > 10 * len(files[1])
    np.testing.assert_array_equal(pixels[0], pixels[1])


def test_joining_waits_for_the_stop_and_names_threads_that_go_on() -> None:
    coord, end = tf.train.Coordinator(), Event()
    thread = Thread(target=end.wait, name="straggler", daemon=True)
    thread.start()
    coord.request_stop()
    with pytest.raises(RuntimeError, match="straggler"):
        coord.join([thread], stop_grace_period_secs=0.05)
    coord.join([thread], stop_grace_period_secs=0.05, ignore_live_threads=True)
    end.set()
    coord.join([thread])


def test_map_fn_can_cut_the_gradient() -> None:
    with tf.Graph().as_default():
        x = tf.constant([1.0, 2.0])
        assert tf.gradients(tf.map_fn(tf.square, x, back_prop=False), x) == [None]
