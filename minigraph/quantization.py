"""Quantisation to 8-bit integers. See docs/quantize.md."""

from minigraph.ops.math.quantization import *
