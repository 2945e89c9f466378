"""TensorFlow 1's random streams (Philox) and the ops that draw from them."""
