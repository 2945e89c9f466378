"""`tf.data`: datasets as Python streams whose functions are parts of the graph."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, int64, string
from minigraph.core.errors import InvalidArgumentError
from minigraph.core.graph import Tensor
from minigraph.core.types import Shape, as_shape, common
from minigraph.data import streams
from minigraph.data.streams import Stream
from minigraph.ops.array.known import static_value
from minigraph.ops.builder import constant_array
from minigraph.ops.constant import is_text, string_array
from minigraph.ops.host.queues import draws, random_seeds
from minigraph.ops.random.distributions import get_seed
from minigraph.tf1.dataset_functions import DatasetPass, ElementFunction, prefetched
from minigraph.tf1.dataset_iterators import Iterator as DatasetIterator
from minigraph.tf1.dataset_iterators import OneShotIterator, structure
from minigraph.tf1.nest import Nest, flatten, flatten_like, pack


class GraphDataset:
    """A stream of elements, each a tensor or a nest (tuple, dictionary) of tensors, that a graph can read.

    A dataset is made by the class methods and changed by the methods, each of which gives a new one.
    """

    def __init__(
        self,
        make: Callable[[DatasetPass], Stream],
        types: Nest,
        shapes: Sequence[Shape],
        captured: Sequence[Tensor] = (),
    ) -> None:
        """make: the elements, flat, of a pass. types: a nest of dtypes. shapes: of the parts, in its order. captured:
        tensors of the graph whose values a pass needs."""
        self._make = make
        self.output_types = types
        self._shapes = list(shapes)
        self._captured = tuple(captured)
        self._several: Callable[[DatasetPass, int], Stream] | None = (
            None  # a number of passes in one stream, if that differs
        )

    @property
    def output_shapes(self) -> Any:
        return pack(self.output_types, [tf.TensorShape(s) for s in self._shapes])

    @property
    def output_classes(self) -> Any:
        return pack(self.output_types, [Tensor for _ in self._shapes])

    @property
    def element_spec(self) -> Any:
        return self.output_types

    def _then(
        self, make: Callable[[DatasetPass], Stream], types: Nest = None, shapes: Sequence[Shape] = (), ids: int = 0,
        sizes: Sequence[Any] = (),
    ) -> GraphDataset:  # fmt: skip
        """A dataset made of this one, which is counted as `ids` nodes. sizes: numbers and tensors that it reads."""
        get_default_graph().reserve_ids(ids)
        types, shapes = (self.output_types, self._shapes) if types is None else (types, shapes)
        more = [t for t in sizes if isinstance(t, Tensor)]
        return GraphDataset(make, types, shapes, [*self._captured, *more])

    # sources

    @staticmethod
    def from_tensor_slices(tensors: Any) -> GraphDataset:
        """The rows, along the first axis, of arrays or tensors."""
        return source_of(tensors, slices=True)

    @staticmethod
    def from_tensors(tensors: Any) -> GraphDataset:
        """One element."""
        return source_of(tensors, slices=False)

    @staticmethod
    def range(*args: Any) -> GraphDataset:
        """The int64 numbers of Python's range."""
        get_default_graph().reserve_ids(4)
        ends = [size_of(a) for a in args]

        def elements(run: DatasetPass) -> Stream:
            return ((np.array(n, np.int64),) for n in range(*map(run.number, ends)))

        return GraphDataset(elements, int64, [()], [t for t in ends if isinstance(t, Tensor)])

    @staticmethod
    def from_generator(generator: Any, output_types: Any, output_shapes: Any = None, args: Any = None) -> GraphDataset:
        """What a Python function yields: arrays, or nests of them as `output_types`."""
        refuse("tf.data.Dataset.from_generator", args=args)
        get_default_graph().reserve_ids(3)
        types, shapes = structure(output_types, output_shapes)
        dtypes = flatten(types)

        def elements(_: DatasetPass) -> Stream:
            for given in generator():
                parts = flatten_like(types, given)
                yield tuple(_array(part, dtype) for part, dtype in zip(parts, dtypes, strict=True))

        return GraphDataset(elements, types, shapes)

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: int | None = None) -> GraphDataset:
        """The names of files that match a pattern, or several. InvalidArgumentError if there are none."""
        patterns = [file_pattern] if isinstance(file_pattern, str | bytes | os.PathLike) else list(file_pattern)
        names = sorted({name for pattern in patterns for name in glob.glob(os.fsdecode(pattern))})
        if not names:
            raise InvalidArgumentError(f"No files matched pattern: {', '.join(map(os.fsdecode, patterns))}")
        graph = get_default_graph()
        with graph.counted_as(16):
            graph.reserve_ids(14)  # the search for the names
            found = GraphDataset.from_tensor_slices(string_array(names))
        if shuffle is False:
            return found
        with graph.counted_as(10):
            graph.reserve_ids(6)  # the number of names
            return found._shuffled(len(names), seed, 1, True, 0)

    @staticmethod
    def zip(datasets: Any) -> GraphDataset:
        """Elements with one of each dataset, in the form of the nest `datasets`."""
        given = flatten(datasets)
        get_default_graph().reserve_ids(1)
        types = pack(datasets, [d.output_types for d in given])
        shapes = [s for d in given for s in d._shapes]
        captured = [t for d in given for t in d._captured]
        return GraphDataset(lambda run: streams.zipped(*(d._make(run) for d in given)), types, shapes, captured)

    # steps

    def map(
        self, map_func: Any, num_parallel_calls: Any = None, num_threads: Any = None, output_buffer_size: Any = None
    ) -> GraphDataset:
        """The results of a function of the elements' parts, made of nodes of the graph.

        num_parallel_calls (in early versions num_threads): how many elements are worked on at the same time. Random
        functions work on one at a time, so that their numbers do not depend on threads.
        """
        function = ElementFunction(map_func, self.output_types, self._shapes, "Map")
        workers = num_parallel_calls if num_parallel_calls is not None else num_threads or 1
        mapped = self._then(
            lambda run: function.mapped(run, self._make(run), workers),
            function.types,
            function.shapes,
            1 if num_parallel_calls is None else 2,
        )
        return mapped if output_buffer_size is None else mapped.prefetch(output_buffer_size)

    map_with_legacy_function = map

    def filter(self, predicate: Any) -> GraphDataset:
        """The elements for which a function is True."""
        test = ElementFunction(predicate, self.output_types, self._shapes, "Filter")
        return self._then(lambda run: (e for e in self._make(run) if test(run, e)[0]), ids=1)

    filter_with_legacy_function = filter

    def flat_map(self, map_func: Any) -> GraphDataset:
        """The elements of the datasets that a function makes of the elements, one after the other."""
        return self._interleaved(map_func, 1, None, 1)

    def interleave(
        self, map_func: Any, cycle_length: int = -1, block_length: int = 1, num_parallel_calls: Any = None
    ) -> GraphDataset:
        """Elements of the datasets that a function makes of the elements, of `cycle_length` of them in turns.

        num_parallel_calls: does not change the order.
        """
        cycle = cycle_length if cycle_length > 0 else os.cpu_count() or 1
        return self._interleaved(map_func, cycle, block_length, 3 if num_parallel_calls is None else 4)

    def _interleaved(self, map_func: Any, cycle: int, block: int | None, ids: int) -> GraphDataset:
        function = ElementFunction(map_func, self.output_types, self._shapes, "FlatMap")
        inner = function.dataset
        if inner is None:
            raise TypeError("`map_func` must return a `Dataset` object.")

        def elements(run: DatasetPass) -> Stream:
            def opened(element: Any) -> Stream:
                stream: Stream = inner._make(run.within(inner._captured, function(run, element)))
                return stream

            if block is None:
                return (made for element in self._make(run) for made in opened(element))
            return streams.interleaved(self._make(run), opened, cycle, block)

        return self._then(elements, inner.output_types, inner._shapes, ids)

    def batch(self, batch_size: Any, drop_remainder: bool = False) -> GraphDataset:
        """Groups of elements, stacked. The last one may be smaller, unless `drop_remainder`."""
        size = size_of(batch_size)
        lead = size if drop_remainder and isinstance(size, int) else None
        shapes = [None if s is None else (lead, *s) for s in self._shapes]

        def elements(run: DatasetPass) -> Stream:
            return streams.batched(self._make(run), run.number(size), streams.stack, drop_remainder)

        return self._then(elements, self.output_types, shapes, 3, [size])

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any, padding_values: Any = None, drop_remainder: bool = False
    ) -> GraphDataset:
        """Groups of elements, filled up to shapes (None: to the largest of the group) and stacked."""
        size, dtypes = size_of(batch_size), flatten(self.output_types)
        wanted = [as_shape(s) for s in flatten_like(self.output_types, padded_shapes)]
        known = [(-1,) if s is None else s for s in wanted]
        dims = [tuple(None if n in (None, -1) else n for n in s) for s in known]
        fills: list[Any] = [b"" if d is string else 0 for d in dtypes]
        if padding_values is not None:
            given = flatten_like(self.output_types, padding_values)
            fills = [
                f if v is None else v.encode() if isinstance(v, str) else v for f, v in zip(fills, given, strict=True)
            ]
        lead = size if drop_remainder and isinstance(size, int) else None

        def elements(run: DatasetPass) -> Stream:
            return streams.batched(
                self._make(run), run.number(size), lambda rows: streams.padded(rows, dims, fills), drop_remainder
            )

        shapes: list[Shape] = [(lead, *s) for s in dims]
        return self._then(elements, self.output_types, shapes, 3 + 2 * len(dims), [size])

    def shuffle(
        self, buffer_size: Any, seed: int | None = None, reshuffle_each_iteration: bool | None = None
    ) -> GraphDataset:
        """The elements in random order, each drawn from `buffer_size` that wait.

        reshuffle_each_iteration: whether each pass has another order, which is the default.
        """
        return self._shuffled(size_of(buffer_size), seed, 1, reshuffle_each_iteration is not False, 3)

    def _shuffled(self, size: Any, seed: int | None, epochs: int | None, anew: bool, ids: int) -> GraphDataset:
        get_default_graph().reserve_ids(1)
        first, second = get_seed(get_default_graph(), seed)
        seeds = None if first is None else (first, second or 0)
        ids += 0 if seeds is None else 7  # the seeds are computed

        def elements(run: DatasetPass) -> Stream:
            base = run.remember(self, lambda: draws(*(seeds or random_seeds())))
            numbers = draws(next(base), next(base)) if anew else draws(*(seeds or random_seeds()))
            return streams.shuffled(lambda: self._make(run), run.number(size), numbers, epochs)

        def several(run: DatasetPass, passes: int) -> Stream:
            numbers = draws(*(seeds or random_seeds()))
            return streams.shuffled(lambda: self._make(run), run.number(size), numbers, passes if passes >= 0 else None)

        made = self._then(elements, ids=ids, sizes=[size])
        made._several = several if anew else None
        return made

    def repeat(self, count: int | None = None) -> GraphDataset:
        """`count` passes over the elements, or passes without end.

        Passes over a shuffled dataset are shuffled in one stream where TensorFlow's optimizer makes it so: not for an
        iterator of several datasets.
        """
        times = -1 if count is None else size_of(count)

        several = self._several

        def elements(run: DatasetPass) -> Stream:
            passes = run.number(times)
            if several is not None and run.optimized and passes != 1:
                return several(run, passes)
            return streams.repeated(lambda: self._make(run), passes if passes >= 0 else None)

        return self._then(elements, ids=2, sizes=[times])

    def take(self, count: Any) -> GraphDataset:
        """The first elements; all for a negative count."""
        size = size_of(count)

        def elements(run: DatasetPass) -> Stream:
            first = run.number(size)
            return islice(self._make(run), first if first >= 0 else None)

        return self._then(elements, ids=2, sizes=[size])

    def skip(self, count: Any) -> GraphDataset:
        """The elements after the first ones; none for a negative count."""
        size = size_of(count)

        def elements(run: DatasetPass) -> Stream:
            first = run.number(size)
            return islice(self._make(run), first, None) if first >= 0 else iter(())

        return self._then(elements, ids=2, sizes=[size])

    def shard(self, num_shards: int, index: int) -> GraphDataset:
        """Every `num_shards`-th element, from number `index`."""
        if index >= num_shards or index < 0:
            raise ValueError(f"index must be between 0 and {num_shards - 1}, not {index}")
        return self._then(lambda run: islice(self._make(run), index, None, num_shards), ids=3)

    def concatenate(self, dataset: GraphDataset) -> GraphDataset:
        """The elements, then those of another dataset of the same types."""
        if flatten(self.output_types) != flatten(dataset.output_types):
            raise TypeError(
                f"Two datasets to concatenate have different types {self.output_types} and {dataset.output_types}"
            )

        def elements(run: DatasetPass) -> Stream:
            yield from self._make(run)
            yield from dataset._make(run)

        pairs = zip(self._shapes, dataset._shapes, strict=True)
        joined = self._then(elements, self.output_types, [common(a, b) for a, b in pairs], 1)
        joined._captured += dataset._captured
        return joined

    def enumerate(self, start: int = 0) -> GraphDataset:
        """Pairs of a number and an element."""
        shapes = [(), *self._shapes]
        get_default_graph().reserve_ids(4)
        return self._then(
            lambda run: ((np.array(n, np.int64), *e) for n, e in enumerate(self._make(run), start)),
            (int64, self.output_types), shapes, 1,
        )  # fmt: skip

    def unbatch(self) -> GraphDataset:
        """The rows of the elements."""
        shapes = [None if s is None else s[1:] for s in self._shapes]

        def elements(run: DatasetPass) -> Stream:
            for element in self._make(run):
                yield from zip(*element, strict=True)

        return self._then(elements, self.output_types, shapes, 2)

    def prefetch(self, buffer_size: Any) -> GraphDataset:
        """The same elements, `buffer_size` of them made ahead on a thread."""
        size = size_of(buffer_size)
        return self._then(lambda run: prefetched(run, self._make(run), run.number(size)), ids=2, sizes=[size])

    def cache(self, filename: str = "") -> GraphDataset:
        """The same elements, kept in memory from the first whole pass on. filename: refused."""
        refuse("tf.data.Dataset.cache", filename=filename)

        def elements(run: DatasetPass) -> Stream:
            held: list[Any] = run.remember((self, "cache"), list)
            if held:
                yield from held[0]
                return
            seen = []
            for element in self._make(run):
                seen.append(element)
                yield element
            held.append(seen)

        return self._then(elements, ids=2)

    def apply(self, transformation_func: Any) -> GraphDataset:
        """The dataset that a function makes of this one."""
        made: GraphDataset = transformation_func(self)
        return made

    def options(self) -> Any:
        """Options without effect."""
        return Options()

    def with_options(self, options: Any) -> GraphDataset:
        """The same dataset, whatever the options."""
        return self

    # iterators

    def make_one_shot_iterator(self) -> DatasetIterator:
        """An iterator over one pass, which begins with the first element that a session asks for."""
        return OneShotIterator(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> DatasetIterator:
        """An iterator whose `initializer` begins a pass, with the values that the dataset's tensors then have."""
        refuse("tf.data.Dataset.make_initializable_iterator", shared_name=shared_name)
        made = DatasetIterator(self.output_types, self._shapes)
        get_default_graph().reserve_ids(3)  # the datasets of TensorFlow's optimizer
        made._initializer = made._begin(self, True, "MakeIterator")
        return made

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("dataset.__iter__() is only supported when eager execution is enabled.")


class Options:
    """Options of datasets, which have no effect."""

    def __init__(self) -> None:
        self.experimental_deterministic: Any = None


def _array(value: Any, dtype: Any) -> np.ndarray:
    return string_array(value) if dtype is string else np.asarray(value, dtype.np_dtype)


def size_of(value: Any) -> int | Tensor:
    """A size: a number, or a tensor whose value a pass needs."""
    if isinstance(value, Tensor):
        known = static_value(value)
        return value if known is None else int(known)
    return int(value)


def source_of(tensors: Any, slices: bool) -> GraphDataset:
    """A dataset of a nest of arrays and tensors, which it captures: of their rows if `slices`, else one element."""
    graph = get_default_graph()
    parts: list[Any] = []
    for part in flatten(tensors):
        if isinstance(part, Tensor) or hasattr(part, "as_graph_tensor"):
            parts.append(convert_to_tensor(part))
        else:
            graph.reserve_ids(1)
            parts.append(_constant(part))
    graph.reserve_ids(1)
    dtypes = [p.dtype if isinstance(p, Tensor) else _dtype_of(p) for p in parts]
    dims = [p.type.shape if isinstance(p, Tensor) else p.shape for p in parts]
    if slices and any(d == () for d in dims):
        raise ValueError("scalars have no slices")
    if slices and len({d[0] for d in dims if d and d[0] is not None}) > 1:
        raise ValueError(f"Dimensions {[d[0] for d in dims if d]} are not compatible")
    shapes = [None if d is None else d[1:] for d in dims] if slices else dims

    def elements(run: DatasetPass) -> Stream:
        arrays = [run.value(p) if isinstance(p, Tensor) else p for p in parts]
        if not slices:
            return iter([tuple(arrays)])
        return (tuple(_scalar_array(a, i) for a in arrays) for i in range(len(arrays[0])))

    types = pack(tensors, dtypes)
    return GraphDataset(elements, types, shapes, [p for p in parts if isinstance(p, Tensor)])


def _scalar_array(array: np.ndarray, place: int) -> np.ndarray:
    """The row as an array, also where it is one number or string."""
    return array[place] if array.ndim > 1 else array[place : place + 1].reshape(())


def _constant(value: Any) -> np.ndarray:
    """The array that a constant of this value would hold."""
    return string_array(value) if is_text(value) else constant_array(value)


def _dtype_of(array: np.ndarray) -> Any:
    return string if array.dtype == object else as_dtype(array.dtype)


def make_one_shot_iterator(dataset: GraphDataset) -> DatasetIterator:
    """`Dataset.make_one_shot_iterator`."""
    return dataset.make_one_shot_iterator()


def make_initializable_iterator(dataset: GraphDataset, shared_name: str | None = None) -> DatasetIterator:
    """`Dataset.make_initializable_iterator`."""
    return dataset.make_initializable_iterator(shared_name)


def get_output_types(dataset_or_iterator: Any) -> Any:
    return dataset_or_iterator.output_types


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    return dataset_or_iterator.output_shapes


def get_output_classes(dataset_or_iterator: Any) -> Any:
    return dataset_or_iterator.output_classes
