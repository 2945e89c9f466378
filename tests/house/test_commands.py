"""The command lines in README.md and docs/: all are parsed by the command, and those that need no download run.

What stands in a block or between backticks and has arguments is a command line; a name alone is prose.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from support.paths import ROOT

from minigraph.tools.cli import hyphens, main

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAM = """import minigraph as tf
x = tf.placeholder(tf.float32, [None, 8, 8, 3], name="x")
logits = tf.layers.dense(tf.layers.flatten(tf.layers.conv2d(x, 4, 3, name="conv")), 10, name="logits")
"""
# Commands that run in moments with files that stand in for the user's; the others train, time, download, or need
# weights or a GPU.
QUICK = (
    "cache",
    "derive",
    "devices",
    "explain-padding",
    "filter",
    "models",
    "summary",
    "bench --list",
    "run --check script.py",
)
SLOW = ("bisect", "explain", "export mnist-cnn", "figures", "profile mnist-cnn", "train mnist-cnn", "viz mnist-cnn -o",
        "viz model.py", "train resnet20 --data sample", "summary")  # fmt: skip
ABSENT = ("--clear", "cupy", "--checkpoint", "--workers", "--memory-limit 500", "MODEL", "NAME", "…")


class Line(NamedTuple):
    """A command line, without `minigraph` and comments."""

    page: str
    text: str
    inline: bool  # such lines may leave arguments out

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)


def find_lines() -> list[Line]:
    found: dict[str, Line] = {}
    for page in PAGES:
        text = page.read_text("utf-8")
        blocks = re.findall(r"```(?:bash|sh)?\n(.*?)```", text, re.DOTALL)
        lines = [(line, False) for block in blocks for line in block.splitlines()]
        prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        lines += [(line, True) for line in re.findall(r"`(minigraph [^`\n]+ [^`\n]+)`", prose)]
        for line, inline in lines:
            if line.startswith("minigraph "):
                command = re.sub(r"\s+#.*", "", line.removeprefix("minigraph ")).strip()
                found.setdefault(command, Line(page.name, command, inline))
    return list(found.values())


LINES = find_lines()


def is_run(line: Line, chosen: tuple[str, ...]) -> bool:
    return line.text.startswith(chosen) and not any(word in line.text for word in ABSENT)


def test_there_are_command_lines() -> None:
    assert len(LINES) > 120


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.page}: {line.text}")
def test_each_is_parsed(line: Line) -> None:
    """The command and its options exist, and take the values that are given."""
    words = ["1" if word == "S" else word for word in line.words if word != "…"]
    if words[0].startswith("-"):
        return
    command = main.get_command(click.Context(main), words[0])
    assert command is not None
    context = click.Context(main, token_normalize_func=hyphens)
    try:
        command.make_context(words[0], words[1:], parent=context, resilient_parsing="--help" in words)
    except (click.MissingParameter, click.BadOptionUsage):
        assert line.inline or "…" in line.text, "an argument is missing"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages name."""
    monkeypatch.chdir(tmp_path)
    pixels = np.random.RandomState(0).randint(0, 256, (40, 48, 3), "u1")
    for name in ("photo.jpg", "cat.jpg"):
        Image.fromarray(pixels).save(name)
    for name in ("FILE.py", "mine.py", "model.py", "program.py", "script.py"):
        Path(name).write_text(PROGRAM)
    return tmp_path


def run(line: Line) -> None:
    result = CliRunner().invoke(main, line.words)
    assert result.exit_code == 0, result.output
    assert result.output


@pytest.mark.parametrize("line", [line for line in LINES if is_run(line, QUICK)], ids=lambda line: line.text)
def test_quick_ones_run(line: Line, folder: Path) -> None:
    if line.words[0] == "summary" and line.words[1] not in ("lenet5", "FILE.py", "mine.py"):
        pytest.skip("runs with the slow ones: the network is large")
    run(line)


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in LINES if is_run(line, SLOW)], ids=lambda line: line.text)
def test_others_run(line: Line, folder: Path) -> None:
    run(line)


def test_how_many_run() -> None:
    """A floor for the share of command lines that a test runs; the others are only parsed."""
    count = sum(is_run(line, QUICK + SLOW) for line in LINES)
    assert count / len(LINES) > 0.4, f"{count} of {len(LINES)}"
