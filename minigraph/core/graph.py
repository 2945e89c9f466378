"""The user's graph: append-only, with TensorFlow 1's names, scopes, collections and control inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from minigraph.core import scopes
from minigraph.core.collections import Collections
from minigraph.core.contexts import Contexts
from minigraph.core.dtypes import DType
from minigraph.core.errors import DTypeError, FinalizedError, GraphError, ShapeError, not_in_graph, of_two_graphs
from minigraph.core.graph_views import GraphViews, NodeViews, shown_in_notebook
from minigraph.core.naming import Names
from minigraph.core.op import Op
from minigraph.core.op_count import OpCount
from minigraph.core.operand import Operand
from minigraph.core.provenance import Source, caller
from minigraph.core.types import TensorShape, TensorType, as_shape, format_shape, merge
from minigraph.core.typing import ShapeLike

__all__ = ["Graph", "Node", "Tensor"]


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
        return shown_in_notebook(self, repr(self))

    def __repr__(self) -> str:
        return f"<tf.Tensor '{self.name}' shape={format_shape(self.type.shape)} dtype={self.dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self.type.shape is None else f", shape={format_shape(self.type.shape)}"
        return f'Tensor("{self.name}"{shape}, dtype={self.dtype.name})'


class Node(NodeViews):
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


class Graph(Collections, Names, OpCount, Contexts["Node"], GraphViews):
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
        Collections.__init__(self)
        Names.__init__(self)
        OpCount.__init__(self)
        Contexts.__init__(self)
        self.nodes: list[Node] = []
        self.seed: int | None = None
        self.finalized = False
        self.stores: dict[Any, Any] = {}  # data that higher floors keep for the graph
        self._by_name: dict[str, Node] = {}

    # building

    def add(
        self, op: Op, inputs: Sequence[Tensor], name: str | None = None, control: bool = True, leads: bool = True
    ) -> Node:
        """Append an application of an op. Its types are inferred at once, so a misfit is raised at the user's line.

        Args:
            op: The op.
            inputs: Tensors of this graph.
            name: Name of the node, made unique in the current scope; by default the op's. With a slash at its end it is
                taken unchanged.
            control: Whether the active control dependencies apply.
            leads: Whether nodes that read this one need no such dependencies of their own.

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
                    raise of_two_graphs(tensor, next((t for t in inputs if t.graph is self), tensor))
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
            active = self.active_control(inputs) if control else ()
            made = self.append(op, tuple(inputs), types, full, active, source)
            for group in self._context.control if control and leads else ():
                group.made.add(made)
            while branch is not None:
                branch.inside.add(made)
                branch = branch.outer
            return made

    def append(
        self, op: Op, inputs: tuple[Tensor, ...], types: Sequence[TensorType], name: str,
        control_inputs: tuple[Node, ...], source: Source,
    ) -> Node:  # fmt: skip
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
        self.note_gradient(node)
        self.last_id += 1
        return node

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
            raise not_in_graph(element)
        return element

    def as_node(self, element: Any) -> Node:
        """Find a node.

        Args:
            element: A node, or what `as_graph_element` takes for a tensor.

        Returns:
            The node, or the node that makes the tensor.
        """
        found = self.as_graph_element(element)
        return found if isinstance(found, Node) else found.node

    def _by_string(self, name: str) -> Tensor | Node:
        base, colon, index = name.partition(":")
        if (node := self._by_name.get(base)) is None:
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

    @property
    def collections(self) -> list[str]:
        """The names of the collections that have anything."""
        return self.get_all_collection_keys()

    def get_operations(self) -> list[Node]:
        """List the nodes.

        Returns:
            The nodes, in the order of making.
        """
        return list(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)
