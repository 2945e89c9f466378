"""The interface's names are written where they are defined; its modules take them from there.

Tests `nn.py`, `math.py`, `linalg.py`, `image.py` and `quantization.py`.
"""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType

import pytest
from support.paths import ROOT

import minigraph as tf
from minigraph import quantization
from minigraph.core.protos import MESSAGES

PACKAGE = ROOT / "minigraph"
GATHERED = {"nn": tf.nn, "math": tf.math, "linalg": tf.linalg, "image": tf.image, "quantization": quantization}
FOLDERS = ("filters", "layers", "losses", "metrics", "saved_model", "train")


def read_all(path: Path) -> list[str]:
    """The names in a file's `__all__`."""
    for statement in ast.parse(path.read_text("utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(statement.value)
            return names
    return []


def test_each_public_function_of_an_op_is_in_the_interface() -> None:
    offered = {id(getattr(tf, name)) for name in tf.__all__}  # type: ignore[attr-defined]  # some are imported late
    offered |= {id(value) for module in GATHERED.values() for value in vars(module).values()}
    for path in sorted((PACKAGE / "ops").rglob("*.py")):
        defined = ModuleType("defined")
        name = ".".join(("minigraph", *path.relative_to(PACKAGE).with_suffix("").parts))
        names = read_all(path)
        exec(f"import {name}; from {name} import *", vars(defined))
        for public in names:
            assert id(getattr(defined, public)) in offered, f"{public} of {path} is in no module of the interface"


@pytest.mark.parametrize("name", ["__init__", *GATHERED, *(f"{folder}/__init__" for folder in FOLDERS)])
def test_no_module_of_the_interface_keeps_a_list(name: str) -> None:
    assert not read_all(PACKAGE / f"{name}.py")


def test_no_helper_is_public() -> None:
    for module in GATHERED.values():
        for name, value in vars(module).items():
            assert name.startswith("_") or callable(value), f"{module.__name__}.{name}"


def test_late_names_are_declared_for_type_checkers() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))
    declared = {ast.unparse(n.target) for n in ast.walk(tree) if isinstance(n, ast.AnnAssign)}
    assert declared == set(MESSAGES)
    (block,) = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "_TYPE_CHECKING"]
    late = [n for n in block.body if isinstance(n, ast.ImportFrom)]
    modules = {n.names[0].name for n in late if n.module == "minigraph"}
    assert modules == set(tf._LATE_MODULES)
    names = set()
    for n in late:
        if n.module and n.module.startswith("minigraph."):
            starred = n.names[0].name == "*"
            file = PACKAGE.parent / f"{n.module.replace('.', '/')}.py"
            names |= {(name, n.module) for name in (read_all(file) if starred else [n.names[0].name])}
    assert names == {(name, f"minigraph.{module}") for name, module in tf._LATE.items()}
