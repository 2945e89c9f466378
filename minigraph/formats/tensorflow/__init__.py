"""TensorFlow 1's checkpoints, both versions."""
