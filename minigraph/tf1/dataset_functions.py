"""Functions of datasets, which are parts of the graph, and how a pass over a dataset runs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np

import minigraph as tf
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import DType, string
from minigraph.core.graph import Graph, Tensor
from minigraph.core.types import Shape
from minigraph.data.prefetch import Prefetch
from minigraph.data.streams import Element, Stream
from minigraph.ops.constant import string_array
from minigraph.ops.host.resources import Pipeline, Resources
from minigraph.tf1.nest import Nest, flatten, pack

T = TypeVar("T")


class DatasetPass:
    """One pass of a session over a dataset: the values of tensors that the dataset reads, and what its steps remember.

    What they remember lasts until the iterator is initialised anew. optimized: whether TensorFlow would optimize the
    dataset, which changes some random orders.
    """

    def __init__(
        self, resources: Resources, values: Mapping[Tensor, Any], memory: dict[Any, Any],
        ends: list[Callable[[], None]], optimized: bool,
    ) -> None:  # fmt: skip
        self.resources = resources
        self._values = values
        self._memory = memory
        self._ends = ends
        self.optimized = optimized

    def value(self, tensor: Tensor) -> Any:
        """The value of a captured tensor."""
        return self._values[tensor]

    def number(self, size: int | Tensor) -> int:
        """The value of a size."""
        return int(self._values[size]) if isinstance(size, Tensor) else size

    def within(self, captured: Sequence[Tensor], values: Sequence[Any]) -> DatasetPass:
        """The pass over a dataset that a function has made, which captures more tensors."""
        more = {**self._values, **dict(zip(captured, values, strict=True))}
        return DatasetPass(self.resources, more, self._memory, self._ends, self.optimized)

    def remember(self, key: Any, make: Callable[[], T]) -> T:
        """What a step has kept, made on first use."""
        if key not in self._memory:
            self._memory[key] = make()
        kept: T = self._memory[key]
        return kept

    def at_end(self, close: Callable[[], None]) -> None:
        """Have a function called when the iterator is closed or initialised anew."""
        self._ends.append(close)


def _same(element: Element) -> Element:
    return element


def prefetched(run: DatasetPass, source: Stream, ahead: int) -> Stream:
    """The elements of a source, made ahead on a thread."""
    if ahead == 0:
        return source
    made = Prefetch(_same, source, workers=1, ahead=ahead if ahead > 0 else 2)
    run.at_end(made.close)
    return made


class ElementFunction:
    """A function of an element's parts, built once as nodes of the graph, from placeholders.

    types: the nest of the element. `types` and `shapes` of this object are those of the results; `dataset` is set in
    their place where the function makes a dataset.
    """

    def __init__(self, function: Callable[..., Any], types: Nest, shapes: Sequence[Shape], name: str) -> None:
        graph = get_default_graph()
        with _apart(graph), graph.name_scope(f"{name}Function"):
            pairs = zip(flatten(types), shapes, strict=True)
            self._inputs = [tf.placeholder(dtype, shape, "args") for dtype, shape in pairs]
            first = len(graph.nodes)
            graph.last_id = len(self._inputs)
            nest = pack(types, self._inputs)
            results = function(*nest) if isinstance(nest, tuple) else function(nest)
            self.dataset = results if hasattr(results, "_captured") else None
            if self.dataset is not None:
                self._outputs = list(self.dataset._captured)
            else:
                results = tuple(results) if isinstance(results, list) else results
                self._outputs = [convert_to_tensor(r) for r in flatten(results)]
                self.types = pack(results, [t.dtype for t in self._outputs])
                self.shapes = [t.type.shape for t in self._outputs]
            self._is_random = any(node.op.draws for node in graph.nodes[first:])

    def __call__(self, run: DatasetPass, element: Element, session: Pipeline | None = None) -> Element:
        """The results for an element."""
        if not self._outputs:
            return ()
        feeds = dict(zip(self._inputs, element, strict=True))
        values = (session or run.resources.pipeline()).run(self._outputs, feeds)
        return tuple(_as_array(v, t.dtype) for v, t in zip(values, self._outputs, strict=True))

    def mapped(self, run: DatasetPass, source: Stream, workers: Any) -> Stream:
        """The results for the elements, in order; several at a time unless they are random."""
        count = os.cpu_count() or 1
        at_once = count if int(workers) < 0 else min(int(workers), count)
        if at_once <= 1 or self._is_random:
            return (self(run, element) for element in source)
        free: SimpleQueue[Pipeline] = SimpleQueue()
        for session in run.remember((self, "sessions"), lambda: _sessions(run, at_once)):
            free.put(session)

        def compute(element: Element) -> Element:
            session = free.get()
            try:
                return self(run, element, session)
            finally:
                free.put(session)

        made = Prefetch(compute, source, workers=at_once, ahead=at_once)
        run.at_end(made.close)
        return made


def _sessions(run: DatasetPass, count: int) -> list[Pipeline]:
    made = [run.resources.new_pipeline() for _ in range(count)]
    for session in made:
        run.at_end(session.close)
    return made


@contextmanager
def _apart(graph: Graph) -> Iterator[None]:
    """Nodes made in the block are counted from 0, as in a graph of their own, and have no control inputs."""
    with graph.counted_as(0), graph.as_default(), graph.control_dependencies(None):
        yield


def _as_array(value: Any, dtype: DType) -> np.ndarray:
    return string_array(value) if dtype is string else np.asarray(value)
