"""A node of a TensorFlow graph, as importers see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np

from minigraph.core.dtypes import DType
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op
from minigraph.core.types import Shape
from minigraph.formats.tensorflow.values import GRADIENT, UnreadableError, read_attribute
from minigraph.ops.array.known import static_value
from minigraph.ops.array.late import Form, Late
from minigraph.ops.array.reshape import Transpose
from minigraph.ops.builder import apply
from minigraph.ops.identity import Identity, IdentityN
from minigraph.util.nest import listed
from minigraph.util.read_budget import Budget

Result = Tensor | Sequence[Tensor] | Node
TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
_NONE = object()


class TfNode:
    """A node, with the tensors that it reads.

    guards: of each input, the conditions under which it is computed. producer: the version of the graph. budget: what
    the graph may still take. Importers state the default of an attribute where they
    read it.
    """

    def __init__(
        self, graph: Graph, message: Any, inputs: Sequence[Tensor], guards: Sequence[tuple[Any, ...]],
        producer: int, budget: Budget,
    ) -> None:  # fmt: skip
        self.graph = graph
        self.name: str = message.name
        self.kind: str = message.op
        self.inputs = list(inputs)
        self.guards = guards
        self.producer = producer
        self.budget = budget
        self._attributes = message.attr

    def unsupported(self, text: str) -> NoReturn:
        raise UnreadableError(f"node '{self.name}' ({self.kind}): {text}")

    # attributes

    def attr(self, name: str, default: Any = _NONE) -> Any:
        """An attribute; text as str."""
        if name not in self._attributes:
            if default is _NONE:
                self.unsupported(f"it has no attribute '{name}'")
            return default
        value = read_attribute(self._attributes[name], self.budget)
        try:
            return value.decode() if isinstance(value, bytes) else value
        except UnicodeDecodeError:
            self.unsupported(f"its attribute '{name}' is no text")

    def raw(self, name: str) -> Any:
        """The message of an attribute; None where there is none."""
        return self._attributes.get(name)

    def dtype(self, name: str = "T") -> DType:
        found = self.attr(name)
        if not isinstance(found, DType):
            self.unsupported(f"its attribute '{name}' is no dtype")
        return found

    @property
    def gradient(self) -> str | None:
        """The name of the function that replaces the gradient, if there is one."""
        if GRADIENT not in self._attributes:
            return None
        name = self.attr(GRADIENT)
        if not isinstance(name, str):
            self.unsupported(f"its attribute '{GRADIENT}' is no text")
        return name

    # inputs

    @property
    def x(self) -> Tensor:
        return self.inputs[0]

    def known(self, index: int) -> np.ndarray | None:
        """The value of an input that is known before a run."""
        return static_value(self.inputs[index])

    def constant(self, index: int, what: str) -> np.ndarray:
        """The value of an input that must be known."""
        found = self.known(index)
        if found is None:
            self.unsupported(f"{what} must be a constant, but is '{self.inputs[index].name}'")
        return found

    def text(self, index: int, what: str) -> bytes:
        """The one text of an input."""
        value = getattr(self.inputs[index].node.op, "value", None)
        if not isinstance(value, bytes):
            self.unsupported(f"{what} must be a constant, but is '{self.inputs[index].name}'")
        return value

    def shape(self, index: int = 0) -> Shape:
        return self.inputs[index].type.shape

    # results

    def add(self, op: Op, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Make the node that has the name of this one."""
        return self.node(op, *inputs).outputs

    def node(self, op: Op, *inputs: Tensor) -> Node:
        return self.graph.add(op, inputs, f"{self.name}/")

    def same(self, op: Op) -> tuple[Tensor, ...]:
        """Make this node of `op` on the same inputs."""
        return self.add(op, *self.inputs)

    def named(self, *results: Tensor) -> tuple[Tensor, ...]:
        """The results of several nodes, as those of a node that has this one's name."""
        return self.add(Identity() if len(results) == 1 else IdentityN(), *results)

    def build(self, function: Callable[[], Any]) -> tuple[Tensor, ...]:
        """What `function` makes of several nodes, named below this one's name."""
        with self.graph.name_scope(f"{self.name}/"):
            made = function()
        return self.named(*listed(made))

    def with_value(self, kind: type[Op], field: str, index: int, form: Form, **others: Any) -> tuple[Tensor, ...]:
        """Make this node of an op one of whose attributes is TensorFlow's input `index`, known now or before a run.

        form: see `Late`. others: the op's other attributes.
        """
        left = [t for i, t in enumerate(self.inputs) if i != index]
        late = Late(kind.__name__, field, form, tuple(others.items()))
        value = self.known(index)
        if value is not None:
            return self.add(late.with_value(value), *left)
        return self.add(late, *left, self.inputs[index])

    # layouts

    @property
    def channels_first(self) -> bool:
        form = self.attr("data_format", "NHWC")
        if form not in ("NHWC", "NCHW"):
            self.unsupported(f"data_format {form} is not read")
        return bool(form == "NCHW")

    def last(self, tensor: Tensor) -> Tensor:
        """An image with channels last."""
        return apply(Transpose(TO_LAST), tensor) if self.channels_first else tensor

    def images(self, op: Op, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Make this node of an op on images, whose first result is an image; `inputs` have channels last."""
        if not self.channels_first:
            return self.add(op, *inputs)
        made = self.graph.add(op, inputs, f"{self.name}/nhwc").outputs
        return (*self.add(Transpose(TO_FIRST), made[0]), *made[1:])

    def pair(self, name: str, default: Any = _NONE) -> tuple[int, int]:
        """Rows and columns of an attribute of four numbers, with 1 for images and channels."""
        values = self.attr(name, default)
        if len(values) != 4:
            self.unsupported(f"{name} must be four numbers, not {values}")
        n, c, rows, columns = values if self.channels_first else [values[i] for i in (0, 3, 1, 2)]
        if (n, c) != (1, 1):
            self.unsupported(f"{name} of {list(values)} reach across images or channels")
        return int(rows), int(columns)

    def padding(self) -> Any:
        padding = self.attr("padding")
        if padding == "EXPLICIT":
            given = list(self.attr("explicit_paddings"))
            pairs = [tuple(map(int, given[i : i + 2])) for i in range(0, 8, 2)]
            return tuple(pairs[2:] if self.channels_first else pairs[1:3])
        return padding


Importer = Callable[[TfNode], Result]


def same(op: Op) -> Importer:
    """Import as `op`, on the same inputs."""
    return lambda call: call.same(op)
