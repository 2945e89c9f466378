"""Losses of whole batches, which are added to a collection of the graph: TensorFlow 1's `tf.losses`.

Each function computes one loss per example (or per element), multiplies the losses by weights, reduces them
to one number, and adds that number to the collection `tf.GraphKeys.LOSSES`; `get_total_loss` sums the collection.

No formula with a gradient of its own stands here: losses of single examples are ops, in `ops/nn/`.
"""

from minigraph.core.habits import advise as _advise
from minigraph.losses.arguments import *
from minigraph.losses.collection import *
from minigraph.losses.cross_entropy import *
from minigraph.losses.distances import *
from minigraph.losses.reduction import *

_advise(__name__)
