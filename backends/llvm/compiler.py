"""From LLVM IR to the address of a native function on this CPU."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import llvmlite.binding as llvm

from minigraph import core
from minigraph.backends.llvm import codegen
from minigraph.backends.llvm.compile_pool import CompilePool, processes
from minigraph.core.errors import BackendError
from minigraph.util.locks import Lock
from minigraph.util.object_cache import objects


class Host(NamedTuple):
    """The CPU, its features in LLVM's notation, and the number of float32 lanes of a vector register.

    halves: whether it converts float16; LLVM would call functions for it that are not there.
    """

    cpu: str
    features: str
    lanes: int
    halves: bool


VARIABLE = "MINIGRAPH_CPU"
# The levels of the x86-64 psABI, with what LLVM calls the features that tell them apart, and the lanes of float32.
LEVELS = {
    "x86-64-v2": (("sse4.2", "popcnt"), "", 4),
    "x86-64-v3": (("avx2", "fma", "bmi2", "f16c"), "", 8),
    "x86-64-v4": (("avx512f", "avx512bw", "avx512dq", "avx512vl"), "-prefer-256-bit", 16),
}


@cache
def host() -> Host:
    """The CPU that code is generated for: this machine's, or the level that MINIGRAPH_CPU names. BackendError."""
    found = llvm.get_host_cpu_features()
    said = os.environ.get(VARIABLE, "native")
    if said != "native":
        if said not in LEVELS:
            raise BackendError(f"{VARIABLE} must be native or one of {', '.join(LEVELS)}, not {said!r}")
        needed, features, lanes = LEVELS[said]
        if lacking := [name for name in needed if not found.get(name)]:
            raise BackendError(f"{VARIABLE}={said}: this CPU lacks {', '.join(lacking)}")
        return Host(said, features, lanes, lanes > 4)
    features = found.flatten()
    halves = bool(found.get("f16c", not found.get("sse2")))  # ARM's processors do
    if found.get("avx512f"):
        return Host(llvm.get_host_cpu_name(), features + ",-prefer-256-bit", 16, halves)
    return Host(llvm.get_host_cpu_name(), features, 8 if found.get("avx") else 4, halves)


def require_host() -> None:
    """Check that LLVM has a code generator for this machine. Raises BackendError if not."""
    try:
        codegen.machine(*host()[:2])
    except RuntimeError as error:
        raise BackendError(f"the backend 'llvm' cannot generate code for this machine: {error}") from error


class LazyModule:
    """An IR module that is printed only if its code is neither loaded nor in the cache.

    key: a text that determines the module, given this version of the printer. needs: the functions that it takes from
    other modules, as names with these modules.
    """

    def __init__(self, key: str, make: Callable[[], str], needs: Sequence[tuple[str, LazyModule]] = ()) -> None:
        self.key = f"{key}\n{_printer()}"
        self.needs = dict(needs)
        self._make = make
        self._hash = hash(self.key)

    def __str__(self) -> str:
        return self._make()

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LazyModule) and self.key == other.key


@cache
def _printer() -> str:
    """What tells versions of the printer apart: sizes and times of its files, and of those whose rules it prints."""
    folders = (Path(__file__).parent, *(Path(core.__file__).parents[1] / name for name in ("core", "loops", "ops")))
    files = sorted(path for folder in folders for path in folder.rglob("*.py"))
    found = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(found).encode()).hexdigest()


class _Code:
    """The code loaded in this process, by IR. It stays loaded while a launch holds it, and some of it longer."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.engines: WeakValueDictionary[str | LazyModule, Any] = WeakValueDictionary()
        self.recent: deque[Any] = deque(maxlen=RECENT)


RECENT = 512  # modules that were loaded last: another session, or a plan that is made again, need not load them
_CODE = _Code()
_POOL = CompilePool(lambda key, content: objects("llvm").put(key, content))


def load(text: str | LazyModule) -> Any:
    """The code of an IR module, which is compiled or taken from the cache.

    `get_function_address(name)` of it gives addresses, which are valid as long as the caller holds the code.
    """
    code = _CODE.engines.get(text)
    if code is None:
        content = _object(text)
        needed = {name: load(module) for name, module in needs(text).items()}
        with _CODE.lock:
            code = _CODE.engines.get(text)
            if code is None:
                for name, other in needed.items():
                    llvm.add_symbol(name, other.get_function_address(name))
                code = _CODE.engines[text] = _link(content)
                code.needed = needed  # they stay loaded as long as this
                _CODE.recent.append(code)
    return code


def needs(text: str | LazyModule) -> dict[str, LazyModule]:
    """The modules from which a module takes functions, by the functions' names."""
    return text.needs if isinstance(text, LazyModule) else {}


def with_needs(modules: Iterable[str | LazyModule]) -> list[str | LazyModule]:
    """The modules and all that they need, each module once and behind those that it needs."""
    found: dict[str | LazyModule, None] = {}
    for module in modules:
        found |= dict.fromkeys((*with_needs(needs(module).values()), module))
    return list(found)


def assembly_code(text: str) -> str:
    """The assembly of an IR module on this CPU."""
    return codegen.assembly(text, *host()[:2])


def compile_ahead(modules: Iterable[str | LazyModule]) -> None:
    """Start to compile the modules that are neither loaded nor in the cache."""
    if processes() == 1:
        return
    for text in with_needs(modules):
        if text not in _CODE.engines and (key := _key(text)) not in objects("llvm") and not _POOL.knows(key):
            _POOL.submit(key, _job(text))


def _object(text: str | LazyModule) -> bytes:
    key = _key(text)
    found = None if _POOL.knows(key) else objects("llvm").get(key)
    return _POOL.take(key, lambda: _job(text)) if found is None else found


def _job(text: str | LazyModule) -> tuple[str, str, str]:
    return (str(text), *host()[:2])


def _key(text: str | LazyModule) -> str:
    """The key of a module's object file in the cache."""
    return "\n".join([*_versions(), *host()[:2], text.key if isinstance(text, LazyModule) else text])


@cache
def _versions() -> tuple[str, ...]:
    return version("minigraph"), version("llvmlite"), ".".join(map(str, llvm.llvm_version_info))


def _link(content: bytes) -> Any:
    cpu, features = host()[:2]
    codegen.machine(cpu, features)
    empty = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(empty, codegen.new_machine(cpu, features))
    engine.add_object_file(llvm.ObjectFileRef.from_data(content))
    engine.finalize_object()
    return engine
