"""Arguments that have two names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.core.arguments import renamed


def test_the_name_that_is_given_counts() -> None:
    assert renamed("axis", None, "dim", None) is None
    assert renamed("axis", 0, "dim", None) == 0
    assert renamed("axis", None, "dim", 0) == 0
    with pytest.raises(ValueError, match="Cannot specify both 'dim' and 'axis'"):
        renamed("axis", 1, "dim", 1)


X, IMAGE, FILTER = np.ones((2, 3), np.float32), np.ones((1, 4, 4, 2), np.float32), np.ones((2, 2, 2, 2), np.float32)
BOTH: list[Callable[[], Any]] = [
    lambda: tf.reduce_sum(X, axis=0, reduction_indices=0),
    lambda: tf.reduce_max(X, keepdims=False, keep_dims=False),
    lambda: tf.reduce_logsumexp(X, axis=0, reduction_indices=1),
    lambda: tf.count_nonzero(X, axis=0, reduction_indices=0),
    lambda: tf.count_nonzero(X, input=X),
    lambda: tf.argmax(X, axis=0, dimension=0),
    lambda: tf.expand_dims(X, axis=0, dim=0),
    lambda: tf.squeeze(X[:1], axis=0, squeeze_dims=0),
    lambda: tf.norm(X, axis=0, keepdims=True, keep_dims=True),
    lambda: tf.nn.softmax(X, axis=0, dim=0),
    lambda: tf.nn.log_softmax(X, axis=0, dim=0),
    lambda: tf.nn.l2_normalize(X, axis=0, dim=0),
    lambda: tf.nn.moments(X, [0], keepdims=True, keep_dims=True),
    lambda: tf.nn.softmax_cross_entropy_with_logits_v2(labels=X, logits=X, axis=0, dim=0),
    lambda: tf.nn.weighted_cross_entropy_with_logits(labels=X, logits=X, pos_weight=1.0, targets=X),
    lambda: tf.losses.cosine_distance(X, X, axis=0, dim=0),
    lambda: tf.nn.conv2d(IMAGE, FILTER, 1, "SAME", filters=FILTER),
    lambda: tf.nn.convolution(IMAGE, FILTER, "SAME", filters=FILTER),
    lambda: tf.nn.convolution(IMAGE, FILTER, "SAME", dilation_rate=1, dilations=1),
    lambda: tf.nn.max_pool(IMAGE, 2, 2, "SAME", input=IMAGE),
    lambda: tf.nn.depthwise_conv2d(IMAGE, FILTER, [1, 1, 1, 1], "SAME", rate=[1, 1], dilations=[1, 1]),
    lambda: tf.cond(tf.constant(True), lambda: X, lambda: X, fn1=lambda: X),
    lambda: tf.verify_tensor_all_finite(X, "", x=X),
]


@pytest.mark.parametrize("call", BOTH)
def test_two_names_at_once_are_refused(call: Callable[[], Any]) -> None:
    with tf.Graph().as_default(), pytest.raises(ValueError, match=r"Cannot specify both '.*' and '.*'"):
        call()
