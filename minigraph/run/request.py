"""Requests: the fetches and feeds of a call of `Session.run`, resolved against the graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.backend.base import Backend
from minigraph.compile.plan import Plan
from minigraph.compile.resize import CompileRecord
from minigraph.core.dtypes import string
from minigraph.core.errors import GraphError, OpError, at_node
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.ops.array.indexed_slices import IndexedSlices, IndexedSlicesValue
from minigraph.ops.constant import Placeholder
from minigraph.ops.state.variable import NoOp, VariableV2
from minigraph.run.feeds import as_feed, feed_error, feed_tensor
from minigraph.run.stages import Branches, RunStage, needs_stages
from minigraph.run.variables import Variable


class Request:
    """One form of a call: its fetches and feeds as tensors and nodes, and its plans.

    feeds: the keys of the feed dictionary. branches: the branch that each condition takes; None if they are not
    decided yet. backend: takes the fed values.
    """

    def __init__(
        self,
        graph: Graph,
        backend: Backend,
        fetches: Any,
        feeds: Sequence[Any],
        branches: Branches | None = None,
    ) -> None:
        self.graph = graph
        self.backend = backend
        self.tensors: list[Tensor] = []  # computed by the plan
        self.fetched: list[Tensor] = []  # those of them that the caller gets; the others go into strings
        self.targets: list[Node] = []
        self.elements: list[Tensor | Node] = []  # everything that the caller asks for
        self.feeds = [feed_tensor(graph, key) for key in feeds]
        self.dtypes = [np.dtype(object) if backend.symbolic else t.dtype.np_dtype for t in self.feeds]
        self.plans: dict[tuple[tuple[int, ...], ...], Plan] = {}
        self.record: CompileRecord | None = None  # of the last plan that was made from scratch, while there are plans
        self.assemble = self._structure(graph, fetches)  # gives the results the structure of the fetches
        self.branches = branches or {}
        self.stages: dict[Any, RunStage] = {}
        self.staged = branches is None and needs_stages(self.tensors, self.targets, self.feeds)

    def describe(self) -> str:
        """The names of what it computes; of many the first ones."""
        names = [*(t.name for t in self.fetched), *(n.name for n in self.targets)]
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        return ", ".join(names[:4]) + more

    def arrays(self, feeds: Mapping[Any, Any]) -> list[np.ndarray]:
        """The fed values as arrays. An array of another dtype stays as it is: the plan casts it when it copies it."""
        try:
            return [
                v if type(v) is np.ndarray and v.dtype.kind != "c" else as_feed(v, dtype, self.backend)
                for v, dtype in zip(feeds.values(), self.dtypes, strict=True)
            ]
        except (TypeError, ValueError):
            raise feed_error(self.feeds, feeds.values(), self.backend) from None

    def cast_arrays(self, feeds: Mapping[Any, Any]) -> list[np.ndarray]:
        """The fed values as arrays of the tensors' dtypes."""
        try:
            return [as_feed(v, dtype, self.backend) for v, dtype in zip(feeds.values(), self.dtypes, strict=True)]
        except (TypeError, ValueError):
            raise feed_error(self.feeds, feeds.values(), self.backend) from None

    def _structure(self, graph: Graph, fetch: Any) -> Callable[[Sequence[Any]], Any]:
        if isinstance(fetch, Mapping):
            kind = type(fetch)
            parts = {k: self._structure(graph, v) for k, v in fetch.items()}

            def fill(values: Sequence[Any]) -> Any:
                out: Any = kind()
                out.update({k: part(values) for k, part in parts.items()})
                return out

            return fill
        if isinstance(fetch, tuple) and hasattr(fetch, "_fields"):
            make = type(fetch)
            items = [self._structure(graph, f) for f in fetch]
            return lambda values: make(*[part(values) for part in items])
        if isinstance(fetch, list | tuple):
            sequence = type(fetch)
            items = [self._structure(graph, f) for f in fetch]
            return lambda values: sequence([part(values) for part in items])
        return self._leaf(graph, fetch)

    def _leaf(self, graph: Graph, fetch: Any) -> Callable[[Sequence[Any]], Any]:
        if isinstance(fetch, IndexedSlices):
            tensors = self._structure(graph, fetch.parts)
            return lambda values: IndexedSlicesValue(*tensors(values))
        element = _element(graph, fetch)
        self.elements.append(element)
        if isinstance(element, Node):
            self.targets.append(element)
            parts = [self._text(t) if t.dtype is string else self._value(t) for t in self._computed(element)]

            def compute(values: Sequence[Any]) -> None:
                for part in parts:
                    part(values)

            return compute
        if isinstance(fetch, Variable) and fetch.value() in self.feeds:
            element = fetch.value()
        if element.dtype is string:
            make = self._text(element)
            return lambda values: _plain(make(values))
        self.fetched.append(element)
        return self._value(element)

    def _computed(self, target: Node) -> list[Tensor]:
        """The results that a run computes for a target without effects, so that its errors show, as in TensorFlow."""
        if isinstance(target.op, NoOp):  # a group
            return list(dict.fromkeys(t for n in target.control_inputs for t in self._computed(n)))
        is_given = isinstance(target.op, Placeholder | VariableV2) or target.op.has_effect or target.op.staged
        return [] if is_given else [t for t in target.outputs[:1] if t not in self.feeds]

    def _value(self, tensor: Tensor) -> Callable[[Sequence[Any]], Any]:
        if tensor not in self.tensors:
            self.tensors.append(tensor)
        index = self.tensors.index(tensor)
        return lambda values: values[index]

    def _text(self, tensor: Tensor) -> Callable[[Sequence[Any]], Any]:
        """The function that makes a string on the host, from numbers that the plan computes."""
        node = tensor.node
        if node.op.staged or isinstance(node.op, Placeholder):
            return self._value(tensor)
        parts = [self._text(t) if t.dtype is string else self._value(t) for t in node.inputs]

        def make(values: Sequence[Any]) -> Any:
            try:
                made: np.ndarray = node.op.reference(*[_on_host(part(values)) for part in parts])[tensor.value_index]
            except Exception as error:
                if isinstance(error, OpError) and error.op is not None:
                    raise
                raise at_node(error, node) from error
            return made

        return make


def _on_host(value: Any) -> Any:
    """A result on the host; one of CuPy is copied, as only its `get` does."""
    return value.get() if hasattr(value, "get") else value


def _plain(text: np.ndarray) -> Any:
    """An array of strings; the bytes of a scalar."""
    return text if text.shape else text.item()


def _element(graph: Graph, fetch: Any) -> Tensor | Node:
    try:
        return graph.as_graph_element(fetch.ref if isinstance(fetch, Variable) else fetch)
    except TypeError:
        raise TypeError(
            f"Fetch argument {fetch!r} has invalid type {type(fetch)}, must be a string or Tensor. "
            f"(Can not convert a {type(fetch).__name__} into a Tensor or Operation.)"
        ) from None
    except (GraphError, KeyError) as error:
        text = error.args[0] if error.args else error
        raise ValueError(f"Fetch argument {fetch!r} cannot be interpreted as a Tensor. ({text})") from None


def fetch_key(fetches: Any) -> Any:
    """A hashable form of a nest of fetches."""
    if isinstance(fetches, list | tuple):
        return (type(fetches), *map(fetch_key, fetches))
    if isinstance(fetches, Mapping):
        return (type(fetches), *((k, fetch_key(v)) for k, v in fetches.items()))
    return fetches
