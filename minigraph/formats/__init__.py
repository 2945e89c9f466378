"""File formats of other programs: weights, TensorFlow's checkpoints, ONNX models.

Readers return arrays or records; only `formats/onnx` builds graphs, through the interface.
"""
