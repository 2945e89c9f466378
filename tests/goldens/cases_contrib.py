"""tf.contrib.layers and tf.contrib.slim: see ``cases.py`` for the rules of these files.

Tests `tf1/arg_scope.py`, `tf1/contrib_convolutions.py`, `tf1/contrib_layers.py`, `tf1/contrib_norm.py`,
`tf1/structures.py` and `tf1/nest.py`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

import os
import tempfile
from typing import Any

import numpy as np

from cases import CASES, Case, Results, _add_random, case, drawn_after
from cases_api import caught, names_of, shape_of
from cases_layers import _ramp
from cases_ops import normal

_X = normal(2, 5, 6, 3)
_ROWS = normal(4, 5)
KEYS = ("variables", "model_variables", "trainable_variables", "regularization_losses", "update_ops", "losses", "ends")


def _built(name: str, build: Any, image: Any = _X) -> None:
    """The value of a layer, its gradients, its variables, and what is in collections, with and without their names."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(4)
            x = tf.placeholder(tf.float32, [None] + list(image.shape[1:]), name="x")
            y = build(tf, tf.contrib.layers, x)
            outputs = list(y) if isinstance(y, (list, tuple)) else [y]
            grads = tf.gradients([tf.reduce_sum(t * t) for t in outputs], [x] + tf.trainable_variables())
            session.run(tf.global_variables_initializer())
            feed = {x: image}
            found = {"y%d" % i: session.run(t, feed) for i, t in enumerate(outputs)}
            found.update({"dx%d" % i: session.run(g, feed) for i, g in enumerate(grads)})
            updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
            if updates:
                session.run(updates, feed)
            found.update({"after%d" % i: session.run(v).ravel()[:6] for i, v in enumerate(tf.global_variables())})
            found["names"] = names_of(outputs)
            found["shapes"] = [shape_of(t) for t in outputs + tf.global_variables()]
            found["collections"] = {k: names_of(tf.get_collection(k)) for k in KEYS if k != "update_ops"}
            found["updates"] = len(updates)
            return found

    CASES["contrib_" + name] = Case(run, 1e-4, 1e-4)


def _ramped(layer: str, **options: Any) -> Any:
    """A layer whose weights are not random."""
    return lambda tf, layers, x: getattr(layers, layer)(x, weights_initializer=_ramp(tf), **options)


_built("conv2d", _ramped("conv2d", num_outputs=4, kernel_size=3))
_built("conv2d_random", lambda tf, layers, x: layers.conv2d(x, 4, [3, 2], 2, "VALID", scope="mine"))
_built("conv2d_valid", _ramped("conv2d", num_outputs=4, kernel_size=[2, 3], stride=2, padding="VALID", scope="c"))
_built("conv2d_linear", _ramped("conv2d", num_outputs=2, kernel_size=1, activation_fn=None, biases_initializer=None))
_built("conv2d_rate", _ramped("conv2d", num_outputs=2, kernel_size=3, rate=2))
_built("conv2d_first", lambda tf, layers, x: layers.conv2d(
    tf.transpose(tf.placeholder_with_default(x, [None, 5, 6, 3]), [0, 1, 2, 3]), 2, 3, weights_initializer=_ramp(tf)))  # fmt: skip
_built("conv2d_decay", lambda tf, layers, x: layers.conv2d(
    x, 2, 3, weights_regularizer=layers.l2_regularizer(0.1), biases_regularizer=layers.l1_regularizer(0.2),
    weights_initializer=_ramp(tf), biases_initializer=tf.constant_initializer(0.5), outputs_collections="ends"))  # fmt: skip
_built("conv2d_normalised", lambda tf, layers, x: layers.conv2d(
    x, 4, 3, normalizer_fn=layers.batch_norm, normalizer_params={"decay": 0.9, "scale": True}, scope="n",
    weights_initializer=_ramp(tf)))  # fmt: skip
_built("conv2d_twice", lambda tf, layers, x: [
    layers.conv2d(x, 2, 3, weights_initializer=_ramp(tf)), layers.conv2d(x, 3, 3, weights_initializer=_ramp(tf)),
    layers.conv2d(x, 2, 1, scope="s", weights_initializer=_ramp(tf)),
    layers.conv2d(x, 2, 1, scope="s", reuse=True, weights_initializer=_ramp(tf))])  # fmt: skip
_built("fully_connected", _ramped("fully_connected", num_outputs=4), _ROWS)
_built("fully_connected_random", lambda tf, layers, x: layers.fully_connected(x, 6, scope="fc"), _ROWS)
_built("fully_connected_images", _ramped("fully_connected", num_outputs=4))
_built("fully_connected_linear", lambda tf, layers, x: layers.linear(x, 3, weights_initializer=_ramp(tf)), _ROWS)
_built("fully_connected_normalised", lambda tf, layers, x: layers.fully_connected(
    x, 4, normalizer_fn=layers.batch_norm, weights_initializer=_ramp(tf)), _ROWS)  # fmt: skip
for _name, _options in (
    ("plain", {}), ("scaled", {"scale": True, "decay": 0.8}), ("uncentred", {"center": False, "epsilon": 0.1}),
    ("still", {"is_training": False, "scale": True}), ("unfused", {"fused": False, "scope": "bn"}),
    ("at_once", {"updates_collections": None, "decay": 0.5}),
):  # fmt: skip
    _built("batch_norm_" + _name, lambda tf, layers, x, o=_options: tf.contrib.layers.batch_norm(x, **o))
    _built("batch_norm_rows_" + _name, lambda tf, layers, x, o=_options: layers.batch_norm(x, **o), _ROWS)
_built(
    "batch_norm_active",
    lambda tf, layers, x: layers.batch_norm(x, activation_fn=tf.nn.relu, outputs_collections="ends"),
)
_built("batch_norm_initial", lambda tf, layers, x: layers.batch_norm(x, scale=True, param_initializers={
    "beta": tf.constant_initializer(0.5), "gamma": tf.constant_initializer(2.0),
    "moving_mean": tf.constant_initializer(0.1)}, is_training=tf.constant(True)))  # fmt: skip
_built("pools", lambda tf, layers, x: [tf.contrib.layers.max_pool2d(x, 2), layers.max_pool2d(x, [3, 2], 1, "SAME", scope="p"),
    layers.avg_pool2d(x, [2, 2]), layers.avg_pool2d(x, 2, stride=[1, 2], outputs_collections="ends")])  # fmt: skip
_built("flatten", lambda tf, layers, x: [layers.flatten(x), layers.flatten(x, scope="f", outputs_collections="ends")])
_built("dropout", lambda tf, layers, x: [tf.contrib.layers.dropout(x, 0.75), layers.dropout(x, is_training=False, scope="off"),
    layers.dropout(x, 0.5, is_training=tf.constant(True), outputs_collections="ends")])  # fmt: skip
_built("one_hot", lambda tf, layers, x: tf.reduce_sum(x) * layers.one_hot_encoding([1, 0, 2], 4))
_built("repeat", lambda tf, layers, x: layers.repeat(x, 2, layers.conv2d, 2, [3, 3], weights_initializer=_ramp(tf),
    scope="r"))  # fmt: skip
_built(
    "stack", lambda tf, layers, x: layers.stack(x, layers.fully_connected, [3, 4], weights_initializer=_ramp(tf)), _ROWS
)


def _scoped(tf: Any, layers: Any, x: Any) -> Any:
    slim = tf.contrib.slim
    decay = slim.l2_regularizer(0.01)
    with slim.arg_scope([slim.conv2d, slim.fully_connected], activation_fn=tf.nn.elu, weights_regularizer=decay):
        with slim.arg_scope([slim.conv2d], padding="VALID", weights_initializer=_ramp(tf)) as inner:
            y = slim.conv2d(x, 3, 2, scope="one")
        with slim.arg_scope(inner):
            y = slim.conv2d(y, 3, 2, activation_fn=None, scope="two")
        y = slim.fully_connected(slim.flatten(y), 2, weights_initializer=_ramp(tf))
    return slim.max_pool2d(slim.conv2d(x, 2, 1, weights_initializer=_ramp(tf)), 2), y


_built("arg_scope", _scoped)

for _uniform in (False, True):
    for _mode in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        _add_random("contrib_scaling_%s_%d" % (_mode.lower(), _uniform), 7,
            lambda tf, m=_mode, u=_uniform: tf.contrib.layers.variance_scaling_initializer(
                factor=3.0, mode=m, uniform=u)([3, 2, 4]))  # fmt: skip
    _add_random("contrib_xavier_%d" % _uniform, 7,
        lambda tf, u=_uniform: tf.contrib.layers.xavier_initializer(u)([6, 4]))  # fmt: skip
_add_random("contrib_xavier_seed", None, lambda tf: tf.contrib.layers.xavier_initializer_conv2d(seed=3)([3, 3, 2, 2]))


@case()
def contrib_regularizers(tf: Any) -> Results:
    """Values and names of penalties, alone and of variables."""
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.constant(_ROWS)
        layers = tf.contrib.layers
        made = [layers.l2_regularizer(0.3)(w), layers.l1_regularizer(0.3)(w), layers.l2_regularizer(0.1, scope="s")(w)]
        v = tf.get_variable("v", [2, 2], initializer=tf.ones_initializer(), regularizer=layers.l2_regularizer(0.5))
        none = layers.l2_regularizer(0.0)(w)
        session.run(v.initializer)
        return {
            "values": np.array(session.run(made + [tf.losses.get_regularization_loss()])),
            "names": names_of(made + tf.losses.get_regularization_losses()),
            "none": none is None,
        }


@case()
def contrib_counting(tf: Any) -> Results:
    """A random number after each of many calls: each value pins the number of ops that the call before it builds."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        layers = tf.contrib.layers
        x = tf.placeholder(tf.float32, [None, 8, 8, 4])
        rows = tf.placeholder(tf.float32, [None, 10])
        calls = [
            ("conv2d", lambda: layers.conv2d(x, 2, 3)),
            ("conv2d_normalised", lambda: layers.conv2d(x, 2, 3, normalizer_fn=layers.batch_norm)),
            ("conv2d_decay", lambda: layers.conv2d(x, 2, 3, weights_regularizer=layers.l2_regularizer(0.1))),
            ("fully_connected", lambda: layers.fully_connected(rows, 2)),
            ("fully_connected_images", lambda: layers.fully_connected(x, 2)),
            ("batch_norm", lambda: layers.batch_norm(x)),
            ("batch_norm_still", lambda: layers.batch_norm(x, is_training=False)),
            ("batch_norm_scale", lambda: layers.batch_norm(x, scale=True)),
            ("batch_norm_rows", lambda: layers.batch_norm(rows)),
            ("batch_norm_now", lambda: layers.batch_norm(x, updates_collections=None)),
            ("max_pool2d", lambda: layers.max_pool2d(x, 2)),
            ("avg_pool2d", lambda: layers.avg_pool2d(x, 2)),
            ("flatten", lambda: layers.flatten(x)),
            ("dropout", lambda: layers.dropout(x, 0.5)),
            ("dropout_off", lambda: layers.dropout(x, 0.5, is_training=False)),
            ("one_hot", lambda: layers.one_hot_encoding([1, 2], 3)),
        ]
        return drawn_after(tf, session, calls)


@case(1e-4, 1e-5)
def slim_vgg_16(tf: Any) -> Results:
    """Names and shapes of variables and end points; the values of the convolutions on a small image."""
    slim, vgg = tf.contrib.slim, tf.contrib.slim.nets.vgg
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(9)
        x = tf.placeholder(tf.float32, [None, None, None, 3], name="x")
        with slim.arg_scope(tf.contrib.slim.nets.vgg.vgg_arg_scope(weight_decay=0.001)):
            y, ends = tf.contrib.slim.nets.vgg.vgg_16(x, num_classes=5, is_training=False)
        made = tf.global_variables()
        session.run(tf.variables_initializer([v for v in made if "fc" not in v.op.name]))
        image = np.random.RandomState(1).rand(2, 32, 32, 3).astype(np.float32)
        pooled = session.run([ends["vgg_16/pool2"], ends["vgg_16/pool5"]], {x: image})
        ranked = sorted(ends.items())
        return {
            "pool2": pooled[0][:, :2, :2, :16],
            "pool5": pooled[1],
            "weights": session.run(made[0]),
            "later": session.run(made[20]).ravel()[:8],
            "variables": names_of(made),
            "shapes": [shape_of(v) for v in made],
            "ends": [[k, t.name, shape_of(t)] for k, t in ranked],
            "model": names_of(slim.get_model_variables("vgg_16/conv3")),
            "penalties": names_of(tf.losses.get_regularization_losses()),
            "logits": [y.name, shape_of(y)],
            "sizes": [n.default_image_size for n in (vgg.vgg_a, vgg.vgg_16, vgg.vgg_19)],
        }


@case()
def slim_vgg_others(tf: Any) -> Results:
    """The other networks' names and shapes, and vgg_16 for training on the images it is made for."""
    found: Results = {}
    slim, vgg = tf.contrib.slim, tf.contrib.slim.nets.vgg
    for name, size, options in (
        ("vgg_a", 256, {"num_classes": 3, "spatial_squeeze": False}),
        ("vgg_19", 224, {"scope": "mine"}),
        ("vgg_16", 224, {"num_classes": 7, "is_training": True, "dropout_keep_prob": 0.8}),
    ):  # fmt: skip
        with tf.Graph().as_default(), slim.arg_scope(vgg.vgg_arg_scope()):
            x = tf.placeholder(tf.float32, [None, size, size, 3])
            y, ends = getattr(vgg, name)(x, **options)
            found[name] = {
                "logits": [y.name, shape_of(y)],
                "ends": sorted([k, t.name, shape_of(t)] for k, t in ends.items()),
                "variables": [[v.name, shape_of(v)] for v in slim.get_model_variables()],
            }
    return found


@case()
def slim_variables(tf: Any) -> Results:
    """Which variables each of slim's functions gives."""
    slim = tf.contrib.slim
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 6, 6, 2])
        with tf.variable_scope("net"):
            y = slim.conv2d(x, 3, 3, normalizer_fn=slim.batch_norm, scope="one")
            y = slim.fully_connected(slim.flatten(y), 2, scope="two")
        tf.Variable(1.0, name="plain")
        tf.train.get_or_create_global_step()
        calls = [
            slim.get_variables(), slim.get_variables("net/one"), slim.get_variables(suffix="weights"),
            slim.get_model_variables(), slim.get_model_variables("net/two"), slim.get_trainable_variables("net/one"),
            slim.get_variables_by_name("weights"), slim.get_variables_by_name("weights", scope="net/two"),
            tf.contrib.slim.get_variables_to_restore(), slim.get_variables_to_restore(include=["net"]),
            slim.get_variables_to_restore(exclude=["net/two", "global_step"]),
            slim.get_variables_to_restore(include=["net/one", "plain"], exclude=["net/one/BatchNorm"]),
        ]  # fmt: skip
        return {"found": [names_of(vs) for vs in calls]}


def prefix(path: Any) -> Any:
    """The name of a checkpoint without its folder, and without the ending that minigraph's files have."""
    return path if path is None else os.path.basename(path).replace(".safetensors", "")


@case(1e-4, 1e-5)
def slim_learning(tf: Any) -> Results:
    """create_train_op, learning.train with a checkpoint that it goes on from, and assign_from_checkpoint_fn."""
    slim = tf.contrib.slim
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for steps in (5, 8):
            with tf.Graph().as_default():
                tf.set_random_seed(2)
                x = tf.constant(_ROWS)
                y = slim.fully_connected(x, 2, scope="net", weights_initializer=_ramp(tf))
                tf.losses.mean_squared_error(tf.ones([4, 2]), y)
                total = tf.losses.get_total_loss()
                train = slim.learning.create_train_op(
                    total, tf.train.MomentumOptimizer(0.1, 0.9), clip_gradient_norm=0.7
                )
                results.append(
                    tf.contrib.slim.learning.train(train, folder, number_of_steps=steps, log_every_n_steps=100)
                )
                latest = tf.train.latest_checkpoint(folder)
        names = [train.name, prefix(latest), tf.train.checkpoint_exists(latest)]
        with tf.Graph().as_default(), tf.Session() as session:
            slim.fully_connected(tf.constant(_ROWS), 2, scope="net")
            tf.get_variable("other", [2], initializer=tf.zeros_initializer())
            step = tf.train.get_or_create_global_step()
            slim.assign_from_checkpoint_fn(latest, slim.get_model_variables() + [step])(session)
            values = [session.run(v) for v in slim.get_model_variables()]
            session.run(tf.global_variables_initializer())
            slim.assign_from_checkpoint_fn(latest, tf.global_variables(), ignore_missing_vars=True)(session)
            slim.assign_from_checkpoint_fn(latest, {"net/biases": slim.get_model_variables()[1]})(session)
            done = int(session.run(step))
            try:
                slim.assign_from_checkpoint_fn(latest, tf.global_variables())(session)
                error = "none"
            except tf.errors.NotFoundError as raised:
                error = "not found" if "other" in str(raised) else str(raised)
    return {"losses": np.array(results), "w": values[0], "b": values[1], "step": done, "raised": error, "names": names}


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_contrib_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


def _dictionary_with_more(tf: Any) -> Any:
    slim = tf.contrib.slim
    with slim.arg_scope([slim.conv2d], stride=2) as scope:
        pass
    with slim.arg_scope(scope, padding="SAME"):
        return None


_error("arg_scope", lambda tf: tf.contrib.slim.arg_scope([len], x=1).__enter__(), "not decorated with @add_arg_scope")
_error("arg_scope_type", lambda tf: tf.contrib.slim.arg_scope(3).__enter__(), "list", "tuple", "scope")
_error("arg_scope_again", _dictionary_with_more, "kwargs must be empty")
_error("scale", lambda tf: tf.contrib.layers.l2_regularizer(-1.0), "less than 0")
_error("scale_integer", lambda tf: tf.contrib.layers.l2_regularizer(1), "integer")
_error("mode", lambda tf: tf.contrib.layers.variance_scaling_initializer(mode="FAN"), "FAN_IN", "FAN_OUT", "FAN_AVG")
_error("outputs", lambda tf: tf.contrib.layers.fully_connected(tf.zeros([2, 3]), 2.5), "num_outputs")
_error("rank", lambda tf: tf.contrib.layers.fully_connected(tf.zeros([3]), 2), "fully_connected", "3")
_error("conv_rank", lambda tf: tf.contrib.layers.conv2d(tf.zeros([2, 3]), 2, 3), "rank", "4")
_error("format", lambda tf: tf.contrib.layers.conv2d(tf.zeros([2, 3, 3, 1]), 2, 3, data_format="XY"), "data_format")
_error(
    "unknown_size",
    lambda tf: tf.contrib.layers.fully_connected(tf.placeholder(tf.float32, [None, None]), 2),
    "last dim",
)
_error("flatten_rank", lambda tf: tf.contrib.layers.flatten(tf.placeholder(tf.float32)), "rank")
_error("checkpoint", lambda tf: tf.contrib.slim.assign_from_checkpoint_fn(
    "/nowhere/model", [tf.Variable(1.0)])(tf.Session()), "/nowhere")  # fmt: skip
