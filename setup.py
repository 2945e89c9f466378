"""The parts of the build that pyproject.toml cannot state: the list of packages and the editable installation.

backends/, models/ and tools/ are installed as minigraph.backends, .models and .tools. An editable installation reaches
them by links inside minigraph/, and minigraph itself by a link in build/editable/, which is put on Python's path. So
type checkers and editors find every module as files, and new files need no reinstallation.
"""

import tomllib
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.editable_wheel import editable_wheel

ROOT = Path(__file__).resolve().parent
FOLDERS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-dir"]
EDITABLE = "build/editable"


def list_packages() -> list[str]:
    found = set()
    for name, folder in {"minigraph": "minigraph", **FOLDERS}.items():
        found |= {name, *(f"{name}.{package}" for package in find_packages(str(ROOT / folder)))}
    return sorted(found)


def link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target, target_is_directory=True)


class EditableWheel(editable_wheel):
    """Writes a .pth file, which tools read, where setuptools would install an import hook, which they cannot follow."""

    def finalize_options(self) -> None:
        super().finalize_options()
        for name, folder in FOLDERS.items():
            link(ROOT / name.replace(".", "/"), f"../{folder}")
        link(ROOT / EDITABLE / "minigraph", "../../minigraph")
        self.package_dir = {"": EDITABLE}


setup(packages=list_packages(), cmdclass={"editable_wheel": EditableWheel})
