"""Commands on several processes: the part of each process, and the part of the one that starts them by mpiexec."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from minigraph.core.errors import BackendError
from minigraph.ops.collective.launch import find_mpiexec, launched, mpiexec_environment
from minigraph.ops.collective.world import WORLD
from minigraph.tools.shared.options import number
from minigraph.tools.shared.running import STOP
from minigraph.util.cores import core_count

Item = TypeVar("Item")
Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., Any])
STOPPED, WRONG_USE = 130, 2  # exit codes after which nothing is started again
_MAIN = "from minigraph.tools.cli import main; main(prog_name='minigraph')"
_OURS = ("--workers", "--restarts")


def workers_option(command: Command) -> Command:
    """--workers and --distributed."""
    workers = click.option(
        "--workers", type=number(whole=True, least=1), metavar="N", help="Run on N processes, which mpiexec starts."
    )
    distributed = click.option("--distributed", is_flag=True, help="Run as one of the processes of your own mpiexec.")
    return workers(distributed(command))


def begin(workers: int | None, distributed: bool, restarts: int = 0) -> None:
    """Find the other processes of a `distributed` run. With `workers`, start them to run the command, and exit."""
    if workers is not None:
        raise SystemExit(_run_workers(workers, restarts))
    if restarts:
        raise click.UsageError("--restarts needs --workers")
    if not distributed:
        return
    if not launched():
        raise BackendError(
            "--distributed is for processes that mpiexec starts, as in `mpiexec -n 4 minigraph …`; "
            "--workers 4 starts mpiexec itself"
        )
    WORLD.start()
    signal.signal(STOP, signal.SIG_IGN)  # except where something can be saved, see `StopRequest`
    if WORLD.rank:
        plain = warnings.formatwarning
        warnings.formatwarning = lambda *given, **named: f"rank {WORLD.rank}: {plain(*given, **named)}"


def describe() -> str:
    """The processes, hosts and cores."""
    hosts = WORLD.all_gather_object((socket.gethostname(), core_count()))
    count, cores = len({name for name, _ in hosts}), sorted({number for _, number in hosts})
    return (
        f"{WORLD.size} processes on {count} host{'s' if count > 1 else ''}, "
        f"{' or '.join(map(str, cores))} core{'s' if cores != [1] else ''} each"
    )


def compare(settings: Mapping[str, Any]) -> None:
    """Raise RanksDifferError unless the settings are the same on all ranks."""
    for key, value in settings.items():
        WORLD.compare(key.replace("_", "-"), value)


def spread(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """The results of a function for all items; each rank computes its share of them."""
    parts = WORLD.all_gather_object([function(item) for item in items[WORLD.rank :: WORLD.size]])
    return [parts[number % WORLD.size][number // WORLD.size] for number in range(len(items))]


def _run_workers(count: int, restarts: int) -> int:
    """Run this command on `count` processes, and again after a failure; the exit code."""
    given = without(sys.argv[1:], _OURS)
    arguments = [*given, "--distributed"]
    for left in range(restarts, -1, -1):
        code = _Job(count, arguments).run()
        if code in (0, STOPPED, WRONG_USE) or not left:
            break
        click.echo(f"starting again from the last checkpoint, restart {restarts - left + 1} of {restarts}", err=True)
        arguments = [*given, "--resume", "--distributed"]
    return code


def without(arguments: Sequence[str], options: Sequence[str]) -> list[str]:
    """The arguments without these options and their values."""
    found: list[str] = []
    is_value = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if not is_value and name not in options:
            found.append(argument)
        is_value = not is_value and name in options and not equals
    return found


class Notes:
    """Separates mpiexec's own notes, between lines of hyphens, from the lines of the ranks.

    killed: a message if the notes report a process that a signal ended.
    """

    def __init__(self) -> None:
        self.killed = ""
        self._note: list[str] | None = None

    def take(self, line: str) -> str:
        """The line if a rank wrote it, else an empty string."""
        if re.fullmatch(r"-{70,}\s*", line):
            found = re.search(r"process rank (\d+) .* on\s+signal (\d+)", " ".join(self._note or ()), re.DOTALL)
            if found:
                self.killed = f"rank {found[1]} was ended by signal {found[2]}"
            self._note = [] if self._note is None else None
            return ""
        if self._note is None:
            return line
        self._note.append(line.strip())
        return ""


def _end_with_parent() -> None:
    """Ask the system to end this process when the one that started it dies."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class _Job:
    """One run of mpiexec. SIGINT and SIGTERM ask the ranks to stop; a second one ends them."""

    def __init__(self, count: int, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [find_mpiexec(), "-n", str(count), sys.executable, "-c", _MAIN, *arguments],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **mpiexec_environment()},
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        self._is_stopping = False

    def run(self) -> int:
        """Pass on what the ranks print; the exit code."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._stop) for number in signals}
        notes = Notes()
        try:
            assert self._process.stderr is not None
            for line in self._process.stderr:
                sys.stderr.write(notes.take(line))
                sys.stderr.flush()
            code = self._process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            if self._process.poll() is None:
                self._process.terminate()
        if notes.killed:
            click.echo(f"Error: {notes.killed}", err=True)
        return code

    def _stop(self, *_: Any) -> None:
        self._process.send_signal(signal.SIGTERM if self._is_stopping else STOP)
        self._is_stopping = True
