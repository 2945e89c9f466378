"""What transfer and training from scratch reach, on real images. Slow."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from minigraph.data import load
from minigraph.tools.cli import main

TESTS = Path(__file__).parent
pytestmark = pytest.mark.slow


def test_frozen_layers_win_with_few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the digits 0-4 to 5-9 with 100 labelled examples: by 5 points, in the mean of five seeds."""
    monkeypatch.syspath_prepend(str(TESTS / "bench"))
    monkeypatch.delitem(sys.modules, "transfer_digits", raising=False)
    import transfer_digits

    found = np.array([transfer_digits.compare(load(), 100, seed) for seed in range(5)])
    frozen, scratch = found.T
    assert (frozen - scratch).mean() >= 0.05, found


def test_photographs_from_scratch(tmp_path: Path) -> None:
    """Three classes of 94 photographs, 64x64, five seeds; the largest class is 0.42 of them."""
    accuracies = []
    for seed in range(5):
        arguments = ["train", "folder-cnn", "--image-dir", TESTS / "data" / "photos", "--seed", seed, "--quiet"]
        result = CliRunner().invoke(main, [str(a) for a in [*arguments, "--out", tmp_path / str(seed)]])
        assert result.exit_code == 0, result.output
        found = re.search(r"test accuracy  ([\d.]+)", result.output)
        assert found is not None
        accuracies.append(float(found[1]))
        assert "has learned nothing" not in result.output
    assert np.mean(accuracies) >= 0.65, accuracies
