"""The variables of a graph by collection, and the operations that initialise them."""

from __future__ import annotations

from collections.abc import Iterable

from minigraph.core.collections import GraphKeys
from minigraph.core.default_graph import get_default_graph
from minigraph.core.graph import Node
from minigraph.ops.state.variable import group
from minigraph.run.variables import Variable

__all__ = [
    "global_variables",
    "global_variables_initializer",
    "initialize_all_variables",
    "local_variables",
    "local_variables_initializer",
    "model_variables",
    "trainable_variables",
    "variables_initializer",
]


def global_variables(scope: str | None = None) -> list[Variable]:
    """List the global variables of the default graph.

    Args:
        scope: Only variables whose names match this regular expression from their start on.

    Returns:
        The variables in the collection `tf.GraphKeys.GLOBAL_VARIABLES`, in the order of making.

    Example:
        >>> w = tf.get_variable("w", [2])
        >>> tf.global_variables()
        [<tf.Variable 'w:0' shape=(2,) dtype=float32_ref>]
    """
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Variable]:
    """List the local variables of the default graph.

    Args:
        scope: Only variables whose names match this regular expression from their start on.

    Returns:
        The variables in the collection `tf.GraphKeys.LOCAL_VARIABLES`, in the order of making.

    Example:
        >>> value, update = tf.metrics.mean([1.0, 2.0])
        >>> [v.name for v in tf.local_variables()]
        ['mean/total:0', 'mean/count:0']
    """
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Variable]:
    """List the trainable variables of the default graph.

    Args:
        scope: Only variables whose names match this regular expression from their start on.

    Returns:
        The variables in the collection `tf.GraphKeys.TRAINABLE_VARIABLES`, in the order of making.

    Example:
        >>> w, count = tf.Variable(1.0, name="w"), tf.Variable(0, trainable=False, name="count")
        >>> tf.trainable_variables()
        [<tf.Variable 'w:0' shape=() dtype=float32_ref>]
    """
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Variable]:
    """List the model variables of the default graph.

    Args:
        scope: Only variables whose names match this regular expression from their start on.

    Returns:
        The variables in the collection `tf.GraphKeys.MODEL_VARIABLES`, in the order of making.

    Example:
        >>> w = tf.Variable(1.0, collections=[tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES], name="w")
        >>> tf.model_variables()
        [<tf.Variable 'w:0' shape=() dtype=float32_ref>]
    """
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def variables_initializer(var_list: Iterable[Variable], name: str = "init") -> Node:
    """Make an operation that gives variables their initial values.

    Args:
        var_list: The variables.
        name: Name of the operation.

    Returns:
        The operation.

    Example:
        >>> w = tf.Variable([1.0, 2.0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.variables_initializer([w]))
        ...     print(sess.run(w))
        [1. 2.]
    """
    graph = get_default_graph()
    if not var_list:
        return group(name=name)
    with graph.control_dependencies(None):
        return group(*[v.initializer for v in var_list], name=name)


def global_variables_initializer() -> Node:
    """Make an operation that gives all global variables of the default graph their initial values.

    Variables that are made later are not among them.

    Returns:
        The operation.

    Example:
        >>> w = tf.Variable([1.0, 2.0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     print(sess.run(w))
        [1. 2.]
    """
    return variables_initializer(global_variables())


def local_variables_initializer() -> Node:
    """Make an operation that gives all local variables of the default graph their initial values.

    The counts of `tf.metrics` are local variables.

    Returns:
        The operation.

    Example:
        >>> value, update = tf.metrics.mean([1.0, 2.0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.local_variables_initializer())
        ...     print(sess.run(update))
        1.5
    """
    return variables_initializer(local_variables(), name="init_1")


initialize_all_variables = global_variables_initializer
