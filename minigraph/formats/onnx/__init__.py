"""ONNX models into graphs and out of them. `minigraph.onnx` is the public face."""
