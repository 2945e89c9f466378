"""The global step: a variable that counts training steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minigraph.core.collections import GraphKeys
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import int64
from minigraph.core.graph import Graph, Tensor
from minigraph.run.initializers import zeros_initializer
from minigraph.run.variable_scope import get_variable
from minigraph.run.variables import Variable

if TYPE_CHECKING:
    from minigraph.run.session import Session

__all__ = ["create_global_step", "get_global_step", "get_or_create_global_step", "global_step"]


def get_global_step(graph: Graph | None = None) -> Variable | None:
    """Find the global step, a variable that counts training steps.

    Args:
        graph: The graph to search; by default the default graph.

    Returns:
        The variable, or None.

    Example:
        >>> print(tf.train.get_global_step())
        None
    """
    found = (graph or get_default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    return found[0] if found else None


def create_global_step(graph: Graph | None = None) -> Variable:
    """Make the global step: an int64 scalar variable named `global_step`, which starts at 0.

    Args:
        graph: The graph that gets the variable; by default the default graph.

    Returns:
        The variable.

    Raises:
        ValueError: The graph has a global step.

    Example:
        >>> tf.train.create_global_step()
        <tf.Variable 'global_step:0' shape=() dtype=int64_ref>
    """
    target = graph or get_default_graph()
    if get_global_step(target) is not None:
        raise ValueError('"global_step" already exists.')
    with target.as_default(), target.name_scope(None):
        return get_variable(
            "global_step",
            shape=[],
            dtype=int64,
            initializer=zeros_initializer(),
            trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )


def get_or_create_global_step(graph: Graph | None = None) -> Variable:
    """Find the global step, and make it if there is none.

    Args:
        graph: The graph of the variable; by default the default graph.

    Returns:
        The variable.

    Example:
        >>> tf.train.get_or_create_global_step() is tf.train.get_or_create_global_step()
        True
    """
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Session, global_step_tensor: Tensor | Variable) -> int:
    """Read the global step in a session.

    Args:
        sess: The session.
        global_step_tensor: The global step.

    Returns:
        Its value.

    Raises:
        FailedPreconditionError: The variable has no value yet.

    Example:
        >>> step = tf.train.create_global_step()
        >>> with tf.Session() as sess:
        ...     sess.run(step.initializer)
        ...     tf.train.global_step(sess, step)
        0
    """
    return int(sess.run(global_step_tensor))
