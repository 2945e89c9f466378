"""`tf.contrib.framework.nest`: lists, tuples and dictionaries of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.util import nest


def is_sequence(seq: Any) -> bool:
    """Whether the value is a list, tuple or dictionary."""
    return isinstance(seq, list | tuple | Mapping)


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves in order; those of a dictionary by its sorted keys."""
    refuse("nest.flatten", expand_composites=expand_composites or None)
    return nest.flatten(structure)


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False) -> Any:
    """The leaves in this structure. ValueError if there are more or fewer of them."""
    refuse("nest.pack_sequence_as", expand_composites=expand_composites or None)
    if len(nest.flatten(structure)) != len(flat_sequence):
        count = len(nest.flatten(structure))
        raise ValueError(f"Could not pack sequence. Structure had {count} elements, but flat_sequence had "
                         f"{len(flat_sequence)} elements.")  # fmt: skip
    return nest.pack(structure, flat_sequence)


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """ValueError if the structures differ. The classes of sequences count, too."""
    refuse("nest.assert_same_structure", check_types=None if check_types else False,
           expand_composites=expand_composites or None)  # fmt: skip
    if nest.form(nest1) != nest.form(nest2):
        raise ValueError(f"The two structures don't have the same nested structure: {nest1!r} and {nest2!r}")


def map_structure(func: Callable[..., Any], *structure: Any) -> Any:
    """The results of a function of the leaves, in the structure of the first argument."""
    for other in structure[1:]:
        assert_same_structure(structure[0], other)
    leaves = zip(*map(nest.flatten, structure), strict=True)
    return nest.pack(structure[0], [func(*each) for each in leaves])
