"""Polynomial approximations of functions of float32 vectors, accurate to about 2 units in the last place.

Argument reduction and coefficients are those of the Cephes library (S. L. Moshier, Methods and Programs for
Mathematical Functions, 1989).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minigraph.backends.llvm.builder import intrinsic, number
from minigraph.backends.llvm.text import F32, I32, IRBuilder, IRValue, undefined, vector

_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
_LOG = (
    *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
_TANH = (-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1)
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4


class Approximations:
    """The approximated functions on vectors of `width` float32."""

    def __init__(self, b: IRBuilder, width: int) -> None:
        self.b = b
        self.width = width
        self.ints = vector(I32, width)
        self.floats = vector(F32, width)

    def _f(self, value: float) -> IRValue:
        return number(F32, value, self.width)

    def _i(self, value: int) -> IRValue:
        return number(I32, value, self.width)

    def _fma(self, x: IRValue, y: IRValue, z: IRValue) -> IRValue:
        return intrinsic(self.b, "fma", x, y, z)

    def _polynomial(self, x: IRValue, coefficients: Sequence[float]) -> IRValue:
        """The polynomial by Horner's rule, highest power first."""
        total = self._f(coefficients[0])
        for c in coefficients[1:]:
            total = self._fma(total, x, self._f(c))
        return total

    def _power_of_two(self, n: IRValue) -> IRValue:
        return self.b.bitcast(self.b.shl(self.b.add(n, self._i(127)), self._i(23)), self.floats)

    def _reduced(self, x: IRValue) -> tuple[IRValue, IRValue]:
        """n and r with x = n·ln 2 + r, |r| ≤ ln 2 / 2. x is first limited to the range in which exp neither overflows
        nor vanishes."""
        b = self.b
        x = b.select(b.fcmp_ordered(">", x, self._f(89.0)), self._f(89.0), x)
        x = b.select(b.fcmp_ordered("<", x, self._f(-104.0)), self._f(-104.0), x)
        x = b.select(b.fcmp_unordered("uno", x, x), self._f(0.0), x)
        n = intrinsic(b, "nearbyint", b.fmul(x, self._f(1 / math.log(2))))
        r = self._fma(n, self._f(-_LN2_HIGH), x)
        return n, self._fma(n, self._f(-_LN2_LOW), r)

    def _scaled(self, y: IRValue, n: IRValue) -> IRValue:
        """y·2ⁿ in two steps, so that results may be subnormal."""
        b = self.b
        whole = b.fptosi(n, self.ints)
        half = b.ashr(whole, self._i(1))
        y = b.fmul(y, self._power_of_two(half))
        return b.fmul(y, self._power_of_two(b.sub(whole, half)))

    def _or_nan(self, x: IRValue, y: IRValue) -> IRValue:
        return self.b.select(self.b.fcmp_unordered("uno", x, x), x, y)

    def exp(self, x: IRValue) -> IRValue:
        n, r = self._reduced(x)
        y = self._fma(self._polynomial(r, _EXP), self.b.fmul(r, r), r)
        return self._or_nan(x, self._scaled(self.b.fadd(y, self._f(1.0)), n))

    def expm1(self, x: IRValue) -> IRValue:
        """2ⁿ·(eʳ − 1) + (2ⁿ − 1). For small x, n is 0 and nothing cancels."""
        b = self.b
        n, r = self._reduced(x)
        y = self._fma(self._polynomial(r, _EXP), b.fmul(r, r), r)
        scale = self._scaled(self._f(1.0), n)
        small = self._fma(y, scale, b.fsub(scale, self._f(1.0)))
        large = self._scaled(b.fadd(y, self._f(1.0)), n)
        found = b.select(b.fcmp_ordered(">", x, self._f(40.0)), large, small)
        return self._or_nan(x, b.select(b.fcmp_ordered("==", x, self._f(0.0)), x, found))

    def log(self, x: IRValue) -> IRValue:
        b = self.b
        tiny = b.fcmp_ordered("<", x, self._f(2.0**-126))
        scaled = b.select(tiny, b.fmul(x, self._f(2.0**23)), x)
        bits = b.bitcast(scaled, self.ints)
        # The exponent for a mantissa between √½ and √2.
        root = 0x3F3504F3
        shifted = b.sub(bits, self._i(root))
        exponent = b.ashr(shifted, self._i(23))
        mantissa = b.add(b.and_(shifted, self._i(0x7FFFFF)), self._i(root))
        e = b.sitofp(exponent, self.floats)
        e = b.select(tiny, b.fsub(e, self._f(23.0)), e)
        f = b.fsub(b.bitcast(mantissa, self.floats), self._f(1.0))
        z = b.fmul(f, f)
        y = b.fmul(b.fmul(f, z), self._polynomial(f, _LOG))
        y = self._fma(e, self._f(_LN2_LOW), y)
        y = self._fma(z, self._f(-0.5), y)
        found = self._fma(e, self._f(_LN2_HIGH), b.fadd(f, y))
        found = b.select(b.fcmp_ordered("==", x, self._f(math.inf)), x, found)
        found = b.select(b.fcmp_ordered("==", x, self._f(0.0)), self._f(-math.inf), found)
        return self._or_nan(x, b.select(b.fcmp_ordered("<", x, self._f(0.0)), self._f(math.nan), found))

    def log1p(self, x: IRValue) -> IRValue:
        """log(u)·x/(u − 1) with u = 1 + x rounded (W. Kahan): the rounding error of u cancels."""
        b = self.b
        u = b.fadd(x, self._f(1.0))
        found = b.fmul(self.log(u), b.fdiv(x, b.fsub(u, self._f(1.0))))
        found = b.select(b.fcmp_ordered("==", u, self._f(math.inf)), u, found)
        found = b.select(b.fcmp_ordered("==", u, self._f(0.0)), self._f(-math.inf), found)
        return b.select(b.fcmp_ordered("==", u, self._f(1.0)), x, found)

    def tanh(self, x: IRValue) -> IRValue:
        """A polynomial near 0, else 1 − 2/(e²ˣ + 1) with the sign of x."""
        b = self.b
        size = intrinsic(b, "fabs", x)
        z = b.fmul(x, x)
        near = self._fma(b.fmul(self._polynomial(z, _TANH), z), x, x)
        power = self.exp(b.fadd(size, size))
        far = b.fsub(self._f(1.0), b.fdiv(self._f(2.0), b.fadd(power, self._f(1.0))))
        found = b.select(b.fcmp_ordered("<", size, self._f(0.625)), near, far)
        return self._or_nan(x, intrinsic(b, "copysign", found, x))


def lane_by_lane(b: IRBuilder, name: str, args: Sequence[IRValue], function: Any) -> IRValue:
    """The scalar function applied to each lane."""
    if args[0].type.count == 1:
        return b.call(function, args)
    result = undefined(args[0].type)
    for lane in range(args[0].type.count):
        position = I32(lane)
        value = b.call(function, [b.extract_element(a, position) for a in args])
        result = b.insert_element(result, value, position)
    return result
