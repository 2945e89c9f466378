"""Scopes and collections of the default graph, as functions."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from minigraph.core.default_graph import get_default_graph
from minigraph.ops.builder import as_tensor_like, graph_of

__all__ = [
    "add_to_collection",
    "add_to_collections",
    "colocate_with",
    "control_dependencies",
    "device",
    "get_collection",
    "get_collection_ref",
    "name_scope",
]


@contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Iterable[Any] | None = None) -> Iterator[str]:
    """Open a scope that prefixes the names of nodes, in a `with` block.

    Args:
        name: Name of the scope, made unique; with a slash at its end, the scope of this name opened again. None takes
            `default_name`.
        default_name: Name that is taken if `name` is None.
        values: Tensors whose graph gets the scope; by default the default graph.

    Yields:
        The scope's name with a slash at its end, or an empty string.

    Raises:
        ValueError: Both names are None, and `values` are given.

    Example:
        >>> with tf.name_scope("loss"):
        ...     print(tf.constant(1.0).name)
        loss/Const:0
    """
    if name is None and default_name is None and values is not None:
        raise ValueError(f"At least one of name ({name}) and default_name ({default_name}) must be provided.")
    graph = graph_of([as_tensor_like(v) for v in values or []])
    with graph.as_default(), graph.name_scope(default_name if name is None else name) as scope:
        yield scope


def control_dependencies(control_inputs: Iterable[Any] | None) -> AbstractContextManager[None]:
    """Make the nodes in a `with` block run after others.

    Args:
        control_inputs: Tensors, operations and variables that run first; None to clear the active dependencies.

    Returns:
        A context manager.

    Example:
        >>> w = tf.Variable(1.0)
        >>> with tf.control_dependencies([w.assign(2.0)]):
        ...     after = w.read_value()
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     print(sess.run(after))
        2.0
    """
    return get_default_graph().control_dependencies(control_inputs)


@contextmanager
def device(device_name_or_function: Any) -> Iterator[None]:
    """Do nothing but warn: a session runs the whole graph on its backend.

    Args:
        device_name_or_function: TensorFlow 1's; it has no effect. None does not warn.

    Yields:
        None.

    Example:
        >>> with tf.device(None):
        ...     x = tf.constant(1.0)
    """
    if device_name_or_function is not None:
        warnings.warn(
            f"tf.device({device_name_or_function!r}) has no effect; choose with Session(backend=...)", stacklevel=3
        )
    yield


@contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """Do nothing, as a session runs the whole graph on its backend.

    Args:
        op: TensorFlow 1's; it has no effect.
        ignore_existing: TensorFlow 1's; it has no effect.

    Yields:
        None.

    Example:
        >>> x = tf.constant(1.0)
        >>> with tf.colocate_with(x):
        ...     y = x + 1
    """
    yield


def add_to_collection(name: str, value: Any) -> None:
    """Append an item to a collection of the default graph.

    Args:
        name: Name of the collection, which is made if it does not exist.
        value: The item.

    Example:
        >>> tf.add_to_collection("inputs", tf.placeholder(tf.float32, name="x"))
        >>> [x.name for x in tf.get_collection("inputs")]
        ['x:0']
    """
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: str | Iterable[str] | None, value: Any) -> None:
    """Append an item to several collections of the default graph.

    Args:
        names: Name of a collection, or several, each of which counts once; None for no collection.
        value: The item.

    Example:
        >>> tf.add_to_collections(["a", "b"], 1)
        >>> tf.get_collection("a"), tf.get_collection("b")
        ([1], [1])
    """
    get_default_graph().add_to_collections(names, value)


def get_collection_ref(key: str) -> list[Any]:
    """Give a collection of the default graph itself: changes of the list are changes of the collection.

    Args:
        key: Name of the collection, which is made if it does not exist.

    Returns:
        The list.

    Example:
        >>> tf.get_collection_ref("inputs").append(1)
        >>> tf.get_collection("inputs")
        [1]
    """
    return get_default_graph().get_collection_ref(key)


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    """Give a copy of a collection of the default graph.

    Args:
        key: Name of the collection.
        scope: Only items whose names match this regular expression from their start on.

    Returns:
        A list, empty if there is no such collection.

    Example:
        >>> w = tf.get_variable("w", [2])
        >>> tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)
        [<tf.Variable 'w:0' shape=(2,) dtype=float32_ref>]
    """
    return get_default_graph().get_collection(key, scope)
