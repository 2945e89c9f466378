"""The stand-in's `cupy` for child processes of tests. A process that breaks a rule ends with 70."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from functools import cache
from typing import Any

import pytest
from gpu.strict.installed import install
from gpu.strict.machine import Machine

_MACHINE = Machine(devices=2)
LAG = 0.02  # seconds after which a GPU works on by itself, if nothing waits for it


def _tell() -> None:
    if _MACHINE.violations:
        print("\n".join(["rules of CUDA were broken:", *_MACHINE.violations]), file=sys.stderr, flush=True)
        os._exit(70)


@cache
def _ranks() -> Any:
    """The communicator of all ranks. From its making on the GPU works beside the program, which may wait for others."""
    from mpi4py import MPI

    threading.Thread(target=_work, daemon=True).start()
    return MPI.COMM_WORLD.Dup()


def _work() -> None:
    while not _MACHINE.violations:
        time.sleep(LAG)
        with _MACHINE.lock:
            for queue in list(_MACHINE.queues.values()):
                _MACHINE.advance(queue)


atexit.register(_tell)
install(pytest.MonkeyPatch(), _MACHINE, lambda value: _ranks().allgather(value))
