"""Kernels share the code of their tiles. Tests `backends/llvm/shared_tiles.py` and `backends/llvm/panels.py`."""

from __future__ import annotations

import ctypes
import gc
import re
from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("llvmlite", reason="needs llvmlite")

from minigraph.backends.llvm import compiler, panels, winograd
from minigraph.backends.llvm.backend import lower
from minigraph.backends.llvm.geometry import Geometry
from minigraph.backends.llvm.integers import ByteTiles, SignedByteTiles, dot
from minigraph.backends.llvm.native import LoweringContext
from minigraph.backends.llvm.panels import Panels, panels_code, panels_module
from minigraph.backends.llvm.tile import EpilogueOperand, NarrowTiles, TileEpilogue, TileSet, tile_columns
from minigraph.core.dtypes import float32, int32
from minigraph.core.errors import InternalError
from minigraph.core.scalar import cast, operand
from minigraph.core.types import TensorType
from minigraph.ops.nn.winograd import WinogradConv2D

KINDS = [TileSet, NarrowTiles, *([ByteTiles, SignedByteTiles] if dot() else [])]


def window(rows: int, depth: int, fan: int) -> Panels:
    """A convolution of 3 by 3 over `rows` rows of 7 pixels."""
    where = Geometry((1, rows, 7, depth), (3, 3), (1, 1), (1, 1), (1, 1), (rows, 7), fan)
    return Panels(rows * 7, depth, fan, where)


def declares_what_it_needs(code: Any) -> bool:
    """Whether a module declares the tiles that it needs, and each tile's module defines the tile alone."""
    assert {*re.findall(r'declare void @"(tile_\w+)"', str(code))} == {*code.needs}
    for name, module in list(code.needs.items())[:1]:
        assert re.findall(r'define void @"(\w+)"', str(module)) == [name]
    return bool(code.needs)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 700),
    depth=st.integers(1, 300),
    fan=st.integers(1, 300),
    is_window=st.booleans(),
    tiles=st.sampled_from(KINDS),
    per=st.sampled_from([None, "element", "row", "number"]),
)
def test_a_kernel_declares_the_tiles_that_its_modules_define(
    rows: int, depth: int, fan: int, is_window: bool, tiles: type[TileSet], per: str | None
) -> None:
    what = window(rows, depth, fan) if is_window else Panels(rows, depth, fan)
    is_bytes = issubclass(tiles, ByteTiles)
    epilogue = None
    if per:
        value = cast(operand(0, int32 if is_bytes else float32), float32) + operand(1, float32)
        epilogue = TileEpilogue(value, (EpilogueOperand(float32, per),))
    assert declares_what_it_needs(panels_code(what._replace(tiles=tiles, head=int(is_bytes), epilogue=epilogue)))


@pytest.mark.parametrize(("images", "size", "fan"), [(1, 6, 16), (1, 13, 48), (2, 29, 112)])
def test_a_winograd_kernel_declares_the_tiles_that_its_modules_define(images: int, size: int, fan: int) -> None:
    op = WinogradConv2D(2, 3, ((1, 1), (1, 1)))
    types = [TensorType(float32, shape) for shape in ((images, size, size, 16), (16, 16, fan))]
    native = winograd.conv2d(op, types, op.infer(*types), LoweringContext(2, packed=True), lower)
    assert native is not None
    assert declares_what_it_needs(native.calls((True,))[0].text)


def test_a_kernel_without_the_module_of_its_tile_is_refused() -> None:
    with pytest.raises(InternalError, match=r"no module is given for tile_"):
        str(panels_code(Panels(4, 4, 4), lambda _: panels_module(Panels(5, 4, 4))))


@pytest.mark.parametrize("make", [Panels, window])
def test_kernels_of_other_sizes_share_their_tiles(make: type[Panels]) -> None:
    small, large = (panels_code(make(rows, depth, 64)) for rows, depth in ((42, 32), (336, 128)))
    assert small != large
    assert {*small.needs.values()} & {*large.needs.values()}


def test_a_kernel_that_takes_other_tiles_has_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a process would load code from the cache whose tiles it does not know."""
    what = Panels(333, 64, 64)
    before = panels_code(what)
    monkeypatch.setattr(panels, "NEAR", 1 << 12)
    after = panels_code(what)
    assert {*before.needs} != {*after.needs}
    assert before.key != after.key


def test_a_tile_stays_loaded_as_long_as_a_kernel_that_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    known = compiler._Code()
    known.recent = deque(maxlen=1)
    monkeypatch.setattr(compiler, "_CODE", known)
    first, second = (Panels(rows, depth, tile_columns()) for rows, depth in ((42, 32), (336, 128)))
    tiles = {*panels_code(second).needs.values()}
    assert tiles == {*panels_code(first).needs.values()}
    dropped, held = compiler.load(panels_code(first)), compiler.load(panels_code(second))
    del dropped
    gc.collect()
    assert {*known.engines} == {*tiles, panels_code(second)}
    a, b = (np.random.RandomState(n).randn(*s).astype("f") for n, s in enumerate([(336, 128), (128, second.fan)]))
    c = np.empty((336, second.fan), "f")  # one panel: B is packed as it is
    kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 3)(held.get_function_address("kernel"))
    kernel((ctypes.c_void_p * 3)(*(array.ctypes.data for array in (a, b, c))), 0, second.tasks, 0)
    np.testing.assert_allclose(c, a.astype("d") @ b, rtol=1e-4, atol=1e-4)
