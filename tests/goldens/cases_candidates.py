"""Samplers of classes and the losses over them: see ``cases.py`` for the rules of these files.

Tests `tf1/candidates.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cases import CASES, Case, Results, case, drawn_after
from cases_ops import add, normal

_TRUE = np.array([[3], [0], [4]], np.int64)
_WEIGHTS = [3.0, 1.0, 0.5, 4.0, 2.0, 7.0, 0.25]


def _sampler(name: str, build: Any) -> None:
    """Three runs of a sampler in one session, whose state goes on, and one in a new session."""

    def run(tf: Any) -> Results:
        with tf.Graph().as_default():
            tf.set_random_seed(5)
            found = build(tf, tf.constant(_TRUE))
            with tf.Session() as session:
                runs = [session.run(found) for _ in range(3)]
            with tf.Session() as session:
                again = session.run(found)
        results = {"%s %d" % (part, i): r[k] for i, r in enumerate(runs)
                   for k, part in enumerate(("sampled", "true", "expected"))}  # fmt: skip
        results["again"] = again[0]
        return results

    CASES["sampler_" + name] = Case(run, 2e-6, 0)


for _unique in (True, False):
    _end = "_unique" if _unique else ""
    for _kind in ("uniform", "log_uniform", "learned_unigram"):
        for _seed in (None, 3):
            _sampler("%s%s_%s" % (_kind, _end, _seed), lambda tf, true, k=_kind, u=_unique, s=_seed: (
                getattr(tf.nn, k + "_candidate_sampler")(true, 1, 5, u, 7, seed=s)))  # fmt: skip
    _sampler("fixed_unigram" + _end, lambda tf, true, u=_unique: tf.nn.fixed_unigram_candidate_sampler(
        true, 1, 4, u, 7, unigrams=_WEIGHTS, seed=2))  # fmt: skip
    _sampler("fixed_unigram_distorted" + _end, lambda tf, true, u=_unique: tf.nn.fixed_unigram_candidate_sampler(
        true, 1, 4, u, 9, distortion=0.75, num_reserved_ids=2, unigrams=_WEIGHTS))  # fmt: skip
    _sampler("all" + _end, lambda tf, true, u=_unique: tf.nn.all_candidate_sampler(true, 1, 5, u))
_sampler("many", lambda tf, true: tf.nn.log_uniform_candidate_sampler(true, 1, 64, True, 1000))
_sampler("few_left", lambda tf, true: tf.nn.log_uniform_candidate_sampler(true, 1, 7, True, 7))


@case()
def accidental_hits(tf: Any) -> Results:
    """Hits of a sample with a class twice."""
    with tf.Graph().as_default(), tf.Session() as session:
        true = tf.constant([[3, 1], [0, 7], [5, 3]], tf.int64)
        found = tf.nn.compute_accidental_hits(true, tf.constant([3, 7, 2, 3], tf.int64), 2)
        return dict(zip(("rows", "places", "weights"), session.run(found)))


def _loss(function: str, num_true: int = 1, parts: int = 1, **more: Any) -> Any:
    def build(tf: Any, w: Any, b: Any, x: Any) -> Any:
        tf.set_random_seed(4)
        labels = tf.constant(np.arange(4 * num_true).reshape(4, num_true) % 7, tf.int64)
        tables = w if parts == 1 else [w[:4], w[4:]]
        extra = dict(more)
        if "sampled" in extra:
            places = tf.constant(extra.pop("sampled"), tf.int64)
            extra["sampled_values"] = (places, tf.fill([4, num_true], 0.5), tf.fill(tf.shape(places), 0.25))
        return getattr(tf.nn, function)(tables, b, labels, x, 3, 7, num_true, **extra)

    return build


_OPERANDS = (normal(7, 5), normal(7), normal(4, 5, seed=1))
for _name in ("nce_loss", "sampled_softmax_loss"):
    add(_name, _loss(_name), *_OPERANDS, second=True)
    add(_name + "_of_two", _loss(_name, 2), *_OPERANDS)
    add(_name + "_parts", _loss(_name, parts=2, partition_strategy="div"), *_OPERANDS)
    add(_name + "_hits", _loss(_name, remove_accidental_hits=True), *_OPERANDS)
    add(_name + "_kept", _loss(_name, 2, remove_accidental_hits=False), *_OPERANDS)
    add(_name + "_sampled", _loss(_name, 2, sampled=[6, 1, 1], remove_accidental_hits=True), *_OPERANDS)


@case(rtol=1e-5)
def word_vectors(tf: Any) -> Results:
    """Training of word vectors by noise-contrastive estimation."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(11)
        words, context = tf.placeholder(tf.int32, [None]), tf.placeholder(tf.int32, [None, 1])
        table = tf.Variable(tf.random_uniform([20, 8], -1.0, 1.0))
        weights, biases = tf.Variable(tf.truncated_normal([20, 8], stddev=0.3)), tf.Variable(tf.zeros([20]))
        loss = tf.reduce_mean(tf.nn.nce_loss(weights=weights, biases=biases, labels=context, num_sampled=6,
                              inputs=tf.nn.embedding_lookup(table, words), num_classes=20))  # fmt: skip
        step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
        session.run(tf.global_variables_initializer())
        feed = {words: [1, 4, 9, 1], context: [[2], [5], [3], [19]]}
        return {"losses": np.array([session.run([loss, step], feed)[0] for _ in range(5)])}


@case(rtol=5e-7, atol=1e-7)
def counted_candidates(tf: Any) -> Results:
    """A random number after each call: its value pins the number of ops that the call makes."""
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        w, b, x = tf.zeros([7, 2]), tf.zeros([7]), tf.zeros([4, 2])
        long, short = tf.constant([[1]] * 4, tf.int64), tf.constant([[1]] * 4)
        drawn = tf.nn.uniform_candidate_sampler(long, 1, 3, True, 7)
        parts = [w[:4], w[4:]]
        calls = [("lookup %s %d" % (way, len(ids)), lambda i=ids, s=way: tf.nn.embedding_lookup(parts * 2, i, s))
                 for way in ("mod", "div") for ids in ([1], [[1], [2]])]  # fmt: skip
        calls += [
            ("parts mod", lambda: tf.nn.nce_loss(parts, b, long, x, 3, 7)),
            ("parts div", lambda: tf.nn.nce_loss(parts, b, short, x, 3, 7, partition_strategy="div")),
        ]
        calls += [("hits", lambda: tf.nn.compute_accidental_hits(long, drawn[0], 1))]
        for name in ("nce_loss", "sampled_softmax_loss"):
            loss = getattr(tf.nn, name)
            calls += [
                (name, lambda f=loss: f(w, b, long, x, 3, 7)),
                (name + " short", lambda f=loss: f(w, b, short, x, 3, 7)),
                (name + " drawn", lambda f=loss: f(w, b, long, x, 3, 7, sampled_values=drawn)),
                (name + " hits", lambda f=loss: f(w, b, long, x, 3, 7, remove_accidental_hits=True)),
                (name + " kept", lambda f=loss: f(w, b, long, x, 3, 7, remove_accidental_hits=False)),
            ]
        return drawn_after(tf, session, calls)
