"""Record frozen graphs with loops, what to feed, and results of TensorFlow 1.15.5: writes tf_loops.zip.

Needs what record.py needs. Then, in this folder:

    python record_loops.py
"""

from __future__ import annotations

import io
import os
import zipfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import function
from tensorflow.python.ops import control_flow_util

NUMBERS = np.random.RandomState(0)


def gradient(build, *of):
    """The gradients of the sum of what a function builds, with respect to tensors."""

    def with_gradient():
        y, feed = build()
        graph = tf.get_default_graph()
        xs = [graph.get_tensor_by_name(n) for n in of] or tf.trainable_variables()
        found = tf.gradients(tf.reduce_sum(y * y), xs)
        return tf.concat([tf.reshape(g, [-1]) for g in found], 0), feed

    return with_gradient


def with_functions(build):
    """The same with functional conditions and loops, which stay in the file."""

    def built():
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = True
        try:
            return build()
        finally:
            control_flow_util.ENABLE_CONTROL_FLOW_V2 = False

    return built


def powers():
    x = tf.placeholder(tf.float32, [], name="x")
    _, y = tf.while_loop(lambda i, y: i < 5, lambda i, y: (i + 1, y * x + 1.0), [tf.constant(0), tf.constant(1.0)])
    return y, {"x:0": np.float32(1.5)}


def nested():
    x = tf.placeholder(tf.float32, [2], name="x")

    def body(i, y):
        more = [tf.constant(0), y]
        return i + 1, tf.while_loop(lambda j, z: j < i + 1, lambda j, z: (j + 1, z + x * tf.cast(i, tf.float32)), more)[
            1
        ]

    y = tf.while_loop(lambda i, y: i < 4, body, [tf.constant(0), tf.zeros([2])])[1]
    return y, {"x:0": np.array([1.5, -2.0], np.float32)}


def loop_in_test():
    """The condition of the outer loop is itself computed by a loop, one of which lies in another."""
    x = tf.placeholder(tf.float32, [], name="x")

    def doubled(n):
        def once(k, total):
            inner = tf.while_loop(lambda m, s: m < 2, lambda m, s: (m + 1, s + x), [tf.constant(0), tf.constant(0.0)])
            return k + 1, total + inner[1]

        return tf.while_loop(lambda k, total: k < n, once, [tf.constant(0), tf.constant(0.0)])[1]

    y = tf.while_loop(lambda i, y: doubled(i) < 14.0, lambda i, y: (i + 1, y * 1.5 + x), [tf.constant(0), x])[1]
    return y, {"x:0": np.float32(1.75)}


def growing():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    shapes = [tf.TensorShape([]), tf.TensorShape([None, 2])]
    y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.concat([y, x], 0)), [tf.constant(0), x], shapes)[1]
    return y, {"x:0": NUMBERS.rand(2, 2).astype(np.float32)}


def conditions():
    x = tf.placeholder(tf.float32, [], name="x")

    def body(i, y):
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: y * x, lambda: y + x)

    y = tf.while_loop(lambda i, y: (i < 5) & (y < 50.0), body, [tf.constant(0), tf.constant(1.0)])[1]
    return y, {"x:0": np.float32(1.5)}


def mapped():
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    return tf.map_fn(lambda v: tf.cumsum(v) * 2.0, x), {"x:0": NUMBERS.rand(4, 3).astype(np.float32)}


def scanned():
    x = tf.placeholder(tf.float32, [None], name="x")
    return tf.scan(lambda a, v: a * 0.5 + v, x), {"x:0": NUMBERS.rand(6).astype(np.float32)}


def recurrent(cell, lengths=False):
    def build():
        x = tf.placeholder(tf.float32, [None, 5, 3], name="x")
        feed = {"x:0": NUMBERS.rand(2, 5, 3).astype(np.float32)}
        length = None
        if lengths:
            length = tf.placeholder(tf.int32, [None], name="length")
            feed["length:0"] = np.array([3, 5], np.int32)
        return tf.nn.dynamic_rnn(cell(), x, length, dtype=tf.float32)[0], feed

    return build


def both_directions():
    x = tf.placeholder(tf.float32, [None, 5, 3], name="x")
    length = tf.placeholder(tf.int32, [None], name="length")
    forward, backward = (tf.nn.rnn_cell.GRUCell(4) for _ in range(2))
    outputs, _ = tf.nn.bidirectional_dynamic_rnn(forward, backward, x, length, dtype=tf.float32)
    feed = {"x:0": NUMBERS.rand(3, 5, 3).astype(np.float32), "length:0": np.array([3, 5, 1], np.int32)}
    return tf.concat(outputs, 2), feed


def called():
    """Functions of two kinds that call each other, with several results."""

    @tf.function
    def halves(v):
        return tf.split(v, 2)

    @function.Defun(tf.float32, tf.float32)
    def crossed(a, b):
        first, second = halves(a * 2.0 + b)
        return tf.nn.top_k(first * second, 2)[0], second - b[0]

    x = tf.placeholder(tf.float32, [6], name="x")
    a, b = crossed(x, x + 1.0)
    return tf.concat([a, b, halves(x)[1]], 0), {"x:0": NUMBERS.rand(6).astype(np.float32)}


def nested_conditions():
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.cond(x > 1.0, lambda: tf.cond(x > 2.0, lambda: tf.constant(7.0), lambda: x * 2.0), lambda: -x)
    return y + tf.case([(x < 0.5, lambda: x)], lambda: x * x), {"x:0": np.float32(1.5)}


def choices():
    """Choices among functions, with numbers outside the range, one within another, and one without tensors."""
    x, which = tf.placeholder(tf.float32, [2], name="x"), tf.placeholder(tf.int32, [7], name="which")

    def inner(k):
        return tf.switch_case(k, [lambda: x * 2.0, lambda: tf.exp(x)])

    functions = [lambda: tf.sin(x), lambda: inner(which[0] + 1), lambda: x * x, lambda: tf.constant([5.0, 6.0]),
                 lambda: -x]  # fmt: skip
    found = [tf.switch_case(which[i], functions) for i in range(7)]
    lone = [tf.switch_case(which[0], [lambda: x + 1.0]), tf.switch_case(which[2], [lambda: [x, x], lambda: [-x, x]])[0]]
    feed = {"x:0": np.array([0.5, 2.0], np.float32), "which:0": np.array([-1, 0, 1, 2, 3, 4, 9], np.int32)}
    return tf.stack(found + lone), feed


def main():
    cells = tf.nn.rnn_cell
    graphs = {
        "both_directions": both_directions, "loop_in_test": loop_in_test,
        "conditions": conditions, "growing": growing, "mapped": mapped, "nested": nested, "powers": powers,
        "scanned": scanned, "lstm": recurrent(lambda: cells.BasicLSTMCell(4)),
        "gru": recurrent(lambda: cells.GRUCell(4), lengths=True), "rnn": recurrent(lambda: cells.BasicRNNCell(4)),
        "layers": recurrent(lambda: cells.MultiRNNCell([cells.LSTMCell(4) for _ in range(2)]), lengths=True),
        "called": called,
    }  # fmt: skip
    graphs["nested_conditions"], graphs["choices"] = nested_conditions, choices
    of_x = ("conditions", "mapped", "nested", "powers", "scanned")
    graphs.update(
        {f"{n}_gradient": gradient(graphs[n], *(["x:0"] if n in of_x else [])) for n in (*of_x, "gru", "lstm")}
    )
    functional = ("conditions", "nested_conditions", "growing", "nested", "powers",
                  "choices", "conditions_gradient", "mapped_gradient", "gru_gradient")  # fmt: skip
    graphs.update({f"{n}_functional": with_functions(graphs[n]) for n in functional})
    with zipfile.ZipFile("tf_loops.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, build in sorted(graphs.items()):
            with tf.Graph().as_default() as graph, tf.Session() as session:
                tf.set_random_seed(1)
                y, feed = build()
                tf.identity(y, name="y")
                session.run(tf.global_variables_initializer())
                result = session.run("y:0", feed)
                frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y"])
            arrays = io.BytesIO()
            np.savez(arrays, y=result, **feed)
            archive.writestr(name + ".pb", frozen.SerializeToString())
            archive.writestr(name + ".npz", arrays.getvalue())
            print(name)


if __name__ == "__main__":
    main()
