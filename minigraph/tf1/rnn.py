"""Recurrent networks: a cell run over sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.control.tracing import run_steps
from minigraph.core.graph import Tensor
from minigraph.util import nest


def _check_cell(what: str, cell: Any) -> None:
    if not (callable(cell) and hasattr(cell, "state_size") and hasattr(cell, "output_size")):
        raise TypeError(
            f"The argument '{what}' ({cell!r}) is not an RNNCell: 'state_size' or 'output_size' is missing."
        )


def _first_state(cell: Any, initial_state: Any, batch: Any, dtype: Any) -> Any:
    if initial_state is not None:
        return nest.pack(initial_state, [tf.convert_to_tensor(s) for s in nest.flatten(initial_state)])
    if dtype is None:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    return cell.zero_state(batch, dtype)


def _batch(inputs: Tensor, axis: int) -> Any:
    return inputs.shape.as_list()[axis] or tf.shape(inputs)[axis]


def _passed(done: Tensor, old: Sequence[Any], new: Sequence[Any]) -> list[Tensor]:
    """The old values in rows that are done, else the new ones."""
    return [tf.where(done, o, n) for o, n in zip(old, new, strict=True)]


def dynamic_rnn(
    cell: Any, inputs: Any, sequence_length: Any = None, initial_state: Any = None, dtype: Any = None,
    parallel_iterations: Any = None, swap_memory: bool = False, time_major: bool = False, scope: Any = None,
) -> tuple[Any, Any]:  # fmt: skip
    """The outputs of a cell [batch, time, …], or [time, batch, …] if `time_major`, and its last state.

    inputs: tensors with these axes first. sequence_length: [batch]; beyond it outputs are zeros, and states stay.
    """
    _check_cell("cell", cell)
    graph = tf.get_default_graph()
    with tf.variable_scope(scope or "rnn"):
        start = finish = graph.last_id
        given = [tf.convert_to_tensor(x) for x in nest.flatten(inputs)]
        steps = given if time_major else [_swapped(x) for x in given]
        state = _first_state(cell, initial_state, _batch(steps[0], 1), dtype)
        unknown_batch = steps[0].shape.as_list()[1] is None
        lengths = None if sequence_length is None else tf.cast(sequence_length, tf.int32, name="sequence_length")
        of_lengths = 0 if lengths is None else 18 + time_major + (lengths is not sequence_length)
        counts = _NodeCounts(len(nest.flatten(state)), unknown_batch, of_lengths, time_major)
        forms: list[Any] = []

        def step(states: list[Tensor], rows: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            nonlocal finish
            number = rows.pop() if lengths is not None else None
            graph.last_id = start + counts.before
            output, new = cell(nest.pack(inputs, rows), nest.pack(state, states))
            finish = graph.last_id + counts.after + len(cell.variables)
            forms.append(output)
            outputs, after = nest.flatten(output), nest.flatten(new)
            if number is None or lengths is None:
                return after, outputs
            done = tf.greater_equal(number, lengths)
            return _passed(done, states, after), _passed(done, [tf.zeros_like(y) for y in outputs], outputs)

        numbers = [] if lengths is None else [tf.range(tf.shape(steps[0])[0])]
        last, outputs = run_steps(step, nest.flatten(state), [*steps, *numbers])
        made = nest.pack(forms[0], outputs if time_major else [_swapped(y) for y in outputs]), nest.pack(state, last)
        graph.last_id = finish
        return made


class _NodeCounts(NamedTuple):
    """The numbers of nodes that TensorFlow makes in `dynamic_rnn` around the cell; random seeds depend on them."""

    states: int
    unknown_batch: bool
    of_lengths: int
    time_major: bool

    @property
    def before(self) -> int:
        more = (11 + 2 * self.states) * self.unknown_batch
        return 58 + 12 * self.states + self.of_lengths - 8 * self.time_major + more

    @property
    def after(self) -> int:
        """Without the nodes of the cell's variables, one for each."""
        more = (2 + self.states) * bool(self.of_lengths)
        return 25 + 2 * self.states + more - 9 * self.time_major - self.unknown_batch


def _swapped(x: Tensor) -> Tensor:
    """The tensor with its first two axes swapped."""
    rank = x.shape.ndims
    if rank is None:
        raise ValueError(f"the rank of {x!r} must be known")
    return tf.transpose(x, [1, 0, *range(2, rank)])


def bidirectional_dynamic_rnn(
    cell_fw: Any, cell_bw: Any, inputs: Any, sequence_length: Any = None, initial_state_fw: Any = None,
    initial_state_bw: Any = None, dtype: Any = None, parallel_iterations: Any = None, swap_memory: bool = False,
    time_major: bool = False, scope: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:  # fmt: skip
    """The outputs and last states of two cells; the second reads the sequences from their ends."""
    _check_cell("cell_fw", cell_fw)
    _check_cell("cell_bw", cell_bw)
    options = {"dtype": dtype, "time_major": time_major}

    def turned(values: Any) -> Any:
        return nest.pack(values, [_reversed(x, sequence_length, time_major) for x in nest.flatten(values)])

    with tf.variable_scope(scope or "bidirectional_rnn"):
        with tf.variable_scope("fw") as fw:
            first, state_fw = dynamic_rnn(cell_fw, inputs, sequence_length, initial_state_fw, scope=fw, **options)
        with tf.variable_scope("bw") as bw:
            second, state_bw = dynamic_rnn(
                cell_bw, turned(inputs), sequence_length, initial_state_bw, scope=bw, **options
            )
    return (first, turned(second)), (state_fw, state_bw)


def _reversed(x: Any, lengths: Any, time_major: bool) -> Tensor:
    axis = 0 if time_major else 1
    if lengths is None:
        return tf.reverse(x, [axis])
    return tf.reverse_sequence(x, lengths, seq_axis=axis, batch_axis=1 - axis)


def static_rnn(
    cell: Any, inputs: Sequence[Any], initial_state: Any = None, dtype: Any = None, sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:  # fmt: skip
    """The outputs of a cell for a list of inputs [batch, …], one for each step, and its last state."""
    _check_cell("cell", cell)
    if not isinstance(inputs, list | tuple):
        raise TypeError("inputs must be a sequence")
    if not inputs:
        raise ValueError("inputs must not be empty")
    outputs = []
    with tf.variable_scope(scope or "rnn") as opened:
        first = tf.convert_to_tensor(nest.flatten(inputs[0])[0])
        state = _first_state(cell, initial_state, _batch(first, 0), dtype)
        for number, each in enumerate(inputs):
            if number:
                opened.reuse_variables()
            output, new = cell(each, state)
            if sequence_length is not None:
                done = tf.cast(sequence_length, tf.int32) <= number
                values = nest.flatten(output)
                output = nest.pack(output, _passed(done, [tf.zeros_like(y) for y in values], values))
                new = nest.pack(state, _passed(done, nest.flatten(state), nest.flatten(new)))
            outputs.append(output)
            state = new
    return outputs, state


def static_bidirectional_rnn(
    cell_fw: Any, cell_bw: Any, inputs: Sequence[Any], initial_state_fw: Any = None, initial_state_bw: Any = None,
    dtype: Any = None, sequence_length: Any = None, scope: Any = None,
) -> tuple[list[Any], Any, Any]:  # fmt: skip
    """The concatenated outputs of two cells for a list of inputs, and the last state of each."""
    _check_cell("cell_fw", cell_fw)
    _check_cell("cell_bw", cell_bw)

    def turned(values: Sequence[Any]) -> list[Any]:
        if sequence_length is None:
            return list(values)[::-1]
        return tf.unstack(_reversed(tf.stack(values), sequence_length, True))

    with tf.variable_scope(scope or "bidirectional_rnn"):
        with tf.variable_scope("fw") as fw:
            first, state_fw = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, fw)
        with tf.variable_scope("bw") as bw:
            second, state_bw = static_rnn(cell_bw, turned(inputs), initial_state_bw, dtype, sequence_length, bw)
    outputs = [tf.concat([a, b], 1) for a, b in zip(first, turned(second), strict=True)]
    return outputs, state_fw, state_bw
