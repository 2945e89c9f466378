"""Python 2 programs: finds what Python 3 does otherwise, and translates it by the syntax tree."""

from __future__ import annotations

import ast
import builtins
import difflib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.errors import MissingPackageError
from minigraph.core.operand import Operand
from minigraph.core.types import Dimension

# What fissix changes, with the reason where the change is a sign of Python 2.
_FIXERS: dict[str, str | None] = {
    "basestring": "basestring is called str",
    "dict": None,
    "except": "`except E, e` is written `except E as e`",
    "exec": "exec is a function",
    "execfile": "execfile does not exist",
    "filter": None,
    "getcwdu": "getcwdu is called getcwd",
    "has_key": "has_key is written with `in`",
    "imports": "the module has another name",
    "itertools": "imap, ifilter and izip are called map, filter and zip",
    "itertools_imports": "imap, ifilter and izip are called map, filter and zip",
    "long": "long is called int",
    "map": None,
    "ne": "<> is written !=",
    "next": None,
    "numliterals": "octal numbers are written 0o..., and there is no suffix L",
    "print": "print is a function",
    "raise": "`raise E, text` is written `raise E(text)`",
    "raw_input": "raw_input is called input",
    "reduce": "reduce is in functools",
    "repr": "backquotes are written repr(...)",
    "tuple_params": "parameters have no tuples",
    "unicode": "unicode is called str",
    "urllib": "the module has another name",
    "xrange": "xrange is called range",
    "zip": None,
}
_NAMES = {
    "basestring": _FIXERS["basestring"],
    "execfile": _FIXERS["execfile"],
    "long": _FIXERS["long"],
    "raw_input": _FIXERS["raw_input"],
    "reduce": _FIXERS["reduce"],
    "unichr": "unichr is called chr",
    "unicode": _FIXERS["unicode"],
    "xrange": _FIXERS["xrange"],
}
_METHODS = ("has_key", "iteritems", "iterkeys", "itervalues", "viewitems", "viewkeys", "viewvalues")
_MODULES = ("ConfigParser", "Queue", "StringIO", "cPickle", "cStringIO", "urllib2")
_DIVIDE, _DIVIDE_IN = "__divide_as_python2__", "__divide_in_place_as_python2__"


class Line(NamedTuple):
    """A line that must change, with the reason. `deferred`: Python 3 runs the program up to a call of its function."""

    number: int
    text: str
    reason: str
    deferred: bool = False


def find_lines(source: str) -> list[Line]:
    """The lines of a program that only Python 2 understands; empty for a program that Python 3 can run.

    Names that the program defines or imports itself, such as six's xrange, are left alone. Where Python 3 cannot even
    parse the program, fissix has to tell; without it, and for a program that is not Python 2 either, nothing is found.
    """
    lines = source.splitlines()
    try:
        found = set(_signs(ast.parse(source)))
    except SyntaxError:
        found = {(n, why, False) for n, why in _changes(source)}
    return [Line(n, lines[n - 1].strip(), why, late) for n, why, late in sorted(found) if 0 < n <= len(lines)]


def _signs(tree: ast.Module) -> Iterator[tuple[int, str, bool]]:
    """The lines of a syntax tree that Python 3 parses but cannot run, outside of `try` and of tests of the version."""
    bound = _bound_names(tree)
    for node, deferred in _unguarded(tree):
        why = _sign(node, bound)
        if why:
            yield node.lineno, why, deferred  # type: ignore[attr-defined]  # only nodes with lines have signs


def _sign(node: ast.AST, bound: set[str]) -> str | None:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and "*" not in bound and node.id not in bound:
        return _NAMES.get(node.id)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        if not _is_named(node.func.value, "six"):
            told = _FIXERS["has_key"] if node.func.attr == "has_key" else None
            return told or "dictionaries have items, keys and values only"
    elif isinstance(node, ast.Import | ast.ImportFrom):
        of = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        if any(name in _MODULES for name in of):
            return _FIXERS["imports"]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift) and _is_named(node.left, "print"):
        return _FIXERS["print"]
    return None


def _is_named(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _unguarded(node: ast.AST, deferred: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """The nodes outside of `try` and of tests of the version, and whether they are in a function."""
    for child in ast.iter_child_nodes(node):
        tested = isinstance(child, ast.If | ast.IfExp) and any(
            word in ast.dump(child.test) for word in ("version", "PY2", "PY3")
        )
        if not isinstance(child, ast.Try) and not tested:
            yield child, deferred
            in_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _unguarded(child, deferred or in_function)


def _bound_names(tree: ast.AST) -> set[str]:
    """All names that are assigned, defined or imported anywhere; "*" if all of a module's are."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((a.asname or a.name).partition(".")[0] for a in node.names)
    return names


def _tool(names: Any) -> Any:
    """fissix's tool with some fixers. MissingPackageError."""
    try:
        from fissix import refactor
    except ImportError as error:
        raise MissingPackageError(f'--from-python2 needs fissix: pip install "minigraph[python2]" ({error})') from error

    class Tool(refactor.RefactoringTool):  # type: ignore[misc]
        """The tool, with an error for a program that it cannot parse in place of a message."""

        def log_error(self, msg: str, *args: Any, **options: Any) -> None:
            raise SyntaxError(f"neither Python 3 nor Python 2: {args[-1] if args else msg}")

        def log_message(self, msg: str, *args: Any) -> None:
            pass

    return Tool([f"fissix.fixes.fix_{name}" for name in names])


def _changes(source: str) -> list[tuple[int, str]]:
    """The lines that fissix changes, with reasons."""
    try:
        tool = _tool(_FIXERS)
    except MissingPackageError:
        return []
    found: list[tuple[int, str]] = []
    for fixer in {*tool.pre_order, *tool.post_order}:
        name = type(fixer).__module__.rpartition("fix_")[2]
        fixer.transform = _noting(fixer.transform, name, found)
    try:
        tool.refactor_string(_ended(source), "program")
    except SyntaxError:
        return []
    return found


def _noting(transform: Any, name: str, found: list[tuple[int, str]]) -> Any:
    """A fixer's function, which also notes the line."""

    def noted(node: Any, results: Any) -> Any:
        at, before = results["cleanup"] if name == "except" else [node], str(node)
        numbers = [part.get_lineno() for part in at]
        in_brackets = len(node.children) == 2 and str(node.children[1]).lstrip().startswith("(")
        new = transform(node, results)
        reason = None if name == "print" and in_brackets else _FIXERS[name]
        if name == "dict" and any(f".{method}" in before for method in _METHODS):
            reason = "dictionaries have items, keys and values only"
        if reason is not None and (new is not None or str(node) != before):
            found.extend((number, reason) for number in numbers)
        return new

    return noted


def _ended(source: str) -> str:
    return source if source.endswith("\n") else source + "\n"


def translate(source: str, path: str = "", in_package: bool = False) -> str:
    """Translate a program to Python 3 as far as possible mechanically; `/` stays, see `compile_divisions`.

    path: the program's file, beside which modules of a package (`in_package`) are looked for. Raises
    MissingPackageError without fissix, SyntaxError if the program is not Python 2 either.
    """
    tool = _tool([*_FIXERS, "import"] if in_package else _FIXERS)
    return str(tool.refactor_string(_ended(source), path or "program"))


def difference(before: str, after: str, name: str) -> str:
    """The changes of a translation, as a unified diff."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (Python 3)", lineterm="", n=0)
    return "\n".join(lines)


def compile_divisions(source: str, path: str) -> Any:
    """Compile a translated program so that `/` of two whole numbers rounds down, as in Python 2.

    A program that imports `division` from `__future__` is compiled as it is.
    """
    tree = ast.parse(source, path)
    future = [n for n in tree.body if isinstance(n, ast.ImportFrom) and n.module == "__future__"]
    if not any(a.name == "division" for n in future for a in n.names):
        builtins.__dict__.update({_DIVIDE: divide, _DIVIDE_IN: divide_in_place})
        tree = ast.fix_missing_locations(_Divisions().visit(tree))
    return compile(tree, path, "exec", dont_inherit=True)


class _Divisions(ast.NodeTransformer):
    """Calls of `divide` in place of `/`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        called = ast.Name(_DIVIDE, ast.Load())
        return ast.copy_location(ast.Call(called, [node.left, node.right], []), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        read: Any = ast.parse(ast.unparse(node.target), mode="eval").body
        value = ast.Call(ast.Name(_DIVIDE_IN, ast.Load()), [read, node.value], [])
        return ast.copy_location(ast.Assign([node.target], value), node)


def _is_whole(value: Any) -> bool:
    """Whether Python 2's `/` rounds quotients of this value and other whole numbers down."""
    if isinstance(value, int | np.integer | Dimension):
        return True
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iu"
    return isinstance(value, Operand) and bool(value.as_graph_tensor().dtype.is_integer)


def divide(a: Any, b: Any) -> Any:
    """a / b of Python 2."""
    return a // b if _is_whole(a) and _is_whole(b) else a / b


def divide_in_place(a: Any, b: Any) -> Any:
    """The new value of `a` after `a /= b` of Python 2."""
    if _is_whole(a) and _is_whole(b):
        a //= b
    else:
        a /= b
    return a


def read_pickles() -> None:
    """Let `pickle` read the text of Python 2's pickles, for the rest of the process."""
    import functools
    import pickle

    pickle.load = functools.partial(pickle.load, encoding="latin1")
    pickle.loads = functools.partial(pickle.loads, encoding="latin1")
