"""A node of an ONNX graph, as importers see it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.core.types import Dim, TensorType
from minigraph.formats.onnx.library import NeedsConstantError, NeedsShapeError, UnsupportedError
from minigraph.formats.onnx.values import Last, OnnxValue, last_perm
from minigraph.ops.array.known import static_value, value_nodes
from minigraph.ops.constant import Const, Placeholder

REQUIRED = object()
MOST_MADE = 1 << 24  # elements of a constant that an importer makes
MOST_NODES = 1 << 12  # that an operator may become
Result = Any  # Tensor, Last, array, OnnxValue, None, or a sequence of these


class Attributes(Mapping[str, Any]):
    """The attributes of a node, which remember those that were read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self._read: set[str] = set()
        self.deferred = False  # whether the node is built when a run is compiled
        self.has_graph = any(hasattr(v, "DESCRIPTOR") for v in self._values.values())

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    @property
    def all(self) -> dict[str, Any]:
        return dict(self._values)

    @property
    def unread(self) -> dict[str, Any]:
        return {name: value for name, value in self._values.items() if name not in self._read}


class OnnxNode:
    """A node to import. kind: the operator. opset: the operator set's version. outputs: names; empty if unused."""

    def __init__(
        self,
        name: str,
        kind: str,
        opset: int,
        inputs: Sequence[OnnxValue | None],
        outputs: Sequence[str],
        attributes: Attributes,
        enter: Callable[..., list[OnnxValue]] | None = None,
        domain: str = "",
        in_graph: bool = True,
    ) -> None:
        self.name = name
        self.kind = kind
        self.opset = opset
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.attributes = attributes
        self.enter = enter  # imports a subgraph, with values for its inputs
        self.domain = domain
        self.in_graph = in_graph  # whether its ops join the model's graph, where each run draws new random numbers
        self.region: Callable[..., tuple[Any, list[Tensor]]] | None = None  # imports a loop's body

    def unsupported(self, message: str) -> NoReturn:
        raise UnsupportedError(f"node '{self.name}' ({self.kind}): {message}")

    def check_size(self, *dims: Any) -> None:
        """Refuse the node if an importer would make a constant of this shape, and it is too large."""
        if math.prod(int(d) for d in dims) > MOST_MADE:
            self.unsupported(f"it needs a constant of shape {list(dims)}, more than {MOST_MADE:,} elements")

    def check_count(self, *dims: Any) -> None:
        """Refuse a node that would become more than MOST_NODES nodes. dims: their product is the number."""
        if math.prod(int(d) for d in dims) > MOST_NODES:
            self.unsupported(f"it would become {list(dims)} nodes, more than {MOST_NODES:,}")

    def needs_shape(self, message: str) -> NoReturn:
        """Refuse the node because a dimension is unknown."""
        raise NeedsShapeError(f"node '{self.name}' ({self.kind}): {message}")

    @property
    def enters(self) -> bool:
        """Whether some attribute is a subgraph."""
        return self.attributes.has_graph

    def attr(self, name: str, default: Any = REQUIRED) -> Any:
        """The attribute, or the default."""
        found = self.attributes.get(name)
        if found is None:
            if default is REQUIRED:
                self.unsupported(f"the attribute '{name}' is missing")
            return default
        return found

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def wants(self, index: int) -> bool:
        """Whether an optional output is used."""
        return index < len(self.outputs) and bool(self.outputs[index])

    def value(self, index: int = 0) -> OnnxValue:
        if not self.has(index):
            self.unsupported(f"input {index} is missing")
        found = self.inputs[index]
        assert found is not None
        return found

    def x(self, index: int = 0) -> Tensor:
        """An input in ONNX's layout."""
        return self.value(index).form()

    def xs(self) -> list[Tensor]:
        return [self.x(i) for i in range(len(self.inputs))]

    def last(self, index: int = 0) -> Tensor:
        """An input, [N,C,...] in ONNX, with channels last."""
        return self.value(index).form(last_perm(self.rank(index)))

    def type(self, index: int = 0) -> TensorType:
        return self.value(index).type

    def shape(self, index: int = 0) -> tuple[Dim, ...]:
        """The shape in ONNX's layout; the rank must be known."""
        shape = self.type(index).shape
        if shape is None:
            self.needs_shape(f"the rank of input {index} is not known")
        return shape

    def static(self, index: int = 0) -> tuple[int, ...]:
        """The shape, which must be fully known."""
        shape = self.shape(index)
        if None in shape:
            self.needs_shape(f"the shape of input {index} must be known, but is {self.type(index)}")
        return shape  # type: ignore[return-value]

    def static_axes(self, axes: Sequence[int], index: int = 0) -> dict[int, int]:
        """The lengths of some axes, which must be known."""
        shape = self.shape(index)
        if any(shape[a] is None for a in axes):
            self.needs_shape(f"the axes {list(axes)} of input {index} must be known, but it is {self.type(index)}")
        return {a: shape[a] or 0 for a in axes}

    def rank(self, index: int = 0) -> int:
        return len(self.shape(index))

    def array(self, index: int, default: Any = REQUIRED) -> Any:
        """The value of an input known at import. Raises NeedsConstantError if it is unknown."""
        if not self.has(index):
            return self.value(index) if default is REQUIRED else default
        value = self.value(index)
        if value.array is not None:
            return value.array
        known = None if value.dims is not None else static_value(value.form())
        if known is None:
            inputs = [] if value.dims is not None else sorted(_origins(value.form()))
            where = f", but depends on the inputs {', '.join(inputs)}" if inputs else ""
            message = f"node '{self.name}' ({self.kind}): '{value.name}' must be known when the graph is built{where}"
            raise NeedsConstantError(message, inputs, index)
        return known

    def integer(self, index: int, default: Any = REQUIRED) -> int:
        """One integer that is known at import."""
        return int(np.ravel(self.array(index))[0]) if default is REQUIRED or self.has(index) else default

    def ints(self, index: int, attribute: str, default: Any = None) -> list[int] | None:
        """Integers that are an attribute in older operator sets and an input in newer ones."""
        found = self.array(index, None) if self.has(index) else self.attributes.get(attribute)
        return default if found is None else [int(v) for v in np.ravel(found)]

    def dims(self, index: int) -> list[Dim]:
        """A shape given as an input, with None for unknown dimensions."""
        value = self.value(index)
        if value.dims is None:
            return [int(d) for d in np.ravel(self.array(index))]
        return [int(d) if isinstance(d, int | np.integer) else None for d in np.ravel(value.dims)]

    def spread(self, function: Callable[..., Tensor], *indices: int) -> Result:
        """Apply a pointwise function to the inputs, with channels last if that saves a transpose."""
        values = [self.value(i) for i in indices or range(len(self.inputs))]
        rank = max((len(v.type.shape or ()) for v in values), default=0)
        fits = all(v.known or v.type.rank == rank or v.type.rank == 0 for v in values)
        if fits and any(v.is_last for v in values):
            return Last(function(*(_last_operand(v, rank) for v in values)))
        return function(*(v.form() for v in values))


def _last_operand(value: OnnxValue, rank: int) -> Tensor:
    if value.type.rank == 0:
        return value.form()
    if value.array is not None and value.array.ndim < rank:
        padded = value.array.reshape((1,) * (rank - value.array.ndim) + value.array.shape)
        return OnnxValue(value.name, padded, weight=value.weight).form(last_perm(rank))
    return value.form(last_perm(rank))


def _origins(tensor: Tensor) -> Iterable[str]:
    """The names of the placeholders whose values a tensor depends on."""
    names = tf.get_default_graph().stores.get("onnx_inputs", {})
    return [names.get(n, n.name) for n in value_nodes(tensor) if isinstance(n.op, Placeholder)]


def depends_on_values(tensor: Tensor) -> bool:
    """Whether a tensor is only known when the graph runs, even if all shapes are known."""
    return any(not n.inputs and not isinstance(n.op, Const) for n in value_nodes(tensor))
