"""Callbacks: actions between the steps of training.

They know the model that runs by its methods only.
"""

from minigraph.keras.callbacks.base import *
from minigraph.keras.callbacks.recording import *
from minigraph.keras.callbacks.watching import *
