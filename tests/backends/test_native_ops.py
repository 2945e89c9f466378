"""Which ops have no native code, computed from the registry; docs/llvm.md and docs/gpu.md have the lists.

Tests `backend/base.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from support.kernel_cases import randn, samples_of, type_of
from support.paths import ROOT

from minigraph.backends.cupy.emit import emit
from minigraph.backends.llvm.backend import lower
from minigraph.backends.llvm.native import LoweringContext
from minigraph.core.op import REGISTRY, Op
from minigraph.ops.constant import Const
from minigraph.ops.nn import winograd as W

# LAPACK's factorisations, a message on standard error, and what goes from rank to rank.
BY_NATURE = {
    "Orthogonal", "Cholesky", "MatrixDeterminant", "MatrixInverse", "MatrixSolve", "MatrixTriangularSolve",
    "SelfAdjointEig", "Print", "AllReduce", "Broadcast", "BroadcastGrad",
    "ToBfloat16", "FromBfloat16",
}  # fmt: skip
PADDING = ((1, 1), (1, 1))
IMAGE, DELTA, TILES = randn(1, 8, 8, 16), randn(1, 8, 8, 16), randn(36, 16, 16)
WIDE: dict[str, tuple[Op, list[Any]]] = {  # the pass makes Winograd's ops where channels fill vectors only
    "WinogradConv2D": (W.WinogradConv2D(4, 3, PADDING), [IMAGE, TILES]),
    "WinogradFilter": (W.WinogradFilter(4, 3), [randn(3, 3, 16, 16)]),
    "WinogradFilterAdjoint": (W.WinogradFilterAdjoint(4, 3), [TILES]),
    "WinogradFilterGrad": (W.WinogradFilterGrad(4, 3, PADDING), [IMAGE, DELTA]),
    "WinogradGrads": (W.WinogradGrads(4, 3, PADDING), [IMAGE, TILES, DELTA]),
    "WinogradInputGrad": (W.WinogradInputGrad(4, 3, PADDING, IMAGE.shape), [TILES, DELTA]),
}


def on_cpu(op: Op, types: Any, outs: Any) -> bool:
    return lower(op, types, outs, LoweringContext(1)) is not None


def on_gpu(op: Op, types: Any, outs: Any) -> bool:
    return emit(op, types, outs) is not None


def cases(name: str, kind: type[Op]) -> Iterator[tuple[Op, list[Any]]]:
    """The op's samples of float32, once their shapes are numbers, that are launched."""
    if name in WIDE:
        yield WIDE[name]
        return
    for op, inputs in samples_of(kind, np.float32):
        if not isinstance(op, Const) and op.infer(*map(type_of, inputs)):
            yield op, inputs


@pytest.mark.parametrize(("has_code", "others"), [(on_cpu, set()), (on_gpu, set(WIDE))])
def test_only_ops_of_the_host_have_no_native_code(has_code: Callable[[Op, Any, Any], bool], others: set[str]) -> None:
    """others: those that no pass makes for the device."""
    without = set()
    for name, kind in sorted(REGISTRY.items()):
        for op, inputs in cases(name, kind):
            types = [type_of(np.asarray(a)) for a in inputs]
            if not has_code(op, types, op.infer(*types)):
                without.add(name)
    assert without - {"RandomUniform"} == BY_NATURE | others


@pytest.mark.parametrize(("page", "others"), [("llvm", set()), ("gpu", {"AllReduce", "Broadcast", "BroadcastGrad"})])
def test_the_documentation_names_them(page: str, others: set[str]) -> None:
    """others: those that a library of the device runs."""
    text = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    (listed,) = re.findall(r"Ops without native code:\s+([^.]*)\.", text)
    assert set(re.findall(r"`(\w+)`", listed)) == BY_NATURE - others
