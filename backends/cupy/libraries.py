"""NVIDIA's libraries by ctypes, from wheels or the system, for one major version of CUDA."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# Libraries that one needs and looks for by their names only.
_NEEDS = {"cublas": ("cublasLt",), "nvrtc": ("nvrtc-builtins",)}


class MissingLibrary(Exception):
    """A library that cannot be loaded, or is there for another major version of CUDA only."""


def load(name: str, major: int | None = None) -> ctypes.CDLL:
    """The library `name`, such as "cublas"; by default of any version.

    major: the version of CUDA that the library must be for. Libraries of several versions can be installed, and the
    package that finds them takes the newest. Raises MissingLibrary.
    """
    others = []
    for path in (*_found(name), *_wheels(name)):
        number = _number(path)
        if major is None or number is None or number == major:
            try:
                for need in _NEEDS.get(name, ()):
                    for other in sorted(path.parent.glob(f"*{need}*")):
                        if other.is_file() and number in (None, _number(other)):
                            ctypes.CDLL(str(other), ctypes.RTLD_GLOBAL)
                return ctypes.CDLL(str(path))
            except OSError as error:
                others.append(str(error))
        else:
            others.append(f"{path} is for CUDA {number}")
    if major is not None and sys.platform != "win32":
        try:
            return ctypes.CDLL(f"lib{name}.so.{major}")
        except OSError as error:
            others.append(str(error))
    raise MissingLibrary("; ".join(dict.fromkeys(others)) or f"no {name} is installed")


def _found(name: str) -> Iterator[Path]:
    """Where NVIDIA's own package finds the library."""
    try:
        from cuda import pathfinder

        yield Path(pathfinder.load_nvidia_dynamic_lib(name).abs_path)
    except (ImportError, OSError, RuntimeError):
        return


def _wheels(name: str) -> Iterator[Path]:
    """The library in the wheels that are installed, the newest first."""
    spec = importlib.util.find_spec("nvidia")
    pattern = f"**/{name}64_*.dll" if sys.platform == "win32" else f"**/lib{name}.so.*"
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        yield from sorted(Path(folder).glob(pattern), key=lambda path: _number(path) or 0, reverse=True)


def _number(path: Path) -> int | None:
    """The major version of CUDA in a library's file name."""
    found = re.search(r"\.so\.(\d+)|64_(\d\d)\d*(?:_\d+)?\.dll$", path.name)
    return int(found[1] or found[2]) if found else None
