"""Threads that wait inside native code, and share out the tasks of a kernel among themselves and the caller.

Python starts the threads, each in one native call that never returns, so a launch touches neither the interpreter nor
its lock. Tasks are numbered; whoever is free takes the next number. A task's result does not depend on who does it.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from typing import Any

from llvmlite import ir

from minigraph.backends.llvm.builder import I8, I32, I64, KERNEL, POINTER, VOID, at, function, index
from minigraph.backends.llvm.compiler import load

_MUTEX, _START, _DONE, _JOB = 0, 128, 256, 384  # byte offsets in the shared block
_SIZE = 1024
# i64 fields of the job: what runs, how many tasks, the next one, its number, whether it takes helpers, and how many
_KERNEL, _ARGUMENTS, _COUNT, _NEXT, _GENERATION, _OPEN, _ACTIVE, _BUSY = range(8)


class _Code:
    """The native functions of the team: `work(team, slot)` and `run(team, kernel, arguments, count)`."""

    def __init__(self) -> None:
        self.module = ir.Module()
        self._write_drain()
        self._write_work()
        self._write_run()

    def _start(self, name: str) -> Any:
        made = ir.Function(self.module, ir.FunctionType(VOID, [POINTER, I64]), name)
        self.b = ir.IRBuilder(made.append_basic_block())
        self.team, self.slot = made.args
        return made

    def _field(self, number: int) -> Any:
        return at(self.b, self.team, index(_JOB + 8 * number), I8)

    def _get(self, number: int) -> Any:
        return self.b.load(self._field(number), typ=I64)

    def _set(self, number: int, value: Any) -> None:
        self.b.store(value, self._field(number))

    def _call(self, name: str, *offsets: int) -> None:
        parts = [at(self.b, self.team, index(o), I8) for o in offsets]
        self.b.call(function(self.b, name, I32, [POINTER] * len(parts)), parts)

    def _loop(self, condition: Any, body: Any) -> None:
        """`while condition(): body()`."""
        b = self.b
        head, inside, after = (b.append_basic_block() for _ in range(3))
        b.branch(head)
        b.position_at_end(head)
        b.cbranch(condition(), inside, after)
        b.position_at_end(inside)
        body()
        b.branch(head)
        b.position_at_end(after)

    def _write_drain(self) -> None:
        """Do tasks until there are none left."""
        self.drain = self._start("drain")
        b = self.b
        kernel = b.inttoptr(self._get(_KERNEL), KERNEL.as_pointer())
        arguments = b.inttoptr(self._get(_ARGUMENTS), POINTER)
        count = self._get(_COUNT)
        head, inside, after = (b.append_basic_block() for _ in range(3))
        b.branch(head)
        b.position_at_end(head)
        task = b.atomic_rmw("add", self._field(_NEXT), index(1), "seq_cst")
        b.cbranch(b.icmp_signed("<", task, count), inside, after)
        b.position_at_end(inside)
        b.call(kernel, [arguments, task, b.add(task, index(1)), self.slot])
        b.branch(head)
        b.position_at_end(after)
        b.ret_void()

    def _write_work(self) -> None:
        """What a thread does for ever: wait for a job that takes helpers, and help."""
        self._start("work")
        b = self.b
        seen = b.alloca(I64)
        b.store(index(0), seen)
        self._call("pthread_mutex_lock", _MUTEX)
        forever = b.append_basic_block()
        b.branch(forever)
        b.position_at_end(forever)

        def nothing_new() -> Any:
            old = b.icmp_signed("==", self._get(_GENERATION), b.load(seen, typ=I64))
            return b.or_(old, b.icmp_signed("==", self._get(_OPEN), index(0)))

        self._loop(nothing_new, lambda: self._call("pthread_cond_wait", _START, _MUTEX))
        b.store(self._get(_GENERATION), seen)
        self._set(_ACTIVE, b.add(self._get(_ACTIVE), index(1)))
        self._call("pthread_mutex_unlock", _MUTEX)
        b.call(self.drain, [self.team, self.slot])
        self._call("pthread_mutex_lock", _MUTEX)
        self._set(_ACTIVE, b.sub(self._get(_ACTIVE), index(1)))
        self._call("pthread_cond_signal", _DONE)
        b.branch(forever)

    def _write_run(self) -> None:
        """Do all tasks of a kernel, with helpers unless these work for somebody else."""
        made = ir.Function(self.module, ir.FunctionType(VOID, [POINTER, I64, I64, I64]), "run")
        b = self.b = ir.IRBuilder(made.append_basic_block())
        self.team, kernel, arguments, count = made.args
        self._call("pthread_mutex_lock", _MUTEX)
        alone, together = b.append_basic_block(), b.append_basic_block()
        b.cbranch(b.icmp_signed("!=", self._get(_BUSY), index(0)), alone, together)
        b.position_at_end(alone)
        self._call("pthread_mutex_unlock", _MUTEX)
        direct = b.inttoptr(kernel, KERNEL.as_pointer())
        b.call(direct, [b.inttoptr(arguments, POINTER), index(0), count, index(0)])
        b.ret_void()
        b.position_at_end(together)
        job = {_KERNEL: kernel, _ARGUMENTS: arguments, _COUNT: count, _NEXT: index(0), _OPEN: index(1)}
        for field, value in {**job, _BUSY: index(1)}.items():
            self._set(field, value)
        self._set(_GENERATION, b.add(self._get(_GENERATION), index(1)))
        self._call("pthread_cond_broadcast", _START)
        self._call("pthread_mutex_unlock", _MUTEX)
        b.call(self.drain, [self.team, index(0)])
        self._call("pthread_mutex_lock", _MUTEX)
        self._set(_OPEN, index(0))
        self._loop(
            lambda: b.icmp_signed(">", self._get(_ACTIVE), index(0)),
            lambda: self._call("pthread_cond_wait", _DONE, _MUTEX),
        )
        self._set(_BUSY, index(0))
        self._call("pthread_mutex_unlock", _MUTEX)
        b.ret_void()


RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
WORK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)


def thread_count() -> int:
    """OMP_NUM_THREADS where it is set to a number, else as many CPUs as this process may use."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return max(1, min(int(first), available)) if first.isdigit() else available


class Team:
    """The threads of this process, started on first use, and again in a child after a fork."""

    def __init__(self, size: int | None = None) -> None:
        self.size = (thread_count() if size is None else size) if sys.platform != "win32" else 1
        self._lock = threading.Lock()
        self._start_over()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_over)

    def _start_over(self) -> None:
        self._lock = threading.Lock()
        self.shared: Any = None

    def start(self) -> tuple[Any, Any]:
        """The native `run` and the block of memory that is its first argument."""
        with self._lock:
            if self.shared is None:
                run, work = load(_text(), "run", "work")
                libc = ctypes.CDLL(None)
                shared = ctypes.create_string_buffer(_SIZE)
                base = ctypes.addressof(shared)
                libc.pthread_mutex_init(ctypes.c_void_p(base + _MUTEX), None)
                libc.pthread_cond_init(ctypes.c_void_p(base + _START), None)
                libc.pthread_cond_init(ctypes.c_void_p(base + _DONE), None)
                self.run = RUN(run)
                worker = WORK(work)
                for slot in range(1, self.size):
                    threading.Thread(target=worker, args=(base, slot), daemon=True, name="minigraph-llvm").start()
                self.shared = shared
            return self.run, self.shared


def _text() -> str:
    return str(_Code().module)


TEAM = Team()
