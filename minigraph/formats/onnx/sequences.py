"""Importers of sequences and optional values. Their lengths are known at import, so they leave no node in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.values import NoValue, OnnxSequence, OnnxValue


def _parts(call: OnnxNode) -> list[OnnxValue]:
    """The elements of the first input."""
    found = call.value()
    if not isinstance(found, OnnxSequence):
        call.unsupported(f"'{found.name}' is not a sequence")
    return list(found.parts)


def _insert(call: OnnxNode) -> Result:
    parts = _parts(call)
    place = call.integer(2, len(parts))
    if not -len(parts) <= place <= len(parts):
        call.unsupported(f"position {place} is outside of a sequence of {len(parts)}")
    return OnnxSequence(call.name, [*parts[:place], call.value(1), *parts[place:]])


def _erase(call: OnnxNode) -> Result:
    parts = _parts(call)
    parts.pop(call.integer(1, -1))
    return OnnxSequence(call.name, parts)


def _split(call: OnnxNode) -> Result:
    """Parts of one length, where the last may be shorter, or of given lengths."""
    axis = call.attr("axis", 0) % call.rank()
    keeps, given = call.attr("keepdims", 1), call.array(1, None)
    if given is not None and given.ndim:
        sizes = [int(n) for n in given]
    else:
        length, size = call.static_axes([axis])[axis], 1 if given is None else int(given)
        call.check_count(-(-length // size) if size > 0 else 0)
        sizes = [min(size, length - start) for start in range(0, length, size)]
    parts = tf.split(call.x(), sizes, axis)
    if given is None and not keeps:
        parts = [tf.squeeze(p, [axis]) for p in parts]
    return OnnxSequence(call.name, [OnnxValue(call.name, forms={None: p}) for p in parts])


def _concat(call: OnnxNode) -> Result:
    tensors, axis = [p.form() for p in _parts(call)], call.attr("axis")
    return tf.stack(tensors, axis) if call.attr("new_axis", 0) else tf.concat(tensors, axis)


def _map(call: OnnxNode) -> Result:
    """The results of the body for each element. An input that is a tensor is the same for all elements."""
    assert call.enter is not None
    body, count = call.attr("body"), len(_parts(call))
    columns: list[Any] = [v.parts if isinstance(v, OnnxSequence) else [v] * count for v in call.inputs]
    rows = [call.enter(body, row) for row in zip(*columns, strict=True)]
    return [OnnxSequence(name, [row[k] for row in rows]) for k, name in enumerate(call.outputs)]


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {
    "ConcatFromSequence": _concat,
    "Optional": lambda call: call.value() if call.has(0) else NoValue(call.name),
    "OptionalGetElement": OnnxNode.value,
    "OptionalHasElement": lambda call: np.array(call.has(0) and not isinstance(call.value(), NoValue)),
    "SequenceAt": lambda call: _parts(call)[call.integer(1)],
    "SequenceConstruct": lambda call: OnnxSequence(call.name, [call.value(i) for i in range(len(call.inputs))]),
    "SequenceEmpty": lambda call: OnnxSequence(call.name, []),
    "SequenceErase": _erase,
    "SequenceInsert": _insert,
    "SequenceLength": lambda call: np.array(len(_parts(call)), np.int64),
    "SequenceMap": _map,
    "SplitToSequence": _split,
}
