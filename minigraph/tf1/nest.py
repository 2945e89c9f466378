"""Nests of tensors as `tf.data` has them: tuples and dictionaries; lists are values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Nest = Any  # a leaf, or a tuple or dictionary of nests


def flatten(nest: Nest) -> list[Any]:
    """The leaves in order; those of a dictionary by its sorted keys."""
    if isinstance(nest, Mapping):
        return [leaf for key in sorted(nest) for leaf in flatten(nest[key])]
    if isinstance(nest, tuple):
        return [leaf for part in nest for leaf in flatten(part)]
    return [nest]


def flatten_like(structure: Nest, nest: Nest) -> list[Any]:
    """What a nest has where `structure` has its leaves; tuples and dictionaries may be there. ValueError."""
    if isinstance(structure, Mapping):
        if not isinstance(nest, Mapping) or set(nest) != set(structure):
            raise ValueError(f"expected a dictionary with the keys {sorted(structure)}, got {nest!r}")
        return [leaf for key in sorted(structure) for leaf in flatten_like(structure[key], nest[key])]
    if isinstance(structure, tuple):
        if not isinstance(nest, tuple | list) or len(nest) != len(structure):
            raise ValueError(f"expected {len(structure)} parts, got {nest!r}")
        return [leaf for part, inner in zip(structure, nest, strict=True) for leaf in flatten_like(part, inner)]
    return [nest]


def pack(structure: Nest, leaves: Sequence[Any]) -> Nest:
    """A nest of this structure with other leaves."""
    return _pack(structure, iter(leaves))


def _pack(structure: Nest, waiting: Iterator[Any]) -> Nest:
    if isinstance(structure, Mapping):
        made = {key: _pack(structure[key], waiting) for key in sorted(structure)}
        return {key: made[key] for key in structure}
    if isinstance(structure, tuple):
        parts = [_pack(part, waiting) for part in structure]
        return type(structure)(*parts) if hasattr(structure, "_fields") else tuple(parts)
    return next(waiting)
