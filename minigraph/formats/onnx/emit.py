"""The ONNX graph under construction, with each tensor in one or both of two layouts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from minigraph.core.dtypes import int64
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType
from minigraph.formats.onnx.library import UnsupportedError, as_onnx_dtype, require_onnx
from minigraph.formats.onnx.values import first_perm, last_perm

OPSET, IR_VERSION = 17, 8


class Sheet:
    """Nodes and initializers in order, and the names of tensors: `plain` as in minigraph, `first` channels first."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.initializers: dict[str, np.ndarray] = {}
        self.plain: dict[Tensor, str] = {}
        self.first: dict[Tensor, str] = {}
        self.known: dict[Tensor, np.ndarray] = {}
        self.uses: Counter[Tensor] = Counter()  # how often each is read
        self._constants: dict[Any, str] = {}
        self._used: set[str] = set()

    def fresh(self, name: str) -> str:
        """`name`, with a number appended if it is taken."""
        found, count = name, 0
        while found in self._used:
            count += 1
            found = f"{name}_{count}"
        self._used.add(found)
        return found

    def constant(self, array: Any, name: str = "const") -> str:
        """The name of an initializer; equal arrays share one."""
        value = np.asarray(array)
        key = value.dtype.str, value.shape, value.tobytes()
        if key not in self._constants:
            self._constants[key] = self.fresh(name)
            self.initializers[self._constants[key]] = np.ascontiguousarray(value).reshape(value.shape)
        return self._constants[key]

    def add(self, kind: str, inputs: Sequence[str], name: str, outputs: int = 1, **attributes: Any) -> list[str]:
        """Add a node; return the names of its outputs."""
        label = self.fresh(name)
        results = [label if i == 0 else self.fresh(f"{name}_{i}") for i in range(outputs)]
        self.nodes.append(require_onnx().helper.make_node(kind, list(inputs), results, name=label, **attributes))
        return results

    def name_of(self, tensor: Tensor) -> str:
        """The name of the tensor in minigraph's layout."""
        if tensor in self.known:
            return self.constant(self.known[tensor], _label(tensor))
        if tensor not in self.plain:
            self._require(tensor, self.first)
            rank = tensor.type.rank or 0
            perm = list(last_perm(rank))
            self.plain[tensor] = self.add("Transpose", [self.first[tensor]], f"{_label(tensor)}/nhwc", perm=perm)[0]
        return self.plain[tensor]

    def first_of(self, tensor: Tensor) -> str:
        """The name of the tensor with channels first."""
        rank = tensor.type.rank or 0
        if tensor in self.known:
            array = self.known[tensor]
            return self.constant(np.transpose(array, first_perm(array.ndim)), f"{_label(tensor)}/nchw")
        if tensor not in self.first:
            self._require(tensor, self.plain)
            perm = list(first_perm(rank))
            self.first[tensor] = self.add("Transpose", [self.plain[tensor]], f"{_label(tensor)}/nchw", perm=perm)[0]
        return self.first[tensor]

    def _require(self, tensor: Tensor, names: Mapping[Tensor, str]) -> None:
        if tensor not in names:
            raise UnsupportedError(f"{describe(tensor.node)}: its output {tensor.value_index} has no form in ONNX")

    def maker(self, name: str) -> Any:
        """The last node, if it produces `name`."""
        return self.nodes[-1] if self.nodes and name in self.nodes[-1].output else None


class Emit:
    """A node of the graph, as exporters see it."""

    def __init__(self, sheet: Sheet, node: Node) -> None:
        self.sheet = sheet
        self.node = node
        self.op: Any = node.op
        self.inputs = node.inputs
        self.name = node.name

    def unsupported(self, message: str) -> NoReturn:
        raise UnsupportedError(describe(self.node) + f": {message}")

    @property
    def out(self) -> TensorType:
        return self.node.outputs[0].type

    def known(self, index: int) -> np.ndarray | None:
        return self.sheet.known.get(self.inputs[index])

    def plain(self, index: int = 0) -> str:
        return self.sheet.name_of(self.inputs[index])

    def as_int64(self, index: int) -> str:
        """An input, in minigraph's layout, cast to int64."""
        return self.add("Cast", self.plain(index), to=as_onnx_dtype(int64))

    def first(self, index: int = 0) -> str:
        return self.sheet.first_of(self.inputs[index])

    def is_first(self, index: int = 0) -> bool:
        """Whether an input exists only with channels first."""
        return self.inputs[index] in self.sheet.first and self.inputs[index] not in self.sheet.plain

    def constant(self, array: Any, name: str = "const") -> str:
        return self.sheet.constant(array, f"{self.name}/{name}")

    def ints(self, values: Any, name: str = "const") -> str:
        return self.constant(np.array(values, np.int64), name)

    def number(self, value: float, name: str = "const") -> str:
        """A scalar of the output's dtype."""
        return self.constant(np.asarray(value, self.out.dtype.np_dtype), name)

    def filled(self, shape: str, value: float) -> str:
        """A tensor of the output's dtype, of one value."""
        one = require_onnx().numpy_helper.from_array(np.full(1, value, self.out.dtype.np_dtype))
        return self.add("ConstantOfShape", shape, value=one)

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        return self.sheet.add(kind, inputs, self.name, outputs, **attributes)[0]

    def give(self, name: str, index: int = 0) -> None:
        """Set the output in minigraph's layout."""
        self.sheet.plain[self.node.outputs[index]] = name

    def give_first(self, name: str, index: int = 0) -> None:
        """Set the output with channels first."""
        self.sheet.first[self.node.outputs[index]] = name

    def alias(self, index: int = 0) -> None:
        """Make the output an alias of an input."""
        for names in (self.sheet.plain, self.sheet.first, self.sheet.known):
            if self.inputs[index] in names:
                names[self.node.outputs[0]] = names[self.inputs[index]]  # type: ignore[assignment]

    def operands(self) -> tuple[list[str], bool]:
        """The inputs of a pointwise op in a common layout, and whether it is channels first."""
        rank = self.out.rank or 0
        some = any(self.is_first(i) for i in range(len(self.inputs)))
        fits = rank > 2 and all(t in self.sheet.known or t.type.rank in (0, rank) for t in self.inputs)
        if not (some and fits):
            return [self.plain(i) for i in range(len(self.inputs))], False
        return [self._first_operand(i, rank) for i in range(len(self.inputs))], True

    def _first_operand(self, index: int, rank: int) -> str:
        array = self.known(index)
        if array is None:
            return self.plain(index) if self.inputs[index].type.rank == 0 else self.first(index)
        if array.size == 1:
            return self.constant(array.reshape(()))
        padded = array.reshape((1,) * (rank - array.ndim) + array.shape)
        return self.constant(np.transpose(padded, first_perm(rank)), "nchw")

    def result(self, name: str, first: bool) -> None:
        (self.give_first if first else self.give)(name)


def _label(tensor: Tensor) -> str:
    name = tensor.node.name.removesuffix("/read")
    return name if tensor.value_index == 0 else f"{name}_{tensor.value_index}"


def describe(node: Node) -> str:
    """The node, and the line that made it."""
    return f"node '{node.name}' (op {node.type}, made at {node.source.describe()})"


def value_info(name: str, kind: TensorType, batch: str = "N") -> Any:
    """The type of an input or output, with names for unknown dimensions."""
    shape = None
    if kind.shape is not None:
        shape = [(batch if i == 0 else f"{name}_{i}") if d is None else d for i, d in enumerate(kind.shape)]
    return require_onnx().helper.make_tensor_value_info(name, as_onnx_dtype(kind.dtype), shape)
