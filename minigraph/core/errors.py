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

    `op` is the node (may be None), `message` the text, as in `tf.errors.OpError`.
    """

    def __init__(self, message: str, op: Any = None) -> None:
        super().__init__(message)
        self.message = message
        self.op = op


class InvalidArgumentError(OpError):
    """An unfed placeholder, or an operand whose value is not allowed."""


class FailedPreconditionError(OpError):
    """A variable was read before it was initialised."""


class NotFoundError(OpError, FileNotFoundError):
    """A file, or a tensor in a checkpoint, that does not exist."""

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


class InternalError(OpError):
    """A kernel failed in a way the user's program did not cause."""
