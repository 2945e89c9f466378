"""L3-7 as printed and corrected, in examples/chapter3, on pictures in classes with the shares of the chapter's."""

from __future__ import annotations

import re
import runpy
import sys
import warnings
from pathlib import Path

import pytest
from support.paths import ROOT

import minigraph as tf

EXAMPLES = ROOT / "examples" / "chapter3"
SMALL = ("--size", "16", "--width", "0.0625", "--pictures", "520", "--batch-size", "32", "--learning-rate", "0.003")


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[float, float, list[tuple[float, ...]], set[type[Warning]]]:
    """The entropy of the classes' shares, the largest share, numbers of each epoch, and the warnings."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    name = "l3_7_image_folders"
    monkeypatch.setattr(sys, "argv", [name, *SMALL, *arguments])
    with tf.Graph().as_default(), warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    output = capsys.readouterr().out
    entropy, share = (float(n) for n in re.findall(r"shares? ([\d.]+)", output)[:2])
    epochs = re.findall(r"batch ([\d.]+|nan) cost ([\d.]+) accuracy ([\d.]+)", output)
    return entropy, share, [tuple(map(float, e)) for e in epochs], {w.category for w in found}


def test_the_printed_program_learns_the_shares_only_and_warnings_say_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    entropy, share, epochs, told = run(monkeypatch, capsys, "--as-printed", "--epochs", "15")
    assert entropy == pytest.approx(1.002, abs=0.005)  # as of the chapter's data
    assert share == pytest.approx(0.529, abs=0.002)
    for _, cost, accuracy in epochs[5:]:
        assert entropy - 1e-3 < cost < entropy + 0.1
        assert accuracy == pytest.approx(share, abs=1e-3)
    assert {tf.LostPixelsWarning, tf.SameBatchWarning} <= told

    _, _, epochs, told = run(monkeypatch, capsys, "--epochs", "8")
    _, cost, accuracy = epochs[-1]
    assert cost < entropy / 2
    assert accuracy > share + 0.3
    assert not told & {tf.LostPixelsWarning, tf.SameBatchWarning, tf.EmptyBatchWarning}


def test_past_the_last_image_the_batch_is_empty_and_the_cost_nan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _, _, epochs, told = run(monkeypatch, capsys, "--as-printed", "--epochs", "3", "--pictures", "64")
    assert [str(batch) == "nan" for batch, _, _ in epochs] == [False, False, True]
    assert tf.EmptyBatchWarning in told
