"""NVRTC by ctypes: compiles CUDA C, without a GPU."""

from __future__ import annotations

import ctypes
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILE = "plan.cu"  # the source's name in the compiler's messages


class CompileError(Exception):
    """An error whose message is the compiler's log."""


def find() -> Any:
    """The library, or None if it is missing."""
    try:
        from cuda import pathfinder

        return ctypes.CDLL(pathfinder.load_nvidia_dynamic_lib("nvrtc").abs_path)
    except (ImportError, RuntimeError, OSError):
        return _find_wheel()


def _find_wheel() -> Any:
    """The library in the wheel nvidia-cuda-nvrtc, without the package that knows its path."""
    spec = importlib.util.find_spec("nvidia")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("**/libnvrtc.so.*")):
            for part in path.parent.glob("libnvrtc-builtins.so.*"):
                ctypes.CDLL(str(part), ctypes.RTLD_GLOBAL)  # NVRTC looks for it by name only
            return ctypes.CDLL(str(path))
    return None


def version(library: Any) -> tuple[int, int]:
    major, minor = ctypes.c_int(), ctypes.c_int()
    _check(library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)))
    return major.value, minor.value


def compile(library: Any, source: str, architecture: str, options: Sequence[str]) -> bytes:
    """The machine code. Raises CompileError if the source has an error."""
    return compile_with_log(library, source, architecture, options)[0]


def compile_with_log(library: Any, source: str, architecture: str, options: Sequence[str]) -> tuple[bytes, str]:
    """The machine code and the compiler's log. Raises CompileError if the source has an error."""
    program = ctypes.c_void_p()
    _check(library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), FILE.encode(), 0, None, None))
    try:
        given = [f"--gpu-architecture={architecture}".encode(), *(o.encode() for o in options)]
        status = library.nvrtcCompileProgram(program, len(given), (ctypes.c_char_p * len(given))(*given))
        log = _text(library, program, "ProgramLog").rstrip(b"\0").decode()
        if status:
            raise CompileError(log)
        return _text(library, program, "CUBIN"), log
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
