"""Makes Python load other code for one module."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import Any


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self.text = text

    def get_code(self, fullname: str) -> Any:
        return compile(self.text, self.path, "exec", dont_inherit=True)


class _Finder:
    def __init__(self, name: str, path: str, text: str) -> None:
        self.loader = _Loader(name, path, text)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != self.loader.name:
            return None
        return importlib.util.spec_from_file_location(name, self.loader.path, loader=self.loader)


def install(name: str, path: str, text: str) -> None:
    """Load `text` for the module `name`, whose source is at `path`."""
    sys.meta_path.insert(0, _Finder(name, path, text))  # type: ignore[arg-type]
