"""The global step: a variable that counts training steps."""

from __future__ import annotations

from typing import Any

from minigraph.core.collections import GraphKeys
from minigraph.core.dtypes import int64
from minigraph.core.graph import Graph, get_default_graph
from minigraph.run.initializers import zeros_initializer
from minigraph.run.variables import Variable, get_variable


def get_global_step(graph: Graph | None = None) -> Variable | None:
    """The graph's global step, or None."""
    found = (graph or get_default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    return found[0] if found else None


def create_global_step(graph: Graph | None = None) -> Variable:
    """A new global step. ValueError where the graph has one."""
    target = graph or get_default_graph()
    if get_global_step(target) is not None:
        raise ValueError('"global_step" already exists.')
    with target.as_default(), target.name_scope(None):
        return get_variable(
            "global_step",
            shape=[],
            dtype=int64,
            initializer=zeros_initializer(),
            trainable=False,
            collections=[GraphKeys.GLOBAL_VARIABLES, GraphKeys.GLOBAL_STEP],
        )


def get_or_create_global_step(graph: Graph | None = None) -> Variable:
    """The graph's global step, made where there is none."""
    found = get_global_step(graph)
    return create_global_step(graph) if found is None else found


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The global step's value in a session."""
    return int(sess.run(global_step_tensor))
