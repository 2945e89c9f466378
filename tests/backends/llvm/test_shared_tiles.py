"""Kernels share the code of their tiles. Tests `backends/llvm/shared_tiles.py` and `backends/llvm/panels.py`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("llvmlite", reason="needs llvmlite")

from minigraph.backends.llvm.geometry import Geometry
from minigraph.backends.llvm.panels import Panels, panels_code
from minigraph.backends.llvm.tile import NarrowTiles, TileSet


def window(rows: int, depth: int, fan: int) -> Panels:
    """A convolution of 3 by 3 over `rows` rows of 7 pixels."""
    where = Geometry((1, rows, 7, depth), (3, 3), (1, 1), (1, 1), (1, 1), (rows, 7), fan)
    return Panels(rows * 7, depth, fan, where)


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(1, 700),
    depth=st.integers(1, 300),
    fan=st.integers(1, 300),
    is_window=st.booleans(),
    tiles=st.sampled_from([TileSet, NarrowTiles]),
)
def test_a_kernel_declares_the_tiles_that_its_modules_define(
    rows: int, depth: int, fan: int, is_window: bool, tiles: type[TileSet]
) -> None:
    what = window(rows, depth, fan) if is_window else Panels(rows, depth, fan)
    code = panels_code(what._replace(tiles=tiles))
    assert {*re.findall(r'declare void @"(tile_\w+)"', str(code))} == {*code.needs}
    for name, module in list(code.needs.items())[:1]:
        assert re.findall(r'define void @"(\w+)"', str(module)) == [name]


@pytest.mark.parametrize("make", [Panels, window])
def test_kernels_of_other_sizes_share_their_tiles(make: type[Panels]) -> None:
    small, large = (panels_code(make(rows, depth, 64)) for rows, depth in ((42, 32), (336, 128)))
    assert small != large
    assert {*small.needs.values()} & {*large.needs.values()}
