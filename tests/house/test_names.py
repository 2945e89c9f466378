"""Names in the package: a class name has one meaning."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("minigraph", "backends", "models", "tools")


def test_no_class_name_occurs_twice() -> None:
    """Private helpers (`_Name`) are exempt: they never leave their file. So is Keras, which has names of its own."""
    places: dict[str, list[str]] = defaultdict(list)
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            if file.is_relative_to(ROOT / "minigraph" / "keras"):
                continue
            for node in ast.walk(ast.parse(file.read_text("utf-8"))):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    places[node.name].append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert len(places) > 300, "found too few classes; were the folders moved?"
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
