"""What training from scratch reaches on photographs. Slow."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.paths import TESTS

from minigraph.tools.cli import main

pytestmark = pytest.mark.slow


def test_photographs_from_scratch(tmp_path: Path) -> None:
    """Three classes of 94 photographs, 64x64, five seeds; the largest class is 0.42 of them."""
    accuracies = []
    for seed in range(5):
        arguments = ["train", "folder-cnn", "--image-dir", TESTS / "fixtures" / "photos", "--seed", seed, "--quiet"]
        result = CliRunner().invoke(main, [str(a) for a in [*arguments, "--out", tmp_path / str(seed)]])
        assert result.exit_code == 0, result.output
        found = re.search(r"test accuracy  ([\d.]+)", result.output)
        assert found is not None
        accuracies.append(float(found[1]))
        assert "has learned nothing" not in result.output
    assert np.mean(accuracies) >= 0.65, accuracies
