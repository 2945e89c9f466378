"""Names in a graph: name scopes, and the suffixes that make names unique."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from minigraph.core.errors import GraphError
from minigraph.util.locks import Lock

VALID_NAME = re.compile(r"[A-Za-z0-9_.\\][A-Za-z0-9_.\\/>-]*")


class _Scope(threading.local):
    """The name of the open scope. Each thread has its own."""

    name = ""


class Names:
    """The names that a graph has given, and the scopes that its threads have open."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._names_used: dict[str, int] = {}
        self._scope = _Scope()

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """Make a name unique: in the current scope, with the first free suffix `_1`, `_2`, …; case does not count.

        Args:
            name: Name of a node or scope. With a slash at its end it is taken unchanged.
            mark_as_used: Whether the name is taken from now on.

        Returns:
            The full name, without a slash at its end.

        Raises:
            GraphError: The name is not valid.
        """
        if name.endswith("/"):
            if mark_as_used:
                self._names_used.setdefault(name[:-1].lower(), 1)
            return name[:-1]
        if not VALID_NAME.fullmatch(name):
            raise GraphError(f"'{name}' is not a valid name for a node or a scope")
        scope = self._scope.name
        full = f"{scope}/{name}" if scope else name
        key = full.lower()
        with self.lock:
            count = self._names_used.get(key, 0)
            if count == 0:
                if mark_as_used:
                    self._names_used[key] = 1
                return full
            while f"{key}_{count}" in self._names_used:
                count += 1
            if mark_as_used:
                self._names_used[key] = count + 1
                self._names_used[f"{key}_{count}"] = 1
            return f"{full}_{count}"

    def use_scopes(self, name: str) -> None:
        """Count the scopes in a node's name as used, as if they had been opened for it.

        Args:
            name: Full name of the node.
        """
        while "/" in name:
            name = name.rpartition("/")[0]
            self._names_used.setdefault(name.lower(), 1)

    def get_name_scope(self) -> str:
        """Tell the open name scope.

        Returns:
            Its name, without a slash at the end; an empty string outside of all.

        Example:
            >>> graph = tf.Graph()
            >>> with graph.name_scope("a"), graph.name_scope("b"):
            ...     graph.get_name_scope()
            'a/b'
        """
        return self._scope.name

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Open a scope that prefixes the names of nodes, in a `with` block.

        Args:
            name: Name of the scope, made unique. With a slash at its end, the scope of this name is opened again; None
                or "" leaves all scopes.

        Yields:
            The scope's name with a slash at its end, or an empty string.

        Raises:
            TypeError: `name` is not a string.
            GraphError: The name is not valid.
        """
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name for name_scope must be a string, not {name!r}")
        old = self._scope.name
        if not name:
            new = ""
        elif name.endswith("/"):
            new = name[:-1]
        else:
            new = self.unique_name(name)
        self._scope.name = new
        try:
            yield f"{new}/" if new else ""
        finally:
            self._scope.name = old
