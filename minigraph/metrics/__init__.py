"""Measures over many batches, counted in local variables: TensorFlow 1's `tf.metrics`.

Each function gives (value, update_op). Running `update_op` adds a batch and gives the new value; `value` gives the
value so far. The variables are in the collections LOCAL_VARIABLES and METRIC_VARIABLES;
`tf.local_variables_initializer()` sets them to zero. Labels and predictions may differ by a last axis of size 1,
which is removed.

Measures of one batch, such as `tf.nn.in_top_k`, are ops and belong to `ops/`.
"""

from minigraph.core.habits import advise as _advise
from minigraph.metrics.binary import *
from minigraph.metrics.classes import *
from minigraph.metrics.means import *

_advise(__name__)
