"""mypy and pyright follow minigraph, installed editably or from a wheel, and find mistakes in a user's program."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.paths import ROOT

PROGRAM = ROOT / "tests" / "fixtures" / "types" / "training.py"
MISTAKES = {
    "a padding": ('padding="SAME"', 'padding="SAMME"'),
    "an argument's name": ("ksize=", "kernel_size="),
    "a type": ("[None, 28, 28, 1]", "28.0"),
    "an attribute": ("loss.shape.ndims", "loss.shapes.ndims"),
    "an optimizer's argument": ("beta1=", "beta_1="),
    "an option of a session": ("optimize=", "optimise="),
}
BUILD = "import sys, setuptools.build_meta as build; getattr(build, sys.argv[1])(sys.argv[2])"


@pytest.fixture(scope="module")
def python_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes an environment in which minigraph is installed by the build hook of that name; gives its interpreter."""
    pytest.importorskip("setuptools")
    made: dict[str, Path] = {}

    def make(hook: str) -> Path:
        if hook not in made:
            made[hook] = install(hook, tmp_path_factory.mktemp(hook))
        return made[hook]

    return make


def install(hook: str, folder: Path) -> Path:
    source, wheels, environment = folder / "source", folder / "wheels", folder / "environment"
    wheels.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("minigraph", "backends", "models", "tools"):
        shutil.copytree(ROOT / name, source / name, ignore=ignored, symlinks=True)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-c", BUILD, hook, str(wheels)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

    venv.create(environment, symlinks=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    ours = [path for path in sys.path if path.endswith("-packages")]
    (site / "others.pth").write_text("\n".join(ours) + "\n")  # NumPy's types
    return environment / "bin" / "python"


def mistaken() -> tuple[str, dict[int, str]]:
    """The program with all mistakes in it, and which line holds which."""
    text, lines = PROGRAM.read_text("utf-8"), {}
    for name, (right, wrong) in MISTAKES.items():
        assert text.count(right) == 1, right
        lines[text[: text.index(right)].count("\n") + 1] = name
        text = text.replace(right, wrong)
    assert len(lines) == len(MISTAKES)
    return text, lines


def check_with_mypy(python: Path, folder: Path) -> set[tuple[str, int]]:
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "--cache-dir", "cache"]
    done = subprocess.run([*command, "right.py", "wrong.py"], capture_output=True, text=True, cwd=folder)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.findall(r"^(\w+\.py):(\d+): error", done.stdout, re.MULTILINE)
    return {(file, int(line)) for file, line in found}


def check_with_pyright(python: Path, folder: Path) -> set[tuple[str, int]]:
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", str(python), "right.py", "wrong.py"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode not in (0, 1):
        pytest.skip(f"pyright cannot run: {done.stderr.strip()[-200:]}")
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {(Path(d["file"]).name, d["range"]["start"]["line"] + 1) for d in found if d["severity"] == "error"}


CHECKERS = {"pyright": check_with_pyright, "mypy": check_with_mypy}
slow = pytest.mark.slow


@pytest.mark.parametrize(
    ("checker", "hook"),
    [
        ("pyright", "build_editable"),
        pytest.param("pyright", "build_wheel", marks=slow),
        pytest.param("mypy", "build_editable", marks=slow),
        pytest.param("mypy", "build_wheel", marks=slow),
    ],
)
def test_the_mistakes_are_found(checker: str, hook: str, python_with: Callable[[str], Path], tmp_path: Path) -> None:
    pytest.importorskip(checker)
    if checker == "pyright" and shutil.which("node") is None:
        pytest.skip("pyright needs node")
    text, lines = mistaken()
    (tmp_path / "right.py").write_text(PROGRAM.read_text("utf-8"), "utf-8")
    (tmp_path / "wrong.py").write_text(text, "utf-8")
    found = CHECKERS[checker](python_with(hook), tmp_path)
    assert found == {("wrong.py", line) for line in lines}


def test_an_editable_installation_sees_new_files(python_with: Callable[[str], Path], tmp_path: Path) -> None:
    python = python_with("build_editable")
    source = python.parents[2] / "source"
    for name in ("minigraph/new_module.py", "backends/numpy/new_module.py", "tools/new_module.py"):
        (source / name).write_text("")
    program = (
        "import minigraph.new_module, minigraph.tools.new_module; "
        "from minigraph.backends.numpy import new_module; print(new_module.__file__)"
    )
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).resolve() == (source / "backends/numpy/new_module.py").resolve()


def test_an_editable_installation_adds_one_name_to_the_path(python_with: Callable[[str], Path]) -> None:
    source = python_with("build_editable").parents[2] / "source"
    assert [path.name for path in (source / "build" / "editable").iterdir()] == ["minigraph"]


def test_the_program_runs() -> None:
    command = [sys.executable, "-W", "ignore", str(PROGRAM)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
