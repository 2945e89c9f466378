"""Arguments of single ops that change the result: see ``cases.py`` for the rules of these files."""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import names_of, shape_of
from cases_ops import add, f32, normal, positive

_X3 = positive(2, 3, 4)

# Axes by all their names.

for _name in ("sum", "mean", "max", "min", "prod", "logsumexp"):
    add("named_reduce_" + _name, lambda tf, x, n="reduce_" + _name: [
        getattr(tf, n)(x, reduction_indices=1), getattr(tf, n)(x, reduction_indices=[0, 2], keep_dims=True),
        getattr(tf, n)(x, [1, -1], True), getattr(tf, n)(x, axis=(0, 1)), getattr(tf, n)(x, axis=tf.constant([2, 0])),
        getattr(tf, n)(x, axis=[])], _X3)  # fmt: skip
add("named_reduce_bools", lambda tf, x: [tf.reduce_all(x, reduction_indices=0), tf.reduce_any(x, 1, keep_dims=True)],
    np.array([[True, False, True], [True, True, True]]))  # fmt: skip
add("named_arg", lambda tf, x: [tf.argmax(x, dimension=2), tf.argmin(x, dimension=0), tf.argmax(x, axis=-2),
    tf.argmax(x, 1, output_type=tf.int32)], _X3)  # fmt: skip
add("named_softmax", lambda tf, x: [tf.nn.softmax(x, dim=0), tf.nn.softmax(x, 1), tf.nn.log_softmax(x, dim=1),
    tf.nn.log_softmax(x, axis=-2)], _X3)  # fmt: skip
add(
    "named_l2_normalize",
    lambda tf, x: [tf.nn.l2_normalize(x, dim=1), tf.nn.l2_normalize(x, axis=[0, 2], epsilon=30.0)],
    _X3,
)
add(
    "named_expand_dims",
    lambda tf, x: [tf.expand_dims(x, dim=1), tf.expand_dims(x, axis=-2), tf.expand_dims(x, -1)],
    _X3,
)
add(
    "named_squeeze",
    lambda tf, x: [tf.squeeze(x, squeeze_dims=[0]), tf.squeeze(x, [-1]), tf.squeeze(x, axis=0)],
    normal(1, 3, 1),
)
add(
    "named_concat",
    lambda tf, x: [tf.concat(axis=2, values=[x, x]), tf.concat([x, x], -2), tf.stack(values=[x, x], axis=-1)],
    _X3,
)
add("named_splits", lambda tf, x: [*tf.split(value=x, num_or_size_splits=[1, 3], axis=-1), *tf.unstack(x, axis=-2),
    *tf.unstack(x, num=2)], _X3)  # fmt: skip
add("named_cumulated", lambda tf, x: [tf.cumsum(x, axis=-1, exclusive=True), tf.cumsum(x, 1, False, True),
    tf.cumsum(x, exclusive=True, reverse=True), tf.cumprod(x, axis=-2, exclusive=True), tf.cumprod(x, 2, reverse=True)], _X3)  # fmt: skip
add("named_reverse", lambda tf, x: [tf.reverse(x, axis=[-1]), tf.reverse_v2(x, [0, 1]), tf.reverse(x, [])], _X3)
add(
    "named_gather",
    lambda tf, x, i: [tf.gather(x, i, axis=-1), tf.gather(params=x, indices=i, axis=1)],
    _X3,
    np.array([[2, 0], [1, 1]]),
)
add("named_one_hot", lambda tf, i: [tf.one_hot(i, 3, axis=1), tf.one_hot(i, depth=3, on_value=7, off_value=-7),
    tf.one_hot(indices=i, depth=2, dtype=tf.int64), tf.one_hot(i, 3, 5.0, axis=-1)], np.array([[0, 2, 1], [1, -1, 3]]))  # fmt: skip
add("named_moments", lambda tf, x: [*tf.nn.moments(x, axes=[-1], keep_dims=True), *tf.nn.moments(x, [1, 0])], _X3)
add("named_norms", lambda tf, x: [tf.norm(x, ord=2, axis=1), tf.norm(x, axis=-1, keep_dims=True), tf.norm(x, "euclidean"),
    tf.norm(x, np.inf, [0, 1])], _X3)  # fmt: skip
add("named_count", lambda tf, x: [tf.count_nonzero(x, reduction_indices=[1]), tf.count_nonzero(x, axis=0, keep_dims=True)],
    f32([[0, 1, 2], [0, 0, 3]]))  # fmt: skip
add("named_matmul", lambda tf, x, y: [tf.matmul(x, y, adjoint_b=True), tf.matmul(x, y, True), tf.matmul(a=x, b=y, transpose_b=True)],
    normal(2, 3, 3), normal(2, 3, 3, seed=1))  # fmt: skip
add("named_transposed", lambda tf, x: [tf.transpose(x, perm=[2, 1, 0]), tf.matrix_transpose(x), tf.transpose(a=x)], _X3)
add(
    "named_tensordot",
    lambda tf, x, y: [tf.tensordot(x, y, axes=[[2, 0], [0, 1]]), tf.tensordot(x, y, ([2], [0]))],
    _X3,
    normal(4, 2),
)
add("named_pad", lambda tf, x: [tf.pad(x, [[1, 0], [0, 2]], mode="symmetric"), tf.pad(x, [[1, 0], [0, 2]], "reflect"),
    tf.pad(x, [[1, 0], [0, 2]], "CONSTANT", None, -1.5), tf.pad(tensor=x, paddings=[[0, 0], [1, 0]], constant_values=2)], normal(3, 4))  # fmt: skip
add("named_where", lambda tf, c, x, y: [tf.where(condition=c, x=x, y=y), tf.boolean_mask(x, c), tf.boolean_mask(x, c, axis=0)],
    np.array([True, False, True]), normal(3, 2), normal(3, 2, seed=1))  # fmt: skip
add("named_clip", lambda tf, x: [tf.clip_by_value(t=x, clip_value_min=-0.5, clip_value_max=0.25), tf.clip_by_norm(t=x, clip_norm=0.5, axes=1)],
    normal(3, 4))  # fmt: skip
add("named_tops", lambda tf, x: [*tf.nn.top_k(input=x, k=2, sorted=True), tf.sort(x, axis=0), tf.sort(values=x, axis=-1, direction="DESCENDING")],
    normal(3, 4))  # fmt: skip
add(
    "named_mask",
    lambda tf, n: [tf.sequence_mask(lengths=n, maxlen=3, dtype=tf.int32), tf.sequence_mask(n, 4)],
    np.array([1, 3, 0]),
)
add("named_confusion", lambda tf, a, b: [tf.confusion_matrix(labels=a, predictions=b, num_classes=4), tf.confusion_matrix(a, b, 3, weights=[2, 3, 4])],
    np.array([0, 2, 1]), np.array([0, 1, 1]))  # fmt: skip
add(
    "named_linspace",
    lambda tf: [
        tf.linspace(start=1.0, stop=2.0, num=4),
        tf.range(start=3, limit=9, delta=4),
        tf.range(limit=3, start=1),
    ],
)
add("named_eye", lambda tf: [tf.eye(num_rows=2, num_columns=3, batch_shape=[2], dtype=tf.float64), tf.fill(dims=[2], value=True),
    tf.zeros(shape=[2], dtype=tf.bool), tf.ones([2], dtype=tf.int64), tf.constant(7, shape=[2, 2]), tf.constant([1, 2, 3], tf.int16, [5])])  # fmt: skip
add("named_like", lambda tf, x: [tf.zeros_like(x, dtype=tf.int32), tf.ones_like(tensor=x, dtype=tf.bool, optimize=False),
    tf.shape(x, out_type=tf.int64), tf.size(x, out_type=tf.int64)], _X3)  # fmt: skip

# Convolutions and pools.

_IMAGE, _KERNEL = normal(2, 7, 6, 2), normal(3, 3, 2, 3)
add("named_conv2d", lambda tf, x, w: [tf.stop_gradient(
    tf.nn.conv2d(input=x, filter=w, strides=[1, 1, 1, 1], padding="SAME", dilations=[1, 1, 2, 1])),
    tf.nn.conv2d(x, filters=w, strides=2, padding="VALID"), tf.nn.conv2d(x, w, [1, 2], [[0, 0], [2, 1], [0, 3], [0, 0]])], _IMAGE, _KERNEL)  # fmt: skip
add("named_convolution", lambda tf, x, w: [tf.nn.convolution(x, w, "VALID", dilation_rate=[2, 1]),
    tf.nn.convolution(input=x, filter=w, padding="SAME", strides=[1, 2], data_format="NHWC")], _IMAGE, _KERNEL)  # fmt: skip
add("named_depthwise", lambda tf, x, w: [tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "VALID", rate=[1, 2]),
    tf.nn.depthwise_conv2d(input=x, filter=w, strides=[1, 2, 2, 1], padding="SAME", data_format="NHWC")], _IMAGE, normal(3, 3, 2, 2))  # fmt: skip
add("named_conv1d", lambda tf, x, w: [tf.nn.conv1d(value=x, filters=w, stride=2, padding="SAME"), tf.nn.conv1d(x, w, 1, "VALID", data_format="NWC")],
    normal(2, 7, 2), normal(3, 2, 3))  # fmt: skip
add("named_transpose_conv", lambda tf, x, w: tf.nn.conv2d_transpose(value=x, filter=w, output_shape=[2, 5, 7, 2], strides=[1, 2, 2, 1],
    padding="VALID", data_format="NHWC"), normal(2, 2, 3, 3), normal(3, 3, 2, 3))  # fmt: skip
add("named_pools", lambda tf, x: [tf.nn.max_pool(value=x, ksize=[1, 3, 1, 1], strides=[1, 1, 2, 1], padding="SAME", data_format="NHWC"),
    tf.nn.avg_pool(x, 2, 2, "VALID"), tf.nn.max_pool(x, [2, 3], [1, 2], "SAME")], _IMAGE)  # fmt: skip
add("named_pool", lambda tf, x: [tf.nn.pool(x, [2, 2], "MAX", "VALID", dilation_rate=[1, 1]), tf.nn.pool(
    x, window_shape=[3, 2], pooling_type="AVG", padding="SAME", strides=[2, 2])], _IMAGE)  # fmt: skip
add("named_lrn", lambda tf, x: tf.nn.lrn(x, depth_radius=1, bias=2.0, alpha=0.5, beta=0.25), normal(1, 2, 3, 5))
add("named_bias", lambda tf, x, b: [tf.nn.bias_add(value=x, bias=b, data_format="NHWC"), tf.nn.xw_plus_b(x[0, 0], tf.ones([2, 2]), b)],
    _IMAGE, normal(2))  # fmt: skip
add(
    "named_leaky",
    lambda tf, x: [tf.nn.leaky_relu(features=x, alpha=0.5), tf.nn.crelu(x, axis=1), tf.nn.elu(features=x)],
    normal(3, 4),
)
add("named_batch_norm", lambda tf, x, m, v: [tf.nn.batch_normalization(x, m, v, None, None, 0.1),
    tf.nn.batch_normalization(x, m, v, offset=m, scale=None, variance_epsilon=0.01)], normal(3, 4), normal(4), positive(4))  # fmt: skip
add("named_zero_fraction", lambda tf, x: [tf.nn.zero_fraction(value=x), tf.nn.l2_loss(t=x)], f32([0, 1, 0, 2]))
add("named_patches", lambda tf, x: [tf.image.extract_image_patches(x, ksizes=[1, 2, 3, 1], strides=[1, 2, 1, 1], rates=[1, 2, 1, 1],
    padding="VALID"), tf.space_to_depth(x[:, :6], block_size=2), tf.depth_to_space(tf.tile(x, [1, 1, 1, 2]), 2)], _IMAGE)  # fmt: skip
add(
    "named_embedding",
    lambda tf, x, i: tf.nn.embedding_lookup(params=x, ids=i, partition_strategy="div"),
    normal(4, 3),
    np.array([3, 0, 3]),
)

# Images.

_BYTES = np.arange(72).reshape(1, 6, 4, 3).astype(np.uint8)
for _method in ("bilinear", "nearest_neighbor", "bicubic", "area"):
    add("named_resize_" + _method, lambda tf, x, n="resize_" + _method: [tf.stop_gradient(y) for y in (
        getattr(tf.image, n)(images=x, size=[9, 7], align_corners=True), getattr(tf.image, n)(x, [1, 3], True),
        getattr(tf.image, n)(x, [5, 5]))], _IMAGE)  # fmt: skip
add("named_resize_images", lambda tf, x: [tf.image.resize_images(images=x, size=[4, 9], method=m, align_corners=True) for m in (
    tf.image.ResizeMethod.BILINEAR, tf.image.ResizeMethod.NEAREST_NEIGHBOR, tf.image.ResizeMethod.BICUBIC)], _BYTES)  # fmt: skip
add("named_aspect", lambda tf, x: tf.image.resize_images(x, [8, 8], preserve_aspect_ratio=True), _BYTES)
add("named_crops", lambda tf, x: [tf.image.crop_to_bounding_box(image=x, offset_height=1, offset_width=0, target_height=3, target_width=4),
    tf.image.pad_to_bounding_box(x, offset_height=2, offset_width=1, target_height=9, target_width=6),
    tf.image.resize_image_with_crop_or_pad(image=x, target_height=8, target_width=3)], _BYTES)  # fmt: skip
add("named_crop_boxes", lambda tf, x: tf.image.crop_and_resize(image=x, boxes=[[0.0, 0.2, 1.5, 0.9]], box_ind=[1], crop_size=[3, 3],
    method="bilinear", extrapolation_value=-1.0), _IMAGE)  # fmt: skip
add("named_psnr", lambda tf, x: [tf.image.psnr(a=x, b=x // 2, max_val=255), tf.image.adjust_gamma(
    image=tf.cast(x, tf.float32), gamma=2, gain=0.5)], _BYTES)  # fmt: skip

# Losses.

_A, _B, _W = positive(4, 3), positive(4, 3, seed=1), f32([[1], [0], [2], [0.5]])
for _reduction in ("NONE", "SUM", "MEAN", "SUM_OVER_BATCH_SIZE", "SUM_OVER_NONZERO_WEIGHTS", "SUM_BY_NONZERO_WEIGHTS"):
    add("reduction_" + _reduction.lower(), lambda tf, y, x, w, r=_reduction: [
        getattr(tf.losses, n)(y, x, weights=w, reduction=getattr(tf.losses.Reduction, r))
        for n in ("absolute_difference", "log_loss", "huber_loss", "sigmoid_cross_entropy", "hinge_loss")]
        + [tf.losses.sparse_softmax_cross_entropy([0, 2, 1, 1], x, w[:, 0], reduction=getattr(tf.losses.Reduction, r))],
        _A, _B, _W)  # fmt: skip
add("named_losses", lambda tf, y, x, w: [
    tf.losses.log_loss(labels=y, predictions=x, weights=w, epsilon=0.5), tf.losses.huber_loss(y, x, weights=w, delta=0.1),
    tf.losses.cosine_distance(labels=y, predictions=x, dim=1, weights=w), tf.losses.cosine_distance(y, x, axis=0, reduction="none"),
    tf.losses.softmax_cross_entropy(onehot_labels=y, logits=x, weights=w[:, 0], label_smoothing=0.5),
    tf.losses.sigmoid_cross_entropy(multi_class_labels=y, logits=x, label_smoothing=0.25, reduction="none"),
    tf.losses.compute_weighted_loss(losses=x, weights=w, reduction="weighted_sum")], _A, _B, _W)  # fmt: skip
add("named_nn_losses", lambda tf, y, x: [
    tf.nn.weighted_cross_entropy_with_logits(targets=y, logits=x, pos_weight=0.5), tf.nn.log_poisson_loss(
        targets=y, log_input=x, compute_full_loss=True), tf.nn.sigmoid_cross_entropy_with_logits(logits=x, labels=y)], _A, _B)  # fmt: skip


@case()
def named_layers(tf: Any) -> Results:
    """Arguments of layers that change sizes, names, collections and values."""
    some = tf.constant_initializer(0.25)
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(_IMAGE)
        made = [
            tf.layers.conv2d(x, filters=2, kernel_size=(2, 3), strides=(2, 1), padding="same", kernel_initializer=some,
                             bias_initializer=some, activation=tf.nn.relu, dilation_rate=1, name="c"),
            tf.layers.conv2d(x, 2, 2, dilation_rate=(2, 1), use_bias=False, kernel_initializer=some, trainable=False),
            tf.layers.conv2d(x, 2, [2, 3], (2, 1), "same", name="c", reuse=True),
            tf.layers.max_pooling2d(inputs=x, pool_size=[3, 2], strides=(1, 2), padding="same", name="p"),
            tf.layers.average_pooling2d(x, 3, 2, "valid"),
            tf.layers.dense(inputs=x, units=2, activation=tf.tanh, use_bias=True, kernel_initializer=some,
                            bias_initializer=some, kernel_regularizer=lambda w: tf.reduce_sum(w)),
            tf.layers.dropout(x, rate=0.5, training=False),
            tf.layers.batch_normalization(x, axis=-1, momentum=0.5, epsilon=0.1, beta_initializer=some,
                                          gamma_initializer=some, moving_mean_initializer=some),
            tf.layers.separable_conv2d(x, 2, 3, depth_multiplier=2, depthwise_initializer=some, pointwise_initializer=some),
            tf.layers.conv2d_transpose(x, 2, 3, strides=(2, 1), padding="valid", kernel_initializer=some),
            tf.layers.flatten(x, name="f"),
        ]  # fmt: skip
        losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
        session.run(tf.global_variables_initializer())
        results = {str(i): v for i, v in enumerate(session.run(made + losses))}
        return dict(results, variables=names_of(tf.global_variables()), trainable=names_of(tf.trainable_variables()),
            shapes=[shape_of(v) for v in tf.global_variables()], made=names_of(made[:1] + made[2:]))  # fmt: skip


@case()
def named_variables(tf: Any) -> Results:
    """Collections, dtypes, initial values and partitions by argument."""
    with tf.Graph().as_default(), tf.Session() as session:
        keys = tf.GraphKeys
        tf.Variable(
            initial_value=[1, 2], trainable=False, collections=[keys.LOCAL_VARIABLES, "mine"], name="a", dtype=tf.int64
        )
        tf.Variable(lambda: tf.ones([2]) * 3.0, name="b", dtype=tf.float32)
        tf.get_variable("c", shape=(2, 2), dtype=tf.float64, initializer=tf.zeros_initializer(), trainable=False)
        tf.get_variable("d", initializer=np.float32([4, 5]), collections=["mine", keys.GLOBAL_VARIABLES])
        tf.get_variable("e", [3], tf.int32, tf.ones_initializer(tf.int32), regularizer=None)
        tf.get_variable("f", [2], initializer=tf.constant_initializer(2.0), regularizer=lambda v: tf.reduce_sum(v))
        tf.get_variable("g", [], initializer=tf.random_uniform_initializer(1.0, 1.0))
        with tf.variable_scope(
            "s", dtype=tf.float64, initializer=tf.constant_initializer(6.0), regularizer=tf.reduce_sum
        ):
            tf.get_variable("h", [2])
            tf.get_variable("i", [2], tf.float32, regularizer=lambda v: None)
        kept = {k: names_of(tf.get_collection(getattr(keys, k))) for k in (
            "GLOBAL_VARIABLES", "LOCAL_VARIABLES", "TRAINABLE_VARIABLES", "REGULARIZATION_LOSSES")}  # fmt: skip
        every = tf.global_variables() + tf.local_variables()
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        values = {v.op.name: session.run(v) for v in every}
        return dict(
            values, kept=kept, mine=names_of(tf.get_collection("mine")), types=[v.dtype.base_dtype.name for v in every]
        )


@case()
def named_decays(tf: Any) -> Results:
    """Learning rates by step, with the arguments that programs rarely give."""
    with tf.Graph().as_default(), tf.Session() as session:
        step, train = tf.placeholder(tf.int64, []), tf.train
        rates = tf.stack([
            train.exponential_decay(learning_rate=0.5, global_step=step, decay_steps=3, decay_rate=0.5, staircase=True),
            train.polynomial_decay(1.0, step, decay_steps=4, end_learning_rate=0.25, power=2.0, cycle=True),
            train.inverse_time_decay(1.0, step, decay_steps=2, decay_rate=0.5, staircase=True),
            train.natural_exp_decay(1.0, step, 2, 0.5, staircase=True),
            train.piecewise_constant(step, [2, 5], values=[1.0, 0.5, 0.125]),
            train.cosine_decay(1.0, step, 6, alpha=0.25), train.linear_cosine_decay(1.0, step, 6, num_periods=2.0, alpha=0.1, beta=0.2),
            train.cosine_decay_restarts(1.0, step, first_decay_steps=3, t_mul=1.5, m_mul=0.5, alpha=0.1),
        ])  # fmt: skip
        return {"rates": np.stack([session.run(rates, {step: i}) for i in range(10)])}


@case()
def named_optimizers(tf: Any) -> Results:
    """Steps with gradients by argument: `grad_loss`, `var_list`, `name`, an average with steps, a name for zeros."""
    with tf.Graph().as_default(), tf.Session() as session:
        w, b, count = (
            tf.Variable([1.0, 2.0], name="w"),
            tf.Variable(3.0, name="b"),
            tf.Variable(5, trainable=False, name="n"),
        )
        loss = w * w * b
        optimizer = tf.train.GradientDescentOptimizer(learning_rate=0.1, use_locking=True, name="Slow")
        step = optimizer.minimize(loss, global_step=count, var_list=[w], name="mine", grad_loss=tf.constant([1.0, 0.5]))
        pairs = optimizer.compute_gradients(loss, var_list=[b, w], grad_loss=tf.constant([0.0, 1.0]))
        again = optimizer.apply_gradients([(pairs[0][0] * 0.5, b)], global_step=count, name="again")
        average = tf.train.ExponentialMovingAverage(0.9, num_updates=count, zero_debias=False, name="Mean")
        kept = average.apply([w])
        names = [step.name, again.name, average.average(w).name, average.average_name(b)]
        session.run(tf.global_variables_initializer())
        values = []
        for op in (step, again, kept, step, kept):
            session.run(op)
            values.append(np.concatenate([np.ravel(v) for v in session.run([w, b, average.average(w)])]))
        return {"values": np.stack(values), "count": session.run(count), "names": names}


@case()
def named_gradients(tf: Any) -> Results:
    """`tf.gradients` by argument: names, given gradients, stops and what is unconnected."""
    with tf.Graph().as_default(), tf.Session() as session:
        x, z = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
        y = x * x * z
        found = tf.gradients(ys=[y, x * 3.0], xs=[x, z], grad_ys=[tf.constant([1.0, -1.0]), None], name="slopes")
        stopped = tf.gradients(y, [x, z], stop_gradients=[x])
        zero = tf.gradients(x * 2.0, [z, x], unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return {"values": np.stack(session.run(found + stopped + zero)), "scope": [g.name.split("/")[0] for g in found]}


def _metric_arguments(name: str, build: Any) -> None:
    """The value and the update of a metric with its arguments, over two batches."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            y, f, w = (tf.placeholder(t, [None]) for t in (tf.int64, tf.float32, tf.float32))
            value, update = build(tf.metrics, y, f, w)
            session.run(tf.local_variables_initializer())
            results = {}
            for i, batch in enumerate(
                (([0, 1, 1, 0], [0.1, 0.8, 0.3, 0.6], [1, 2, 0, 1]), ([1, 1], [0.9, 0.2], [0.5, 3]))
            ):
                results["update%d" % i] = session.run(update, dict(zip((y, f, w), batch)))
                results["value%d" % i] = session.run(value)
            return dict(results, kept=names_of(tf.get_collection("mine")), more=names_of(tf.get_collection("more")),
                name=value.name)  # fmt: skip

    CASES["metric_arguments_" + name] = Case(run, 2e-5, 2e-6)


_KEPT = dict(metrics_collections=["mine"], updates_collections="more", name="m")
_metric_arguments("mean", lambda m, y, f, w: m.mean(values=f, weights=w, **_KEPT))
_metric_arguments("accuracy", lambda m, y, f, w: m.accuracy(labels=y, predictions=y * 0 + 1, weights=w, **_KEPT))
_metric_arguments("precision", lambda m, y, f, w: m.precision(labels=y, predictions=f > 0.5, weights=w, **_KEPT))
_metric_arguments("recall", lambda m, y, f, w: m.recall(y, f > 0.5, w, ["mine"], ["more"], "m"))
_metric_arguments("auc", lambda m, y, f, w: m.auc(labels=y, predictions=f, weights=w, num_thresholds=7, curve="PR",
    summation_method="majoring", **_KEPT))  # fmt: skip
_metric_arguments("percentage", lambda m, y, f, w: m.percentage_below(values=f, threshold=0.5, weights=w, **_KEPT))
_metric_arguments(
    "iou", lambda m, y, f, w: m.mean_iou(labels=y, predictions=f * 2.0, num_classes=2, weights=w, **_KEPT)
)


# Arguments by position, where the order is easily another.

add("placed_slices", lambda tf, x: [
    tf.strided_slice(x, [0, 1, 1], [2, 3, 4], [1, 1, 2], 1, 2), tf.strided_slice(x, [1, 0], [2, 2], [1, 1], 0, 0, 1),
    tf.strided_slice(x, [0, 0, 1], [0, 0, 2], [1, 1, 1], 0, 0, 0, 1, 4, None, "cut"), tf.strided_slice(x, [-1, 2], [0, 0], [1, -1], 0, 2, 0, 0, 1)],
    _X3)  # fmt: skip
add("placed_depthwise", lambda tf, x, w: tf.nn.depthwise_conv2d_native(x, w, [1, 1, 1, 1], "VALID", "NHWC", [1, 1, 1, 1], "d"), _IMAGE,
    normal(3, 3, 2, 2))  # fmt: skip
add("placed_pool", lambda tf, x: [tf.nn.max_pool2d(x, 2, 2, "SAME", "NHWC", "p"), tf.nn.max_pool2d(input=x, ksize=3, strides=1, padding="VALID")],
    _IMAGE)  # fmt: skip
add("placed_cross_entropies", lambda tf, y, x: [tf.nn.softmax_cross_entropy_with_logits_v2(y, x, 0, "e"),
    tf.nn.softmax_cross_entropy_with_logits(None, y, x, 0, "e")], positive(3, 4), normal(3, 4))  # fmt: skip
add("placed_matmul", lambda tf, x, y: [tf.matmul(x[0], y[0], False, False, True, False, False, True, "m"), tf.matmul(x, y, adjoint_b=True),
    tf.transpose(x, [1, 0, 2], "t", True)], normal(2, 3, 3), normal(2, 3, 3, seed=1))  # fmt: skip
add("placed_sums", lambda tf, x: [tf.reduce_logsumexp(x, 1, True, "s"), tf.reduce_logsumexp(x, reduction_indices=[0], keep_dims=True),
    tf.scalar_mul(2.0, x, "m"), tf.zeros_like(x, tf.float64, "z", False), tf.matrix_diag(x, "d", 0), tf.gather(x, [1], None, "g", 1, 0)], normal(2, 3))  # fmt: skip


@case()
def placed_layers(tf: Any) -> Results:
    """Arguments of the layers' classes by position, and operations in place of values."""
    with tf.Graph().as_default(), tf.Session() as session:
        x, layers = tf.constant(_IMAGE), tf.layers
        zeros, ones = tf.zeros_initializer(), tf.ones_initializer()
        norm = layers.BatchNormalization(-1, 0.5, 0.1, True, True, ones, ones, zeros, ones, None, None, None, None,
                                         False, None, 0.99, None, False, None, None, "norm")  # fmt: skip
        made = [norm(x), layers.Dropout(0.5, None, 3, "drop")(x), layers.Flatten("channels_first")(x)]
        v = tf.Variable([1.0, 2.0], name="v")
        changes = [v.assign([3.0, 4.0], False, "a", False), v.assign_add([1.0, 1.0], read_value=False)]
        changed = v.assign_sub([1.0, 1.0], False, "s", True)
        session.run(tf.global_variables_initializer())
        values = session.run(made)
        nothing = [session.run(change) is None for change in changes]
        return dict({str(i): y for i, y in enumerate(values)}, v=session.run(v.read_value()), nothing=nothing, changed=session.run(changed),
            names=names_of(made + tf.global_variables()), trainable=names_of(tf.trainable_variables()))  # fmt: skip


@case()
def placed_graph_calls(tf: Any) -> Results:
    """Methods of graphs, and errors as programs make them."""
    with tf.Graph().as_default() as graph:
        x = tf.constant(1.0, name="x")
        names = [graph.unique_name("x", mark_as_used=False), graph.unique_name("x"), graph.unique_name("y", False)]
        found = [graph.as_graph_element("x:0").name, graph.as_graph_element("x", True, True).name]
        refused = []
        for arguments in ((x, False, True), (x.op, True, False), (3,)):
            try:
                graph.as_graph_element(*arguments)
            except Exception as error:
                refused.append(type(error).__name__)
        with graph.control_dependencies(control_inputs=[x]):
            y = tf.no_op(name="y")
        error = tf.errors.OutOfRangeError(None, x.op, "the end")
        return {"names": names + found, "refused": refused, "inputs": [op.name for op in y.control_inputs],
            "message": [error.message, error.op.name, tf.errors.NotFoundError(None, None, "m").message]}  # fmt: skip


@case()
def placed_layer_calls(tf: Any) -> Results:
    """The names of what layers give at their first call and at later ones."""
    with tf.Graph().as_default():
        x, image, layers, made = tf.ones([2, 3]), tf.constant(_IMAGE), tf.layers, []
        for layer in (layers.Dense(3, name="top"), layers.Dense(3), layers.Dense(3)):
            made += [layer(x), layer(x), layer(x)]
        for layer in (layers.Conv2D(2, 2), layers.Flatten(name="f"), layers.MaxPooling2D(2, 2), layers.BatchNormalization(),
                      layers.Conv2DTranspose(2, 2), layers.SeparableConv2D(2, 2, activation=tf.nn.relu)):  # fmt: skip
            made += [layer(image), layer(image)]
            with tf.name_scope("n"):
                made.append(layer(image))
        with tf.variable_scope("s"):
            layer = layers.Conv2D(2, 2, name="k", activation=tf.nn.relu)
            made += [layer(image), layer(image)]
        dropout = layers.Dropout(0.5, name="drop")
        made += [dropout(image), dropout(image, training=True)]
        made += [
            layers.dense(x, 3, name="fn"),
            layers.dense(x, 3, name="fn", reuse=True),
            layers.dense(x, 3, name="top", reuse=True),
        ]
        return {"names": names_of(made), "variables": names_of(tf.global_variables())}
