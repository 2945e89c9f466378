"""Threads that wait in native code and share the tasks of a kernel with the caller.

Python starts the threads, each in one native call that never returns, so a launch touches neither the interpreter nor
its lock. Tasks are numbered, and each thread has a part of the numbers; a thread that has done its own helps with the
others'. So the same rows of an image mostly stay in the same core's cache from one launch to the next. A task's result
does not depend on the thread that runs it.

A waiting thread polls for a millisecond or two, which bridges the gaps between the launches of a run and mostly those
between runs, and then sleeps. It yields between two polls, as it may occupy the CPU that another thread needs. A thread
counts itself as a sleeper before it looks a last time; a waker publishes its change before it reads the sleeper count.
So no wake-up is lost. The system sometimes wakes a helper on the caller's CPU and leaves it there for tens of
milliseconds, so a helper that finds itself there moves away.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from minigraph.backends.llvm.builder import at, function, index, loop
from minigraph.backends.llvm.compiler import LazyModule, load
from minigraph.backends.llvm.text import I8, I32, I64, POINTER, VOID, IRBuilder, IRFunction, IRModule
from minigraph.util.cores import core_count
from minigraph.util.lazy import lazy_property
from minigraph.util.locks import Lock

LOOKS = 5000  # polls before sleeping
_MUTEX, _START, _DONE, _JOB, _STATE, _NEXT = 0, 128, 256, 384, 512, 640  # byte offsets in the shared block
_APART = 128  # bytes between the counters of the threads' next tasks, from _NEXT on
# i64 fields of the job: function, arguments, number of tasks, whether a job runs, sleeping threads, sleeping caller,
# the caller's CPU, number of threads
_KERNEL, _ARGUMENTS, _COUNT, _BUSY, _SLEEPING, _WAITING, _CPU, _THREADS = (_JOB + 8 * i for i in range(8))
_HAS_AFFINITY = sys.platform == "linux"
_MASK = 1024  # bits of a set of CPUs
# The state in one number: threads that work on the job; whether it takes more; the job's number.
_ACTIVE, _OPEN, _NUMBER = (1 << 16) - 1, 1 << 16, 32


class _TeamCode:
    """The team's native functions.

    These are `work(team, slot)`, `run(team, kernel, arguments, count)` and `sequence(team, calls, count, 0)`. A call of
    a sequence is four numbers: kernel, arguments, number of tasks, whether the team shares them.
    """

    def __init__(self) -> None:
        self.module = IRModule()
        self._write_drain()
        self._write_leave()
        self._write_work()
        self._write_run()
        self._write_sequence()

    def _start(self, name: str, arguments: int = 1) -> Any:
        made = IRFunction(self.module, name, VOID, [POINTER] + [I64] * arguments)
        self.b = IRBuilder(made)
        self.team = made.args[0]
        return made

    def _field(self, offset: int) -> Any:
        return at(self.b, self.team, index(offset), I8)

    def _get(self, offset: int) -> Any:
        return self.b.load_atomic(self._field(offset), I64)

    def _set(self, offset: int, value: Any) -> None:
        self.b.atomic_rmw("xchg", self._field(offset), value)

    def _change(self, how: str, offset: int, value: int) -> Any:
        """Change a field atomically; returns the value before."""
        return self.b.atomic_rmw(how, self._field(offset), index(value))

    def _exchange(self, offset: int, old: Any, new: Any) -> Any:
        """Set the field to `new` if it is `old`, atomically; returns whether it was."""
        return self.b.cmpxchg(self._field(offset), old, new)

    def _call(self, name: str, *offsets: int) -> None:
        parts = [self._field(o) for o in offsets]
        self.b.call(function(self.b, name, I32, [POINTER] * len(parts)), parts)

    def _loop(self, condition: Callable[[], Any], body: Callable[[], None]) -> None:
        """Write `while condition(): body()`."""
        b = self.b
        head, inside, after = (b.append_basic_block() for _ in range(3))
        b.branch(head)
        b.position_at_end(head)
        b.cbranch(condition(), inside, after)
        b.position_at_end(inside)
        body()
        b.branch(head)
        b.position_at_end(after)

    def _wait(self, until: Callable[[], Any], sleeps: int, signal: int) -> None:
        """Poll, then sleep."""
        b = self.b
        b.store(index(LOOKS), self.looks)

        def is_early() -> Any:
            left = b.sub(b.load(self.looks, I64), index(1))
            b.store(left, self.looks)
            return b.and_(b.not_(until()), b.icmp_signed(">", left, index(0)))

        self._loop(is_early, partial(self._call, "sched_yield"))
        with b.if_then(b.not_(until())):
            self._call("pthread_mutex_lock", _MUTEX)
            self._change("add", sleeps, 1)
            self._loop(lambda: b.not_(until()), lambda: self._call("pthread_cond_wait", signal, _MUTEX))
            self._change("sub", sleeps, 1)
            self._call("pthread_mutex_unlock", _MUTEX)

    def _wake(self, sleeps: int, signal: int) -> None:
        """Wake the sleepers."""
        with self.b.if_then(self.b.icmp_signed(">", self._get(sleeps), index(0))):
            self._call("pthread_mutex_lock", _MUTEX)
            self._call("pthread_cond_broadcast", signal)
            self._call("pthread_mutex_unlock", _MUTEX)

    def _write_drain(self) -> None:
        """Write the function that runs tasks until none is left."""
        self.drain = self._start("drain")
        b, slot = self.b, self.drain.args[1]
        kernel = b.inttoptr(self._get(_KERNEL))
        arguments = b.inttoptr(self._get(_ARGUMENTS))
        count, threads = self._get(_COUNT), self._get(_THREADS)
        with loop(b, index(0), threads) as i:
            part = b.srem(b.add(slot, i), threads)
            low, high = (b.sdiv(b.mul(b.add(part, index(n)), count), threads) for n in (0, 1))
            size, counter = b.sub(high, low), self._counter(part)
            head, inside, after = (b.append_basic_block() for _ in range(3))
            b.branch(head)
            b.position_at_end(head)
            number = b.atomic_rmw("add", counter, index(1))
            b.cbranch(b.icmp_signed("<", number, size), inside, after)
            b.position_at_end(inside)
            task = b.add(low, number)
            b.call_at(kernel, [arguments, task, b.add(task, index(1)), slot])
            b.branch(head)
            b.position_at_end(after)
        b.ret_void()

    def _counter(self, part: Any) -> Any:
        """The number of the next task of a thread's part."""
        return at(self.b, self.team, self.b.add(index(_NEXT), self.b.mul(part, index(_APART))), I8)

    def _cpu(self) -> Any:
        """The number of the CPU that the thread runs on."""
        return self.b.zext(self.b.call(function(self.b, "sched_getcpu", I32, []), []), I64)

    def _write_leave(self) -> None:
        """Write the function by which a thread moves to another of the CPUs that it may use."""
        self.leave = self._start("leave", 1)
        b, cpu = self.b, self.leave.args[1]
        mask = b.alloca(I64, _MASK // 64)

        def call(name: str) -> Any:
            return b.call(function(b, name, I32, [I32, I64, POINTER]), [I32(0), index(_MASK // 8), mask])

        with b.if_then(b.icmp_signed("==", call("sched_getaffinity"), I32(0))):
            place = at(b, mask, b.lshr(cpu, index(6)), I64)
            word = b.load(place, I64)
            b.store(b.and_(word, b.not_(b.shl(index(1), b.and_(cpu, index(63))))), place)
            call("sched_setaffinity")  # which moves the thread, or fails if no CPU is left
            b.store(word, place)
            call("sched_setaffinity")
        b.ret_void()

    def _write_work(self) -> None:
        """Write a thread's endless loop: wait for a job that takes helpers, and help."""
        made = self._start("work")
        b = self.b
        seen, self.looks = b.alloca(I64), b.alloca(I64)
        b.store(index(0), seen)

        def is_new(state: Any) -> Any:
            other = b.icmp_signed("!=", b.lshr(state, index(_NUMBER)), b.load(seen, I64))
            return b.and_(other, b.icmp_signed("!=", b.and_(state, index(_OPEN)), index(0)))

        forever = b.append_basic_block()
        b.branch(forever)
        b.position_at_end(forever)
        self._wait(lambda: is_new(self._get(_STATE)), _SLEEPING, _START)
        if _HAS_AFFINITY:
            cpu = self._cpu()
            with b.if_then(b.icmp_signed("==", cpu, self._get(_CPU))):
                b.call(self.leave, [self.team, cpu])
        state = self._get(_STATE)
        with b.if_then(is_new(state)), b.if_then(self._exchange(_STATE, state, b.add(state, index(1)))):
            b.store(b.lshr(state, index(_NUMBER)), seen)
            b.call(self.drain, [self.team, made.args[1]])
            self._change("sub", _STATE, 1)
            self._wake(_WAITING, _DONE)
        b.branch(forever)

    def _write_run(self) -> None:
        """Write the function that runs all tasks of a kernel, with helpers unless these serve another caller."""
        self.run = self._start("run", 3)
        b = self.b
        _, kernel, arguments, count = self.run.args
        self.looks = b.alloca(I64)
        alone, together = b.append_basic_block(), b.append_basic_block()
        b.cbranch(self._exchange(_BUSY, index(0), index(1)), together, alone)
        b.position_at_end(alone)
        direct = b.inttoptr(kernel)
        b.call_at(direct, [b.inttoptr(arguments), index(0), count, index(0)])
        b.ret_void()
        b.position_at_end(together)
        for field, value in {_KERNEL: kernel, _ARGUMENTS: arguments, _COUNT: count}.items():
            self._set(field, value)
        with loop(b, index(0), self._get(_THREADS)) as part:
            b.atomic_rmw("xchg", self._counter(part), index(0))
        if _HAS_AFFINITY:
            self._set(_CPU, self._cpu())
        number = b.add(b.lshr(self._get(_STATE), index(_NUMBER)), index(1))
        self._set(_STATE, b.or_(b.shl(number, index(_NUMBER)), index(_OPEN)))
        self._wake(_SLEEPING, _START)
        b.call(self.drain, [self.team, index(0)])
        self._change("and", _STATE, ~_OPEN)

        def is_done() -> Any:
            return b.icmp_signed("==", b.and_(self._get(_STATE), index(_ACTIVE)), index(0))

        self._wait(is_done, _WAITING, _DONE)
        self._set(_BUSY, index(0))
        b.ret_void()

    def _write_sequence(self) -> None:
        """Write the function that makes several calls in order."""
        made = self._start("sequence", 3)
        b = self.b
        calls = b.inttoptr(made.args[1])
        with loop(b, index(0), made.args[2]) as i:
            places = [at(b, calls, b.add(b.mul(i, index(4)), index(n)), I64) for n in range(4)]
            kernel, arguments, count, shares = (b.load(p, I64) for p in places)
            with b.if_else(b.icmp_signed("!=", shares, index(0))) as (yes, no):
                with yes:
                    b.call(self.run, [self.team, kernel, arguments, count])
                with no:
                    direct = b.inttoptr(kernel)
                    b.call_at(direct, [b.inttoptr(arguments), index(0), count, index(0)])
        b.ret_void()


RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
WORK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)


def thread_count() -> int:
    """OMP_NUM_THREADS if it is set to a number, otherwise the number of CPUs that this process may use."""
    available = core_count()
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return max(1, min(int(first), available)) if first.isdigit() else available


class Team:
    """The threads of this process, started on first use, and again in a child process after a fork."""

    def __init__(self, size: int | None = None) -> None:
        self._fixed_size = size
        self._lock = Lock()
        self._start_over()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start_over)

    def _start_over(self) -> None:
        self.shared: Any = None

    @lazy_property
    def size(self) -> int:
        """The number of threads, the caller's among them: what is right when it is asked for first."""
        if sys.platform == "win32":
            return 1
        return thread_count() if self._fixed_size is None else self._fixed_size

    def start(self) -> Any:
        """Allocate the memory block that is the first argument of `run` and `sequence`, and start the threads."""
        with self._lock:
            if self.shared is None:
                self.code = load(team_code())  # held for ever, as the threads run it
                run, sequence, work = map(self.code.get_function_address, ("run", "sequence", "work"))
                libc = ctypes.CDLL(None)
                shared = ctypes.create_string_buffer(_NEXT + _APART * self.size)
                base = ctypes.addressof(shared)
                ctypes.c_int64.from_buffer(shared, _THREADS).value = self.size
                libc.pthread_mutex_init(ctypes.c_void_p(base + _MUTEX), None)
                libc.pthread_cond_init(ctypes.c_void_p(base + _START), None)
                libc.pthread_cond_init(ctypes.c_void_p(base + _DONE), None)
                self.run, self.sequence = RUN(run), RUN(sequence)
                worker = WORK(work)
                for slot in range(1, self.size):
                    threading.Thread(target=worker, args=(base, slot), daemon=True, name="minigraph-llvm").start()
                self.shared = shared
            return self.shared


@cache
def team_code() -> LazyModule:
    """The module with the team's functions."""
    return LazyModule("team", lambda: str(_TeamCode().module))


TEAM = Team()
