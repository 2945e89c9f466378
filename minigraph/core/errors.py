"""Exceptions. Each also subclasses what TensorFlow 1 raises for the same mistake, so old `except` clauses work."""

from __future__ import annotations

from typing import Any


class MinigraphError(Exception):
    """Base of every exception that minigraph raises on purpose."""


class ShapeError(MinigraphError, ValueError):
    """Shapes, ranks or sizes that do not fit together."""


class DTypeError(MinigraphError, TypeError):
    """A dtype that an op does not take, or dtypes that differ where they must agree."""


class GraphError(MinigraphError, ValueError):
    """A misuse of a graph: a tensor of another graph, a name that is taken, an unknown name."""


class MissingNodeError(GraphError, AssertionError):
    """A name that is not in a graph definition, where TensorFlow 1 asserts that it is."""


class FinalizedError(MinigraphError, RuntimeError):
    """A node was added to a graph after `Graph.finalize()`."""


class GradientError(MinigraphError, LookupError, ValueError):
    """No gradient can be had along the path that was asked for."""


class VerificationError(MinigraphError, RuntimeError):
    """The graph broke an invariant. This is a defect of minigraph or of a pass, not of the user's program."""


class BackendError(MinigraphError, RuntimeError):
    """A backend that is unknown, or that cannot run here."""


class MissingPackageError(MinigraphError, ImportError):
    """A package that an optional part of minigraph needs is not installed."""


class OpError(MinigraphError):
    """An error while a graph runs, or about data a run needs.

    `op` is the node (may be None; while the run goes on, its name), `message` the text, as in `tf.errors.OpError`.
    """

    def __init__(self, message: str, op: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.op = op


class InvalidArgumentError(OpError):
    """An unfed placeholder, or an operand whose value is not allowed."""


def at_node(error: Exception, node: Any) -> OpError:
    """The error as one of a run, with the node whose computation raised it and the line where the node was made."""
    kind = type(error) if isinstance(error, OpError) else InvalidArgumentError
    return kind(f"{error} (in {node.type} node '{node.name}', made at {node.source.describe()})", node)


class EarlyShapeError(ShapeError, InvalidArgumentError):
    """Shapes that do not fit, found while the graph is built, where TensorFlow 1 finds them in a run."""


class FailedPreconditionError(OpError):
    """A variable was read before it was initialised."""


class NotFoundError(OpError, FileNotFoundError):
    """A file, or a tensor in a checkpoint, that does not exist."""

    def __str__(self) -> str:
        return self.message


class AlreadyExistsError(OpError, FileExistsError):
    """A file that is there already."""

    def __str__(self) -> str:
        return self.message


class PermissionDeniedError(OpError, PermissionError):
    """A file that may not be read or written."""

    def __str__(self) -> str:
        return self.message


class OutOfRangeError(OpError):
    """The end of an input."""


class UnimplementedError(OpError):
    """Something that is not there for this case."""


class DataLossError(OpError):
    """A file that is truncated, corrupt, or of another kind than expected."""


class UnavailableError(OpError):
    """The network or a server cannot be reached."""


class ResourceExhaustedError(OpError):
    """Out of memory or disk space."""


class UnknownError(OpError):
    """A function of the user's raised an exception that has no counterpart here."""


class InternalError(OpError):
    """A kernel failed in a way the user's program did not cause."""
