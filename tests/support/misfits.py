"""Runs of one op on operands that do not fit: other shapes than it needs, and integers out of their range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf
from minigraph.core.errors import MinigraphError
from minigraph.core.graph import Tensor
from minigraph.core.op import REGISTRY, Op, Sample
from minigraph.ops.host.summary import SummaryOp
from support.evaluate import import_ops

FOREIGN = (
    "could not be broadcast", "out of bounds for", "ufunc", "numpy", "zero-size array", "cannot reshape array",
    "must match", "invalid literal", "not subscriptable", "NoneType", "list index", "tuple index", "division by zero",
    "need at least one array", "all the input", "object has no attribute", "zip()", "axes don't match",
)  # fmt: skip
"""Parts of the messages of NumPy and Python."""


def sampled_ops() -> dict[str, type[Op]]:
    """The user's ops that have samples."""
    import_ops()
    own = {name: kind for name, kind in REGISTRY.items() if kind.__module__.startswith("minigraph.ops.")}
    has_none = (
        name for name, kind in own.items() if kind.forward is Op.forward or kind.staged or issubclass(kind, SummaryOp)
    )
    unsampled = set(has_none)
    return {name: kind for name, kind in own.items() if name not in unsampled}


class Misfit(NamedTuple):
    """A change of one operand. values: whether only its elements change, not its shape."""

    what: str
    position: int
    array: Any
    values: bool


def misfits(sample: Sample) -> Iterator[Misfit]:
    """Changes of the operands of a sample, one at a time."""
    count = len(sample.inputs) - sample.op.draws
    for position, array in enumerate(np.asarray(a) for a in sample.inputs[:count]):
        if position in (*sample.op.reads, *sample.op.writes):
            continue  # a variable, whose shape is fixed
        for what, changed in _shapes(array):
            yield Misfit(f"operand {position} {what}", position, changed, False)
        if array.dtype.kind in "iu" and array.size:
            for value in (-1, -2, 0, 5, 97):
                if array.dtype.kind == "u" and value < 0:
                    continue
                for place in {0, array.size - 1}:
                    changed = array.copy()
                    changed.reshape(-1)[place] = value
                    if not np.array_equal(changed, array):
                        yield Misfit(f"operand {position} [{place}] = {value}", position, changed, True)


def _shapes(array: Any) -> Iterator[tuple[str, Any]]:
    yield "with one axis more", np.stack([array, array])
    if not array.ndim:
        return
    yield "with one axis less", array[0] if len(array) else np.zeros(array.shape[1:], array.dtype)
    yield "as a scalar", np.array(array.reshape(-1)[0] if array.size else 0, array.dtype)
    for axis in range(array.ndim):
        for what, length in (("longer", array.shape[axis] + 1), ("shorter", array.shape[axis] - 1), ("empty", 0)):
            if length >= 0 and length != array.shape[axis]:
                places = np.arange(length) % max(array.shape[axis], 1)
                changed = (
                    array.take(places, axis) if array.shape[axis] else np.ones_like(array, shape=_set(array, axis))
                )
                yield f"{what} along axis {axis}", changed


def _set(array: Any, axis: int) -> tuple[int, ...]:
    return tuple(1 if i == axis else d for i, d in enumerate(array.shape))


class Outcome(NamedTuple):
    """The values or the error of a run."""

    values: list[Any] | None
    error: Exception | None


class Trial:
    """The op of a sample in a graph in which the shapes of its operands are not known, and each is fed.

    operands: the sample's inputs without its random draws. known: whether the graph knows the values of the integers.
    Raises MinigraphError if the op refuses this.
    """

    def __init__(self, op: Op, operands: Sequence[Any], known: bool) -> None:
        self.graph = tf.Graph()
        self.places: dict[Tensor, int] = {}
        self.sessions: dict[tuple[str, Any], tf.Session] = {}
        with self.graph.as_default():
            inputs = [self._operand(op, i, np.asarray(a), known) for i, a in enumerate(operands)]
            self.node = self.graph.add(op, inputs, "probe")
            self.start = tf.global_variables_initializer() if tf.global_variables() else None
        self.fetches = [t for i, t in enumerate(self.node.outputs) if not (op.draws and t is self.node.outputs[-1])]

    def _operand(self, op: Op, position: int, array: Any, known: bool) -> Tensor:
        if not op.draws and position in (*op.reads, *op.writes):
            return tf.Variable(array).ref
        if known and array.dtype.kind in "iu":
            return tf.constant(array)
        tensor = tf.placeholder(array.dtype)
        self.places[tensor] = position
        return tensor

    def run(self, way: tuple[str, Any], operands: Sequence[Any]) -> Outcome:
        """Run the op, with variables as they were at first, in the session that this way has."""
        if way not in self.sessions:
            backend, level = way
            self.sessions[way] = tf.Session(graph=self.graph, backend=backend, optimize=level, lint=False)
        session = self.sessions[way]
        if self.start is not None:
            session.run(self.start)
        try:
            feeds = {tensor: operands[i] for tensor, i in self.places.items()}
            return Outcome([np.array(v) for v in session.run(self.fetches, feeds)], None)
        except Exception as error:
            return Outcome(None, error)


def complaint(trial: Trial, error: Exception, file: str) -> str | None:
    """What is wrong with an error of a run; None if nothing is."""
    text = str(error)
    if not isinstance(error, tf.errors.OpError) or isinstance(error, tf.errors.InternalError):
        return f"{type(error).__name__}: {text}"
    if error.op is not trial.node:
        return f"the error is of {error.op}: {text}"
    if "probe" not in text or file not in text:
        return f"no node or no line: {text}"
    foreign = [part for part in FOREIGN if part in text.replace("Integer division by zero", "")]
    return f"{foreign}: {text}" if foreign else None


def faults_of(sample: Sample, of_values: Sequence[Any], of_shapes: Sequence[Any], file: str) -> Iterator[str]:
    """What is wrong with runs of each misfit: an error of the wrong kind, or values where the reference finds a fault.

    of_values, of_shapes: backends and levels for each kind of misfit. Misfits that make the same graph share it, and
    its sessions.
    """
    arrays = [np.asarray(a) for a in sample.inputs[: len(sample.inputs) - sample.op.draws]]
    has_integers = any(np.asarray(a).dtype.kind in "iu" for a in sample.inputs)
    for known in (False, True)[: 1 + has_integers]:
        common = _trial(sample.op, arrays, known)
        for misfit in misfits(sample):
            operands = [misfit.array if i == misfit.position else a for i, a in enumerate(arrays)]
            is_in_graph = known and misfit.array.dtype.kind in "iu"
            trial = _trial(sample.op, operands, known) if is_in_graph else common
            if trial is not None:  # else it is refused when the graph is built
                outcomes = {way: trial.run(way, operands) for way in (of_values if misfit.values else of_shapes)}
                yield from _faults(sample, misfit, trial, outcomes, file)


def _trial(op: Op, operands: Sequence[Any], known: bool) -> Trial | None:
    try:
        return Trial(op, operands, known)
    except MinigraphError:
        return None


def _faults(sample: Sample, misfit: Misfit, trial: Trial, outcomes: Mapping[Any, Outcome], file: str) -> Iterator[str]:
    told = [(way, complaint(trial, o.error, file)) for way, o in outcomes.items() if o.error is not None]
    yield from (f"{misfit.what} on {way}: {text}" for way, text in told if text)
    if len({type(o.error) for o in outcomes.values()}) > 1:
        yield f"{misfit.what}: {[(way, type(o.error).__name__) for way, o in outcomes.items()]}"
    elif not told:
        yield from (f"{misfit.what}: {text}" for text in _wrong_values(sample, misfit, outcomes))


def _wrong_values(sample: Sample, misfit: Misfit, outcomes: Mapping[Any, Outcome]) -> Iterator[str]:
    """Values that the reference does not give."""
    arrays = [np.asarray(a) for a in sample.inputs]
    arrays[misfit.position] = misfit.array
    try:
        with np.errstate(all="ignore"):
            wanted = sample.op.forward(np, *arrays)
    except Exception as error:
        yield f"a run gives values, the reference {type(error).__name__}: {error}"
        return
    for way, outcome in outcomes.items():
        for value, expected in zip(outcome.values or (), wanted, strict=False):
            if not sample.op.draws and not _same(value, np.asarray(expected)):
                yield f"{way} gives {value}, the reference {expected}"


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)
