"""The base class of backends, and the form in which a backend gives its code for an op."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.errors import BackendError
from minigraph.core.exchange import on_host
from minigraph.core.op import Op
from minigraph.core.types import TensorType

Array = Any  # the backend's own array
Buffer = Any  # the backend's own memory, from which arrays are cut
Launch = Callable[[], None]
Types = Sequence[TensorType]


class Lowered(NamedTuple):
    """How a backend runs one op on operands and results of given static types.

    bind: called once for each plan as `bind(inputs, outputs, workspace)`, with views of buffers that never move; the
        function it returns is called in every run. An output that nobody reads is None. An op that writes variables
        gets the written inputs themselves as their outputs; if it writes only one and does not scatter, any other
        operand may share that variable's buffer.
    workspace: bytes of the uint8 array `workspace`, which holds nothing between launches.
    inplace: positions of inputs. Output 0 may share the buffer of any one of them that is not read later.
    fallback: whether the op runs as its reference `forward` plus a copy.
    uses_blas: whether the launch may call BLAS, which then has one thread.
    not_native: for a backend that generates code, the reason why this op runs as calls of another backend's kernels.
    choice: the label of the alternative that timed trials found fastest, and their times.
    carrier: what carries a collective from rank to rank; all ranks must use the same.
    prepare: called with which outputs are read for all steps of a plan, before any is bound, to compile them together.
    """

    bind: Callable[[Sequence[Array], Sequence[Array], Array], Launch]
    workspace: int = 0
    inplace: tuple[int, ...] = ()
    fallback: bool = False
    uses_blas: bool = False
    not_native: str = ""
    choice: str = ""
    carrier: str = "MPI"
    prepare: Callable[[Sequence[bool]], None] | None = None


class Backend(ABC):
    """Stores arrays and runs ops.

    A backend implements the abstract methods, and overrides those defaults that do not hold for it.
    """

    name: str

    symbolic: bool = False
    """Whether arrays hold expressions instead of numbers. Feeds then come as object arrays."""

    precisions: tuple[str, ...] = ("float32",)
    """The precisions that `in_precision` takes."""

    unwanted_passes: tuple[str, ...] = ()
    """Names of the passes that are left out: the backend cannot run their results, or gains nothing from them."""

    pass_settings: Mapping[str, Mapping[str, Any]] = {}
    """By name of a pass, values for its fields that suit this backend better than the defaults."""

    plan_type: type[Any] | None = None
    """The subclass of `minigraph.compile.plan.Plan` that runs programs on this backend; None for `Plan` itself."""

    @property
    def label(self) -> str:
        """The name, with the number of the device where there are several."""
        return self.name

    @classmethod
    def on_device(cls, index: int) -> Backend:
        """A backend on the device of that number. Raises BackendError if there is none."""
        raise BackendError(f"the devices of the backend {cls.name} have no numbers; it is chosen as {cls.name!r}")

    @abstractmethod
    def allocate(self, nbytes: int) -> Buffer:
        """A buffer of `nbytes`, aligned to 64 bytes, with any content."""

    @abstractmethod
    def view(self, buffer: Buffer, offset: int, type: TensorType) -> Array:
        """The array of a static type at a byte offset of a buffer, in C order."""

    @abstractmethod
    def write(self, array: Array, value: Any) -> None:
        """Copy from the host, broadcasting and casting as NumPy does."""

    @abstractmethod
    def read(self, array: Array) -> Any:
        """A copy on the host; a scalar if the array has no axes."""

    def read_all(self, arrays: Sequence[Array]) -> list[Any]:
        """Copies of several arrays on the host, as `read` makes them."""
        return [self.read(array) for array in arrays]

    def import_array(self, value: Any) -> Any:
        """An array of another library (see `core.exchange`) as one that `write` takes, with `shape`, `dtype` and
        `astype` as in NumPy. Raises TypeError if it is where the backend cannot take it from."""
        return on_host(value)

    def export_all(self, arrays: Sequence[Array]) -> list[Any]:
        """Copies of several arrays where the backend computes, as arrays of the library that callers use there."""
        return [np.asarray(value) for value in self.read_all(arrays)]

    def mark(self) -> Any:
        """This moment in the backend's work, which may lie behind the calls that give it the work."""
        return time.perf_counter()

    def seconds_between(self, start: Any, end: Any) -> float:
        """The time between two of `mark`'s moments."""
        return float(end - start)

    def memory_used(self) -> int | None:
        """Bytes of the device's memory that are in use; None if values are in the host's memory."""
        return None

    def release(self) -> None:  # noqa: B027  # most backends keep nothing
        """Give memory that the backend keeps for later use back to the system."""

    def limit_memory(self, fraction: float) -> None:  # noqa: B027  # of the host's memory no part is ours
        """Take at most this part of the device's memory; 0 for no limit. Backends without a device do nothing."""

    @abstractmethod
    def lower(self, op: Op, in_types: Types, out_types: Types) -> Lowered:
        """How to run `op` on operands and results of static types."""

    def packs(self, op: Op, in_types: Types) -> Mapping[int, TensorType]:
        """The operands of `op`, by position, that the backend wants packed if they do not change between runs, each
        with the type that it has then.

        For such an operand `lower` gets a `Packed` op, which packs it, and an `OnPacked`, which takes it.
        """
        return {}

    def in_precision(self, precision: str) -> Backend:
        """The backend whose convolutions and matrix products may round float32 operands to `precision`.

        Raises BackendError if it does not have that precision.
        """
        if precision not in self.precisions:
            has = " or ".join(self.precisions)
            raise BackendError(f"the backend {self.name} has the precision {has}, not {precision!r}")
        return self

    def speed(self) -> str | None:
        """Everything beside the CPU that the speed of kernels depends on, as text; None if there are no timed trials
        for this backend."""
        return None

    def alternatives(self, op: Op, in_types: Types, out_types: Types) -> Mapping[str, Callable[[], Lowered]]:
        """Functions that lower the op in different ways, by label, the way of `lower` first; empty if there is only
        that one."""
        return {}

    def kernel_text(self, op: Op, in_types: Types, out_types: Types, assembly: bool = False) -> Mapping[str, str]:
        """The code that the backend makes for an op, as texts by title; empty if it makes none.

        assembly: also as assembly, where the backend can print it.
        """
        return {}


def in_sequence(launches: Sequence[Launch]) -> Launch:
    """One launch that makes all `launches` in order."""
    if len(launches) == 1:
        return launches[0]
    fixed = tuple(launches)

    def launch() -> None:
        for each in fixed:
            each()

    return launch
