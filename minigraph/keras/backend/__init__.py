"""Keras's backend functions: `from minigraph.keras import backend as K`.

Each is an op of the interface under Keras's name; knows no layer and no model.
"""

from minigraph.keras.backend.arithmetic import *
from minigraph.keras.backend.functions import *
from minigraph.keras.backend.shapes import *
from minigraph.keras.backend.tensors import *
from minigraph.keras.backend.variables import *
from minigraph.keras.state import *
