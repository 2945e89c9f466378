"""A graph in other forms: text, records for files, TensorFlow's message, networkx, and the picture in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from minigraph.core.arguments import refuse
from minigraph.core.graph_def import GraphRecords, NodeRecord
from minigraph.core.op import format_attributes
from minigraph.util.html import facts

if TYPE_CHECKING:
    import networkx as nx

_display: list[Callable[[Any], dict[str, str]]] = []  # the display in notebooks, which the pictures install
_to_message: list[Callable[[Any, bool], Any]] = []  # the form in TensorFlow's files, which their writer installs
_to_op_def: list[Callable[[Any], Any]] = []  # the same for the op of a node


def install_messages(graph_def: Callable[[Any, bool], Any], op_def: Callable[[Any], Any]) -> None:
    """Set the functions that make TensorFlow's `GraphDef` of a graph and `OpDef` of a node."""
    _to_message.append(graph_def)
    _to_op_def.append(op_def)


def install_display(display: Callable[[Any], dict[str, str]]) -> None:
    """Set the function that makes the forms in which notebooks show a graph or a tensor."""
    _display.append(display)


def shown_in_notebook(shown: Any, text: str) -> dict[str, str]:
    """The forms in which a notebook shows a graph or a tensor: a picture where it can be drawn, else `text`."""
    return _display[-1](shown) if _display else {"text/plain": text}


class NodeViews:
    """The forms of a node."""

    __slots__ = ()

    @property
    def node_def(self) -> Any:
        """The node in TensorFlow's form, a `tf.NodeDef`. Of a node that TensorFlow has as several, the last one."""
        node: Any = self
        return next(n for n in node.graph.as_graph_def().node if n.name == node.name)

    @property
    def op_def(self) -> Any:
        """The node's op in TensorFlow's form, an `OpDef`, with the operands, results and attributes of this node."""
        return _to_op_def[-1](self)

    def colocation_groups(self) -> list[bytes]:
        """List the groups of nodes that share a device.

        Returns:
            The node's own group alone, as in TensorFlow for a node made without `tf.colocate_with`.
        """
        node: Any = self
        return [f"loc:@{node.name}".encode()]

    def _repr_html_(self) -> str:
        """The form that a notebook shows."""
        node: Any = self
        rows = {
            "operation": node.type,
            "attributes": "\n".join(f"{name} = {getattr(node.op, name)}" for name in node.op.fields),
            "inputs": "\n".join(f"{t.name}  {t.type}" for t in node.inputs),
            "outputs": "\n".join(f"{t.name}  {t.type}" for t in node.outputs),
            "runs after": "\n".join(n.name for n in node.control_inputs),
            "made at": node.source.describe(),
        }
        return facts(f"Operation {node.name}", rows)


class GraphViews:
    """The forms of a graph. `nodes` are its nodes in the order of making, `last_id` TensorFlow 1's count of them."""

    nodes: Sequence[Any]
    last_id: int

    @property
    def graph_def_versions(self) -> Any:
        """The versions of TensorFlow's form of the graph: `producer` is that of TensorFlow 1.15."""
        return self.as_graph_def().versions

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

    def __getstate__(self) -> NoReturn:
        raise TypeError(
            "a graph cannot be pickled or copied, nor can its tensors and variables: tf.train.export_meta_graph writes "
            "a graph to a file, tf.train.Saver the values of its variables"
        )

    def __str__(self) -> str:
        return format_nodes(self.nodes)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """The form that a notebook shows."""
        return shown_in_notebook(self, str(self))


def _record(node: Any) -> NodeRecord:
    inputs = [t.name.removesuffix(":0") for t in node.inputs] + [f"^{c.name}" for c in node.control_inputs]
    attributes = {name: getattr(node.op, name) for name in node.op.fields}
    types = tuple(t.type for t in node.outputs)
    return NodeRecord(node.name, node.type, tuple(inputs), attributes, types, node.source)


def format_nodes(nodes: Iterable[Any]) -> str:
    """`%3 = Conv2D(%1, %2) {…} : float32[?,28,28,64]  # name at file:line` for each node of a user's graph."""
    lines = []
    for node in nodes:
        args = ", ".join(f"%{t.node.id}" + (f".{t.value_index}" if t.value_index else "") for t in node.inputs)
        after = "".join(f" ^%{c.id}" for c in node.control_inputs)
        types = ", ".join(str(t.type) for t in node.outputs) or "()"
        attributes = format_attributes(node.op)
        lines.append(f"%{node.id} = {node.type}({args}){attributes}{after} : {types}  # {node.name} at {node.source}")
    return "\n".join(lines)
