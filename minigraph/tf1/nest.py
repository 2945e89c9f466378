"""Nests of tensors as `tf.data` has them: tuples and dictionaries; lists are values."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from minigraph.util import nest
from minigraph.util.nest import Nest as Nest

flatten = partial(nest.flatten, kinds=tuple)
pack = partial(nest.pack, kinds=tuple)


def flatten_like(structure: Nest, given: Nest) -> list[Any]:
    """What a nest has where `structure` has its leaves; tuples and dictionaries may be there. ValueError."""
    if isinstance(structure, Mapping):
        if not isinstance(given, Mapping) or set(given) != set(structure):
            raise ValueError(f"expected a dictionary with the keys {sorted(structure)}, got {given!r}")
        return [leaf for key in sorted(structure) for leaf in flatten_like(structure[key], given[key])]
    if isinstance(structure, tuple):
        if not isinstance(given, tuple | list) or len(given) != len(structure):
            raise ValueError(f"expected {len(structure)} parts, got {given!r}")
        return [leaf for part, inner in zip(structure, given, strict=True) for leaf in flatten_like(part, inner)]
    return [given]
