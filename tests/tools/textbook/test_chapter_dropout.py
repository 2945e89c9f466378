"""EQ-dropout and F3-27: all 2^N thinned networks of small nets, run through graphs. Names begin with the row's id."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigraph as tf
from minigraph.ops.math.casting import Cast

UNITS, CLASSES = 6, 3
MASKS = np.array(list(itertools.product([0.0, 1.0], repeat=UNITS)))
keeps = st.floats(0.1, 0.9)
seeds = st.integers(0, 2**32 - 1)


class Net:
    """A row of units, dropout, then one softmax layer, or a tanh layer of 8 units and the softmax layer.

    The thinned networks are run as a batch: the mask of `tf.nn.dropout` is fed. Its outputs are divided by keep_prob.
    """

    def __init__(self, keep: float, seed: int, deep: bool = False) -> None:
        random = np.random.default_rng(seed)
        self.keep = keep
        self.x = random.normal(size=(1, UNITS))
        with tf.Graph().as_default() as self.graph:
            self.units = tf.placeholder(tf.float64, [None, UNITS])
            self.keep_prob = tf.placeholder(tf.float64, [])
            self.dropped = tf.nn.dropout(self.units, self.keep_prob)
            self.mask = next(n.outputs[0] for n in self.graph.nodes if isinstance(n.op, Cast))
            before = self.dropped
            if deep:
                before = tf.tanh(tf.matmul(before, tf.constant(random.normal(size=(UNITS, 8)), tf.float64)))
            weights = tf.constant(random.normal(size=(8 if deep else UNITS, CLASSES)), tf.float64)
            self.logits = tf.matmul(before, weights)
            self.softmax = tf.nn.softmax(self.logits)

    def run(self, fetch: Any, masks: np.ndarray, keep: float) -> np.ndarray:
        with tf.Session(graph=self.graph) as session:
            units = np.repeat(self.x, len(masks), axis=0)
            result: np.ndarray = session.run(fetch, {self.units: units, self.mask: masks, self.keep_prob: keep})
            return result

    def thinned(self, fetch: Any) -> np.ndarray:
        """One row for each of the 2^N networks, in the order of MASKS."""
        return self.run(fetch, MASKS, self.keep)

    def whole(self, fetch: Any) -> np.ndarray:
        """At test time: nothing dropped."""
        return self.run(fetch, np.ones((1, UNITS)), 1.0)

    @property
    def probabilities(self) -> np.ndarray:
        kept = MASKS.sum(1)
        result: np.ndarray = self.keep**kept * (1 - self.keep) ** (UNITS - kept)
        return result

    def arithmetic(self, fetch: Any) -> np.ndarray:
        result: np.ndarray = self.probabilities @ self.thinned(fetch)
        return result

    def geometric(self) -> np.ndarray:
        """The weighted geometric mean of the softmax outputs, made to sum to 1."""
        mean = np.exp(self.probabilities @ np.log(self.thinned(self.softmax)))
        result: np.ndarray = mean / mean.sum()
        return result


def test_f3_27_erratum_there_are_2_to_the_n_thinned_networks() -> None:
    """Erratum: N² is printed."""
    net = Net(0.5, 0)
    outputs = {tuple(row) for row in net.thinned(net.dropped)}
    assert len(outputs) == 2**UNITS != UNITS**2


@settings(max_examples=30)
@given(keeps, seeds)
def test_eq_dropout_expectation(keep: float, seed: int) -> None:
    net = Net(keep, seed)
    np.testing.assert_allclose(net.probabilities.sum(), 1, rtol=1e-12)
    np.testing.assert_allclose(net.arithmetic(net.dropped), net.x[0], rtol=1e-10)


@settings(max_examples=30)
@given(keeps, seeds)
def test_eq_dropout_a_linear_layer_gives_the_arithmetic_mean(keep: float, seed: int) -> None:
    net = Net(keep, seed)
    np.testing.assert_allclose(net.arithmetic(net.logits), net.whole(net.logits)[0], rtol=1e-9, atol=1e-9)


@settings(max_examples=30)
@given(keeps, seeds)
def test_eq_dropout_weight_scaling_is_exact_for_one_softmax_layer(keep: float, seed: int) -> None:
    net = Net(keep, seed)
    np.testing.assert_allclose(net.geometric(), net.whole(net.softmax)[0], rtol=1e-9)


def test_eq_dropout_scaling_weights_by_p_is_the_same_rule() -> None:
    """Without the division in training, the weights times p at test time: softmax(p·x·W) against all networks."""
    net = Net(0.7, 3)
    thinned = net.run(net.softmax, MASKS, 1.0)  # masks only, nothing divided
    mean = np.exp(net.probabilities @ np.log(thinned))
    scaled = net.run(net.softmax, np.full((1, UNITS), net.keep), 1.0)  # p·x·W = x·(p·W)
    np.testing.assert_allclose(mean / mean.sum(), scaled[0], rtol=1e-10)


@pytest.mark.parametrize("seed", range(5))
def test_eq_dropout_weight_scaling_is_approximate_for_deeper_nets(seed: int) -> None:
    net = Net(0.5, seed, deep=True)
    gap = np.abs(net.geometric() - net.whole(net.softmax)[0]).max()
    assert 1e-4 < gap < 0.5


def test_eq_dropout_the_two_means_differ() -> None:
    """The arithmetic mean of softmax outputs is not what weight scaling gives, even for one layer."""
    net = Net(0.5, 1)
    assert np.abs(net.arithmetic(net.softmax) - net.whole(net.softmax)[0]).max() > 1e-2
    logs = net.probabilities @ np.log(net.thinned(net.softmax))
    assert np.all(np.exp(logs) <= net.arithmetic(net.softmax) + 1e-12)  # geometric ≤ arithmetic, class by class


def test_eq_dropout_the_masks_that_are_drawn_have_these_probabilities() -> None:
    """A large draw of the op itself: the share kept lies within 5 standard deviations of p."""
    keep, count = 0.75, 100_000
    with tf.Graph().as_default(), tf.Session() as session:
        y = session.run(tf.nn.dropout(tf.ones([count]), keep, seed=1))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / keep)}
    deviation = np.sqrt(keep * (1 - keep) / count)
    assert abs(np.mean(y > 0) - keep) < 5 * deviation
