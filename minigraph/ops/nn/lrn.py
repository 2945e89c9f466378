"""Local response normalisation: each channel divided by a power of the energy in the channels around it.

Source: Krizhevsky, Sutskever and Hinton 2012, section 3.3. As there and in TensorFlow, the energy is a sum, not a mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Batching, Op, Sample
from minigraph.core.scalar import Scalar, call
from minigraph.core.scalar import cast as cast_scalar
from minigraph.core.types import TensorType, format_shape
from minigraph.core.typing import TensorLike
from minigraph.loops.builder import Statement, accumulator
from minigraph.loops.kernel import ADD, Kernel
from minigraph.ops.builder import apply, first, make, require_float
from minigraph.ops.math.arithmetic import Add, Mul, RealDiv, Square, Sub
from minigraph.ops.math.casting import cast, widened
from minigraph.ops.math.exponential import Pow
from minigraph.ops.pointwise import scalar_like

__all__ = ["local_response_normalization"]


def window_sum(xp: Any, x: Any, radius: int) -> Any:
    """y_i = Σ x_j over |j − i| ≤ radius, on the last axis."""
    count = x.shape[-1]
    padded = xp.pad(x, [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
    total = xp.zeros_like(x)
    for start in range(2 * radius + 1):
        total += padded[..., start : start + count]
    return total


def _windows(
    name: str, x_type: TensorType, radius: int, term: Callable[[Scalar], Scalar],
    finish: Callable[[Scalar, Scalar], Scalar],
) -> Kernel:  # fmt: skip
    """The kernel of finish(x_i, Σ term(x_j) over |j − i| ≤ radius), on the last axis."""
    k, kind = Statement(name), accumulator(x_type.dtype)
    width = x_type.static[-1] if x_type.static else 1
    reach = min(radius, width - 1)
    shape = (x_type.size // max(width, 1), width)
    x, y = k.operand(x_type, shape), k.result(x_type, shape)
    with k.over(*shape) as (i, c):
        near = lambda d: [term(cast_scalar(k.padded(x, (i, c + d - reach), 0), kind))]  # noqa: E731
        (total,) = k.reduce([2 * reach + 1], ADD, [0], [kind], near)
        k.store(y, (i, c), finish(cast_scalar(x[i, c], kind), total))
    return k.done()


class WindowSum(Op):
    """y_i = Σ x_j over |j − i| ≤ radius, on the last axis. It is its own adjoint."""

    radius: int
    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        require_float("WindowSum", x)
        if x.rank == 0:
            raise ShapeError("'WindowSum' takes a tensor with a last axis, not a scalar")
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (window_sum(xp, x, self.radius),)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        return _windows("window_sum", in_types[0], self.radius, lambda x: x, lambda x, total: total)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 2 * self.radius * in_types[0].size

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True,), (False,))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return (apply(self, grad),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = np.random.RandomState(0).randn(2, 1, 2, 5)
        yield Sample(cls(1), (x,))
        yield Sample(cls(7), (x,))  # the window covers all channels


class LRN(Op):
    """y_i = x_i·s_i^−β with s_i = bias + α·Σ x_j² over |j − i| ≤ depth_radius, on the last of four axes.

    ∂L/∂x = δ·s^−β − 2αβ·x·W(δ·x·s^(−β−1)), where W is the sum over the window.
    """

    depth_radius: int = 5
    bias: float = 1.0
    alpha: float = 1.0
    beta: float = 0.5
    accumulates = True

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        require_float("LRN", x)
        if x.shape is not None and len(x.shape) != 4:
            raise ShapeError(f"Shape must be rank 4 but is {format_shape(x.shape)} for 'LRN'")
        return (TensorType(x.dtype, x.shape or (None,) * 4),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        bias, alpha, beta = (x.dtype.type(v) for v in (self.bias, self.alpha, self.beta))
        return (x * (bias + alpha * window_sum(xp, x * x, self.depth_radius)) ** -beta,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel:
        """The power of a positive base is computed by exponential and logarithm."""

        def finish(x: Scalar, energy: Scalar) -> Scalar:
            base = energy * self.alpha + self.bias
            if self.bias > 0 and self.alpha >= 0:
                return x * call("exp", call("log", base) * -self.beta)
            return x * call("power", base, -self.beta)

        return _windows("lrn", in_types[0], self.depth_radius, lambda x: x * x, finish)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        """Squares, their sums, times α, plus bias, the power, the product."""
        return (2 * self.depth_radius + 5) * in_types[0].size

    def batching(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Batching | None:
        return Batching((True,), (False,))

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        x, grad = widened(node.inputs[0]), widened(grad)
        window = WindowSum(self.depth_radius)
        energy = apply(Mul(), scalar_like(self.alpha, x), apply(window, apply(Square(), x)))
        s = apply(Add(), scalar_like(self.bias, x), energy)
        direct = apply(Mul(), grad, apply(Pow(), s, scalar_like(-self.beta, x)))
        spread = apply(window, apply(RealDiv(), apply(Mul(), direct, x), s))
        factor = apply(Mul(), scalar_like(2 * self.alpha * self.beta, x), x)
        return (cast(apply(Sub(), direct, apply(Mul(), factor, spread)), node.inputs[0].dtype),)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = np.random.RandomState(0).randn(2, 1, 2, 5)
        yield Sample(cls(), (x,))
        yield Sample(cls(1, 1.5, 0.3, 0.75), (x,))


def local_response_normalization(
    input: TensorLike, depth_radius: int = 5, bias: float = 1.0, alpha: float = 1.0, beta: float = 0.5,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Divide each channel by a power of the energy of the channels around it.

    y_i = x_i / (bias + alpha·Σ_j x_j²)^beta, where j runs over the channels with |j − i| ≤ depth_radius. Source:
    Krizhevsky, Sutskever and Hinton 2012, ImageNet Classification with Deep Convolutional Neural Networks, section 3.3.

    Args:
        input: Images [N,H,W,C] of a floating dtype.
        depth_radius: Number of channels on each side that the sum takes in.
        bias: Constant added to the sum.
        alpha: Factor of the sum.
        beta: Exponent.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `input`.

    Raises:
        ShapeError: `input` is not 4-dimensional.
        DTypeError: The dtype of `input` is not floating.

    Example:
        >>> y = tf.nn.lrn(tf.reshape([1.0, 2.0, 3.0], [1, 1, 1, 3]), depth_radius=1, bias=0.0, beta=1.0)
        >>> tf.Session().run(y).ravel().round(4)
        array([0.2   , 0.1429, 0.2308], dtype=float32)
    """
    op = LRN(int(depth_radius), float(bias), float(alpha), float(beta))
    return first(make(op, name, "LRN", {"input": input}))
