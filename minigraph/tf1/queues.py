"""Input queues of TensorFlow 1: the queues, producers of file names and slices, and batches of examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, string
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import Shape, as_shape, common
from minigraph.ops.host.queues import (
    QueueClose,
    QueueDequeue,
    QueueDequeueMany,
    QueueEnqueue,
    QueueIsClosed,
    QueueSize,
    QueueSpec,
    random_seeds,
)
from minigraph.ops.host.readers import EpochLimit, StringGather
from minigraph.ops.random.distributions import get_seed
from minigraph.util.nest import listed


class QueueBase:
    """A queue whose elements are one or several tensors. Programs make its subclasses."""

    def __init__(self, dtypes: Any, shapes: Any, names: Any, queue_ref: QueueSpec) -> None:
        self._spec = queue_ref
        self._names = names
        self.dtypes, self.shapes = list(dtypes), None if shapes is None else [tf.TensorShape(s) for s in shapes]

    @property
    def name(self) -> str:
        return self._spec.name

    @property
    def names(self) -> Any:
        return self._names

    @property
    def queue_ref(self) -> Any:
        return self._spec

    def _operands(self, vals: Any) -> list[Tensor]:
        if isinstance(vals, Mapping):
            if not self._names or set(vals) != set(self._names):
                raise ValueError(f"Keys in dictionary to enqueue do not match names of Queue: {list(vals)}")
            given = [vals[name] for name in self._names]
        else:
            given = listed(vals)
            if len(given) != len(self.dtypes) and len(self.dtypes) == 1:
                given = [vals]
        if len(given) != len(self.dtypes):
            raise ValueError(f"Unexpected number of components: {len(given)}, the queue has {len(self.dtypes)}")
        return [convert_to_tensor(v, d) for v, d in zip(given, self.dtypes, strict=True)]

    def _add(self, op: Any, inputs: Sequence[Tensor], name: str | None, default: str) -> Node:
        graph = inputs[0].graph if inputs else get_default_graph()
        return graph.add(op, inputs, name or f"{self.name.rpartition('/')[2]}_{default}")

    def enqueue(self, vals: Any, name: str | None = None) -> Node:
        """Put one element in, as soon as there is room: a tensor, a list of tensors, or a dictionary by names."""
        return self._add(QueueEnqueue(self._spec), self._operands(vals), name, "enqueue")

    def enqueue_many(self, vals: Any, name: str | None = None) -> Node:
        """Put in an element for each index of the tensors' first axis."""
        return self._add(QueueEnqueue(self._spec, True), self._operands(vals), name, "EnqueueMany")

    def dequeue(self, name: str | None = None) -> Any:
        """Take one element, as soon as there is one; a tensor, or a list or dictionary of several."""
        return self._results(self._add(QueueDequeue(self._spec), (), name, "Dequeue"))

    def dequeue_many(self, n: Any, name: str | None = None) -> Any:
        """Take n elements and stack them. OutOfRangeError if the queue is closed and has fewer."""
        return self._many(n, name, "DequeueMany", fewer=False)

    def dequeue_up_to(self, n: Any, name: str | None = None) -> Any:
        """Take n elements and stack them; fewer if the queue is closed."""
        return self._many(n, name, "DequeueUpTo", fewer=True)

    def _many(self, n: Any, name: str | None, default: str, fewer: bool) -> Any:
        count = convert_to_tensor(n, name=f"{self.name.rpartition('/')[2]}_{default}/n")
        known = n if isinstance(n, int) else None
        return self._results(self._add(QueueDequeueMany(self._spec, fewer, known), [count], name, default))

    def _results(self, node: Node) -> Any:
        if self._names:
            return dict(zip(self._names, node.outputs, strict=True))
        return node.outputs[0] if len(node.outputs) == 1 else list(node.outputs)

    def close(self, cancel_pending_enqueues: bool = False, name: str | None = None) -> Node:
        """Refuse new elements, waiting ones included. Elements in the queue can still be taken."""
        return self._add(QueueClose(self._spec), (), name, "Close")

    def is_closed(self, name: str | None = None) -> Tensor:
        return self._add(QueueIsClosed(self._spec), (), name, "is_closed").outputs[0]

    def size(self, name: str | None = None) -> Tensor:
        """The number of elements, int32."""
        return self._add(QueueSize(self._spec), (), name, "Size").outputs[0]


def _spec(
    kind: str, capacity: int, dtypes: Any, shapes: Any, names: Any, name: str, **more: Any
) -> tuple[list[Any], list[Shape] | None, list[str] | None, QueueSpec]:
    kinds = [as_dtype(d) for d in listed(dtypes)]
    dims: list[Shape] | None = None
    if shapes is not None:
        single = not isinstance(shapes, list | tuple) or not all(
            s is None or isinstance(s, list | tuple | tf.TensorShape) for s in shapes
        )
        dims = [as_shape(s) for s in ([shapes] if single or (shapes == [] and len(kinds) == 1) else shapes)]
        if len(dims) != len(kinds):
            raise ValueError("Queue shapes must have the same length as dtypes")
    given = None if names is None else listed(names)
    if given is not None and len(given) != len(kinds):
        raise ValueError("Queue names must have the same length as dtypes")
    graph = get_default_graph()
    graph.reserve_ids(1)
    unique = graph.unique_name(name)
    size = capacity if capacity >= 0 else 2**31 - 1
    shapes = None if dims is None else tuple(dims)
    return kinds, dims, given, QueueSpec(unique, tuple(kinds), shapes, size, kind=kind, **more)


class FIFOQueue(QueueBase):
    """A queue that gives its elements in order."""

    def __init__(
        self, capacity: int, dtypes: Any, shapes: Any = None, names: Any = None, shared_name: str | None = None,
        name: str = "fifo_queue",
    ) -> None:  # fmt: skip
        refuse("tf.FIFOQueue", shared_name=shared_name)
        super().__init__(*_spec("FIFOQueue", capacity, dtypes, shapes, names, name))


class PaddingFIFOQueue(QueueBase):
    """A queue in order, which pads elements that it gives together."""

    def __init__(
        self, capacity: int, dtypes: Any, shapes: Any, names: Any = None, shared_name: str | None = None,
        name: str = "padding_fifo_queue",
    ) -> None:  # fmt: skip
        refuse("tf.PaddingFIFOQueue", shared_name=shared_name)
        super().__init__(*_spec("PaddingFIFOQueue", capacity, dtypes, shapes, names, name, pads=True))


class RandomShuffleQueue(QueueBase):
    """A queue that gives its elements in random order, and keeps `min_after_dequeue` of them to draw from."""

    def __init__(
        self, capacity: int, min_after_dequeue: int, dtypes: Any, shapes: Any = None, names: Any = None,
        seed: int | None = None, shared_name: str | None = None, name: str = "random_shuffle_queue",
    ) -> None:  # fmt: skip
        refuse("tf.RandomShuffleQueue", shared_name=shared_name)
        first, second = get_seed(get_default_graph(), seed)
        seeds = (first or 0, second or 0) if first is not None else random_seeds()
        made = _spec("RandomShuffleQueue", capacity, dtypes, shapes, names, name, remain=min_after_dequeue, seeds=seeds)
        super().__init__(*made)


# producers


def limit_epochs(tensor: Any, num_epochs: int | None = None, name: str | None = None) -> Any:
    """The tensor, for `num_epochs` runs. Then a run fails with OutOfRangeError, which closes the queue."""
    if num_epochs is None:
        return tensor
    if num_epochs <= 0:
        raise ValueError(f"num_epochs must be > 0 not {num_epochs}.")
    value = convert_to_tensor(tensor)
    graph = value.graph
    with graph.counted_as(6), graph.name_scope(name or "limit_epochs") as scope:
        made: Tensor = graph.add(EpochLimit(graph.unique_name(f"{scope}epochs"), num_epochs), [value], scope).outputs[0]
    return made


def input_producer(
    input_tensor: Any, element_shape: Any = None, num_epochs: int | None = None, shuffle: bool = True,
    seed: int | None = None, capacity: int = 32, shared_name: str | None = None, summary_name: str | None = None,
    name: str | None = None, cancel_op: Any = None,
) -> FIFOQueue:  # fmt: skip
    """A queue of the rows of a tensor, epoch after epoch, each in another order if `shuffle`."""
    refuse("tf.train.input_producer", shared_name=shared_name)
    graph = get_default_graph()
    with graph.name_scope(name or "input_producer") as scope:
        values = convert_to_tensor(input_tensor, name="input_producer")
        shape = as_shape(element_shape) if element_shape is not None else (values.type.shape or (None,))[1:]
        rows = _shuffled(values, seed) if shuffle else values
        rows = limit_epochs(rows, num_epochs)
        queue = FIFOQueue(capacity, [values.dtype], [shape], name=scope.rstrip("/"))
        runner = tf.train.QueueRunner(queue, [queue.enqueue_many([rows])], cancel_op=cancel_op)
        tf.train.add_queue_runner(runner)
        _summarise(queue, capacity, summary_name or f"fraction_of_{capacity}_full")
        return queue


def _shuffled(values: Tensor, seed: int | None) -> Tensor:
    """The rows in another order in each run."""
    if values.dtype is not string:
        return tf.random_shuffle(values, seed)
    graph = values.graph
    with graph.counted_as(1):
        size = values.shape.as_list()[0] if values.shape.ndims is not None else None
        if size is None:
            raise ValueError("strings to shuffle must have a known number")
        with graph.counted_as(0):
            places = tf.range(size)
        return graph.add(StringGather(), [values, tf.random_shuffle(places, seed)], "RandomShuffle").outputs[0]


def _summarise(queue: QueueBase, capacity: int, name: str) -> None:
    """TensorFlow's summary of the share of the queue that is filled."""
    graph = get_default_graph()
    with graph.counted_as(6):
        tf.summary.scalar(name, tf.cast(queue.size(), tf.float32) * (1.0 / capacity))


def string_input_producer(
    string_tensor: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None,
    capacity: int = 32, shared_name: str | None = None, name: str | None = None, cancel_op: Any = None,
) -> FIFOQueue:  # fmt: skip
    """A queue of strings, such as names of files, epoch after epoch. ValueError if there are none."""
    if not isinstance(string_tensor, Tensor) and not list(string_tensor):
        raise ValueError("string_input_producer requires a non-null input tensor")
    graph = get_default_graph()
    with graph.name_scope(name or "input_producer") as scope:
        strings = convert_to_tensor(string_tensor, dtype=string)
        graph.reserve_ids(7)  # the check that there are any
        return input_producer(strings, [], num_epochs, shuffle, seed, capacity, shared_name,
                              f"fraction_of_{capacity}_full", scope, cancel_op)  # fmt: skip


def range_input_producer(
    limit: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None, capacity: int = 32,
    shared_name: str | None = None, name: str | None = None,
) -> FIFOQueue:  # fmt: skip
    """A queue of 0 … limit − 1, epoch after epoch."""
    graph = get_default_graph()
    with graph.name_scope(name or "input_producer") as scope:
        with graph.counted_as(3):
            numbers = tf.range(limit)
        return input_producer(
            numbers, [], num_epochs, shuffle, seed, capacity, shared_name, f"fraction_of_{capacity}_full", scope
        )


def slice_input_producer(
    tensor_list: Any, num_epochs: int | None = None, shuffle: bool = True, seed: int | None = None,
    capacity: int = 32, shared_name: str | None = None, name: str | None = None,
) -> list[Tensor]:  # fmt: skip
    """One row of each tensor of a list; each run takes the next place."""
    graph = get_default_graph()
    with graph.name_scope(name or "input_producer"):
        tensors = [convert_to_tensor(t) for t in tensor_list]
        if not tensors:
            raise ValueError("Expected at least one tensor in slice_input_producer().")
        size: Any = tensors[0].shape.as_list()[0]
        graph.reserve_ids(5)  # the size, by a slice of the shape
        if size is None:
            size = tf.shape(tensors[0])[0]
        place = range_input_producer(size, num_epochs, shuffle, seed, capacity, shared_name).dequeue()
        rows = []
        for tensor in tensors:
            with graph.counted_as(2):
                rows.append(_row(tensor, place))
        return rows


def _row(tensor: Tensor, place: Tensor) -> Tensor:
    if tensor.dtype is string:
        return tensor.graph.add(StringGather(), [tensor, place], "Gather").outputs[0]
    return tf.gather(tensor, place)


# batches


def _collected(tensors: Any) -> tuple[list[Tensor], list[Any] | None]:
    """The tensors in a fixed order, and their names if they are in a dictionary."""
    keys = sorted(tensors) if isinstance(tensors, Mapping) else None
    given = [tensors[k] for k in keys] if keys is not None else list(tensors)
    if not given:
        raise ValueError("Expected at least one tensor in batch().")
    return [convert_to_tensor(t) for t in given], keys


def _as_given(results: Any, keys: list[Any] | None) -> Any:
    if keys is None:
        return results
    return dict(zip(keys, results if isinstance(results, list) else [results], strict=True))


def _element_shapes(lists: Sequence[list[Tensor]], shapes: Any, many: bool, pad: bool) -> list[Any]:
    if shapes is not None:
        return [as_shape(s) for s in shapes]
    found = []
    for alike in zip(*lists, strict=True):
        dims = [t.type.shape for t in alike]
        cut = [None if d is None else d[1:] if many else d for d in dims]
        merged = reduce(common, cut)
        if merged is None or (not pad and None in merged):
            raise ValueError(f"All shapes must be fully defined: {[tf.TensorShape(c) for c in cut]}")
        found.append(merged)
    return found


def _batched(
    default: str, name: str | None, tensors_list: Sequence[Any], threads: int, batch_size: Any, many: bool,
    shapes: Any, pad: bool, smaller: bool, make: Any,
) -> Any:  # fmt: skip
    """A batch from a queue that `make(dtypes, shapes)` makes, filled by a runner."""
    graph = get_default_graph()
    with graph.name_scope(name or default) as scope:
        pairs = [_collected(tensors) for tensors in tensors_list]
        lists, keys = [p[0] for p in pairs], pairs[0][1]
        graph.reserve_ids(1)  # keep_input, a constant
        queue, summarise = make([t.dtype for t in lists[0]], _element_shapes(lists, shapes, many, pad))
        put = queue.enqueue_many if many else queue.enqueue
        operations = [put(list_) for list_ in lists]
        operations = operations * threads if len(lists) == 1 else operations
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, operations))
        summarise()
        take = queue.dequeue_up_to if smaller else queue.dequeue_many
        return _as_given(take(batch_size, name=scope), keys)


def batch(
    tensors: Any, batch_size: Any, num_threads: int = 1, capacity: int = 32, enqueue_many: bool = False,
    shapes: Any = None, dynamic_pad: bool = False, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """Batches of the values that tensors have in one run after another, made by threads.

    tensors: a list or a dictionary, in whose form the result is; a list of one gives a tensor.
    """
    return _plain_batch("batch", [tensors], batch_size, num_threads, capacity, enqueue_many, shapes, dynamic_pad,
                        allow_smaller_final_batch, shared_name, name)  # fmt: skip


def batch_join(
    tensors_list: Any, batch_size: Any, capacity: int = 32, enqueue_many: bool = False, shapes: Any = None,
    dynamic_pad: bool = False, allow_smaller_final_batch: bool = False, shared_name: str | None = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """`batch` of several sources, each with a thread of its own."""
    return _plain_batch("batch_join", tensors_list, batch_size, 1, capacity, enqueue_many, shapes, dynamic_pad,
                        allow_smaller_final_batch, shared_name, name)  # fmt: skip


def _plain_batch(
    default: str, tensors_list: Any, batch_size: Any, threads: int, capacity: int, many: bool, shapes: Any, pad: bool,
    smaller: bool, shared_name: str | None, name: str | None,
) -> Any:  # fmt: skip
    refuse(f"tf.train.{default}", shared_name=shared_name)

    def make(dtypes: Any, dims: Any) -> Any:
        queue = PaddingFIFOQueue(capacity, dtypes, dims) if pad else FIFOQueue(capacity, dtypes, dims)
        return queue, lambda: _summarise(queue, capacity, f"fraction_of_{capacity}_full")

    return _batched(default, name, tensors_list, threads, batch_size, many, shapes, pad, smaller, make)


def shuffle_batch(
    tensors: Any, batch_size: Any, capacity: int, min_after_dequeue: int, num_threads: int = 1,
    seed: int | None = None, enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """`batch` with examples drawn at random from those that wait.

    At least `min_after_dequeue` stay until the input ends.
    """
    return _random_batch("shuffle_batch", [tensors], batch_size, num_threads, capacity, min_after_dequeue, seed,
                         enqueue_many, shapes, allow_smaller_final_batch, shared_name, name)  # fmt: skip


def shuffle_batch_join(
    tensors_list: Any, batch_size: Any, capacity: int, min_after_dequeue: int, seed: int | None = None,
    enqueue_many: bool = False, shapes: Any = None, allow_smaller_final_batch: bool = False,
    shared_name: str | None = None, name: str | None = None,
) -> Any:  # fmt: skip
    """`shuffle_batch` of several sources, each with a thread of its own."""
    return _random_batch("shuffle_batch_join", tensors_list, batch_size, 1, capacity, min_after_dequeue, seed,
                         enqueue_many, shapes, allow_smaller_final_batch, shared_name, name)  # fmt: skip


def _random_batch(
    default: str, tensors_list: Any, batch_size: Any, threads: int, capacity: int, remain: int, seed: int | None,
    many: bool, shapes: Any, smaller: bool, shared_name: str | None, name: str | None,
) -> Any:  # fmt: skip
    refuse(f"tf.train.{default}", shared_name=shared_name)

    def make(dtypes: Any, dims: Any) -> Any:
        queue = RandomShuffleQueue(capacity, remain, dtypes, dims, seed=seed)
        graph = get_default_graph()

        def summarise() -> None:
            graph.reserve_ids(4)
            _summarise(queue, capacity - remain, f"fraction_over_{remain}_of_{capacity - remain}_full")

        return queue, summarise

    return _batched(default, name, tensors_list, threads, batch_size, many, shapes, False, smaller, make)
