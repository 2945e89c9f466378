"""Makes `import tensorflow` import this package, and `import horovod.tensorflow` minigraph.distributed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from minigraph.tf1.namespace import MissingModuleError, missing


class _Finder(MetaPathFinder):
    """Raises errors for missing modules of TensorFlow. Existing ones are in `sys.modules`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
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
