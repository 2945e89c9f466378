"""Files that TensorFlow 1.15.5 wrote, and files of minigraph's own, compute what was recorded, weights to the bit.

`goldens/exchange_files.py write` made the archives in `goldens/tf_files`; it also shows that TensorFlow reads what
minigraph writes.
"""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.paths import GOLDENS

import minigraph.tf1

ARCHIVES = sorted((GOLDENS / "tf_files").glob("*.zip"))


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(GOLDENS))
    monkeypatch.setenv("MINIGRAPH_BACKEND", "numpy")
    module = importlib.import_module("exchange_files")
    monkeypatch.setattr(module, "tf", minigraph.tf1)
    yield module
    for name in ("exchange_files", "file_graphs"):
        sys.modules.pop(name, None)


def require_equal(exchange: Any, folder: Path, name: str, form: str) -> None:
    now, after, bad = exchange.compare(str(folder), name, form)
    assert not bad
    assert now <= 1e-6
    assert after <= 1e-5  # after one more training step


@pytest.mark.parametrize("form", ["meta", "frozen"])
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
def test_files_of_tensorflow(tmp_path: Path, exchange: Any, archive: Path, form: str) -> None:
    zipfile.ZipFile(archive).extractall(tmp_path / archive.stem)
    require_equal(exchange, tmp_path, archive.stem, form)


@pytest.mark.parametrize("form", ["pb", "pbtxt", "checkpoint", "saved_model"])
@pytest.mark.parametrize("name", ["softmax_regression", "conditions", "dtypes"])
def test_other_forms_of_tensorflow(tmp_path: Path, exchange: Any, name: str, form: str) -> None:
    zipfile.ZipFile(GOLDENS / "tf_files" / f"{name}.zip").extractall(tmp_path / name)
    require_equal(exchange, tmp_path, name, form)


@pytest.mark.parametrize("name", ["lenet", "batch_norm_switched", "reductions", "segments", "matrices", "loops"])
def test_files_of_minigraph(tmp_path: Path, exchange: Any, name: str) -> None:
    exchange.write(str(tmp_path), name)
    for form in exchange.FORMS:
        require_equal(exchange, tmp_path, name, form)


def test_every_graph_is_written_with_ops_of_tensorflow(exchange: Any) -> None:
    from minigraph.formats.tensorflow.importing import OWN

    for build in exchange.GRAPHS.values():
        with minigraph.Graph().as_default() as graph:
            build(minigraph.tf1)
            own = [node.name for node in graph.as_graph_def().node if OWN in node.attr]
        assert not own
