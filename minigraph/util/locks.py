"""Locks that a child process can take after a fork.

A child has only the thread that forked. A plain lock that another thread held stays taken in the child for ever, and
what it guards is half changed. So a fork first waits until it has all locks of this module, for at most PATIENCE
seconds. The child then finds them free and what they guard whole. Native code that a thread runs under such a lock has
ended as well, so its own locks are free, too.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from weakref import WeakSet, ref

PATIENCE = 10.0  # seconds that a fork waits for a lock
YIELD = 1.0  # seconds that a thread at most waits before it takes a polite lock, while a fork waits for locks


class TornError(RuntimeError):
    """The lock was held by another thread of the parent process for longer than a fork waits."""


class Lock:
    """A reentrant lock.

    torn: what to tell a child that asks for the lock if the parent forked although another thread held it, and so what
        the lock guards may be half changed; None if that does no harm. The child then gets a free lock.
    polite: whether a thread that holds no other lock lets a waiting fork pass before it takes this one. For locks that
        a thread holds for long, again and again. Not for locks taken on behalf of another thread, which holds a lock
        and waits.
    """

    def __init__(self, torn: str | None = None, polite: bool = False) -> None:
        self._polite = polite
        self._lock = threading.RLock()
        self._torn = torn
        self.is_torn = False
        _FORKS.add(self)
        if polite:
            _FORKS.come_first()

    def __enter__(self) -> None:
        if self._polite and _FORKS.pending is not None:
            _FORKS.let_pass()
        self._lock.acquire()
        if self.is_torn:
            self._lock.release()
            raise TornError(self._torn)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Let other threads have the lock during a `with` block, however often the calling thread has taken it."""
        state = self._lock._release_save()  # type: ignore[attr-defined]
        try:
            yield
        finally:
            self._lock._acquire_restore(state)  # type: ignore[attr-defined]

    def acquire(self, seconds: float) -> bool:
        """Take the lock if it becomes free within some seconds; returns whether it did."""
        return self._lock.acquire(timeout=seconds)

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def is_mine(self) -> bool:
        """Whether the calling thread holds the lock."""
        return self._lock._is_owned()  # type: ignore[attr-defined,no-any-return]

    def renew(self) -> None:
        """Free the lock in a child whose parent's other thread held it."""
        self._lock = threading.RLock()
        self.is_torn = self._torn is not None


class Renewed:
    """Base class of objects with threads or processes of their own, which a forked child starts anew without them."""

    def __init__(self) -> None:
        self.renew()
        if hasattr(os, "register_at_fork"):
            itself = ref(self)  # the registration is for ever

            def in_child() -> None:
                if (found := itself()) is not None:
                    found.renew()

            os.register_at_fork(after_in_child=in_child)

    def renew(self) -> None:
        """Be as new, in a child or at first. What overrides this calls it."""
        self.changed = threading.Condition()


class Condition(Renewed):
    """A condition variable that is free in a forked child."""

    def __enter__(self) -> None:
        self.changed.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.changed.release()

    def wait(self, seconds: float) -> bool:
        """Give the condition away until it is notified, for some seconds at most; whether it was."""
        return self.changed.wait(seconds)

    def notify_all(self) -> None:
        """Wake all threads that wait."""
        self.changed.notify_all()


class _Forks:
    """All locks, and what a fork does with them.

    pending: set when a fork that waits for locks has been made.
    """

    def __init__(self) -> None:
        self.pending: threading.Event | None = None
        self._locks: WeakSet[Lock] = WeakSet()
        self._taken: list[Lock] = []
        self._missed: list[Lock] = []
        self._is_first = False
        self._forker: int | None = None  # the thread that forks
        self._renew()

    def register(self) -> None:
        """Be called at forks."""
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self.before, after_in_parent=self.in_parent, after_in_child=self.in_child)

    def come_first(self) -> None:
        """Be called before these modules of Python's, which also take locks for a fork, the last one registered first.

        A thread that holds a lock of ours may need one of theirs before it gives ours back.
        """
        if not self._is_first:
            self._is_first = True
            importlib.import_module("logging")
            importlib.import_module("concurrent.futures.thread")
            self.register()

    def _renew(self) -> None:
        self._adding = threading.Lock()
        self._one = threading.RLock()  # one fork at a time

    def add(self, lock: Lock) -> None:
        with self._adding:
            self._locks.add(lock)

    def let_pass(self) -> None:
        """Wait for a pending fork, but not if it waits for this thread."""
        pending = self.pending
        if pending is None or self._one._is_owned():  # type: ignore[attr-defined]
            return
        with self._adding:
            locks = list(self._locks)
        if not any(lock.is_mine() for lock in locks):
            pending.wait(YIELD)

    def before(self) -> None:
        """Take all locks, or after some seconds all that are free. No lock is made until the fork is done."""
        if self._forker == threading.get_ident():  # called twice, as registered twice
            return
        self._one.acquire()
        self._forker = threading.get_ident()
        self.pending = threading.Event()
        end = time.monotonic() + PATIENCE
        while True:
            self._adding.acquire()
            self._missed = [lock for lock in list(self._locks) if not self._take(lock)]
            rest = end - time.monotonic()
            if not self._missed or rest <= 0:
                return
            # Wait with empty hands: the thread that has a lock may need another one before it gives it back.
            self._give_back()
            self._adding.release()
            if self._missed[0].acquire(rest):
                self._missed[0].release()

    def _take(self, lock: Lock) -> bool:
        if lock.acquire(0):
            self._taken.append(lock)
            return True
        return False

    def _give_back(self) -> None:
        while self._taken:
            self._taken.pop().release()

    def in_parent(self) -> None:
        if self._forker != threading.get_ident():
            return
        self._forker = None
        self._missed = []
        self._give_back()
        self._adding.release()
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.set()
        self._one.release()

    def in_child(self) -> None:
        if self._forker != threading.get_ident():
            return
        self._forker = None
        self._renew()
        self.pending = None
        self._give_back()
        for lock in self._missed:
            lock.renew()
        self._missed = []


_FORKS = _Forks()
_FORKS.register()
