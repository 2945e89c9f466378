"""Python's operators on tensors and variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigraph.core.graph import Tensor
from minigraph.core.op import Op
from minigraph.core.operand import OPERATORS
from minigraph.ops.array.late_slicing import getitem
from minigraph.ops.math.arithmetic import AddV2, Mul, Sub, abs, negative, truediv
from minigraph.ops.math.comparison import (
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
)
from minigraph.ops.math.exponential import Pow
from minigraph.ops.math.integer_division import floordiv, floormod
from minigraph.ops.math.matmul import matmul
from minigraph.ops.pointwise import binary


def install_operators() -> None:
    """Give `Operand` its operators. `x + y` makes the nodes that it makes in TensorFlow 1.15."""
    OPERATORS.update(
        {
            "add": _pair(AddV2(), "add"),
            "sub": _pair(Sub(), "sub"),
            "mul": _pair(Mul(), "mul"),
            "truediv": truediv,
            "floordiv": floordiv,
            "mod": lambda x, y: floormod(x, y, "mod"),
            "pow": _pair(Pow(), "pow"),
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


def _pair(op: Op, default: str) -> Callable[[Any, Any], Tensor]:
    return lambda x, y: binary(op, x, y, None, default)
