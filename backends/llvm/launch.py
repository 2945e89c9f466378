"""Native functions as launches."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import partial
from typing import Any

from minigraph.backend import Launch
from minigraph.backends.llvm.compiler import load
from minigraph.backends.llvm.team import TEAM

_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def arguments(arrays: Sequence[Any]) -> Any:
    """The addresses of C-ordered arrays as a block of memory that keeps them alive."""
    for array in arrays:
        assert array.flags.c_contiguous, f"an array with strides {array.strides}"
    block: Any = (ctypes.c_void_p * max(len(arrays), 1))(*(a.ctypes.data for a in arrays))
    block.arrays = list(arrays)
    return block


def launch(text: str, name: str, block: Any, count: int, threads: bool) -> Launch:
    """All `count` tasks of the function `name` in the IR module `text`, by all threads or by the caller alone."""
    (address,) = load(text, name)
    if not threads or count == 1 or TEAM.size == 1:
        return partial(_FUNCTION(address), block, ctypes.c_int64(0), ctypes.c_int64(count))
    where = ctypes.addressof(block)

    def call(block: Any = block) -> None:  # the default keeps the block alive
        if TEAM.shared is None:
            TEAM.start()
        TEAM.run(TEAM.shared, address, where, count)

    return call
