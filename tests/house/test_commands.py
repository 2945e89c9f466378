"""The command lines in README.md and docs/: all are parsed by the command, and those that need no download run.

What stands in a block or between backticks and has arguments is a command line; a name alone is prose.
"""

from __future__ import annotations

import glob
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from support.digits_folder import write_digits
from support.paths import ROOT

from minigraph.tools.cli import hyphens, main

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAM = """import minigraph as tf
x = tf.placeholder(tf.float32, [None, 8, 8, 3], name="x")
features = tf.layers.flatten(tf.layers.conv2d(x, 4, 3, name="conv"))
kept = tf.nn.dropout(features, tf.placeholder_with_default(0.5, [], name="keep_prob"))
logits = tf.identity(tf.layers.dense(kept, 10), name="logits")
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
        "viz model.py", "viz resnet50 -o", "train resnet20 --data sample", "summary")  # fmt: skip
# Commands that read files which others write: an export, a trained network, weights.
PREPARED = (
    "compare",
    "convert",
    "data mnist --from",
    "eval",
    "explain MODEL",
    "export",
    "import",
    "predict",
    "profile mnist-cnn --workers",
    "profile model.onnx",
    "retrain --image-dir",
    "run script.py",
    "run notebook.ipynb",
    "run --backend llvm script.py",
    "run --from-python2 script.py",
    "run --from-tf0 script.py",
    "run-onnx",
    "scale",
    "show",
    "summary NAME",
    "train MODEL",
    "train folder-cnn --image-dir",
    "train --help",
    "viz model.",
)
# What stands for the names in capitals, and for the one weight file under its two names.
STAND_INS = {
    "ARGS": "--steps 2",
    "BUNDLE": "retrained.mgb photo.jpg",
    "FILE": "labels.txt",
    "FOLDER": "{folder}",
    "FROM": "squeezenet.h5",
    "MODEL": "mnist-cnn",
    "runs/MODEL/best.safetensors": "runs/mnist-cnn/best.safetensors",
    "MODEL.onnx": "model.onnx",
    "NAME": "lenet5",
    "NETWORK": "retrained.mgb",
    "NODE": "ArgMax",
    "S": "1",
    "TO": "squeezenet.safetensors",
}
DATA = os.environ.get("MINIGRAPH_DATA")
WEIGHTS = "squeezenet_weights_tf_dim_ordering_tf_kernels.h5"
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


def is_prepared(line: Line) -> bool:
    return (
        line.text.startswith(PREPARED)
        and not is_run(line, QUICK + SLOW)
        and "…" not in line.text
        and "cupy" not in line.text
    )


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


def write_networks() -> None:
    """Two ONNX files with a convolution of three channels: one of a known size, and one of any."""
    onnx = pytest.importorskip("onnx", reason="needs the onnx package")
    weights = onnx.numpy_helper.from_array(np.random.RandomState(0).randn(4, 3, 3, 3).astype(np.float32), "w")
    for file, sizes in (("net.onnx", [1, 3, 32, 32]), ("model.onnx", ["N", 3, "height", "width"])):
        x, y = (
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
            for name, shape in (("images", sizes), ("y", [None] * 4))
        )
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("Conv", ["images", "w"], ["y"])], "g", [x], [y], [weights]
        )
        opset = onnx.helper.make_opsetid("", 17)
        onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8), file)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the user's files: photographs, networks, programs, and what earlier commands wrote."""
    folder = tmp_path_factory.mktemp("prepared")
    random = np.random.RandomState(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MINIGRAPH_CACHE", str(folder / "cache"))
        for kind, place in itertools.product(("cat", "dog"), ("photos", "other")):
            Path(place, kind).mkdir(parents=True)
            for number in range(12):
                pixels = random.randint(0, 128, (40, 48, 3), "u1") + np.uint8(120 * (kind == "dog"))
                Image.fromarray(pixels).save(Path(place, kind, f"{number}.jpg"))
        for name in ("photo.jpg", "cat.jpg", "coffee.jpg"):
            Image.fromarray(random.randint(0, 256, (40, 48, 3), "u1")).save(name)
        for name in ("program.py", "script.py", "model.py"):
            Path(name).write_text(PROGRAM)
        cell = {"cell_type": "code", "source": PROGRAM, "metadata": {}, "outputs": [], "execution_count": None}
        Path("notebook.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}))
        Path("labels.txt").write_text("cat\ndog\n")
        np.savez("arrays.npz", images=random.randn(1, 3, 32, 32).astype(np.float32))
        write_networks()
        write_digits(folder / "digits")
        if DATA:
            for name in (WEIGHTS, "squeezenet.h5"):
                Path(name).symlink_to(Path(DATA, "weights", WEIGHTS))
            run(Line("", f"data mnist --from {DATA}/mnist", False))
        for text in (
            "train mnist-cnn --data digits --batch-size 20 --epochs 1 --patience 1",
            "train mnist-cnn --data digits --batch-size 20 --epochs 1 --out runs/a",
            "train mnist-cnn --data digits --batch-size 20 --epochs 1 --out runs/b",
            "train folder-cnn --image-dir photos --epochs 1",
            "export mnist-cnn digits.onnx --checkpoint runs/mnist-cnn",
            "import net.onnx -o model.graph",
            "retrain --image-dir photos --model squeezenet --from-scratch --how-many-training-steps 2 "
            "--testing-percentage 20 --validation-percentage 20 --output-graph retrained.mgb --out first",
        ):
            run(Line("", text, False))
        yield folder


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in LINES if is_prepared(line)], ids=lambda line: line.text)
def test_those_that_read_files_run(line: Line, prepared: Path) -> None:
    if not DATA and any(word in line.text for word in (".h5", "FROM", "data mnist")):
        pytest.skip("needs MINIGRAPH_DATA, with weights and MNIST")
    write_networks()  # an export may have overwritten them
    words = []
    for word in line.words:
        word = STAND_INS.get(word, word).format(folder=f"{DATA}/mnist" if "mnist" in line.text else "photos")
        words += sorted(glob.glob(word)) if "*" in word else word.split()
    if words[0] in ("train", "retrain") and words[-1] != "--help":
        words += ["--out", f"runs/{len(list(Path('runs').iterdir()))}"]  # not on with another command's run
    if words[0] == "run" or "--workers" in words:  # which take over the process, or start it again
        program = [sys.executable, "-c", "from minigraph.tools.cli import main; main()"]
        subprocess.run([*program, *words], check=True, timeout=300)
    else:
        run(line._replace(text=shlex.join(words)))


def test_how_many_run() -> None:
    """A floor for the share of command lines that a test runs where it has the files; the others are only parsed."""
    count = sum(is_run(line, QUICK + SLOW) or is_prepared(line) for line in LINES)
    assert count / len(LINES) > 0.75, f"{count} of {len(LINES)}"
