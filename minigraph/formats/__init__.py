"""Files of other programs: weights of many formats, TensorFlow's checkpoints, ONNX models.

Readers give arrays or records; only `formats/onnx` builds graphs, by the interface.
"""
