"""Programs in the TensorFlow 1 API that run unchanged under TensorFlow 1.15.5 and under minigraph.

Each case is a function ``case(tf)`` that builds fresh graphs through the module ``tf`` it is given and returns a
dictionary: arrays are compared as numbers, all else as JSON values. ``record.py`` runs the cases under TensorFlow and
writes the results down; ``test_tf1_goldens`` compares. These files must stay valid on CPython 3.7 and import only
NumPy. Here: random numbers, training and optimizers; the other modules are listed in ``GROUPS``.
"""

# ruff: noqa: UP006, UP035  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple

import numpy as np

Results = Dict[str, Any]


class Case(NamedTuple):
    """A program and the tolerances of its arrays (integers and booleans are compared exactly)."""

    run: Callable[[Any], Results]
    rtol: float
    atol: float


CASES: Dict[str, Case] = {}
GROUPS = {  # what is recorded into one pair of files, in order: importing a module adds its cases
    "tf1": ("cases_api", "cases_norm", "cases_ops"),
    "tf1_nn": ("cases_nn",),
    "tf1_math": ("cases_math",),
    "tf1_losses": ("cases_losses",),
    "tf1_train": ("cases_train",),
    "tf1_image": ("cases_image",),
    "tf1_control": ("cases_control",),
    "tf1_layers": ("cases_layers",),
    "tf1_basic": ("cases_basic",),
    "tf1_contrib": ("cases_contrib",),
    "tf1_files": ("cases_files",),
    "tf1_input": ("cases_input",),
    "tf1_slim": ("cases_slim",),
    "tf1_graphs": ("cases_graphs",),
    "tf1_extra": ("cases_extra",),
    "tf1_counts": ("cases_counts",),
    "tf1_effects": ("cases_effects", "cases_updates"),
    "tf1_arguments": ("cases_arguments",),
    "tf1_segments": ("cases_segments", "cases_partitions"),
    "tf1_blocks": ("cases_blocks",),
    "tf1_matrices": ("cases_matrices",),
    "tf1_conversions": ("cases_conversions",),
    "tf1_kinks": ("cases_kinks",),
    "tf1_calls": ("cases_calls",),
    "tf1_bad_calls": ("cases_bad_calls",),
    "tf1_keras": ("cases_keras", "cases_keras_masks"),
    "tf1_loops": ("cases_loops", "cases_rnn"),
    "tf1_loop_counts": ("cases_loop_counts",),
    "tf1_objects": ("cases_objects",),
    "tf1_elementary": ("cases_elementary",),
    "tf1_names": ("cases_names",),
    "tf1_candidates": ("cases_candidates",),
    "tf1_sparse": ("cases_sparse", "cases_late"),
}


def case(rtol: float = 2e-5, atol: float = 2e-6) -> Callable[[Any], Any]:
    """Register the decorated function under its name."""

    def register(run: Any) -> Any:
        assert run.__name__ not in CASES, run.__name__
        CASES[run.__name__] = Case(run, rtol, atol)
        return run

    return register


# Random numbers. Normal values pass through log, sin and cos, so the last bits may differ.


def drawn_after(tf: Any, session: Any, calls: Any) -> Results:
    """A random number after each of named calls: its value pins the number of ops that the call makes."""
    probes = []
    for _, call in calls:
        call()
        probes.append(tf.random_uniform([2]))
    return dict(zip([name for name, _ in calls], session.run(probes)))


def _add_random(name: str, graph_seed: Any, build: Callable[[Any], Any]) -> None:
    """Three runs in one session, and a run in a new session, which starts over."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default():
            if graph_seed is not None:
                tf.set_random_seed(graph_seed)
            values = build(tf)
            with tf.Session() as session:
                runs = [session.run(values) for _ in range(3)]
            with tf.Session() as session:
                again = session.run(values)
        return {"runs": np.stack(runs), "again": again}

    CASES["random_" + name] = Case(run, 5e-7, 1e-7)


def _tail(values: Any, count: int = 6) -> Any:
    return values[-count:]


def _two_ops(tf: Any) -> Any:
    return tf.concat([tf.random_normal([3]), tf.random_normal([3]), tf.random_uniform([3])], 0)


def _one_op_twice(tf: Any) -> Any:
    once = tf.random_uniform([4])
    return tf.concat([once, once, tf.random_uniform([2]), once], 0)


def _after_other_ops(tf: Any) -> Any:
    x = tf.constant(np.ones((2, 4, 4, 1), np.float32))
    tf.reshape(tf.nn.relu(x * 2.0), [-1, 16])
    return tf.random_normal([3])


def _seeded_late(tf: Any) -> Any:
    first = tf.random_uniform([3], seed=4)
    tf.set_random_seed(21)
    return tf.concat([first, tf.random_uniform([3])], 0)


_add_random("normal_graph_seed", 7, lambda tf: tf.random_normal([5]))
_add_random("normal_op_seed", None, lambda tf: tf.random_normal([2, 3], seed=42))
_add_random("normal_both_seeds", 7, lambda tf: tf.random_normal([5], seed=42))
_add_random("normal_mean_stddev", 7, lambda tf: tf.random_normal([5], mean=3.0, stddev=0.5))
_add_random("normal_float64", 7, lambda tf: tf.random_normal([5], dtype=tf.float64))
_add_random("normal_one", 7, lambda tf: tf.random_normal([1]))
_add_random("normal_scalar", 7, lambda tf: tf.random_normal([]))
_add_random("normal_many", 7, lambda tf: _tail(tf.random_normal([70001])))
_add_random("normal_zero_seeds", 0, lambda tf: tf.random_normal([3], seed=0))
_add_random("normal_long_seeds", 2**40 + 3, lambda tf: tf.random_normal([3], seed=2**35 + 1))
_add_random("normal_negative_seed", -5, lambda tf: tf.random_normal([3]))
_add_random("uniform_graph_seed", 7, lambda tf: tf.random_uniform([5]))
_add_random("uniform_op_seed", None, lambda tf: tf.random_uniform([2, 3], seed=42))
_add_random("uniform_both_seeds", 7, lambda tf: tf.random_uniform([3, 3], seed=42))
_add_random("uniform_range", 7, lambda tf: tf.random_uniform([5], -2.0, 3.0))
_add_random("uniform_float64", 7, lambda tf: tf.random_uniform([5], dtype=tf.float64))
_add_random("uniform_many", 7, lambda tf: _tail(tf.random_uniform([70001])))
_add_random("truncated_graph_seed", 7, lambda tf: tf.truncated_normal([5]))
_add_random("truncated_op_seed", None, lambda tf: tf.truncated_normal([3, 3], stddev=0.1, seed=42))
_add_random("truncated_float64", 7, lambda tf: tf.truncated_normal([5], dtype=tf.float64))
_add_random("truncated_many", 7, lambda tf: _tail(tf.truncated_normal([20001]), 30))
_add_random("int32", 7, lambda tf: tf.random_uniform([7], 0, 10, tf.int32))
_add_random("int64", 7, lambda tf: tf.random_uniform([7], -100, 100, dtype=tf.int64, seed=3))
_add_random("two_ops", 7, _two_ops)
_add_random("one_op_twice", 7, _one_op_twice)
_add_random("after_other_ops", 7, _after_other_ops)
_add_random("seeded_late", None, _seeded_late)
_add_random("dropout_float", 7, lambda tf: tf.nn.dropout(tf.ones([4, 6]), 0.75))
_add_random("dropout_tensor", 7, lambda tf: tf.nn.dropout(tf.ones([4, 6]), tf.constant(0.75)))
_add_random("dropout_seed", 7, lambda tf: tf.nn.dropout(tf.ones([4, 6]), keep_prob=0.5, seed=5))
_add_random("dropout_noise_shape", 7, lambda tf: tf.nn.dropout(tf.ones([4, 6]), 0.5, noise_shape=[4, 1]))
_add_random("dropout_rate", 7, lambda tf: tf.nn.dropout(tf.ones([4, 6]), rate=0.25))


def initial_values(tf: Any, count: int) -> Results:
    """The first ``count`` numbers of every global variable after initialisation, under its name."""
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return {v.op.name: session.run(v).reshape(-1)[:count] for v in tf.global_variables()}


@case(5e-7, 1e-7)
def counting_variables(tf: Any) -> Results:
    """Default op seeds come from the number of ops built before, so the values pin how many ops a call builds."""
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, [None, 16])
        tf.Variable(tf.random_normal([3, 3, 1, 2]))
        tf.Variable(tf.random_normal([2], stddev=0.5), name="b")
        tf.Variable(tf.zeros([4]))
        tf.Variable(tf.truncated_normal([4], stddev=0.1))
        tf.Variable(tf.constant(0.1, shape=[3]))
        tf.Variable(tf.random_uniform([4], -1.0, 1.0))
        tf.Variable(2.0, name="scalar")
        tf.Variable(tf.random_normal([2]), trainable=False)
        tf.reshape(x, [-1, 4, 4, 1])
        tf.Variable(tf.random_normal([2]))
        tf.get_variable("g", [3, 2])
        tf.get_variable("n", [3], initializer=tf.random_normal_initializer(stddev=2.0))
        tf.get_variable("t", [3], initializer=tf.truncated_normal_initializer(stddev=2.0))
        tf.get_variable("u", [3], initializer=tf.random_uniform_initializer(-3.0, 3.0))
        tf.get_variable("c", [3], initializer=tf.constant_initializer(0.5))
        tf.get_variable("z", [3], initializer=tf.zeros_initializer())
        tf.Variable(tf.random_normal([2]))
        return initial_values(tf, 8)


@case(5e-7, 1e-7)
def counting_calls(tf: Any) -> Results:
    """A random op after each of many calls: each value pins the number of ops that the call before it builds."""
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, [None, 16])
        labels = tf.placeholder(tf.float32, [None, 10])
        keep = tf.placeholder(tf.float32)
        image = tf.constant(np.ones((2, 4, 4, 1), np.float32))
        kernel = tf.constant(np.ones((3, 3, 1, 2), np.float32))
        bias = tf.constant(np.ones(2, np.float32))
        weight = tf.constant(np.ones((16, 10), np.float32))
        logits = tf.matmul(x, weight)
        calls = [
            ("nothing", lambda: None),
            ("reshape", lambda: tf.reshape(x, [-1, 4, 4, 1])),
            ("conv2d", lambda: tf.nn.conv2d(image, kernel, strides=[1, 1, 1, 1], padding="SAME")),
            ("bias_add", lambda: tf.nn.bias_add(tf.reshape(x, [-1, 2]), bias)),
            ("relu", lambda: tf.nn.relu(x)),
            ("max_pool", lambda: tf.nn.max_pool(image, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")),
            ("avg_pool", lambda: tf.nn.avg_pool(image, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")),
            ("dropout_tensor", lambda: tf.nn.dropout(x, keep)),
            ("dropout_float", lambda: tf.nn.dropout(x, 0.5)),
            ("dropout_one", lambda: tf.nn.dropout(x, 1.0)),
            ("matmul", lambda: tf.matmul(x, weight)),
            ("add", lambda: tf.add(x, x)),
            ("operator_tensor", lambda: x + x),
            ("operator_number", lambda: x * 2),
            ("operator_number_left", lambda: 1 - x),
            ("negative", lambda: -x),
            ("index", lambda: x[0]),
            ("slice", lambda: x[:, 1:3]),
            ("mean", lambda: tf.reduce_mean(x)),
            ("sum_axis", lambda: tf.reduce_sum(x, 1)),
            ("sum_axes_keep", lambda: tf.reduce_sum(x, axis=[0, 1], keepdims=True)),
            ("softmax", lambda: tf.nn.softmax(logits)),
            ("xent", lambda: tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits)),
            ("xent_v2", lambda: tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits)),
            ("sigmoid_xent", lambda: tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)),
            ("accuracy", lambda: tf.reduce_mean(tf.cast(tf.equal(tf.argmax(x, 1), tf.argmax(labels, 1)), tf.float32))),
            ("same_cast", lambda: tf.cast(x, tf.float32)),
            ("one_hot", lambda: tf.one_hot([1, 2], 10)),
            ("constant", lambda: tf.constant(1.0)),
            ("zeros", lambda: tf.zeros([3, 3])),
            ("many_zeros", lambda: tf.zeros([100, 100])),
            ("zeros_like", lambda: tf.zeros_like(x)),
            ("ones_like", lambda: tf.ones_like(x)),
            ("shape", lambda: tf.shape(x)),
            ("transpose", lambda: tf.transpose(x)),
            ("concat", lambda: tf.concat([x, x], 1)),
            ("split", lambda: tf.split(x, 2, 1)),
            ("stack", lambda: tf.stack([x, x])),
            ("unstack", lambda: tf.unstack(x, axis=1)),
            ("squeeze", lambda: tf.squeeze(image, [3])),
            ("expand_dims", lambda: tf.expand_dims(x, 0)),
            ("pad", lambda: tf.pad(x, [[1, 1], [0, 0]])),
            ("tile", lambda: tf.tile(x, [1, 2])),
            ("gather", lambda: tf.gather(weight, [0, 1])),
            ("moments", lambda: tf.nn.moments(image, [0, 1, 2])),
            ("l2_loss", lambda: tf.nn.l2_loss(x)),
            ("clip", lambda: tf.clip_by_value(x, 0.0, 1.0)),
            ("random_normal", lambda: tf.random_normal([2])),
            ("truncated_normal", lambda: tf.truncated_normal([2])),
            ("random_uniform", lambda: tf.random_uniform([2])),
            ("identity", lambda: tf.identity(x)),
        ]
        with tf.Session() as session:
            return drawn_after(tf, session, calls)


# The chapter's MNIST program.


def mnist_program(tf: Any, side: int, maps: Any, hidden: int, kernel: int, **normal: float) -> Results:
    """Two convolutions with pooling, two dense layers, dropout; Adam 0.01 on the mean softmax cross-entropy."""
    x = tf.placeholder(tf.float32, [None, side * side])
    y = tf.placeholder(tf.float32, [None, 10])
    keep_prob = tf.placeholder(tf.float32)
    flat = (side // 4) ** 2 * maps[1]
    weights = {
        "wc1": tf.Variable(tf.random_normal([kernel, kernel, 1, maps[0]], **normal)),
        "wc2": tf.Variable(tf.random_normal([kernel, kernel, maps[0], maps[1]], **normal)),
        "wd1": tf.Variable(tf.random_normal([flat, hidden], **normal)),
        "out": tf.Variable(tf.random_normal([hidden, 10], **normal)),
    }
    biases = {
        "bc1": tf.Variable(tf.random_normal([maps[0]], **normal)),
        "bc2": tf.Variable(tf.random_normal([maps[1]], **normal)),
        "bd1": tf.Variable(tf.random_normal([hidden], **normal)),
        "out": tf.Variable(tf.random_normal([10], **normal)),
    }
    layer = tf.reshape(x, shape=[-1, side, side, 1])
    for i in "12":
        layer = tf.nn.conv2d(layer, weights["wc" + i], strides=[1, 1, 1, 1], padding="SAME")
        layer = tf.nn.relu(tf.nn.bias_add(layer, biases["bc" + i]))
        layer = tf.nn.max_pool(layer, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    layer = tf.reshape(layer, [-1, weights["wd1"].get_shape().as_list()[0]])
    layer = tf.nn.relu(tf.add(tf.matmul(layer, weights["wd1"]), biases["bd1"]))
    layer = tf.nn.dropout(layer, keep_prob)
    logits = tf.add(tf.matmul(layer, weights["out"]), biases["out"])
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=y))
    train = tf.train.AdamOptimizer(learning_rate=0.01).minimize(loss)
    correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    return dict(x=x, y=y, keep_prob=keep_prob, logits=logits, loss=loss, train=train, accuracy=accuracy)


@case(5e-7, 1e-7)
def mnist_initial_weights(tf: Any) -> Results:
    """The first 8 numbers of every variable, full size: 28x28 images, 64 and 128 maps of 5x5, 1024 hidden units."""
    with tf.Graph().as_default():
        tf.set_random_seed(7)
        mnist_program(tf, 28, (64, 128), 1024, 5)
        return initial_values(tf, 8)


@case(5e-3, 1e-4)
def mnist_training(tf: Any) -> Results:
    """20 steps on 8x8 images; the loss before each step is taken in a run of its own, without dropout."""
    random = np.random.RandomState(5)
    digits = random.randint(0, 10, (20, 12))
    images = (random.randn(10, 64)[digits] + 0.3 * random.randn(20, 12, 64)).astype(np.float32)
    labels = np.eye(10, dtype=np.float32)[digits]
    losses, accuracies = [], []
    with tf.Graph().as_default():
        tf.set_random_seed(7)
        m = mnist_program(tf, 8, (3, 4), 16, 3, stddev=0.3)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            weights = [session.run(v).reshape(-1)[:8] for v in tf.trainable_variables()]
            for image, label in zip(images, labels):
                feed = {m["x"]: image, m["y"]: label}
                values = session.run([m["loss"], m["accuracy"]], {m["keep_prob"]: 1.0, **feed})
                losses.append(values[0])
                accuracies.append(values[1])
                session.run(m["train"], {m["keep_prob"]: 0.75, **feed})
            logits = session.run(m["logits"], {m["x"]: images[0], m["keep_prob"]: 1.0})
            names = [v.name for v in tf.global_variables()]
    first = {"initial_%d" % i: w for i, w in enumerate(weights)}
    return dict(first, losses=np.array(losses), accuracies=np.array(accuracies), logits=logits, names=names)


# Optimizers: five steps on a quadratic of two variables.


def _add_optimizer(name: str, make: Callable[[Any], Any], **minimize: Any) -> None:
    def run(tf: Any) -> Results:
        with tf.Graph().as_default():
            w = tf.Variable(np.array([1.0, -2.0, 3.0], np.float32))
            b = tf.Variable(np.array([[0.5, 1.5]], np.float32), name="b")
            loss = tf.reduce_sum(tf.square(w - 0.5) * np.array([1.0, 2.0, 0.1], np.float32)) + tf.nn.l2_loss(b)
            step = tf.train.get_or_create_global_step() if minimize.get("step") else None
            optimizer = make(tf)
            names = {"optimizer": optimizer.get_name(), "slots": optimizer.get_slot_names()}
            train = optimizer.minimize(loss, global_step=step)
            names["train_op"] = train.name
            names["slots_after"] = sorted(optimizer.get_slot_names())
            values: Dict[str, Any] = {"w": [], "b": [], "loss": []}
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                for _ in range(5):
                    values["loss"].append(session.run(loss))
                    session.run(train)
                    values["w"].append(session.run(w))
                    values["b"].append(session.run(b))
                names["variables"] = [v.name for v in tf.global_variables()]
                names["trainable"] = [v.name for v in tf.trainable_variables()]
                final = {"final " + v.op.name: session.run(v) for v in tf.global_variables()}
        return dict(names, **{k: np.array(v) for k, v in values.items()}, **final)

    CASES["optimizer_" + name] = Case(run, 2e-6, 2e-7)


_add_optimizer("gradient_descent", lambda tf: tf.train.GradientDescentOptimizer(0.1))
_add_optimizer("gradient_descent_step", lambda tf: tf.train.GradientDescentOptimizer(tf.constant(0.1)), step=True)
_add_optimizer("momentum", lambda tf: tf.train.MomentumOptimizer(0.1, 0.9))
_add_optimizer("nesterov", lambda tf: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True))
_add_optimizer("adagrad", lambda tf: tf.train.AdagradOptimizer(0.5))
_add_optimizer("rmsprop", lambda tf: tf.train.RMSPropOptimizer(0.01))
_add_optimizer("rmsprop_momentum", lambda tf: tf.train.RMSPropOptimizer(0.01, 0.8, 0.5, 1e-3))
_add_optimizer("rmsprop_centered", lambda tf: tf.train.RMSPropOptimizer(0.01, centered=True))
_add_optimizer("adam", lambda tf: tf.train.AdamOptimizer(0.1), step=True)
_add_optimizer("adam_options", lambda tf: tf.train.AdamOptimizer(0.1, 0.8, 0.9, 1e-2, name="Mine"))


@case()
def apply_gradients(tf: Any) -> Results:
    """compute_gradients, clipping by hand, and apply_gradients with a variable that gets no gradient."""
    with tf.Graph().as_default():
        w = tf.Variable([1.0, -20.0])
        unused = tf.Variable(1.0)
        optimizer = tf.train.GradientDescentOptimizer(0.5)
        pairs = optimizer.compute_gradients(tf.reduce_sum(tf.square(w)))
        none = [g is None for g, _ in pairs]
        clipped = [(tf.clip_by_norm(g, 1.0), v) for g, v in pairs if g is not None]
        train = optimizer.apply_gradients(clipped)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(train)
            return {"w": session.run(w), "unused": session.run(unused), "none": none, "train_op": train.name}


@case()
def two_optimizers(tf: Any) -> Results:
    """Slot and power names of a second Adam, and of variables in scopes."""
    with tf.Graph().as_default():
        with tf.variable_scope("net"):
            w = tf.get_variable("w", [2], initializer=tf.ones_initializer())
        loss = tf.reduce_sum(w)
        tf.train.AdamOptimizer().minimize(loss)
        with tf.name_scope("training"):
            tf.train.AdamOptimizer().minimize(loss)
        tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss)
        return {"names": [v.name for v in tf.global_variables()]}
