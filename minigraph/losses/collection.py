"""The collection of a graph's losses, and their sum."""

from __future__ import annotations

from minigraph.core.collections import GraphKeys
from minigraph.core.default_graph import get_default_graph
from minigraph.core.graph import Tensor
from minigraph.ops.constant import constant
from minigraph.ops.math.add_n import add_n

__all__ = ["add_loss", "get_losses", "get_regularization_loss", "get_regularization_losses", "get_total_loss"]


def add_loss(loss: Tensor, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Add a loss to a collection of its graph.

    Args:
        loss: The loss.
        loss_collection: Name of the collection; None for no collection.

    Example:
        >>> tf.losses.add_loss(tf.constant(2.0))
        >>> len(tf.losses.get_losses())
        1
    """
    if loss_collection:
        loss.graph.add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    """Give the losses in a collection of the default graph.

    Args:
        scope: Only losses whose names match this regular expression from their start on.
        loss_collection: Name of the collection.

    Returns:
        The losses, in the order of adding.

    Example:
        >>> loss = tf.losses.mean_squared_error([1.0], [2.0])
        >>> tf.losses.get_losses() == [loss]
        True
    """
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    """Give the penalties that the regularizers of variables made in the default graph.

    Args:
        scope: Only penalties whose names match this regular expression from their start on.

    Returns:
        The penalties, scalars in the order of making.

    Example:
        >>> w = tf.get_variable("w", [3], regularizer=tf.nn.l2_loss)
        >>> [loss.name for loss in tf.losses.get_regularization_losses()]
        ['w/Regularizer/L2Loss:0']
    """
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """Add up the penalties that the regularizers of variables made in the default graph.

    Args:
        scope: Only penalties whose names match this regular expression from their start on.
        name: Name of the sum.

    Returns:
        A scalar; 0 where there is no penalty.

    Example:
        >>> w = tf.get_variable("w", initializer=[3.0, 4.0], regularizer=tf.nn.l2_loss)
        >>> loss = tf.losses.get_regularization_loss()
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     print(sess.run(loss))
        12.5
    """
    found = get_regularization_losses(scope)
    return add_n(found, name=name) if found else constant(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """Add up the losses in the collection `tf.GraphKeys.LOSSES` of the default graph, and the regularization losses.

    Args:
        add_regularization_losses: Whether the regularization losses are in the sum.
        name: Name of the sum.
        scope: Only losses whose names match this regular expression from their start on.

    Returns:
        A scalar.

    Raises:
        ShapeError: There is no loss.

    Example:
        >>> first = tf.losses.mean_squared_error([1.0], [2.0])
        >>> second = tf.losses.absolute_difference([1.0], [3.0])
        >>> tf.Session().run(tf.losses.get_total_loss()).item()
        3.0
    """
    found = get_losses(scope)
    if add_regularization_losses:
        found = found + get_regularization_losses(scope)
    return add_n(found, name=name)
