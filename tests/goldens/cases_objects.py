"""Graphs, shapes, scopes and tensors as objects: see ``cases.py`` for the rules of these files.

Tests `tf1/template.py`, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case
from cases_api import caught, names_of
from cases_ops import add, f32, normal

_X = normal(4, 5, 3)
_ONE = np.array(1, np.int32)

add("slice_from", lambda tf, x, n: x[n:], _X, _ONE, second=True)
add("slice_to", lambda tf, x, n: x[:, :-n] * x[:, n:], _X, _ONE, second=True)
add("slice_index", lambda tf, x, n: [x[n], x[..., n]], _X, _ONE)
add("slice_step", lambda tf, x, n: x[n::2, None, ..., n], _X, _ONE)
add("slice_constant", lambda tf, x: x[tf.constant(1) : tf.constant(3), tf.constant(2)], _X)
add("slice_of_shape", lambda tf, x: x[: tf.shape(x)[0] // 2, tf.shape(x)[1] - 2 :], _X)
add("slice_computed", lambda tf, x, n: x[tf.reduce_max(n) : 2 * tf.reduce_max(n)], _X, np.array([0, 1], np.int32))
add("hessians", lambda tf, x: tf.hessians(tf.reduce_sum(x * x * x) * x[0], x)[0], normal(4))
add("hessians_matrix", lambda tf, x: tf.hessians(tf.reduce_sum(tf.tanh(0.2 * tf.matmul(x, x))), x)[0], normal(2, 2))
add("reverse_sequence", lambda tf, x: tf.reverse_sequence(x, [3, 0, 5, 1], seq_axis=1), _X, second=True)
add("reverse_sequence_time", lambda tf, x: tf.reverse_sequence(x, [2, 4, 1], seq_dim=0, batch_dim=2), _X)


@case()
def gradient_overrides(tf: Any) -> Results:
    """Guided ReLU, a gradient for a Python function, and none."""
    with tf.Graph().as_default() as graph, tf.Session() as session:

        @tf.RegisterGradient("GuidedRelu")  # type: ignore[misc]
        def guided(op: Any, grad: Any) -> Any:
            return tf.where(grad > 0.0, grad * tf.cast(op.outputs[0] > 0.0, tf.float32), tf.zeros_like(grad))

        @tf.RegisterGradient("HalfOfCube")  # type: ignore[misc]
        def half(op: Any, grad: Any) -> Any:
            return grad * 1.5 * op.inputs[0] ** 2

        tf.NotDifferentiable("Nothing")
        x = tf.constant(f32([-1, 2, 3, -4]))
        weights = tf.constant(f32([1, -1, 1, 1]))
        plain = tf.nn.relu(x)
        with graph.gradient_override_map({"Relu": "GuidedRelu", "PyFunc": "HalfOfCube"}):
            y = tf.nn.relu(x)
            cube = tf.py_func(lambda a: a**3, [x], tf.float32)
            inside = tf.gradients(tf.reduce_sum(tf.nn.relu(x) * weights), x)[0]
            with graph.gradient_override_map({"Relu": "Nothing"}):
                none = tf.gradients(tf.nn.relu(x), x)
        outside = tf.gradients(tf.reduce_sum(y * weights), x)[0]
        usual = tf.gradients(tf.reduce_sum(plain * weights), x)[0]
        values = session.run([inside, outside, usual, tf.gradients(cube, x)[0], cube])
    return dict(zip(["inside", "outside", "usual", "cubed", "cube"], values), none=[n is None for n in none])


@case()
def gradients_of_a_graph_read_again(tf: Any) -> Results:
    """Functions that replace gradients stay with their nodes in a GraphDef; an unknown one matters to gradients only."""

    @tf.RegisterGradient("ThreeTimes")  # type: ignore[misc]
    def three(op: Any, grad: Any) -> Any:
        return 3.0 * grad * op.outputs[0]

    five = tf.custom_gradient(lambda x: (tf.square(x), lambda dy: 5.0 * dy))
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [3], name="x")
        with graph.gradient_override_map({"Exp": "ThreeTimes", "Tanh": "NobodyMadeThis"}):
            tf.exp(x, name="exp")
            tf.tanh(x, name="tanh")
        tf.identity(five(x), name="five")
    message = tf.GraphDef.FromString(graph.as_graph_def().SerializeToString())
    kept = {n.name: n.attr["_gradient_op_type"].s.decode() for n in message.node if "_gradient_op_type" in n.attr}
    kept.pop("IdentityN")  # a name that TensorFlow makes up
    with tf.Graph().as_default() as again, tf.Session() as session:
        x = tf.constant(f32([-1, 0.5, 2]))
        ys = tf.import_graph_def(message, {"x": x}, ["exp:0", "five:0", "tanh:0"])
        values = session.run([ys[2]] + [tf.gradients(y, x)[0] for y in ys[:2]])
        kept["again"] = next(
            n.attr["_gradient_op_type"].s.decode() for n in again.as_graph_def().node if n.name == "import/exp"
        )

    def unknown(tf: Any) -> None:
        with again.as_default():
            tf.gradients(ys[2], x)

    error = caught(tf, unknown, ["No gradient defined for operation 'import/tanh'"])["error"]
    return dict(zip(["tanh", "exp", "five"], values), kept=kept, error=error)


@case()
def shapes_as_objects(tf: Any) -> Results:
    one, two = tf.TensorShape([None, 3]), tf.TensorShape([2, 3])
    one.assert_has_rank(2)
    one.assert_same_rank(two)
    two.assert_is_fully_defined()
    return {
        "common": one.most_specific_compatible_shape(two).as_list(),
        "other": two.most_specific_compatible_shape([2, 4]).as_list(),
        "rank": str(one.most_specific_compatible_shape([3])),
    }


@case(5e-7, 1e-7)
def scopes_as_objects(tf: Any) -> Results:
    """Defaults that are set on an open scope."""
    with tf.Graph().as_default(), tf.Session() as session:

        def doubled(getter: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            return getter(name + "_own", *args, **kwargs)

        with tf.variable_scope("a") as scope:
            scope.set_initializer(tf.constant_initializer(2.5))
            scope.set_regularizer(lambda w: tf.reduce_sum(w * w))
            scope.set_dtype(tf.float64)
            v = tf.get_variable("v", [2])
            scope.set_custom_getter(doubled)
            w = tf.get_variable("w", [1], tf.float32)
        losses = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
        session.run(tf.global_variables_initializer())
        return {"v": session.run(v), "w": session.run(w), "losses": session.run(losses[0]), "names": names_of([v, w])}


@case(5e-7, 1e-7)
def slims_variables(tf: Any) -> Results:
    """Variables made by slim, and the collections that have them."""
    slim = tf.contrib.slim
    with tf.Graph().as_default(), tf.Session() as session:
        ones = tf.ones_initializer()
        made = [
            slim.variable("a", [2], initializer=ones), slim.model_variable("b", shape=[3], initializer=ones),
            slim.model_variable("c", [1], initializer=ones, regularizer=slim.l2_regularizer(0.5), collections=["mine"]),
            slim.variable("d", [1], initializer=ones, trainable=False, collections=["mine"]),
        ]  # fmt: skip
        keys = ("variables", "trainable_variables", "model_variables", "mine", "regularization_losses")
        session.run([v.initializer for v in made])
        return {
            "values": np.concatenate(session.run(made)),
            "collections": {key: [x.op.name for x in tf.get_collection(key)] for key in keys[:4]},
            "losses": len(tf.get_collection(keys[4])),
        }


def _error(name: str, call: Any, *phrases: str) -> None:
    CASES["error_" + name] = Case(lambda tf: caught(tf, call, list(phrases)), 0.0, 0.0)


_error("shape_rank", lambda tf: tf.TensorShape([2]).assert_has_rank(2), "must have rank 2")
_error("shape_same_rank", lambda tf: tf.TensorShape([2]).assert_same_rank([1, 2]), "must have the same rank")
_error("shape_defined", lambda tf: tf.TensorShape([None]).assert_is_fully_defined(), "is not fully defined")


def _unregistered(tf: Any) -> Any:
    x = tf.constant(1.0)
    with tf.get_default_graph().gradient_override_map({"Exp": "NobodyMadeIt"}):
        return tf.gradients(tf.exp(x), x)


_error("gradient_unknown", _unregistered, "No gradient defined for operation 'Exp' (op type: Exp)")


@case()
def templates(tf: Any) -> Results:
    """Calls share their variables; templates of one name do not."""

    def linear(x: Any, units: int) -> Any:
        return tf.matmul(x, tf.get_variable("w", [2, units], initializer=tf.ones_initializer()), name="y")

    with tf.Graph().as_default():
        x = tf.ones([1, 2])
        one, other = (tf.make_template("linear", linear, units=3) for _ in range(2))
        own = tf.make_template("own", linear, unique_name_="mine", units=1)
        ys = [one(x), one(x), other(x), own(x)]
        with tf.variable_scope("s"):
            inner = tf.make_template("linear", linear, units=3)
            ys.append(inner(x))
        return {
            "ys": [y.name for y in ys],
            "variables": [v.name for v in tf.global_variables()],
            "scopes": [t.var_scope.name for t in (one, other, own, inner)],
            "own": [v.name for v in one.variables],
        }


@case()
def nodes_as_messages(tf: Any) -> Results:
    with tf.Graph().as_default():
        a = tf.placeholder(tf.float32, [2], name="a")
        node = tf.square(a, name="y").op
        v = tf.Variable(1.0, name="v")
        definition = node.node_def
        return {
            "node": [definition.name, definition.op, list(definition.input), sorted(definition.attr)],
            "variable": v.op.node_def.op,
            "groups": [g.decode() for g in node.colocation_groups()],
            "devices": [a.device, v.device, node.device],
            "eager": tf.executing_eagerly(),
            "seeds": [list(tf.get_seed(None)), list(tf.get_seed(5))],
            "errors": issubclass(tf.errors.NotFoundError, tf.OpError),
        }


@case()
def names_of_collections(tf: Any) -> Results:
    keys = tf.GraphKeys
    return {name: getattr(keys, name) for name in dir(keys) if name.isupper() and not name.startswith("_")}


@case()
def runs_in_parts(tf: Any) -> Results:
    """Every node is computed once, as soon as its feeds are there; a condition computes one branch."""
    with tf.Graph().as_default(), tf.Session() as session:
        a, b, c = (tf.placeholder(tf.float32, [], name=n) for n in "abc")
        v, w = tf.Variable(1.0, name="v"), tf.Variable(10.0, name="w")
        session.run(tf.global_variables_initializer())
        noise = tf.random_uniform([], name="noise")
        add = v.assign_add(a, name="add")
        total = tf.add(add, b, name="total")
        both = tf.add(total + noise, c, name="both")
        chosen = tf.cond(c > 0.0, lambda: w.assign_add(b), lambda: w.assign_sub(b), name="chosen")
        group = tf.group(total, name="group")
        handle = session.partial_run_setup([noise, add, total, both, {"chosen": chosen}, group], [a, b, c])
        first = session.partial_run(handle, add, {a: 2.0})
        second = session.partial_run(handle, [total, "noise:0"], {b: 3.0})
        third = session.partial_run(handle, {"both": both, "chosen": [chosen]}, {"c:0": 100.0})
        return {
            "first": first,
            "second": second[0],
            "third": np.array([third["both"] - second[0] - second[1], third["chosen"][0]], np.float32),
            "variables": np.array(session.run([v, w]), np.float32),
        }


def _part(*parts: Any, **setup: Any) -> Any:
    """The last of several parts of a run of a + b, called s, and s * c, called p."""

    def run(tf: Any) -> Any:
        with tf.Graph().as_default(), tf.Session() as session:
            a, b, c = (tf.placeholder(tf.float32, [], name=n) for n in "abc")
            s = tf.add(a, b, name="s")
            tf.multiply(s, c, name="p")
            handle = session.partial_run_setup(
                setup.get("fetches", ["s:0", "p:0"]), setup.get("feeds", ["a:0", "b:0", "c:0"])
            )
            for fetches, feeds in parts:
                session.partial_run(setup.get("handle", handle), fetches, feeds)

    return run


_BOTH = {"a:0": 1.0, "b:0": 2.0}
for _name, _call, _phrases in (
    ("early", _part(("p:0", _BOTH)), ("can't be computed from the feeds that have been fed so far",)),
    ("again", _part(("s:0", _BOTH), ("s:0", {})), ("fetch s:0", "already been fetched")),
    ("fed_again", _part(("s:0", _BOTH), ("p:0", {"a:0": 1.0, "c:0": 1.0})), ("feed a:0", "already been fed")),
    ("unknown", _part(("a:0", {})), ("fetch a:0", "was not specified in partial_run_setup")),
    ("unknown_feed", _part((["s:0"], {"s:0": 1.0})), ("feed s:0", "was not specified in partial_run_setup")),
    ("target", _part(("s", _BOTH)), ("partial_run() requires empty target_list",)),
    ("handle", _part(("s:0", _BOTH), handle="s"), ("Must run 'setup' before performing partial runs",)),
    ("over", _part(("s:0", _BOTH), ("s:0", {}), fetches="s:0", feeds=["a:0", "b:0"]), ("Must run 'setup'",)),
    ("nothing", _part(fetches=[]), ("at least one target",)),
    ("both", _part(fetches=["a:0", "s:0"]), ("a:0 is both fed and fetched",)),
    ("shape", _part(("s:0", {"a:0": [1.0], "b:0": 2.0})), ("Cannot feed value of shape (1,) for Tensor 'a:0'",)),
):
    _error("partial_run_" + _name, _call, *_phrases)


@case()
def methods_that_count(tf: Any) -> Results:
    with tf.Graph().as_default(), tf.Session() as session:
        count, table = tf.Variable(2, name="count"), tf.Variable([[1.0, 2.0], [3.0, 4.0]])
        step = count.count_up_to(3)
        update = table.batch_scatter_update(tf.IndexedSlices(tf.constant([[7.0], [8.0]]), tf.constant([[1], [0]])))
        session.run(tf.global_variables_initializer())
        results = {"step": session.run(step), "update": session.run(update), "names": [step.name, update.name]}
        try:
            session.run(step)
        except tf.errors.OutOfRangeError as error:
            results["message"] = error.message.split("\n")[0][:18]
        return results


@case()
def ops_as_messages(tf: Any) -> Results:
    with tf.Graph().as_default():
        x, v = tf.ones([1, 4, 4, 2]), tf.Variable(1.0)
        nodes = {
            "matmul": tf.matmul(x[0, 0], x[0, 0], transpose_b=True).op,
            "pool": tf.nn.avg_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME").op,
            "relu": tf.nn.relu(x).op,
            "variable": v.op,
        }
        return {
            kind: [d.name, len(d.input_arg), len(d.output_arg), d.is_stateful]
            for kind, d in ((k, n.op_def) for k, n in nodes.items())
        }


@case(2e-6, 1e-6)
def keras_gradients_of_rows(tf: Any) -> Results:
    """Steps by gradients of some rows; a row may occur twice."""
    results = {}
    for kind in ("SGD", "RMSprop", "Adam", "Adagrad"):
        with tf.Graph().as_default(), tf.Session() as session:
            table = tf.Variable(tf.ones([4, 1]), use_resource=True)
            rows = tf.placeholder(tf.int32, [3])
            slices = tf.IndexedSlices(tf.constant([[1.0], [2.0], [3.0]]), rows, tf.constant([4, 1]))
            step = getattr(tf.keras.optimizers, kind)(0.1).apply_gradients([(slices, table)])
            session.run(tf.global_variables_initializer())
            for places in ([0, 2, 0], [1, 2, 2]):
                session.run(step, {rows: places})
            results[kind] = session.run(table)
    return results
