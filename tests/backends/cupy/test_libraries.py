"""Libraries of the right major version of CUDA, whichever others are installed."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from gpu.host import COMPILER

from minigraph.backends.cupy import libraries
from minigraph.backends.cupy.libraries import MissingLibrary, load

pytestmark = pytest.mark.skipif(COMPILER is None or sys.platform == "win32", reason="g++ is not installed")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with the libraries of CUDA 12 and 13, each of which tells its version."""
    for major, folder in ((12, "cublas"), (13, "cu13")):
        (tmp_path / folder / "lib").mkdir(parents=True)
        for name in ("cublas", "cublasLt"):
            source = tmp_path / f"{name}.cpp"
            source.write_text(f'extern "C" int version() {{ return {major}; }}')
            target = tmp_path / folder / "lib" / f"lib{name}.so.{major}"
            subprocess.run([COMPILER or "g++", "-shared", "-fPIC", str(source), "-o", str(target)], check=True)
    spec = types.SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(libraries.importlib.util, "find_spec", lambda name: spec if name == "nvidia" else None)
    return tmp_path


def newest(monkeypatch: pytest.MonkeyPatch, path: Path | None) -> None:
    """NVIDIA's finder, which takes the newest library."""

    def find(name: str) -> Any:
        if path is None:
            raise RuntimeError(f"no {name}")
        return types.SimpleNamespace(abs_path=str(path))

    module: Any = types.ModuleType("cuda")
    module.pathfinder = types.SimpleNamespace(load_nvidia_dynamic_lib=find)
    monkeypatch.setitem(sys.modules, "cuda", module)


@pytest.mark.parametrize("major", [12, 13])
@pytest.mark.parametrize("finder", [True, False])
def test_of_several_versions_the_one_asked_for(
    monkeypatch: pytest.MonkeyPatch, wheels: Path, major: int, finder: bool
) -> None:
    newest(monkeypatch, wheels / "cu13/lib/libcublas.so.13" if finder else None)
    assert load("cublas", major).version() == major
    assert load("cublas").version() == 13


def test_another_version_is_not_taken_and_is_told(monkeypatch: pytest.MonkeyPatch, wheels: Path) -> None:
    newest(monkeypatch, wheels / "cu13/lib/libcublas.so.13")
    (wheels / "cublas/lib/libcublas.so.12").unlink()
    if _in_the_system("libcublas.so.12"):
        pytest.skip("the system has cuBLAS 12")
    with pytest.raises(MissingLibrary, match=r"libcublas\.so\.13 is for CUDA 13"):
        load("cublas", 12)


def test_a_damaged_library_is_told(monkeypatch: pytest.MonkeyPatch, wheels: Path) -> None:
    newest(monkeypatch, None)
    (wheels / "cu13/lib/libcublas.so.13").write_bytes(b"damaged")
    if _in_the_system("libcublas.so.13"):
        pytest.skip("the system has cuBLAS 13")
    with pytest.raises(MissingLibrary, match=r"libcublas\.so\.13"):
        load("cublas", 13)


def test_no_library_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    newest(monkeypatch, None)
    monkeypatch.setattr(libraries.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingLibrary, match="no such_library is installed"):
        load("such_library")


@pytest.mark.parametrize(
    ("name", "major"),
    [("libcublas.so.12", 12), ("libnvrtc.so.13.0.88", 13), ("cublas64_12.dll", 12), ("nvrtc64_120_0.dll", 12),
     ("nvrtc64_130_0.dll", 13), ("libcublas.so", None)],
)  # fmt: skip
def test_the_version_in_a_file_s_name(name: str, major: int | None) -> None:
    assert libraries._number(Path(name)) == major


def _in_the_system(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
