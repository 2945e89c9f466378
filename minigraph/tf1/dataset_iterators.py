"""Iterators over datasets: where a graph reads the next element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import DType, as_dtype, string
from minigraph.core.errors import FailedPreconditionError, InvalidArgumentError, OutOfRangeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import Shape, TensorShape, TensorType, as_shape
from minigraph.ops.constant import string_array
from minigraph.ops.host.resources import ResourceOp, Resources
from minigraph.tf1.dataset_functions import DatasetPass
from minigraph.tf1.nest import Nest, flatten, flatten_like, pack
from minigraph.util.locks import Lock


@dataclass(frozen=True, eq=False)
class IteratorSpec:
    """An iterator: its name in the graph; the dataset, if it has just one and needs no initialisation."""

    name: str
    dataset: Any | None = None

    def state(self, resources: Resources) -> IteratorState:
        """The iterator of a session. FailedPreconditionError if it is not initialised."""
        found = resources.find(("iterator", self.name))
        if found is None and self.dataset is not None:
            dataset = self.dataset
            return resources.get(("iterator", self.name), lambda: IteratorState(resources, dataset, None, True))
        if found is None:
            raise FailedPreconditionError(
                "GetNext() failed because the iterator has not been initialized. Ensure that you have run the "
                "initializer operation for this iterator before getting the next element."
            )
        state: IteratorState = found
        return state


class IteratorState:
    """The place in a dataset in one session. values: of the tensors that the dataset reads; None: still to compute."""

    def __init__(self, resources: Resources, dataset: Any, values: Sequence[Any] | None, optimized: bool) -> None:
        self._lock = Lock()
        self._ends: list[Callable[[], None]] = []
        captured = list(dataset._captured)
        if values is None:
            values = resources.pipeline().run(captured) if captured else []
        arrays = [string_array(v) if t.dtype is string else v for t, v in zip(captured, values, strict=True)]
        run = DatasetPass(resources, dict(zip(captured, arrays, strict=True)), {}, self._ends, optimized)
        self._elements = dataset._make(run)

    def next(self) -> tuple[Any, ...]:
        """The next element. OutOfRangeError at the end."""
        with self._lock:
            element = next(self._elements, None)
        if element is None:
            raise OutOfRangeError("End of sequence")
        found: tuple[Any, ...] = element
        return found

    def close(self) -> None:
        """End the threads."""
        for end in self._ends:
            end()


class _GetNext(ResourceOp, abstract=True):
    dtypes: tuple[DType, ...]
    shapes: tuple[Shape, ...]

    def _types(self) -> tuple[TensorType, ...]:
        return tuple(TensorType(d, s) for d, s in zip(self.dtypes, self.shapes, strict=True))


class IteratorGetNext(_GetNext):
    """The parts of the iterator's next element."""

    iterator: IteratorSpec

    def infer(self) -> tuple[TensorType, ...]:
        return self._types()

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        return self.iterator.state(resources).next()


class IteratorGetNextOf(_GetNext):
    """The parts of the next element of the iterator whose handle is the operand."""

    def infer(self, handle: TensorType) -> tuple[TensorType, ...]:
        return self._types()

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        handle = bytes(arrays[0].item())
        spec = resources.find(("handle", handle))
        if spec is None:
            raise InvalidArgumentError(f"{handle!r} is no handle of an iterator of this session")
        found: tuple[Any, ...] = spec.state(resources).next()
        return found


class IteratorHandle(ResourceOp):
    """A string that stands for the iterator."""

    iterator: IteratorSpec

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(string, ()),)

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        handle = f"iterator {self.iterator.name}".encode()
        resources.get(("handle", handle), lambda: self.iterator)
        return (string_array(handle),)


class MakeIterator(ResourceOp):
    """Begins a pass over a dataset; the operands are the tensors that it reads."""

    iterator: IteratorSpec
    source: Any
    optimized: bool

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        return ()

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        resources.put(("iterator", self.iterator.name), IteratorState(resources, self.source, arrays, self.optimized))
        return ()


class Iterator:
    """Reads the elements of a dataset, one in each run that needs `get_next()`."""

    def __init__(self, types: Nest, shapes: Sequence[Shape], spec: Any = None) -> None:
        graph = get_default_graph()
        self.output_types = types
        self._shapes = list(shapes)
        self._initializer: Node | None = None
        self._spec: Any = IteratorSpec(graph.unique_name("Iterator")) if spec is None else spec
        graph.reserve_ids(2)

    @property
    def output_shapes(self) -> Any:
        return pack(self.output_types, [TensorShape(s) for s in self._shapes])

    @property
    def output_classes(self) -> Any:
        return pack(self.output_types, [Tensor for _ in self._shapes])

    @property
    def initializer(self) -> Node:
        """The operation that begins a pass. ValueError for an iterator that has none."""
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    @staticmethod
    def from_structure(
        output_types: Any, output_shapes: Any = None, shared_name: str | None = None, output_classes: Any = None
    ) -> Iterator:
        """An iterator for datasets of these types and shapes, see `make_initializer`. The last two have no effect."""
        return Iterator(*structure(output_types, output_shapes))

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> Iterator:
        """The iterator whose handle a string tensor, such as a placeholder, has. output_classes: no effect."""
        return Iterator(*structure(output_types, output_shapes), spec=string_handle)

    def make_initializer(self, dataset: Any, name: str | None = None) -> Node:
        """The operation that begins a pass over a dataset of the iterator's types. TypeError for other types."""
        if flatten(dataset.output_types) != flatten(self.output_types):
            raise TypeError(
                f"Expected output types {self.output_types!r} but got dataset with {dataset.output_types!r}."
            )
        return self._begin(dataset, False, name or "make_initializer")

    def _begin(self, dataset: Any, optimized: bool, name: str) -> Node:
        return get_default_graph().add(MakeIterator(self._spec, dataset, optimized), list(dataset._captured), name)

    def get_next(self, name: str | None = None) -> Any:
        """The parts of the next element; a run fails with OutOfRangeError after the last one."""
        graph = get_default_graph()
        kinds = tuple(flatten(self.output_types)), tuple(self._shapes)
        if isinstance(self._spec, IteratorSpec):
            node = graph.add(IteratorGetNext(*kinds, self._spec), (), name or "IteratorGetNext")
        else:
            node = graph.add(IteratorGetNextOf(*kinds), [self._spec], name or "IteratorGetNext")
        return pack(self.output_types, node.outputs)

    def string_handle(self, name: str | None = None) -> Tensor:
        """The string that stands for the iterator in a session, to be fed for `from_string_handle`."""
        graph = get_default_graph()
        with graph.counted_as(0):  # TensorFlow makes it with the iterator
            made: Tensor = graph.add(IteratorHandle(self._spec), (), name or "IteratorHandle").outputs[0]
        return made


def structure(output_types: Any, output_shapes: Any) -> tuple[Nest, list[Shape]]:
    """The dtypes in the form of a nest, and the shapes of its parts; all unknown if `output_shapes` is None."""
    types = pack(output_types, [as_dtype(t) for t in flatten(output_types)])
    shapes = [None] * len(flatten(types)) if output_shapes is None else flatten_like(types, output_shapes)
    return types, [as_shape(s) for s in shapes]


class OneShotIterator(Iterator):
    """An iterator over one pass, without initialisation."""

    def __init__(self, dataset: Any) -> None:
        graph = get_default_graph()
        spec = IteratorSpec(graph.unique_name("OneShotIterator"), dataset)
        super().__init__(dataset.output_types, dataset._shapes, spec)
