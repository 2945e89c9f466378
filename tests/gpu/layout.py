"""minigraph as an installation has it, by links and without pip: layout.py FOLDER [WHEELS].

FOLDER is made anew; with it on PYTHONPATH minigraph is importable with its metadata, and so is what is in the wheels.
"""

from __future__ import annotations

import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def lay_out(folder: Path, wheels: Path | None = None) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shutil.rmtree(folder, ignore_errors=True)
    package = folder / "minigraph"
    package.mkdir(parents=True)
    for path in (ROOT / "minigraph").iterdir():
        if not path.is_symlink():
            (package / path.name).symlink_to(path)
    for name, path in project["tool"]["setuptools"]["package-dir"].items():
        (package / name.partition(".")[2]).symlink_to(ROOT / path)
    name, version = project["project"]["name"], project["project"]["version"]
    metadata = folder / f"{name}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    with (metadata / "entry_points.txt").open("w") as file:
        for group, entries in project["project"]["entry-points"].items():
            print(f"[{group}]", *(f"{key} = {value}" for key, value in entries.items()), sep="\n", file=file)
    for wheel in sorted(wheels.glob("*.whl")) if wheels else ():
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
