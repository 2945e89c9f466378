"""Convolution, pooling, normalisation, activations, losses: ops of neural networks."""
