"""Small faults in a file: the places where one can be made, and the code with it."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.MatMult: ast.Mult, ast.BitXor: ast.BitAnd,
}  # fmt: skip
# Data of tests that stand with the ops, texts for people, and types have no behaviour that a test could hold.
SILENT_FUNCTIONS = {"samples", "__repr__", "__str__"}


@dataclass(frozen=True)
class Fault:
    """number: the place's number among those of its file. scope: the function. before, after: the code there. twin: the
    number among equal faults of the scope. The key stays when other parts of the file change."""

    file: str
    number: int
    line: int
    scope: str
    before: str
    after: str
    twin: int

    @property
    def key(self) -> str:
        again = f" #{self.twin + 1}" if self.twin else ""
        return f"{self.file}: {self.scope}: {self.before} -> {self.after}{again}"


def faults(path: Path, file: str) -> Iterator[Fault]:
    """Every fault that can be made in a file, in order."""
    tree = ast.parse(path.read_text("utf-8"))
    scopes = _scopes(tree)
    seen: Counter[tuple[str, str, str]] = Counter()
    for number, (node, change) in enumerate(_places(tree)):
        what = (scopes[node], _text(node), _text(change))
        yield Fault(file, number, node.lineno, *what, seen[what])
        seen[what] += 1


def _scopes(tree: ast.AST) -> dict[ast.AST, str]:
    """The qualified name of the function or class that each node is in."""
    found = {}
    left = [(tree, "module")]
    while left:
        parent, scope = left.pop()
        for node in ast.iter_child_nodes(parent):
            found[node] = inner = scope
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                inner = node.name if scope == "module" else f"{scope}.{node.name}"
            left.append((node, inner))
    return found


def with_fault(path: Path, number: int) -> ast.Module:
    """The code of a file with the fault of this number; lines keep their numbers."""
    tree = ast.parse(path.read_text("utf-8"))
    found = list(_places(tree))
    node, change = found[number]
    ast.copy_location(change, node)
    return ast.fix_missing_locations(_Replace(node, change).visit(tree))


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else super().generic_visit(node)


def _text(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) < 100 else text[:97] + "..."


def _places(tree: ast.Module) -> Iterator[tuple[ast.stmt | ast.expr, ast.stmt | ast.expr]]:
    """Each node that can be changed, with what it is changed to."""
    for node in _visible(tree):
        if isinstance(node, CHANGED):
            for change in _changes(node):
                yield node, change


def _visible(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of code that acts, in order: no annotations, docstrings, messages of errors, assertions, type checking,
    samples."""
    left = [tree]
    while left:
        node = left.pop()
        yield node
        inner: list[ast.AST] = []
        for name, value in ast.iter_fields(node):
            if name not in ("annotation", "returns", "decorator_list", "bases", "type_params"):
                children = value if isinstance(value, list) else [value]
                inner += [child for child in children if isinstance(child, ast.AST) and not _silent(child)]
        left += reversed(inner)


def _silent(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        return node.name in SILENT_FUNCTIONS
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) in ("__all__", "CASES", "SAMPLES")
    if isinstance(node, ast.keyword):
        return node.arg == "strict"  # an assertion of zip, which correct code never sees
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom)


CHANGED = (
    ast.Compare, ast.BinOp, ast.BoolOp, ast.UnaryOp, ast.Constant, ast.If, ast.IfExp, ast.While, ast.AugAssign,
    ast.Expr, ast.Continue, ast.Break,
)  # fmt: skip


def _changes(node: ast.stmt | ast.expr) -> Iterator[ast.stmt | ast.expr]:
    new = copy.copy(node)
    if isinstance(node, ast.Compare) and isinstance(new, ast.Compare):
        new.ops = [COMPARISONS[type(node.ops[0])](), *node.ops[1:]]
        yield new
    elif isinstance(node, ast.BinOp) and isinstance(new, ast.BinOp):
        if not any(isinstance(s, ast.Constant) and isinstance(s.value, str) for s in (node.left, node.right)):
            new.op = OPERATORS[type(node.op)]()
            yield new
    elif isinstance(node, ast.BoolOp) and isinstance(new, ast.BoolOp):
        new.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield new
    elif isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not | ast.USub):
            yield copy.copy(node.operand)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int | float):
            yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.If | ast.IfExp | ast.While) and isinstance(new, ast.If | ast.IfExp | ast.While):
        new.test = ast.UnaryOp(ast.Not(), node.test)
        yield new
    elif isinstance(node, ast.AugAssign) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)):
        yield ast.Pass()
    elif isinstance(node, ast.Continue):
        yield ast.Break()
    elif isinstance(node, ast.Break):
        yield ast.Continue()
