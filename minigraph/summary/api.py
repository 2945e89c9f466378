"""The functions that make summary ops."""

from __future__ import annotations

import re
from typing import Any

from minigraph.core.collections import GraphKeys
from minigraph.core.graph import Tensor, convert_to_tensor, get_default_graph
from minigraph.core.op import Op
from minigraph.ops.builder import as_tensor_like, graph_of
from minigraph.ops.host.summary import HistogramSummary, ImageSummary, MergeSummary, ScalarSummary

_INVALID = re.compile(r"[^-/\w.]", re.ASCII)


def _clean(name: str) -> str:
    """The name with "_" for what no name may hold."""
    return _INVALID.sub("_", name).lstrip("/")


def _summary(kind: type[Op], name: str, values: Any, collections: Any, family: str | None, **attributes: Any) -> Tensor:
    """One node in a scope named after the summary, whose name is the tag too."""
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


def scalar(name: str, tensor: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """A summary of one number. The result is a string tensor; running it gives a serialised `Summary`."""
    return _summary(ScalarSummary, name, tensor, collections, family)


def histogram(name: str, values: Any, collections: Any = None, family: str | None = None) -> Tensor:
    """A summary of how often numbers occur. It cannot be had of NaN or infinity: InvalidArgumentError."""
    return _summary(HistogramSummary, name, values, collections, family)


def image(name: str, tensor: Any, max_outputs: int = 3, collections: Any = None, family: str | None = None) -> Tensor:
    """A summary of the first `max_outputs` images of [N,H,W,C], C of 1, 3 or 4.

    uint8 images stay as they are; floats are scaled, for each image: where none is negative, the largest becomes 255,
    else 0 becomes 128 and the number farthest from it 1 or 255.
    """
    if max_outputs < 1:
        raise ValueError(f"max_outputs must be at least 1, not {max_outputs}")
    return _summary(ImageSummary, name, tensor, collections, family, max_images=max_outputs)


def merge(inputs: Any, collections: Any = None, name: str | None = None) -> Tensor:
    """One summary with the values of several. InvalidArgumentError at run time where two have one tag."""
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
    """All summaries of a collection of the default graph, merged; None where there is none."""
    found = get_default_graph().get_collection(key, scope)
    return merge(found, name=name) if found else None
