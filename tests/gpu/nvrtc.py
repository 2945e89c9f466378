"""NVRTC by ctypes: compiles CUDA C for a GPU that need not be there."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path
from typing import Any


def find() -> Any:
    """The library, or None where the wheel nvidia-cuda-nvrtc is not installed."""
    spec = importlib.util.find_spec("nvidia")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(folder).glob("**/libnvrtc.so.*")):
            for part in path.parent.glob("libnvrtc-builtins.so.*"):
                ctypes.CDLL(str(part), ctypes.RTLD_GLOBAL)  # which NVRTC looks for by name only
            return ctypes.CDLL(str(path))
    return None


def compile(library: Any, source: str, architecture: str, options: tuple[str, ...]) -> bytes:
    """The machine code. RuntimeError with the compiler's log where the source has a mistake."""
    program = ctypes.c_void_p()
    _check(library.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"plan.cu", 0, None, None))
    try:
        given = [f"--gpu-architecture={architecture}".encode(), *(o.encode() for o in options)]
        status = library.nvrtcCompileProgram(program, len(given), (ctypes.c_char_p * len(given))(*given))
        if status:
            raise RuntimeError(_text(library, program, "ProgramLog").decode())
        return _text(library, program, "CUBIN")
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
