"""Makes `import tensorflow` import this package, and `import horovod.tensorflow` minigraph.distributed."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, spec_from_loader
from types import ModuleType

from minigraph.tf1.namespace import MissingModuleError, missing

_KERAS = re.compile(r"(tensorflow|minigraph\.tf1)\.(python\.)?keras(?=$|\.)")
# Private modules of TensorFlow: a folder below `python`, or a module in it; of `contrib`, those of a package.
_PRIVATE = re.compile(r"(?:tensorflow|minigraph\.tf1)\.((?:contrib\.(\w+)\.)?python(?:\.\w+){0,2})")


class _KerasLoader(Loader):
    """Takes minigraph's module of Keras for TensorFlow's."""

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module(_KERAS.sub("minigraph.keras", module.__name__))


class _PrivateLoader(Loader):
    """Makes a private module that has the names of the public ones. Old programs import many and use few."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        from minigraph.tf1.tree import private_module

        return private_module(*_private(spec.name))

    def exec_module(self, module: ModuleType) -> None:
        pass


def _private(fullname: str) -> tuple[str, str | None]:
    """The path of a private module below `tensorflow`, and the package of `contrib` it is in; "" for another module."""
    from minigraph.tf1.tree import MODULES

    found = _PRIVATE.fullmatch(fullname)
    path, package = found.groups() if found else ("", None)
    return ("", None) if package and f"contrib.{package}" not in MODULES else (path, package)


class _Finder(MetaPathFinder):
    """Finds Keras and private modules, and raises errors for other missing modules of TensorFlow.

    Existing ones are in `sys.modules`.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if _KERAS.match(fullname) and find_spec(_KERAS.sub("minigraph.keras", fullname)) is not None:
            return spec_from_loader(fullname, _KerasLoader())
        if _private(fullname)[0]:
            return spec_from_loader(fullname, _PrivateLoader(), is_package=True)
        for package in ("tensorflow.", "minigraph.tf1."):
            if fullname.startswith(package) and (package[0] == "t" or not PathFinder.find_spec(fullname, path)):
                raise MissingModuleError(missing(fullname.removeprefix(package), "module"))
        return None


def install() -> None:
    """Replace `tensorflow`, its modules and `horovod.tensorflow` by minigraph's for the rest of the process.

    Raises RuntimeError if TensorFlow has already been imported.
    """
    from minigraph import distributed
    from minigraph.tf1.tree import MODULES

    here = sys.modules["minigraph.tf1"]
    found = sys.modules.get("tensorflow")
    if found is here:
        return
    if found is not None:
        raise RuntimeError(f"tensorflow is already imported, from {getattr(found, '__file__', '?')}")
    for path, module in MODULES.items():
        whole = path in ("", "compat.v1")
        sys.modules[f"tensorflow.{path}" if path else "tensorflow"] = here if whole else module
    horovod = ModuleType("horovod")
    horovod.__dict__["tensorflow"] = distributed
    sys.modules.update({"horovod": horovod, "horovod.tensorflow": distributed})
    sys.meta_path.insert(0, _Finder())
