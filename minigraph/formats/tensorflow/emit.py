"""The TensorFlow graph under construction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from minigraph.autodiff.registry import name_of
from minigraph.core.dtypes import DType, as_dtype, int32, string
from minigraph.core.graph import Node, Tensor
from minigraph.core.protos import proto
from minigraph.core.types import TensorType
from minigraph.formats.tensorflow.values import GRADIENT, UnreadableError, attribute
from minigraph.ops.constant import string_array


class TfGraph:
    """Messages of nodes in order, and the names by which TensorFlow's nodes read minigraph's tensors.

    emit: adds a node in TensorFlow's form; UnreadableError if it has none.
    """

    def __init__(self, taken: Iterable[str], emit: Callable[[TfExport], Any] | None = None) -> None:
        self.nodes: list[Any] = []
        self.names: dict[Tensor, str] = {}
        self.emit = emit or without_form
        self._made: dict[Node, str] = {}
        self._used = {name.lower() for name in taken}
        self._pivot: str | None = None

    def within(self, pivot: str) -> TfGraph:
        """The same graph for the body of a loop, whose tensors have names of their own.

        pivot: a node of the loop, which nodes without inputs follow, so that they are in it.
        """
        inside = TfGraph((), self.emit)
        inside.nodes, inside._used, inside._pivot = self.nodes, self._used, pivot
        return inside

    def control(self, node: Node) -> list[str]:
        """The control inputs of a node; in a loop those of its body."""
        return [f"^{self._made.get(c, c.name)}" for c in node.control_inputs if c in self._made or self._pivot is None]

    def made(self, node: Node, name: str) -> None:
        """Say what a node of minigraph is named here."""
        self._made[node] = name
        for i, tensor in enumerate(node.outputs):
            self.names[tensor] = name if i == 0 else f"{name}:{i}"

    def fresh(self, name: str) -> str:
        """`name`, with a number behind it if it is taken."""
        found, count = name, 0
        while found.lower() in self._used:
            count += 1
            found = f"{name}_{count}"
        self._used.add(found.lower())
        return found

    def add(self, kind: str, name: str, inputs: Iterable[str], attributes: Mapping[str, Any]) -> Any:
        """Append a node, and return its message. Attributes that are None are left out."""
        read = list(inputs)
        if self._pivot is not None and all(i.startswith("^") for i in read):
            read.append(f"^{self._pivot}")
        message = proto("node_def", "NodeDef")(name=name, op=kind, input=read)
        for key, value in attributes.items():
            if value is not None:
                message.attr[key].CopyFrom(attribute(value))
        self.nodes.append(message)
        return message


class TfExport:
    """A node of minigraph, as exporters see it."""

    def __init__(self, sheet: TfGraph, node: Node, name: str | None = None) -> None:
        self.sheet = sheet
        self.node = node
        self.op: Any = node.op
        self.inputs = node.inputs
        self.name = node.name if name is None else name

    def within(self, pivot: str) -> TfExport:
        """The same node, to write what is in a loop of its own."""
        return TfExport(self.sheet.within(pivot), self.node, self.name)

    @property
    def control(self) -> list[str]:
        return self.sheet.control(self.node)

    def unsupported(self, text: str) -> NoReturn:
        where = f"node '{self.name}' (op {self.node.type}, made at {self.node.source.describe()})"
        raise UnreadableError(f"{where}: {text}")

    @property
    def out(self) -> TensorType:
        return self.node.outputs[0].type

    def dtype(self, index: int = 0) -> DType:
        return self.inputs[index].dtype

    def read(self, index: int = 0) -> str:
        """The name of an input."""
        found = self.sheet.names.get(self.inputs[index])
        if found is None:
            self.unsupported(f"it reads '{self.inputs[index].name}', which has no form in TensorFlow's graphs")
        return found

    @property
    def reads(self) -> list[str]:
        return [self.read(i) for i in range(len(self.inputs))]

    def constant(self, value: Any, label: str) -> str:
        """The name of a new constant; Python's numbers are int32. A label that starts with a slash is of the scope."""
        array = value if isinstance(value, np.ndarray) else np.array(value, int32.np_dtype)
        name = f"{self.node.scope}{label}".lstrip("/") if label.startswith("/") else f"{self.name}/{label}"
        name = self.sheet.fresh(name)
        self.sheet.add("Const", name, [], const_attributes(array))
        return name

    def number(self, value: float, dtype: DType, label: str = "const") -> str:
        """The name of a new scalar of a dtype."""
        return self.constant(np.array(value, dtype.np_dtype), label)

    def text(self, value: str | bytes, label: str) -> str:
        """The name of a new constant text."""
        return self.constant(string_array(value), label)

    def help(self, kind: str, label: str, *inputs: str, **attributes: Any) -> str:
        """The name of a new node beside the one of this name."""
        name = self.sheet.fresh(f"{self.name}/{label}")
        self.sheet.add(kind, name, inputs, attributes)
        return name

    def give(self, kind: str, *inputs: str, **attributes: Any) -> Any:
        """Add the node of this name. Its outputs and gradient are those of minigraph's node. Returns its message."""
        gradient = self.node.graph.gradient_override(self.node)
        if gradient is not None:
            attributes[GRADIENT] = gradient if isinstance(gradient, str) else name_of(gradient, kind)
        message = self.sheet.add(kind, self.name, [*inputs, *self.control], attributes)
        self.sheet.made(self.node, self.name)
        return message

    def same(self, kind: str, **attributes: Any) -> Any:
        """Add this node as `kind`, on the same inputs."""
        return self.give(kind, *self.reads, **attributes)

    def alias(self, *names: str) -> None:
        """Add this node as copies of what several nodes give."""
        kinds = tuple(t.dtype for t in self.node.outputs)
        if len(names) == 1:
            self.give("Identity", *names, T=kinds[0])
        else:
            self.give("IdentityN", *names, T=kinds)

    def shape_of(self, index: int) -> str:
        """The name of an int32 vector: the shape of an input."""
        kind = self.inputs[index].type
        if kind.is_static:
            return self.constant(kind.static, "shape")
        return self.help("Shape", "Shape", self.read(index), T=kind.dtype, out_type=int32)

    def rank(self, index: int = 0) -> int:
        """The rank of an input, which must be known."""
        rank = self.inputs[index].type.rank
        if rank is None:
            self.unsupported(f"the rank of its input '{self.inputs[index].name}' must be known")
        return rank


def const_attributes(array: np.ndarray) -> dict[str, Any]:
    """The attributes of a Const node."""
    return {"dtype": string if array.dtype == np.object_ else as_dtype(array.dtype), "value": array}


Exporter = Callable[[TfExport], Any]


def without_form(e: TfExport) -> NoReturn:
    """Refuse to export. UnreadableError."""
    e.unsupported("it has no form in TensorFlow's graphs")


def plain(kind: str) -> Exporter:
    """Export as `kind`, without attributes."""
    return lambda e: e.same(kind)


def typed(kind: str) -> Exporter:
    """Export as `kind` with the dtype of the first input as T."""
    return lambda e: e.same(kind, T=e.dtype())


def through(e: TfExport) -> None:
    """Export as a copy of the first input."""
    e.give("Identity", e.read(), T=e.dtype())
