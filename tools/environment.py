"""What programs of TensorFlow 1's time expect of Python, NumPy and other packages, for the process of one program."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial, wraps
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from minigraph.tf1.nets import NETS
from minigraph.tf1.tree import MODULES

Make = Callable[[], ModuleType]


def install(source: str) -> None:
    """Supply what is missing, for the rest of the process. source: the program's."""
    make_keras_folder(source)
    _restore_numpy()
    _restore_standard_library()
    sys.meta_path.insert(0, _Supply({"scipy.misc": _scipy_misc}))
    fallbacks: dict[str, Make] = {
        "scipy": lambda: _package("scipy", "SciPy"),
        "nets": lambda: _package("nets", "TF-slim"),
        "preprocessing": lambda: _package("preprocessing", "TF-slim"),
        "preprocessing.vgg_preprocessing": lambda: import_module("minigraph.tf1.vgg_preprocessing"),
    }
    for name in NETS:
        fallbacks[f"nets.{name}"] = partial(MODULES.__getitem__, f"contrib.slim.nets.{name}")
    sys.meta_path.append(_Supply(fallbacks))
    if find_spec("keras") is None:
        sys.meta_path.insert(0, _Keras())


def make_keras_folder(source: str) -> None:
    """Make ~/.keras, as TensorFlow does when it is imported, for programs that name the folder."""
    if re.search(r"(?<!\w)\.keras\b", source):
        with suppress(OSError):  # then the program itself is told
            (Path.home() / ".keras").mkdir(exist_ok=True)


class _Supply(MetaPathFinder, Loader):
    """Finds modules that are made by functions."""

    def __init__(self, makers: dict[str, Make]) -> None:
        self._makers = makers

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_loader(fullname, self, is_package=True) if fullname in self._makers else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._makers[spec.name]()

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Keras(MetaPathFinder, Loader):
    """Finds `tf.keras` for programs that import Keras, where it is not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        is_known = fullname.partition(".")[0] == "keras" and find_spec(f"minigraph.{fullname}") is not None
        return spec_from_loader(fullname, self) if is_known else None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module(f"minigraph.{module.__name__}")


class _Package(ModuleType):
    """A module in place of a package that is not installed, with some of its names."""

    owner: str

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self.__name__}.{name} needs {self.owner}: pip install {self.owner.lower()}")


def _package(name: str, owner: str, **names: Any) -> ModuleType:
    made = _Package(name)
    made.__dict__.update(owner=owner, **names)
    return made


def _scipy_misc() -> ModuleType:
    from minigraph.tools import scipy_misc

    made = ModuleType("scipy.misc", scipy_misc.__doc__)
    made.__dict__.update({name: getattr(scipy_misc, name) for name in scipy_misc.__all__})
    return made


def _from_string(string: Any, dtype: Any = float, count: int = -1, sep: str = "") -> np.ndarray:
    """`numpy.fromstring`, also for the bytes of numbers."""
    return np.frombuffer(string, dtype, count).copy() if sep == "" else _TEXT(string, dtype, count, sep=sep)


def _reshape(a: Any, shape: Any = None, order: Any = "C", *, newshape: Any = None, copy: Any = None) -> np.ndarray:
    """`numpy.reshape` with the former name of its second argument."""
    return np.asarray(_RESHAPE(a, newshape if newshape is not None else shape, order, copy=copy))


def _as_before_2022(make: Callable[..., Any]) -> Callable[..., Any]:
    """`numpy.array` or the like as it was: rows of different lengths become lists, and `copy=False` may copy."""

    @wraps(make)
    def made(*arguments: Any, **options: Any) -> Any:
        if options.get("copy") is False:
            options["copy"] = None
        try:
            return make(*arguments, **options)
        except ValueError as error:
            if len(arguments) != 1 or "dtype" in options or "inhomogeneous" not in str(error):
                raise
            return make(*arguments, dtype=object, **options)

    return made


_TEXT, _RESHAPE = np.fromstring, np.reshape

# Names that NumPy had in 2018.
_NUMPY: dict[str, Any] = {
    "Inf": np.inf,
    "NAN": np.nan,
    "NINF": -np.inf,
    "NaN": np.nan,
    "PINF": np.inf,
    "alltrue": np.all,
    "asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype if np.issubdtype(dtype, np.inexact) else np.float64),
    "asscalar": lambda a: a.item(),
    "complex": complex,
    "complex_": np.complex128,
    "cumproduct": np.cumprod,
    "float": float,
    "float_": np.float64,
    "in1d": lambda a, b, **options: np.isin(np.ravel(a), b, **options),
    "infty": np.inf,
    "int": int,
    "msort": lambda a: np.sort(a, axis=0),
    "object": object,
    "product": np.prod,
    "round_": np.round,
    "row_stack": np.vstack,
    "sometrue": np.any,
    "str": str,
    "string_": np.bytes_,
    "trapz": getattr(np, "trapezoid", None),
    "unicode": str,
    "unicode_": np.str_,
}


def _restore_numpy() -> None:
    _supply(np, **{name: value for name, value in _NUMPY.items() if value is not None})
    np.__dict__.update(fromstring=_from_string, reshape=_reshape)
    np.__dict__.update({name: _as_before_2022(getattr(np, name)) for name in ("array", "asanyarray", "asarray")})


def _restore_standard_library() -> None:
    """Names that Python dropped after 3.7, under which TensorFlow 1.15 ran."""
    import collections
    import collections.abc
    import fractions
    import inspect
    import math
    import time

    _supply(collections, **{name: getattr(collections.abc, name) for name in collections.abc.__all__})
    _supply(time, clock=time.process_time)
    _supply(fractions, gcd=math.gcd)
    _supply(inspect, getargspec=lambda function: inspect.getfullargspec(function)[:4])


def _supply(module: ModuleType, **names: Any) -> None:
    """Add the names that the module lacks."""
    for name, value in names.items():
        if name not in vars(module):  # NumPy warns when it is asked for some of them
            setattr(module, name, value)
