"""Finding a backend by its name among the installed ones."""

from __future__ import annotations

import os
import warnings

from minigraph.backend.base import Backend
from minigraph.core.errors import BackendError, MinigraphError, UnknownNameError
from minigraph.util.locks import Lock

AUTO = "auto"


class UnknownBackendError(BackendError, UnknownNameError):
    """No installed backend has this name."""


_loaded: dict[str, Backend] = {}
_lock = Lock()


def backend_names() -> list[str]:
    """The names of the installed backends, sorted."""
    from importlib.metadata import entry_points

    return sorted({e.name for e in entry_points(group="minigraph.backends")})


def get_backend(name: str | None = None, precision: str = "float32") -> Backend:
    """The backend called `name`; by default the one that MINIGRAPH_BACKEND names, else `auto`.

    `auto` is the fastest backend that can run here: cupy, else llvm, else numpy with a warning that gives the reason.
    A number after the name chooses one of several devices, as in "cupy:1". There is one backend for each device.
    Raises BackendError for an unknown name, or if the backend does not have the device or the precision.
    """
    chosen = name or os.environ.get("MINIGRAPH_BACKEND") or AUTO
    with _lock:
        if chosen not in _loaded:
            found = _fastest() if chosen == AUTO else _load(chosen)
            _loaded[chosen] = _loaded.setdefault(found.label, found)
        return _loaded[chosen].in_precision(precision)


def wants_trials(given: bool | None, backend: Backend) -> bool:
    """Whether to choose by timed trials: `given`, or if that is None, whether MINIGRAPH_AUTOTUNE asks for trials and
    the backend has them."""
    if given is not None:
        return given
    return os.environ.get("MINIGRAPH_AUTOTUNE", "") not in ("", "0") and backend.speed() is not None


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

    kind, colon, index = name.partition(":")
    if colon and not index.isdecimal():
        raise UnknownBackendError(f"unknown backend {name!r}; a device is chosen by its number, as in 'cupy:1'")
    for entry in entry_points(group="minigraph.backends", name=kind):
        try:
            made = entry.load()
            backend: Backend = made.on_device(int(index)) if colon else made()
        except MinigraphError:
            raise
        except Exception as error:  # of a package or a driver that it needs
            raise BackendError(f"the backend {name} cannot be used: {type(error).__name__}: {error}") from error
        return backend
    raise UnknownBackendError(f"unknown backend {name!r}; there are {AUTO}, {', '.join(backend_names())}")
