"""How many nodes loops, cells, products and checks make: default op seeds come from it. See ``cases.py`` for the rules.

Tests `control/slices.py`, `control/tensor_array.py`, `tf1/rnn_cells.py` and `ops/math/algebra.py`.
"""

# ruff: noqa: UP035, UP006  (CPython 3.7 has no dict[...] at run time)

from __future__ import annotations

from typing import Any

from cases_counts import counted


def _loops(tf: Any) -> Any:
    """Loops over slices, with random numbers inside, and what recurrent networks are made of."""
    R, made = tf.nn.rnn_cell, []
    ids, limit, batch = tf.placeholder(tf.int32, [3]), tf.placeholder(tf.int32, []), tf.placeholder(tf.int32, [])
    zero, other = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    for name, length in (("", 3), (" unknown", None)):
        x, y = tf.placeholder(tf.float32, [length]), tf.placeholder(tf.float32, [length])
        made += [
            ("map" + name, lambda x=x: tf.map_fn(lambda a: a * 2.0, x)),
            ("map two" + name, lambda x=x, y=y: tf.map_fn(lambda a: a[0] + a[1] + zero, (x, y), dtype=tf.float32)),
            ("map to two" + name, lambda x=x: tf.map_fn(lambda a: (a, a), x, dtype=(tf.float32, tf.float32))),
            ("scan" + name, lambda x=x: tf.scan(lambda s, a: s + a, x)),
            ("scan from" + name, lambda x=x: tf.scan(lambda s, a: s + a, x, zero)),
            ("scan back" + name, lambda x=x: tf.scan(lambda s, a: s + a, x, reverse=True)),
            ("scan back from" + name, lambda x=x: tf.scan(lambda s, a: s + a, x, zero, reverse=True)),
            ("scan two" + name, lambda x=x, y=y: tf.scan(lambda s, a: (s[0] + a[0], s[1] + a[1]), (x, y))),
            ("scan two from" + name, lambda x=x: tf.scan(lambda s, a: (s[0] + a, s[1] + a), x, (zero, other))),
        ]
        for fold in (tf.foldl, tf.foldr):
            made += [
                (fold.__name__ + name, lambda f=fold, x=x: f(lambda s, a: s + a, x)),
                (fold.__name__ + " two" + name, lambda f=fold, x=x, y=y: f(lambda s, a: (s[0] + a[0], s[1]), (x, y))),
                (fold.__name__ + " from" + name, lambda f=fold, x=x: f(lambda s, a: s + a, x, zero)),
            ]
    array = tf.TensorArray(tf.float32, 3, clear_after_read=False)
    rows, vector = tf.placeholder(tf.float32, [3, 2]), tf.placeholder(tf.float32, [2])
    made += [
        (
            "while at most",
            lambda: tf.while_loop(lambda i: i < 3, lambda i: i + 1, [tf.constant(0)], maximum_iterations=4),
        ),
        (
            "while at most fed",
            lambda: tf.while_loop(lambda i: i < 3, lambda i: i + 1, [tf.constant(0)], maximum_iterations=limit),
        ),
        ("array", lambda: tf.TensorArray(tf.float32, 3)),
        ("unstack", lambda: tf.TensorArray(tf.float32, 3).unstack(rows)),
        ("stack", lambda: array.unstack(rows).stack()),
        ("read", lambda: array.write(0, vector).read(0)),
        ("read fed", lambda: array.write(0, vector).read(limit)),
        ("size", lambda: array.size()),
        ("gather", lambda: array.unstack(rows).gather([1, 0])),
        ("concat", lambda: array.unstack(rows).concat()),
    ]
    for name, cell in (("basic", R.BasicRNNCell), ("lstm", R.LSTMCell)):
        for dtype in (tf.int32, tf.int64):
            for major in (False, True):

                def run(cell=cell, dtype=dtype, major=major):
                    x, lengths = tf.placeholder(tf.float32, [2, 2, 5]), tf.placeholder(dtype, [2])
                    with tf.variable_scope(None, "net"):
                        return tf.nn.dynamic_rnn(cell(4), x, lengths, dtype=tf.float32, time_major=major)

                made.append(("lengths %s %s %s" % (name, dtype.name, major), run))
        made += [
            (name + " zero", lambda c=cell: c(4).zero_state(2, tf.float32)),
            (name + " zero fed", lambda c=cell: c(4).zero_state(batch, tf.float32)),
        ]
    made += [
        ("wrapper", lambda: R.DropoutWrapper(R.GRUCell(4), 0.5)),
        ("wrapper fed", lambda: R.DropoutWrapper(R.GRUCell(4), output_keep_prob=zero)),
        ("mask", lambda: tf.sequence_mask(ids, 5)),
        ("mask longest", lambda: tf.sequence_mask(ids)),
        ("mask fed", lambda: tf.sequence_mask(ids, limit)),
    ]  # fmt: skip
    return made


def _products_and_checks(tf: Any) -> Any:
    """Sums of products over named axes, masks, grids and assertions."""
    made = []
    for equation, shapes in (
        ("ij,jk->ik", ([2, 3], [3, 4])), ("bij,bjk->bik", ([5, 2, 3], [5, 3, 4])), ("ij,kj->ik", ([2, 3], [4, 3])),
        ("bij,jk->bik", ([5, 2, 3], [3, 4])), ("ij,ij->", ([2, 3], [2, 3])), ("ij,ij->i", ([2, 3], [2, 3])),
        ("ij,ij->ij", ([2, 3], [2, 3])), ("ijk->kji", ([2, 3, 4],)), ("ij->", ([2, 3],)), ("i,j->ij", ([2], [3])),
        ("bhqd,bhkd->bhqk", ([2, 3, 4, 5], [2, 3, 6, 5])), ("ij,jk,kl->il", ([2, 3], [3, 4], [4, 5])),
        ("bi,bj->bij", ([2, 3], [2, 4])), ("ij,i->ij", ([2, 3], [2])),
    ):  # fmt: skip
        given = [tf.placeholder(tf.float32, shape) for shape in shapes]
        made.append((equation, lambda e=equation, g=given: tf.einsum(e, *g)))
    known, x, free = (tf.placeholder(tf.float32, s) for s in ([3, 4], [None, 2, 3], [None, None]))
    flat, three, other = (tf.placeholder(tf.float32, s) for s in ([None, 4], [3], [3]))
    rows, whole, column = (tf.placeholder(tf.bool, s) for s in ([3], [3, 4], [4]))
    ids, on = tf.placeholder(tf.int32, [3]), tf.placeholder(tf.bool, [])
    made += [
        ("tensordot", lambda: tf.tensordot(x, known, 1)),
        ("tensordot axes", lambda: tf.tensordot(known, flat, [[1], [1]])),
        ("tensordot unknown", lambda: tf.tensordot(free, flat, 1)),
        ("boolean mask", lambda: tf.boolean_mask(known, rows)),
        ("boolean mask whole", lambda: tf.boolean_mask(known, whole)),
        ("boolean mask axis", lambda: tf.boolean_mask(known, column, axis=1)),
        ("boolean mask list", lambda: tf.boolean_mask(three, [True, False, True])),
        ("grid", lambda: tf.meshgrid(three, three)),
        ("grid ij", lambda: tf.meshgrid(three, three, indexing="ij")),
        ("grid of one", lambda: tf.meshgrid(three)),
        ("grid of three", lambda: tf.meshgrid(three, three, three)),
        ("shuffle", lambda: tf.random_shuffle(three)),
        ("multinomial", lambda: tf.multinomial(known, 2)),
        ("setdiff", lambda: tf.setdiff1d(ids, ids)),
        ("assert", lambda: tf.Assert(on, [three])),
        ("assert text", lambda: tf.Assert(on, ["text", three])),
        ("equal", lambda: tf.assert_equal(three, three)),
        ("equal number", lambda: tf.assert_equal(three, 1.0)),
        ("equal other", lambda: tf.assert_equal(three, other)),
        ("equal message", lambda: tf.assert_equal(three, other, message="m")),
        ("equal data", lambda: tf.assert_equal(three, other, data=[three])),
        ("less", lambda: tf.assert_less(three, three)),
        ("positive", lambda: tf.assert_positive(three)),
        ("negative", lambda: tf.assert_negative(three)),
        ("not negative", lambda: tf.assert_non_negative(three)),
    ]
    return made


counted("loops", _loops)
counted("products", _products_and_checks)
