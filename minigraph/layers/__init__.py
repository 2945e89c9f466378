"""Layers that make their own variables, under the names of TensorFlow 1's `tf.layers`.

Each layer is a function (`conv2d`), and a class (`Conv2D`) whose objects can be called several times with the same
variables. Imports sessions' variables and ops; knows no backend. Layers of old programs (slim) are in `tf1/`.
"""

from minigraph.layers.base import *
from minigraph.layers.classes import *
from minigraph.layers.functions import *
from minigraph.layers.normalization import *
from minigraph.layers.other_ranks import *
from minigraph.layers.transposed import *

Convolution2D = Conv2D
Deconvolution2D = Conv2DTranspose
Deconvolution3D = Conv3DTranspose
