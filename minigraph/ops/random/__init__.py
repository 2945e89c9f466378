"""TensorFlow 1's random streams (Philox) and the ops that draw from them.

Draws by seed and counter only; nothing here keeps a state between runs.
"""
