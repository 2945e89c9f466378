"""Nests: lists, tuples, named tuples and dictionaries of leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Nest = Any  # a leaf, or a sequence or dictionary of nests
Kinds = type[Sequence[Any]] | tuple[type[Sequence[Any]], ...]  # the sequences that are nests; others are leaves
SEQUENCES: Kinds = (list, tuple)


def flatten(nest: Nest, kinds: Kinds = SEQUENCES) -> list[Any]:
    """The leaves in order; those of a dictionary by its sorted keys."""
    if isinstance(nest, Mapping):
        return [leaf for key in sorted(nest) for leaf in flatten(nest[key], kinds)]
    if isinstance(nest, kinds):
        return [leaf for part in nest for leaf in flatten(part, kinds)]
    return [nest]


def listed(value: Any) -> list[Any]:
    """The elements of a list or tuple; any other value as the only element."""
    return list(value) if isinstance(value, list | tuple) else [value]


def pack(structure: Nest, leaves: Sequence[Any], kinds: Kinds = SEQUENCES) -> Nest:
    """A nest of this structure with other leaves."""
    return _pack(structure, iter(leaves), kinds)


def _pack(structure: Nest, waiting: Iterator[Any], kinds: Kinds) -> Nest:
    if isinstance(structure, Mapping):
        made = {key: _pack(structure[key], waiting, kinds) for key in sorted(structure)}
        return {key: made[key] for key in structure}
    if isinstance(structure, kinds):
        parts = [_pack(part, waiting, kinds) for part in structure]
        made_of_parts: Any = type(structure)
        return made_of_parts(*parts) if hasattr(structure, "_fields") else made_of_parts(parts)
    return next(waiting)


def form(nest: Nest) -> Any:
    """The structure alone, which can be compared."""
    if isinstance(nest, Mapping):
        return {key: form(nest[key]) for key in sorted(nest)}
    if isinstance(nest, list | tuple):
        return type(nest), [form(part) for part in nest]
    return None
