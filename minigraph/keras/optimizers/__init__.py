"""Keras's optimizers.

They are optimizers of `minigraph.train`; know no model.
"""

from minigraph.keras.optimizers.base import *
from minigraph.keras.optimizers.kinds import *
