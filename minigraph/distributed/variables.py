"""The same variables on all ranks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigraph.core.graph import Node
from minigraph.distributed.exchange import broadcast
from minigraph.ops.collective.world import WORLD
from minigraph.ops.state.variable import group
from minigraph.run.variable_lists import global_variables
from minigraph.run.variables import Variable

__all__ = ["BroadcastGlobalVariablesHook", "broadcast_global_variables", "broadcast_variables"]


def broadcast_variables(variables: Iterable[Variable], root_rank: int) -> Node:
    """Make an operation that gives variables the values they have on one rank.

    Args:
        variables: The variables, the same on all ranks.
        root_rank: The rank whose values they are.

    Returns:
        The operation.

    Raises:
        FailedPreconditionError: `init` has not been called.
        InvalidArgumentError: There is no such rank.
        TypeError: An item of `variables` is not a variable.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> w = tf.Variable(2.0)
        >>> same = hvd.broadcast_variables([w], root_rank=0)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(same)
        ...     print(sess.run(w))
        2.0
    """
    WORLD.require_start()
    chosen = list(variables)
    if others := [v for v in chosen if not isinstance(v, Variable)]:
        raise TypeError(f"broadcast_variables: expected variables, got {others[0]!r}")
    return group(*(v.assign(broadcast(v, root_rank)) for v in chosen), name="broadcast_variables")


def broadcast_global_variables(root_rank: int) -> Node:
    """Make an operation that gives all global variables the values they have on one rank.

    Args:
        root_rank: The rank whose values they are.

    Returns:
        The operation.

    Raises:
        FailedPreconditionError: `init` has not been called.
        InvalidArgumentError: There is no such rank.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> w = tf.Variable(2.0)
        >>> hvd.broadcast_global_variables(0).name
        'broadcast_variables'
    """
    return broadcast_variables(global_variables(), root_rank)


class BroadcastGlobalVariablesHook:
    """A hook of monitored sessions that gives all ranks the initial, or restored, variables of one.

    Args:
        root_rank: The rank whose values they are.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> hook = hvd.BroadcastGlobalVariablesHook(0)
        >>> w = tf.Variable(2.0)
        >>> hook.begin()
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     hook.after_create_session(sess)
        ...     print(sess.run(w))
        2.0
    """

    def __init__(self, root_rank: int) -> None:
        self._root = root_rank

    def begin(self) -> None:
        """Add the nodes; called before the session is made."""
        self._operation = broadcast_global_variables(self._root)

    def after_create_session(self, session: Any, *_: Any) -> None:
        """Broadcast the variables.

        Args:
            session: The session, whose variables are initialised.
        """
        session.run(self._operation)

    def before_run(self, *_: Any) -> None:
        """Do nothing."""

    def after_run(self, *_: Any) -> None:
        """Do nothing."""

    def end(self, *_: Any) -> None:
        """Do nothing."""
