"""Scopes of the default graph, as functions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from minigraph.core.graph import get_default_graph
from minigraph.ops.builder import as_tensor_like, graph_of

__all__ = [
    "add_to_collection",
    "add_to_collections",
    "colocate_with",
    "control_dependencies",
    "device",
    "get_collection",
    "get_collection_ref",
    "name_scope",
]


@contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """Prefix the names of nodes made inside. "a/" reopens a scope; None takes `default_name`. Yields "scope/"."""
    if name is None and default_name is None and values is not None:
        raise ValueError(f"At least one of name ({name}) and default_name ({default_name}) must be provided.")
    graph = graph_of([as_tensor_like(v) for v in values or []])
    with graph.as_default(), graph.name_scope(default_name if name is None else name) as scope:
        yield scope


def control_dependencies(control_inputs: Any) -> AbstractContextManager[None]:
    """Nodes made inside run after `control_inputs`; None clears the active ones."""
    return get_default_graph().control_dependencies(control_inputs)


@contextmanager
def device(device_name_or_function: Any) -> Iterator[None]:
    """Accepted and ignored, with a warning: a session runs the whole graph on its backend."""
    if device_name_or_function is not None:
        warnings.warn(
            f"tf.device({device_name_or_function!r}) has no effect; choose with Session(backend=...)", stacklevel=3
        )
    yield


@contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """Accepted and ignored."""
    yield


def add_to_collection(name: Any, value: Any) -> None:
    """Append to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


def add_to_collections(names: Any, value: Any) -> None:
    """Append to each collection of a list, or to one; None: to none."""
    get_default_graph().add_to_collections(names, value)


def get_collection_ref(key: Any) -> list[Any]:
    """A collection of the default graph itself: what is done to it lasts."""
    return get_default_graph().get_collection_ref(key)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """A copy of a collection of the default graph."""
    return get_default_graph().get_collection(key, scope)
