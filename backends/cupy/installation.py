"""The installed parts of CUDA, and the command that completes it without breaking other packages.

Three facts limit the choice: CuPy's builds for CUDA 12 and 13 own the same folder; so do cuDNN's wheels, one of which a
PyTorch for GPUs has brought along; and a driver runs programs of its own version of CUDA and of earlier ones.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from typing import NamedTuple

MAJORS = (12, 13)  # versions of CUDA for which there is an extra
_WINDOWS = sys.platform == "win32"
_DRIVER = "nvcuda.dll" if _WINDOWS else "libcuda.so.1"
_TITLES = {
    "cupy-cuda12x": "CuPy",
    "cupy-cuda13x": "CuPy",
    "cupy": "CuPy",  # built from source
    "nvidia-cudnn-cu12": "cuDNN",
    "nvidia-cudnn-cu13": "cuDNN",
    "nvidia-cudnn-frontend": "cuDNN's frontend",
    "torch": "PyTorch",
}


class Package(NamedTuple):
    """An installed package. major: the version of CUDA that it is for, if that matters."""

    name: str
    version: str
    major: int | None = None


class Installation(NamedTuple):
    """driver: the version of CUDA that the driver is for, such as 12040; 0 without a driver."""

    driver: int
    packages: Sequence[Package]

    def has(self, name: str) -> bool:
        return any(p.name == name for p in self.packages)

    @property
    def newest(self) -> int:
        """The newest major that the driver runs and that has an extra; less than all of them for an old driver."""
        return min(self.driver // 1000 or MAJORS[-1], MAJORS[-1])

    @property
    def major(self) -> int | None:
        """The newest major that fits the driver and all packages; None if none does."""
        taken = {p.major for p in self.packages if p.major}
        return next((m for m in reversed(MAJORS) if m <= self.newest and taken <= {m}), None)

    def conflict(self) -> str:
        """Why the packages cannot work together; empty if they can."""
        for title in ("CuPy", "cuDNN"):
            several = [p.name for p in self.packages if _TITLES[p.name] == title]
            if len(several) > 1:
                return f"{' and '.join(several)} overwrite each other's files"
        for p in self.packages:
            if self.driver and p.major and p.major > self.driver // 1000:
                return f"{p.name} is for CUDA {p.major}, and the driver for CUDA {release(self.driver)}"
        tied = [p for p in self.packages if p.major]
        for p in tied:
            if p.major != tied[0].major:
                return f"{tied[0].name} is for CUDA {tied[0].major}, and {p.name} for CUDA {p.major}"
        return ""

    def command(self) -> str:
        """The command that installs the missing parts and leaves the installed ones alone."""
        if self.newest < MAJORS[0]:
            return f'a newer driver, at least for CUDA {MAJORS[0]}, and then pip install "minigraph[cuda{MAJORS[0]}]"'
        if self.major is None or self.conflict():
            pip = r"minigraph-env\Scripts\pip" if _WINDOWS else "minigraph-env/bin/pip"
            return f'python -m venv minigraph-env && {pip} install "minigraph[cuda{self.newest}]"'
        if self.has("cupy"):  # the extra's build would overwrite it
            others = (r for r in _requirements(self.major) if not r.startswith("cupy"))
            return f"pip install {' '.join(map(_quoted, others))}"
        return f'pip install "minigraph[cuda{self.major}]"'

    def advice(self) -> str:
        """The command, after the conflict that it avoids."""
        found = self.conflict()
        return f"{found}: {self.command()}" if found else self.command()

    def describe(self) -> list[str]:
        """The driver and the packages, with the versions of CUDA that they are for."""
        driver = [f"driver for CUDA {release(self.driver)}"] if self.driver else []
        return driver + [
            f"{_TITLES[p.name]} {p.version}{f' for CUDA {p.major}' if p.major else ''}" for p in self.packages
        ]


def installation() -> Installation:
    """What is installed here."""
    packages = []
    for name in _TITLES:
        try:
            packages.append(Package(name, version(name), _major(name)))
        except PackageNotFoundError:
            continue
    return Installation(_driver(), packages)


def advice() -> str:
    """The command that installs what is missing here, and the conflict that it avoids."""
    return installation().advice()


def release(number: int) -> str:
    """ "13.2" for CUDA's version number 13020."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _driver() -> int:
    """The version of CUDA that the driver is for; 0 without a driver. Asking for it starts nothing on the GPU."""
    found = ctypes.c_int()
    try:
        status = ctypes.CDLL(_DRIVER).cuDriverGetVersion(ctypes.byref(found))
    except (OSError, AttributeError):
        return 0
    return 0 if status else found.value


def _major(name: str) -> int | None:
    """The version of CUDA that an installed package is for."""
    if name == "cupy":
        try:
            import cupy

            return int(cupy.cuda.runtime.runtimeGetVersion()) // 1000
        except Exception:  # a build that does not even start
            return None
    names = requires(name) or () if name == "torch" else [name]
    return next((int(m[1]) for n in names if (m := re.match(r"(?:nvidia-cudnn-cu|cupy-cuda)(\d\d)", n))), None)


def _requirements(major: int) -> Iterable[str]:
    """The packages of an extra, from minigraph's metadata."""
    for requirement in requires("minigraph") or ():
        package, _, marker = requirement.partition(";")
        if f"cuda{major}" in marker:
            yield package.strip()


def _quoted(requirement: str) -> str:
    return f'"{requirement}"' if re.search(r"[<>*\[]", requirement) else requirement
