"""Programs for TensorFlow 1 as files, with their modules: read, and translated from Python 2 where asked for."""

from __future__ import annotations

import ast
import linecache
import sys
import tokenize
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import click

from minigraph.core.errors import MinigraphError
from minigraph.tools import python2
from minigraph.tools.notebook import notebook_source, without_magics


class ProgramError(MinigraphError, ValueError):
    """A program that cannot be read or is not written for Python 3."""


class Script:
    """A script or notebook, and the modules beside it.

    from_python2: whether to translate them from Python 2. note: whether to print what was dropped and translated.
    """

    def __init__(self, script: Path, from_python2: bool = False, note: bool = True) -> None:
        self.script = script
        self.from_python2 = from_python2
        self._note = note
        self.folder = script.resolve().parent
        self._before = {Path(entry).resolve() for entry in sys.path if entry} - {self.folder}

    def source(self) -> str:
        """The script for Python 3. ProgramError lists the lines that only Python 2 understands."""
        text = self._read(self.script)
        if self.script.suffix == ".ipynb":
            text = notebook_source(text, str(self.script))
        plain = without_magics(text)
        if plain.dropped and self._note:
            listed = "\n".join(f"  line {n}: {line}" for n, line in plain.dropped)
            click.echo(f"{self.script}: left out, as only IPython understands it:\n{listed}", err=True)
        return self._for_python3(plain.source, self.script, in_package=False)

    def compile(self, source: str, path: str) -> CodeType:
        """The code of a source for Python 3, which keeps Python 2's division if it was translated."""
        compiled: CodeType = (
            python2.compile_divisions(source, path)
            if self.from_python2
            else compile(source, path, "exec", dont_inherit=True)
        )
        return compiled

    def module_code(self, path: Path, in_package: bool) -> CodeType:
        """The code of a module of the program."""
        source = self._for_python3(self._read(path), path, in_package)
        remember_lines(source, str(path))
        return self.compile(source, str(path))

    def is_own(self, path: Path) -> bool:
        """Whether a module's file is of the program, rather than of Python or an installed package."""
        if "site-packages" in path.parts:
            return False
        added = {Path(entry).resolve() for entry in sys.path if entry} - self._before
        return any(path.is_relative_to(folder) for folder in {self.folder, *added})

    def own_modules(self, source: str) -> list[tuple[Path, str]]:
        """The files of the modules that the script imports, directly or not, with their sources for Python 3.

        source: the script's, as `source` gives it.
        """
        found: dict[Path, str] = {}
        waiting = [(self.script.resolve(), source)]
        while waiting:
            path, source = waiting.pop()
            for module in _imported(ast.parse(source), path.parent, self.folder):
                if module not in found and module != self.script.resolve():
                    in_package = (module.parent / "__init__.py").exists()
                    found[module] = self._for_python3(self._read(module), module, in_package)
                    waiting.append((module, found[module]))
        return sorted(found.items())

    def _read(self, path: Path) -> str:
        try:
            if path.suffix == ".ipynb":
                return path.read_text("utf-8")
            with tokenize.open(path) as file:
                return file.read()
        except (SyntaxError, UnicodeDecodeError) as error:
            raise ProgramError(f"{path}: {error}") from error

    def _for_python3(self, source: str, path: Path, in_package: bool) -> str:
        """The source, unchanged or translated. ProgramError lists the lines that are not valid in Python 3."""
        if not self.from_python2:
            lines = python2.find_lines(source)
            listed = "\n".join(f"  line {line.number}: {line.text}\n      {line.reason}" for line in lines)
            if lines and all(line.deferred for line in lines):
                if self._note:
                    click.echo(
                        f"{path} has functions that only Python 2 can run:\n{listed}\n"
                        "The program stops if it calls them; `minigraph run --from-python2` translates them.",
                        err=True,
                    )
            elif lines:
                raise ProgramError(
                    f"{path} is written for Python 2. These lines have to change:\n{listed}\n"
                    "`minigraph run --from-python2` does it for the run, and shows how. It also rounds quotients of "
                    "whole numbers down, as Python 2 does."
                )
            return source
        try:
            translated = python2.translate(source, str(path), in_package)
        except SyntaxError as error:
            raise ProgramError(f"{path}: {error}") from error
        changes = python2.difference(source, translated, str(path))
        if changes and self._note:
            click.echo(changes, err=True)
        return translated


class OwnModules(MetaPathFinder):
    """Finds the modules of a program, and has them translated like the program itself."""

    def __init__(self, program: Script) -> None:
        self._program = program

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] == "minigraph":
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is None or spec.origin is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        if not self._program.is_own(Path(spec.origin).resolve()):
            return None
        in_package = path is not None or spec.submodule_search_locations is not None
        spec.loader = _OwnLoader(fullname, spec.origin, self._program, in_package)
        return spec


class _OwnLoader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, program: Script, in_package: bool) -> None:
        super().__init__(fullname, path)
        self._program = program
        self._in_package = in_package

    def get_code(self, fullname: str) -> CodeType:
        return self._program.module_code(Path(self.path), self._in_package)


def remember_lines(source: str, path: str) -> None:
    """Let tracebacks show the lines that run, not those of the file."""
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)


def _imported(tree: ast.AST, folder: Path, top: Path) -> list[Path]:
    """The files of modules in `folder`, for relative imports, or in `top`, that a syntax tree imports."""
    files = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            files += [_file_of(top, alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = top
            if node.level:
                base = folder.joinpath(*[".."] * (node.level - 1)).resolve()
            parts = node.module.split(".") if node.module else []
            files += [_file_of(base, parts)] if parts else []
            files += [_file_of(base, [*parts, alias.name]) for alias in node.names]
    return [file for file in dict.fromkeys(files) if file is not None]


def _file_of(base: Path, parts: list[str]) -> Path | None:
    path = base.joinpath(*parts)
    choices: list[Any] = [path.with_name(f"{path.name}.py"), path / "__init__.py"]
    return next((choice for choice in choices if choice.is_file()), None)
