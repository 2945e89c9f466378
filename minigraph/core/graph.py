"""The user's graph: append-only, with TensorFlow 1's names, scopes, collections and control inputs."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from minigraph.core import scopes
from minigraph.core.collections import Collections
from minigraph.core.dtypes import DType
from minigraph.core.errors import DTypeError, FinalizedError, GraphError, ShapeError
from minigraph.core.graph_def import GraphDef, NodeDef
from minigraph.core.op import Op, format_attributes
from minigraph.core.operand import Operand
from minigraph.core.provenance import Source, caller
from minigraph.core.types import TensorShape, TensorType, as_shape, format_shape, merge

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Graph", "Node", "Tensor", "convert_to_tensor", "get_default_graph", "reset_default_graph"]


VALID_NAME = re.compile(r"[A-Za-z0-9_.\\][A-Za-z0-9_.\\/>-]*")


class Tensor(Operand["Tensor"]):
    """One output of a node. It has a type but no value; `Session.run` computes values."""

    __slots__ = ("__weakref__", "node", "type", "value_index")

    def __init__(self, node: Node, value_index: int, type: TensorType) -> None:
        self.node = node
        self.value_index = value_index
        self.type = type

    @property
    def op(self) -> Node:
        """The node, under TensorFlow 1's name for it."""
        return self.node

    @property
    def graph(self) -> Graph:
        return self.node.graph

    @property
    def name(self) -> str:
        return f"{self.node.name}:{self.value_index}"

    @property
    def dtype(self) -> DType:
        return self.type.dtype

    @property
    def shape(self) -> TensorShape:
        return TensorShape(self.type.shape)

    @property
    def device(self) -> str:
        return ""

    def get_shape(self) -> TensorShape:
        return self.shape

    def set_shape(self, shape: Any) -> None:
        """Tell the graph what is known of the shape beyond what it inferred. ShapeError on a contradiction."""
        self.type = TensorType(self.type.dtype, merge(self.type.shape, as_shape(shape)))

    def consumers(self) -> list[Node]:
        """Nodes that read this tensor."""
        return [n for n in self.graph.nodes[self.node.id + 1 :] if any(t is self for t in n.inputs)]

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Run this tensor in `session`, or in the default session."""
        return scopes.session_for(session).run(self, feed_dict)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        return _display[-1](self) if _display else {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={format_shape(self.type.shape)} dtype={self.dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self.type.shape is None else f", shape={format_shape(self.type.shape)}"
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'


class Node:
    """One application of an op (TensorFlow 1 calls it an Operation)."""

    __slots__ = ("__weakref__", "control_inputs", "graph", "id", "inputs", "name", "op", "outputs", "source")

    def __init__(
        self,
        graph: Graph,
        op: Op,
        inputs: tuple[Tensor, ...],
        types: Sequence[TensorType],
        name: str,
        control_inputs: tuple[Node, ...],
        source: Source,
    ) -> None:
        self.graph = graph
        self.id = len(graph.nodes)
        self.op = op
        self.inputs = inputs
        self.outputs = tuple(Tensor(self, i, t) for i, t in enumerate(types))
        self.name = name
        self.control_inputs = control_inputs
        self.source = source

    @property
    def type(self) -> str:
        return type(self.op).__name__

    @property
    def scope(self) -> str:
        """The name scope: the name up to its last slash."""
        return self.name.rpartition("/")[0]

    def get_attr(self, name: str) -> Any:
        """One attribute of the op record. ValueError where it has none of that name."""
        if name not in self.op.fields:
            raise GraphError(f"Operation '{self.name}' has no attr named '{name}'; it has {self.op.fields}")
        return getattr(self.op, name)

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        scopes.session_for(session).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"


class Branch:
    """One side of a condition while its nodes are made. `switch` gives the tensor through which a value from outside
    comes in."""

    def __init__(self, switch: Callable[[Tensor], Tensor]) -> None:
        self.switch = switch
        self.outer: Branch | None = None
        self.inside: set[Node] = set()
        self._captured: dict[Tensor, Tensor] = {}

    def capture(self, tensor: Tensor) -> Tensor:
        """What a node of the branch reads in place of `tensor`."""
        if tensor.node in self.inside:
            return tensor
        if tensor not in self._captured:
            context = tensor.graph._context
            here, context.branch = context.branch, self.outer
            try:
                self._captured[tensor] = self.switch(tensor)
            finally:
                context.branch = here
        return self._captured[tensor]


class _Context(threading.local):
    """What is active while nodes are made. Each thread has its own, so threads can build side by side."""

    scope = ""
    branch: Branch | None = None
    control: tuple[tuple[Node, ...], ...] = ()
    source: Source | None = None


class Graph(Collections):
    """Nodes in the order they were made, which is a topological order."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.seed: int | None = None
        self.last_id = 0  # TensorFlow 1's op count, from which default op seeds come
        self.finalized = False
        self.stores: dict[Any, Any] = {}  # what the API floors keep per graph
        self.lock = threading.RLock()
        self._by_name: dict[str, Node] = {}
        self._names_used: dict[str, int] = {}
        self._context = _Context()

    # building

    def add(self, op: Op, inputs: Sequence[Tensor], name: str | None = None, control: bool = True) -> Node:
        """Append one application of `op`. Its types are inferred now, so a misfit is raised at the user's line.

        `name` ending in "/" is taken as it stands (a scope's own name); else it is made unique in the scope.
        `control=False` leaves the active control dependencies out.
        """
        with self.lock:
            if self.finalized:
                raise FinalizedError("Graph is finalized and cannot be modified.")
            for tensor in inputs:
                if tensor.node.graph is not self:
                    raise GraphError(f"{tensor!r} must be from the same graph as the node being made from it.")
            source = self._context.source or caller()
            branch = self._context.branch
            if branch is not None:
                kept = {*op.writes, *op.reads}  # a variable's buffer is the same in all branches
                inputs = [t if i in kept else branch.capture(t) for i, t in enumerate(inputs)]
            try:
                types = op.infer(*(t.type for t in inputs))
            except (ShapeError, DTypeError) as error:
                given = ", ".join(str(t.type) for t in inputs)
                kind = type(op).__name__
                where = f"op {kind} '{(name or kind).rstrip('/')}' on [{given}], at {source.describe()}"
                raise type(error)(f"{error} ({where})") from None
            full = self.unique_name(name or type(op).__name__)
            if full in self._by_name:
                raise GraphError(f"the name '{full}' is taken by the node made at {self._by_name[full].source}")
            active = self._active_control(inputs) if control else ()
            made = self.append(op, tuple(inputs), types, full, active, source)
            while branch is not None:
                branch.inside.add(made)
                branch = branch.outer
            return made

    def append(
        self,
        op: Op,
        inputs: tuple[Tensor, ...],
        types: Sequence[TensorType],
        name: str,
        control_inputs: tuple[Node, ...],
        source: Source,
    ) -> Node:
        """Append a node as it is given. Whoever calls this has checked the types, and holds the lock."""
        node = Node(self, op, inputs, types, name, control_inputs, source)
        self.nodes.append(node)
        self._by_name[name] = node
        self.last_id += 1
        return node

    def reserve_ids(self, count: int) -> None:
        """Count `count` nodes that TensorFlow 1 would have made here and this graph does not need.

        Default op seeds are op counts, so this keeps random numbers equal to TensorFlow's.
        """
        self.last_id += count

    @contextmanager
    def counted_as(self, count: int) -> Iterator[None]:
        """Count what is made inside as `count` nodes; see `reserve_ids`."""
        start = self.last_id
        yield
        self.last_id = start + count

    def _active_control(self, inputs: Sequence[Tensor]) -> tuple[Node, ...]:
        control = self._context.control
        if not control:
            return ()
        seen = {t.node for t in inputs}
        return tuple(dict.fromkeys(n for group in control for n in group if n not in seen))

    @property
    def has_control(self) -> bool:
        """Whether control dependencies are active here."""
        return any(self._context.control)

    def unique_name(self, name: str) -> str:
        """`name` in the current scope, with the first free suffix `_1`, `_2`, …; case does not count."""
        if name.endswith("/"):
            self._names_used.setdefault(name[:-1].lower(), 1)
            return name[:-1]
        if not VALID_NAME.fullmatch(name):
            raise GraphError(f"'{name}' is not a valid name for a node or a scope")
        scope = self._context.scope
        full = f"{scope}/{name}" if scope else name
        key = full.lower()
        with self.lock:
            count = self._names_used.get(key, 0)
            self._names_used[key] = count + 1
            if count == 0:
                return full
            while f"{key}_{count}" in self._names_used:
                count += 1
            self._names_used[key] = count + 1
            self._names_used[f"{key}_{count}"] = 1
            return f"{full}_{count}"

    def use_scopes(self, name: str) -> None:
        """Count the scopes that a node's name stands in as used, as if they had been opened for it."""
        while "/" in name:
            name = name.rpartition("/")[0]
            self._names_used.setdefault(name.lower(), 1)

    # contexts

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Make this the graph that new nodes go to, in this thread."""
        stack = scopes.graph_stack()
        stack.append(self)
        try:
            yield self
        finally:
            del stack[len(stack) - 1 - stack[::-1].index(self)]  # the innermost, where it is there twice

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Prefix node names. "a/" reopens a scope as it is; None or "" leaves all scopes. Yields "a/"."""
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name for name_scope must be a string, not {name!r}")
        context = self._context
        old = context.scope
        if not name:
            new = ""
        elif name.endswith("/"):
            new = name[:-1]
        else:
            new = self.unique_name(name)
        context.scope = new
        try:
            yield f"{new}/" if new else ""
        finally:
            context.scope = old

    @contextmanager
    def control_dependencies(self, inputs: Iterable[Any] | None) -> Iterator[None]:
        """Nodes made inside run after `inputs` (tensors or nodes). None clears the active ones, and leaves branches."""
        context = self._context
        old, branch = context.control, context.branch
        if inputs is None:
            context.control, context.branch = (), None
        else:
            nodes = tuple(e if isinstance(e, Node) else e.node for e in map(self.as_graph_element, inputs))
            context.control = (*old, nodes)
        try:
            yield
        finally:
            context.control, context.branch = old, branch

    @contextmanager
    def branch(self, branch: Branch) -> Iterator[None]:
        """Make nodes in a branch of a condition; `control_dependencies(None)` leaves it."""
        context = self._context
        branch.outer = context.branch
        old, context.branch = context.branch, branch
        try:
            yield
        finally:
            context.branch = old

    @contextmanager
    def made_at(self, source: Source) -> Iterator[None]:
        """Give new nodes this source (gradients inherit their forward node's)."""
        context = self._context
        old, context.source = context.source, source
        try:
            yield
        finally:
            context.source = old

    def finalize(self) -> None:
        self.finalized = True

    # look-up

    def as_graph_element(self, value: Any) -> Tensor | Node:
        """The tensor or node for a tensor, node, variable, or name."""
        if isinstance(value, str):
            return self._by_string(value)
        convert = getattr(value, "as_graph_tensor", None)
        element = convert() if convert else value
        if not isinstance(element, Tensor | Node):
            raise TypeError(f"Can not convert a {type(value).__name__} into a Tensor or Operation.")
        if element.graph is not self:
            raise GraphError(f"{element!r} is not an element of this graph.")
        return element

    def _by_string(self, name: str) -> Tensor | Node:
        base, colon, index = name.partition(":")
        node = self._by_name.get(base)
        if node is None:
            raise KeyError(f"The name '{name}' refers to a node that does not exist in the graph.{self._suggest(base)}")
        if not colon:
            return node
        if not index.isdigit() or int(index) >= len(node.outputs):
            raise KeyError(f"The name '{name}' asks for output {index}; '{base}' has {len(node.outputs)} outputs.")
        return node.outputs[int(index)]

    def _suggest(self, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, self._by_name, n=3)
        return f" Close names: {', '.join(near)}." if near else ""

    def get_tensor_by_name(self, name: str) -> Tensor:
        if isinstance(name, str) and ":" not in name:
            raise GraphError(f"The name '{name}' is not a tensor's: that is '<node>:<output>', such as '{name}:0'.")
        element = self.as_graph_element(name)
        if not isinstance(element, Tensor):
            raise GraphError(f"'{name}' names a node; a tensor's name is '<node>:<output>', such as '{name}:0'.")
        return element

    def get_operation_by_name(self, name: str) -> Node:
        element = self.as_graph_element(name)
        if not isinstance(element, Node):
            raise GraphError(f"'{name}' names a tensor, not a node.")
        return element

    def find_node(self, name: str) -> Node | None:
        return self._by_name.get(name)

    def get_operations(self) -> list[Node]:
        return list(self.nodes)

    def as_graph_def(self, from_version: Any = None, add_shapes: bool = False) -> GraphDef:
        """The nodes as plain records, for `tf.import_graph_def` and files. The arguments are without effect."""
        return GraphDef([_node_def(node) for node in self.nodes], self.last_id)

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """The graph for networkx: a vertex per node (key: its name), an edge per input (attribute `tensor`) or
        control input (`control=True`)."""
        import networkx as nx

        out: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        for node in self.nodes:
            out.add_node(node.name, op=node.op, type=node.type, source=str(node.source), node=node)
            for position, tensor in enumerate(node.inputs):
                what = {"tensor": tensor.name, "type": str(tensor.type), "input": position}
                out.add_edge(tensor.node.name, node.name, control=False, **what)
            for before in node.control_inputs:
                out.add_edge(before.name, node.name, control=True)
        return out

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        return format_graph(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows."""
        return _display[-1](self) if _display else {"text/plain": str(self)}


def _node_def(node: Node) -> NodeDef:
    inputs = [t.name.removesuffix(":0") for t in node.inputs] + [f"^{c.name}" for c in node.control_inputs]
    attributes = {name: getattr(node.op, name) for name in node.op.fields}
    types = tuple(t.type for t in node.outputs)
    return NodeDef(node.name, node.type, tuple(inputs), attributes, types, node.source)


def format_graph(graph: Graph) -> str:
    """`%3 = Conv2D(%1, %2) {…} : float32[?,28,28,64]  # name at file:line` for each node of a user's graph."""
    lines = []
    for node in graph.nodes:
        args = ", ".join(f"%{t.node.id}" + (f".{t.value_index}" if t.value_index else "") for t in node.inputs)
        after = "".join(f" ^%{c.id}" for c in node.control_inputs)
        types = ", ".join(str(t.type) for t in node.outputs) or "()"
        attributes = format_attributes(node.op)
        lines.append(f"%{node.id} = {node.type}({args}){attributes}{after} : {types}  # {node.name} at {node.source}")
    return "\n".join(lines)


def get_default_graph() -> Graph:
    """The innermost `Graph.as_default()` of this thread, else the process's default graph."""
    stack = scopes.graph_stack()
    graph: Graph = stack[-1] if stack else scopes.global_graph(Graph)
    return graph


def reset_default_graph() -> None:
    """Start a new default graph. Nodes of the old one stay usable only with their own graph."""
    if scopes.graph_stack():
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs: leave `with graph.as_default():` first."
        )
    scopes.forget_global_graph()


_display: list[Callable[[Graph | Tensor], dict[str, str]]] = []  # what notebooks show, installed by the pictures


def install_display(display: Callable[[Graph | Tensor], dict[str, str]]) -> None:
    _display.append(display)


# conversion of Python values

_constant: list[Callable[..., Tensor]] = []  # the builder of constants, installed by the ops that define them


def install_constant(builder: Callable[..., Tensor]) -> None:
    _constant.append(builder)


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None) -> Tensor:
    """A tensor for a tensor, variable, array, number or nested list. DTypeError where `dtype` contradicts its own."""
    convert = getattr(value, "as_graph_tensor", None)
    if convert is not None:
        value = convert()
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype != dtype:
            raise DTypeError(
                f"Tensor conversion requested dtype {dtype.name} for Tensor with dtype {value.dtype.name}: {value!r}"
            )
        return value
    if dtype is None and preferred_dtype is not None and not isinstance(value, np.ndarray | np.generic):
        dtype = preferred_dtype
    return _constant[-1](value, dtype=dtype, name=name or "Const")
