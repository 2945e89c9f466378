"""TensorFlow's graphs in files and in other graphs. Needs the package tensorboard, which has the messages."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.errors import DataLossError, GraphError, NotFoundError
from minigraph.core.graph import Node, Tensor
from minigraph.core.protos import proto
from minigraph.core.typing import PathLike, TensorLike
from minigraph.util.files import atomic_write


def import_graph_def(
    graph_def: Any,
    input_map: Mapping[str, TensorLike] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
    trusted: bool = False,
) -> list[Tensor | Node] | None:
    """Add the nodes of a graph of TensorFlow to the default graph.

    All nodes are added, or none if there is an error. Nodes that only save and restore variables are left out: a
    `tf.train.Saver` does that.

    Args:
        graph_def: A `tf.GraphDef`, such as `tf.Graph.as_graph_def` makes or a file holds.
        input_map: Tensors of the default graph by the names of the inputs in `graph_def`, `x` or `x:0`, that they
            replace.
        return_elements: Names in `graph_def` of the results: `node` for an operation, `node:output` for a tensor.
        name: Name scope of the nodes; by default `import`, and "" for none.
        op_dict, producer_op_list: TensorFlow 1's; they have no effect.
        trusted: Whether the graph may read and write files when it runs.

    Returns:
        The operations and tensors that `return_elements` names; None if it is None.

    Raises:
        TypeError: An argument is of a wrong type.
        GraphError: Ops are not known, which the message names all at once with their nodes; a node does not fit; or a
            name in `input_map` or `return_elements` does not exist.

    Example:
        >>> with tf.Graph().as_default() as graph:
        ...     x = tf.placeholder(tf.float32, name="x")
        ...     y = tf.multiply(x, 2.0, name="y")
        >>> (y,) = tf.import_graph_def(graph.as_graph_def(), input_map={"x": tf.constant(3.0)}, return_elements=["y:0"])
        >>> y.name, tf.Session().run(y).item()
        ('import/y:0', 6.0)
    """
    from minigraph.formats.tensorflow.importing import add_message, unused_replacements

    message = as_graph_def(graph_def)
    replaced = {} if input_map is None else input_map
    if not isinstance(replaced, Mapping) or not all(isinstance(k, str) for k in replaced):
        raise TypeError(f"input_map must be a dictionary mapping strings to Tensor objects, not {input_map!r}")
    elements = list(return_elements or ())
    for element in elements:
        if not isinstance(element, str):
            raise TypeError(f"return_elements must be a list of strings, not {element!r}")
    if missing := unused_replacements(message, replaced):
        raise GraphError(f"Attempted to map inputs that were not found in graph_def: {missing}")
    graph = get_default_graph()
    tensors = {key: convert_to_tensor(value) for key, value in replaced.items()}
    for tensor in tensors.values():
        graph.as_graph_element(tensor)
    with graph.name_scope(("import" if name is None else name) or None) as scope:
        added = add_message(graph, message, scope.rstrip("/"), tensors, elements, trusted)
    if return_elements is None:
        return None
    return [added.tensors[e] if ":" in e else added.nodes[e] for e in elements]


def as_graph_def(value: Any) -> Any:
    """The `GraphDef` message that a value is. TypeError for anything else.

    Messages of TensorFlow's own package, where programs have them, are converted.
    """
    kind = proto("graph", "GraphDef")
    if isinstance(value, kind):
        return value
    if getattr(getattr(value, "DESCRIPTOR", None), "name", "") == "GraphDef":
        return kind.FromString(value.SerializeToString())
    raise TypeError(f"graph_def must be a GraphDef proto, not {value!r}")


def read_graph(path: PathLike) -> Any:
    """The `GraphDef` in a file, binary or text.

    Raises:
        NotFoundError: The file does not exist.
        DataLossError: The file is damaged or of another kind.
    """
    return read_message_file(path, proto("graph", "GraphDef"), "a graph of TensorFlow", is_graph)


def is_graph(message: Any) -> bool:
    """Whether a message, however it was read, can be a `GraphDef`: it has nodes, each with a name and an op."""
    return len(message.node) > 0 and all(node.name and node.op for node in message.node)


def read_message_file(path: PathLike, kind: Any, what: str, fits: Any) -> Any:
    """A message of `kind` in a file, binary or text. fits(message): whether it can be one, however it was read."""
    from google.protobuf import text_format
    from google.protobuf.message import DecodeError

    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        raise NotFoundError(f"no file at {name}") from None
    except IsADirectoryError:
        raise DataLossError(f"{name} is a folder, not {what}") from None
    try:
        message = kind.FromString(content)
        if fits(message):
            return message
    except DecodeError:
        pass
    try:
        message = text_format.Parse(content.decode("utf-8"), kind(), allow_unknown_field=True)
    except (UnicodeDecodeError, text_format.ParseError, RecursionError, ValueError) as error:
        said = f": {error}" if content[:1] not in (b"\n", b"") and content[:200].isascii() else ""
        raise DataLossError(f"{name} is damaged, or not {what}{said}") from None
    if not fits(message):
        raise DataLossError(f"{name} is empty, or not {what}")
    return message


def write_message(path: PathLike, message: Any, as_text: bool) -> None:
    """Write a message whole or not at all, making its folder."""
    from google.protobuf import text_format

    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    content = text_format.MessageToString(message).encode() if as_text else message.SerializeToString()
    with atomic_write(path) as file:
        file.write(content)
