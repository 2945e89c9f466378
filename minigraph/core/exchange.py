"""Arrays of other libraries: those with DLPack's methods, or with the CUDA array interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# DLPack, https://dmlc.github.io/dlpack/latest/c_api.html: the kinds of devices that only a GPU's programs may read
_CUDA, _CUDA_MANAGED = 2, 13


def is_foreign(value: Any) -> bool:
    """Whether the value is an array of another library than NumPy that says where its numbers are."""
    if isinstance(value, np.ndarray | np.generic | list | tuple | float | int):
        return False
    return hasattr(value, "__dlpack__") or hasattr(value, "__cuda_array_interface__")


def is_on_gpu(value: Any) -> bool:
    """Whether the numbers of a foreign array are in the memory of an NVIDIA GPU."""
    if hasattr(value, "__dlpack_device__"):
        return value.__dlpack_device__()[0] in (_CUDA, _CUDA_MANAGED)
    return hasattr(value, "__cuda_array_interface__")


def on_host(value: Any) -> np.ndarray:
    """A foreign array as one of NumPy, without a copy where it is in the host's memory.

    Raises TypeError if it is elsewhere, or its library does not give it.
    """
    try:
        if hasattr(value, "__array__"):
            return np.asarray(value)
        if is_on_gpu(value):
            raise TypeError("it is in a GPU's memory, and the session's backend takes values in the host's")
        return np.from_dlpack(value)
    except (BufferError, RuntimeError) as error:
        raise TypeError(str(error)) from None


def as_array(value: Any, dtype: np.dtype[Any], import_array: Callable[[Any], Any]) -> Any:
    """A value as an array of that dtype; a foreign one as `import_array`, a backend's method, gives it."""
    if is_foreign(value):
        return import_array(value).astype(dtype, copy=False)
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind == "c" and dtype.kind in "fiub":
        raise TypeError(f"complex numbers cannot be given as {dtype}")
    return np.asarray(value, dtype)
