"""The subcommand `run`: runs unchanged TensorFlow 1 programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from minigraph.tools.shared.options import backend_option, tell_backend

if TYPE_CHECKING:
    from minigraph.tools.program import Script


@click.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("script", type=click.Path(path_type=Path))
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@click.option("--check", is_flag=True, help="List the TensorFlow names that SCRIPT uses, without running it.")
@click.option("--from-python2", is_flag=True, help="Translate a Python 2 program, and show the changes.")
@click.option("--from-tf0", is_flag=True, help="Accept names and orders of arguments from before TensorFlow 1.0.")
@click.option("--internals", is_flag=True, help="Include minigraph's own lines in tracebacks.")
@backend_option
def run(
    script: Path,
    args: tuple[str, ...],
    check: bool,
    from_python2: bool,
    from_tf0: bool,
    internals: bool,
    backend: str | None,
) -> None:
    """Run a program written for TensorFlow 1.

    In its process, `import tensorflow` imports minigraph. ARGS are passed to the program; options of this command must
    precede SCRIPT, which may be a notebook.
    """
    from minigraph.tools.program import Script

    program = Script(script, from_python2, note=not check)
    if from_tf0:
        from minigraph.tf1.before_1_0 import install

        install()
    if check:
        raise SystemExit(_check(program))
    _execute(program, args, backend, internals)


def _check(program: Script) -> int:
    """Print the table; 1 if something is missing."""

    from rich.table import Table

    from minigraph.tools.symbols import used_symbols
    from minigraph.util.terminal import console

    total = missing = 0
    main = program.source()
    own = program.own_modules(main)
    for path, source in [(program.script, main), *own]:
        symbols = used_symbols(source, str(path))
        if not symbols and path != program.script:
            continue
        table = Table("symbol", "lines", "", "closest", title=str(path) if own else None)
        for symbol in symbols:
            state = "" if symbol.present else "missing"
            near = f"tf.{symbol.closest}" if symbol.closest else ""
            table.add_row(f"tf.{symbol.path}", ", ".join(map(str, symbol.lines)), state or "there", near)
        console().print(table)
        total += len(symbols)
        missing += sum(not s.present for s in symbols)
    click.echo(f"{total} symbols, {missing} missing")
    return int(bool(missing))


def _execute(program: Script, args: tuple[str, ...], backend: str | None, internals: bool) -> None:
    """Run the program as `python script args` would, with tensorflow replaced."""
    import os
    import sys
    from types import ModuleType

    from minigraph import tf1
    from minigraph.backend.discovery import get_backend
    from minigraph.tools import environment, python2
    from minigraph.tools.notebook import Shell
    from minigraph.tools.program import OwnModules, remember_lines

    source, path = program.source(), str(program.script)
    if backend is not None:
        os.environ["MINIGRAPH_BACKEND"] = get_backend(backend).label
    tell_backend(None)
    tf1.install()
    environment.install(source)
    if program.from_python2:
        python2.read_pickles()
    sys.meta_path.insert(0, OwnModules(program))
    main = ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=__builtins__, get_ipython=Shell)
    sys.modules["__main__"] = main
    sys.argv = [path, *args]
    sys.path.insert(0, str(program.folder))
    remember_lines(source, path)
    try:
        exec(program.compile(source, path), main.__dict__)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        _fail(error, path, internals)


def _fail(error: BaseException, path: str, internals: bool) -> NoReturn:
    """Print the traceback from the program's first line on, and exit with 1. Defects keep minigraph's own lines."""
    import sys
    import traceback

    from minigraph.core.tracebacks import is_on_purpose, shows_internals, starting_at, trim
    from minigraph.ops.collective.world import WORLD

    if not internals and not shows_internals():
        if is_on_purpose(error):
            trim(error, path)
        else:
            error.__traceback__ = starting_at(error.__traceback__, path)
    told = "".join(traceback.format_exception(error))
    WORLD.fail(error, lambda prefix: print(f"{prefix}{told}", end="", file=sys.stderr))
