"""Savers of TensorFlow's meta graphs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from minigraph.core.default_graph import get_default_graph
from minigraph.core.errors import DataLossError
from minigraph.core.graph import Tensor
from minigraph.formats.tensorflow.meta_graph import ImportedMetaGraph, add_meta_graph
from minigraph.run.variable_lists import global_variables
from minigraph.run.variables import Variable
from minigraph.train.saver import Saver, VariablePart


def import_message(
    message: Any, scope: str, replaced: Mapping[str, Tensor] | None, options: Mapping[str, Any], trusted: bool = False
) -> tuple[Saver | None, ImportedMetaGraph]:  # fmt: skip
    """Add a `MetaGraphDef` to the default graph; a Saver for the variables that its Saver restores, and the import."""
    graph = get_default_graph()
    with graph.name_scope(scope or None) as full:
        loaded = add_meta_graph(graph, message, full.rstrip("/"), replaced, trusted)
    saver = saver_of(loaded, {"write_version": 2, **options})
    return saver, loaded


def saver_of(loaded: ImportedMetaGraph, options: Mapping[str, Any]) -> Saver | None:
    """A Saver of what a meta graph's Saver restores; of all global variables where that is not said."""
    graph = get_default_graph()
    named: dict[str, Variable] = {}
    parts: dict[str, VariablePart] = {}
    for restored in loaded.restored:
        variable = loaded.variables.get(restored.variable)
        if variable is None:
            continue
        if restored.spec:
            name = f"{restored.key} {restored.spec}"
            parts[name] = _part(restored.key, restored.spec)
            named[name] = variable
        else:
            named[restored.key] = variable
    if not named and not global_variables():
        return None
    with graph.counted_as(0):  # TensorFlow's file has the nodes of the Saver that wrote it
        saver = Saver(named or None, **options)
    saver.take_parts(parts)
    return saver


def _part(key: str, spec: str) -> VariablePart:
    """A part from a text such as `10 4 0,5:0,4`: the whole's shape, and start and length along each axis."""
    *shape, places = spec.split()
    found = [re.fullmatch(r"(\d+),(\d+)|-", p) for p in places.split(":")]
    if not shape or len(found) != len(shape) or not all(found) or not all(d.isdecimal() for d in shape):
        raise DataLossError(f"the Saver of the graph restores the part '{spec}' of '{key}', which is no part")
    whole = tuple(map(int, shape))
    pairs = [(m, n) for m, n in zip(found, whole, strict=True) if m is not None]
    ranges = [(0, n) if m[0] == "-" else (int(m[1]), int(m[2])) for m, n in pairs]
    return VariablePart(key, whole, tuple(slice(start, start + length) for start, length in ranges))
