"""Names that few programs use: see ``cases.py`` for the rules of these files.

Tests `tf1/cluster.py`, `tf1/custom_gradients.py`, `tf1/detection.py` and `tf1/hparams.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import Results, case, drawn_after
from cases_ops import add, f32, normal

_BOXES = f32([[0, 0, 1, 1], [1, 0.9, 0.1, 0], [2, 2, 3, 3], [2, 2, 3, 3.2], [0, 0, 2, 5], [9, 9, 8, 8]])
_SCORES = f32([0.5, 0.9, 0.3, 0.25, 0.8, 0.1])


@case()
def boxes_without_overlap(tf: Any) -> Results:
    """The choice of boxes by several limits, and where corners are in any order."""
    with tf.Graph().as_default(), tf.Session() as session:
        boxes, scores = tf.placeholder(tf.float32, [None, 4]), tf.placeholder(tf.float32)
        results = {}
        for most in (0, 2, 10):
            for overlap in (0.0, 0.3, 0.5, 0.9, 1.0):
                chosen = tf.image.non_max_suppression(boxes, scores, most, overlap)
                results["%d %g" % (most, overlap)] = session.run(chosen, {boxes: _BOXES, scores: _SCORES})
        least = tf.placeholder(tf.float32, [])
        chosen = tf.image.non_max_suppression(boxes, scores, tf.constant(4), score_threshold=least)
        feed = {boxes: _BOXES, scores: _SCORES}
        for limit in (0.2, 0.3, 0.85):
            results["above %g" % limit] = session.run(chosen, {least: limit, **feed})
        results["none"] = session.run(chosen, {least: 0.0, boxes: np.zeros((0, 4)), scores: []})
        return results


@case(rtol=5e-7, atol=1e-7)
def counted_boxes(tf: Any) -> Results:
    """A random number after each call: its value pins the number of ops that the call makes."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        boxes, scores = tf.constant(_BOXES), tf.constant(_SCORES)
        calls = [
            ("all tensors", lambda: tf.image.non_max_suppression(boxes, scores, tf.constant(2))),
            ("arrays", lambda: tf.image.non_max_suppression(_BOXES, _SCORES, 2)),
        ]
        return drawn_after(tf, session, calls)


@case()
def distances_of_words(tf: Any) -> Results:
    """Distances of rows of different lengths, empty ones too."""
    rows = [["a", "b"], ["c"], [], ["x", "y", "z"]], [["a"], ["c", "d"], ["e"], ["y", "z", "q", "r"]]
    with tf.Graph().as_default(), tf.Session() as session:
        sparse = []
        for words in rows:
            places = [[i, j] for i, row in enumerate(words) for j in range(len(row))]
            values = tf.constant([w for row in words for w in row])
            sparse.append(tf.SparseTensor(tf.constant(places, tf.int64), values, tf.constant([4, 4], tf.int64)))
        found = [tf.edit_distance(*sparse, normalize=n) for n in (True, False)]
        back = tf.edit_distance(*sparse[::-1])
        return dict(zip(("relative", "steps", "back"), session.run([*found, back])))


def _log_of_sum(tf: Any, x: Any) -> Any:
    @tf.custom_gradient
    def stable(v: Any) -> Any:
        e = tf.exp(v)
        return tf.log(1.0 + e), lambda dy: dy * (1.0 - 1.0 / (1.0 + e)) * 2.0

    return stable(x)


def _two_results(tf: Any, x: Any, y: Any) -> Any:
    @tf.custom_gradient
    def function(a: Any, b: Any) -> Any:
        return (a * b, a + b), lambda da, db: (da * 2.0 + db, db * 3.0)

    return list(function(x, y))


add("custom_gradient", _log_of_sum, normal(2, 3))
add("custom_gradient_two", _two_results, normal(2, 3), normal(2, 3, seed=1))
add("custom_gradient_first", lambda tf, x, y: _two_results(tf, x, y)[0], normal(2, 3), normal(2, 3, seed=1))


@case()
def clusters(tf: Any) -> Results:
    """Jobs and tasks."""
    spec = tf.train.ClusterSpec({"worker": ["b:2", "c:3"], "ps": {3: "d:4"}})
    again = tf.train.ClusterSpec(spec)
    return {
        "jobs": spec.jobs, "whole": {k: str(v) for k, v in spec.as_dict().items()}, "same": spec == again,
        "tasks": [spec.num_tasks("worker"), spec.num_tasks("ps")], "numbers": spec.task_indices("ps"),
        "address": spec.task_address("worker", 1), "by number": spec.job_tasks("ps"),
        "empty": bool(tf.train.ClusterSpec({})), "nowhere": tf.train.replica_device_setter(0) is None,
    }  # fmt: skip


@case()
def hyperparameters(tf: Any) -> Results:
    """Values from command lines and dictionaries, and those that are refused."""
    p = tf.contrib.training.HParams(rate=0.1, n=3, names=["a", "b"], sizes=[1, 2], flag=True, text="x")
    p.parse("rate=1e-3,n=5,names=[x,y],flag=false,sizes=[7,8,9],text=hello there")
    results = {"parsed": p.values(), "there": ["rate" in p, "other" in p], "missing": p.get("other", 4)}
    refused = []
    for text in ("n=x", "n=1.5", "zz=1", "n=[3]", "names=x", "flag=maybe", "rate"):
        try:
            p.parse(text)
        except ValueError:
            refused.append(text)
    p.set_hparam("rate", 2)
    p.override_from_dict({"n": 9, "names": ["q"]})
    p.add_hparam("late", 1.5)
    p.del_hparam("text")
    return dict(results, refused=refused, later=p.values(), json=p.to_json(sort_keys=True))


@case()
def block_cell(tf: Any) -> Results:
    """The recurrent cell that TensorFlow computes in one node."""
    results = {}
    for name, options in (("plain", {}), ("more", dict(use_peephole=True, cell_clip=0.3, forget_bias=0.5))):
        with tf.Graph().as_default(), tf.Session() as session:
            cell = tf.contrib.rnn.LSTMBlockCell(3, **options)
            with tf.variable_scope("net", initializer=tf.constant_initializer(0.2)):
                outputs, state = tf.nn.dynamic_rnn(cell, tf.constant(normal(2, 4, 5)), dtype=tf.float32)
            session.run(tf.global_variables_initializer())
            found = session.run([outputs, state.c, state.h])
            results.update({"%s %d" % (name, i): v for i, v in enumerate(found)})
            results[name + " names"] = sorted(v.name for v in tf.global_variables())
    return results


@case()
def columns_of_files(tf: Any) -> Results:
    """The columns of files with a header, with a default and with a chosen one."""
    import os
    import tempfile

    results = {}
    with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default(), tf.Session() as session:
        names = [os.path.join(folder, "%d.csv" % i) for i in range(2)]
        for i, name in enumerate(names):
            with open(name, "w") as file:
                file.write('name,size,rate\n"a, b",%d,1.5\nc,,2.5\n' % i)
        for label, options in (("all", {}), ("chosen", dict(select_cols=[1, 2]))):
            defaults = [tf.string, [7], tf.float32][1 if options else 0 :]
            rows = tf.data.experimental.CsvDataset(names, defaults, header=True, **options)
            row = rows.make_one_shot_iterator().get_next()
            read = [session.run(row) for _ in range(4)]
            results[label] = [[v.decode() if isinstance(v, bytes) else float(v) for v in r] for r in read]
    return results


@case()
def specs_and_walks(tf: Any) -> Results:
    """Descriptions of tensors, and the nodes that nodes depend on."""
    from_walk = tf.contrib.graph_editor.get_backward_walk_ops
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        y = tf.nn.relu(tf.multiply(x, x, name="m"), name="y")
        spec = tf.TensorSpec([None, 3], tf.float32, "x")
        return {
            "fields": [spec.shape.as_list(), spec.dtype.name, spec.name],
            "from": [tf.TensorSpec.from_tensor(y).name, tf.TensorSpec.from_spec(spec, "z").name],
            "fits": [spec.is_compatible_with(t) for t in (x, tf.zeros([2, 3]), tf.zeros([2]), tf.zeros([2, 3], tf.int32))],
            "equal": [spec == tf.TensorSpec([None, 3], name="x"), spec == tf.TensorSpec([None, 3])],
            "walk": sorted(op.name for op in from_walk(y.op)),
            "others": sorted(op.name for op in from_walk(y, inclusive=False, stop_at_ts=[x])),
        }
