"""Input pipelines beside training: waiting, stopping, errors on threads, memory.

Tests `train/coordinator.py`, `train/queue_runner.py`, `tf1/datasets.py`, `tf1/dataset_iterators.py`, `tf1/queues.py`,
`tf1/readers.py` and `ops/host/`.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

import minigraph.tf1 as tf


def test_a_run_that_waits_lets_another_one_fill_the_queue() -> None:
    queue = tf.FIFOQueue(2, [tf.float32], [[]])
    fed = tf.placeholder(tf.float32, [])
    put, doubled = queue.enqueue(fed), queue.dequeue() * 2.0
    with tf.Session(backend="numpy") as session:

        def fill() -> None:
            for value in range(6):
                session.run(put, {fed: value})

        thread = threading.Thread(target=fill)
        thread.start()
        assert [float(session.run(doubled)) for _ in range(6)] == [0, 2, 4, 6, 8, 10]
        thread.join()
        assert session.run(queue.size()) == 0


def test_closing_the_session_ends_a_wait() -> None:
    queue = tf.FIFOQueue(2, [tf.float32])
    taken = queue.dequeue()
    session = tf.Session(backend="numpy")
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            session.run(taken)
        except tf.errors.CancelledError as error:
            failed.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.05)
    session.close()
    thread.join(5)
    assert failed


def test_queues_hold_no_more_than_their_capacity() -> None:
    made = []
    value = tf.py_func(lambda: made.append(0) or np.float32(len(made)), [], tf.float32)
    value.set_shape([])
    batch = tf.train.batch([value], 2, capacity=5)
    with tf.Session(backend="numpy") as session:
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        assert session.run(batch).tolist() == [1, 2]
        time.sleep(0.1)
        assert len(made) <= 2 + 5 + 1  # taken, waiting, and one that waits to be put in
        coordinator.request_stop()
        coordinator.join(threads)


def test_an_error_on_a_thread_reaches_the_program(tmp_path: Path) -> None:
    queue = tf.train.string_input_producer([str(tmp_path / "none")])
    _, value = tf.WholeFileReader().read(queue)
    (batch,) = [tf.train.batch([value], 2)]
    with tf.Session(backend="numpy") as session:
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        with pytest.raises(tf.errors.OutOfRangeError):
            session.run(batch)
        with pytest.raises(tf.errors.NotFoundError, match="none"):
            coordinator.join(threads)


def test_a_prefetched_dataset_reads_only_a_little_ahead_and_ends_its_threads() -> None:
    read = []

    def source() -> object:
        for i in range(1000):
            read.append(i)
            yield i

    dataset = (
        tf.data.Dataset.from_generator(source, tf.int64, []).map(lambda x: x + 1, num_parallel_calls=2).prefetch(3)
    )
    element = dataset.make_one_shot_iterator().get_next()
    before = threading.active_count()
    with tf.Session(backend="numpy") as session:
        assert [int(session.run(element)) for _ in range(4)] == [1, 2, 3, 4]
        time.sleep(0.05)
        assert len(read) < 30
        assert threading.active_count() > before
    for _ in range(100):
        if threading.active_count() == before:
            break
        time.sleep(0.05)
    assert threading.active_count() == before


def test_elements_that_the_program_feeds_compile_no_plan() -> None:
    value, fixed = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [2])
    queue = tf.FIFOQueue(40, [tf.float32])
    put, put_fixed, size = queue.enqueue(value), queue.enqueue(fixed), queue.size()
    with tf.Session(backend="numpy") as session:
        for number in range(30):
            session.run(put, {value: np.zeros(number, np.float32)})
        assert session.stats[:2] == (30, 0)  # runs, and plans compiled
        with pytest.raises(ValueError, match=r"Cannot feed value of shape \(3,\) for Tensor 'Placeholder_1:0'"):
            session.run(put_fixed, {fixed: [1.0, 2.0, 3.0]})
        assert session.run(size) == 30  # a value that is refused is not put in
        assert session.run([put, value], {value: [5.0]})[1].tolist() == [5.0]
        assert session.run(size) == 31


def test_sessions_have_their_own_queues_and_iterators() -> None:
    element = tf.data.Dataset.range(5).make_one_shot_iterator().get_next()
    queue = tf.FIFOQueue(2, [tf.int32])
    put = queue.enqueue(3)
    with tf.Session(backend="numpy") as first, tf.Session(backend="numpy") as second:
        assert [int(s.run(element)) for s in (first, first, second)] == [0, 1, 0]
        first.run(put)
        assert [int(s.run(queue.size())) for s in (first, second)] == [1, 0]


def test_wrong_uses_are_told() -> None:
    queue = tf.FIFOQueue(2, [tf.float32, tf.int32])
    with pytest.raises(ValueError, match="number of components"):
        queue.enqueue([1.0])
    with pytest.raises(tf.errors.ShapeError, match="needs shapes"):
        queue.dequeue_many(2)
    with pytest.raises(ValueError, match="fully defined"):
        tf.train.batch([tf.placeholder(tf.float32, [None])], 2)
    with pytest.raises(TypeError, match="must return a `Dataset`"):
        tf.data.Dataset.range(3).flat_map(lambda x: x)
    with pytest.raises(TypeError, match="Expected output types"):
        tf.data.Iterator.from_structure(tf.float32).make_initializer(tf.data.Dataset.range(2))
    with pytest.raises(ValueError, match="session"):
        tf.train.start_queue_runners()
