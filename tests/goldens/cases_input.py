"""Queues, readers, parsing and tf.data: see ``cases.py`` for the rules of these files.

Tests `ops/host/`, `tf1/datasets.py`, `tf1/dataset_functions.py`, `tf1/dataset_iterators.py`, `tf1/dataset_steps.py`,
`tf1/examples.py`, `tf1/file_datasets.py`, `tf1/queues.py` and `tf1/readers.py`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

import os
import tempfile
from typing import Any, Callable, List

import numpy as np

from cases import CASES, Case, Results, case


def drained(tf: Any, session: Any, fetch: Any, count: int = 99) -> List[Any]:
    """The values of a tensor, or a nest of them, in several runs, with a mark at the end of the input."""
    values: List[Any] = []
    try:
        for _ in range(count):
            values.append(plain(session.run(fetch)))
    except tf.errors.OutOfRangeError:
        values.append("end")
    return values


def plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return value.decode()
    return plain(value.tolist()) if isinstance(value, (np.ndarray, np.generic)) else value


def raised(call: Callable[[], Any]) -> str:
    """The class of the error that a call raises."""
    try:
        call()
    except Exception as error:
        return type(error).__name__
    return "nothing"


# tf.data

STREAMS = {
    "shuffle": lambda tf, ints: ints(10).shuffle(4),
    "shuffle_seed": lambda tf, ints: ints(10).shuffle(10, seed=3),
    "shuffle_repeat": lambda tf, ints: ints(6).shuffle(6, seed=3).repeat(3),
    "shuffle_small_repeat": lambda tf, ints: ints(7).shuffle(3).repeat(2),
    "shuffle_fixed_repeat": lambda tf, ints: ints(6).shuffle(4, 3, reshuffle_each_iteration=False).repeat(2),
    "shuffle_map_repeat": lambda tf, ints: ints(5).shuffle(5, seed=1).map(lambda x: x + 10).repeat(2),
    "repeat_shuffle": lambda tf, ints: ints(4).repeat(2).shuffle(3, seed=5),
    "shuffle_twice": lambda tf, ints: ints(5).shuffle(5).map(lambda x: x * 2).shuffle(3),
    "shuffle_and_repeat": lambda tf, ints: ints(5).apply(tf.data.experimental.shuffle_and_repeat(3, 2, seed=4)),
    "map_random": lambda tf, ints: ints(5).map(lambda x: tf.random_uniform([], 0, 100, tf.int32)),
    "map_random_seed": lambda tf, ints: ints(4).map(
        lambda x: tf.random_uniform([], 0, 100, tf.int32, seed=2) + tf.random_uniform([], 0, 100, tf.int32)
    ),
    "map_parallel": lambda tf, ints: ints(9).map(lambda x: x * x, num_parallel_calls=3),
    "map_and_batch": lambda tf, ints: ints(5).apply(tf.data.experimental.map_and_batch(lambda x: x * 2, 2)),
    "interleave": lambda tf, ints: ints(4).interleave(
        lambda x: tf.data.Dataset.from_tensors(x).repeat(3), cycle_length=2, block_length=2
    ),
    "interleave_uneven": lambda tf, ints: ints(6).interleave(
        lambda x: tf.data.Dataset.range(x), cycle_length=3, block_length=2
    ),
    "flat_map": lambda tf, ints: ints(4).flat_map(lambda x: tf.data.Dataset.range(x)),
    "batch": lambda tf, ints: ints(7).batch(3),
    "batch_drop": lambda tf, ints: ints(7).batch(3, drop_remainder=True),
    "padded_batch": lambda tf, ints: tf.data.Dataset.from_generator(
        lambda: ([i] * i for i in range(5)), tf.int64, [None]
    ).padded_batch(3, [None]),
    "padded_batch_values": lambda tf, ints: tf.data.Dataset.from_generator(
        lambda: ([i] * i for i in range(5)), tf.int64, tf.TensorShape([None])
    ).padded_batch(2, [6], np.int64(-1)),
    "generator_of_pairs": lambda tf, ints: tf.data.Dataset.from_generator(
        lambda: ((i, {"x": [i, i]}) for i in range(2)), (tf.int32, {"x": tf.float32}), ([], {"x": [2]})
    ),
    "zip": lambda tf, ints: tf.data.Dataset.zip((ints(3), {"a": ints(5)})),
    "concatenate": lambda tf, ints: ints(3).concatenate(ints(2)),
    "filter": lambda tf, ints: ints(6).filter(lambda x: tf.equal(x % 2, 0)),
    "shard": lambda tf, ints: ints(7).shard(3, 1),
    "skip_take": lambda tf, ints: ints(9).skip(2).take(4),
    "slices": lambda tf, ints: tf.data.Dataset.from_tensor_slices((np.arange(3.0), {"b": ["x", "y", "z"]})),
    "cache": lambda tf, ints: ints(3).map(lambda x: tf.random_uniform([], 0, 100, tf.int32)).cache().repeat(2),
    "prefetch": lambda tf, ints: tf.data.Dataset.from_tensor_slices(np.arange(3.0)).batch(2).repeat(2).prefetch(1),
    "enumerate": lambda tf, ints: ints(3).map(lambda x: x * 5).apply(tf.data.experimental.enumerate_dataset(2)),
    "unbatch": lambda tf, ints: tf.data.Dataset.from_tensors([1, 2, 3]).apply(tf.data.experimental.unbatch()),
}


def _add_stream(name: str, make: Callable[[Any, Any], Any]) -> None:
    """All elements of a dataset, its types and shapes, and a random number that pins the number of ops it makes."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default():
            tf.set_random_seed(7)
            dataset = make(tf, tf.data.Dataset.range)
            element = dataset.make_one_shot_iterator().get_next()
            number = tf.random_uniform([])
            with tf.Session() as session:
                values = drained(tf, session, element)
                return {"values": values, "number": session.run(number), "shapes": str(dataset.output_shapes)}

    CASES["stream_" + name] = Case(run, 1e-6, 1e-7)


for _name, _make in STREAMS.items():
    _add_stream(_name, _make)


@case()
def initializable_iterator(tf: Any) -> Results:
    """Tensors from outside, among them a fed size; a map that reads a constant of the graph; two passes."""
    with tf.Graph().as_default():
        mean = tf.constant([1.0, 2.0])
        rows, size = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int64, [])
        dataset = tf.data.Dataset.from_tensor_slices((rows, {"a": tf.range(3)}))
        dataset = dataset.map(lambda x, d: (x - mean, d["a"]), num_parallel_calls=2).batch(size)
        iterator = dataset.make_initializable_iterator()
        x, a = iterator.get_next()
        with tf.Session() as session:
            early = raised(lambda: session.run(x))
            session.run(iterator.initializer, {rows: np.ones((3, 2)), size: 2})
            first = drained(tf, session, a)
            session.run(iterator.initializer, {rows: np.ones((3, 2)), size: 3})
            return {"raised": early, "first": first, "second": drained(tf, session, x), "shape": str(x.shape)}


@case()
def iterators_by_structure_and_handle(tf: Any) -> Results:
    with tf.Graph().as_default():
        train, test = tf.data.Dataset.range(3).map(lambda x: x * 10), tf.data.Dataset.range(2)
        iterator = tf.data.Iterator.from_structure(train.output_types, train.output_shapes)
        x = iterator.get_next()
        of_train, of_test = iterator.make_initializer(train), iterator.make_initializer(test)
        handle = tf.placeholder(tf.string, [])
        y = tf.data.Iterator.from_string_handle(handle, train.output_types, train.output_shapes).get_next()
        endless, once = train.repeat().make_one_shot_iterator(), test.make_initializable_iterator()
        with tf.Session() as session:
            session.run(of_train)
            seen = [drained(tf, session, x)]
            session.run(of_test)
            seen.append(drained(tf, session, x))
            first, second = session.run([endless.string_handle(), once.string_handle()])
            session.run(once.initializer)
            seen.append([plain(session.run(y, {handle: h})) for h in (first, second, first, second, first)])
        return {"seen": seen}


@case()
def datasets_of_files(tf: Any) -> Results:
    """Text lines as columns, fixed lengths, and the names of files."""
    with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default():
        path = os.path.join(folder, "t.csv")
        with open(path, "w") as file:
            file.write('h\n1,2.5,a\n3,,"b,c"\n')
        lines = tf.data.TextLineDataset(path).skip(1)
        columns = lines.map(lambda line: tf.decode_csv(line, [[0], [9.0], [""]])).batch(2)
        pieces = tf.data.FixedLengthRecordDataset([path], 4, 3)
        names = tf.data.Dataset.list_files(os.path.join(folder, "*"))
        fetches = [d.make_one_shot_iterator().get_next() for d in (columns, pieces, names)]
        with tf.Session() as session:
            seen = [drained(tf, session, fetch) for fetch in fetches]
        return {"seen": seen[:2], "names": [os.path.basename(seen[2][0])] + seen[2][1:]}


# records


def _write_examples(tf: Any, folder: str, options: Any = None) -> List[str]:
    paths = [os.path.join(folder, name) for name in ("one", "two")]
    kinds = tf.train
    for k, path in enumerate(paths):
        with tf.python_io.TFRecordWriter(path, options) as writer:
            for i in range(3):
                feature = {
                    "label": kinds.Feature(int64_list=kinds.Int64List(value=[k * 3 + i])),
                    "image": kinds.Feature(bytes_list=kinds.BytesList(value=[bytes(bytearray([i, k, 7]))])),
                    "some": kinds.Feature(float_list=kinds.FloatList(value=[0.5] * i)),
                }
                writer.write(kinds.Example(features=kinds.Features(feature=feature)).SerializeToString())
    return paths


@case()
def records_and_examples(tf: Any) -> Results:
    """Examples written to files, plain and compressed, and read by a dataset."""
    seen = []
    for kind in ("", "GZIP", "ZLIB"):
        with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default():
            code = {"": 0, "ZLIB": 1, "GZIP": 2}[kind]
            paths = _write_examples(tf, folder, tf.python_io.TFRecordOptions(code))

            def parse(record: Any) -> Any:
                features = {
                    "label": tf.FixedLenFeature([], tf.int64),
                    "image": tf.FixedLenFeature([], tf.string),
                    "some": tf.VarLenFeature(tf.float32),
                    "none": tf.FixedLenFeature([2], tf.float32, [1.0, 2.0]),
                }
                found = tf.parse_single_example(record, features)
                some = tf.sparse_tensor_to_dense(found["some"])
                return found["label"], tf.decode_raw(found["image"], tf.uint8), some, found["none"]

            dataset = tf.data.TFRecordDataset(paths, compression_type=kind).map(parse)
            element = dataset.padded_batch(4, ([], [None], [None], [2])).make_one_shot_iterator().get_next()
            with tf.Session() as session:
                seen.append(drained(tf, session, element))
    return {"seen": seen}


@case()
def missing_features(tf: Any) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        features = {"absent": tf.FixedLenFeature([], tf.int64)}
        parsed = tf.parse_single_example(tf.constant(b""), features)
        return {"raised": raised(lambda: session.run(parsed))}


# queues


def _run_with_runners(tf: Any, fetch: Any, count: int = 99) -> List[Any]:
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(session, coordinator)
        values = drained(tf, session, fetch, count)
        coordinator.request_stop()
        coordinator.join(threads)
        return values


@case()
def files_by_queue(tf: Any) -> Results:
    """The order of shuffled names over two epochs, records, batches of which the last is smaller."""
    with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default():
        queue = tf.train.string_input_producer(_write_examples(tf, folder), num_epochs=2, shuffle=True, seed=3)
        _, record = tf.TFRecordReader().read(queue)
        label = tf.parse_single_example(record, {"label": tf.FixedLenFeature([], tf.int64)})["label"]
        batch = tf.train.batch([label], 5, allow_smaller_final_batch=True)
        return {"labels": _run_with_runners(tf, batch), "shape": str(batch.shape)}


@case()
def queue_readers(tf: Any) -> Results:
    """Whole files, lines, and pieces of fixed length, with their keys."""
    seen = []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.bin")
        with open(path, "wb") as file:
            file.write(b"head\nab\ncd\nef")
        makers = [
            lambda: tf.WholeFileReader(),
            lambda: tf.TextLineReader(skip_header_lines=1),
            lambda: tf.FixedLengthRecordReader(3, header_bytes=5, footer_bytes=1),
            lambda: tf.IdentityReader(),
        ]
        for make in makers:
            with tf.Graph().as_default():
                queue = tf.train.string_input_producer([path], num_epochs=1)
                pairs = _run_with_runners(tf, make().read(queue))
                seen.append([[part.replace(folder, "") for part in pair] if pair != "end" else pair for pair in pairs])
    return {"seen": seen}


@case()
def random_queue(tf: Any) -> Results:
    """A closed queue with seeds gives its elements in one order."""
    with tf.Graph().as_default():
        queue = tf.RandomShuffleQueue(20, 2, [tf.int32], [[]], seed=5)
        put, take, several = queue.enqueue_many([tf.range(10)]), queue.dequeue(), queue.dequeue_many(3)
        with tf.Session() as session:
            session.run(put)
            session.run(queue.close())
            seen = drained(tf, session, take, 4) + drained(tf, session, several)
            closed = raised(lambda: session.run(put))
        return {"seen": seen, "raised": closed}


@case()
def queues_in_order(tf: Any) -> Results:
    """Sizes, elements of several parts with names, padding, taking up to a number of elements."""
    with tf.Graph().as_default():
        plain_queue = tf.FIFOQueue(10, [tf.int32, tf.float32], [[], [2]], names=["a", "b"])
        put = plain_queue.enqueue({"a": 3, "b": [1.0, 2.0]})
        padded = tf.PaddingFIFOQueue(10, [tf.int32], [[None]])
        puts = [padded.enqueue([[1] * n]) for n in (1, 3, 2)]
        with tf.Session() as session:
            seen: List[Any] = [plain(session.run(plain_queue.size()))]
            for _ in range(3):
                session.run(put)
            seen.append(plain(session.run(plain_queue.size())))
            seen.append(plain(session.run(plain_queue.dequeue())))
            seen.append(plain(session.run(plain_queue.dequeue_many(2)["b"])))
            for one in puts:
                session.run(one)
            seen.append(plain(session.run(padded.dequeue_many(2))))
            session.run(padded.close())
            seen.append(plain(session.run(padded.dequeue_up_to(5))))
            seen.append(drained(tf, session, padded.dequeue()))
        return {"seen": seen}


@case()
def slices_and_summaries(tf: Any) -> Results:
    """Batches as dictionaries; the summaries that queues make; the number of ops that all of it makes."""
    with tf.Graph().as_default():
        tf.set_random_seed(4)
        number, text = tf.train.slice_input_producer([[1, 2, 3], ["x", "y", "z"]], num_epochs=1, shuffle=False)
        batch = tf.train.batch({"n": number, "s": text}, 2, allow_smaller_final_batch=True)
        after_batch = tf.random_uniform([])
        tf.train.shuffle_batch([tf.constant(1.0), tf.constant([2, 3])], 2, 20, 5)
        after_shuffle = tf.random_uniform([])
        tf.train.string_input_producer(["a", "b"])
        after_names = tf.random_uniform([])
        values = drained(tf, tf.Session(), [after_batch, after_shuffle, after_names], 1)
        summaries = len(tf.get_collection(tf.GraphKeys.SUMMARIES))
        tf.get_default_graph().clear_collection(tf.GraphKeys.QUEUE_RUNNERS)
        return {"numbers": np.array(values[0]), "summaries": summaries, "shapes": str(batch["n"].shape)}


@case()
def batches_of_slices(tf: Any) -> Results:
    with tf.Graph().as_default():
        number, text = tf.train.slice_input_producer([[1, 2, 3], ["x", "y", "z"]], num_epochs=1, shuffle=False)
        batch = tf.train.batch({"n": number, "s": text}, 2, allow_smaller_final_batch=True)
        return {"seen": _run_with_runners(tf, batch)}


# strings


@case()
def string_values(tf: Any) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        texts = tf.constant([["1", "2"], ["3", "4"]])
        fed = tf.placeholder(tf.string, [None])
        fetches = [
            texts,
            tf.constant("abc"),
            tf.string_to_number(texts),
            tf.as_string(tf.constant([1, 2])),
            tf.string_join([texts, "x"], "-"),
            tf.decode_raw(tf.constant(["ab", "cd"]), tf.uint8),
            tf.decode_raw(tf.constant("abcd"), tf.int16, little_endian=False),
            fed,
        ]
        values = session.run(fetches, {fed: ["p", b"q"]})
        odd = raised(lambda: session.run(tf.decode_raw(tf.constant("abc"), tf.int16)))
        return {"values": [plain(v) for v in values], "shapes": [str(f.shape) for f in fetches], "raised": odd}
