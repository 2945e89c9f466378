"""Build a release and check it: python tests/house/release.py [FOLDER]; nothing is uploaded.

FOLDER (dist/ by default) gets the source distribution, the wheel built from it, and NOTES.md with the version's part of
CHANGELOG.md. The wheel is installed in a bare environment, where the command and a small program run.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import minigraph as tf
from minigraph.data import load
count = tf.shape(tf.constant(load().test_labels))[0]
with tf.Session() as session:
    assert session.run(count) == 1000
print(tf.__version__)
"""


class ReleaseError(Exception):
    """Why there is no release."""


def notes_for(version: str, changelog: str) -> str:
    """The part of the changelog on a version. ReleaseError where there is none, or nothing in it."""
    parts = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    for part in parts:
        title, _, text = part.partition("\n")
        if title.split(" ")[0] == version:
            if not re.fullmatch(rf"{re.escape(version)} - \d{{4}}-\d\d-\d\d", title):
                raise ReleaseError(f"CHANGELOG.md: the heading of {version} must be '## {version} - YYYY-MM-DD'")
            if not text.strip():
                raise ReleaseError(f"CHANGELOG.md says nothing about {version}")
            return text.strip() + "\n"
    raise ReleaseError(f"CHANGELOG.md has no part '## {version} - YYYY-MM-DD'; rename 'Unreleased'")


def find_version() -> str:
    """The version in pyproject.toml. ReleaseError where the package states another one."""
    version = str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])
    if f'__version__ = "{version}"' not in (ROOT / "minigraph" / "__init__.py").read_text("utf-8"):
        raise ReleaseError(f"pyproject.toml says {version}, minigraph/__init__.py another version")
    return version


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseError(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> Path:
    """The source distribution, and the wheel made from it. Gives the wheel."""
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # setuptools would put removed modules in the wheel
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check(wheel: Path, version: str) -> None:
    """Install the wheel in a bare environment and use it there."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        venv.create(folder / "bare", with_pip=True)
        python = folder / "bare" / "bin" / "python"
        run(python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", wheel, cwd=folder)
        if run(python, "-c", PROGRAM, cwd=folder).strip() != version:
            raise ReleaseError(f"the installed package is not {version}")
        run(folder / "bare" / "bin" / "minigraph", "models", cwd=folder)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist"
    try:
        version = find_version()
        notes = notes_for(version, (ROOT / "CHANGELOG.md").read_text("utf-8"))
        shutil.rmtree(folder, ignore_errors=True)
        wheel = build(folder)
        check(wheel, version)
    except ReleaseError as error:
        raise SystemExit(str(error)) from None
    (folder / "NOTES.md").write_text(notes, "utf-8")
    print(f"minigraph {version}:", *sorted(path.name for path in folder.iterdir()))


if __name__ == "__main__":
    main()
