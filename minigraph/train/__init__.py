"""Training: optimizers, checkpoints, the global step."""

from minigraph.train.global_step import create_global_step, get_global_step, get_or_create_global_step, global_step
from minigraph.train.meta_graph import export_meta_graph, import_meta_graph, write_graph
from minigraph.train.optimizer import (
    AdagradOptimizer,
    AdamOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    Optimizer,
    RMSPropOptimizer,
)
from minigraph.train.saver import Saver, checkpoint_exists, latest_checkpoint, read_metadata

__all__ = [
    "AdagradOptimizer",
    "AdamOptimizer",
    "GradientDescentOptimizer",
    "MomentumOptimizer",
    "Optimizer",
    "RMSPropOptimizer",
    "Saver",
    "checkpoint_exists",
    "create_global_step",
    "export_meta_graph",
    "get_global_step",
    "get_or_create_global_step",
    "global_step",
    "import_meta_graph",
    "latest_checkpoint",
    "read_metadata",
    "write_graph",
]
