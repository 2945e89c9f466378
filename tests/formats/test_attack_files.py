"""Files that ask for much are refused before they get it, with minigraph's errors; see support/attack_files.py.
The readers are those of `formats/arrays.py` and others.

`python tests/bench/attack_files.py` measures time and memory, each file in a process of its own.
"""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from support.attack_files import ATTACKS, HARMLESS

from minigraph.core.errors import MinigraphError
from minigraph.weights import load_weights

SECONDS, BYTES = 20, 300 << 20  # other tests run beside this one, and tracing memory is slow


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_refused(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    if attack.package is not None:
        pytest.importorskip(attack.package)
    path = attack.make(tmp_path)
    assert path.stat().st_size < 10 << 20
    tracemalloc.start()
    before = time.process_time()
    try:
        with pytest.raises(MinigraphError):
            attack.read(path)
        assert tracemalloc.get_traced_memory()[1] < BYTES
        assert time.process_time() - before < SECONDS
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_large_is_left_to_a_run(name: str, tmp_path: Path) -> None:
    attack = HARMLESS[name]
    if attack.package is not None:
        pytest.importorskip(attack.package)
    path = attack.make(tmp_path)
    tracemalloc.start()
    before = time.process_time()
    try:
        attack.read(path)
        assert tracemalloc.get_traced_memory()[1] < BYTES
        assert time.process_time() - before < SECONDS
    finally:
        tracemalloc.stop()


def test_the_user_can_raise_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, w=np.zeros(129 << 20, np.uint8))
    with pytest.raises(MinigraphError, match="MINIGRAPH_READ_LIMIT raises the limit"):
        load_weights(path)
    monkeypatch.setenv("MINIGRAPH_READ_LIMIT", str(130 << 20))
    assert load_weights(path)["w"].nbytes == 129 << 20
