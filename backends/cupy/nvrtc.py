"""NVRTC by ctypes: compiles CUDA C, without a GPU."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from minigraph.backends.cupy.libraries import MissingLibrary, load

FILE = "plan.cu"  # the source's name in the compiler's messages


class CompileError(Exception):
    """An error whose message is the compiler's log."""


def find(major: int | None = None) -> Any:
    """The library, or None if it is missing. major: the version of CUDA that it must be for."""
    try:
        return load("nvrtc", major)
    except MissingLibrary:
        return None


def version(library: Any) -> tuple[int, int]:
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check(library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return major.value, minor.value


def architectures(library: Any) -> list[int]:
    """The architectures that it compiles for, such as 90, sorted."""
    count = ctypes.c_int()
    _check(library.nvrtcGetNumSupportedArchs(ctypes.byref(count)))
    found = (ctypes.c_int * count.value)()
    _check(library.nvrtcGetSupportedArchs(found))
    return sorted(found)


def compile(library: Any, source: str, architecture: str, options: Sequence[str]) -> bytes:
    """The machine code; for an architecture such as compute_90 PTX, which the driver translates. Raises CompileError if
    the source has an error."""
    return compile_with_log(library, source, architecture, options)[0]


def compile_with_log(library: Any, source: str, architecture: str, options: Sequence[str]) -> tuple[bytes, str]:
    """What `compile` returns, and the compiler's log. Raises CompileError if the source has an error."""
    program = ctypes.c_void_p()
    _check(library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), FILE.encode(), 0, None, None))
    try:
        given = [f"--gpu-architecture={architecture}".encode(), *(o.encode() for o in options)]
        status = library.nvrtcCompileProgram(program, len(given), (ctypes.c_char_p * len(given))(*given))
        log = _text(library, program, "ProgramLog").rstrip(b"\0").decode()
        if status:
            raise CompileError(log)
        return _text(library, program, "PTX" if architecture.startswith("compute") else "CUBIN"), log
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def _text(library: Any, program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    _check(getattr(library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    text = ctypes.create_string_buffer(size.value)
    _check(getattr(library, f"nvrtcGet{what}")(program, text))
    return text.raw


def _check(status: int) -> None:
    if status:
        raise RuntimeError(f"NVRTC failed with status {status}")
