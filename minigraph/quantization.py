"""Quantisation to 8-bit integers. See docs/quantize.md."""

from minigraph.ops.math.quantization import dequantize_linear as dequantize_linear
from minigraph.ops.math.quantization import quantize_linear as quantize_linear
from minigraph.quantized.network import QuantizedNetwork as QuantizedNetwork
from minigraph.quantized.network import quantize_network as quantize_network
