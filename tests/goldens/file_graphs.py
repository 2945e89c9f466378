"""Graphs that are written and read by TensorFlow 1.15 and by minigraph, for ``exchange_files.py``. Runs on CPython 3.7.

A function builds one graph with `tf`, which is either of them, and returns what to feed, the names of the tensors to
compare, and the name of a training step or None.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, NamedTuple, Optional

import numpy as np


class Built(NamedTuple):
    """A graph: what to feed by names, names of tensors to compare, and the name of a training step."""

    feeds: Dict[str, Any]
    outputs: List[str]
    train: Optional[str] = None


GRAPHS: Dict[str, Callable[[Any], Built]] = {}


def graph(build: Callable[[Any], Built]) -> Callable[[Any], Built]:
    GRAPHS[build.__name__] = build
    return build


def _numbers(*shape: int) -> Any:
    return np.random.RandomState(sum(shape)).uniform(-1, 1, shape).astype(np.float32)


def _classify(tf: Any, logits: Any, optimizer: Any, updates: Any = ()) -> str:
    labels = tf.placeholder(tf.int32, [None], name="labels")
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    loss = tf.reduce_mean(losses, name="loss")
    step = tf.train.get_or_create_global_step()
    with tf.control_dependencies(updates):
        optimizer.minimize(loss, step, name="train")
    return "train"


_LABELS = np.arange(4) % 3


@graph
def softmax_regression(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 5], name="x")
    w, b = tf.Variable(tf.zeros([5, 3]), name="w"), tf.Variable(tf.ones([3]), name="b")
    logits = tf.matmul(x, w) + b
    tf.nn.softmax(logits, name="y")
    train = _classify(tf, logits, tf.train.GradientDescentOptimizer(0.5))
    return Built({"x:0": _numbers(4, 5), "labels:0": _LABELS}, ["y:0", "loss:0"], train)


@graph
def two_layers_momentum(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 5], name="x")
    h = tf.layers.dense(x, 4, activation=tf.nn.elu, name="one")
    h = tf.layers.dense(h, 4, activation=tf.nn.selu, name="two")
    logits = tf.layers.dense(h, 3, activation=tf.nn.softplus, name="three")
    tf.nn.log_softmax(logits, name="y")
    train = _classify(tf, logits, tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True))
    return Built({"x:0": _numbers(4, 5), "labels:0": _LABELS}, ["y:0", "loss:0"], train)


@graph
def lenet(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 12, 12, 1], name="x")
    h = tf.layers.conv2d(x, 4, 5, padding="same", activation=tf.nn.relu, name="c1")
    h = tf.layers.max_pooling2d(h, 2, 2)
    h = tf.layers.conv2d(h, 6, 3, activation=tf.nn.relu, name="c2")
    h = tf.layers.average_pooling2d(h, 2, 2)
    logits = tf.layers.dense(tf.layers.flatten(h), 3, name="logits")
    tf.nn.softmax(logits, name="y")
    train = _classify(tf, logits, tf.train.AdamOptimizer(0.01))
    return Built({"x:0": _numbers(4, 12, 12, 1), "labels:0": _LABELS}, ["y:0", "loss:0"], train)


@graph
def batch_norm_training(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [4, 6, 6, 2], name="x")
    h = tf.layers.conv2d(x, 3, 3, use_bias=False, name="c")
    h = tf.layers.batch_normalization(h, training=True, name="bn")
    h = tf.reduce_mean(tf.nn.relu6(h), [1, 2])
    logits = tf.layers.dense(h, 3, name="logits")
    tf.identity(logits, name="y")
    updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    train = _classify(tf, logits, tf.train.RMSPropOptimizer(0.01, momentum=0.5), updates)
    return Built({"x:0": _numbers(4, 6, 6, 2), "labels:0": _LABELS}, ["y:0", "loss:0"], train)


@graph
def batch_norm_switched(tf: Any) -> Built:
    training = tf.placeholder_with_default(False, [], name="training")
    x = tf.placeholder(tf.float32, [None, 6, 6, 2], name="x")
    h = tf.layers.conv2d(x, 3, 3, name="c")
    h = tf.layers.batch_normalization(h, training=training, name="bn")
    h = tf.layers.dropout(h, 0.0, training=training)
    logits = tf.layers.dense(tf.layers.flatten(tf.nn.relu(h)), 3, name="logits")
    tf.identity(logits, name="y")
    train = _classify(tf, logits, tf.train.AdagradOptimizer(0.1))
    return Built({"x:0": _numbers(4, 6, 6, 2), "labels:0": _LABELS}, ["y:0", "loss:0"], train)


@graph
def depthwise_separable(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [4, 8, 8, 3], name="x")
    h = tf.layers.separable_conv2d(x, 4, 3, strides=2, padding="same", depth_multiplier=2, name="s")
    w = tf.get_variable("deep", [3, 3, 4, 1])
    h = tf.nn.relu6(tf.nn.depthwise_conv2d(h, w, [1, 1, 1, 1], "SAME"))
    logits = tf.layers.dense(tf.reduce_mean(h, [1, 2]), 3, name="logits")
    tf.identity(logits, name="y")
    train = _classify(tf, logits, tf.train.GradientDescentOptimizer(0.1))
    return Built({"x:0": _numbers(4, 8, 8, 3), "labels:0": _LABELS}, ["y:0", "loss:0"], train)


@graph
def alexnet_like(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 16, 16, 3], name="x")
    h = tf.layers.conv2d(x, 6, 5, strides=2, padding="valid", activation=tf.nn.relu, name="c1")
    h = tf.nn.local_response_normalization(h, depth_radius=2, bias=1.0, alpha=1e-2, beta=0.75)
    h = tf.nn.max_pool(h, [1, 3, 3, 1], [1, 2, 2, 1], "SAME")
    h = tf.layers.dropout(h, 0.0, training=True)
    h = tf.reshape(h, [-1, 3 * 3 * 6])
    logits = tf.layers.dense(h, 3, name="logits")
    tf.nn.softmax(logits, name="y")
    train = _classify(tf, logits, tf.train.AdadeltaOptimizer(1.0))
    return Built({"x:0": _numbers(4, 16, 16, 3), "labels:0": _LABELS}, ["y:0", "loss:0"], train)


@graph
def residual(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 8, 8, 3], name="x")
    h = tf.layers.conv2d(x, 4, 3, padding="same", name="c0")
    for i in range(2):
        with tf.variable_scope("block%d" % i):
            r = tf.nn.relu(tf.layers.batch_normalization(h, training=False))
            r = tf.layers.conv2d(tf.pad(r, [[0, 0], [1, 1], [1, 1], [0, 0]]), 4, 3, name="c")
            h = h + r
    tf.reduce_mean(h, axis=[1, 2], name="y")
    return Built({"x:0": _numbers(2, 8, 8, 3)}, ["y:0"])


@graph
def inception(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [2, 8, 8, 4], name="x")
    a = tf.layers.conv2d(x, 2, 1, name="a")
    b = tf.layers.conv2d(x, 3, [1, 3], padding="same", name="b")
    c = tf.layers.max_pooling2d(x, 3, 1, padding="same")
    h = tf.concat([a, b, c], 3)
    first, second = tf.split(h, [4, 5], 3)
    loss = tf.reduce_sum(tf.square(first)) + tf.reduce_sum(tf.abs(second))
    tf.identity(h, name="y")
    step = tf.train.get_or_create_global_step()
    tf.train.GradientDescentOptimizer(1e-3).minimize(tf.identity(loss, name="loss"), step, name="train")
    return Built({"x:0": _numbers(2, 8, 8, 4)}, ["y:0", "loss:0"], "train")


@graph
def upsampling(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [2, 4, 4, 3], name="x")
    h = tf.layers.conv2d_transpose(x, 4, 3, strides=2, padding="same", name="up")
    h = tf.image.resize_bilinear(h, [11, 9], align_corners=True)
    h = tf.image.resize_nearest_neighbor(h, [14, 14])
    y = tf.sigmoid(tf.layers.conv2d(h, 1, 3, name="c"), name="y")
    loss = tf.reduce_mean(tf.squared_difference(y, 0.25), name="loss")
    step = tf.train.get_or_create_global_step()
    tf.train.AdamOptimizer(0.01).minimize(loss, step, name="train")
    return Built({"x:0": _numbers(2, 4, 4, 3)}, ["y:0", "loss:0"], "train")


@graph
def dilated(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 10, 10, 2], name="x")
    h = tf.layers.conv2d(x, 3, 3, dilation_rate=2, padding="same", name="c")
    h = tf.nn.leaky_relu(h, 0.1)
    tf.identity(tf.nn.atrous_conv2d(h, tf.get_variable("w", [3, 3, 3, 2]), 3, "SAME"), name="y")
    return Built({"x:0": _numbers(2, 10, 10, 2)}, ["y:0"])


@graph
def shapes_and_slices(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, None, 6], name="x")
    n = tf.shape(x)[0]
    flat = tf.reshape(x, tf.stack([n, -1]))
    cut = x[:, 1:, ::2]
    last = x[:, -1, tf.newaxis, 1:4]
    turned = tf.transpose(cut, [0, 2, 1])
    tiled = tf.tile(tf.expand_dims(tf.reduce_max(turned, 2), 1), [1, 2, 1])
    joined = tf.concat([tiled, last], 1)
    tf.identity(joined, name="a")
    tf.reduce_sum(flat, 1, keepdims=True, name="b")
    tf.cast(tf.argmax(flat, 1), tf.float32, name="c")
    tf.squeeze(tf.slice(x, [0, 0, 2], [-1, 1, 2]), [1], name="d")
    tf.stack(tf.unstack(x, axis=2)[:2], axis=1, name="e")
    tf.multiply(tf.Variable(2.0, name="v"), tf.fill([n, 2], 0.5), name="f")
    return Built({"x:0": _numbers(2, 3, 6)}, ["a:0", "b:0", "c:0", "d:0", "e:0", "f:0"])


@graph
def reductions(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [3, 4, 5], name="x")
    w = tf.get_variable("w", [4, 1])
    h = x * w
    tf.reduce_mean(h, name="a")
    tf.reduce_prod(h, [0, 2], name="b")
    tf.reduce_min(h, -1, keepdims=True, name="c")
    tf.reduce_all(h > -10.0, 1, name="d")
    tf.identity(tf.reduce_logsumexp(h, 2), name="e")
    tf.cumsum(h, 1, reverse=True, name="f")
    values, places = tf.nn.top_k(h, 2, name="g")
    tf.one_hot(tf.argmax(h, 2), 5, name="h")
    tf.identity(tf.nn.l2_normalize(h, 1), name="i")
    loss = tf.reduce_sum(tf.reduce_max(h, 1)) + tf.reduce_sum(values) + tf.nn.l2_loss(w)
    step = tf.train.get_or_create_global_step()
    tf.train.FtrlOptimizer(0.1).minimize(tf.identity(loss, name="loss"), step, name="train")
    names = ["a:0", "b:0", "c:0", "d:0", "e:0", "f:0", "g:0", "g:1", "h:0", "i:0", "loss:0"]
    return Built({"x:0": _numbers(3, 4, 5)}, names, "train")


@graph
def elementwise(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [6], name="x")
    v = tf.Variable(np.linspace(0.5, 2.0, 6).astype(np.float32), name="v")
    p = tf.abs(x) + v
    parts = [tf.exp(x), tf.log(p), tf.sqrt(p), tf.rsqrt(p), tf.tanh(x), tf.sin(x), tf.cos(x), tf.erf(x), tf.sign(x),
             tf.floor(3.0 * x), tf.ceil(3.0 * x), tf.round(3.0 * x), tf.square(x), tf.reciprocal(p), tf.pow(p, 1.5),
             tf.nn.softsign(x), tf.expm1(x), tf.log1p(p), tf.maximum(x, v), tf.minimum(x, 0.1), tf.floordiv(x, v),
             tf.floormod(x, v), tf.clip_by_value(x, -0.5, 0.5), tf.where(x > 0.0, x, -v), tf.negative(x)]  # fmt: skip
    y = tf.stack(parts, name="y")
    tf.cast(tf.logical_or(tf.logical_and(x > 0.0, x < 0.5), tf.logical_not(x <= v)), tf.int32, name="z")
    loss = tf.reduce_sum(y, name="loss")
    step = tf.train.get_or_create_global_step()
    tf.train.MomentumOptimizer(1e-3, 0.5).minimize(loss, step, name="train")
    return Built({"x:0": _numbers(6)}, ["y:0", "z:0", "loss:0"], "train")


@graph
def conditions(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [3], name="x")
    v = tf.Variable([1.0, 2.0, 3.0], name="v")
    y = tf.cond(tf.reduce_sum(x) > 0.0, lambda: x * v, lambda: tf.constant([7.0, 8.0, 9.0]))
    z = tf.cond(tf.reduce_sum(x) > 100.0, lambda: x + 1.0, lambda: tf.cond(x[0] < 5.0, lambda: x * 2.0, lambda: y))
    tf.identity(y, name="y")
    tf.identity(z, name="z")
    loss = tf.reduce_sum(tf.square(y), name="loss")
    step = tf.train.get_or_create_global_step()
    tf.train.GradientDescentOptimizer(0.01).minimize(loss, step, name="train")
    return Built({"x:0": np.float32([1.0, 0.5, -0.25])}, ["y:0", "z:0", "loss:0"], "train")


@graph
def loops(tf: Any) -> Built:
    """A loop in a loop with a condition, over values that a variable changes; its gradient; arrays that loops fill."""
    x = tf.placeholder(tf.float32, [3], name="x")
    v = tf.Variable([0.5, -0.5, 1.0], name="v")

    def inner(i: Any, y: Any) -> Any:
        bounds = [tf.constant(0), y]
        return tf.while_loop(lambda j, z: j < i + 1, lambda j, z: (j + 1, z * v + x), bounds)[1]

    def body(i: Any, y: Any) -> Any:
        return i + 1, tf.cond(tf.equal(i % 2, 0), lambda: y * 0.5, lambda: y + 1.0) + inner(i, y)

    y = tf.while_loop(lambda i, y: (i < 3) & (tf.reduce_sum(y) < 100.0), body, [tf.constant(0), x])[1]
    squares = tf.while_loop(
        lambda i, a: i < 4, lambda i, a: (i + 1, a.write(i, x * tf.cast(i, tf.float32))),
        [tf.constant(0), tf.TensorArray(tf.float32, 2, dynamic_size=True)],
    )[1].stack()  # fmt: skip
    tf.identity(y, name="y")
    tf.identity(squares, name="squares")
    loss = tf.reduce_sum(tf.square(y), name="loss") + tf.reduce_sum(squares * v)
    step = tf.train.get_or_create_global_step()
    tf.train.GradientDescentOptimizer(0.01).minimize(loss, step, name="train")
    return Built({"x:0": np.float32([0.25, 0.5, -0.75])}, ["y:0", "squares:0", "loss:0"], "train")


@graph
def recurrent(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 5, 3], name="x")
    length = tf.placeholder(tf.int32, [None], name="length")
    cells = tf.nn.rnn_cell
    outputs, _ = tf.nn.bidirectional_dynamic_rnn(
        cells.BasicLSTMCell(4), cells.GRUCell(3), x, length, dtype=tf.float32, scope="rnn"
    )
    logits = tf.layers.dense(tf.reduce_max(tf.concat(outputs, 2), 1), 3, name="logits")
    tf.identity(logits, name="y")
    tf.identity(tf.map_fn(lambda row: tf.cumsum(row) * 2.0, logits), name="mapped")
    tf.identity(tf.scan(lambda a, row: a * 0.5 + row, logits), name="scanned")
    train = _classify(tf, logits, tf.train.AdamOptimizer(0.01))
    feeds = {"x:0": _numbers(4, 5, 3), "length:0": np.array([3, 5, 1, 4], np.int32), "labels:0": _LABELS}
    return Built(feeds, ["y:0", "loss:0", "mapped:0", "scanned:0"], train)


@graph
def embedding(tf: Any) -> Built:
    ids = tf.placeholder(tf.int64, [None, 3], name="ids")
    table = tf.get_variable("table", [7, 4])
    h = tf.reduce_mean(tf.nn.embedding_lookup(table, ids), 1)
    tf.layers.dense(h, 2, activation=tf.sigmoid, name="out")
    tf.gather(h, [0, 1], axis=1, name="y")
    return Built({"ids:0": np.array([[0, 3, 6], [1, 1, 2]], np.int64)}, ["y:0", "out/Sigmoid:0"])


@graph
def segments(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    ids = tf.constant([2, 0, 2, 1, 0], name="ids")
    found = [getattr(tf, "unsorted_segment_" + kind)(x, ids, 3) for kind in ("max", "min", "prod")]
    y = tf.multiply(tf.stack(found), tf.Variable(2.0, name="scale"), name="y")
    tf.identity(tf.gradients(y, x)[0], name="dx")
    return Built({"x:0": _numbers(5, 2)}, ["y:0", "dx:0"])


@graph
def matrices(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [2, 3, 3], name="x")
    a = tf.add(tf.matmul(x, x, transpose_b=True), tf.Variable(np.eye(3, dtype=np.float32), name="eye"))
    tf.cholesky(a, name="lower")
    inverse = tf.add(tf.matrix_inverse(a), tf.stop_gradient(tf.matrix_inverse(a + x, adjoint=True)), name="inverse")
    y = tf.multiply(tf.matrix_determinant(a), tf.reduce_sum(inverse, [1, 2]), name="y")
    tf.identity(tf.gradients(y, x)[0], name="dx")
    return Built({"x:0": _numbers(2, 3, 3) / 4}, ["lower:0", "inverse:0", "y:0", "dx:0"])


@graph
def regression_with_regularizer(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    t = tf.placeholder(tf.float32, [None, 1], name="t")
    with tf.variable_scope("net", initializer=tf.random_normal_initializer(seed=3)):
        w = tf.get_variable("w", [3, 1])
        b = tf.get_variable("b", [1], initializer=tf.zeros_initializer())
    y = tf.nn.bias_add(tf.matmul(x, w), b, name="y")
    loss = tf.losses.mean_squared_error(t, y) + 0.01 * tf.nn.l2_loss(w)
    rate = tf.train.exponential_decay(0.1, tf.train.get_or_create_global_step(), 10, 0.9, staircase=True)
    optimizer = tf.train.GradientDescentOptimizer(rate)
    pairs = optimizer.compute_gradients(tf.identity(loss, name="loss"))
    clipped, _ = tf.clip_by_global_norm([g for g, _ in pairs], 0.5)
    variables = [v for _, v in pairs]
    optimizer.apply_gradients(zip(clipped, variables), tf.train.get_global_step(), name="train")
    return Built({"x:0": _numbers(4, 3), "t:0": _numbers(4, 1)}, ["y:0", "loss:0"], "train")


@graph
def averaged(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [None, 4], name="x")
    w = tf.get_variable("w", [4, 2])
    y = tf.matmul(x, w, name="y")
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.ones_like(y), logits=y), name="loss")
    step = tf.train.get_or_create_global_step()
    apply = tf.train.AdamOptimizer(0.1).minimize(loss, step)
    average = tf.train.ExponentialMovingAverage(0.9, step)
    with tf.control_dependencies([apply]):
        tf.group(average.apply([w]), name="train")
    tf.identity(average.average(w), name="mean")
    return Built({"x:0": _numbers(3, 4)}, ["y:0", "loss:0", "mean:0"], "train")


@graph
def summaries(tf: Any) -> Built:
    x = tf.placeholder(tf.float32, [2, 3], name="x")
    y = tf.multiply(x, tf.Variable(3.0, name="scale"), name="y")
    tf.summary.scalar("mean", tf.reduce_mean(y))
    tf.summary.histogram("values", y)
    tf.summary.merge_all()
    return Built({"x:0": _numbers(2, 3)}, ["y:0", "Merge/MergeSummary:0"])


@graph
def dtypes(tf: Any) -> Built:
    x = tf.placeholder(tf.float64, [None, 3], name="x")
    w = tf.Variable(np.arange(6.0).reshape(3, 2), name="w", dtype=tf.float64)
    counts = tf.Variable(np.arange(4), name="counts", dtype=tf.int64, trainable=False)
    flags = tf.Variable([True, False], name="flags", trainable=False)
    small = tf.Variable(np.float16([0.5, 1.5]), name="small", trainable=False)
    tf.matmul(x, w, name="a")
    tf.add(counts, 2, name="b")
    tf.logical_not(flags, name="c")
    tf.cast(small, tf.float32, name="d")
    tf.constant(np.array([[1, 2], [3, 4]], np.uint8), name="e")
    return Built({"x:0": _numbers(2, 3).astype(np.float64)}, ["a:0", "b:0", "c:0", "d:0", "e:0"])
