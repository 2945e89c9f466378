"""Rules for `Op.flops` that several ops share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minigraph.core.types import TensorType

Types = Sequence[TensorType]


def no_flops(op: Any, in_types: Types, out_types: Types) -> int:
    """The op only moves or converts data."""
    return 0


def per_output(op: Any, in_types: Types, out_types: Types) -> int:
    """One for each element of the first output."""
    return out_types[0].size


def per_input(op: Any, in_types: Types, out_types: Types) -> int:
    """One for each element of the first input."""
    return in_types[0].size


def per_gradient(op: Any, in_types: Types, out_types: Types) -> int:
    """One for each element of the gradient, the last input."""
    return in_types[-1].size


def convolution_flops(output: TensorType, filter_shape: Sequence[int]) -> int:
    """Two for each element of the output and each of the KH·KW·C/groups taps of its filter.

    A convolution and its two gradients cost the same.
    """
    return 2 * output.size * math.prod(filter_shape[:3])
