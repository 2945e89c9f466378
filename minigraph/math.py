"""Mathematical functions, under the names of TensorFlow 1's `tf.math`."""

from minigraph.nn import in_top_k, l2_normalize, log_softmax, softmax, softplus, softsign, top_k, zero_fraction
from minigraph.ops.array.arrays import count_nonzero
from minigraph.ops.math.algebra import confusion_matrix, reduce_std, reduce_variance
from minigraph.ops.math.arithmetic import (
    abs,
    add,
    add_n,
    div_no_nan,
    divide,
    maximum,
    minimum,
    multiply,
    negative,
    reciprocal,
    sign,
    square,
    squared_difference,
    subtract,
    truediv,
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
from minigraph.ops.math.integer_division import floordiv, floormod
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
from minigraph.ops.math.trigonometric import cos, sin, tanh
from minigraph.ops.nn.activation import log_sigmoid, sigmoid

mod = floormod

__all__ = [
    "abs", "add", "add_n", "argmax", "argmin", "ceil", "confusion_matrix", "cos", "count_nonzero", "cumprod",
    "cumsum",
    "div_no_nan", "divide", "equal", "erf", "exp", "expm1", "floor", "floordiv", "floormod", "greater", "greater_equal",
    "in_top_k", "is_finite", "is_inf", "is_nan", "l2_normalize", "less", "less_equal", "log", "log1p", "log_sigmoid",
    "log_softmax", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "mod", "multiply",
    "negative", "not_equal", "pow", "reciprocal", "reduce_all", "reduce_any", "reduce_logsumexp", "reduce_max",
    "reduce_mean", "reduce_min", "reduce_prod", "reduce_std", "reduce_sum", "reduce_variance", "rint", "round", "rsqrt",
    "sigmoid", "sign", "sin", "softmax", "softplus", "softsign", "sqrt", "square", "squared_difference", "subtract",
    "tanh", "top_k", "truediv", "zero_fraction",
]  # fmt: skip
