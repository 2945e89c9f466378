"""Variables, assignments and optimizer updates: ops that write.

The Python class `Variable` belongs to `run/`, the optimizers to `train/`.
"""
