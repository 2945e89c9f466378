"""SavedModel folders of TensorFlow 1: a graph, its variables, and signatures, under `tf.saved_model`'s names.

Needs TensorBoard, which has TensorFlow's messages. No format stands here: graphs and messages are read and written by
`formats`, variables by `train`.
"""

from minigraph.saved_model.builder import *
from minigraph.saved_model.constants import *
from minigraph.saved_model.constants import signature_constants as signature_constants
from minigraph.saved_model.constants import tag_constants as tag_constants
from minigraph.saved_model.loader import *
from minigraph.saved_model.signatures import *
