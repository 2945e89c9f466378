"""minigraph: a graph compiler for convolutional networks with the TensorFlow 1 programming model.

`import minigraph as tf`, build a graph, run it in a `tf.Session`.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from minigraph import filters, graph_util, image, initializers, layers, linalg, math, nn, summary, train, viz
from minigraph.autodiff.gradients import gradients
from minigraph.core import errors
from minigraph.core.collections import GraphKeys
from minigraph.core.dtypes import (
    DType,
    as_dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
)
from minigraph.core.dtypes import bool_ as bool
from minigraph.core.graph import Graph, Node, Tensor, convert_to_tensor, get_default_graph, reset_default_graph
from minigraph.core.graph_def import GraphDef
from minigraph.core.types import Dimension, TensorShape
from minigraph.graphs.importing import import_graph_def
from minigraph.graphs.scoping import (
    add_to_collection,
    add_to_collections,
    colocate_with,
    control_dependencies,
    device,
    get_collection,
    get_collection_ref,
    name_scope,
)
from minigraph.inspect.lint import (
    DoubleSoftmaxWarning,
    DropoutInEvaluationWarning,
    ReadAndUpdateWarning,
    SameBatchWarning,
    StaleMovingAveragesWarning,
)
from minigraph.inspect.trace import RunOptions
from minigraph.ops.array.arrays import (
    broadcast_to,
    count_nonzero,
    depth_to_space,
    diag,
    diag_part,
    eye,
    linspace,
    matrix_band_part,
    matrix_diag,
    matrix_diag_part,
    matrix_transpose,
    meshgrid,
    sequence_mask,
    space_to_depth,
    trace,
)
from minigraph.ops.array.dynamic import pad
from minigraph.ops.array.dynamic import slice_ as slice
from minigraph.ops.array.indexing import gather_nd, scatter_add, scatter_nd, scatter_sub, scatter_update
from minigraph.ops.array.joining import concat, gather, one_hot, split, stack, unstack
from minigraph.ops.array.shape import (
    expand_dims,
    fill,
    ones,
    rank,
    reshape,
    shape,
    size,
    squeeze,
    tile,
    transpose,
    zeros,
)
from minigraph.ops.array.slicing import reverse, strided_slice
from minigraph.ops.constant import constant, placeholder, placeholder_with_default
from minigraph.ops.control.branches import case, cond, while_loop
from minigraph.ops.control.checks import Assert_ as Assert
from minigraph.ops.control.checks import Print_ as Print
from minigraph.ops.control.checks import (
    assert_equal,
    assert_greater,
    assert_greater_equal,
    assert_less,
    assert_less_equal,
    assert_negative,
    assert_non_negative,
    assert_non_positive,
    assert_none_equal,
    assert_positive,
    assert_rank,
    assert_type,
    check_numerics,
    verify_tensor_all_finite,
)
from minigraph.ops.control.recompute import recompute
from minigraph.ops.filling import ones_like, zeros_like
from minigraph.ops.host.host_ops import boolean_mask, py_func, unique, where
from minigraph.ops.host.host_ops import range_of as range
from minigraph.ops.host.image_files import read_file, write_file
from minigraph.ops.identity import identity, stop_gradient
from minigraph.ops.image.geometry import random_crop
from minigraph.ops.math.algebra import confusion_matrix, einsum, norm, reduce_std, reduce_variance, tensordot
from minigraph.ops.math.arithmetic import (
    abs,
    accumulate_n,
    add,
    add_n,
    div_no_nan,
    divide,
    maximum,
    minimum,
    multiply,
    negative,
    reciprocal,
    scalar_mul,
    sign,
    square,
    squared_difference,
    subtract,
    truediv,
)
from minigraph.ops.math.casting import cast, to_double, to_float, to_int32, to_int64
from minigraph.ops.math.clipping import (
    clip_by_average_norm,
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
    saturate_cast,
)
from minigraph.ops.math.comparison import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from minigraph.ops.math.cumulative import cumprod, cumsum
from minigraph.ops.math.exponential import erf, exp, expm1, log, log1p, pow, rsqrt, sqrt
from minigraph.ops.math.finite import is_finite, is_inf, is_nan
from minigraph.ops.math.integer_division import div, floordiv, floormod
from minigraph.ops.math.integer_division import floormod as mod
from minigraph.ops.math.matmul import matmul
from minigraph.ops.math.reduce import (
    argmax,
    argmin,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
)
from minigraph.ops.math.rounding import ceil, floor, rint, round
from minigraph.ops.math.segments import argsort, identity_n, map_fn, segment_sum, sort, unsorted_segment_sum
from minigraph.ops.math.trigonometric import cos, sin, tanh
from minigraph.ops.nn.activation import log_sigmoid, sigmoid
from minigraph.ops.operators import install_operators as _install_operators
from minigraph.ops.random.distributions import random_normal, random_uniform, set_random_seed, truncated_normal
from minigraph.ops.random.sampling import multinomial, random_shuffle
from minigraph.ops.state.variable import group, no_op
from minigraph.ops.state.variable import tuple_ as tuple
from minigraph.run.initializers import (
    constant_initializer,
    glorot_normal_initializer,
    glorot_uniform_initializer,
    ones_initializer,
    orthogonal_initializer,
    random_normal_initializer,
    random_uniform_initializer,
    truncated_normal_initializer,
    variance_scaling_initializer,
    zeros_initializer,
)
from minigraph.run.session import GraphGrowsWarning, InteractiveSession, Session, get_default_session
from minigraph.run.variables import (
    AUTO_REUSE,
    Variable,
    VariableScope,
    assign,
    assign_add,
    assign_sub,
    get_variable,
    get_variable_scope,
    global_variables,
    global_variables_initializer,
    initialize_all_variables,
    local_variables,
    local_variables_initializer,
    model_variables,
    trainable_variables,
    variable_scope,
    variables_initializer,
)
from minigraph.train.moving_averages import moving_average_variables

if _TYPE_CHECKING:
    from minigraph import losses, metrics

_LATE = ("losses", "metrics")  # imported when they are asked for
Operation = Node
all_variables = global_variables
initialize_variables = variables_initializer
realdiv, reverse_v2 = truediv, reverse
newaxis = None
__version__ = "0.1.0"
_install_operators()


def __getattr__(name: str) -> _Any:
    """The modules that are imported late, and the protocol buffers, which need TensorBoard."""
    if name in _LATE:
        from importlib import import_module

        return import_module(f"minigraph.{name}")
    from minigraph.core.protos import MESSAGES, proto

    if name in MESSAGES:
        return proto(MESSAGES[name], name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
