"""Convolution, pooling, normalisation, activations, losses: ops of neural networks.

Makes no variables: layers that do are in `minigraph/layers/`.
"""
