"""`tf.contrib.framework.nest`: lists, tuples and dictionaries of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.util import nest


def is_sequence(seq: Any) -> bool:
    """Whether the value is a list, tuple or dictionary.

    Args:
        seq: Any value.

    Returns:
        True or False.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.contrib.framework.nest.is_sequence([1])
        True
    """
    return isinstance(seq, list | tuple | Mapping)


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves in order; those of a dictionary by its sorted keys.

    Args:
        structure: Lists, tuples and dictionaries in each other, or one leaf.
        expand_composites: Must be False.

    Returns:
        A list of the leaves.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.contrib.framework.nest.flatten({"b": [2, 3], "a": 1})
        [1, 2, 3]
    """
    refuse("nest.flatten", expand_composites=expand_composites or None)
    return nest.flatten(structure)


def pack_sequence_as(structure: Any, flat_sequence: Sequence[Any], expand_composites: bool = False) -> Any:
    """The leaves in this structure.

    Args:
        structure: Lists, tuples and dictionaries in each other, or one leaf.
        flat_sequence: The new leaves, in the order of `flatten`.
        expand_composites: Must be False.

    Returns:
        The structure with the new leaves.

    Raises:
        ValueError: There are more or fewer leaves.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.contrib.framework.nest.pack_sequence_as({"b": [0, 0], "a": 0}, [1, 2, 3])
        {'b': [2, 3], 'a': 1}
    """
    refuse("nest.pack_sequence_as", expand_composites=expand_composites or None)
    if len(nest.flatten(structure)) != len(flat_sequence):
        count = len(nest.flatten(structure))
        raise ValueError(f"Could not pack sequence. Structure had {count} elements, but flat_sequence had "
                         f"{len(flat_sequence)} elements.")  # fmt: skip
    return nest.pack(structure, flat_sequence)


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Check that two structures are the same, whatever their leaves. The classes of sequences count, too.

    Args:
        nest1: A structure.
        nest2: Another one.
        check_types: Must be True.
        expand_composites: Must be False.

    Raises:
        ValueError: The structures differ.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.contrib.framework.nest.assert_same_structure([1, [2]], [3, [4]])
    """
    refuse("nest.assert_same_structure", check_types=None if check_types else False,
           expand_composites=expand_composites or None)  # fmt: skip
    if nest.form(nest1) != nest.form(nest2):
        raise ValueError(f"The two structures don't have the same nested structure: {nest1!r} and {nest2!r}")


def map_structure(func: Callable[..., Any], *structure: Any) -> Any:
    """The results of a function of the leaves, in the structure of the first argument.

    Args:
        func: A function of one leaf of each structure.
        *structure: One or more structures, all the same but for their leaves.

    Returns:
        A structure.

    Raises:
        ValueError: The structures differ.

    Example:
        >>> import minigraph.tf1 as tf
        >>> tf.contrib.framework.nest.map_structure(lambda x, y: x + y, [1, (2, 3)], [10, (20, 30)])
        [11, (22, 33)]
    """
    for other in structure[1:]:
        assert_same_structure(structure[0], other)
    leaves = zip(*map(nest.flatten, structure), strict=True)
    return nest.pack(structure[0], [func(*each) for each in leaves])
