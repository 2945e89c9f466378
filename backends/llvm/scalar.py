"""Scalar expressions as LLVM IR, on a vector of elements at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from minigraph.backends.llvm.approx import Approximations, lane_by_lane
from minigraph.backends.llvm.builder import element, function, has_code, intrinsic, number
from minigraph.backends.llvm.compiler import host
from minigraph.backends.llvm.text import F32, I1, I32, I64, IRBuilder, IRValue, integer, vector
from minigraph.core.dtypes import DType, float16, float32, int32
from minigraph.core.scalar import Scalar, walk

_COMPARISONS = {
    **{"equal": "==", "not_equal": "!=", "less": "<"},
    **{"less_equal": "<=", "greater": ">", "greater_equal": ">="},
}
_LOGIC = {"logical_and": IRBuilder.and_, "logical_or": IRBuilder.or_, "logical_xor": IRBuilder.xor}
_BITS = {
    **{"bitwise_and": IRBuilder.and_, "bitwise_or": IRBuilder.or_, "bitwise_xor": IRBuilder.xor},
    "left_shift": IRBuilder.shl,
}
_ROUNDING = {"floor": "floor", "ceil": "ceil", "rint": "nearbyint", "sqrt": "sqrt"}
_POLYNOMIAL = {
    **{"exp": Approximations.exp, "expm1": Approximations.expm1, "log": Approximations.log},
    **{"log1p": Approximations.log1p, "tanh": Approximations.tanh},
}
_LIBM = {**{name: name for name in _POLYNOMIAL}, "sin": "sin", "cos": "cos", "power": "pow"}
COSTLY = frozenset(_LIBM)
_ARITHMETIC = frozenset(
    {"add", "subtract", "multiply", "negative", "absolute", "square", "maximum", "minimum", "where"}
    | {"floor_divide", "mod", "right_shift", *_BITS}
)
_FLOAT_ONLY = frozenset({*_ROUNDING, *_LIBM, "divide", "reciprocal", "sign", "isnan", "isfinite"})
_KNOWN = {"operand", "constant", "cast", "logical_not", *_COMPARISONS, *_LOGIC, *_ARITHMETIC, *_FLOAT_ONLY}


def register(dtype: DType) -> Any:
    """The type of an element in a register. A boolean is one bit."""
    return I1 if dtype.is_bool else element(dtype)


def is_printable(*expressions: Scalar) -> bool:
    """Whether all of the expressions can be written as LLVM IR here."""
    return all(map(_is_known, walk(*expressions, spelled=True)))


def _is_known(node: Scalar) -> bool:
    if node.spelled is not None:
        return True
    kinds = [node.dtype, *(a.dtype for a in node.args)]
    if float16 in kinds:  # is read, written and cast, but not computed with
        is_cast = node.function == "cast" and {*kinds} == {float16, float32}
        return host().halves and (node.function == "operand" or is_cast)
    if not has_code(node.dtype):
        return False
    if node.function not in _KNOWN:
        return False
    return node.function not in _FLOAT_ONLY or node.args[0].dtype.is_floating


def _rounds_to_int32(node: Scalar) -> Scalar | None:
    """The number that the node rounds to int32, if constants limit it to the range; None for another node."""
    (inner,) = node.args
    if node.dtype is not int32 or inner.function != "rint":
        return None
    below, high = _limited(inner.args[0], "less")
    _, low = _limited(below, "greater")
    return inner.args[0] if max(abs(high), abs(low)) < 2**31 else None


def _limited(node: Scalar, sign: str) -> tuple[Scalar, float]:
    """x and c, where the node is x if x < c (or x > c), else the constant c; of another node itself and infinity."""
    if node.function == "where" and node.args[0].function == sign:
        (x, c), (_, same, limit) = node.args[0].args, node.args
        if x is same and c.function == limit.function == "constant" and c.value == limit.value:
            return x, float(limit.value)
    return node, math.inf


class Printer:
    """Writes expressions on `operands`, vectors of `width` lanes in registers."""

    def __init__(self, b: IRBuilder, operands: Sequence[IRValue], width: int) -> None:
        self.b = b
        self.operands = operands
        self.width = width
        self.known: dict[int, IRValue] = {}

    def value(self, node: Scalar) -> IRValue:
        """The vector of the expression's values."""
        if id(node) not in self.known:
            for part in walk(node, spelled=True):
                if id(part) not in self.known:
                    self.known[id(part)] = self._write(part)
        return self.known[id(node)]

    def _write(self, node: Scalar) -> IRValue:
        if node.spelled is not None:
            return self.known[id(node.spelled)]
        name = node.function
        if name == "operand":
            position: int = node.value
            return self.operands[position]
        if name == "constant":
            value: float = node.dtype.np_dtype.type(node.value).item()
            return number(register(node.dtype), value, self.width)
        args = [self.known[id(a)] for a in node.args]
        source = node.args[0].dtype
        if name == "cast":
            whole = _rounds_to_int32(node)
            return self._cast(args[0], source, node.dtype) if whole is None else self._rounded(self.known[id(whole)])
        if name == "where":
            return self.b.select(*args)
        if name in _COMPARISONS:
            return self._compare(_COMPARISONS[name], args[0], args[1], source)
        if name in _LOGIC:
            return _LOGIC[name](self.b, *args)
        if name == "logical_not":
            return self.b.not_(args[0])
        if source.is_floating:
            return self._floating(name, args, source)
        return self._integer(name, args, source)

    def _compare(self, sign: str, x: IRValue, y: IRValue, dtype: DType) -> IRValue:
        if dtype.is_floating:
            compare = self.b.fcmp_unordered if sign == "!=" else self.b.fcmp_ordered
            return compare(sign, x, y)
        signed = dtype.np_dtype.kind == "i"
        return (self.b.icmp_signed if signed else self.b.icmp_unsigned)(sign, x, y)

    def _cast(self, x: IRValue, source: DType, target: DType) -> IRValue:
        b, kind = self.b, vector(register(target), self.width)
        if target.is_bool:
            zero = number(register(source), 0, self.width)
            return self._compare("!=", x, zero, source)
        if source.is_floating:
            if not target.is_floating:
                return self._to_integer(x, source, target)
            return b.fpext(x, kind) if target.size > source.size else b.fptrunc(x, kind)
        signed = source.np_dtype.kind == "i"
        if target.is_floating:
            return (b.sitofp if signed else b.uitofp)(x, kind)
        if source.is_bool or target.size > source.size:
            return (b.sext if signed else b.zext)(x, kind)
        return b.trunc(x, kind) if target.size < source.size else x

    def _rounded(self, x: IRValue) -> IRValue:
        """The nearest int32 to numbers that have one."""
        kind = vector(I32, self.width)
        return self.b.call(function(self.b, f"llvm.lrint.{kind.suffix}.{x.type.suffix}", kind, [x.type]), [x])

    def _to_integer(self, x: IRValue, source: DType, target: DType) -> IRValue:
        """A conversion to integers like x86's, and so NumPy's: values out of range become the least number of the
        signed integer type used.

        LLVM leaves such conversions undefined. Narrow integers are the low bits of 32-bit ones; uint64 adds 2**63 where
        x is at least that.
        """
        wide = max(32, 8 * target.size)
        found = self._signed(x, source, wide)
        if target.name == "uint64":
            b, limit = self.b, number(register(source), 2.0**63, self.width)
            high = b.xor(self._signed(b.fsub(x, limit), source, 64), number(I64, -(2**63), self.width))
            found = b.select(b.fcmp_ordered(">=", x, limit), high, found)
        return self.b.trunc(found, vector(register(target), self.width)) if 8 * target.size < wide else found

    def _signed(self, x: IRValue, source: DType, bits: int) -> IRValue:
        b = self.b
        least = number(register(source), -(2.0 ** (bits - 1)), self.width)
        fits = b.fcmp_ordered("<", intrinsic(b, "fabs", x), number(register(source), 2.0 ** (bits - 1), self.width))
        return b.fptosi(b.select(fits, x, least), vector(integer(bits), self.width))

    def _integer(self, name: str, args: Sequence[IRValue], dtype: DType) -> IRValue:
        b, x = self.b, args[0]
        zero = number(register(dtype), 0, self.width)
        if name == "square":
            return b.mul(x, x)
        if name == "negative":
            return b.sub(zero, x)
        if name == "absolute":
            return b.select(self._compare("<", x, zero, dtype), b.sub(zero, x), x)
        if name in ("maximum", "minimum"):
            sign = ">=" if name == "maximum" else "<="
            return b.select(self._compare(sign, x, args[1], dtype), x, args[1])
        if name in ("floor_divide", "mod"):
            return self._divided(x, args[1], dtype)[name == "mod"]
        if name == "right_shift":
            return (b.ashr if dtype.np_dtype.kind == "i" else b.lshr)(*args)
        if name in _BITS:
            return _BITS[name](b, *args)
        return {"add": b.add, "subtract": b.sub, "multiply": b.mul}[name](*args)

    def _divided(self, x: IRValue, y: IRValue, dtype: DType) -> tuple[IRValue, IRValue]:
        """⌊x / y⌋ and the remainder of integers; 0 and 0 where y is 0. The least number over −1 is itself."""
        b, kind = self.b, register(dtype)
        zero, one = number(kind, 0, self.width), number(kind, 1, self.width)
        nothing = b.icmp_unsigned("==", y, zero)
        if dtype.np_dtype.kind == "u":
            by = b.select(nothing, one, y)
            return b.select(nothing, zero, b.udiv(x, by)), b.select(nothing, zero, b.urem(x, by))
        overflows = b.and_(
            b.icmp_signed("==", x, number(kind, int(dtype.min), self.width)),
            b.icmp_signed("==", y, number(kind, -1, self.width)),
        )
        by = b.select(b.or_(nothing, overflows), one, y)
        whole = b.sdiv(x, by)
        rest = b.sub(x, b.mul(whole, by))
        down = b.and_(
            b.icmp_signed("!=", rest, zero), b.xor(b.icmp_signed("<", rest, zero), b.icmp_signed("<", by, zero))
        )
        whole, rest = b.select(down, b.sub(whole, one), whole), b.select(down, b.add(rest, by), rest)
        return b.select(nothing, zero, whole), b.select(nothing, zero, rest)

    def _divided_float(self, x: IRValue, y: IRValue, kind: Any) -> tuple[IRValue, IRValue]:
        """⌊x / y⌋ and the remainder as NumPy computes them: from the exact remainder of the division towards 0."""
        b = self.b
        zero, one = number(kind, 0.0, self.width), number(kind, 1.0, self.width)
        rest = b.frem(x, y)
        quotient = b.fdiv(b.fsub(x, rest), y)
        some = b.fcmp_unordered("!=", rest, zero)
        down = b.and_(some, b.xor(b.fcmp_ordered("<", rest, zero), b.fcmp_ordered("<", y, zero)))
        rest = b.select(some, b.select(down, b.fadd(rest, y), rest), intrinsic(b, "copysign", zero, y))
        quotient = b.select(down, b.fsub(quotient, one), quotient)
        floor = intrinsic(b, "floor", quotient)
        floor = b.select(
            b.fcmp_ordered(">", b.fsub(quotient, floor), number(kind, 0.5, self.width)), b.fadd(floor, one), floor
        )
        exact = b.fdiv(x, y)
        floor = b.select(b.fcmp_ordered("==", quotient, zero), intrinsic(b, "copysign", zero, exact), floor)
        nothing = b.fcmp_ordered("==", y, zero)
        return b.select(nothing, exact, floor), b.select(nothing, b.frem(x, y), rest)

    def _floating(self, name: str, args: Sequence[IRValue], dtype: DType) -> IRValue:
        b, x = self.b, args[0]
        kind = register(dtype)
        one = number(kind, 1.0, self.width)
        simple: dict[str, Callable[[], IRValue]] = {
            "add": lambda: b.fadd(*args),
            "subtract": lambda: b.fsub(*args),
            "multiply": lambda: b.fmul(*args),
            "divide": lambda: b.fdiv(*args),
            "square": lambda: b.fmul(x, x),
            "negative": lambda: b.fneg(x),
            "absolute": lambda: intrinsic(b, "fabs", x),
            "reciprocal": lambda: b.fdiv(one, x),
            "isnan": lambda: b.fcmp_unordered("uno", x, x),
            "isfinite": lambda: b.fcmp_ordered("<", intrinsic(b, "fabs", x), number(kind, float("inf"), self.width)),
            "sign": lambda: self._sign(x, kind),
        }
        if name in simple:
            return simple[name]()
        if name in ("maximum", "minimum"):  # NaN stays NaN
            better = b.select(b.fcmp_ordered(">" if name == "maximum" else "<", *args), *args)
            return b.select(b.fcmp_unordered("uno", x, x), x, better)
        if name in ("floor_divide", "mod"):
            return self._divided_float(x, args[1], kind)[name == "mod"]
        if name in _ROUNDING:
            return intrinsic(b, _ROUNDING[name], x)
        if kind == F32 and name in _POLYNOMIAL:
            return _POLYNOMIAL[name](Approximations(b, self.width), x)
        called = _LIBM[name] + ("f" if kind == F32 else "")
        return lane_by_lane(b, name, args, function(b, called, kind, [kind] * len(args)))

    def _sign(self, x: IRValue, kind: Any) -> IRValue:
        b, zero = self.b, number(kind, 0.0, self.width)
        positive = b.select(b.fcmp_ordered(">", x, zero), number(kind, 1.0, self.width), zero)
        signed = b.select(b.fcmp_ordered("<", x, zero), number(kind, -1.0, self.width), positive)
        return b.select(b.fcmp_unordered("uno", x, x), x, signed)


def load(b: IRBuilder, address: IRValue, dtype: DType, width: int) -> IRValue:
    """Elements from memory into a register."""
    kind = vector(element(dtype), width)
    value = b.load(address, kind, align=dtype.size)
    return b.icmp_unsigned("!=", value, number(element(dtype), 0, width)) if dtype.is_bool else value


def store(b: IRBuilder, value: IRValue, address: IRValue, dtype: DType, width: int) -> None:
    """Elements from a register into memory."""
    if dtype.is_bool:
        value = b.zext(value, vector(element(dtype), width))
    b.store(value, address, align=dtype.size)


def add(b: IRBuilder, x: IRValue, y: IRValue, dtype: DType) -> IRValue:
    """x + y."""
    return b.fadd(x, y) if dtype.is_floating else b.add(x, y)
