"""Data sets by their names: MNIST.

Imports minigraph's data, and nothing else of Keras.
"""

from minigraph.keras.datasets import mnist as mnist
