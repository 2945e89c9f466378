"""Losses, as functions and as objects.

Each computes by ops of the interface; knows no model.
"""

from minigraph.keras.losses.classes import *
from minigraph.keras.losses.functions import *
