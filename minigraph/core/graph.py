"""The user's graph: append-only, with TensorFlow 1's names, scopes, collections and control inputs."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from minigraph.core import scopes
from minigraph.core.arguments import refuse, renamed
from minigraph.core.collections import Collections
from minigraph.core.dtypes import DType, as_dtype
from minigraph.core.errors import DTypeError, FinalizedError, GraphError, ShapeError
from minigraph.core.graph_def import GraphRecords, NodeRecord
from minigraph.core.op import Op, format_attributes
from minigraph.core.operand import Operand
from minigraph.core.provenance import Source, caller
from minigraph.core.types import TensorShape, TensorType, as_shape, format_shape, merge
from minigraph.core.typing import DTypeLike, ShapeLike, TensorLike
from minigraph.util.locks import Lock

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Graph", "Node", "Tensor", "convert_to_tensor", "get_default_graph", "reset_default_graph"]


VALID_NAME = re.compile(r"[A-Za-z0-9_.\\][A-Za-z0-9_.\\/>-]*")


class Tensor(Operand["Tensor"]):
    """One output of a node. It has a type but no value; `Session.run` computes values.

    Operators make nodes: `+ - * / // % ** @ < <= > >= & | ^ ~`, and indexing. `==` compares identity, as in TensorFlow
    1.

    Args:
        node: The node.
        value_index: The number of the output, from 0.
        type: The dtype and shape.

    Example:
        >>> x = tf.constant([1.0, 2.0], name="x")
        >>> x
        <tf.Tensor 'x:0' shape=(2,) dtype=float32>
        >>> print(tf.Session().run(2 * x[1]))
        4.0
    """

    __slots__ = ("__weakref__", "node", "type", "value_index")

    def __init__(self, node: Node, value_index: int, type: TensorType) -> None:
        self.node = node
        self.value_index = value_index
        self.type = type

    def as_graph_tensor(self) -> Tensor:
        """Give the tensor itself; a variable gives the tensor that it stands for.

        Returns:
            This tensor.
        """
        return self

    @property
    def op(self) -> Node:
        """The node, under TensorFlow 1's name for it."""
        return self.node

    @property
    def graph(self) -> Graph:
        """The graph of the node."""
        return self.node.graph

    @property
    def name(self) -> str:
        """The node's name and the number of the output, such as `x:0`."""
        return f"{self.node.name}:{self.value_index}"

    @property
    def dtype(self) -> DType:
        """The dtype."""
        return self.type.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape, with None for unknown dimensions."""
        return TensorShape(self.type.shape)

    @property
    def device(self) -> str:
        """An empty string: a session runs the whole graph on its backend."""
        return ""

    def get_shape(self) -> TensorShape:
        """Give the shape.

        Returns:
            The shape, as the property `shape`.
        """
        return self.shape

    def set_shape(self, shape: ShapeLike) -> None:
        """Tell the graph dimensions that it could not infer.

        Args:
            shape: A shape; it is merged with the inferred one.

        Raises:
            ShapeError: The shapes contradict each other.
        """
        self.type = TensorType(self.type.dtype, merge(self.type.shape, as_shape(shape)))

    def consumers(self) -> list[Node]:
        """List the nodes that read the tensor.

        Returns:
            The nodes, in the order of making.
        """
        return [n for n in self.graph.nodes[self.node.id + 1 :] if any(t is self for t in n.inputs)]

    def eval(self, feed_dict: Mapping[Any, Any] | None = None, session: Any = None) -> Any:
        """Compute the tensor.

        Args:
            feed_dict: Values by tensors, as for `Session.run`.
            session: The session; by default the default session.

        Returns:
            An array, or a NumPy scalar.

        Raises:
            ValueError: There is no session.
        """
        return scopes.session_for(session).run(self, feed_dict)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """The form that a notebook shows."""
        return _display[-1](self) if _display else {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={format_shape(self.type.shape)} dtype={self.dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self.type.shape is None else f", shape={format_shape(self.type.shape)}"
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'


class Node:
    """One application of an op; TensorFlow 1's `tf.Operation`.

    `Graph.add` makes nodes. Attributes: `op`, the record of the op and its attributes; `inputs` and `outputs`, tuples
    of tensors; `control_inputs`, nodes that run before; `name`; `source`, the line of the program that made it.

    Args:
        graph: The graph.
        op: The op.
        inputs: The tensors that it reads.
        types: The types of its outputs.
        name: Name of the node.
        control_inputs: Nodes that run before it.
        source: The line that made it.

    Example:
        >>> node = tf.add(1.0, 2.0, name="total").op
        >>> node, node.type, node.outputs[0].name
        (<tf.Operation 'total' type=Add>, 'Add', 'total:0')
    """

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
        """Name of the op."""
        return type(self.op).__name__

    @property
    def scope(self) -> str:
        """The name scope: the name up to its last slash."""
        return self.name.rpartition("/")[0]

    @property
    def device(self) -> str:
        """An empty string, as in TensorFlow 1 for a node without a device."""
        return ""

    def values(self) -> tuple[Tensor, ...]:
        """Give the results.

        Returns:
            The tensors of `outputs`.
        """
        return self.outputs

    @property
    def traceback(self) -> list[tuple[str, int, str, str]]:
        """The line that made the node, as Python's tracebacks have it: file, number, function and text."""
        return [(self.source.file, self.source.line, self.source.function, self.source.text)]

    def get_attr(self, name: str) -> Any:
        """Read an attribute of the op.

        Args:
            name: Name of the attribute.

        Returns:
            Its value.

        Raises:
            GraphError: There is no such attribute.
        """
        if name not in self.op.fields:
            raise GraphError(f"Operation '{self.name}' has no attr named '{name}'; it has {self.op.fields}")
        return getattr(self.op, name)

    def run(self, feed_dict: Mapping[Any, Any] | None = None, session: Any = None) -> None:
        """Run the node.

        Args:
            feed_dict: Values by tensors, as for `Session.run`.
            session: The session; by default the default session.

        Raises:
            ValueError: There is no session.
        """
        scopes.session_for(session).run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"


class Branch:
    """One side of a condition while its nodes are made.

    `switch` makes the tensor through which a value from outside enters the branch.
    """

    def __init__(self, switch: Callable[[Tensor], Tensor]) -> None:
        self.switch = switch
        self.outer: Branch | None = None
        self.inside: set[Node] = set()
        self._captured: dict[Tensor, Tensor] = {}

    def capture(self, tensor: Tensor) -> Tensor:
        """The tensor that a node of the branch reads in place of `tensor`."""
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
    """State while nodes are made. Each thread has its own, so threads can build one graph at the same time."""

    scope = ""
    branch: Branch | None = None
    control: tuple[tuple[Node, ...], ...] = ()
    source: Source | None = None


class Graph(Collections):
    """A graph of nodes, in the order in which they were made. Every node comes after the nodes it reads.

    Example:
        >>> graph = tf.Graph()
        >>> with graph.as_default():
        ...     x = tf.placeholder(tf.float32, name="x")
        ...     y = tf.square(x, name="y")
        >>> [node.name for node in graph.get_operations()]
        ['x', 'y']
        >>> tf.Session(graph=graph).run("y:0", {"x:0": 3.0}).item()
        9.0
    """

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.seed: int | None = None
        self.last_id = 0  # TensorFlow 1's op count, from which default op seeds come
        self.finalized = False
        self.stores: dict[Any, Any] = {}  # data that higher floors keep for the graph
        self.lock = Lock()
        self._by_name: dict[str, Node] = {}
        self._names_used: dict[str, int] = {}
        self._context = _Context()

    # building

    def add(self, op: Op, inputs: Sequence[Tensor], name: str | None = None, control: bool = True) -> Node:
        """Append an application of an op. Its types are inferred at once, so a misfit is raised at the user's line.

        Args:
            op: The op.
            inputs: Tensors of this graph.
            name: Name of the node, made unique in the current scope; by default the op's. With a slash at its end it is
                taken unchanged.
            control: Whether the active control dependencies apply.

        Returns:
            The node.

        Raises:
            FinalizedError: The graph is finalized.
            GraphError: An input is of another graph, or the name is taken or not valid.
            ShapeError, DTypeError: The op does not take these types.
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
        """Append a node without checks. The caller has checked the types and holds the lock.

        Args:
            op: The op.
            inputs: Tensors of this graph.
            types: The types of the outputs.
            name: Name of the node, unique.
            control_inputs: Nodes that run before it.
            source: The line that made it.

        Returns:
            The node.
        """
        node = Node(self, op, inputs, types, name, control_inputs, source)
        self.nodes.append(node)
        self._by_name[name] = node
        self.last_id += 1
        return node

    def reserve_ids(self, count: int) -> None:
        """Count nodes that TensorFlow 1 would have made here and that this graph does not need.

        Seeds of random ops depend by default on the count of nodes, so this keeps random numbers equal to TensorFlow's.

        Args:
            count: The number of nodes.
        """
        self.last_id += count

    @contextmanager
    def counted_as(self, count: int) -> Iterator[None]:
        """Count the nodes made in a `with` block as another number; see `reserve_ids`.

        Args:
            count: The number.

        Yields:
            None.
        """
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

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """Make a name unique: in the current scope, with the first free suffix `_1`, `_2`, …; case does not count.

        Args:
            name: Name of a node or scope. With a slash at its end it is taken unchanged.
            mark_as_used: Whether the name is taken from now on.

        Returns:
            The full name, without a slash at its end.

        Raises:
            GraphError: The name is not valid.
        """
        if name.endswith("/"):
            if mark_as_used:
                self._names_used.setdefault(name[:-1].lower(), 1)
            return name[:-1]
        if not VALID_NAME.fullmatch(name):
            raise GraphError(f"'{name}' is not a valid name for a node or a scope")
        scope = self._context.scope
        full = f"{scope}/{name}" if scope else name
        key = full.lower()
        with self.lock:
            count = self._names_used.get(key, 0)
            if count == 0:
                if mark_as_used:
                    self._names_used[key] = 1
                return full
            while f"{key}_{count}" in self._names_used:
                count += 1
            if mark_as_used:
                self._names_used[key] = count + 1
                self._names_used[f"{key}_{count}"] = 1
            return f"{full}_{count}"

    def use_scopes(self, name: str) -> None:
        """Count the scopes in a node's name as used, as if they had been opened for it.

        Args:
            name: Full name of the node.
        """
        while "/" in name:
            name = name.rpartition("/")[0]
            self._names_used.setdefault(name.lower(), 1)

    # contexts

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Make this the default graph of the thread, in a `with` block.

        Yields:
            The graph.
        """
        stack = scopes.graph_stack()
        stack.append(self)
        try:
            yield self
        finally:
            del stack[len(stack) - 1 - stack[::-1].index(self)]  # the innermost, if it occurs twice

    @property
    def open_scope(self) -> str:
        """The name of the innermost open name scope, without a slash at its end; "" outside of all."""
        return self._context.scope

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Open a scope that prefixes the names of nodes, in a `with` block.

        Args:
            name: Name of the scope, made unique. With a slash at its end, the scope of this name is opened again; None
                or "" leaves all scopes.

        Yields:
            The scope's name with a slash at its end, or an empty string.

        Raises:
            TypeError: `name` is not a string.
            GraphError: The name is not valid.
        """
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
    def control_dependencies(self, control_inputs: Iterable[Any] | None) -> Iterator[None]:
        """Make the nodes in a `with` block run after others.

        Args:
            control_inputs: Tensors, operations and variables that run first; None to clear the active dependencies and
                leave the branches of conditions.

        Yields:
            None.
        """
        context = self._context
        old, branch = context.control, context.branch
        if control_inputs is None:
            context.control, context.branch = (), None
        else:
            nodes = tuple(e if isinstance(e, Node) else e.node for e in map(self.as_graph_element, control_inputs))
            context.control = (*old, nodes)
        try:
            yield
        finally:
            context.control, context.branch = old, branch

    @contextmanager
    def branch(self, branch: Branch) -> Iterator[None]:
        """Make the nodes in a `with` block in a branch of a condition; `control_dependencies(None)` leaves it.

        Args:
            branch: The branch.

        Yields:
            None.
        """
        context = self._context
        branch.outer = context.branch
        old, context.branch = context.branch, branch
        try:
            yield
        finally:
            context.branch = old

    @contextmanager
    def made_at(self, source: Source) -> Iterator[None]:
        """Give the nodes made in a `with` block a source. Gradients have the source of their forward node.

        Args:
            source: The line.

        Yields:
            None.
        """
        context = self._context
        old, context.source = context.source, source
        try:
            yield
        finally:
            context.source = old

    def finalize(self) -> None:
        """Make the graph read-only: from here on, adding a node raises FinalizedError."""
        self.finalized = True

    # look-up

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Tensor | Node:
        """Find a tensor or node.

        Args:
            obj: A tensor, node or variable, or a name: `node` or `node:output`.
            allow_tensor: Whether a tensor may be found.
            allow_operation: Whether a node may be found.

        Returns:
            The tensor or node.

        Raises:
            KeyError: There is no node, or no output, of this name.
            TypeError: `obj` is of another kind, or of one that is not allowed.
            GraphError: `obj` is of another graph.
        """
        if isinstance(obj, str):
            element: Any = self._by_string(obj)
        else:
            element = obj.as_graph_tensor() if isinstance(obj, Operand) else obj
        if not ((isinstance(element, Tensor) and allow_tensor) or (isinstance(element, Node) and allow_operation)):
            wanted = " or ".join(["Tensor"] * bool(allow_tensor) + ["Operation"] * bool(allow_operation))
            raise TypeError(f"Can not convert a {type(obj).__name__} into a {wanted}.")
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
        """Find a tensor by its name.

        Args:
            name: The name, `node:output`.

        Returns:
            The tensor.

        Raises:
            KeyError: There is no such node or output.
            GraphError: The name is not a tensor's.
        """
        if isinstance(name, str) and ":" not in name:
            raise GraphError(f"The name '{name}' is not a tensor's: that is '<node>:<output>', such as '{name}:0'.")
        element = self.as_graph_element(name)
        if not isinstance(element, Tensor):
            raise GraphError(f"'{name}' names a node; a tensor's name is '<node>:<output>', such as '{name}:0'.")
        return element

    def get_operation_by_name(self, name: str) -> Node:
        """Find a node by its name.

        Args:
            name: The name.

        Returns:
            The node.

        Raises:
            KeyError: There is no such node.
            GraphError: The name is a tensor's.
        """
        element = self.as_graph_element(name)
        if not isinstance(element, Node):
            raise GraphError(f"'{name}' names a tensor, not a node.")
        return element

    def find_node(self, name: str) -> Node | None:
        """Find a node by its name.

        Args:
            name: The name.

        Returns:
            The node; None if there is none.
        """
        return self._by_name.get(name)

    @contextmanager
    def device(self, device_name_or_function: Any) -> Iterator[None]:
        """Do nothing: a session runs the whole graph on its backend.

        Args:
            device_name_or_function: TensorFlow 1's; it has no effect.

        Yields:
            None.
        """
        yield

    def get_name_scope(self) -> str:
        """Tell the open name scope.

        Returns:
            Its name, without a slash at the end; an empty string outside of all.

        Example:
            >>> graph = tf.Graph()
            >>> with graph.name_scope("a"), graph.name_scope("b"):
            ...     graph.get_name_scope()
            'a/b'
        """
        return self.open_scope.rstrip("/")

    @property
    def collections(self) -> list[str]:
        """The names of the collections that have anything."""
        return self.get_all_collection_keys()

    @property
    def version(self) -> int:
        """A number that grows with each node."""
        return self.last_id

    def get_operations(self) -> list[Node]:
        """List the nodes.

        Returns:
            The nodes, in the order of making.
        """
        return list(self.nodes)

    def as_graph_def(self, from_version: Any = None, add_shapes: bool = False) -> Any:
        """Convert the nodes to a message of TensorFlow's, for `tf.import_graph_def` and files. Needs TensorBoard.

        Ops that TensorFlow lacks keep minigraph's names and attributes, which only minigraph reads back.

        Args:
            from_version: Not supported; it must be None.
            add_shapes: Whether nodes have the attribute `_output_shapes`.

        Returns:
            A `tf.GraphDef`.

        Raises:
            ValueError: `from_version` is given.
            GraphError: An op that TensorFlow lacks has an attribute that cannot be written, such as a function.
            MissingPackageError: TensorBoard is not installed.

        Example:
            >>> y = tf.square(tf.constant(3.0, name="x"), name="y")
            >>> [(node.name, node.op) for node in tf.get_default_graph().as_graph_def().node]
            [('x', 'Const'), ('y', 'Square')]
        """
        refuse("tf.Graph.as_graph_def", from_version=from_version)
        return _to_message[-1](self, add_shapes)

    def as_records(self) -> GraphRecords:
        """Copy the nodes into plain records, for minigraph's own files.

        Returns:
            The records.
        """
        return GraphRecords([_record(node) for node in self.nodes], self.last_id)

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """Convert the graph for the package networkx.

        Returns:
            A MultiDiGraph. Each node is a vertex with its name as the key. Each input is an edge with the attributes
            `tensor`, `type` and `input`, its position; each control input an edge with `control=True`.
        """
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
        """The form that a notebook shows."""
        return _display[-1](self) if _display else {"text/plain": str(self)}


def _record(node: Node) -> NodeRecord:
    inputs = [t.name.removesuffix(":0") for t in node.inputs] + [f"^{c.name}" for c in node.control_inputs]
    attributes = {name: getattr(node.op, name) for name in node.op.fields}
    types = tuple(t.type for t in node.outputs)
    return NodeRecord(node.name, node.type, tuple(inputs), attributes, types, node.source)


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
    """Give the graph that gets new nodes.

    Returns:
        The innermost `Graph.as_default()` of this thread; outside of all, the default graph of the process.

    Example:
        >>> x = tf.constant(1.0)
        >>> tf.get_default_graph() is x.graph
        True
    """
    stack = scopes.graph_stack()
    graph: Graph = stack[-1] if stack else scopes.global_graph(Graph)
    return graph


def reset_default_graph() -> None:
    """Start a new default graph. Tensors of the old one cannot be used in it.

    Raises:
        AssertionError: The call is inside `with graph.as_default()`.

    Example:
        >>> x = tf.constant(1.0)
        >>> tf.reset_default_graph()
        >>> len(tf.get_default_graph())
        0
    """
    if scopes.graph_stack():
        raise AssertionError(
            "Do not use tf.reset_default_graph() to clear nested graphs: leave `with graph.as_default():` first."
        )
    scopes.forget_global_graph()


_display: list[Callable[[Graph | Tensor], dict[str, str]]] = []  # the display in notebooks, which the pictures install


_to_message: list[Callable[[Graph, bool], Any]] = []  # the form in TensorFlow's files, which their writer installs


def install_graph_def(to_message: Callable[[Graph, bool], Any]) -> None:
    """Set the function that makes TensorFlow's `GraphDef` of a graph."""
    _to_message.append(to_message)


def install_display(display: Callable[[Graph | Tensor], dict[str, str]]) -> None:
    _display.append(display)


# conversion of Python values

_constant: list[Callable[..., Tensor]] = []  # the builder of constants, installed by the ops that define them


def install_constant(builder: Callable[..., Tensor]) -> None:
    _constant.append(builder)


def convert_to_tensor(
    value: TensorLike, dtype: DTypeLike | None = None, name: str | None = None,
    preferred_dtype: DTypeLike | None = None, dtype_hint: DTypeLike | None = None,
) -> Tensor:  # fmt: skip
    """Turn a value into a tensor. Arrays and numbers become constants.

    Args:
        value: A tensor, a variable, an array, a number, or nested lists of numbers. Python floats become float32,
            Python integers int32.
        dtype: The dtype; by default that of `value`.
        name: Name of the constant.
        preferred_dtype: The dtype for numbers and lists if `dtype` is None.
        dtype_hint: TensorFlow 2's name of `preferred_dtype`.

    Returns:
        The tensor.

    Raises:
        DTypeError: A tensor has another dtype, or the dtype cannot hold the value.

    Example:
        >>> tf.convert_to_tensor([1, 2])
        <tf.Tensor 'Const:0' shape=(2,) dtype=int32>
    """
    if isinstance(value, Operand):
        value = value.as_graph_tensor()
    if isinstance(value, Tensor):
        if dtype is not None and value.dtype != dtype:
            raise DTypeError(
                f"Tensor conversion requested dtype {as_dtype(dtype).name} for Tensor with dtype "
                f"{value.dtype.name}: {value!r}"
            )
        return value
    hint = renamed("dtype_hint", dtype_hint, "preferred_dtype", preferred_dtype)
    if dtype is None and hint is not None and not isinstance(value, np.ndarray | np.generic):
        dtype = hint
    return _constant[-1](value, dtype=dtype, name=name or "Const")
