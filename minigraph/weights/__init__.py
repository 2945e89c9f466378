"""Weight files of many formats, as arrays by name."""

from minigraph.weights.formats import FORMATS, Format, find_format, load_weights, save_weights

__all__ = ["FORMATS", "Format", "find_format", "load_weights", "save_weights"]
