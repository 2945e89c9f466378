"""Tracebacks that show the user's lines only.

The innermost lines of an error that minigraph raises are minigraph's own, and say nothing to the user. Plain Python and
IPython leave them out when they show an error that nothing caught, unless the environment variable MINIGRAPH_INTERNALS
is 1. An exception that minigraph does not raise itself comes from a defect, and is shown in full.
"""

from __future__ import annotations

import dis
import opcode
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from types import TracebackType
from typing import Any

from minigraph.core.errors import InternalError, MinigraphError, VerificationError
from minigraph.core.provenance import is_internal

_RAISE = opcode.opmap["RAISE_VARARGS"]

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], Any]


def shows_internals() -> bool:
    """Whether the user asks for whole tracebacks."""
    return os.environ.get("MINIGRAPH_INTERNALS", "0") not in ("", "0")


def is_on_purpose(error: BaseException) -> bool:
    """Whether minigraph raises the error to tell the user something. All other exceptions within it are defects."""
    if isinstance(error, InternalError | VerificationError):
        return False
    if isinstance(error, MinigraphError):
        return True
    entries = list(_entries(error.__traceback__))
    if not entries:
        return False
    last = entries[-1]
    if not is_internal(_file(last)) or last.tb_frame.f_code.co_code[last.tb_lasti] != _RAISE:
        return False
    if isinstance(error, AssertionError):  # from `assert`, or raised with a message as TensorFlow does
        return not _is_assert(last)
    if isinstance(error, NotImplementedError):  # abstract methods give no message, or the name of their class
        return " " in str(error)
    return True


def starting_at(trace: TracebackType | None, file: str) -> TracebackType | None:
    """A traceback from the first frame of a file on; whole if it has none."""
    return next((entry for entry in _entries(trace) if _file(entry) == file), trace)


def trimmed(trace: TracebackType | None, first: str | None = None) -> TracebackType | None:
    """A traceback without minigraph's own frames, nor those of libraries that minigraph called.

    first: the file whose first frame begins the traceback, if it has one. The last frame stays if no other does.
    """
    entries = list(_entries(trace if first is None else starting_at(trace, first)))
    kept = []
    inside = False
    for entry in entries:
        file = _file(entry)
        inside = is_internal(file) or (inside and _is_library(file))
        if not inside and "<frozen importlib" not in file:
            kept.append(entry)
    made = None
    for entry in reversed(kept or entries[-1:]):
        made = TracebackType(made, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return made


def trim(error: BaseException, first: str | None = None) -> BaseException:
    """Trim the tracebacks of an error and of those that led to it, and drop causes that lie within minigraph.

    Returns:
        The error.
    """
    chain = [error]
    for part in chain:
        if part.__cause__ is not None:
            part.__cause__ = _users_own(part.__cause__)
        else:
            part.__context__ = _users_own(part.__context__)
        chain += [c for c in (part.__cause__, part.__context__) if c is not None and c not in chain]
    for part in chain:
        part.__traceback__ = trimmed(part.__traceback__, first)
    return error


def install() -> None:
    """Trim what plain Python and a running IPython show of errors that nothing catches."""
    sys.excepthook = trimming(sys.excepthook)
    ipython = sys.modules.get("IPython")
    shell = ipython and ipython.get_ipython()
    if shell and not shell.custom_exceptions:  # else the user has a handler of his own
        shell.set_custom_exc((Exception,), _show_in_ipython)


def trimming(hook: Hook) -> Hook:
    """A form of `sys.excepthook` that trims errors before `hook` gets them."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if is_on_purpose(error) and not shows_internals():
            trace = trim(error).__traceback__
        hook(kind, error, trace)

    return show


def _show_in_ipython(
    shell: Any, kind: type[BaseException], error: BaseException, trace: TracebackType, tb_offset: int | None = None
) -> None:
    if is_on_purpose(error) and not shows_internals():
        trim(error.with_traceback(trace.tb_next))  # without IPython's own frame
        shell.showtraceback((kind, error, error.__traceback__), tb_offset=0)
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)


def _entries(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _is_assert(entry: TracebackType) -> bool:
    """Whether a frame ended with an `assert`: its code loads AssertionError, but not as a global name."""
    done = [i for i in dis.get_instructions(entry.tb_frame.f_code) if i.offset < entry.tb_lasti]
    loads = [i.opname for i in done if i.opname == "LOAD_ASSERTION_ERROR" or "AssertionError" in i.argrepr]
    return bool(loads) and loads[-1] != "LOAD_GLOBAL"


def _file(entry: TracebackType) -> str:
    return entry.tb_frame.f_code.co_filename


@cache
def _libraries() -> tuple[str, ...]:
    from sysconfig import get_path

    return ("<frozen", *(get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")))


def _is_library(file: str) -> bool:
    return file.startswith(_libraries())


def _users_own(error: BaseException | None) -> BaseException | None:
    """The error, or the one that led to it, that comes from the user's code."""
    passed: list[BaseException] = []  # errors can lead to each other in a circle
    while error is not None and error not in passed:
        files = map(_file, _entries(error.__traceback__))
        if any(not is_internal(file) and not _is_library(file) for file in files):
            return error
        passed.append(error)
        error = error.__cause__ or error.__context__
    return None
