"""Mathematical functions, under the names of TensorFlow 1's `tf.math`."""

from minigraph.nn import in_top_k, l2_normalize, log_softmax, softmax, softplus, softsign, top_k, zero_fraction
from minigraph.ops.array.arrays import count_nonzero
from minigraph.ops.math.algebra import confusion_matrix, reduce_std, reduce_variance
from minigraph.ops.math.cumulative import cumprod, cumsum
from minigraph.ops.math.math_api import (
    abs,
    add,
    add_n,
    ceil,
    cos,
    div_no_nan,
    divide,
    equal,
    exp,
    floor,
    floordiv,
    floormod,
    greater,
    greater_equal,
    is_finite,
    is_nan,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    pow,
    reciprocal,
    round,
    rsqrt,
    sigmoid,
    sign,
    sin,
    sqrt,
    square,
    squared_difference,
    subtract,
    tanh,
    truediv,
)
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
from minigraph.ops.math.special import erf, expm1, is_inf, log_sigmoid, rint

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
