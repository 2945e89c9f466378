"""The error function, as one expression in rational functions and exponentials.

Source: W. J. Cody 1969, Rational Chebyshev approximations for the error function, in the form and with the numbers of
Sun Microsystems' fdlibm. Measured against exact values: at most 1 unit in the last place in float64 and in float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from minigraph.core.graph import Tensor
from minigraph.core.scalar import Scalar, call, constant, where
from minigraph.core.typing import TensorLike
from minigraph.ops.builder import apply
from minigraph.ops.math.arithmetic import Mul, Neg, Square
from minigraph.ops.math.exponential import Exp
from minigraph.ops.pointwise import Unary, scalar_like, unary

__all__ = ["erf"]

# Numerators and denominators, lowest power first: x + x·P(x²)/Q(x²) below 0.84375, then c + P(x−1)/Q(x−1) below 1.25,
# then 1 − e^(−x² − 9/16 + P(s)/Q(s))/x with s = 1/x², with other numbers from 1/0.35 on.
_NEAR = (
    (1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02, -5.77027029648944159157e-03,
     -2.37630166566501626084e-05),
    (1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03,
     1.32494738004321644526e-04, -3.96022827877536812320e-06),
)  # fmt: skip
_MIDDLE = (
    (-2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01, 3.18346619901161753674e-01,
     -1.10894694282396677476e-01, 3.54783043256182359371e-02, -2.16637559486879084300e-03),
    (1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02,
     1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02),
)  # fmt: skip
_FAR = (
    (-9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e01, -6.23753324503260060396e01,
     -1.62396669462573470355e02, -1.84605092906711035994e02, -8.12874355063065934246e01, -9.81432934416914548592e00),
    (1.0, 1.96512716674392571292e01, 1.37657754143519042600e02, 4.34565877475229228821e02, 6.45387271733267880336e02,
     4.29008140027567833386e02, 1.08635005541779435134e02, 6.57024977031928170135e00, -6.04244152148580987438e-02),
)  # fmt: skip
_FARTHEST = (
    (-9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e01, -1.60636384855821916062e02,
     -6.37566443368389627722e02, -1.02509513161107724954e03, -4.83519191608651397019e02),
    (1.0, 3.03380607434824582924e01, 3.25792512996573918826e02, 1.53672958608443695994e03, 3.19985821950859553908e03,
     2.55305040643316442583e03, 4.74528541206955367215e02, -2.24409524465858183362e01),
)  # fmt: skip
_AT_1 = 8.45062911510467529297e-01


def _polynomial(x: Scalar, coefficients: Sequence[float]) -> Scalar:
    total = constant(coefficients[-1], x.dtype)
    for c in reversed(coefficients[:-1]):
        total = total * x + c
    return total


def _ratio(x: Scalar, numbers: tuple[Sequence[float], Sequence[float]]) -> Scalar:
    above, below = (_polynomial(x, c) for c in numbers)
    return above / below


def erf_of(x: Scalar) -> Scalar:
    """erf(x) as an expression."""
    a = call("absolute", x)
    near = x + x * _ratio(call("square", x), _NEAR)
    middle = _ratio(a - 1.0, _MIDDLE) + _AT_1
    beyond = call("maximum", a, 1.0)
    s = call("reciprocal", call("square", beyond))
    ratio = where(call("less", a, 1 / 0.35), _ratio(s, _FAR), _ratio(s, _FARTHEST))
    far = -(call("exp", -call("square", beyond) - 0.5625 + ratio) / beyond) + 1.0
    size = where(call("less", a, 1.25), middle, where(call("less", a, 6.0), far, 1.0))
    found = where(call("less", a, 0.84375), near, where(call("less", x, 0.0), -size, size))
    return where(call("isnan", x), x, found)


class Erf(Unary):
    """The error function, 2/√π·∫₀ˣ e^−t² dt."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        return erf_of(operands[0])

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        slope = apply(Exp(), apply(Neg(), apply(Square(), x)))
        return apply(Mul(), g, apply(Mul(), scalar_like(2 / math.sqrt(math.pi), x), slope))


def erf(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the error function of each element: 2/√π·∫₀ˣ e^−t² dt.

    Args:
        x: A tensor of floating-point dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: `x` is not floating-point.

    Example:
        >>> tf.Session().run(tf.erf([0.0, 1.0])).round(4)
        array([0.    , 0.8427], dtype=float32)
    """
    return unary(Erf(), x, name, "Erf")
