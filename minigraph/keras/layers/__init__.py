"""Keras's layers, one file for each kind.

Each computes by ops of the interface; knows no model and no training.
"""

from minigraph.keras.base_layer import Layer as Layer
from minigraph.keras.layers.borders import *
from minigraph.keras.layers.convolutional import *
from minigraph.keras.layers.convolutional_recurrent import *
from minigraph.keras.layers.core import *
from minigraph.keras.layers.merge import *
from minigraph.keras.layers.noise import *
from minigraph.keras.layers.normalization import *
from minigraph.keras.layers.pooling import *
from minigraph.keras.layers.recurrent import *
from minigraph.keras.layers.recurrent_cells import *
from minigraph.keras.layers.separable import *
from minigraph.keras.layers.wrappers import *
from minigraph.keras.shapes import InputSpec as InputSpec
