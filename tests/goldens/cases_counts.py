"""How many nodes calls make: default op seeds come from it. See ``cases.py`` for the rules of these files.

Tests `core/op_count.py` and `ops/counting.py`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

from cases import CASES, Case, Results, drawn_after


def counted(name: str, calls: Any) -> None:
    """A random number after each of many calls: each value pins the number of ops that the call before it makes."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(3)
            made = calls(tf)
            results = drawn_after(tf, session, made)
        assert len(results) == len(made), "two calls of one name"
        return results

    CASES["counted_" + name] = Case(run, 5e-7, 1e-7)


def _losses(tf: Any) -> Any:
    """Each loss, of rows whose number is known and is not, with weights of all kinds."""
    losses, made = tf.losses, []
    x, y = tf.placeholder(tf.float32, [None, 10]), tf.placeholder(tf.float32, [None, 10])
    fixed, ids = tf.placeholder(tf.float32, [4, 10]), tf.placeholder(tf.int32, [None])
    rows, column = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [4, 1])
    scalar, free = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32)
    for loss in ("absolute_difference", "mean_squared_error", "log_loss", "hinge_loss", "huber_loss",
                 "sigmoid_cross_entropy", "softmax_cross_entropy"):  # fmt: skip
        function = getattr(losses, loss)
        made += [
            (loss, lambda f=function: f(x, y)),
            (loss + " known", lambda f=function: f(fixed, fixed)),
            (loss + " half", lambda f=function: f(x, y, weights=0.5)),
            (loss + " scalar", lambda f=function: f(x, y, weights=scalar)),
            (loss + " sum", lambda f=function: f(x, y, reduction=losses.Reduction.SUM)),
        ]
    made += [
        ("sparse", lambda: losses.sparse_softmax_cross_entropy(ids, x)),
        ("sparse rows", lambda: losses.sparse_softmax_cross_entropy(ids, x, weights=rows)),
        ("softmax rows", lambda: losses.softmax_cross_entropy(x, y, weights=rows)),
        ("smooth", lambda: losses.softmax_cross_entropy(x, y, label_smoothing=0.1)),
        ("smooth sigmoid", lambda: losses.sigmoid_cross_entropy(x, y, label_smoothing=0.1)),
        ("cosine", lambda: losses.cosine_distance(x, y, axis=1)),
        ("pairs", lambda: losses.mean_pairwise_squared_error(fixed, fixed)),
    ]
    for reduction in sorted(set(losses.Reduction.all())):
        for name, values, weight in (("python", x, 2.0), ("same", fixed, fixed), ("column", fixed, column),
                                     ("unsure", x, y), ("free", fixed, free), ("constant", x, None)):  # fmt: skip
            made.append(("%s %s" % (reduction, name), lambda v=values, w=weight, r=reduction: (
                losses.compute_weighted_loss(v, tf.constant(1.5) if w is None else w, None, None, r))))  # fmt: skip
    made += [("total", losses.get_total_loss), ("regularization", losses.get_regularization_loss)]
    return made


def _others(tf: Any) -> Any:
    x, image = tf.placeholder(tf.float32, [None, 10]), tf.placeholder(tf.float32, [None, 8, 8, 4])
    fixed, volume = tf.placeholder(tf.float32, [4, 10]), tf.placeholder(tf.float32, [2, 4, 5, 6, 2])
    ids, step = tf.placeholder(tf.int32, [None]), tf.train.get_or_create_global_step()
    ones, on = tf.ones([4]), tf.placeholder(tf.bool, [])
    return [
        ("logsumexp", lambda: tf.reduce_logsumexp(x)),
        ("logsumexp axis", lambda: tf.reduce_logsumexp(x, 1)),
        ("logsumexp keep", lambda: tf.reduce_logsumexp(x, 1, keepdims=True)),
        ("linspace", lambda: tf.linspace(0.0, 1.0, 5)),
        ("eye", lambda: tf.eye(3)),
        ("fused_batch_norm", lambda: tf.nn.fused_batch_norm(image, ones, ones)),
        ("fused_batch_norm still", lambda: tf.nn.fused_batch_norm(image, ones, ones, ones, ones, is_training=False)),
        ("inverse_time_decay", lambda: tf.train.inverse_time_decay(0.1, step, 1, 0.5)),
        ("polynomial_decay", lambda: tf.train.polynomial_decay(0.1, step, 10)),
        ("exponential_decay", lambda: tf.train.exponential_decay(0.1, step, 10, 0.5, staircase=True)),
        ("cosine_decay", lambda: tf.train.cosine_decay(0.1, step, 10)),
        ("one_hot values", lambda: tf.one_hot(ids, 3, on_value=2.0, off_value=1.0)),
        ("dense images", lambda: tf.layers.dense(image, 3)),
        ("dense known", lambda: tf.layers.dense(volume, 3)),
        ("dense rows", lambda: tf.layers.dense(x, 3, use_bias=False)),
        ("conv3d", lambda: tf.layers.conv3d(volume, 3, 2)),
        ("conv3d_transpose", lambda: tf.layers.conv3d_transpose(volume, 3, 2, 2, "same")),
        ("conv3d_transpose valid", lambda: tf.layers.conv3d_transpose(volume, 3, 3, 2)),
        ("conv2d first", lambda: tf.layers.conv2d(image, 3, 3, data_format="channels_first")),
        ("pool first", lambda: tf.layers.max_pooling2d(image, 2, 2, data_format="channels_first")),
        ("cumprod", lambda: tf.cumprod(x)),
        ("patches", lambda: tf.image.extract_image_patches(image, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "SAME")),
        ("dropout", lambda: tf.layers.dropout(x, 0.5, training=on)),
        ("dropout known", lambda: tf.layers.dropout(x, 0.5, training=tf.constant(True))),
        ("dropout static", lambda: tf.layers.dropout(fixed, 0.5, training=on)),
        ("dropout noise", lambda: tf.layers.dropout(x, 0.5, noise_shape=[4, 1], training=on)),
        ("dropout noise static", lambda: tf.layers.dropout(fixed, 0.5, noise_shape=[4, 1], training=on)),
        ("batch_normalization", lambda: tf.layers.batch_normalization(image, training=on)),
        ("divide by tensor", lambda: ids // ids[0]),
        ("divide", lambda: tf.div(fixed, 2.0)),
        ("accuracy", lambda: tf.metrics.accuracy(ids, ids)),
        ("mean", lambda: tf.metrics.mean(fixed)),
    ]


def _images(tf: Any) -> Any:
    """Changes of images, random ones too, for one image and for batches, known and unknown."""
    made = []
    for name, shape, dtype in (("one", [8, 8, 3], tf.float32), ("known", [5, 8, 8, 3], tf.float32),
                               ("batch", [None, 8, 8, 3], tf.float32), ("free", [None, None, 3], tf.float32),
                               ("bytes", [8, 8, 3], tf.uint8), ("byte batch", [None, 8, 8, 3], tf.uint8)):  # fmt: skip
        x, size = tf.placeholder(dtype, shape), [3] * (len(shape) - 3) + [4, 4, 3]
        made += [
            ("flip " + name, lambda x=x: tf.image.random_flip_left_right(x)),
            ("flip down " + name, lambda x=x: tf.image.random_flip_up_down(x)),
            ("brightness " + name, lambda x=x: tf.image.random_brightness(x, 0.1)),
            ("contrast " + name, lambda x=x: tf.image.random_contrast(x, 0.1, 0.5)),
            ("hue " + name, lambda x=x: tf.image.random_hue(x, 0.1)),
            ("saturation " + name, lambda x=x: tf.image.random_saturation(x, 0.1, 0.5)),
            ("crop " + name, lambda x=x, s=size: tf.random_crop(x, s)),
            ("resize " + name, lambda x=x: tf.image.resize_images(x, [4, 4])),
            ("adjust hue " + name, lambda x=x: tf.image.adjust_hue(x, 0.1)),
            ("adjust saturation " + name, lambda x=x: tf.image.adjust_saturation(x, 0.1)),
            ("turned " + name, lambda x=x: tf.image.flip_up_down(x)),
            ("crop or pad " + name, lambda x=x: tf.image.resize_image_with_crop_or_pad(x, 12, 6)),
            ("standard " + name, lambda x=x: tf.image.per_image_standardization(x)),
            ("zeros " + name, lambda x=x: tf.nn.zero_fraction(x)),
        ]
    return made


def _programs(tf: Any) -> Any:
    """Shapes from the graph, branches, steps of optimizers, moving averages, savers: what programs are made of."""
    x, fixed, on = (
        tf.placeholder(tf.float32, [None, 16]),
        tf.placeholder(tf.float32, [4, 16]),
        tf.placeholder(tf.bool, []),
    )
    w, b = tf.Variable(tf.ones([16, 3]), name="w"), tf.Variable(tf.ones([3]), name="b")
    step, train = tf.train.get_or_create_global_step(), tf.train
    average, counted = train.ExponentialMovingAverage(0.9), train.ExponentialMovingAverage(0.9, step)
    made = [
        ("reshape shape", lambda: tf.reshape(x, tf.shape(fixed))),
        ("reshape its shape", lambda: tf.reshape(x, tf.shape(x))),
        ("reshape first", lambda: tf.reshape(x, [tf.shape(x)[0], 4, 4])),
        ("reshape first known", lambda: tf.reshape(fixed, [tf.shape(fixed)[0], 4, 4])),
        ("reshape stack", lambda: tf.reshape(x, tf.stack([tf.shape(x)[0], 16]))),
        ("reshape dimension", lambda: tf.reshape(fixed, [fixed.get_shape()[0], 4, 4])),
        ("reshape static", lambda: tf.reshape(fixed, fixed.get_shape())),
        ("zeros first", lambda: tf.zeros([tf.shape(x)[0], 3])),
        ("ones first known", lambda: tf.ones([tf.shape(fixed)[0], 3])),
        ("zeros shape", lambda: tf.zeros(tf.shape(x))),
        ("ones shape known", lambda: tf.ones(tf.shape(fixed))),
        ("fill shape known", lambda: tf.fill(tf.shape(fixed), 2.0)),
        ("fill first", lambda: tf.fill([tf.shape(x)[0], 3], 1.0)),
        ("random shape", lambda: tf.random_normal(tf.shape(fixed))),
        ("random first known", lambda: tf.truncated_normal([tf.shape(fixed)[0], 2])),
        ("random first", lambda: tf.random_uniform([tf.shape(x)[0], 2])),
        ("broadcast", lambda: tf.broadcast_to(fixed, [2, 4, 16])),
        ("broadcast shape", lambda: tf.broadcast_to(fixed, tf.shape(fixed))),
        ("resize shape", lambda: tf.image.resize_bilinear(tf.zeros([1, 4, 4, 1]), tf.shape(fixed))),
        ("cond", lambda: tf.cond(on, lambda: x * 2.0, lambda: x + 1.0)),
        ("cond constants", lambda: tf.cond(on, lambda: tf.constant(1.0), lambda: tf.constant(2.0))),
        ("cond same", lambda: tf.cond(on, lambda: x, lambda: x)),
        ("cond pairs", lambda: tf.cond(on, lambda: (x, fixed), lambda: (x * 2.0, fixed * 2.0))),
        ("cond twice", lambda: tf.cond(on, lambda: (x, x), lambda: (x + x, x))),
        ("cond nested", lambda: tf.cond(on, lambda: tf.cond(on, lambda: x, lambda: x * 2.0), lambda: x + 1.0)),
        ("case", lambda: tf.case([(on, lambda: x * 2.0)], default=lambda: x)),
        ("cases", lambda: tf.case([(on, lambda: x * 2.0), (tf.logical_not(on), lambda: x)], default=lambda: x + x)),
        ("average", lambda: average.apply([w])),
        ("average again", lambda: average.apply([w])),
        ("averages", lambda: counted.apply([w, b])),
        ("average of tensor", lambda: train.ExponentialMovingAverage(0.5).apply([tf.reduce_sum(fixed)])),
        ("initialized", w.initialized_value),
        ("saver", lambda: train.Saver([w])),
        ("savers", lambda: train.Saver({"a": w, "b": b})),
        ("saver sharded", lambda: train.Saver([w, b], sharded=True)),
        ("saver of all", train.Saver),
        ("saver of none", lambda: train.Saver([], allow_empty=True)),
    ]
    for name, make in (
        ("descent", lambda: train.GradientDescentOptimizer(0.1)), ("momentum", lambda: train.MomentumOptimizer(0.1, 0.9)),
        ("adam", lambda: train.AdamOptimizer()), ("rms", lambda: train.RMSPropOptimizer(0.1)),
        ("centered", lambda: train.RMSPropOptimizer(0.1, centered=True)), ("adagrad", lambda: train.AdagradOptimizer(0.1)),
        ("adadelta", lambda: train.AdadeltaOptimizer()), ("ftrl", lambda: train.FtrlOptimizer(0.1)),
    ):  # fmt: skip
        made += [
            (name, lambda m=make: m().apply_gradients([(tf.ones([16, 3]), w), (tf.ones([3]), b)])),
            (name + " step", lambda m=make: m().apply_gradients([(tf.ones([3]), b)], global_step=step)),
        ]
    return made


counted("losses", _losses)
counted("programs", _programs)
counted("images", _images)
counted("others", _others)
