"""The table of TensorFlow 1's names in docs/tf1.md: `python tests/support/tf1_table.py` writes it anew."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from minigraph.tf1.surface import TIERS, names
from minigraph.tools.symbols import is_present, used_symbols
from minigraph.util.files import atomic_write

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "tf1.md"
BEGIN, END = "<!-- the table: python tests/support/tf1_table.py -->", "<!-- end of the table -->"


def attributes(source: str) -> Iterator[str]:
    """`a.b` for each `tf.a.b` in a file of cases, which get `tf` as an argument."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            parts: list[str] = []
            inner: ast.AST = node
            while isinstance(inner, ast.Attribute):
                parts.insert(0, inner.attr)
                inner = inner.value
            if isinstance(inner, ast.Name) and inner.id == "tf":
                yield ".".join(parts)
    yield from re.findall(r'"(\w+(?:\.\w+)+|\w+)"', source)  # names that cases look up


def used_in_goldens() -> tuple[set[str], set[str]]:
    """The names that recorded cases use, and those that recorded programs use."""
    cases = {name for path in sorted((TESTS / "goldens").glob("cases*.py")) for name in attributes(path.read_text())}
    recorded = json.loads((TESTS / "goldens" / "programs.json").read_text())["losses"]
    sources = [(TESTS / "programs" / f"{name}.py").read_text() for name in recorded]
    return cases, {symbol.path for source in sources for symbol in used_symbols(source)}


def table() -> str:
    cases, programs = used_in_goldens()
    lines, totals = [], []
    for tier in TIERS:
        rows = []
        for name in sorted(names(tier), key=lambda n: (n.count("."), n.lower())):
            golden = ", ".join(k for k, where in (("case", cases), ("program", programs)) if name in where)
            rows.append((name, is_present(name), golden))
        there, golden_count = sum(r[1] for r in rows), sum(bool(r[1] and r[2]) for r in rows)
        totals.append(f"| {tier} | {len(rows)} | {there} | {golden_count} |")
        lines += [f"### Tier {tier}", "", "| symbol | there | golden |", "|---|---|---|"]
        lines += [f"| `tf.{n}` | {'yes' if p else 'no'} | {g} |" for n, p, g in rows] + [""]
    head = ["| tier | symbols | there | with goldens |", "|---|---|---|---|", *totals, ""]
    return "\n".join(head + lines).rstrip()


def page_with(text: str) -> str:
    page = PAGE.read_text("utf-8")
    start, stop = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:start]}\n\n{text}\n\n{page[stop:]}"


if __name__ == "__main__":
    whole = page_with(table())
    with atomic_write(PAGE, "w") as file:
        file.write(whole)
