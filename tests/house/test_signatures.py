"""The parameters of public functions and methods are TensorFlow 1.15.5's, by name and position; ours come after them.

`goldens/record_signatures.py` recorded TensorFlow's. What its functions hide behind `*` and `**` is not in the record.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.paths import GOLDENS

from minigraph.core.record import Record
from minigraph.tf1.namespace import ROOT

# What differs on purpose, by reason.
DIFFERENCES: dict[str, set[str]] = {
    "Programs get these objects from functions and do not make them.": {
        "DType.__init__",
        "dtypes.DType.__init__",
        "Operation.__init__",
        "Tensor.__init__",
        "VariableScope.__init__",
    },
    "Programs make optimizers of the subclasses.": {"keras.optimizers.Optimizer.__init__"},
    "It is conv2d under another name: TensorFlow's takes images of any rank.": {
        "contrib.layers.convolution",
        "contrib.slim.convolution",
    },
    "They are those of Python's unittest, which has other names in Python 3.7.": {
        "test.TestCase.assertDictEqual",
        "test.TestCase.fail",
    },
}
LISTED = {path for paths in DIFFERENCES.values() for path in paths}

Parameters = list[tuple[str, bool]]


def found(path: str) -> Any:
    """The value of a name of TensorFlow, for a constructor its class; None if minigraph does not have it."""
    value: Any = ROOT
    for name in path.split("."):
        if name != "__init__":
            value = getattr(value, name, None)
    return value


def positional(value: Any) -> Parameters | None:
    """The parameters that take a position, and whether each must be given; None for any number of them."""
    if isinstance(value, type) and issubclass(value, Record) and value.__init__ is Record.__init__:
        return [(name, not hasattr(value, name)) for name in value.fields]
    parameters = list(inspect.signature(value).parameters.values())
    taken = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.POSITIONAL_ONLY)]
    names = [(p.name, p.default is p.empty) for p in taken if p.name not in ("self", "cls")]
    return None if not names and any(p.kind is p.VAR_POSITIONAL for p in parameters) else names


def compared() -> Iterator[tuple[str, Parameters | None, list[str], int]]:
    """Each name that both have, with our parameters, TensorFlow's, and how many of TensorFlow's must be given."""
    table = json.loads((GOLDENS / "signatures.json").read_text())["signatures"]
    for path, (names, needed, more, _, _) in table.items():
        if (value := found(path)) is not None and (names or more is None):
            yield path, positional(value), names, needed


def fault(ours: Parameters | None, names: list[str], needed: int) -> str | None:
    if ours is None:
        return f"(*args) instead of {names}"
    if [name for name, _ in ours[: len(names)]] != names:
        return f"{[name for name, _ in ours]} instead of {names}"
    if must := [name for name, given in ours[needed:] if given]:
        return f"{must} have no default"
    return None


def test_parameters_are_those_of_tensorflow_by_name_and_position() -> None:
    faults = {path: said for path, *rest in compared() if path not in LISTED and (said := fault(*rest)) is not None}
    assert not faults, "\n".join(f"{path}: {said}" for path, said in faults.items())


def test_most_of_what_is_public_is_compared() -> None:
    assert sum(1 for _ in compared()) > 1000


def test_every_difference_is_one() -> None:
    agree = {path for path, *rest in compared() if fault(*rest) is None}
    assert not LISTED & agree, "these agree now: take them off the list"
    assert {path for path, *_ in compared()} >= LISTED


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ([("x", True), ("axis", False)], None),
        ([("x", True), ("axis", False), ("more", False)], None),
        ([("x", True)], "['x'] instead of ['x', 'axis']"),
        ([("axis", False), ("x", True)], "['axis', 'x'] instead of ['x', 'axis']"),
        ([("x", True), ("axis", True)], "['axis'] have no default"),
        ([("x", True), ("axis", False), ("more", True)], "['more'] have no default"),
        (None, "(*args) instead of ['x', 'axis']"),
    ],
)
def test_faults_are_found(ours: Parameters | None, expected: str | None) -> None:
    assert fault(ours, ["x", "axis"], 1) == expected
