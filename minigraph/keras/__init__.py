"""Keras as TensorFlow 1.15 has it: `tf.keras`.

Layers, models, losses, metrics, optimizers and callbacks for convolutional networks. A thin layer over minigraph's
graph and session: a model's tensors are the graph's, and `backend.get_session` is where it runs. Imports nothing of
`tf1/`, and knows no backend of a session.
"""

from minigraph.keras import activations as activations
from minigraph.keras import backend as backend
from minigraph.keras import callbacks as callbacks
from minigraph.keras import constraints as constraints
from minigraph.keras import datasets as datasets
from minigraph.keras import initializers as initializers
from minigraph.keras import layers as layers
from minigraph.keras import losses as losses
from minigraph.keras import metrics as metrics
from minigraph.keras import models as models
from minigraph.keras import optimizers as optimizers
from minigraph.keras import preprocessing as preprocessing
from minigraph.keras import regularizers as regularizers
from minigraph.keras import utils as utils
from minigraph.keras.layers.core import Input as Input
from minigraph.keras.models import Model as Model
from minigraph.keras.models import Sequential as Sequential

__version__ = "2.2.4-tf"
