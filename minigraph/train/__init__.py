"""Training, under the names of TensorFlow 1's `tf.train`: optimizers, checkpoints, the global step, queue runners.

May import `formats` and below; knows no network and no command.
"""

from minigraph.core.habits import advise as _advise
from minigraph.train.checkpoint_reader import NewCheckpointReader as NewCheckpointReader
from minigraph.train.checkpoint_reader import init_from_checkpoint as init_from_checkpoint
from minigraph.train.checkpoint_reader import list_variables as list_variables
from minigraph.train.checkpoint_reader import load_checkpoint as load_checkpoint
from minigraph.train.checkpoint_reader import load_variable as load_variable
from minigraph.train.checkpoint_state import checkpoint_exists as checkpoint_exists
from minigraph.train.checkpoint_state import get_checkpoint_state as get_checkpoint_state
from minigraph.train.checkpoint_state import latest_checkpoint as latest_checkpoint
from minigraph.train.coordinator import *
from minigraph.train.decay import *
from minigraph.train.global_step import *
from minigraph.train.graph_export import *
from minigraph.train.meta_graph import *
from minigraph.train.moving_averages import ExponentialMovingAverage as ExponentialMovingAverage
from minigraph.train.native_checkpoint import read_metadata as read_metadata
from minigraph.train.optimizer import *
from minigraph.train.optimizers import *
from minigraph.train.queue_runner import *
from minigraph.train.saver import Saver as Saver

piecewise_constant_decay = piecewise_constant
_advise(__name__)
