"""What a backend is, and how one is found."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from minigraph.core.errors import BackendError, MinigraphError
from minigraph.core.op import Op
from minigraph.core.types import TensorType

AUTO = "auto"

Array = Any  # the backend's own array
Launch = Callable[[], None]


class Lowered(NamedTuple):
    """How a backend runs one op on given static types.

    `bind(inputs, outputs, workspace)` is called once a plan, with views of buffers that stay where they are, and
    returns what every run calls. An output that nobody reads is None. `workspace` (bytes; may be 0) is an uint8 array
    that holds nothing between launches. Output 0 may share its buffer with any one of the inputs in `inplace`, if
    that input is not read afterwards. An op that writes variables gets outputs that are the written inputs themselves;
    if it writes only one, any other operand may be that variable's buffer too.
    """

    bind: Callable[[Sequence[Array], Sequence[Array], Array], Launch]
    workspace: int = 0
    inplace: tuple[int, ...] = ()
    fallback: bool = False  # the op's reference forward plus a copy
    not_native: str = ""  # of a backend that makes code: why this is none, but calls of another backend's
    choice: str = ""  # of several ways, the one that a trial found best, and how it was found


class Backend(Protocol):
    """A way to store arrays and run ops.

    A backend whose arrays hold expressions instead of numbers has an attribute `symbolic` that is True: it gets feeds
    as object arrays, and constants are not folded for it, which would round them. One with other precisions than
    float32 has `precisions`, their names, and `in_precision(name)`, the backend that has it. One that can be tuned by
    timed trials has `speed()`, a text of all that the speed of its kernels depends on beside the CPU, and may have
    `alternatives(op, in_types, out_types)`: by label, functions that lower the op in one of several ways, the way of
    `lower` first; empty where there is only that. One for which passes should have other settings has `pass_settings`:
    values for fields of passes, by the pass's name.
    """

    name: str
    unwanted_passes: tuple[str, ...]  # whose results it cannot run, or gains nothing from
    plan_type: Any  # the subclass of minigraph.compile.plan.Plan that it wants for plans; None: Plan itself

    def allocate(self, nbytes: int) -> Any:
        """A buffer of `nbytes`, aligned to 64 bytes, with any content."""

    def view(self, buffer: Any, offset: int, type: TensorType) -> Array:
        """The array of a static type at a byte offset of a buffer, in C order."""

    def lower(self, op: Op, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Lowered:
        """How to run `op`, once all types are static."""

    def prepares(self, op: Op, in_types: Sequence[TensorType]) -> Mapping[int, TensorType]:
        """The operands of `op`, by position, that are better laid out beforehand where they are the same in every run;
        and of which type they are then. `lower` gets a `rewrite.prepared.Packed`, which makes them, and an
        `OnPacked`, which takes them."""

    def write(self, array: Array, value: np.ndarray) -> None:
        """Copy from the host, broadcasting and casting as NumPy does."""

    def read(self, array: Array) -> np.ndarray:
        """A copy on the host."""


_loaded: dict[str, Backend] = {}


def backend_names() -> list[str]:
    """The installed backends."""
    from importlib.metadata import entry_points

    return sorted({e.name for e in entry_points(group="minigraph.backends")})


def get_backend(name: str | None = None, precision: str = "float32") -> Backend:
    """The backend of that name; by default the one MINIGRAPH_BACKEND names, else numpy. BackendError if unknown, or if
    it does not have the precision.

    It is also raised if the backend does not have the precision. `auto` is the fastest that can run here: cupy, else
    llvm, else numpy with a warning that says why.
    """
    chosen = name or os.environ.get("MINIGRAPH_BACKEND") or "numpy"
    if chosen not in _loaded:
        _loaded[chosen] = _fastest() if chosen == AUTO else _load(chosen)
    backend: Any = _loaded[chosen]
    if precision == "float32":
        return backend  # type: ignore[no-any-return]
    has = getattr(backend, "precisions", ("float32",))
    if precision not in has:
        raise BackendError(f"the backend {backend.name} has the precision {' or '.join(has)}, not {precision!r}")
    return backend.in_precision(precision)  # type: ignore[no-any-return]


def wants_trials(given: bool | None, backend: Backend) -> bool:
    """Whether `given` asks for timed trials; if it is None, MINIGRAPH_AUTOTUNE, on backends that have them."""
    wished = os.environ.get("MINIGRAPH_AUTOTUNE", "") not in ("", "0")
    return wished and hasattr(backend, "speed") if given is None else given


def _fastest() -> Backend:
    reason = ""
    for name in ("cupy", "llvm"):
        try:
            return get_backend(name)
        except MinigraphError as error:
            reason = str(error)
    warnings.warn(f"programs run on the numpy backend, which is slower: {reason}", RuntimeWarning, stacklevel=4)
    return get_backend("numpy")


def _load(name: str) -> Backend:
    from importlib.metadata import entry_points

    for entry in entry_points(group="minigraph.backends", name=name):
        backend: Backend = entry.load()()
        return backend
    raise BackendError(f"unknown backend {name!r}; there are {AUTO}, {', '.join(backend_names())}")
