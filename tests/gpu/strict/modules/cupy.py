"""The stand-in's `cupy` for child processes of tests. A process that breaks a rule ends with 70."""

from __future__ import annotations

import atexit
import os
import sys

import pytest
from gpu.strict.installed import install
from gpu.strict.machine import Machine

_MACHINE = Machine(devices=2)


def _tell() -> None:
    if _MACHINE.violations:
        print("\n".join(["rules of CUDA were broken:", *_MACHINE.violations]), file=sys.stderr, flush=True)
        os._exit(70)


atexit.register(_tell)
install(pytest.MonkeyPatch(), _MACHINE)
