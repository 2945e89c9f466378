"""Loads weight files with the names of Keras, torch or minigraph into the table's networks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import minigraph as tf
from minigraph.core.errors import InvalidArgumentError
from minigraph.formats.arrays import Array
from minigraph.formats.assign import WeightMismatch, mismatch
from minigraph.models.record import Layout, Model, Preprocessing, Stored
from minigraph.weights import assign_weights, load_weights

_COUNTERS = ".num_batches_tracked"  # torch's, of steps in training


def load_pretrained(session: Any, model: Model, path: Any, scope: str | None = None) -> Preprocessing:
    """Set a network's variables from a weight file of any format that `minigraph.weights` reads.

    The file's names may be those of the network's variables, with or without the scope, or those of a library for which
    the table has a layout.

    Args:
        session: The session that gets the values.
        model: The network's entry in the table.
        path: The file.
        scope: Scope of the network's variables; None for the common prefix of their names.

    Returns:
        The preprocessing that these weights expect.

    Raises:
        NotFoundError: There is no such file.
        DataLossError: The file is damaged, or of an unknown format.
        InvalidArgumentError: The file does not fit the network. The message has names and shapes side by side, and no
            variable is set.

    Example:
        >>> from minigraph import models, weights
        >>> from minigraph.models.pretrained import load_pretrained
        >>> _ = models.lenet5(tf.placeholder(tf.float32, [None, 32, 32, 1]))
        >>> with tf.Session() as session:
        ...     session.run(tf.global_variables_initializer())
        ...     arrays = {v.op.name: session.run(v) for v in tf.global_variables()}
        ...     weights.save_weights("lenet5.npz", arrays)
        ...     load_pretrained(session, models.get_model("lenet5"), "lenet5.npz").channels
        'L'
    """
    arrays = load_weights(path)
    with session.graph.as_default():
        variables = {v.op.name: v for v in tf.global_variables() if _is_weight(v)}
    if scope is None:
        tops = {name.partition("/")[0] for name in variables}
        scope = tops.pop() if len(tops) == 1 else ""
    prefix = f"{scope}/" if scope else ""
    inside = {name.removeprefix(prefix): v for name, v in variables.items() if name.startswith(prefix)}
    if not inside:
        raise InvalidArgumentError(f"the graph has no variables of a network in the scope '{scope}'")
    kind, stored = _best_layout(model, prefix, inside, arrays)
    rows, found = [], {}
    for name, variable in inside.items():
        place, shape = stored[name], variable.type.static
        array = arrays.get(place.name)
        value = None if array is None else _value(place, array, shape)
        if array is not None and value is not None:
            found[variable.op.name] = value
        else:
            rows.append(WeightMismatch((variable.op.name, shape), None if array is None else (place.name, array.shape)))
    own = {place.name for place in stored.values()}
    if not model.auxiliary:
        ours = bool(prefix) and any(name.startswith(prefix) for name in own & arrays.keys())
        left = [name for name in arrays if name not in own and not _is_training(name, own)]
        rows += [WeightMismatch(None, (n, arrays[n].shape)) for n in left if n.startswith(prefix) or not ours]
    if rows:
        raise mismatch(rows, os.fspath(path))
    assign_weights(session, found, {v.op.name: v for v in inside.values()}, where=os.fspath(path))
    return model.preprocessing_of.get(kind, model.preprocessing)


def _is_weight(variable: tf.Variable) -> bool:
    """Whether the variable belongs to a network, not to an optimizer or a step counter."""
    name = variable.op.name.rpartition("/")[2]
    return variable.trainable or name.startswith("moving_")


def _best_layout(
    model: Model, prefix: str, variables: Mapping[str, tf.Variable], arrays: Mapping[str, Array]
) -> tuple[str, dict[str, Stored]]:
    """The layout under which most variables are in the file, and the entry of each variable."""
    layouts: dict[str, Layout] = {
        "scoped": lambda name, shape: Stored(prefix + name),
        "plain": lambda name, shape: Stored(name),
        **model.layouts,
    }
    places = {k: {name: place(name, v.type.static) for name, v in variables.items()} for k, place in layouts.items()}
    best = max(places, key=lambda kind: sum(place.name in arrays for place in places[kind].values()))
    return best, places[best]


def _value(place: Stored, array: Array, shape: tuple[int, ...]) -> Array | None:
    """The variable's value, or None if the array's shape differs in more than the position of axes of length 1."""
    if place.shape is None:
        if place.axes is not None and len(place.axes) != array.ndim:
            return None
        lying = array.shape if place.axes is None else tuple(array.shape[a] for a in place.axes)
        if [n for n in lying if n != 1] != [n for n in shape if n != 1]:
            return None
    elif array.size != tf.TensorShape(place.shape).num_elements():
        return None
    return place.to_variable(array, shape)


def _is_training(name: str, own: set[str]) -> bool:
    """Whether an array is a counter, or belongs to an optimizer."""
    return name.endswith(_COUNTERS) or any(name.startswith(f"{known}/") for known in own)
