"""Alignment of sizes."""

from minigraph.util.alignment import aligned


def test_sizes_are_rounded_up_to_cache_lines() -> None:
    assert [aligned(n) for n in (0, 1, 64, 65)] == [0, 64, 64, 128]
