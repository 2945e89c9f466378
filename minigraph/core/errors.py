"""Exceptions: TensorFlow 1's `tf.errors`, and minigraph's own.

Each is also a subclass of the exception that TensorFlow 1 raises for the same mistake, so old `except` clauses work.
"""

from __future__ import annotations

from typing import Any


class MinigraphError(Exception):
    """Base class of all exceptions that minigraph raises on purpose."""


class ShapeError(MinigraphError, ValueError):
    """Shapes, ranks or sizes do not fit together."""


class DTypeError(MinigraphError, TypeError):
    """An op does not take a dtype, or dtypes differ that must agree."""


class NoValueError(DTypeError, ValueError):
    """None stands where a tensor is needed."""


class GraphError(MinigraphError, ValueError):
    """A graph is misused: a tensor of another graph, a name that is taken, or an unknown name."""


class MissingNodeError(GraphError, AssertionError):
    """A name is not in a graph definition. TensorFlow 1 raises AssertionError for it."""


class FinalizedError(MinigraphError, RuntimeError):
    """A node was added to a graph after `Graph.finalize()`."""


class GradientError(MinigraphError, LookupError, ValueError):
    """There is no gradient along the path between two tensors."""


class VerificationError(MinigraphError, RuntimeError):
    """The graph broke an invariant: a defect of minigraph or of a pass, not of the user's program."""


class BackendError(MinigraphError, RuntimeError):
    """A backend is unknown or cannot run on this machine."""


class MissingPackageError(MinigraphError, ImportError):
    """A package that an optional part of minigraph needs is not installed."""


class OpError(MinigraphError):
    """An error while a graph runs, or about data that a run needs.

    Args:
        node_def: The text, if `message` is None; else TensorFlow 1's first argument, which has no effect.
        op: The node, also the attribute `op`; None if there is none. While the run goes on, it is the node's name.
        message: The text, also the attribute `message`, of an error that is made as in TensorFlow 1.
        error_code: A number, also the attribute `error_code`.
    """

    def __init__(
        self, node_def: Any = None, op: Any = None, message: str | None = None, error_code: Any = None
    ) -> None:
        self.message = str(node_def) if message is None else message
        super().__init__(self.message)
        self.op = op
        self.error_code = error_code


class InvalidArgumentError(OpError):
    """A placeholder was not fed, or an operand has a value that is not allowed."""


class UnknownNameError(InvalidArgumentError):
    """A name is not known: of a model, a backend, a stage, a kind of file. The command line exits with 2 for it."""


class EarlyShapeError(ShapeError, InvalidArgumentError):
    """Shapes do not fit, which is found while the graph is built. TensorFlow 1 finds it in a run."""


class FailedPreconditionError(OpError):
    """A variable was read before it had a value."""


class NotFoundError(OpError, FileNotFoundError):
    """A file, or a tensor in a checkpoint, does not exist."""

    def __str__(self) -> str:
        return self.message


class AlreadyExistsError(OpError, FileExistsError):
    """The file already exists."""

    def __str__(self) -> str:
        return self.message


class PermissionDeniedError(OpError, PermissionError):
    """A file may not be read or written."""

    def __str__(self) -> str:
        return self.message


class OutOfRangeError(OpError):
    """The input has ended."""


class CancelledError(OpError):
    """A queue was closed, or its session, while an operation waited."""


class AbortedError(OpError):
    """Another operation stopped this one."""


class DeadlineExceededError(OpError):
    """An operation took longer than it may."""


class UnimplementedError(OpError):
    """The case is not implemented."""


class DataLossError(OpError):
    """A file is truncated, damaged, or of another kind than expected."""


class UnavailableError(OpError):
    """The network or a server cannot be reached."""


class ResourceExhaustedError(OpError):
    """Memory or disk space ran out."""


class UnknownError(OpError):
    """A function of the user's raised an exception that has no counterpart here."""


class InternalError(OpError):
    """A kernel failed, and the user's program is not the cause."""


_ANEW = "After tf.reset_default_graph(), make all tensors, variables and sessions anew."

_RAISED: dict[type[Exception], type[OpError]] = {
    MemoryError: ResourceExhaustedError,
    FileNotFoundError: NotFoundError,
    FileExistsError: AlreadyExistsError,
    PermissionError: PermissionDeniedError,
    IsADirectoryError: FailedPreconditionError,
    NotADirectoryError: FailedPreconditionError,
    OSError: UnknownError,
    MinigraphError: InvalidArgumentError,
}


def in_run(error: Exception, where: str, op: Any) -> MinigraphError:
    """Turn an exception that stops a run into an error of the run, which says where it happened.

    Args:
        error: The exception.
        where: The node and the line that made it, added to the message.
        op: The node, or its name.

    Returns:
        An error of the same class if that is an OpError or a BackendError; an InvalidArgumentError for shapes and
        dtypes that do not fit; an OpError of the same meaning for MemoryError and OSError; else an InternalError, as
        ops check what they are given.

    Example:
        >>> error = tf.errors.in_run(MemoryError("no memory left"), "in MatMul node 'y'", "y")
        >>> error
        ResourceExhaustedError("no memory left (in MatMul node 'y')")
    """
    text = f"{error} ({where})"
    if isinstance(error, BackendError):  # a missing installation is not an error of the program
        return BackendError(text)
    if isinstance(error, OpError):
        return type(error)(text, op)
    kind = next((k for raised, k in _RAISED.items() if isinstance(error, raised)), None)
    return InternalError(f"{type(error).__name__}: {text}", op) if kind is None else kind(text, op)


def _place(element: Any) -> str:
    """The line that made a node, or the node of a tensor or variable."""
    source = getattr(element, "source", None) or element.op.source
    return str(source.describe())


def not_in_graph(element: Any) -> GraphError:
    """Make the error for an element of another graph.

    Args:
        element: A tensor or node.

    Returns:
        An error that says where the element was made.

    Example:
        >>> str(tf.errors.not_in_graph(tf.constant(1.0, name="one")))[:63]
        "<tf.Tensor 'one:0' shape=() dtype=float32> is not an element of"
    """
    return GraphError(
        f"{element!r} is not an element of this graph: it was made in another one, at {_place(element)}. A session "
        f"runs the graph that was the default when the session was made. {_ANEW}"
    )


def of_two_graphs(element: Any, other: Any) -> GraphError:
    """Make the error for elements of two graphs in one expression.

    Args:
        element: A tensor, node or variable of one graph.
        other: One of the other graph.

    Returns:
        An error that says where both were made.

    Example:
        >>> one, two = tf.constant(1.0, name="one"), tf.constant(2.0, name="two")
        >>> str(tf.errors.of_two_graphs(one, two))[:72]
        "<tf.Tensor 'one:0' shape=() dtype=float32> must be from the same graph a"
    """
    places = _place(element), _place(other)
    return GraphError(
        f"{element!r} must be from the same graph as {other!r}. The first was made at {places[0]}; the second at "
        f"{places[1]}. {_ANEW}"
    )


def at_node(error: Exception, node: Any) -> MinigraphError:
    """Turn an exception into an error of a run, which names the node that raised it and the line that made the node.

    Args:
        error: The exception.
        node: The node.

    Returns:
        An error of the same class if that is an OpError, an InvalidArgumentError for shapes and dtypes that do not fit,
        else an OpError of the same meaning, or an InternalError.

    Example:
        >>> error = tf.errors.at_node(tf.errors.DataLossError("no such value"), tf.constant(1.0, name="x").op)
        >>> error.op.name
        'x'
    """
    return in_run(error, f"in {node.type} node '{node.name}', made at {node.source.describe()}", node)
