"""From LLVM IR to the address of a native function on this CPU."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite.binding as llvm

from minigraph.core import scalar
from minigraph.core.errors import BackendError
from minigraph.util.locks import Lock
from minigraph.util.object_cache import objects


class Host(NamedTuple):
    """The CPU, its features in LLVM's notation, and the number of float32 lanes of a vector register."""

    cpu: str
    features: str
    lanes: int


@cache
def host() -> Host:
    """This machine's CPU."""
    found = llvm.get_host_cpu_features()
    features = found.flatten()
    if found.get("avx512f"):
        return Host(llvm.get_host_cpu_name(), features + ",-prefer-256-bit", 16)
    return Host(llvm.get_host_cpu_name(), features, 8 if found.get("avx") else 4)


@cache
def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, features, _ = host()
    return llvm.Target.from_default_triple().create_target_machine(cpu=cpu, features=features, opt=3, jit=True)


def require_host() -> None:
    """Check that LLVM has a code generator for this machine. Raises BackendError if not."""
    try:
        _machine()
    except RuntimeError as error:
        raise BackendError(f"the backend 'llvm' cannot generate code for this machine: {error}") from error


class LazyModule:
    """An IR module that is printed only if its code is neither loaded nor in the cache.

    key: a text that determines the module, given this version of the printer.
    """

    def __init__(self, key: str, make: Callable[[], str]) -> None:
        self.key = f"{key}\n{_printer()}"
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
    """What tells versions of the printer apart: names, sizes and times of its files."""
    files = [*Path(__file__).parent.glob("*.py"), Path(str(scalar.__file__))]
    found = sorted((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    return hashlib.sha256(repr(found).encode()).hexdigest()


class _Code:
    """The code loaded in this process, by IR. Code stays loaded, as a kernel may run until the process ends."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.engines: dict[str | LazyModule, Any] = {}


_CODE = _Code()


def load(text: str | LazyModule, *names: str) -> tuple[int, ...]:
    """The addresses of the functions `names` in the IR module `text`, which is compiled or taken from the cache."""
    with _CODE.lock:
        if text not in _CODE.engines:
            _CODE.engines[text] = _link(_object(text))
        return tuple(_CODE.engines[text].get_function_address(name) for name in names)


def _object(text: str | LazyModule) -> bytes:
    cpu, features, _ = host()
    content = text.key if isinstance(text, LazyModule) else text
    llvm_version = ".".join(map(str, llvm.llvm_version_info))
    key = "\n".join([version("minigraph"), version("llvmlite"), llvm_version, cpu, features, content])
    store = objects("llvm")
    found = store.get(key)
    if found is None:
        found = _compile(str(text))
        store.put(key, found)
    return found


def _compile(text: str) -> bytes:
    machine = _machine()
    module = llvm.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=2)
    options.slp_vectorization = options.loop_vectorization = options.loop_interleaving = False
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    content: bytes = machine.emit_object(module)
    return content


def _link(content: bytes) -> Any:
    _machine()
    empty = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(empty, _machine_for_engine())
    engine.add_object_file(llvm.ObjectFileRef.from_data(content))
    engine.finalize_object()
    return engine


def _machine_for_engine() -> Any:
    """A target machine. Each engine owns its machine, so each gets a new one."""
    cpu, features, _ = host()
    return llvm.Target.from_default_triple().create_target_machine(cpu=cpu, features=features, opt=3, jit=True)
