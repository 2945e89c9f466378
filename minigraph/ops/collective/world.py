"""The processes of a run, and their exchanges: MPI's collectives on arrays in host memory."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, NoReturn

import numpy as np

from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import FailedPreconditionError, InvalidArgumentError, UnavailableError
from minigraph.core.tracebacks import trimming
from minigraph.ops.collective.half import reductions
from minigraph.ops.collective.launch import check_launcher, import_mpi
from minigraph.ops.collective.transfer import ENDED, Agreement, RanksDifferError, Transfer, difference, speaker
from minigraph.util.cores import share_cores, usable_cores

Array = np.ndarray[Any, Any]

LIMIT = 300.0  # seconds that a rank waits for the others
SPIN = 1.0  # seconds of waiting in which a rank checks all the time
NAP = 0.001  # seconds between two checks from then on
PATIENCE = 5.0  # seconds for another rank to end all of them
_NONE = np.iinfo(np.int64).min


class World:
    """The ranks. Before `start`, and without mpiexec, there is one.

    rank, size: this process and their number. local_rank, local_size: among those of this host. limit: seconds to wait
    for the other ranks.
    """

    def __init__(self) -> None:
        self.rank, self.size, self.local_rank, self.local_size = 0, 1, 0, 1
        self.limit = LIMIT
        self.started = False
        self._wants_stop = self._some_want_stop = False  # this rank now; any rank, when the ranks last agreed
        self._pending: dict[int, Any] = {}  # requests by the address of the array
        self._proposal: tuple[Agreement, Any, Array, Array] | None = None
        self.carriers: dict[str, Callable[[Array, str], None]] = {}  # that reduce arrays elsewhere than MPI does
        self._failed = False
        self._speaker = 0  # the rank that tells the user of an error that all ranks have

    # start and end

    def start(self, limit: float | None = None) -> None:
        """Find the other ranks, at the first call. Raises an error if MPI is missing, or mpiexec is another MPI's."""
        self.limit = limit or self.limit
        if self.started:
            return
        self._mpi = import_mpi()
        everyone = self._mpi.COMM_WORLD
        self.size = everyone.size
        check_launcher(self.size, self._mpi)
        self.started = True
        atexit.register(self.leave)
        if self.size == 1:
            return
        self.rank = everyone.rank
        self._data, self._control = everyone.Dup(), everyone.Dup()
        host = everyone.Split_type(self._mpi.COMM_TYPE_SHARED)
        self.local_rank, self.local_size = host.rank, host.size
        cores = usable_cores()
        share_cores(cores, host.allgather(cores))
        self._reductions = reductions(self._mpi)
        sys.excepthook = trimming(self._end_after)
        let_launcher_end_this()
        self.compare("minigraph", version("minigraph"))

    def require_start(self) -> None:
        if not self.started:
            raise FailedPreconditionError("minigraph.distributed is not initialised; call its init() first")

    def compare(self, what: str, value: Any) -> None:
        """Raise RanksDifferError unless the value is the same on all ranks."""
        values = self.all_gather_object(value)
        for rank, other in enumerate(values):
            if other != values[0]:
                raise RanksDifferError(f"{what} differs: {other} on rank {rank}, {values[0]} on rank 0")

    def abort(self, code: int = 1) -> None:
        """End all ranks at once, if there are others."""
        if self.size > 1 and not self._failed:
            self._failed = True
            sys.stdout.flush()
            sys.stderr.flush()
            self._data.Abort(code)

    def fail(self, error: BaseException, tell: Callable[[str], None], code: int = 1) -> NoReturn:
        """End all ranks because of an error of this one, which `tell` shows the user after the given prefix.

        A rank waits for the ranks below it, which may have the same error, so that one of them tells it.
        """
        shared = isinstance(error, RanksDifferError)
        if shared and self.rank != self._speaker:
            time.sleep(PATIENCE)
        else:
            time.sleep(0 if shared else min(self.rank, PATIENCE))
            tell("" if shared or self.size == 1 else f"rank {self.rank}: ")
        self.abort(code)
        raise SystemExit(code)

    def _end_after(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """Show an exception that nothing caught, and end all ranks."""

        def tell(prefix: str) -> None:
            sys.stderr.write(prefix + "".join(traceback.format_exception(kind, error, trace)))

        self.fail(error, tell, 130 if issubclass(kind, KeyboardInterrupt) else 1)

    def leave(self) -> None:
        """The end of a program: wait until all ranks have come to theirs."""
        if self._failed or not self.started:
            return
        try:
            self.limit = float("inf")
            self.agree(ENDED)
        except RanksDifferError:
            time.sleep(PATIENCE)  # one of the others ends all ranks
            self.abort()
        self._mpi.Finalize()
        self.started, self.rank, self.size = False, 0, 1

    # agreement

    def agree(self, agreement: Agreement) -> None:
        """Wait for all ranks, and raise RanksDifferError unless they are about to make the same exchanges."""
        if self.size > 1:
            self.propose(agreement)
            self.confirm()

    def propose(self, agreement: Agreement) -> None:
        """Begin `agree`, without waiting."""
        if self.size == 1:
            return
        digest = agreement.digest
        mine = np.array([digest, -digest, 0, -self.rank, self._wants_stop, -1], np.int64)
        self._offer(agreement, mine)

    def _offer(self, agreement: Agreement, mine: Array) -> None:
        found = np.empty_like(mine)
        request = self._control.Iallreduce(mine, found, self._mpi.MAX)
        self._proposal = agreement, request, mine, found

    def confirm(self) -> None:
        """End `agree`. Does nothing if it has been ended."""
        if self._proposal is None:
            return
        agreement, request, _, found = self._proposal
        self._proposal = None
        self._finish(request, agreement.transfers[0])
        self._some_want_stop = bool(found[4])
        if found[0] != -found[1]:
            raise self._difference(agreement)
        if found[2]:
            self._control.bcast(agreement.transfers, root=-int(found[3]))

    def _difference(self, agreement: Agreement) -> RanksDifferError:
        """The error for exchanges that are not the same. All ranks call this."""
        lists = self._control.allgather(agreement.transfers)
        self._speaker = speaker(lists)
        return RanksDifferError(difference(lists))

    def stops(self, wants_stop: bool) -> bool:
        """Whether all ranks are to stop: whether any of them wanted to when they last agreed.

        `wants_stop`, whether this rank wants to, reaches the others when they agree next."""
        self._wants_stop = wants_stop
        return wants_stop if self.size == 1 else self._some_want_stop

    # exchanges, on contiguous arrays in host memory

    def start_reduce(self, array: Array, reduction: str) -> None:
        """Begin to combine the ranks' arrays, in place; `finish_reduce` ends it."""
        if self.size == 1 or not array.size:  # arrays without elements may have one address
            return
        data, op = self._as_mpi(array, reduction)
        self._pending[array.ctypes.data] = self._data.Iallreduce(self._mpi.IN_PLACE, data, op)

    def finish_reduce(self, array: Array, reduction: str, what: object = "") -> None:
        """Wait until `array` holds the result of `start_reduce`."""
        if self.size == 1 or not array.size:
            return
        self._finish(self._pending.pop(array.ctypes.data), what)
        if reduction == "average":
            np.multiply(array, array.dtype.type(1 / self.size), array)

    def reduce(self, array: Array, reduction: str, what: object = "") -> None:
        """Combine the ranks' arrays, in place. reduction: sum, average, min or max."""
        self.start_reduce(array, reduction)
        self.finish_reduce(array, reduction, what)

    def reduce_to(self, array: Array, root: int, what: object = "") -> None:
        """Overwrite the array by the sum of the ranks' arrays on rank `root`, and by zeros on the others."""
        self.reduce(array, "sum", what)
        if self.rank != root:
            array.fill(0)

    def broadcast(self, array: Array, root: int, what: object = "") -> None:
        """Overwrite the array by that of rank `root`."""
        if self.size > 1:
            self._finish(self._data.Ibcast(_bytes(array), root), what)

    def row_counts(self, array: Array, what: object = "") -> list[int]:
        """How many rows each rank's array has. RanksDifferError if the rows differ in shape."""
        if self.size == 1:
            return [len(array)]
        rows = self._control.allgather(array.shape)
        for rank, shape in enumerate(rows):
            if shape[1:] != rows[0][1:]:
                raise RanksDifferError(f"{what}: rank {rank} gives rows of shape {shape[1:]}, rank 0 {rows[0][1:]}")
        return [shape[0] for shape in rows]

    def all_gather(self, array: Array, what: object = "") -> Array:
        """The ranks' arrays one after the other along axis 0. RanksDifferError if their rows differ in shape."""
        counts = self.row_counts(array, what)
        if self.size == 1:
            return np.array(array)
        out = np.empty((sum(counts), *array.shape[1:]), array.dtype)
        width = array.dtype.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
        self._finish(self._data.Iallgatherv(_bytes(array), [_bytes(out), [c * width for c in counts]]), what)
        return out

    def all_to_all(self, array: Array, splits: Sequence[int], what: object = "") -> tuple[Array, list[int]]:
        """Send splits[r] rows to each rank r. Returns the rows received, by rank, and the number from each."""
        if self.size == 1:
            return np.array(array), list(splits)
        counts: list[int] = self._control.alltoall([int(s) for s in splits])
        out = np.empty((sum(counts), *array.shape[1:]), array.dtype)
        width = array.dtype.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
        given, taken = ([n * width for n in numbers] for numbers in (splits, counts))
        self._finish(self._data.Ialltoallv([_bytes(array), given], [_bytes(out), taken]), what)
        return out, counts

    def all_gather_object(self, value: Any) -> list[Any]:
        """A picklable value of each rank."""
        if self.size == 1:
            return [value]
        self.agree(Agreement([Transfer("all_gather_object", dtype="object")]))
        found: list[Any] = self._control.allgather(value)
        return found

    def broadcast_object(self, value: Any, root: int = 0) -> Any:
        """The picklable value of rank `root`."""
        if self.size == 1:
            return value
        self.agree(Agreement([Transfer("broadcast_object", detail=f"from rank {root}", dtype="object")]))
        return self._control.bcast(value, root=root)

    def share(self, value: bytes) -> bytes:
        """The value of rank 0. The ranks must have agreed that they come here."""
        found: bytes = value if self.size == 1 else self._control.bcast(value)
        return found

    def progress(self) -> None:
        """Let MPI work on what has been started."""
        for request in self._pending.values():
            request.Test()

    # joining

    def join(self) -> int:
        """Take part in exchanges with neutral elements until all ranks have joined. Returns the last one."""
        last = self.rank
        first = True
        while self.size > 1:
            mine = np.array([_NONE + 1, _NONE + 1, 1, _NONE, self._wants_stop, self.rank if first else -1], np.int64)
            first = False
            self._offer(Agreement([Transfer("join")]), mine)
            assert self._proposal is not None
            agreement, request, _, found = self._proposal
            self._proposal = None
            self._finish(request, agreement.transfers[0], float("inf"))
            last = int(found[5]) if found[5] >= 0 else last
            if found[3] == _NONE:
                break
            if found[0] != -found[1]:
                raise self._difference(agreement)
            for transfer in self._control.bcast(None, root=-int(found[3])):
                self._take_part(transfer)
        return last

    def _take_part(self, transfer: Transfer) -> None:
        """Make an exchange that leaves the others' result unchanged."""
        if transfer.kind != "AllReduce":
            raise InvalidArgumentError(f"a rank that has joined takes part in all-reduces only, not in {transfer}")
        dtype = as_dtype(transfer.dtype)
        neutral = {"min": dtype.highest, "max": dtype.lowest}.get(transfer.detail, 0)
        array = np.full(transfer.size, neutral, dtype.np_dtype)
        if transfer.carrier == "MPI":
            self.reduce(array, transfer.detail, transfer)
        elif transfer.carrier in self.carriers:
            self.carriers[transfer.carrier](array, transfer.detail)
        else:
            raise InvalidArgumentError(f"a rank that joins must have run a collective by {transfer.carrier} before")

    # waiting

    def _finish(self, request: Any, what: object, limit: float | None = None) -> None:
        """Wait for a request. UnavailableError after the time limit."""
        started = time.monotonic()
        limit = self.limit if limit is None else limit
        while not request.Test():
            waited = time.monotonic() - started
            if waited > limit:
                raise UnavailableError(f"rank {self.rank} has waited {waited:.0f} s for the other ranks in {what}")
            if waited > SPIN:
                time.sleep(NAP)
            elif hasattr(os, "sched_yield"):
                os.sched_yield()

    def _as_mpi(self, array: Array, reduction: str) -> tuple[Any, Any]:
        """The array and the reduction as MPI takes them."""
        name = "sum" if reduction == "average" else reduction
        if array.dtype == np.float16:
            return [array.view(np.uint16), self._mpi.UINT16_T], self._reductions[f"{name} of float16"]
        return array, self._reductions[name]


def let_launcher_end_this() -> None:
    """Let SIGTERM, by which mpiexec ends the other ranks after an error, end this process without a word."""
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.default_int_handler:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _bytes(array: Array) -> Array:
    return array.reshape(-1).view(np.uint8)


WORLD = World()
