"""Recurrent networks: see ``cases.py`` for the rules of these files.

Tests `tf1/rnn.py` and `tf1/rnn_cells.py`.
"""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from cases import CASES, Case, Results
from cases_ops import f32, normal

_X, _LENGTHS = normal(3, 5, 2), np.array([5, 2, 3], np.int32)


def _flat(tf: Any, value: Any) -> Any:
    return tf.contrib.framework.nest.flatten(value)


def _add(name: str, build: Callable[..., Any], feed_batch: bool = True) -> None:
    """Outputs, last states, gradients, and the variables with values set by hand."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, [None if feed_batch else 3, 5, 2])
            outputs, state = build(tf, x)
            tensors = _flat(tf, outputs) + _flat(tf, state)
            variables = tf.trainable_variables()
            loss = tf.add_n([tf.reduce_sum(t * t) for t in tensors])
            slopes = tf.gradients(loss, [x] + variables)
            session.run(tf.global_variables_initializer())
            for k, v in enumerate(variables):
                if "kernel" in v.name or "diag" in v.name:
                    size = int(np.prod(v.get_shape().as_list()))
                    v.load(np.cos(np.arange(size) * (k + 1.0)).reshape(v.get_shape().as_list()) * 0.4, session)
            values = session.run(tensors + slopes, {x: _X})
            results = {"y%d" % i: v for i, v in enumerate(values)}  # type: Any
            results["biases"] = [session.run(v).tolist() for v in variables if "bias" in v.name]
            results["variables"] = [[v.name, v.get_shape().as_list()] for v in variables]
            results["shapes"] = [t.get_shape().as_list() for t in tensors]
            return results

    CASES["rnn_" + name] = Case(run, 2e-5, 2e-6)


def _dynamic(make: Callable[[Any], Any], **options: Any) -> Callable[..., Any]:
    return lambda tf, x: tf.nn.dynamic_rnn(make(tf), x, dtype=tf.float32, **options)


_add("basic", _dynamic(lambda tf: tf.nn.rnn_cell.BasicRNNCell(4)))
_add("basic_lstm", _dynamic(lambda tf: tf.nn.rnn_cell.BasicLSTMCell(4)))
_add("basic_lstm_lengths", _dynamic(lambda tf: tf.contrib.rnn.BasicLSTMCell(4, forget_bias=0.5),
     sequence_length=_LENGTHS))  # fmt: skip
_add("joined_lstm", _dynamic(lambda tf: tf.contrib.rnn.BasicLSTMCell(4, state_is_tuple=False)))
_add("lstm", _dynamic(lambda tf: tf.nn.rnn_cell.LSTMCell(4), sequence_length=_LENGTHS, scope="mine"))
_add("lstm_peepholes", _dynamic(lambda tf: tf.nn.rnn_cell.LSTMCell(
    4, use_peepholes=True, num_proj=3, cell_clip=0.5, proj_clip=0.4, activation=tf.nn.relu)))  # fmt: skip
_add("gru", _dynamic(lambda tf: tf.nn.rnn_cell.GRUCell(4), sequence_length=_LENGTHS))
_add("stacked", _dynamic(lambda tf: tf.nn.rnn_cell.MultiRNNCell(
    [tf.nn.rnn_cell.BasicLSTMCell(n) for n in (4, 3)] + [tf.nn.rnn_cell.GRUCell(2)])))  # fmt: skip
_add("wrapped", _dynamic(lambda tf: tf.contrib.rnn.ResidualWrapper(tf.contrib.rnn.DropoutWrapper(
    tf.contrib.rnn.BasicRNNCell(2), output_keep_prob=1.0))))  # fmt: skip
_add("time_major", lambda tf, x: tf.nn.dynamic_rnn(
    tf.nn.rnn_cell.BasicRNNCell(4), tf.transpose(x, [1, 0, 2]), dtype=tf.float32, time_major=True))  # fmt: skip
_add("initial", lambda tf, x: tf.nn.dynamic_rnn(
    tf.nn.rnn_cell.BasicRNNCell(2), x, initial_state=tf.reduce_sum(x, 1)))  # fmt: skip
_add("zero_state", lambda tf, x: _zero_state(tf, x), feed_batch=False)
_add("two_ways", lambda tf, x: tf.nn.bidirectional_dynamic_rnn(
    tf.nn.rnn_cell.LSTMCell(3), tf.nn.rnn_cell.GRUCell(2), x, dtype=tf.float32))  # fmt: skip
_add("two_ways_lengths", lambda tf, x: tf.nn.bidirectional_dynamic_rnn(
    tf.nn.rnn_cell.LSTMCell(3), tf.nn.rnn_cell.LSTMCell(3), x, dtype=tf.float32, sequence_length=_LENGTHS))  # fmt: skip
_add("static", lambda tf, x: tf.nn.static_rnn(
    tf.contrib.rnn.BasicLSTMCell(3), tf.unstack(x, 5, 1), dtype=tf.float32))  # fmt: skip
_add("static_lengths", lambda tf, x: tf.contrib.rnn.static_rnn(
    tf.contrib.rnn.GRUCell(3), tf.unstack(x, 5, 1), dtype=tf.float32, sequence_length=_LENGTHS))  # fmt: skip
_add("static_two_ways", lambda tf, x: (lambda r: (r[0], (r[1], r[2])))(tf.contrib.rnn.static_bidirectional_rnn(
    tf.contrib.rnn.BasicLSTMCell(3), tf.contrib.rnn.BasicLSTMCell(3), tf.unstack(x, 5, 1), dtype=tf.float32)))  # fmt: skip
_add("two_networks", lambda tf, x: _two(tf, x))
_add("own_cell", lambda tf, x: tf.nn.dynamic_rnn(_own_cell(tf), x, dtype=tf.float32))


def _zero_state(tf: Any, x: Any) -> Any:
    cell = tf.contrib.rnn.MultiRNNCell([tf.contrib.rnn.LSTMCell(3), tf.contrib.rnn.LSTMCell(2)])
    state = cell.zero_state(3, tf.float32)
    outputs = []
    with tf.variable_scope("RNN"):
        for step in range(3):
            if step > 0:
                tf.get_variable_scope().reuse_variables()
            output, state = cell(x[:, step], state)
            outputs.append(output)
    return outputs, state


def _two(tf: Any, x: Any) -> Any:
    """Two cells of one class in one scope, and one cell used twice."""
    with tf.variable_scope("net"):
        shared = tf.nn.rnn_cell.BasicRNNCell(2)
        first, _ = shared(x[:, 0], shared.zero_state(tf.shape(x)[0], tf.float32))
        second, _ = shared(x[:, 1], first)
        other, state = tf.nn.rnn_cell.BasicRNNCell(3, name="other")(second, tf.zeros([tf.shape(x)[0], 3]))
        last, _ = tf.nn.rnn_cell.BasicRNNCell(3)(other, state)
    return [first, second, other, last], state


def _own_cell(tf: Any) -> Any:
    class CountingCell(tf.nn.rnn_cell.RNNCell):  # type: ignore[misc]
        @property
        def state_size(self) -> Any:
            return 3

        @property
        def output_size(self) -> Any:
            return 2

        def call(self, inputs: Any, state: Any) -> Any:
            w = tf.get_variable("kernel", [2, 3])
            new = tf.sigmoid(tf.matmul(inputs, w) + state)
            return new[:, :2] * 2.0, new

    return CountingCell()


def _seeds(tf: Any) -> Results:
    """The variables' first values: how many ops are counted before them."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(5)
        x = tf.placeholder(tf.float32, [None, 5, 2])
        tf.nn.dynamic_rnn(tf.nn.rnn_cell.BasicLSTMCell(2), x, dtype=tf.float32)
        session.run(tf.global_variables_initializer())
        return {"kernel": session.run(tf.global_variables()[0])}


def _dropped(tf: Any) -> Results:
    """Dropout in a loop: the share of zeros, and one mask for the output and its gradient."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(f32(np.ones((8, 30, 10))))
        cell = tf.nn.rnn_cell.DropoutWrapper(tf.nn.rnn_cell.BasicRNNCell(20), output_keep_prob=0.5, seed=3)
        y, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
        slope = tf.gradients(y, y)
        session.run(tf.global_variables_initializer())
        value, _ = session.run([y, slope])
        return {"share": round(float(np.mean(value == 0)), 1), "steps differ": bool((value[:, 0] != value[:, 1]).any())}


CASES["rnn_seeds"] = Case(_seeds, 5e-7, 1e-7)
CASES["rnn_dropout"] = Case(_dropped, 0.0, 0.0)
