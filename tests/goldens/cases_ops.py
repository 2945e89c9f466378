"""Values and gradients of single ops: see ``cases.py`` for the rules of these files."""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any, Callable, List

import numpy as np

from cases import CASES, Case, Results, case

Build = Callable[..., Any]


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.RandomState(seed + 10 * len(shape)).randn(*shape).astype(np.float32)


def positive(*shape: int, seed: int = 0) -> Any:
    return np.abs(normal(*shape, seed=seed)) + np.float32(0.3)


def f32(values: Any) -> Any:
    return np.array(values, np.float32)


def weight_like(value: Any, phase: float = 0.0) -> Any:
    """Fixed numbers in the shape of ``value`` to weigh the outputs with: cos(0), cos(1), ..."""
    return np.cos(np.arange(value.size) + phase).reshape(value.shape).astype(value.dtype)


def as_list(outputs: Any) -> List[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def dense(tf: Any, gradient: Any) -> Any:
    """TensorFlow's gradient of gather is an IndexedSlices; minigraph's may be a tensor already."""
    return tf.convert_to_tensor(gradient) if hasattr(gradient, "indices") else gradient


def is_float(value: Any) -> bool:
    return bool(np.issubdtype(np.asarray(value).dtype, np.floating))


def evaluate(tf: Any, build: Build, inputs: List[Any], second: bool = False) -> Results:
    """Outputs, their static shapes, and the gradient of sum(outputs * weights) to every float input.

    A gradient that does not exist is listed under ``no_gradient``. With ``second``, also the gradients of
    sum(gradients * weights) to the inputs and to the weights; where there is none, zeros.
    """
    results: Results = {"no_gradient": [], "shapes": []}
    with tf.Graph().as_default(), tf.Session() as session:
        xs = [tf.placeholder(tf.as_dtype(value.dtype), value.shape) for value in inputs]
        feed = dict(zip(xs, inputs))
        ys = as_list(build(tf, *xs))
        values = session.run(ys, feed)
        for i, (y, value) in enumerate(zip(ys, values)):
            results["y%d" % i] = value
            results["shapes"].append(y.get_shape().as_list())
        floats = [y for y, value in zip(ys, values) if is_float(value)]
        weights = [tf.constant(weight_like(value)) for value in values if is_float(value)]
        wrt = [(i, x) for i, (x, value) in enumerate(zip(xs, inputs)) if is_float(value)]
        if not floats or not wrt:
            return results
        first = tf.gradients(floats, [x for _, x in wrt], grad_ys=weights)
        fetches = {"dx%d" % i: dense(tf, g) for (i, _), g in zip(wrt, first)}
        if second:
            terms = [
                tf.reduce_sum(g * tf.constant(weight_like(inputs[i], 0.5)))
                for (i, _), g in zip(wrt, first)
                if g is not None
            ]
            again = tf.gradients(terms, [x for _, x in wrt] + weights)
            zeros = [np.zeros_like(inputs[i]) for i, _ in wrt] + [np.zeros_like(v) for v in values if is_float(v)]
            names = ["ddx%d" % i for i, _ in wrt] + ["ddw%d" % i for i in range(len(weights))]
            for name, gradient, zero in zip(names, again, zeros):
                fetches[name] = tf.constant(zero) if gradient is None else dense(tf, gradient)
        results["no_gradient"] = sorted(name for name, g in fetches.items() if g is None)
        results.update(session.run({name: g for name, g in fetches.items() if g is not None}, feed))
    return results


def add(name: str, build: Build, *inputs: Any, second: bool = False) -> None:
    def run(tf: Any) -> Results:
        return evaluate(tf, build, list(inputs), second)

    assert "op_" + name not in CASES, name
    CASES["op_" + name] = Case(run, 2e-5, 5e-6)


# Convolution and pooling.


def conv(padding: str, stride: Any) -> Build:
    strides = [1, *stride, 1]
    return lambda tf, x, w: tf.nn.conv2d(x, w, strides=strides, padding=padding)


for _padding in ("SAME", "VALID"):
    for _stride in ((1, 1), (2, 2), (3, 1)):
        _name = "%s_%d%d" % ((_padding.lower(),) + _stride)
        _x = normal(2, 7, 6, 2)
        add("conv2d_3x3_" + _name, conv(_padding, _stride), _x, normal(3, 3, 2, 3), second=_stride == (2, 2))
        add("conv2d_2x5_" + _name, conv(_padding, _stride), _x, normal(2, 5, 2, 3))
        add("conv2d_1x1_" + _name, conv(_padding, _stride), _x, normal(1, 1, 2, 3))
    for _size, _step in ((2, 2), (3, 2), (2, 1), (3, 3), (1, 2)):
        _name = "%s_k%d_s%d" % (_padding.lower(), _size, _step)
        _window = dict(ksize=[1, _size, _size, 1], strides=[1, _step, _step, 1], padding=_padding)
        _x, _second = normal(2, 7, 6, 2), _size == 3
        add("max_pool_" + _name, lambda tf, x, o=_window: tf.nn.max_pool(x, **o), _x, second=_second)
        add("avg_pool_" + _name, lambda tf, x, o=_window: tf.nn.avg_pool(x, **o), _x, second=_second)

_POOL_ROW = dict(ksize=[1, 1, 2, 1], strides=[1, 1, 2, 1], padding="SAME")
_ROW = f32([1, 2, 3, 4, 5]).reshape(1, 1, 5, 1)
_TIES = f32([[1, 1, 2, 2], [1, 1, 2, 2], [0, 3, 3, 0], [3, 3, 0, 0]]).reshape(1, 4, 4, 1)
add("avg_pool_edge", lambda tf, x: tf.nn.avg_pool(x, **_POOL_ROW), _ROW)
add("max_pool_edge_negative", lambda tf, x: tf.nn.max_pool(x, **_POOL_ROW), -_ROW)
add("max_pool_ties", lambda tf, x: tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"), _TIES)
add("max_pool_ties_overlap", lambda tf, x: tf.nn.max_pool(x, [1, 3, 3, 1], [1, 1, 1, 1], "SAME"), _TIES)

# Activations and losses.

_EDGES = f32([-2, -0.0, 0, 0.5, 3, 7])
for _name in ("relu", "relu6", "sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "leaky_relu", "softmax"):
    add(
        _name,
        lambda tf, x, n=_name: getattr(tf.nn, n)(x),
        f32([[-1, 0, 2, 90], [3, 3, -90, 0]]),
        second=_name not in ("elu", "softsign"),
    )
add("relu_edges", lambda tf, x: tf.nn.relu(x), _EDGES)
add("relu_nan", lambda tf, x: tf.nn.relu(x), f32([np.nan, np.inf, -np.inf]))
add("bias_add", lambda tf, x, b: tf.nn.bias_add(x, b), normal(2, 3, 4), normal(4))
add("log_softmax", lambda tf, x: tf.nn.log_softmax(x), f32([[1, 2, 300], [0, 0, -5]]), second=True)
add("softmax_axis", lambda tf, x: tf.nn.softmax(x, axis=0), normal(2, 3, 4))
add("l2_loss", lambda tf, x: tf.nn.l2_loss(x), normal(3, 4), second=True)
add("l2_normalize", lambda tf, x: tf.nn.l2_normalize(x, 1), normal(3, 4))
add("moments", lambda tf, x: tf.nn.moments(x, [0, 1, 2]), normal(2, 3, 4, 2), second=True)
add("moments_keep", lambda tf, x: tf.nn.moments(x, [0], keep_dims=True), normal(3, 4))
add("dropout_keep_all", lambda tf, x: tf.nn.dropout(x, 1.0), normal(3, 4))
add("dropout_keep_all_tensor", lambda tf, x: tf.nn.dropout(x, tf.constant(1.0)), normal(3, 4))
_LOGITS = f32([[1, 2, 300, -4], [0.5, 0, 0, -1], [-1000, 3, 3, 1]])
_LABELS = f32([[0, 0, 1, 0], [0.1, 0.2, 0.3, 0.4], [0, 2, 0, 1]])


def xent(tf: Any, labels: Any, logits: Any) -> Any:
    return tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def xent_v2(tf: Any, labels: Any, logits: Any) -> Any:
    return tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)


def sparse_xent(tf: Any, labels: Any, logits: Any) -> Any:
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def sigmoid_xent(tf: Any, labels: Any, logits: Any) -> Any:
    return tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)


add("softmax_xent", xent, _LABELS, _LOGITS)
add("softmax_xent_second", xent, _LABELS, normal(3, 4), second=True)
add("softmax_xent_rank3", xent, positive(2, 3, 4), normal(2, 3, 4))
add("softmax_xent_v2", xent_v2, _LABELS, _LOGITS)
add("sparse_xent", sparse_xent, np.array([2, 0, 3]), _LOGITS)
add("sparse_xent_int32_rank3", sparse_xent, np.array([[2, 0, 3], [1, 1, 0]], np.int32), normal(2, 3, 4))
add("sigmoid_xent", sigmoid_xent, f32([0, 1, 0, 1, 0.5, 2]), f32([0, 0, -100, 100, -3, 4]), second=True)
add("batch_normalization", lambda tf, *a: tf.nn.batch_normalization(*a, 1e-3),
    normal(3, 4), normal(4), positive(4), normal(4, seed=1), normal(4, seed=2))  # fmt: skip

# Pointwise.

for _name in ("exp", "square", "abs", "negative", "sin", "cos", "erf", "sign", "floor", "ceil", "round", "sigmoid"):
    add("math_" + _name, lambda tf, x, n=_name: getattr(tf, n)(x), f32([-2.5, -1, -0.5, 0, 0.5, 1.5, 2]))
for _name in ("log", "sqrt", "rsqrt", "reciprocal", "log1p"):
    add("math_" + _name, lambda tf, x, n=_name: getattr(tf, n)(x), f32([0.25, 1, 2, 9]), second=True)
for _name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "squared_difference", "pow"):
    add(
        "binary_" + _name,
        lambda tf, x, y, n=_name: getattr(tf, n)(x, y),
        positive(2, 3, 4),
        positive(3, 1),
        second=True,
    )
for _name in ("maximum", "minimum"):
    add(_name + "_ties", lambda tf, x, y, n=_name: getattr(tf, n)(x, y), f32([1, 2, 0, -0.0]), f32([1, 1, 5, 0]))
_INTS = np.array([-7, -3, 0, 3, 7], np.int32)
add("operators", lambda tf, x, y: [x + y, x - y, x * y, x / y, x**2, -x, abs(x), 2 - x, 2 / x, x % 3.0, x // 0.7],
    positive(2, 3), positive(3))  # fmt: skip
add("compare", lambda tf, x, y: [x < y, x <= y, x > y, x >= y, tf.equal(x, y), tf.not_equal(x, y)],
    f32([1, 2, 3, np.nan]), f32([2, 2, 2, np.nan]))  # fmt: skip
add("logical", lambda tf, x, y: [tf.logical_and(x, y), tf.logical_or(x, y), tf.logical_not(x), x & y, x | y, ~x],
    np.array([True, True, False, False]), np.array([True, False, True, False]))  # fmt: skip
add("int_division", lambda tf, x: [x // 2, x % 2, x / 2, tf.floordiv(x, 2), tf.mod(x, -2)], _INTS)
add("cast", lambda tf, x: [tf.cast(x, tf.int32), tf.cast(x, tf.float64), tf.cast(x, tf.bool)], f32([-1.7, 0, 1.7, 3]))
add("cast_bool", lambda tf, x: tf.cast(x, tf.float32), np.array([True, False]))
add("to_float", lambda tf, x: tf.to_float(x), _INTS)
add("clip_by_value", lambda tf, x: tf.clip_by_value(x, -1.0, 2.0), f32([-3, -1, 0, 2, 5]))
add("clip_by_norm", lambda tf, x: [tf.clip_by_norm(x, 1.0), tf.clip_by_norm(x, 100.0)], normal(3, 4))
add("clip_by_global_norm", lambda tf, x, y: tf.clip_by_global_norm([x, y], 1.0)[0], normal(3, 4), normal(4))
add("where", lambda tf, c, x, y: tf.where(c, x, y), np.array([True, False, True]), normal(3), normal(3, seed=1))
add("where_rows", lambda tf, c, x, y: tf.where(c, x, y), np.array([True, False]), normal(2, 3), normal(2, 3, seed=1))
add("stop_gradient", lambda tf, x: x * tf.stop_gradient(x), normal(3))
add("fan_out", lambda tf, x: x * x + tf.sin(x) * x, normal(3), second=True)
add("add_n", lambda tf, x, y: tf.add_n([x, y, x]), normal(3), normal(3, seed=1))
add("unconnected", lambda tf, x, y: x * 2, normal(3), normal(3))

# Reductions.

for _name in ("sum", "mean", "max", "min", "prod", "logsumexp"):
    _reduce: Build = lambda tf, x, n=_name: [  # noqa: E731
        getattr(tf, "reduce_" + n)(x),
        getattr(tf, "reduce_" + n)(x, 1),
        getattr(tf, "reduce_" + n)(x, axis=[0, -1]),
        getattr(tf, "reduce_" + n)(x, axis=[1], keepdims=True),
    ]
    add("reduce_" + _name, _reduce, positive(2, 3, 4))
add("reduce_max_ties", lambda tf, x: tf.reduce_max(x, 1), f32([[3, 1, 3, 3], [0, 0, 0, 0], [5, 4, 4, 1]]))
add("reduce_prod_zero", lambda tf, x: tf.reduce_prod(x, 1), f32([[2, 0, 3], [0, 0, 3], [1, 2, 3]]))
add("reduce_bool", lambda tf, x: [tf.reduce_all(x), tf.reduce_any(x, 1)], np.array([[True, False], [False, False]]))
add("mean_of_nothing", lambda tf, x: [tf.reduce_mean(x), tf.reduce_mean(x, 0)], np.zeros((0, 3), np.float32))
add("sum_of_nothing", lambda tf, x: [tf.reduce_sum(x), tf.reduce_max(x, 0)], np.zeros((0, 3), np.float32))
add("mean_of_ints", lambda tf, x: [tf.reduce_mean(x), tf.reduce_sum(x)], np.array([-3, 1, 4], np.int32))
add("argmax_ties", lambda tf, x: [tf.argmax(x, 1), tf.argmin(x, 1), tf.argmax(x), tf.argmax(x, 1, output_type=tf.int32)],
    f32([[1, 3, 3], [2, 2, 2], [0, -1, -1]]))  # fmt: skip
add("in_top_k", lambda tf, x, t: tf.nn.in_top_k(x, t, 2), f32([[1, 3, 2], [5, 1, 0]]), np.array([0, 1]))
add("top_k", lambda tf, x: list(tf.nn.top_k(x, 2)), f32([[1, 3, 3], [5, 1, 0]]))

# Matrices and shapes.

for _a, _b in ((False, False), (True, False), (False, True), (True, True)):
    add("matmul_%d%d" % (_a, _b), lambda tf, x, y, a=_a, b=_b: tf.matmul(x, y, transpose_a=a, transpose_b=b),
        normal(*((3, 2) if _a else (2, 3))), normal(*((4, 3) if _b else (3, 4)), seed=1), second=_a == _b)  # fmt: skip
add("matmul_batch", lambda tf, x, y: tf.matmul(x, y), normal(2, 3, 4), normal(2, 4, 2))
add("matmul_empty", lambda tf, x, y: tf.matmul(x, y), np.zeros((2, 0), np.float32), np.zeros((0, 3), np.float32))
add("tensordot", lambda tf, x, y: tf.tensordot(x, y, [[1], [0]]), normal(2, 3, 4), normal(3, 2))
_X = normal(2, 3, 4)
add("reshape", lambda tf, x: [tf.reshape(x, [-1]), tf.reshape(x, [4, -1]), tf.reshape(x, [tf.shape(x)[1], -1])], _X)
add("transpose", lambda tf, x: [tf.transpose(x), tf.transpose(x, [1, 0, 2]), tf.transpose(x, perm=[2, 0, 1])], _X)
add("concat", lambda tf, x, y: [tf.concat([x, y, x], 1), tf.concat([x, x], axis=-1)], _X, normal(2, 1, 4))
add("split", lambda tf, x: tf.split(x, 2, axis=2) + tf.split(x, [1, 2], 1), _X)
add("split_unused", lambda tf, x: tf.split(x, 2, axis=2)[1], _X)
add("stack", lambda tf, x, y: [tf.stack([x, y]), tf.stack([x, y], axis=-1)], normal(2, 3), normal(2, 3, seed=1))
add("unstack", lambda tf, x: tf.unstack(x) + tf.unstack(x, axis=1), _X)
add("squeeze", lambda tf, x: [tf.squeeze(x), tf.squeeze(x, [0]), tf.squeeze(x, axis=-1)], normal(1, 3, 2, 1))
add("expand_dims", lambda tf, x: [tf.expand_dims(x, 0), tf.expand_dims(x, -1), tf.expand_dims(x, axis=1)], _X)
add("pad", lambda tf, x: [tf.pad(x, [[1, 2], [0, 3]]), tf.pad(x, [[0, 0], [1, 1]], constant_values=5.0)], normal(2, 3))
add("pad_modes", lambda tf, x: [tf.pad(x, [[1, 1], [2, 1]], m) for m in ("REFLECT", "SYMMETRIC")], normal(3, 4))
add("tile", lambda tf, x: [tf.tile(x, [2, 3]), tf.tile(x, [1, 1])], normal(2, 3))
add(
    "gather", lambda tf, x, i: [tf.gather(x, i), tf.gather(x, [1, 1], axis=1)], normal(3, 4), np.array([[0, 2], [2, 2]])
)
add("embedding_lookup", lambda tf, x, i: tf.nn.embedding_lookup(x, i), normal(3, 4), np.array([0, 2, 2], np.int32))
add("slice", lambda tf, x: [tf.slice(x, [0, 1, 1], [2, 2, -1]), tf.slice(x, [1, 0, 0], [1, 1, 1])], _X)
add("index", lambda tf, x: [x[0], x[-1], x[1, 2], x[1, 2, 3], x[:, 1], x[..., -1], x[0, ..., 1]], _X)
add("strided_slice", lambda tf, x: [x[:, ::2], x[:, :, ::-1], x[:, 1:], x[:, :-1, 1:3], x[:, 2::-2], x[1:1]], _X)
add("new_axis", lambda tf, x: [x[:, None], x[..., tf.newaxis], x[0, tf.newaxis, :, 1]], _X)
add("one_hot", lambda tf, i: [tf.one_hot(i, 4), tf.one_hot(i, 4, 5.0, -1.0), tf.one_hot(i, 3, axis=0)],
    np.array([0, 3, -1, 5]))  # fmt: skip
add("one_hot_int", lambda tf, i: tf.one_hot(i, 3, dtype=tf.int32), np.array([0, 2], np.int32))
add("fills", lambda tf, x: [tf.zeros_like(x), tf.ones_like(x), tf.fill([2, 2], 3.0), tf.ones([2], tf.int32)], _X)
add("shape_of", lambda tf, x: [tf.shape(x), tf.size(x), tf.rank(x)], _X)
add("ranges", lambda tf: [tf.range(4), tf.range(2, 9, 3), tf.range(0.0, 1.0, 0.25), tf.linspace(0.0, 1.0, 5)])
add("reverse", lambda tf, x: [tf.reverse(x, [1]), tf.reverse(x, [0, 2])], _X)
add("cumsum", lambda tf, x: [tf.cumsum(x, 1), tf.cumsum(x, exclusive=True), tf.cumsum(x, 2, reverse=True)], _X)
add("broadcast_gradient", lambda tf, x, y, z: x * y + z, normal(2, 3, 4), normal(1, 4), f32(2.0), second=True)
add("flatten_layers", lambda tf, x: tf.layers.flatten(x), _X)

# Wider surface.

add("lrn", lambda tf, x: tf.nn.lrn(x, 2, bias=1.5, alpha=0.3, beta=0.75), normal(2, 3, 2, 7))
add("lrn_defaults", lambda tf, x: tf.nn.local_response_normalization(x), normal(1, 2, 2, 12))
add("fused_batch_norm", lambda tf, x, s, o: list(tf.nn.fused_batch_norm(x, s, o))[:3], normal(2, 3, 4, 2), f32([1, 2]),
    f32([0, 1]))  # fmt: skip
add("depthwise_conv2d", lambda tf, x, w: tf.nn.depthwise_conv2d(x, w, [1, 2, 2, 1], "SAME"), normal(2, 7, 6, 2),
    normal(3, 3, 2, 2))  # fmt: skip
add("separable_conv2d", lambda tf, x, w, p: tf.nn.separable_conv2d(x, w, p, [1, 1, 1, 1], "VALID"), normal(2, 7, 6, 2),
    normal(3, 3, 2, 2), normal(1, 1, 4, 3))  # fmt: skip
add("conv2d_transpose", lambda tf, x, w: tf.nn.conv2d_transpose(x, w, [2, 6, 8, 2], [1, 2, 2, 1], "SAME"),
    normal(2, 3, 4, 3), normal(3, 3, 2, 3))  # fmt: skip
add("atrous_conv2d", lambda tf, x, w: tf.nn.atrous_conv2d(x, w, 2, "SAME"), normal(2, 7, 6, 2), normal(3, 3, 2, 3))


@case()
def gradients_api(tf: Any) -> Results:
    """Unconnected gives None; ys may be a list, whose gradients add up; xs may be a single tensor; grad_ys scale."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant([1.0, 2.0, 3.0])
        z = tf.constant([1.0])
        y = tf.square(x)
        single = tf.gradients(y, x)
        summed = tf.gradients([y, 3.0 * x], [x])
        scaled = tf.gradients([y, x], [x], grad_ys=[tf.constant([1.0, 0.0, 2.0]), None])
        inner = tf.gradients(tf.reduce_sum(y * x), [y, x])
        same = tf.gradients(x, x)
        stopped = tf.gradients(x * y, x, stop_gradients=[y])
        third = tf.gradients(tf.gradients(tf.gradients(x * x * x * x, x), x), x)
        integer = tf.gradients(tf.cast(tf.cast(x, tf.int32), tf.float32), [x])
        return {
            "single": session.run(single[0]),
            "summed": session.run(summed[0]),
            "scaled": session.run(scaled[0]),
            "inner_y": session.run(inner[0]),
            "inner_x": session.run(inner[1]),
            "same": session.run(same[0]),
            "stopped": session.run(stopped[0]),
            "third": session.run(third[0]),
            "types": [type(single).__name__, len(summed)],
            "none": [g is None for g in tf.gradients(y, [z, x]) + integer],
        }
