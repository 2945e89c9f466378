"""Modules assembled from other modules, and the error for missing names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import minigraph
from minigraph.core.habits import OF_MODULE

_PRIVATE = {"compat.v1", "contrib.learn", "contrib.slim.python", "core", "python"}  # what public modules have, again
ASK = "docs/tf1.md lists what is there, and tells where to ask for more"

# What TensorFlow 1.0 called otherwise than its early versions, and where other names have gone.
RENAMED = {
    "all_variables": "global_variables",
    "batch_matmul": "matmul",
    "complex_abs": "abs",
    "histogram_summary": "summary.histogram",
    "image_summary": "summary.image",
    "inv": "reciprocal",
    "merge_all_summaries": "summary.merge_all",
    "merge_summary": "summary.merge",
    "mul": "multiply",
    "neg": "negative",
    "pack": "stack",
    "scalar_summary": "summary.scalar",
    "select": "where",
    "sub": "subtract",
    "train.SummaryWriter": "summary.FileWriter",
    "unpack": "unstack",
}


class MissingSymbolError(AttributeError):
    """A TensorFlow 1 name that minigraph lacks. The message suggests the closest existing name."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return missing(self.path)  # found out only when it is wanted: programs ask with `hasattr`, too


class MissingModuleError(ModuleNotFoundError):
    """A TensorFlow 1 module that minigraph lacks. The message suggests the closest existing name."""


class Namespace(ModuleType):
    """A module with its own `names` and those of `sources`; the first source with a name provides it.

    A source is a module or another object with attributes. From modules, only public names other than modules count.
    """

    def __init__(self, path: str, sources: Iterable[Any] = (), names: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"minigraph.tf1.{path}" if path else "minigraph.tf1")
        self.__path__: list[str] = []
        self._path = path
        self._sources = tuple(sources)
        self.__dict__.update(names or {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        for source in self._sources:
            if _offers(source, name):
                return getattr(source, name)
        raise MissingSymbolError(f"{self._path}.{name}" if self._path else name)

    def _holds(self, name: str) -> bool:
        return name in self.__dict__ or any(_offers(source, name) for source in self._sources)

    def __dir__(self) -> list[str]:
        found = {n for n in self.__dict__ if not n.startswith("_")}
        for source in self._sources:
            names = {*dir(source), *getattr(source, "__all__", ())}
            found |= {n for n in names if not n.startswith("_") and _offers(source, n)}
        return sorted(found)


ROOT = Namespace("", [minigraph])
# Modules that take their public names from others.
_GATHERED = {
    "minigraph",
    *(f"minigraph.{n}" for n in ("filters", "image", "layers", "linalg", "losses", "math", "metrics", "nn")),
    *(f"minigraph.{n}" for n in ("saved_model", "train")),
}


def _offers(source: Any, name: str) -> bool:
    """Whether the name is public: listed in `__all__` or defined in this module."""
    listed = getattr(source, "__all__", None)
    if name.startswith("_") or (listed is not None and name not in listed):
        return False
    if isinstance(source, Namespace):
        return source._holds(name)
    try:
        value = getattr(source, name)
    except AttributeError:
        return False
    except ImportError:
        return True  # it is there when a package is installed
    if not isinstance(source, ModuleType):
        return True
    if isinstance(value, ModuleType):
        return isinstance(value, Namespace) or value.__name__ == "minigraph.keras"
    return listed is not None or source.__name__ in {*_GATHERED, getattr(value, "__module__", source.__name__)}


def symbols(namespace: Namespace, prefix: str = "") -> Iterator[str]:
    """The dotted public names of a namespace and the namespaces below it, without members of classes."""
    for name in dir(namespace):
        if prefix + name in _PRIVATE:
            continue
        value = getattr(namespace, name, None)
        yield prefix + name
        if isinstance(value, Namespace) and value._path == (f"{prefix}{name}"):
            yield from symbols(value, f"{prefix}{name}.")


def missing(path: str, kind: str = "symbol") -> str:
    """The message for a missing symbol or module `path` (without "tensorflow.")."""
    near = None if path in OF_MODULE else closest(path)
    hint = f" The closest there is: tf.{near}." if near else f" {OF_MODULE[path]}" if path in OF_MODULE else ""
    base, _, name = path.rpartition(".")
    what = f"module 'tensorflow{'.' + base if base else ''}' has no attribute '{name}'"
    if kind == "module":
        what = f"no module named 'tensorflow.{path}'"
    return f"{what}: minigraph does not have it.{hint} ({ASK}.)"


def closest(path: str) -> str | None:
    """The existing symbol that is most likely meant: a new name, the same name elsewhere, or a similar one."""
    if path in RENAMED:
        return RENAMED[path]
    known = list(dict.fromkeys(symbols(ROOT)))
    base, _, name = path.rpartition(".")
    same = [k for k in known if k.rpartition(".")[2] == name]
    if same:
        return min(same, key=lambda k: (k.count("."), len(k)))
    siblings = {k.rpartition(".")[2]: k for k in known if k.rpartition(".")[0] == base}
    near = difflib.get_close_matches(name, siblings, n=1, cutoff=0.7)
    if near:
        return siblings[near[0]]
    everywhere = {k.rpartition(".")[2]: k for k in reversed(known)}
    near = difflib.get_close_matches(name, everywhere, n=1, cutoff=0.75)
    return everywhere[near[0]] if near else None
