"""Arguments of TensorFlow 1 that minigraph cannot honour: they are refused, never ignored."""

from __future__ import annotations

from operator import index
from typing import Any


def refuse(function: str, /, **given: Any) -> None:
    """Raise an error for each argument that asks for something: any value but None, False, "" and 0.

    Args:
        function: Name of the function, as users call it.
        **given: The arguments by name.

    Raises:
        ValueError: An argument asks for something. The message names the function, the argument and the value.
    """
    for name, value in given.items():
        if value is None or (isinstance(value, bool | str | int) and not value):
            continue
        raise ValueError(f"{function}: {name}={value!r} is not supported")


def refuse_remote(function: str, /, **given: str | None) -> None:
    """Raise an error for each name of another machine's session.

    Args:
        function: Name of the function, as users call it.
        **given: The names by argument. Empty ones and "local" mean this process.

    Raises:
        ValueError: A name means another process.
    """
    refuse(function, **{name: None if value == "local" else value for name, value in given.items()})


def renamed(name: str, value: Any, other_name: str, other: Any) -> Any:
    """The value of an argument that has two names.

    Args:
        name: The name that new programs use.
        value: What is given under it; None for nothing.
        other_name: The other name.
        other: What is given under that.

    Raises:
        ValueError: Both are given.
    """
    if value is not None and other is not None:
        raise ValueError(f"Cannot specify both '{other_name}' and '{name}'")
    return value if other is None else other


def integers(value: Any) -> tuple[int, ...] | None:
    """An integer, or an iterable of integers, as a tuple; None for any other value.

    Args:
        value: The value. An integer is what Python takes as an index: an int, a NumPy integer, a known Dimension.
    """
    try:
        return (index(value),)
    except TypeError:
        pass
    try:
        return tuple(index(v) for v in value)
    except TypeError:
        return None
