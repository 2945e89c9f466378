"""Summaries for TensorBoard: ops that make them, and files that hold them.

May import `run` and below; knows no training loop.
"""

from typing import Any

from minigraph.core.habits import no_attribute
from minigraph.core.protos import MESSAGES, proto
from minigraph.summary.api import histogram, image, merge, merge_all, scalar
from minigraph.summary.writer import FileWriter, FileWriterCache

__all__ = [
    "Event",
    "FileWriter",
    "FileWriterCache",
    "SessionLog",
    "Summary",
    "histogram",
    "image",
    "merge",
    "merge_all",
    "scalar",
]


def __getattr__(name: str) -> Any:
    """The protocol buffers, which need TensorBoard."""
    if name in __all__:
        return proto(MESSAGES[name], name)
    raise no_attribute(__name__, name)
