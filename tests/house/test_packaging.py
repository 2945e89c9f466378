"""The wheel holds the package, the digits and the entry points, and nothing beside the package."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support.paths import ROOT

MAPPED = ("backends", "models", "tools")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("build")
    pytest.importorskip("setuptools")
    source = tmp_path_factory.mktemp("wheel") / "source"
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for folder in ("minigraph", *MAPPED):
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored, symlinks=True)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    target = source.parent / "dist"
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = target.glob("*.whl")
    return path


def test_contents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    (information,) = tops - {"minigraph"}
    assert information.startswith("minigraph-")
    assert information.endswith(".dist-info")

    expected = {"minigraph/py.typed"}
    for folder in ("minigraph", *MAPPED):
        for path in (ROOT / folder).rglob("*.py"):
            inside = path.relative_to(ROOT).as_posix()
            expected.add(inside if folder == "minigraph" else f"minigraph/{inside}")
    expected |= {f"minigraph/data/digits/{path.name}" for path in (ROOT / "minigraph/data/digits").iterdir()}
    expected |= {f"minigraph/models/classes/{path.name}" for path in (ROOT / "models/classes").iterdir()}
    for folder in ("elk", "web"):
        expected |= {f"minigraph/viz/{folder}/{path.name}" for path in (ROOT / "minigraph/viz" / folder).iterdir()}
    assert {name for name in names if name.startswith("minigraph/")} == expected
    assert f"{information}/licenses/LICENSE" in names


def test_metadata(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (entry_points,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        scripts = archive.read(entry_points).decode()
        metadata = archive.read(entry_points.replace("entry_points.txt", "METADATA")).decode()
    assert "minigraph = minigraph.tools.cli:main" in scripts
    assert "[minigraph.backends]" in scripts
    assert "numpy = minigraph.backends.numpy:NumpyBackend" in scripts
    assert "cupy = minigraph.backends.cupy:CupyBackend" in scripts
    assert "Requires-Python: >=3.11" in metadata
    extras = "viz plot llvm cuda12 cuda13 sympy onnx hdf5 python2 tensorboard datasets docs notebooks peers dev"
    for extra in extras.split():
        assert f"Provides-Extra: {extra}" in metadata


def test_works_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import minigraph as tf, minigraph.tools.cli\n"
        "assert tf.__file__.startswith(sys.argv[1]), tf.__file__\n"
        "from minigraph.data import load; print(tf.Session().run(tf.reduce_sum(tf.constant(load().test_labels))))"
    )
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "site")], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1000.0\n"
