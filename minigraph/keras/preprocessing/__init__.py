"""Preparation of data before it goes into a model: images.

Works on arrays and files; knows no graph.
"""

from minigraph.keras.preprocessing import image as image
