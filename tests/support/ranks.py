"""Programs on several processes under mpiexec, with a time limit after which none of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from minigraph.core.errors import MissingPackageError
from minigraph.ops.collective.launch import find_mpiexec, mpiexec_environment

PRELUDE = """
import numpy as np
import minigraph as tf
import minigraph.distributed as hvd
hvd.init(timeout=20)
rank, size = hvd.rank(), hvd.size()
"""


class Ended(NamedTuple):
    """The end of a command and what it printed."""

    code: int
    out: str
    err: str


def run_limited(command: Sequence[str], limit: float, cwd: Path | None = None, **env: str) -> Ended:
    """Run a command in a session of its own; after `limit` seconds all its processes are killed and the test fails."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "1", **env},
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        pytest.fail(f"not done after {limit} s: {' '.join(command)}\n{out}\n{err}")
    return Ended(process.returncode, out, err)


def mpiexec(count: int, command: Sequence[str], limit: float = 60, cwd: Path | None = None, **env: str) -> Ended:
    """Run a command on `count` processes. Skips the test if there is no MPI."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    try:
        path = find_mpiexec()
    except MissingPackageError as error:
        pytest.skip(str(error))
    return run_limited([path, "-n", str(count), *command], limit, cwd, **mpiexec_environment(), **env)


def run_ranks(program: str, count: int = 2, limit: float = 60, **env: str) -> list[str]:
    """Run a program on `count` ranks and return the lines that they print, sorted.

    It may use tf, hvd, np, rank and size.
    """
    done = mpiexec(count, [sys.executable, "-c", PRELUDE + program], limit, **env)
    assert done.code == 0, done.err
    return sorted(done.out.splitlines())


def values_of(program: Mapping[str, str], count: int = 2) -> dict[str, list[str]]:
    """For expressions by name, the texts that they give on each rank."""
    lines = "".join(f"print({name!r}, rank, {text}, sep='|', flush=True)\n" for name, text in program.items())
    found: dict[str, list[str]] = {}
    for line in run_ranks(lines, count):
        name, _, value = line.split("|", 2)
        found.setdefault(name, []).append(value)
    return found
