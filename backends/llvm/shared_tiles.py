"""Tiles in modules of their own: kernels that differ in their sizes alone share the code of their tiles."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from minigraph.backends.llvm.builder import Frame, index, printed
from minigraph.backends.llvm.compiler import LazyModule
from minigraph.backends.llvm.text import VOID, IRFunction
from minigraph.backends.llvm.tile import Tiles, TileSet


class SharedTiles(TileSet):
    """The tile functions of other modules, as a kernel's module declares them. kind: the class that writes them."""

    def __init__(self, module: Any, tiles: Tiles, kind: type[TileSet]) -> None:
        super().__init__(module, tiles)
        self.kind = kind
        self.sums, self.packed, self.rows = kind.sums, kind.packed, kind.rows
        self.shared = self.tiles.shared()
        pairs = zip(self.tiles.sizes, self.shared.sizes, strict=True)
        self.told = [index(size) for size, shared in pairs if size is not None and shared is None]

    def get(self, rows: int, columns: int) -> Any:
        """The declaration of the function for a tile of the given size."""
        name = _Tile(self.kind, self.shared, rows, columns).name
        self.module.needs.add(name)
        return self.module.functions.get(name) or IRFunction(self.module, name, VOID, self.shared.arguments)


class _Tile(NamedTuple):
    """A tile function: the class that writes it, the layout, and the tile's size."""

    kind: type[TileSet]
    tiles: Tiles
    rows: int
    columns: int

    @property
    def name(self) -> str:
        key = hashlib.sha256(f"{self.kind.__qualname__} {self.tiles!r}".encode()).hexdigest()[:16]
        return f"tile_{self.rows}x{self.columns}_{key}"


def tile_module(kind: type[TileSet], tiles: Tiles, rows: int, columns: int) -> tuple[str, LazyModule]:
    """The name and the module of the function that `SharedTiles` of these `tiles` declares for a tile of this size."""
    tile = _Tile(kind, tiles.without_ones().shared(), rows, columns)
    return tile.name, printed(_tile_module, tile)


def _tile_module(tile: _Tile) -> Frame:
    frame = Frame(0)
    tile.kind(frame.module, tile.tiles).write(range(tile.rows), tile.columns, tile.name, is_internal=False)
    return frame
