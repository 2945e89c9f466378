"""Weight files of many formats: arrays by name, and their way into variables."""

from minigraph.formats.assign import assign_weights
from minigraph.formats.registry import FORMATS, Format, find_format, load_weights, save_weights

__all__ = ["FORMATS", "Format", "assign_weights", "find_format", "load_weights", "save_weights"]
