"""`tf.contrib.layers`: summaries of tensors and of collections of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import minigraph as tf


def summarize_tensor(tensor: Any, tag: str | None = None) -> Any:
    """The scalar of a tensor with one element, else a histogram."""
    is_scalar = tensor.get_shape().ndims == 0
    name = tag or tensor.op.name
    return tf.summary.scalar(name, tensor) if is_scalar else tf.summary.histogram(name, tensor)


def summarize_activation(op: Any) -> Any:
    """A histogram of an activation; for ReLU, sigmoid and tanh also the share of zeros or of saturated values."""
    kind = op.op.type
    if kind in ("Relu", "Softplus", "Relu6"):
        with tf.name_scope(None):
            tf.summary.scalar(f"{op.op.name}/zeros", tf.reduce_mean(tf.cast(tf.equal(op, 0.0), tf.float32)))
    if kind == "Relu6":
        tf.summary.scalar(f"{op.op.name}/sixes", tf.reduce_mean(tf.cast(tf.equal(op, 6.0), tf.float32)))
    return tf.summary.histogram(f"{op.op.name}/activation", op)


def summarize_tensors(tensors: Iterable[Any], summarizer: Callable[[Any], Any] = summarize_tensor) -> list[Any]:
    """Summaries of tensors, by `summarizer`."""
    return [summarizer(tensor) for tensor in tensors]


def summarize_collection(
    collection: str, name_filter: str | None = None, summarizer: Callable[[Any], Any] = summarize_tensor
) -> list[Any]:
    """Summaries of a collection's tensors; `name_filter` is a pattern that their names must contain."""
    tensors = tf.get_collection(collection)
    if name_filter is not None:
        tensors = [t for t in tensors if re.match(name_filter, t.op.name)]
    return summarize_tensors(tensors, summarizer)


def summarize_activations(
    name_filter: str | None = None, summarizer: Callable[[Any], Any] = summarize_activation
) -> list[Any]:
    """Summaries of the collection ACTIVATIONS."""
    return summarize_collection(tf.GraphKeys.ACTIVATIONS, name_filter, summarizer)
