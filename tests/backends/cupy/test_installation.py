"""The command that completes an installation, for the machines that users have."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from minigraph.backends.cupy import installation as I
from minigraph.backends.cupy.installation import Installation, Package

ROOT = Path(__file__).resolve().parents[3]
CUPY12, CUPY13 = Package("cupy-cuda12x", "14.2.0", 12), Package("cupy-cuda13x", "14.2.0", 13)
CUDNN12, CUDNN13 = Package("nvidia-cudnn-cu12", "9.1.0.70", 12), Package("nvidia-cudnn-cu13", "9.15.1.9", 13)
TORCH12, TORCH13 = Package("torch", "2.6.0", 12), Package("torch", "2.11.0", 13)
NEW_12 = 'python -m venv minigraph-env && minigraph-env/bin/pip install "minigraph[cuda12]"'
NEW_13 = NEW_12.replace("cuda12", "cuda13")


@pytest.mark.parametrize(
    ("driver", "packages", "command", "conflict"),
    [
        (0, [], 'pip install "minigraph[cuda13]"', ""),
        (13000, [], 'pip install "minigraph[cuda13]"', ""),
        (12040, [], 'pip install "minigraph[cuda12]"', ""),
        (14010, [], 'pip install "minigraph[cuda13]"', ""),
        # CuPy's builds share a folder, cuDNN's wheels do, too: the ones that are there decide.
        (13000, [CUPY12], 'pip install "minigraph[cuda12]"', ""),
        (13000, [TORCH12, CUDNN12], 'pip install "minigraph[cuda12]"', ""),
        (12080, [CUPY12, CUDNN12, TORCH12], 'pip install "minigraph[cuda12]"', ""),
        (13000, [TORCH13, CUDNN13], 'pip install "minigraph[cuda13]"', ""),
        (13000, [Package("torch", "2.6.0+cpu")], 'pip install "minigraph[cuda13]"', ""),
        # What cannot be joined goes apart.
        (12040, [CUPY13], NEW_12, "cupy-cuda13x is for CUDA 13, and the driver for CUDA 12.4"),
        (12040, [TORCH13, CUDNN13], NEW_12, "for CUDA 13, and the driver for CUDA 12.4"),
        (13000, [CUPY13, CUDNN12, TORCH12], NEW_13, "cupy-cuda13x is for CUDA 13, and nvidia-cudnn-cu12 for CUDA 12"),
        (13000, [CUPY12, CUPY13], NEW_13, "cupy-cuda12x and cupy-cuda13x overwrite each other's files"),
        (0, [CUDNN12, CUDNN13], NEW_13, "nvidia-cudnn-cu12 and nvidia-cudnn-cu13 overwrite each other's files"),
        (11040, [], 'a newer driver, at least for CUDA 12, and then pip install "minigraph[cuda12]"', ""),
    ],
)
def test_the_command_breaks_nothing_that_is_there(
    monkeypatch: pytest.MonkeyPatch, driver: int, packages: list[Package], command: str, conflict: str
) -> None:
    monkeypatch.setattr(I, "_WINDOWS", False)
    found = Installation(driver, packages)
    assert found.command() == command
    assert conflict in found.conflict()
    assert bool(found.conflict()) == bool(conflict)
    assert found.advice().endswith(command)


def test_a_cupy_from_source_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["numpy>=1.26", 'cupy-cuda12x>=14; extra == "cuda12"', 'nvidia-cudnn-cu12>=9; extra == "cuda12"']
    monkeypatch.setattr(I, "requires", lambda name: [*asked, 'nvidia-cudnn-cu13>=9; extra == "cuda13"'])
    assert Installation(12040, [Package("cupy", "14.2.0", 12)]).command() == 'pip install "nvidia-cudnn-cu12>=9"'


def test_packages_are_told_with_their_version_of_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"cupy-cuda12x": "14.2.0", "torch": "2.6.0", "nvidia-cudnn-frontend": "1.24.0"}

    def version(name: str) -> str:
        if name not in versions:
            raise I.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(I, "version", version)
    monkeypatch.setattr(I, "requires", lambda name: ["filelock", "nvidia-cudnn-cu12==9.1.0.70; platform == 'Linux'"])
    monkeypatch.setattr(I, "_driver", lambda: 12040)
    assert I.installation().describe() == [
        "driver for CUDA 12.4", "CuPy 14.2.0 for CUDA 12", "cuDNN's frontend 1.24.0", "PyTorch 2.6.0 for CUDA 12",
    ]  # fmt: skip


@pytest.mark.parametrize("major", I.MAJORS)
def test_an_extra_has_the_packages_of_one_version_of_cuda(major: int) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split("[><=]", r)[0] for r in project["optional-dependencies"][f"cuda{major}"]]
    other = next(m for m in I.MAJORS if m != major)
    assert not [n for n in names if f"cuda{other}" in n or f"cu{other}" in n]
    assert {f"cupy-cuda{major}x", f"nvidia-cudnn-cu{major}", "nvidia-cudnn-frontend"} <= set(names)
    assert {"cublas", "cuda-nvrtc"} <= {n.removeprefix("nvidia-").removesuffix(f"-cu{major}") for n in names}
