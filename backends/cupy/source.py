"""CUDA C for types, numbers, indices and scalar expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType, float32
from minigraph.core.moves import c_strides
from minigraph.core.scalar import Scalar, operand, walk

NAMES = {
    "float32": "float",
    "float64": "double",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "bool": "bool",
    "float16": "mg::half",
}

_INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "equal": "==",
    "not_equal": "!=",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "logical_and": "&&",
    "logical_or": "||",
    "logical_xor": "!=",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "bitwise_xor": "^",
    "left_shift": "<<",
    "right_shift": ">>",
}
_LIBRARY = {f: f for f in ("floor", "ceil", "rint", "exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh")}
_OWN = ("maximum", "minimum", "sign", "square", "absolute", "mod", "floor_divide", "power")


def c_type(dtype: DType) -> str:
    """The name of an element's type in C."""
    return NAMES[dtype.name]


def summing(dtype: DType) -> DType:
    """The C type in which numbers of a dtype are summed: wider than float16."""
    return float32 if dtype.name == "float16" else dtype


def total(dtype: DType) -> str:
    """The statement that initialises a sum."""
    return f"{c_type(summing(dtype))} total = 0;"


def library(function: str, dtype: DType) -> str:
    """The name of a C math function for a floating-point dtype."""
    return function if dtype.size == 8 else f"{function}f"


def literal(value: Any, dtype: DType) -> str:
    """A C literal with exactly the value that the number has in `dtype`."""
    number = np.asarray(value).astype(dtype.np_dtype)[()]
    if dtype.name == "float16":
        return f"mg::half({literal(np.float32(number), float32)})"
    if dtype.is_floating:
        single = dtype.size == 4
        if not np.isfinite(number):
            bits = number.view(np.uint32 if single else np.uint64)
            return f"mg::{'float' if single else 'double'}_of({int(bits):#x}{'u' if single else 'ull'})"
        text = str(number)
        text = text if any(c in text for c in ".e") else f"{text}.0"
        return f"{text}f" if single else text
    if dtype.is_bool:
        return "true" if number else "false"
    if dtype.name == "int64":
        return f"({int(number) + 1}ll - 1)" if int(number) == -(2**63) else f"{int(number)}ll"
    if dtype.name == "int32" and int(number) == -(2**31):
        return "(-2147483647 - 1)"
    return f"{int(number)}{'ull' if dtype.name == 'uint64' else 'u' if dtype.name == 'uint32' else ''}"


def expression(node: Scalar, operands: Sequence[str]) -> str:
    """A scalar expression in C. given: the operands' expressions."""
    if node.spelled is not None:
        return expression(node.spelled, operands)
    if node.function == "operand":
        position: int = node.value
        return operands[position]
    if node.function == "constant":
        return literal(node.value, node.dtype)
    args = [expression(a, operands) for a in node.args]
    kind = c_type(node.dtype)
    if node.function == "cast":
        if node.dtype.is_bool:
            return f"({args[0]} != 0)"
        to_integer = node.args[0].dtype.is_floating and not node.dtype.is_floating
        return f"mg::to_integer<{kind}>({args[0]})" if to_integer else f"({kind})({args[0]})"
    text = _call(node, args)
    narrow = node.dtype.size < 4 and not node.dtype.is_bool  # C computes these types as int or float
    return f"({kind}){text}" if narrow else text


def shared(values: Sequence[Scalar], operands: Sequence[str]) -> tuple[list[str], list[str]]:
    """Statements that name the parts that several expressions need, and the expressions in C."""
    uses: dict[int, int] = {}
    nodes = walk(*values)
    for node in nodes:
        for a in node.args:
            uses[id(a)] = uses.get(id(a), 0) + 1
    made: dict[int, str] = {}
    lines: list[str] = []
    for node in nodes:
        args = [operand(i, a.dtype) for i, a in enumerate(node.args)]
        plain = Scalar(node.function, args, node.dtype, node.value)
        given = operands if node.function == "operand" else [made[id(a)] for a in node.args]
        text = expression(plain, given)
        if uses.get(id(node), 0) > 1 and node.args:
            lines.append(f"const {c_type(node.dtype)} u{len(lines)} = {text};")
            text = f"u{len(lines) - 1}"
        made[id(node)] = text
    return lines, [made[id(value)] for value in values]


def _call(node: Scalar, args: list[str]) -> str:
    function = node.function
    given = node.args[0].dtype
    if function in _INFIX:
        return f"({args[0]} {_INFIX[function]} {args[1]})"
    if function in _LIBRARY:
        return f"{library(function, given)}({args[0]})"
    if function in _OWN:
        return f"mg::{function}<{c_type(node.dtype)}>({', '.join(args)})"
    unary: dict[str, str] = {
        "negative": "(-{0})",
        "reciprocal": "({one} / {0})",
        "logical_not": "(!{0})",
        "isnan": "({0} != {0})",
        "isfinite": "({0} - {0} == {zero})",
        "where": "({0} ? {1} : {2})",
    }
    zero, one = ("", "") if given.is_bool else (literal(0, given), literal(1, given))
    return unary[function].format(*args, zero=zero, one=one)


def broadcast_strides(shape: Sequence[int], space: Sequence[int]) -> tuple[int, ...]:
    """The strides of an operand read over an iteration space: 0 along broadcast axes."""
    aligned = (1,) * (len(space) - len(shape)) + tuple(shape)
    return tuple(0 if d == 1 else s for d, s in zip(aligned, c_strides(aligned), strict=True))


def index_type(*sizes: int) -> str:
    """A C integer type that can count to the given sizes."""
    return "int" if max(sizes, default=0) < 2**31 - 1024 else "long long"


def coordinates(index: str, shape: Sequence[int], names: Sequence[str], kind: str) -> list[str]:
    """Statements that split a row-major index into coordinates."""
    lines = []
    for name, size, stride in zip(names, shape, c_strides(shape), strict=True):
        value = index if stride == 1 else f"{index} / {stride}"
        if name != names[0]:
            value = f"{value} % {size}"
        lines.append(f"const {kind} {name} = {value};")
    return lines


def offset(names: Sequence[str], strides: Sequence[int], start: int = 0) -> str:
    """The expression start + Σ name·stride."""
    terms = [n if s == 1 else f"{n} * {s}" for n, s in zip(names, strides, strict=True) if s]
    if start or not terms:
        terms.insert(0, str(start))
    return " + ".join(terms)
