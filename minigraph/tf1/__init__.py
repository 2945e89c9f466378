"""TensorFlow 1's names for old programs: `import minigraph.tf1 as tf`.

It has all names of minigraph, and those that only TensorFlow 1 programs need: flags, gfile, logging, slim, the
tutorials' data, supervisors. `install` makes it the process's `tensorflow`.
Nothing imports this folder but the `run` command; names of minigraph's own stand below.
"""

import sys as _sys
from typing import Any as _Any

from minigraph.tf1.install import install
from minigraph.tf1.namespace import ROOT as _ROOT
from minigraph.tf1.namespace import MissingModuleError, MissingSymbolError
from minigraph.tf1.tree import MODULES as _MODULES

__all__ = ["MissingModuleError", "MissingSymbolError", "install"]
__version__ = _ROOT.__version__

for _path, _module in _MODULES.items():
    if _path and _module is not _ROOT:
        _sys.modules[f"{__name__}.{_path}"] = _module
        if "." not in _path:
            globals()[_path] = _module


def __getattr__(name: str) -> _Any:
    return getattr(_ROOT, name)


def __dir__() -> list[str]:
    return sorted({*dir(_ROOT), *__all__})
