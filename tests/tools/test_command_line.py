"""The rules that hold for all commands: names, exit codes, completion, help, widths, messages about files.

Tests `tools/cli.py` and `tools/shared/completion.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from support.program import run_command

from minigraph.models import MODELS, Model
from minigraph.tools.cli import GROUPS, main


def run(*arguments: object, **environment: str) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], env=environment)


def complete(*words: str) -> list[str]:
    *before, incomplete = words
    found = ShellComplete(main, {}, "minigraph", "_MINIGRAPH_COMPLETE").get_completions(before, incomplete)
    return [f"<{item.type}>" if item.type != "plain" else item.value for item in found]


WRONG = [  # a wrong command line: 2
    ["trian"],
    ["train"],
    ["train", "nonesuch"],
    ["train", "squeezenet"],
    ["train", "mnist-cnn", "--epochs", "0"],
    ["train", "mnist-cnn", "--backend", "nonesuch"],
    ["summary", "nonesuch"],
    ["viz", "nonesuch"],
    ["viz", "lenet5", "--out", "x.jpg"],
    ["viz", "lenet5", "--out", "x.dot", "--stage", "nonesuch"],
    ["explain", "lenet5", "--backend", "nonesuch"],
    ["export", "lenet5", "x.txt"],
    ["predict", "vgg16", "photo.jpg"],
    ["bench", "nonesuch"],
    ["figures", "nonesuch"],
    ["data", "imagenet"],
    ["import", "x.onnx", "--shape", "wrong"],
]
FAILING = [  # it cannot do what it says: 1
    ["run", "absent.py"],
    ["summary", "absent.py"],
    ["viz", "absent.pb"],
    ["explain", "absent.onnx"],
    ["run-onnx", "absent.onnx"],
    ["import", "absent.onnx"],
    ["convert", "absent.h5", "x.safetensors"],
    ["filter", "absent.png", "--kind", "sobel"],
    ["eval", "mnist-cnn", "--checkpoint", "absent.safetensors"],
    ["retrain", "--model", "squeezenet", "--image-dir", "absent", "--weights", "absent.h5"],
    ["train", "folder-cnn", "--image-dir", "absent"],
    ["predict", "squeezenet", "--weights", "absent.h5", "absent.jpg"],
]


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_wrong_command_line_exits_with_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.startswith("Error: ")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("arguments", FAILING, ids=" ".join)
def test_a_command_that_fails_exits_with_1_and_names_the_file(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    message = result.stderr.splitlines()[-1]
    assert message.startswith("Error: ")
    assert "absent" in message
    assert "Errno" not in message


def test_underscores_and_hyphens() -> None:
    for arguments in (
        ["explain_padding", "7", "3"],
        ["summary", "lenet5_modern", "--batch_size", "2"],
        ["derive", "max_pool"],
    ):
        plain = [a.replace("_", "-") for a in arguments]
        assert run(*arguments).output == run(*plain).output
        assert run(*arguments).exit_code == 0


def test_options_of_a_program_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys\nprint(sys.argv[1:])\n")
    done = run_command(tmp_path, "run", "program.py", "--batch_size=3", "a_b")
    assert "['--batch_size=3', 'a_b']" in done.stdout


@pytest.mark.parametrize(
    ("words", "among", "absent"),
    [
        (("tra",), {"train"}, {"eval"}),
        (("train", ""), {"mnist-cnn", "resnet20"}, {"vgg16"}),
        (("train", "resnet20", "--data", ""), {"sample", "cifar10", "<file>"}, set()),
        (("summary", "resnet"), {"resnet18", "resnet50", "<file>"}, {"vgg16"}),
        (("viz", "inception_"), {"inception-v3"}, {"vgg16"}),
        (("viz", "lenet5", "--stage", ""), {"before", "after", "layout", "winograd"}, set()),
        (("explain", "lenet5", "--backend", ""), {"auto", "llvm", "numpy"}, set()),
        (("retrain", "--model", "squ"), {"squeezenet"}, {"vgg16"}),
        (("export", "mnist"), {"mnist-cnn", "<file>"}, set()),
        (("derive", "c"), {"conv2d"}, {"dense"}),
        (("figures", ""), {"padding"}, set()),
        (("bench", "mnist"), {"mnist-step"}, set()),
        (("viz", "lenet5", "--out", ""), {"<file>"}, set()),
        (("train", "folder-cnn", "--image-dir", ""), {"<dir>"}, set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_completion(words: tuple[str, ...], among: set[str], absent: set[str]) -> None:
    found = set(complete(*words))
    assert among <= found
    assert not absent & found


def test_the_shells_script() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from minigraph.tools.cli import main; main(prog_name='minigraph')"],
        env={**os.environ, "_MINIGRAPH_COMPLETE": "bash_source"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "complete -o nosort -F _minigraph_completion minigraph" in done.stdout


def test_every_command_is_in_a_group() -> None:
    listed = [name for names in GROUPS.values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(main.commands) <= set(listed)


@pytest.mark.parametrize("width", [50, 80, 200])
def test_help_and_tables_fit(width: int) -> None:
    for arguments in (["--help"], ["train", "--help"], ["viz", "--help"], ["models"], ["summary", "lenet5"]):
        result = CliRunner().invoke(main, arguments, env={"COLUMNS": str(width)}, terminal_width=width)
        assert max(map(len, result.output.splitlines())) <= width, arguments


def test_each_command_has_a_line_of_help() -> None:
    groups = run("--help").output.partition("Train:")[2]
    assert not [line for line in groups.splitlines() if line.startswith("     ")], "a text of two lines"


def test_models_are_one_line_each_and_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "parameters", None)
    for width in ("50", "80"):
        lines = run("models", COLUMNS=width).output.splitlines()
        assert len(lines) == 4 + len(MODELS)
