"""Names, static shapes, sessions, scopes and errors: see ``cases.py`` for the rules of these files."""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

import collections
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from cases import CASES, Case, Results, case


def names_of(tensors: Any) -> List[str]:
    return [t.name for t in tensors]


def shape_of(tensor: Any) -> Any:
    shape = tensor.get_shape()
    return None if shape.ndims is None else shape.as_list()


@case()
def names_of_ops(tf: Any) -> Results:
    """The name of what each call returns; numbering ignores case, and helper constants count under their own names."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 4])
        image = tf.placeholder(tf.float32, [None, 4, 4, 1])
        kernel = tf.constant(np.ones((3, 3, 1, 2), np.float32))
        weight = tf.Variable(tf.random_normal([4, 3]))
        bias = tf.Variable(tf.zeros([3]), name="b")
        conv = tf.nn.conv2d(image, kernel, strides=[1, 1, 1, 1], padding="SAME")
        logits = tf.matmul(x, weight) + bias
        labels = tf.placeholder(tf.float32, [None, 3], name="labels")
        xent = tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)
        loss = tf.reduce_mean(xent)
        made = [
            x, image, kernel, weight, bias, conv, logits, labels, loss,
            tf.placeholder(tf.int32), tf.placeholder_with_default(1.0, []), tf.placeholder(tf.float32, name="x"),
            x + 1, x + x, tf.add(x, x), tf.add(x, x, name="add"), x - 1.0, 1 - x, x * 2, x / 2, x**2, -x, abs(x),
            x > 0, x // 2, x % 2, x[0], x[:, 1], bias[1], tf.constant(1), tf.constant(2, name="two"),
            tf.constant(3, name="two"), tf.nn.relu(conv), tf.nn.relu(conv), tf.nn.relu(x, name="Relu"),
            tf.nn.bias_add(conv, tf.ones([2])), tf.nn.max_pool(conv, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"),
            tf.nn.avg_pool(conv, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), tf.nn.sigmoid(x), tf.nn.tanh(x),
            tf.nn.softmax(logits), tf.nn.log_softmax(logits), tf.reshape(x, [-1]), tf.reshape(x, [2, -1]),
            tf.reduce_sum(x), tf.reduce_sum(x, 1), tf.reduce_max(x), tf.reduce_mean(x, [0]), tf.argmax(x, 1),
            tf.equal(x, x), tf.cast(x, tf.int32), tf.cast(x, tf.float32), tf.one_hot([1], 3), tf.concat([x, x], 0),
            tf.stack([x, x]), tf.squeeze(image, [3]), tf.expand_dims(x, 0), tf.transpose(x), tf.tile(x, [1, 2]),
            tf.pad(x, [[0, 1], [0, 0]]), tf.gather(weight, [0]), tf.nn.l2_loss(x), tf.identity(x), tf.zeros([2]),
            tf.ones([2]), tf.zeros_like(x), tf.ones_like(x), tf.fill([2], 1.0), tf.shape(x), tf.exp(x), tf.log(x),
            tf.sqrt(x), tf.square(x), tf.maximum(x, 0.0), tf.clip_by_value(x, 0.0, 1.0), tf.stop_gradient(x),
            tf.random_normal([2]), tf.random_uniform([2]), tf.truncated_normal([2]), tf.nn.dropout(x, 0.5),
            tf.nn.dropout(x, 0.5, name="drop"), tf.where(x > 0, x, x), tf.matmul(x, weight, name="scores"),
            tf.Variable(1.0), tf.Variable(1.0, name="Variable"), tf.Variable(1, trainable=False, name="count"),
            weight.read_value(), tf.assign(bias, [1.0, 2.0, 3.0]),
        ]  # fmt: skip
        made += tf.split(x, 2, 1) + tf.unstack(weight) + list(tf.nn.moments(x, [0]))
        made += [tf.train.GradientDescentOptimizer(0.1).minimize(loss), tf.global_variables_initializer()]
        made += [tf.global_variables_initializer(), tf.group(x.op), tf.no_op()]
        return {"names": names_of(made)}


@case()
def names_in_scopes(tf: Any) -> Results:
    """A reopened name scope gets a number, unless it ends in a slash; variable scopes do not, for get_variable."""
    seen = []

    def note(*things: Any) -> None:
        seen.extend(t if isinstance(t, str) else t.name for t in things)

    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 3], name="x")
        with tf.name_scope("a") as first:
            note(first, x + 1, tf.constant(1.0), tf.Variable(1.0), tf.get_variable("g", []))
            with tf.name_scope("inner"):
                note(x + 1, tf.Variable(1.0, name="v"))
        with tf.name_scope("a") as second:
            note(second, x + 1, x + 2, tf.Variable(1.0))
        with tf.name_scope(first):
            note(x + 3, tf.Variable(1.0))
        with tf.name_scope("A"):
            note(x + 1)
        with tf.name_scope(None):
            note(x + 1)
        with tf.variable_scope("v") as scope:
            note(scope.name, x + 1, tf.get_variable("w", [2]), tf.Variable(1.0, name="w"))
        with tf.variable_scope("v", reuse=True):
            note(x + 1, tf.get_variable("w", [2]), tf.Variable(1.0, name="w"))
        with tf.variable_scope(scope, reuse=True):
            note(x + 1, tf.get_variable("w", [2]))
        with tf.variable_scope("v"), tf.variable_scope("u"):
            note(x + 1, tf.get_variable("w", [2]), tf.get_variable_scope().name)
        with tf.variable_scope(None, default_name="d"):
            note(tf.get_variable("w", [2]))
        with tf.variable_scope(None, default_name="d"):
            note(tf.get_variable("w", [2]))
        with tf.name_scope("n"), tf.variable_scope("s"):
            note(x + 1, tf.get_variable("w", [2]))
        with tf.variable_scope("auto", reuse=tf.AUTO_REUSE):
            one, two = tf.get_variable("w", [2]), tf.get_variable("w", [2])
        note(graph.unique_name("x"), graph.unique_name("fresh"), graph.unique_name("fresh"))
        return {
            "names": seen,
            "same_variable": one is two,
            "variables": [v.name for v in tf.global_variables()],
            "in_scope": [v.name for v in tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope="v/")],
            "trainable": len(tf.trainable_variables()),
        }


@case()
def types_of_ops(tf: Any) -> Results:
    """op.type, inputs and lookup by name."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2, 4, 4, 1], name="x")
        w = tf.constant(np.ones((3, 3, 1, 2), np.float32), name="w")
        conv = tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME", name="conv")
        flat = tf.reshape(conv, [2, -1])
        made = [
            x, conv, flat, tf.nn.relu(conv), tf.nn.max_pool(conv, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), x + x,
            tf.add(x, x), x - x, x * x, x / x, -x, tf.matmul(flat, flat, transpose_b=True), tf.nn.softmax(flat),
            tf.reduce_mean(x), tf.reduce_sum(x), tf.argmax(flat, 1), tf.equal(x, x), tf.cast(x, tf.int32),
            tf.one_hot([1], 2), tf.transpose(flat), tf.concat([x, x], 0), tf.nn.bias_add(conv, [1.0, 2.0]),
            tf.identity(x), tf.placeholder_with_default(1.0, []), w,
        ]  # fmt: skip
        return {
            "types": [t.op.type for t in made],
            "inputs": names_of(conv.op.inputs),
            "outputs": names_of(conv.op.outputs),
            "by_name": [graph.get_tensor_by_name("conv:0") is conv, graph.get_operation_by_name("conv") is conv.op],
            "element": [graph.as_graph_element("x:0").name, graph.as_graph_element("x").name],
            "consumers": sorted(op.name for op in conv.consumers()),
        }


@case()
def strings(tf: Any) -> Results:
    """str and repr of tensors, variables, shapes and types."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        anything = tf.placeholder(tf.int64)
        scalar = tf.constant(1.0)
        v = tf.Variable([1.0, 2.0])
        d = x.get_shape()
        values = [x, anything, scalar, v, d, anything.get_shape(), scalar.get_shape(), v.get_shape(), d[0], d[1]]
        return {
            "str": [str(value) for value in [*values, x.dtype, tf.float32, tf.int32, tf.bool]],
            "repr": [repr(value) for value in values[:5]],
            "dtype_names": [t.dtype.name for t in (x, anything, tf.equal(x, x), x.get_shape().as_list() and scalar)],
            "base_dtype": v.dtype.base_dtype.name,
            "equal_types": [x.dtype == tf.float32, x.dtype == np.float32, tf.as_dtype("int64") == anything.dtype],
        }


@case()
def static_shapes(tf: Any) -> Results:
    """Unknown dimensions through inference."""
    with tf.Graph().as_default():
        image = tf.placeholder(tf.float32, [None, 28, 27, 3])
        free = tf.placeholder(tf.float32, [None, None, None, 3])
        x = tf.placeholder(tf.float32, [None, 12])
        anything = tf.placeholder(tf.float32)
        w = tf.constant(np.ones((5, 4, 3, 8), np.float32))
        weight = tf.Variable(tf.zeros([12, 7]))

        def conv(value: Any, stride: int, padding: str) -> Any:
            return tf.nn.conv2d(value, w, strides=[1, stride, stride, 1], padding=padding)

        def pool(value: Any, size: int, stride: int, padding: str) -> Any:
            return tf.nn.max_pool(value, [1, size, size, 1], [1, stride, stride, 1], padding)

        made = [
            conv(image, 1, "SAME"), conv(image, 2, "SAME"), conv(image, 1, "VALID"), conv(image, 3, "VALID"),
            conv(free, 2, "SAME"), conv(anything, 1, "SAME"), pool(image, 2, 2, "SAME"), pool(image, 3, 2, "VALID"),
            pool(free, 2, 2, "SAME"), tf.reshape(image, [-1, 28 * 27 * 3]), tf.reshape(x, [-1, 2, 6]),
            tf.reshape(tf.zeros([4, 6]), [3, -1]), tf.reshape(x, [3, -1]), tf.reshape(x, tf.shape(image)),
            tf.reshape(x, [tf.shape(x)[0], 3, 4]), tf.matmul(x, weight), tf.matmul(x, x, transpose_a=True),
            tf.matmul(anything, weight), x + tf.zeros([12]), x + tf.zeros([1, 12]), x + tf.zeros([5, 1]),
            x + tf.zeros([]), x + anything, tf.concat([x, x], 1), tf.concat([x, tf.zeros([3, 12])], 0),
            tf.concat([tf.zeros([2, 1]), tf.placeholder(tf.float32, [None, 3])], 1), tf.reduce_sum(x),
            tf.reduce_sum(x, 0), tf.reduce_mean(x, 1), tf.reduce_max(x, [1], keepdims=True),
            tf.reduce_sum(image, [1, 2]), tf.reduce_sum(anything), tf.argmax(x, 1), tf.argmax(x), x[0], x[1:], x[:, 3:],
            x[:, None], x[..., 0], tf.transpose(x), tf.transpose(image, [0, 3, 1, 2]), tf.expand_dims(x, 1),
            tf.squeeze(tf.placeholder(tf.float32, [None, 1, 1, 5]), [1, 2]), tf.stack([x, x]), tf.split(x, 3, 1)[0],
            tf.one_hot(tf.placeholder(tf.int32, [None]), 10), tf.pad(x, [[0, 0], [1, 2]]), tf.tile(x, [2, 3]),
            tf.gather(weight, tf.placeholder(tf.int32, [None, 2])), tf.nn.softmax(x), tf.nn.dropout(x, 0.5),
            tf.nn.moments(image, [0, 1, 2])[0], tf.cast(x, tf.int32), tf.shape(x), tf.shape(anything),
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.placeholder(tf.int64, [None]), logits=x),
            tf.nn.softmax_cross_entropy_with_logits_v2(labels=x, logits=x), tf.nn.bias_add(image, tf.zeros([3])),
            tf.gradients(tf.reduce_sum(x * x), [x])[0], tf.zeros(tf.shape(x)), tf.random_normal([2, 3]),
            tf.placeholder_with_default(np.zeros((2, 3), np.float32), [None, 3]), tf.layers.flatten(image),
        ]  # fmt: skip
        shape = image.get_shape()
        merged = tf.placeholder(tf.float32, [None, None])
        merged.set_shape([5, None])
        return {
            "shapes": [shape_of(t) for t in made],
            "shape": [shape.ndims, shape[1].value, shape[0].value, shape.is_fully_defined(), int(shape[2])],
            "num_elements": [shape.num_elements(), shape[1:].num_elements(), shape[1:].as_list()],
            "set_shape": merged.get_shape().as_list(),
            "compatible": [shape.is_compatible_with([3, 28, None, 3]), shape.is_compatible_with([3, 28])],
            "dtypes": [tf.argmax(x, 1).dtype.name, tf.shape(x).dtype.name, tf.constant(1).dtype.name,
                       tf.constant(1.0).dtype.name, tf.constant(np.zeros(2)).dtype.name, tf.constant(True).dtype.name,
                       (tf.constant(3) / 2).dtype.name, tf.range(3).dtype.name],
        }  # fmt: skip


Pair = collections.namedtuple("Pair", "left right")


@case()
def sessions(tf: Any) -> Results:
    """Fetch structures, feeds of any tensor, casts of fed values, assignments."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        v = tf.Variable([1.0, 2.0])
        y = x * 2.0 + v
        double = tf.assign(v, v * 2.0)
        add = tf.assign_add(v, [1.0, 1.0])
        default = tf.placeholder_with_default([[1.0, 1.0]], [None, 2])
        session.run(tf.global_variables_initializer())
        feed = {x: [[1, 2]]}
        nested = session.run({"a": [y, (v, y)], "b": Pair(v, "x:0")}, feed)
        integers = session.run(x, {x: np.array([[1, 255]], np.uint8)})
        count = tf.placeholder(tf.int32)
        after = [session.run(double), session.run(v), session.run(add), session.run(v)]
        with tf.control_dependencies([double]):
            later = tf.identity(v.read_value())
        v.load([5.0, 6.0], session)
        return {
            "a0": nested["a"][0],
            "a1": nested["a"][1][0],
            "b_right": nested["b"].right,
            "types": [type(nested["a"][1]).__name__, type(nested["b"]).__name__, type(session.run([])).__name__],
            "operation": [session.run(double.op), session.run([y.op, y], feed)[0]],
            "integers": integers,
            "fed_float_to_int": session.run(count + 0, {count: 1.75}),
            "uint8_dtype": integers.dtype.name,
            "fed_inner": session.run(y, {x: [[0, 0]], y.op.inputs[0]: [[10.0, 20.0]]}),
            "fed_by_name": session.run(y, {"x:0": [[1.0, 1.0]]}),
            "default": session.run(default),
            "default_fed": session.run(default, {default: [[3.0, 4.0]]}),
            "after": np.array(after),
            "loaded": session.run(v),
            "later": session.run(later),
            "eval": y.eval({x: [[1, 1]]}),
            "scalar_type": [type(session.run(tf.reduce_sum(v))).__name__, type(session.run(v)).__name__],
        }


@case()
def layers(tf: Any) -> Results:
    """tf.layers: names of variables and outputs, shapes, and initial values with biases of zero."""
    with tf.Graph().as_default():
        tf.set_random_seed(11)
        x = tf.placeholder(tf.float32, [None, 8, 8, 2])
        training = tf.placeholder(tf.bool)
        made = [tf.layers.conv2d(x, 3, 3, padding="same", activation=tf.nn.relu)]
        made.append(tf.layers.max_pooling2d(made[-1], 2, 2))
        made.append(tf.layers.conv2d(made[-1], 4, [2, 3], strides=2, name="second"))
        made.append(tf.layers.batch_normalization(made[-1], training=True))
        made.append(tf.layers.flatten(made[-1]))
        made.append(tf.layers.dense(made[-1], 5))
        made.append(tf.layers.dropout(made[-1], 0.5, training=training))
        made.append(tf.layers.dense(made[-1], 5, use_bias=False))
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            first = {v.op.name: session.run(v).reshape(-1)[:6] for v in tf.global_variables()}
        first["shapes"] = [shape_of(t) for t in made]
        first["variables"] = [v.name for v in tf.global_variables()]
        first["trainable"] = [v.name for v in tf.trainable_variables()]
        first["updates"] = len(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
        return first


# Errors. Each call must raise; the phrases are what the message must contain under both, whatever else it says.

Call = Callable[[Any], Any]


def x23(tf: Any) -> Any:
    return tf.placeholder(tf.float32, [None, 3])


def run_in_session(tf: Any, fetches: Any, feed: Any = None) -> Any:
    tf.no_op()  # TensorFlow has an error of its own for an empty graph
    with tf.Session() as session:
        return session.run(fetches, feed)


def in_other_graph(tf: Any) -> Any:
    with tf.Graph().as_default():
        return tf.constant([1.0], name="stranger")


def finalized(tf: Any) -> Any:
    tf.get_default_graph().finalize()
    return tf.constant(1.0)


def get_twice(tf: Any) -> Any:
    return [tf.get_variable("w", [2]) for _ in range(2)]


def get_missing(tf: Any) -> Any:
    with tf.variable_scope("s", reuse=True):
        return tf.get_variable("missing", [2])


def get_other_shape(tf: Any) -> Any:
    tf.get_variable("w", [2])
    with tf.variable_scope("", reuse=True):
        return tf.get_variable("w", [3])


def minimize_without_path(tf: Any) -> Any:
    tf.Variable(1.0)
    return tf.train.GradientDescentOptimizer(0.1).minimize(tf.constant(1.0))


def closed_session(tf: Any) -> Any:
    x = tf.constant(1.0)
    session = tf.Session()
    session.close()
    return session.run(x)


def add_errors() -> None:
    zeros = np.zeros
    table: Dict[str, Tuple[Call, List[str]]] = {
        "unfed": (lambda tf: run_in_session(tf, x23(tf) + 1), ["You must feed a value for placeholder", "Placeholder"]),
        "feed_shape": (
            lambda tf: run_in_session(tf, tf.constant(1.0), {x23(tf): zeros((2, 4))}),
            ["Cannot feed value of shape (2, 4) for Tensor 'Placeholder:0', which has shape '(?, 3)'"],
        ),
        "feed_rank": (lambda tf: run_in_session(tf, [], {x23(tf): 1.0}), ["Cannot feed value of shape ()"]),
        "feed_tensor": (lambda tf: run_in_session(tf, [], {x23(tf): tf.constant(1.0)}), ["cannot be a tf.Tensor"]),
        "feed_string": (lambda tf: run_in_session(tf, [], {tf.placeholder(tf.float32): "a"}), ["could not convert"]),
        "feed_unknown_key": (lambda tf: run_in_session(tf, [], {"nothing:0": 1.0}), ["nothing:0"]),
        "uninitialised": (lambda tf: run_in_session(tf, tf.Variable(1.0) + 1.0), ["uninitialized value Variable"]),
        "other_graph": (lambda tf: tf.constant([2.0]) + in_other_graph(tf), ["must be from the same graph"]),
        "fetch_other_graph": (lambda tf: run_in_session(tf, in_other_graph(tf)), ["stranger", "not an element"]),
        "fetch_none": (lambda tf: run_in_session(tf, None), ["None", "invalid type"]),
        "fetch_int": (lambda tf: run_in_session(tf, 3), ["3", "invalid type"]),
        "fetch_list_with_none": (lambda tf: run_in_session(tf, [tf.constant(1.0), None]), ["None", "invalid type"]),
        "fetch_unknown": (lambda tf: run_in_session(tf, "nothing:0"), ["nothing"]),
        "tensor_as_bool": (lambda tf: bool(tf.constant(True)), ["`tf.Tensor` as a Python `bool` is not allowed"]),
        "iterate": (lambda tf: list(tf.constant([1.0, 2.0])), ["iterat"]),
        "iterate_variable": (lambda tf: list(tf.Variable([1.0, 2.0])), ["iterable"]),
        "len": (lambda tf: len(tf.constant([1.0, 2.0])), ["len"]),
        "minimize_empty": (
            lambda tf: tf.train.AdamOptimizer().minimize(tf.constant(1.0), var_list=[]),
            ["No variables to optimize."],
        ),
        "minimize_no_variables": (
            lambda tf: tf.train.AdamOptimizer().minimize(tf.constant(1.0)),
            ["No variables to optimize."],
        ),
        "minimize_without_path": (minimize_without_path, ["No gradients provided for any variable", "Variable:0"]),
        "keep_prob_zero": (lambda tf: tf.nn.dropout(tf.ones([2]), 0), ["rate must be", "[0, 1)"]),
        "keep_prob_float_zero": (lambda tf: tf.nn.dropout(tf.ones([2]), 0.0), ["rate must be", "[0, 1)"]),
        "keep_prob_large": (lambda tf: tf.nn.dropout(tf.ones([2]), 1.5), ["rate must be", "[0, 1)"]),
        "dropout_ints": (lambda tf: tf.nn.dropout(tf.ones([2], tf.int32), 0.5), ["floating point"]),
        "finalized": (finalized, ["finalized and cannot be modified"]),
        "matmul_shapes": (lambda tf: tf.matmul(x23(tf), tf.zeros([4, 2])), ["3", "4"]),
        "matmul_rank": (lambda tf: tf.matmul(x23(tf), tf.zeros([4])), ["rank"]),
        "conv2d_rank": (
            lambda tf: tf.nn.conv2d(x23(tf), tf.zeros([3, 3, 1, 2]), [1, 1, 1, 1], "SAME"),
            ["rank 4", "rank 2"],
        ),
        "conv2d_channels": (
            lambda tf: tf.nn.conv2d(tf.zeros([1, 5, 5, 3]), tf.zeros([3, 3, 2, 4]), [1, 1, 1, 1], "SAME"),
            ["3", "2"],
        ),
        "conv2d_padding": (
            lambda tf: tf.nn.conv2d(tf.zeros([1, 5, 5, 2]), tf.zeros([3, 3, 2, 4]), [1, 1, 1, 1], "same"),
            ["padding"],
        ),
        "conv2d_kernel_too_large": (
            lambda tf: tf.nn.conv2d(tf.zeros([1, 2, 2, 2]), tf.zeros([3, 3, 2, 4]), [1, 1, 1, 1], "VALID"),
            ["3", "2"],
        ),
        "add_shapes": (lambda tf: tf.zeros([2, 3]) + tf.zeros([2, 4]), ["3", "4"]),
        "add_dtypes": (lambda tf: tf.zeros([2]) + tf.zeros([2], tf.int32), ["float32", "int32"]),
        "add_float_to_int": (lambda tf: tf.zeros([2], tf.int32) + 1.5, ["int32", "float"]),
        "matmul_dtypes": (lambda tf: tf.matmul(tf.zeros([2, 2]), tf.zeros([2, 2], tf.float64)), ["float32", "float64"]),
        "reshape_size": (lambda tf: tf.reshape(tf.zeros([2, 3]), [4, -1]), ["6"]),
        "reshape_size_known": (lambda tf: tf.reshape(tf.zeros([2, 3]), [4, 2]), ["6", "8"]),
        "concat_shapes": (lambda tf: tf.concat([tf.zeros([2, 3]), tf.zeros([3, 4])], 0), ["3", "4"]),
        "reduce_axis": (lambda tf: tf.reduce_sum(tf.zeros([2, 3]), 2), ["Invalid reduction dimension 2"]),
        "get_variable_twice": (get_twice, ["Variable w already exists, disallowed"]),
        "get_variable_missing": (get_missing, ["Variable s/missing does not exist"]),
        "get_variable_other_shape": (get_other_shape, ["w", "(3,)", "(2,)"]),
        "get_variable_no_shape": (lambda tf: tf.get_variable("w"), ["shape"]),
        "xent_positional": (
            lambda tf: tf.nn.softmax_cross_entropy_with_logits(tf.zeros([2, 3]), tf.zeros([2, 3])),
            ["named arguments"],
        ),
        "xent_missing": (
            lambda tf: tf.nn.softmax_cross_entropy_with_logits(labels=tf.zeros([2, 3])),
            ["labels", "logits"],
        ),
        "sparse_xent_rank": (
            lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=tf.zeros([2, 3], tf.int32), logits=tf.zeros([2, 3])
            ),
            ["ank", "labels"],
        ),
        "sigmoid_xent_shapes": (
            lambda tf: tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.zeros([2]), logits=tf.zeros([3])),
            ["must have the same shape", "(3,)", "(2,)"],
        ),
        "shape_of_unknown": (lambda tf: tf.placeholder(tf.float32).get_shape().as_list(), ["as_list()", "unknown"]),
        "set_shape": (lambda tf: x23(tf).set_shape([None, 4]), ["3", "4"]),
        "name_invalid": (lambda tf: tf.constant(1.0, name="a b"), ["'a b' is not a valid"]),
        "variable_without_value": (lambda tf: tf.Variable(), ["initial_value"]),
        "assign_shape": (lambda tf: tf.assign(tf.Variable([1.0, 2.0]), [1.0, 2.0, 3.0]), ["2", "3"]),
        "no_default_session": (lambda tf: tf.constant(1.0).eval(), ["No default session is registered"]),
        "closed_session": (closed_session, ["closed Session"]),
        "tensor_by_bad_name": (lambda tf: tf.get_default_graph().get_tensor_by_name("x"), ["'x'"]),
        "tensor_unknown": (lambda tf: tf.get_default_graph().get_tensor_by_name("x:0"), ["'x:0'", "not exist"]),
    }
    for name, (call, phrases) in table.items():
        CASES["error_" + name] = Case(lambda tf, c=call, p=phrases: caught(tf, c, p), 0.0, 0.0)  # type: ignore[misc]


def caught(tf: Any, call: Call, phrases: List[str]) -> Results:
    """The classes and the message of what ``call`` raises in a fresh graph."""
    with tf.Graph().as_default():
        try:
            call(tf)
        except Exception as raised:
            classes = [c.__name__ for c in type(raised).__mro__]
            return {"error": {"classes": classes, "message": str(raised).strip(), "phrases": phrases}}
    return {"error": {"classes": [], "message": "nothing was raised", "phrases": phrases}}


add_errors()
