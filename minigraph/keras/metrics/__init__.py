"""Metrics, as functions and as objects: numbers that a model reports, as means over all examples of an epoch.

Each computes by ops of the interface; knows no model.
"""

from minigraph.keras.metrics.base import *
from minigraph.keras.metrics.functions import *
from minigraph.keras.metrics.means import *
from minigraph.keras.metrics.table import *
from minigraph.keras.metrics.totals import *
