"""The notebooks in docs/notebooks run, and are kept whole, with their outputs, and small."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
QUICK = "02-convolution-and-filters"
WITHOUT_IMPORT = {"12-two-processes": "mpi4py", "03-back-propagation": "graphviz"}
LARGEST = 300_000  # bytes


def cells_of(path: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == kind]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def packages(path: Path) -> set[str]:
    """The packages that a notebook imports."""
    found = {WITHOUT_IMPORT.get(path.stem, "numpy")}
    for cell in cells_of(path, "code"):
        for node in ast.walk(ast.parse(re.sub(r"^!.*$", "", source(cell), flags=re.MULTILINE))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_kept_with_its_outputs(path: Path) -> None:
    """All cells ran once, in order, without an error; there are pictures, and links lead somewhere."""
    assert path.stat().st_size <= LARGEST
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.read(path, as_version=4))
    cells = cells_of(path, "code")
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs) or path.stem.startswith("10")
    assert not re.search(r"/tmp/|/home/|/root/", json.dumps(outputs))
    for cell in cells_of(path, "markdown"):
        for target in re.findall(r"\]\(([^)#]+)\)", source(cell)):
            assert (FOLDER / target).exists(), target


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_names_of_minigraph_in_it_exist(path: Path) -> None:
    import minigraph as tf

    for name in re.findall(r"\btf((?:\.\w+)+)", "\n".join(map(source, cells_of(path, "code")))):
        if not name.startswith(".examples"):
            found: Any = tf
            for part in name[1:].split("."):
                found = getattr(found, part)


def test_all_are_in_the_list() -> None:
    text = (FOLDER / "README.md").read_text("utf-8")
    assert re.findall(r"\(([\w-]+\.ipynb)\)", text) == [path.name for path in NOTEBOOKS]
    for page in "README.md", "docs/index.md":
        assert "notebooks/README.md" in (ROOT / page).read_text("utf-8")


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[] if path.stem == QUICK else pytest.mark.slow, id=path.stem) for path in NOTEBOOKS],
)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    for name in {"ipykernel", *packages(path)}:
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"the notebook needs {name}")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", "")
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    again = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    kept = [o for cell in cells_of(path, "code") for o in cell["outputs"]]
    kinds = [sorted(o.get("data", {}) | {"": 0}) for o in kept if o["output_type"] != "stream"]
    assert [sorted(o.get("data", {}) | {"": 0}) for o in again if o.output_type != "stream"] == kinds
