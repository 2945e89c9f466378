"""`minigraph compare`: runs as a table and as learning curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from minigraph.tools import compare
from minigraph.tools.cli import main
from minigraph.train.native_checkpoint import write_checkpoint


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


def history(folder: Path, losses: list[float], **settings: Any) -> Path:
    """A run of two steps an epoch, whose validation losses are given."""
    folder.mkdir(parents=True)
    steps = [v for loss in losses for v in (loss + 0.5, loss)]
    content = {
        "model": "lenet5-modern", "batch_size": 64, "learning_rate": 0.01, "keep_prob": None, "stddev": None, "seed": 0,
        "backend": "numpy", "steps_per_epoch": 2, "loss": steps, "accuracy": [0.5] * len(steps), "test_loss": losses,
        "test_accuracy": [round(1 - v / 4, 4) for v in losses], **settings,
    }  # fmt: skip
    (folder / "history.json").write_text(json.dumps(content))
    return folder


def test_runs_are_listed_by_their_least_loss_with_the_settings_that_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    a = history(Path("a"), [1.0, 0.8, 0.9])
    b = history(Path("b"), [0.7, 0.4], learning_rate=0.1)
    result = run(a, b)
    assert result.exit_code == 0, result.output
    rows = [line.split("│")[1:-1] for line in result.output.splitlines() if line.startswith("│")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert [row[0] for row in cells] == [str(b), str(a)]
    assert cells[0][1:] == ["0.1", "2", "2", "0.4", "0.9000", "0.65"]
    assert cells[1][1:] == ["0.01", "3", "2", "0.8", "0.8000", "1.15"]


def test_the_curves_hold_the_numbers_of_the_runs(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    runs = [compare.read_run(history(tmp_path / str(n), [1.0 / n, 0.5 / n], seed=n)) for n in (1, 2, 3)]
    sheet = compare.draw(runs)
    batches, losses, accuracies = (axes.get_lines() for axes in sheet.axes)
    assert [list(line.get_ydata()) for line in losses] == [run.test_loss for run in runs]
    assert [list(line.get_ydata()) for line in accuracies] == [run.test_accuracy for run in runs]
    assert [list(line.get_xdata()) for line in batches] == [[0.5, 1.0, 1.5, 2.0]] * 3
    assert [t.get_text() for t in sheet.texts] == [f"{run.name}, seed {n}" for n, run in enumerate(runs, 1)]


def test_a_picture_is_written(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run(history(tmp_path / "a", [1.0, 0.8]), "-o", tmp_path / "curves.png")
    assert result.output.endswith(f"wrote {tmp_path / 'curves.png'}\n")
    with Image.open(tmp_path / "curves.png") as image:
        assert np.asarray(image.convert("L")).min() < 120


def test_other_folders_are_left_out(tmp_path: Path) -> None:
    a = history(tmp_path / "a", [1.0])
    (tmp_path / "other").mkdir()
    (tmp_path / "notes.txt").write_text("")
    damaged = history(tmp_path / "damaged", [1.0])
    (damaged / "history.json").write_text("{")
    (tmp_path / "of-retrain").mkdir()
    write_checkpoint(str(tmp_path / "of-retrain" / "checkpoint-2.safetensors"), {}, {"of": "another command"})
    result = run(tmp_path / "notes.txt", tmp_path / "other", a, tmp_path / "misspelt", damaged, tmp_path / "of-retrain")
    assert result.exit_code == 0
    assert f"left out: {tmp_path / 'misspelt'}: expected the folder of a run" in result.output
    assert "notes.txt" not in result.output
    assert f"left out: {damaged / 'history.json'}: not the history of a run" in result.output
    assert "checkpoint-2.safetensors: not a checkpoint of `minigraph train`" in result.output
    assert f"left out: {tmp_path / 'other'}: expected the folder of a run" in result.output


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "expected the folder of a run of `minigraph train`"),
        (lambda folder: (folder / "history.json").write_text("[]"), "not the history of a run"),
        (lambda folder: (folder / "history.json").write_text("{"), "not the history of a run"),
        (lambda folder: (folder / "history.json").write_text('{"loss": [1]}'), "not the history of a run"),
    ],
)
def test_mistakes(make: Any, message: str, tmp_path: Path) -> None:
    make(tmp_path)
    result = run(tmp_path)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output


def test_a_name_of_another_kind_is_refused(tmp_path: Path) -> None:
    result = run(history(tmp_path / "a", [1.0]), "-o", tmp_path / "curves.txt")
    assert result.output == f"Error: {tmp_path / 'curves.txt'}: the name must end in .png, .svg or .pdf\n"


def test_a_picture_in_no_folder_is_refused_before_the_table(tmp_path: Path) -> None:
    result = run(history(tmp_path / "a", [1.0]), "-o", tmp_path / "no" / "curves.png")
    assert result.output == f"Error: {tmp_path / 'no' / 'curves.png'}: there is no folder {tmp_path / 'no'}\n"
