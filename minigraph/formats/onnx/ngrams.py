"""Importer of TfIdfVectorizer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.formats.onnx.call import OnnxNode, Result


def _tfidf(call: OnnxNode) -> Result:
    """How often each n-gram of integers occurs in the rows, times its weight: [N, places]."""
    if call.attr("pool_strings", []):
        call.unsupported("n-grams of strings are not supported")
    places = np.array(call.attr("ngram_indexes"))
    x = tf.cast(call.x() if call.rank() == 2 else tf.expand_dims(call.x(), 0), tf.int64)
    columns: list[Any] = list(_counts(call, x))
    counts = tf.cast(tf.concat(columns, 1), tf.float32)
    mode, weights = call.attr("mode"), np.array(call.attr("weights", np.ones(len(places))), np.float32)
    if mode == "IDF":
        counts = tf.minimum(counts, tf.constant(np.float32(1)))
    call.check_size(len(places), places.max() + 1)
    spread = np.zeros((len(places), places.max() + 1), np.float32)
    spread[np.arange(len(places)), places] = 1 if mode == "TF" else weights
    y = tf.matmul(counts, tf.constant(spread))
    return y if call.rank() == 2 else tf.squeeze(y, [0])


def _counts(call: OnnxNode, x: Any) -> Iterator[Any]:
    """For each length, the counts [N, n-grams] of its n-grams, with up to `max_skip_count` numbers left out between
    neighbours."""
    pool, length = np.array(call.attr("pool_int64s"), np.int64), call.static()[-1]
    starts = [*call.attr("ngram_counts"), len(pool)]
    shortest, longest = call.attr("min_gram_length"), call.attr("max_gram_length")
    skips = call.attr("max_skip_count")
    for n, (start, stop) in enumerate(pairwise(starts), 1):
        grams = pool[start:stop].reshape(-1, n)
        total = tf.zeros(tf.stack([tf.shape(x)[0], len(grams)]), tf.int64)
        call.check_count(max(skips, 0) + 1, max(n, 1))
        distances = range(1, (skips if n > 1 else 0) + 2) if shortest <= n <= longest else []
        for distance in distances:
            count = length - distance * (n - 1)
            if count > 0 and len(grams):
                found: Any = tf.stack([x[:, distance * k : distance * k + count] for k in range(n)], -1)
                equal = tf.reduce_all(tf.equal(found[:, :, None], tf.constant(grams)), -1)
                total += tf.reduce_sum(tf.cast(equal, tf.int64), 1)
        yield total


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {"TfIdfVectorizer": _tfidf}
