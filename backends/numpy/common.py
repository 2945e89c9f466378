"""Helpers of the kernels: workspace layout, blocks, and the fallback to an op's reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backend.host import HostArray
from minigraph.backend.workspace import WorkspaceLayout
from minigraph.core.op import Op
from minigraph.core.types import TensorType

Array = HostArray
Kernel = Callable[[Any, Types, Types], Lowered]  # (op, input types, output types)

BLOCK_BYTES = 1 << 17  # operands of this size stay in the L2 cache from one pass over them to the next


def steps_only(make: Callable[[Sequence[Array], Sequence[Array | None]], Sequence[Launch]], **options: Any) -> Lowered:
    """A kernel without workspace. `make(inputs, outputs)` returns its steps."""

    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        return in_sequence(make(inputs, outputs))

    return Lowered(bind, **options)


class ArrayLayout:
    """The layout of a launch's workspace as arrays, each aligned."""

    def __init__(self) -> None:
        self._layout = WorkspaceLayout()
        self._parts: list[tuple[int, tuple[int, ...], np.dtype[Any]]] = []

    @property
    def nbytes(self) -> int:
        return self._layout.nbytes

    def reserve(self, shape: Sequence[int] | int, dtype: Any) -> int:
        """Add an array; returns its index in the list that `arrays` gives."""
        dims = (shape,) if isinstance(shape, int) else tuple(shape)
        kind = np.dtype(dtype)
        self._parts.append((self._layout.reserve(math.prod(dims) * kind.itemsize).offset, dims, kind))
        return len(self._parts) - 1

    def arrays(self, workspace: Array) -> list[Array]:
        """The arrays in a workspace of `nbytes`, in the order they were reserved."""
        return [
            workspace[start : start + math.prod(shape) * kind.itemsize].view(kind).reshape(shape)
            for start, shape, kind in self._parts
        ]


def with_threads(kernels: Mapping[type[Op], Callable[..., Lowered]]) -> dict[type[Op], Kernel]:
    """The kernels as they are outside regions, where all threads work on each op."""
    return {kind: partial(kernel, threads=True) for kind, kernel in kernels.items()}


def blocks(size: int, step: int) -> list[slice]:
    """Slices of at most `step` that cover range(size), with nearly equal lengths."""
    count = -(-size // max(step, 1))
    return [slice(size * i // count, size * (i + 1) // count) for i in range(count)]


def block_elements(dtype: np.dtype[Any]) -> int:
    """Elements of a block for kernels that make several passes over it."""
    return BLOCK_BYTES // dtype.itemsize


def same(types: Types, out: TensorType) -> tuple[int, ...]:
    """The inputs of the output's type, which a pointwise kernel may overwrite.

    Empty for a single element: NumPy takes three times as long for it in place, and there is no memory to save.
    """
    return () if out.size == 1 else tuple(i for i, t in enumerate(types) if t == out)


def copy(target: Array, source: Array) -> Launch:
    """The step target = source, with broadcasting and without a check of the cast."""
    return partial(np.copyto, target, source, casting="unsafe")


def fallback(op: Op, in_types: Types, out_types: Types) -> Lowered:
    """The op's reference `forward`, and a copy of each result that is read or written to a variable."""

    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        def launch() -> None:
            # Compute all results first: one may be an input, or a view of an input that is about to be written.
            results = [
                np.array(r) if op.writes and t is not None else r
                for r, t in zip(op.reference(*inputs), outputs, strict=True)
            ]
            for target, result in zip(outputs, results, strict=True):
                if target is not None:
                    np.copyto(target, result, casting="unsafe")

        return launch

    return Lowered(bind, fallback=True)
