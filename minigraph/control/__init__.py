"""Loops under TensorFlow 1's names: `tf.while_loop`, `tf.map_fn`, `tf.scan`, `tf.TensorArray`.

Builds on the loops of the intermediate representation and on the ops; knows no backend.
"""

from minigraph.control.slices import *
from minigraph.control.tensor_array import *
from minigraph.control.while_loops import *
