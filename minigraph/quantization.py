"""Quantisation to 8-bit integers. See docs/quantize.md."""

from minigraph.ops.math.quantization import dequantize_linear as dequantize_linear
from minigraph.ops.math.quantization import quantize_linear as quantize_linear
