"""Public docstrings: each is whole, and its example runs and prints the output that it shows."""

from __future__ import annotations

import doctest
import importlib
import inspect
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.digits_folder import write_digits
from support.examples import forget_imports
from support.public import find_public

import minigraph as tf
from minigraph.core.record import Record

SECTIONS = ("Args", "Returns", "Yields", "Raises", "Example")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


# Modules of names for old programs whose docstrings are whole.
OLD = (
    "custom_gradients",
    "gradient_checker",
    "host_math",
    "partitions",
    "strings",
    "structures",
    "template",
    "tensor_protos",
)


def old_names() -> dict[str, Any]:
    modules = [importlib.import_module(f"minigraph.tf1.{name}") for name in OLD]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


PUBLIC = find_public() | old_names()
CASES = pytest.mark.parametrize("name", PUBLIC)


def parse(doc: str) -> tuple[str, dict[str, str]]:
    """The text before the sections of a docstring, and the sections by their headings."""
    head, *rest = re.split(rf"^({'|'.join(SECTIONS)}):$\n?", inspect.cleandoc(doc), flags=re.MULTILINE)
    return head, dict(zip(rest[::2], rest[1::2], strict=True))


def parameters_of(value: Callable[..., Any]) -> list[str]:
    """The public parameters of a function, or of a class's constructor."""
    if inspect.isclass(value) and issubclass(value, Record) and value.__init__ is Record.__init__:
        return [name for name in value.fields if not name.startswith("_")]
    if inspect.isclass(value) and value.__init__ is object.__init__ and value.__new__ is object.__new__:
        return []
    if inspect.isclass(value) and issubclass(value, BaseException) and "__init__" not in vars(value):
        return []
    return [name for name in inspect.signature(value).parameters if name not in ("self", "cls") and name[0] != "_"]


def faults_of(value: Any, doc: str | None, is_method: bool = False) -> list[str]:
    """The faults of a docstring. A method may take it from the base class, and have fewer parameters than that."""
    if not doc:
        return ["no docstring"]
    head, sections = parse(doc)
    summary, *more = head.split("\n")
    faults = [] if summary.endswith((".", ":")) and not (more and more[0]) else ["the summary is not one line"]
    documented = set()
    for names in re.findall(r"^    (\*{0,2}\w+(?:, \*{0,2}\w+)*):", sections.get("Args", ""), re.MULTILINE):
        documented |= {name.strip(" *") for name in names.split(",")}
    wanted = set(parameters_of(value))
    faults += [f"Args lacks {name}" for name in sorted(wanted - documented)]
    if value.__doc__:
        faults += [f"Args names {name}, which is no parameter" for name in sorted(documented - wanted)]
    if inspect.isclass(value):
        if not (issubclass(value, BaseException) or "Example" in sections):
            faults.append("no Example")
        return faults
    gives_nothing = inspect.signature(value).return_annotation in ("None", None)
    if not gives_nothing and not {"Returns", "Yields"} & sections.keys():
        faults.append("no Returns")
    if not is_method and "Example" not in sections:
        faults.append("no Example")
    return faults


def members_of(kind: type) -> dict[str, Any]:
    """The public methods and properties that a class defines itself."""
    return {name: value for name, value in vars(kind).items() if not name.startswith("_")}


@CASES
def test_docstring(name: str) -> None:
    value = PUBLIC[name]
    faults = {name: faults_of(value, value.__doc__)}
    for member, what in members_of(value).items() if inspect.isclass(value) else ():
        if isinstance(what, property):
            faults[f"{name}.{member}"] = [] if inspect.getdoc(what) else ["no docstring"]
        function = what.__func__ if isinstance(what, classmethod | staticmethod) else what
        if inspect.isfunction(function):
            faults[f"{name}.{member}"] = faults_of(function, inspect.getdoc(getattr(value, member)), is_method=True)
    assert not (found := {where: list_ for where, list_ in faults.items() if list_}), found


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds a few digits as MNIST."""
    return write_digits(tmp_path_factory.mktemp("data") / "mnist", train=8, test=4).parent


@CASES
def test_example(name: str, tmp_path: Path, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MINIGRAPH_DATA", str(digits))
    forget_imports(monkeypatch)
    tf.reset_default_graph()
    np.random.seed(0)
    examples = doctest.DocTestParser().get_examples(inspect.cleandoc(PUBLIC[name].__doc__ or ""))
    case = doctest.DocTest(examples, {"tf": tf, "np": np}, name, None, None, None)
    output = io.StringIO()
    assert not doctest.DocTestRunner(optionflags=FLAGS).run(case, out=output.write).failed, output.getvalue()
