"""Python's cycle collector rests inside `paused`, and is afterwards what it was before."""

from __future__ import annotations

import contextlib
import gc

import pytest

from minigraph.util.gc_pause import paused


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_comes_back(enabled: bool) -> None:
    if not enabled:
        gc.disable()
    try:
        with contextlib.suppress(KeyError), paused():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
