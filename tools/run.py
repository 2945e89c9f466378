"""The subcommand `run`: runs unchanged TensorFlow 1 programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import click

from minigraph.core.errors import MinigraphError
from minigraph.tools.shared.options import backend_option


class ProgramError(MinigraphError, ValueError):
    """A program that cannot be read or is not written for Python 3."""


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("script", type=click.Path(path_type=Path))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option("--check", is_flag=True, help="List the TensorFlow names that SCRIPT uses, without running it.")
@click.option("--from-python2", is_flag=True, help="Translate a Python 2 program, and show the changes.")
@click.option("--internals", is_flag=True, help="Include minigraph's own lines in tracebacks.")
@backend_option
def run(
    script: Path, args: tuple[str, ...], check: bool, from_python2: bool, internals: bool, backend: str | None
) -> None:
    """Run a program written for TensorFlow 1.

    In its process, `import tensorflow` imports minigraph. ARGS are passed to the program; options of this command must
    precede SCRIPT.
    """
    source = _read(script)
    source = _for_python3(source, script, from_python2)
    if check:
        raise SystemExit(_check(source, script))
    _execute(source, script, args, backend, internals)


def _read(script: Path) -> str:
    import tokenize

    try:
        with tokenize.open(script) as file:
            return file.read()
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ProgramError(f"{script}: {error}") from error


def _for_python3(source: str, script: Path, translate: bool) -> str:
    """The program, unchanged or translated. ProgramError lists the lines that are not valid in Python 3."""
    from minigraph.tools import python2

    lines = python2.find_lines(source)
    if not lines:
        return source
    if not translate:
        listed = "\n".join(f"  line {n}: {text}\n      {reason}" for n, text, reason in lines)
        raise ProgramError(
            f"{script} is written for Python 2. These lines have to change:\n{listed}\n"
            "`minigraph run --from-python2` does it for the run, and shows how."
        )
    try:
        translated = python2.translate(source)
    except SyntaxError as error:
        raise ProgramError(f"{script}: {error}") from error
    click.echo(python2.difference(source, translated, str(script)), err=True)
    return translated


def _check(source: str, script: Path) -> int:
    """Print the table; 1 if something is missing."""
    import sys

    from rich.console import Console
    from rich.table import Table

    from minigraph.tools.symbols import used_symbols

    symbols = used_symbols(source, str(script))
    table = Table("symbol", "lines", "", "closest")
    for symbol in symbols:
        state = "" if symbol.present else "missing"
        near = f"tf.{symbol.closest}" if symbol.closest else ""
        table.add_row(f"tf.{symbol.path}", ", ".join(map(str, symbol.lines)), state or "there", near)
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140).print(table)
    missing = [s for s in symbols if not s.present]
    click.echo(f"{len(symbols)} symbols, {len(missing)} missing")
    return int(bool(missing))


def _execute(source: str, script: Path, args: tuple[str, ...], backend: str | None, internals: bool) -> None:
    """Run the program as `python script args` would, with tensorflow replaced."""
    import linecache
    import os
    import sys
    from types import ModuleType

    from minigraph import tf1
    from minigraph.backend.discovery import get_backend

    if backend is not None:
        os.environ["MINIGRAPH_BACKEND"] = get_backend(backend).name
    tf1.install()
    path = str(script)
    main = ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=__builtins__)
    sys.modules["__main__"] = main
    sys.argv = [path, *args]
    sys.path.insert(0, str(script.resolve().parent))
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    try:
        exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        _fail(error, path, internals)


def _fail(error: BaseException, path: str, internals: bool) -> NoReturn:
    """Print the traceback from the program's first line on, and exit with 1."""
    import sys
    import traceback

    import minigraph

    own = f"{Path(minigraph.__file__).parent}/"

    def is_internal(frame: Any) -> bool:
        return frame.filename.startswith(own) or "importlib" in frame.filename

    told = traceback.TracebackException.from_exception(error)
    chain: list[Any] = [told]
    while chain:
        part = chain.pop()
        frames = list(part.stack)
        start = next((i for i, f in enumerate(frames) if f.filename == path), 0)
        kept = [f for f in frames[start:] if internals or not is_internal(f)]
        part.stack = traceback.StackSummary.from_list(kept or frames[-1:])
        if not internals and part.__cause__ is not None and isinstance(error, MinigraphError):
            part.__cause__ = None
        chain += [p for p in (part.__cause__, part.__context__) if p is not None]
    print("".join(told.format()), end="", file=sys.stderr)
    raise SystemExit(1)
