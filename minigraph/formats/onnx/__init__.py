"""Import and export of ONNX models. The public interface is `minigraph.onnx`."""
