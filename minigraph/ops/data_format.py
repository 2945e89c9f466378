"""Channels-first images: transposes to NHWC, the layout of all ops, and back.

The layout pass removes the transposes between neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.ops.array.reshape import Transpose

NHWC: Final = "NHWC"
NCHW: Final = "NCHW"


def in_nhwc(
    value: Any, data_format: str | None, name: str | None, default: str, make: Callable[[Any, str | None], Tensor]
) -> Tensor:
    """`make(value, name)`, an NHWC computation; for NCHW with a transpose before and after.

    The result has the node's name in TensorFlow 1 and counts as one op for default seeds. ValueError for an unknown
    data_format.
    """
    if data_format in (None, NHWC):
        return make(value, name)
    if data_format != NCHW:
        raise ValueError(f"data_format must be NHWC or NCHW, not {data_format!r}")
    image = convert_to_tensor(value)
    graph = image.graph
    with graph.as_default(), graph.name_scope(name or default) as scope:
        channels_last = graph.add(Transpose((0, 2, 3, 1)), (image,), "to_nhwc").outputs[0]
        made = make(channels_last, "nhwc")
        result = graph.add(Transpose((0, 3, 1, 2)), (made,), scope).outputs[0]
    graph.reserve_ids(-2)
    return result
