"""The API functions of pointwise ops, and Python's operators on tensors.

Operands may be tensors, variables, arrays or numbers; binary functions broadcast.
"""

from __future__ import annotations

from typing import Any

from minigraph.core.dtypes import as_dtype, bool_, float32, float64
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Tensor, convert_to_tensor
from minigraph.core.op import Op
from minigraph.core.operand import OPERATORS
from minigraph.ops import filling as F
from minigraph.ops.array.slicing import getitem
from minigraph.ops.builder import as_tensor_like, first, graph_of, make
from minigraph.ops.control.checks import checked_divisor
from minigraph.ops.math import comparison as C
from minigraph.ops.math import elementwise as E
from minigraph.ops.math import selection as S
from minigraph.ops.math.matmul import matmul
from minigraph.ops.pointwise import binary, unary


def negative(x: Any, name: str | None = None) -> Tensor:
    """−x."""
    return unary(E.Neg(), x, name, "Neg")


def abs(x: Any, name: str | None = None) -> Tensor:
    """|x|."""
    return unary(E.Abs(), x, name, "Abs")


def sign(x: Any, name: str | None = None) -> Tensor:
    """The sign of x: −1, 0 or 1."""
    return unary(E.Sign(), x, name, "Sign")


def floor(x: Any, name: str | None = None) -> Tensor:
    """⌊x⌋."""
    return unary(E.Floor(), x, name, "Floor")


def ceil(x: Any, name: str | None = None) -> Tensor:
    """⌈x⌉."""
    return unary(E.Ceil(), x, name, "Ceil")


def round(x: Any, name: str | None = None) -> Tensor:
    """x rounded; halves go to the even neighbour."""
    return unary(E.Round(), x, name, "Round")


def is_nan(x: Any, name: str | None = None) -> Tensor:
    """Whether x is NaN."""
    return unary(C.IsNan(), x, name, "IsNan")


def is_finite(x: Any, name: str | None = None) -> Tensor:
    """Whether x is neither NaN nor infinite."""
    return unary(C.IsFinite(), x, name, "IsFinite")


def exp(x: Any, name: str | None = None) -> Tensor:
    """e^x."""
    return unary(E.Exp(), x, name, "Exp")


def log(x: Any, name: str | None = None) -> Tensor:
    """The natural logarithm."""
    return unary(E.Log(), x, name, "Log")


def log1p(x: Any, name: str | None = None) -> Tensor:
    """log(1 + x)."""
    return unary(E.Log1p(), x, name, "Log1p")


def sqrt(x: Any, name: str | None = None) -> Tensor:
    """√x."""
    return unary(E.Sqrt(), x, name, "Sqrt")


def rsqrt(x: Any, name: str | None = None) -> Tensor:
    """1/√x."""
    return unary(E.Rsqrt(), x, name, "Rsqrt")


def reciprocal(x: Any, name: str | None = None) -> Tensor:
    """1/x."""
    return unary(E.Reciprocal(), x, name, "Reciprocal")


def square(x: Any, name: str | None = None) -> Tensor:
    """x²."""
    return unary(E.Square(), x, name, "Square")


def sin(x: Any, name: str | None = None) -> Tensor:
    """sin x."""
    return unary(E.Sin(), x, name, "Sin")


def cos(x: Any, name: str | None = None) -> Tensor:
    """cos x."""
    return unary(E.Cos(), x, name, "Cos")


def tanh(x: Any, name: str | None = None) -> Tensor:
    """tanh x."""
    return unary(E.Tanh(), x, name, "Tanh")


def sigmoid(x: Any, name: str | None = None) -> Tensor:
    """1/(1 + e^−x)."""
    return unary(E.Sigmoid(), x, name, "Sigmoid")


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """not x."""
    return unary(C.LogicalNot(), x, name, "LogicalNot")


def relu(features: Any, name: str | None = None) -> Tensor:
    """max(x, 0); the derivative at 0 is 0."""
    return unary(E.Relu(), features, name, "Relu", "features")


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(x, 0), 6); the derivative at 0 and at 6 is 0."""
    return unary(E.Relu6(), features, name, "Relu6", "features")


def elu(features: Any, name: str | None = None) -> Tensor:
    """x for x ≥ 0, else e^x − 1."""
    return unary(E.Elu(), features, name, "Elu", "features")


def softplus(features: Any, name: str | None = None) -> Tensor:
    """log(1 + e^x)."""
    return unary(E.Softplus(), features, name, "Softplus", "features")


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x + y."""
    return binary(E.Add(), x, y, name, "Add")


def subtract(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x − y."""
    return binary(E.Sub(), x, y, name, "Sub")


def multiply(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x·y."""
    return binary(E.Mul(), x, y, name, "Mul")


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """⌊x / y⌋."""
    return binary(E.FloorDiv(), x, checked_divisor(x, y), name, "floordiv")


def floormod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x mod y, with the sign of y."""
    return binary(E.FloorMod(), x, checked_divisor(x, y), name, "FloorMod")


def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x^y."""
    return binary(E.Pow(), x, y, name, "Pow")


def maximum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """max(x, y); on ties the gradient goes to x."""
    return binary(E.Maximum(), x, y, name, "Maximum")


def minimum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """min(x, y); on ties the gradient goes to x."""
    return binary(E.Minimum(), x, y, name, "Minimum")


def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """(x − y)²."""
    return binary(E.SquaredDifference(), x, y, name, "SquaredDifference")


def equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x = y."""
    return binary(C.Equal(), x, y, name, "Equal")


def not_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x ≠ y."""
    return binary(C.NotEqual(), x, y, name, "NotEqual")


def less(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x < y."""
    return binary(C.Less(), x, y, name, "Less")


def less_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x ≤ y."""
    return binary(C.LessEqual(), x, y, name, "LessEqual")


def greater(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x > y."""
    return binary(C.Greater(), x, y, name, "Greater")


def greater_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x ≥ y."""
    return binary(C.GreaterEqual(), x, y, name, "GreaterEqual")


def logical_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x and y."""
    return binary(C.LogicalAnd(), x, y, name, "LogicalAnd")


def logical_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x or y."""
    return binary(C.LogicalOr(), x, y, name, "LogicalOr")


def logical_xor(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x xor y."""
    return binary(C.LogicalXor(), x, y, name, "LogicalXor")


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as real numbers: integers are cast first, small ones to float32, int32 and int64 to float64."""
    x, y = as_tensor_like(x), as_tensor_like(y)
    tensor = x if isinstance(x, Tensor) else y if isinstance(y, Tensor) else None
    if tensor is not None and tensor.dtype.is_integer:
        wide = float64 if tensor.dtype.size >= 4 else float32
        x, y = (cast(convert_to_tensor(v, preferred_dtype=tensor.dtype), wide) for v in (x, y))
    return binary(E.RealDiv(), x, y, name, "truediv")


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as Python 3 divides."""
    return truediv(x, y, name)


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y as Python 2 divides: integers give ⌊x / y⌋."""
    x, y = as_tensor_like(x), as_tensor_like(y)
    tensor = x if isinstance(x, Tensor) else y
    integer = isinstance(tensor, Tensor) and tensor.dtype.is_integer
    return binary(E.FloorDiv() if integer else E.RealDiv(), x, checked_divisor(x, y), name, "div")


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """x / y, and 0 where y is 0."""
    return binary(E.DivNoNan(), x, y, name, "div_no_nan")


def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`x` as another dtype; `x` itself where it has that dtype already."""
    tensor = convert_to_tensor(x)
    wanted = as_dtype(dtype)
    if tensor.dtype is wanted:
        return tensor
    return first(make(S.Cast(wanted), name, "Cast", {"x": tensor}))


def to_float(x: Any, name: str = "ToFloat") -> Tensor:
    """`x` as float32."""
    return cast(x, float32, name)


def to_int32(x: Any, name: str = "ToInt32") -> Tensor:
    """`x` as int32."""
    return cast(x, "int32", name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """x where `condition` holds, else y. The one-argument form has a shape that depends on values: not supported."""
    if x is None or y is None:
        raise ValueError("tf.where needs x and y: the form that returns indices has no static shape")
    x, y = as_tensor_like(x), as_tensor_like(y)
    given = x if isinstance(x, Tensor) else y if isinstance(y, Tensor) else None
    condition = as_tensor_like(condition)
    with graph_of([condition, x, y]).as_default():
        x, y = (convert_to_tensor(v, None if given is None else given.dtype) for v in (x, y))
        condition = convert_to_tensor(condition, bool_)
    return first(x.graph.add(S.Select(), (condition, x, y), name))


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of a list of tensors of one type."""
    tensors = [convert_to_tensor(t) for t in inputs]
    if not tensors:
        raise ShapeError("add_n needs at least one tensor")
    return first(make(S.AddN(), name, "AddN", {f"inputs_{i}": t for i, t in enumerate(tensors)}))


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Tensor:
    """max(min(t, clip_value_max), clip_value_min); no gradient flows where it clips."""
    tensor = convert_to_tensor(t)
    with tensor.graph.name_scope(name or "clip_by_value") as scope:
        low = binary(E.Minimum(), tensor, clip_value_max, None, "Minimum")
        return binary(E.Maximum(), low, clip_value_min, scope, "Maximum")


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Zeros of the shape of `tensor`."""
    result = unary(F.ZerosLike(), tensor, name, "zeros_like")
    return result if dtype is None else cast(result, dtype)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None) -> Tensor:
    """Ones of the shape of `tensor`."""
    result = first(make(F.OnesLike(), name, "ones_like", {"x": tensor}, consts=("Shape", "ones_const")))
    return result if dtype is None else cast(result, dtype)


def _pair(op: Op, default: str) -> Any:
    return lambda x, y: binary(op, x, y, None, default)


OPERATORS.update(
    {
        "add": _pair(E.AddV2(), "add"),
        "sub": _pair(E.Sub(), "sub"),
        "mul": _pair(E.Mul(), "mul"),
        "truediv": truediv,
        "floordiv": floordiv,
        "mod": lambda x, y: floormod(x, y, "mod"),
        "pow": _pair(E.Pow(), "pow"),
        "matmul": matmul,
        "less": less,
        "less_equal": less_equal,
        "greater": greater,
        "greater_equal": greater_equal,
        "and": logical_and,
        "or": logical_or,
        "xor": logical_xor,
        "neg": negative,
        "abs": abs,
        "invert": logical_not,
        "getitem": getitem,
    }
)
