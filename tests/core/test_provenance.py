"""How a line of the user's program is named, in files and in the notebooks of each IPython."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from minigraph.core.provenance import Source


def notebook(monkeypatch: pytest.MonkeyPatch, compiler: Any) -> None:
    """Pretend that the program runs in an IPython with a compiler."""
    shell = SimpleNamespace(compile=compiler)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))


@pytest.mark.parametrize(
    ("file", "cell"),
    [
        ("<ipython-input-12-0e2f41ab77cd>", "Cell In[12]"),  # IPython 7
        ("/tmp/ipython-input-3-2890271233.py", "Cell In[3]"),  # Colab
        ("/tmp/ipykernel_81/1725.py", ""),  # ipykernel 6 leaves the number out
        ("/home/a/program.py", ""),
    ],
)
def test_a_compiler_that_cannot_name_its_cells(file: str, cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook(monkeypatch, SimpleNamespace())
    source = Source(file, 4, "<module>")
    assert source.cell == cell
    assert source.describe().startswith((f"{cell}, line 4" if cell else f"{file}:4") + ", in <module>")
    assert str(source) == f"{cell or file}:4"


def test_a_compiler_that_names_its_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"/tmp/ipykernel_81/1725.py": ("Cell", "In[3]")}
    notebook(monkeypatch, SimpleNamespace(format_code_name=names.get))
    assert Source("/tmp/ipykernel_81/1725.py", 4, "f").cell == "Cell In[3]"
    assert Source("/home/a/program.py", 4, "f").cell == ""


def test_an_ipython_without_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert Source("<ipython-input-12-0e2f41ab77cd>", 4, "f").cell == ""
