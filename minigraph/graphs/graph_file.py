"""Graph files: the text of a graph definition on disk. Reading gives back the same definition, to the bit."""

from __future__ import annotations

import os

from minigraph.core.errors import NotFoundError
from minigraph.core.graph_def import Saved, from_bytes, to_text
from minigraph.util.files import atomic_write


def write_graph_file(path: str | os.PathLike[str], saved: Saved) -> None:
    """Write the file whole or not at all, making its folder. GraphError where an attribute cannot be written."""
    text = to_text(saved)
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with atomic_write(path, "w") as file:
        file.write(text)


def read_graph_file(path: str | os.PathLike[str]) -> Saved:
    """What was written. NotFoundError; DataLossError where it is damaged, another kind of file, or a newer version."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        raise NotFoundError(f"no graph file at {os.fspath(path)}") from None
    return from_bytes(content, os.fspath(path))
