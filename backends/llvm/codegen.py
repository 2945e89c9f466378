"""From LLVM IR to an object file.

This file is also a program, which the compile pool starts: it reads requests from its standard input until that ends.
It imports nothing but llvmlite, so that it starts quickly.
"""

from __future__ import annotations

import pickle
import signal
import sys
from contextlib import suppress
from functools import cache
from typing import Any

import llvmlite.binding as llvm

# What kernels need that are printed with their loops in order and unrolled: values out of memory, one copy of equal
# ones, nothing dead. Against -O2 it takes less than half of the time, and the code is as fast (docs/performance.md).
PASSES = (
    "sroa",
    "simplify_cfg",
    "instruction_combine",
    "loop_simplify",
    "loop_rotate",
    "new_gvn",
    "instruction_combine",
    "simplify_cfg",
    "dead_store_elimination",
)


@cache
def machine(cpu: str, features: str) -> Any:
    """The code generator for a CPU."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return new_machine(cpu, features)


def new_machine(cpu: str, features: str) -> Any:
    """A code generator of its own, for an engine that will own it."""
    return llvm.Target.from_default_triple().create_target_machine(cpu=cpu, features=features, opt=3, jit=True)


def object_code(text: str, cpu: str, features: str) -> bytes:
    """The object file of an IR module. Raises RuntimeError for a text that is no valid IR."""
    content: bytes = machine(cpu, features).emit_object(_optimised(text, cpu, features))
    return content


def assembly(text: str, cpu: str, features: str) -> str:
    """The assembly of an IR module, which is the code of its object file."""
    code: str = machine(cpu, features).emit_assembly(_optimised(text, cpu, features))
    return code


def _optimised(text: str, cpu: str, features: str) -> Any:
    target = machine(cpu, features)
    module = llvm.parse_assembly(text)
    module.triple = target.triple
    module.data_layout = str(target.target_data)
    module.verify()
    passes = llvm.create_new_module_pass_manager()
    for name in PASSES:
        getattr(passes, f"add_{name}_pass")()
    passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options()))
    return module


def serve() -> None:
    """Answer requests, each the arguments of `object_code`, with its result; None if it raises."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, whose end closes the standard input
    with suppress(EOFError, BrokenPipeError):
        while True:
            request: tuple[str, str, str] = pickle.load(sys.stdin.buffer)
            try:
                content = object_code(*request)
            except RuntimeError:
                content = None
            pickle.dump(content, sys.stdout.buffer)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    serve()
