"""Training: optimizers, checkpoints, the global step."""

from minigraph.train.checkpoint_reader import (
    NewCheckpointReader,
    init_from_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
)
from minigraph.train.checkpoint_state import checkpoint_exists, get_checkpoint_state, latest_checkpoint
from minigraph.train.coordinator import Coordinator
from minigraph.train.decay import (
    cosine_decay,
    cosine_decay_restarts,
    exponential_decay,
    inverse_time_decay,
    linear_cosine_decay,
    natural_exp_decay,
    piecewise_constant,
    polynomial_decay,
)
from minigraph.train.global_step import create_global_step, get_global_step, get_or_create_global_step, global_step
from minigraph.train.graph_export import export_meta_graph, write_graph
from minigraph.train.meta_graph import import_meta_graph
from minigraph.train.moving_averages import ExponentialMovingAverage
from minigraph.train.native_checkpoint import read_metadata
from minigraph.train.optimizer import (
    AdadeltaOptimizer,
    AdagradOptimizer,
    AdamOptimizer,
    FtrlOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    Optimizer,
    RMSPropOptimizer,
)
from minigraph.train.queue_runner import QueueRunner, add_queue_runner, start_queue_runners
from minigraph.train.saver import Saver

piecewise_constant_decay = piecewise_constant

__all__ = [
    "AdadeltaOptimizer",
    "AdagradOptimizer",
    "AdamOptimizer",
    "Coordinator",
    "ExponentialMovingAverage",
    "FtrlOptimizer",
    "GradientDescentOptimizer",
    "MomentumOptimizer",
    "NewCheckpointReader",
    "Optimizer",
    "QueueRunner",
    "RMSPropOptimizer",
    "Saver",
    "add_queue_runner",
    "checkpoint_exists",
    "cosine_decay",
    "cosine_decay_restarts",
    "create_global_step",
    "exponential_decay",
    "export_meta_graph",
    "get_checkpoint_state",
    "get_global_step",
    "get_or_create_global_step",
    "global_step",
    "import_meta_graph",
    "init_from_checkpoint",
    "inverse_time_decay",
    "latest_checkpoint",
    "linear_cosine_decay",
    "list_variables",
    "load_checkpoint",
    "load_variable",
    "natural_exp_decay",
    "piecewise_constant",
    "piecewise_constant_decay",
    "polynomial_decay",
    "read_metadata",
    "start_queue_runners",
    "write_graph",
]
