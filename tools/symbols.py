"""Finds the TensorFlow names that a program uses, and checks whether minigraph has them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from minigraph.tf1.namespace import ROOT, closest
from minigraph.tf1.tree import MODULES

_TOPS = ("tensorflow.compat.v1", "tensorflow", "minigraph.tf1", "minigraph")


@dataclass
class Symbol:
    """A dotted name without "tensorflow.", the lines that use it, and the closest name if it is missing."""

    path: str
    lines: list[int] = field(default_factory=list)
    present: bool = True
    closest: str | None = None


def used_symbols(source: str, filename: str = "<program>") -> list[Symbol]:
    """The names that a program uses through its imports of tensorflow, in alphabetical order.

    Raises SyntaxError if the program is not Python 3.
    """
    tree = ast.parse(source, filename)
    aliases = _aliases(tree)
    found: dict[str, Symbol] = {}
    for path, line in _uses(tree, aliases):
        symbol = found.setdefault(path, Symbol(path))
        if line not in symbol.lines:
            symbol.lines.append(line)
    for symbol in found.values():
        symbol.present = is_present(symbol.path)
        symbol.closest = None if symbol.present else closest(symbol.path)
    return [found[path] for path in sorted(found)]


def _below_tensorflow(module: str) -> str | None:
    """The module's path without "tensorflow."; None for other modules."""
    for top in _TOPS:
        if module == top:
            return ""
        if module.startswith(top + "."):
            return module[len(top) + 1 :]
    return None


def _imports(tree: ast.AST) -> Iterator[tuple[str, str, int, bool]]:
    """(local name, path, line, whether the path itself is requested) of each import from tensorflow."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                path = _below_tensorflow(alias.name)
                if path is not None:
                    yield (alias.asname, path, node.lineno, True) if alias.asname else (
                        alias.name.partition(".")[0], "", node.lineno, False,
                    )  # fmt: skip
                    if not alias.asname:
                        yield "", path, node.lineno, True
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            base = _below_tensorflow(node.module)
            if base is not None:
                for alias in node.names:
                    path = f"{base}.{alias.name}" if base else alias.name
                    yield alias.asname or alias.name, path, node.lineno, True


def _aliases(tree: ast.AST) -> dict[str, str]:
    """Local names for paths in tensorflow, including plain assignments (`slim = tf.contrib.slim`)."""
    aliases = {name: path for name, path, _, _ in _imports(tree) if name}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            named = _chain(node.value, aliases)
            if named and named in MODULES:
                aliases[node.targets[0].id] = named
    return aliases


def _chain(node: ast.AST, aliases: dict[str, str]) -> str | None:
    """The path of `name.a.b` whose name is an alias."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in aliases:
        return None
    return ".".join(p for p in [aliases[node.id], *reversed(parts)] if p)


def _uses(tree: ast.AST, aliases: dict[str, str]) -> Iterator[tuple[str, int]]:
    for _, path, line, asked in _imports(tree):
        if asked and path:
            yield path, line
    inner = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            used = _chain(node, aliases)
            if used:
                yield _cut(used), node.lineno


def _cut(path: str) -> str:
    """The path up to the first object that is neither a module nor a class: `flags.FLAGS.x` gives `flags.FLAGS`."""
    value: Any = ROOT
    parts = path.split(".")
    for i, part in enumerate(parts):
        if not isinstance(value, ModuleType) and not inspect.isclass(value):
            return ".".join(parts[:i])
        try:
            value = getattr(value, part)
        except (AttributeError, ImportError):
            return ".".join(parts[: i + 1])
    return path


def is_present(path: str) -> bool:
    """Whether minigraph has an object of this dotted name (without "tensorflow.")."""
    if path in MODULES:
        return True
    value: Any = ROOT
    for part in path.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            return False
        except ImportError:
            return True  # it is there when a package is installed
    return True
