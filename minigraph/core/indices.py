"""Integers that come as data and must lie in a range: class numbers, indices, segment numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.errors import InvalidArgumentError


def element_name(what: str, shape: tuple[int, ...], position: int) -> str:
    """`what[i, j]` for the element at a position in row-major order; `what` for a scalar."""
    if not shape:
        return what
    place = ", ".join(str(i) for i in np.unravel_index(position, shape))
    return f"{what}[{place}]"


def out_of_range(what: str, shape: tuple[int, ...], position: int, value: int, limit: int) -> InvalidArgumentError:
    """The error for an element that is not in [0, limit).

    Args:
        what: What the integers are, such as "indices".
        shape: The shape of their array.
        position: The position of the element in row-major order.
        value: The element.
        limit: The end of the permitted range.

    Returns:
        The error, to be raised in the run of an op.
    """
    return InvalidArgumentError(f"{element_name(what, shape, position)} = {value} is not in [0, {limit})")


def require_below(what: str, values: Any, limit: int) -> None:
    """Check that integers lie in a range.

    Args:
        what: What the integers are, such as "indices".
        values: An integer array.
        limit: The end of the permitted range, which starts at 0.

    Raises:
        InvalidArgumentError: An element is not in [0, limit). The error states the first such element and its place.
    """
    if values.size and (values.min() < 0 or values.max() >= limit):
        position = int(np.argmax(((values < 0) | (values >= limit)).ravel()))
        raise out_of_range(what, values.shape, position, int(values.ravel()[position]), limit)
