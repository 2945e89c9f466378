"""The functions of `tf.summary` that make summary ops."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from minigraph.core.collections import GraphKeys
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.graph import Tensor
from minigraph.core.op import Op
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import as_tensor_like, graph_of
from minigraph.ops.host.summary import HistogramSummary, ImageSummary, MergeSummary, ScalarSummary

_INVALID = re.compile(r"[^-/\w.]", re.ASCII)


def _clean(name: str) -> str:
    """The name with "_" in place of characters that names do not allow."""
    return _INVALID.sub("_", name).lstrip("/")


def _summary(kind: type[Op], name: str, values: Any, collections: Any, family: str | None, **attributes: Any) -> Tensor:
    """One node in a scope named after the summary. The scope's name is also the tag."""
    short = _clean(name)
    if family is not None:
        family = _clean(family)
        short = f"{family}/{short}"
    value = as_tensor_like(values)
    graph = graph_of([value])
    with graph.as_default(), graph.name_scope(short) as scope:
        tag = scope[:-1] if family is None else f"{family}/{scope[:-1]}"
        graph.reserve_ids(1)  # the constant that holds the tag in TensorFlow 1
        tensor = convert_to_tensor(value, name="values")
        made = graph.add(kind(tag=tag, **attributes), (tensor,), scope).outputs[0]
    for key in [GraphKeys.SUMMARIES] if collections is None else collections:
        graph.add_to_collection(key, made)
    return made


def scalar(
    name: str, tensor: TensorLike, collections: Iterable[str] | None = None, family: str | None = None
) -> Tensor:
    """Make a summary of one number, for TensorBoard's tab Scalars.

    Args:
        name: Name of the node, and tag of the summary.
        tensor: A numeric tensor with one element.
        collections: Names of the collections that get the summary; by default `tf.GraphKeys.SUMMARIES`.
        family: A prefix of the tag, which TensorBoard uses as a heading.

    Returns:
        A scalar string tensor; its value is a serialised `Summary`.

    Example:
        >>> loss = tf.summary.scalar("loss", tf.constant(2.0))
        >>> text = tf.Session().run(loss)
        >>> tf.summary.Summary.FromString(text).value[0].simple_value
        2.0
    """
    return _summary(ScalarSummary, name, tensor, collections, family)


def histogram(
    name: str, values: TensorLike, collections: Iterable[str] | None = None, family: str | None = None
) -> Tensor:
    """Make a summary of how often values occur, for TensorBoard's tab Histograms.

    Args:
        name: Name of the node, and tag of the summary.
        values: A numeric tensor of any shape.
        collections: Names of the collections that get the summary; by default `tf.GraphKeys.SUMMARIES`.
        family: A prefix of the tag, which TensorBoard uses as a heading.

    Returns:
        A scalar string tensor; its value is a serialised `Summary`. In a run, NaN or infinity in `values` raises
        InvalidArgumentError.

    Example:
        >>> text = tf.Session().run(tf.summary.histogram("weights", [1.0, 2.0, 3.0]))
        >>> tf.summary.Summary.FromString(text).value[0].histo.num
        3.0
    """
    return _summary(HistogramSummary, name, values, collections, family)


def image(
    name: str,
    tensor: TensorLike,
    max_outputs: int = 3,
    collections: Iterable[str] | None = None,
    family: str | None = None,
) -> Tensor:
    """Make a summary of images, for TensorBoard's tab Images.

    uint8 images stay unchanged. Floating-point images are scaled one by one to 0 … 255: if no number is negative, the
    largest becomes 255; otherwise 0 becomes 128 and the number farthest from 0 becomes 1 or 255.

    Args:
        name: Name of the node; the tags are `name/image/0` and so on.
        tensor: uint8 or floating-point images [N,H,W,C], with 1, 3 or 4 channels.
        max_outputs: The number of images to take from the batch, at least 1.
        collections: Names of the collections that get the summary; by default `tf.GraphKeys.SUMMARIES`.
        family: A prefix of the tag, which TensorBoard uses as a heading.

    Returns:
        A scalar string tensor; its value is a serialised `Summary` with PNG images.

    Raises:
        ValueError: `max_outputs` is below 1.

    Example:
        >>> text = tf.Session().run(tf.summary.image("digits", tf.zeros([5, 28, 28, 1])))
        >>> len(tf.summary.Summary.FromString(text).value)
        3
    """
    if max_outputs < 1:
        raise ValueError(f"max_outputs must be at least 1, not {max_outputs}")
    return _summary(ImageSummary, name, tensor, collections, family, max_images=max_outputs)


def merge(inputs: Iterable[Tensor], collections: Iterable[str] | None = None, name: str | None = None) -> Tensor:
    """Join summaries into one.

    Args:
        inputs: Summaries: scalar string tensors. In a run, two with the same tag raise InvalidArgumentError.
        collections: Names of the collections that get the result; by default none.
        name: Name of the node.

    Returns:
        A scalar string tensor; its value is a serialised `Summary` with the values of all `inputs`.

    Raises:
        ValueError: There are no summaries.

    Example:
        >>> both = tf.summary.merge([tf.summary.scalar("loss", 2.0), tf.summary.scalar("accuracy", 0.5)])
        >>> [v.tag for v in tf.summary.Summary.FromString(tf.Session().run(both)).value]
        ['loss', 'accuracy']
    """
    tensors = [convert_to_tensor(t) for t in inputs]
    if not tensors:
        raise ValueError("merge needs at least one summary")
    graph = graph_of(tensors)
    cleaned = None if name is None else _clean(name)
    with graph.as_default(), graph.name_scope(cleaned or "Merge"):
        made = graph.add(MergeSummary(), tensors, cleaned).outputs[0]
    for key in collections or []:
        graph.add_to_collection(key, made)
    return made


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """Join all summaries of a collection of the default graph.

    Args:
        key: Name of the collection.
        scope: Only summaries whose names match this regular expression from their start on.
        name: Name of the node.

    Returns:
        As of `merge`; None if the collection is empty.

    Example:
        >>> print(tf.summary.merge_all())
        None
    """
    found = get_default_graph().get_collection(key, scope)
    return merge(found, name=name) if found else None
