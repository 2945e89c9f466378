"""Lines of Python without tests, by folder: all of them, those of docstrings, and those of code.

python tests/bench/lines.py

Code is what is neither empty nor a comment nor a docstring.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WITH_DOCSTRINGS = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstrings(tree: ast.AST) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, WITH_DOCSTRINGS) and ast.get_docstring(node, clean=False) is not None:
            yield node.body[0]


def main() -> None:
    counts: dict[str, Counter[str]] = {}
    for top in ("backends", "minigraph", "models", "tools"):
        for path in (ROOT / top).rglob("*.py"):  # links to other folders are not followed
            text = path.read_text("utf-8")
            described = {n for s in docstrings(ast.parse(text)) for n in range(s.lineno, (s.end_lineno or 0) + 1)}
            lines = list(enumerate(text.splitlines(), 1))
            code = [n for n, line in lines if n not in described and line.strip() and not line.strip().startswith("#")]
            parts = path.relative_to(ROOT).parts
            folder = parts[1] if top == "minigraph" and len(parts) > 2 else top
            for name in ("all", folder):
                counts.setdefault(name, Counter()).update(all=len(lines), docstrings=len(described), code=len(code))
    for name, found in sorted(counts.items(), key=lambda item: -item[1]["all"]):
        print(f"{name:14} {found['all']:7,} {found['docstrings']:7,} {found['code']:7,}")


if __name__ == "__main__":
    main()
