"""Import and export of ONNX models. The public interface is `minigraph.onnx`.

Builds graphs by the interface, so it stands above it; may import anything but `models`, `tf1` and `tools`.
"""
