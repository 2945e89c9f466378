"""minigraph: a graph compiler for convolutional networks with the TensorFlow 1 programming model.

`import minigraph as tf`, build a graph, run it in a `tf.Session`. Each name comes from the file that defines it; this
file holds only what imports some of them late.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from minigraph import initializers as initializers
from minigraph import linalg as linalg
from minigraph import math as math
from minigraph import nn as nn
from minigraph.autodiff.gradients import UnconnectedGradients as UnconnectedGradients
from minigraph.autodiff.gradients import gradients as gradients
from minigraph.autodiff.hessians import *
from minigraph.autodiff.registry import *
from minigraph.core import errors as errors
from minigraph.core.collections import GraphKeys as GraphKeys
from minigraph.core.convert import *
from minigraph.core.default_graph import *
from minigraph.core.dtypes import *
from minigraph.core.dtypes import bool_ as _bool
from minigraph.core.graph import *
from minigraph.core.graph_views import install_display as _install_display
from minigraph.core.graph_views import install_messages as _install_messages
from minigraph.core.tracebacks import install as _install_tracebacks
from minigraph.core.types import *
from minigraph.graphs.scoping import *
from minigraph.ops.array.arrays import *
from minigraph.ops.array.diagonals import *
from minigraph.ops.array.dynamic import *
from minigraph.ops.array.dynamic import slice_ as _slice
from minigraph.ops.array.gathering import *
from minigraph.ops.array.indexed_slices import *
from minigraph.ops.array.indexing import *
from minigraph.ops.array.joining import *
from minigraph.ops.array.one_hot import *
from minigraph.ops.array.reshape import *
from minigraph.ops.array.reversal import *
from minigraph.ops.array.sequences import *
from minigraph.ops.array.shape import *
from minigraph.ops.array.slicing import *
from minigraph.ops.array.space_to_batch import *
from minigraph.ops.constant import *
from minigraph.ops.control.assertions import *
from minigraph.ops.control.branches import *
from minigraph.ops.control.checks import *
from minigraph.ops.control.checks import Assert_ as _Assert
from minigraph.ops.control.checks import Print_ as _Print
from minigraph.ops.control.recompute import *
from minigraph.ops.control.static_checks import *
from minigraph.ops.filling import *
from minigraph.ops.host.host_ops import *
from minigraph.ops.host.host_ops import range_of as _range
from minigraph.ops.identity import *
from minigraph.ops.math.add_n import *
from minigraph.ops.math.algebra import *
from minigraph.ops.math.argmax import *
from minigraph.ops.math.arithmetic import *
from minigraph.ops.math.casting import *
from minigraph.ops.math.clipping import *
from minigraph.ops.math.comparison import *
from minigraph.ops.math.cumulative import *
from minigraph.ops.math.elementary import *
from minigraph.ops.math.erf import *
from minigraph.ops.math.exponential import *
from minigraph.ops.math.extremes import *
from minigraph.ops.math.finite import *
from minigraph.ops.math.integer_division import *
from minigraph.ops.math.linear_algebra import *
from minigraph.ops.math.linear_systems import *
from minigraph.ops.math.matmul import matmul as matmul
from minigraph.ops.math.reduce import *
from minigraph.ops.math.reduce_extremes import *
from minigraph.ops.math.reduce_product import *
from minigraph.ops.math.rounding import *
from minigraph.ops.math.scaling import *
from minigraph.ops.math.segment_reductions import *
from minigraph.ops.math.segments import *
from minigraph.ops.math.trigonometric import *
from minigraph.ops.nn.activation import log_sigmoid as log_sigmoid
from minigraph.ops.nn.activation import sigmoid as sigmoid
from minigraph.ops.operators import install_operators as _install_operators
from minigraph.ops.random.distributions import *
from minigraph.ops.random.sampling import *
from minigraph.ops.state.scatter_api import *
from minigraph.ops.state.variable import *
from minigraph.ops.state.variable import tuple_ as _tuple
from minigraph.run.growth import *
from minigraph.run.initializers import *
from minigraph.run.variable_lists import *
from minigraph.run.variable_scope import *
from minigraph.run.variables import *

if _TYPE_CHECKING:
    from minigraph import filters as filters
    from minigraph import graph_util as graph_util
    from minigraph import image as image
    from minigraph import keras as keras
    from minigraph import layers as layers
    from minigraph import losses as losses
    from minigraph import metrics as metrics
    from minigraph import saved_model as saved_model
    from minigraph import summary as summary
    from minigraph import train as train
    from minigraph import viz as viz
    from minigraph.control.slices import *
    from minigraph.control.tensor_array import *
    from minigraph.control.while_loops import *
    from minigraph.formats.tensorflow.graph_def import import_graph_def as import_graph_def
    from minigraph.inspect.lint import *
    from minigraph.inspect.trace import RunOptions as RunOptions
    from minigraph.keras.graph_fit import fit as fit
    from minigraph.ops.host.image_files import read_file as read_file
    from minigraph.ops.host.image_files import write_file as write_file
    from minigraph.ops.image.crop import random_crop as random_crop
    from minigraph.run.default_session import *
    from minigraph.run.session import *
    from minigraph.train.moving_averages import moving_average_variables as moving_average_variables
    from minigraph.viz.layer_summary import summary_of as summary_of

    AttrValue: _Any
    Event: _Any
    GraphDef: _Any
    HistogramProto: _Any
    MetaGraphDef: _Any
    NameAttrList: _Any
    NodeDef: _Any
    RunMetadata: _Any
    SessionLog: _Any
    Summary: _Any
    TensorInfo: _Any

# Imported when they are asked for: modules, and names with the module that has each.
_LATE_MODULES = ("filters", "graph_util", "image", "keras", "layers", "losses", "metrics", "saved_model", "summary",
                 "train", "viz")  # fmt: skip
_LATE = {
    "DoubleSoftmaxWarning": "inspect.lint",
    "DropoutInEvaluationWarning": "inspect.lint",
    "EmptyBatchWarning": "inspect.lint",
    "InteractiveSession": "run.default_session",
    "RunOptions": "inspect.trace",
    "LostPixelsWarning": "inspect.lint",
    "SameBatchWarning": "inspect.lint",
    "Session": "run.session",
    "StaleMovingAveragesWarning": "inspect.lint",
    "TensorArray": "control.tensor_array",
    "UnorderedUpdatesWarning": "inspect.lint",
    "fit": "keras.graph_fit",
    "foldl": "control.slices",
    "foldr": "control.slices",
    "get_default_session": "run.default_session",
    "import_graph_def": "formats.tensorflow.graph_def",
    "map_fn": "control.slices",
    "moving_average_variables": "train.moving_averages",
    "random_crop": "ops.image.crop",
    "read_file": "ops.host.image_files",
    "scan": "control.slices",
    "summary_of": "viz.layer_summary",
    "while_loop": "control.while_loops",
    "write_file": "ops.host.image_files",
}
Assert, Print, bool, range, slice, tuple = _Assert, _Print, _bool, _range, _slice, _tuple
Operation = Node
all_variables = global_variables
initialize_variables = variables_initializer
mod, reverse_v2 = floormod, reverse
newaxis = None
__version__ = "0.1.0"
_install_operators()
_install_tracebacks()


def _display(shown: _Any) -> dict[str, str]:
    """The display of graphs and tensors in notebooks, imported when the first one is shown."""
    from minigraph.viz.notebook import display

    return display(shown)


def _graph_def(graph: Graph, add_shapes: _Any) -> _Any:
    """TensorFlow's message of a graph, whose writer is imported when it is first asked for."""
    from minigraph.formats.tensorflow.exporting import graph_message

    return graph_message(graph, add_shapes=add_shapes)


def _op_def(node: _Any) -> _Any:
    """TensorFlow's message of a node's op."""
    from minigraph.formats.tensorflow.op_def import op_definition

    return op_definition(node)


_install_display(_display)
_install_messages(_graph_def, _op_def)

if not _TYPE_CHECKING:  # type checkers would take any name for one of minigraph's
    __all__ = [name for name in globals() if name[0] != "_"] + [*_LATE_MODULES, *_LATE]

    def __getattr__(name: str) -> _Any:
        """The modules and names that are imported late, and the protocol buffers, which need TensorBoard."""
        from importlib import import_module

        if name in _LATE_MODULES:
            return import_module(f"minigraph.{name}")
        if name in _LATE:
            value = globals()[name] = getattr(import_module(f"minigraph.{_LATE[name]}"), name)
            return value
        from minigraph.core.protos import MESSAGES, proto

        if name in MESSAGES:
            return proto(MESSAGES[name], name)
        from minigraph.core.habits import no_attribute

        raise no_attribute(__name__, name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATE_MODULES, *_LATE})
