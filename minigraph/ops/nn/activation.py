"""Activation functions."""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Node, Tensor
from minigraph.core.scalar import Scalar, call, library, where
from minigraph.core.typing import TensorLike
from minigraph.ops.array.joining import concat
from minigraph.ops.builder import apply, composed
from minigraph.ops.filling import ZerosLike
from minigraph.ops.math.arithmetic import Abs, Add, Mul, RealDiv, Square, Sub, negative
from minigraph.ops.math.comparison import Greater, Less
from minigraph.ops.math.selection import Select
from minigraph.ops.pointwise import Pointwise, Unary, X, scalar_like, unary

__all__ = [
    "crelu",
    "elu",
    "leaky_relu",
    "log_sigmoid",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "softplus",
    "softsign",
    "swish",
]


class Relu(Unary):
    """y = max(x, 0). The derivative at 0 is 0; NaN stays NaN."""

    def expr(self, *operands: Scalar) -> Scalar:
        return call("maximum", operands[0], 0)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(ReluGrad(), g, y)


def relu(features: TensorLike, name: str | None = None) -> Tensor:
    """Compute the rectified linear unit max(x, 0) of each element.

    The derivative at 0 is 0, and NaN stays NaN.

    Args:
        features: A tensor of an integer or floating dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `features`.

    Raises:
        DTypeError: `features` is bool.

    Example:
        >>> tf.Session().run(tf.nn.relu([-1.0, 0.0, 2.0]))
        array([0., 0., 2.], dtype=float32)
    """
    return unary(Relu(), features, name, "Relu", "features")


class ReluGrad(Pointwise):
    """g where the activation is above 0, else 0."""

    domain = (X[::-1], X)

    def expr(self, *operands: Scalar) -> Scalar:
        g, y = operands
        return where(call("greater", y, 0), g, 0)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(ReluGrad(), grad, node.inputs[1]), apply(ZerosLike(), node.inputs[1])


class Relu6(Unary):
    """y = min(max(x, 0), 6). The derivative at 0 and at 6 is 0; NaN stays NaN."""

    domain = (4 * X,)

    def expr(self, *operands: Scalar) -> Scalar:
        return call("minimum", call("maximum", operands[0], 0), 6)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Relu6Grad(), g, y)


def relu6(features: TensorLike, name: str | None = None) -> Tensor:
    """Compute min(max(x, 0), 6) of each element.

    The derivative at 0 and at 6 is 0, and NaN stays NaN.

    Args:
        features: A tensor of an integer or floating dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `features`.

    Raises:
        DTypeError: `features` is bool.

    Example:
        >>> tf.Session().run(tf.nn.relu6([-1.0, 2.0, 8.0]))
        array([0., 2., 6.], dtype=float32)
    """
    return unary(Relu6(), features, name, "Relu6", "features")


class Relu6Grad(Pointwise):
    """g where the activation is between 0 and 6, else 0."""

    domain = (X[::-1], 4 * X)

    def expr(self, *operands: Scalar) -> Scalar:
        g, y = operands
        return where(call("logical_and", call("greater", y, 0), call("less", y, 6)), g, 0)

    def vjp(self, node: Node, grad: Tensor) -> Sequence[Tensor | None]:
        return apply(Relu6Grad(), grad, node.inputs[1]), apply(ZerosLike(), node.inputs[1])


class Elu(Unary):
    """y = x for x ≥ 0, else e^x − 1."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return where(call("less", x, 0), call("expm1", call("minimum", x, 0)), x)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        negative = apply(Less(), x, scalar_like(0, x))
        return apply(Select(), negative, apply(Mul(), g, apply(Add(), y, scalar_like(1, y))), g)


def elu(features: TensorLike, name: str | None = None) -> Tensor:
    """Compute the exponential linear unit of each element: x for x ≥ 0, else e^x − 1.

    Source: Clevert, Unterthiner and Hochreiter 2016, Fast and Accurate Deep Network Learning by Exponential Linear
    Units.

    Args:
        features: A tensor of a floating dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `features`.

    Raises:
        DTypeError: The dtype of `features` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.elu([-1.0, 0.0, 2.0])).round(4)
        array([-0.6321,  0.    ,  2.    ], dtype=float32)
    """
    return unary(Elu(), features, name, "Elu", "features")


# s and s·α of Klambauer et al. 2017, for which layers of independent normal inputs keep mean 0 and variance 1.
_SCALE, _SCALE_ALPHA = 1.0507009873554804934193349852946, 1.7580993408473768599402175208123


class Selu(Unary):
    """y = s·x for x ≥ 0, else s·α·(e^x − 1). Source: Klambauer et al. 2017."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        below = call("multiply", call("expm1", call("minimum", x, 0)), _SCALE_ALPHA)
        return where(call("less", x, 0), below, call("multiply", x, _SCALE))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        below = apply(Mul(), g, apply(Add(), y, scalar_like(_SCALE_ALPHA, y)))
        negative = apply(Less(), x, scalar_like(0, x))
        return apply(Select(), negative, below, apply(Mul(), g, scalar_like(_SCALE, g)))


def selu(features: TensorLike, name: str | None = None) -> Tensor:
    """Compute the scaled exponential linear unit of each element: s·x for x ≥ 0, else s·α·(e^x − 1).

    With s ≈ 1.0507 and α ≈ 1.6733, layers of independent normal inputs keep mean 0 and variance 1.
    Source: Klambauer, Unterthiner, Mayr and Hochreiter 2017, Self-Normalizing Neural Networks.

    Args:
        features: A tensor of a floating dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `features`.

    Raises:
        DTypeError: The dtype of `features` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.selu([-1.0, 0.0, 1.0])).round(4)
        array([-1.1113,  0.    ,  1.0507], dtype=float32)
    """
    return unary(Selu(), features, name, "Selu", "features")


class LeakyRelu(Unary):
    """y = x for x > 0, else α·x."""

    alpha: float = 0.2
    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return where(call("greater", x, 0), x, call("multiply", x, self.alpha))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        below = apply(Mul(), g, scalar_like(self.alpha, g))
        return apply(Select(), apply(Greater(), x, scalar_like(0, x)), g, below)


def leaky_relu(features: TensorLike, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """Compute the leaky rectified linear unit of each element: x for x > 0, else alpha·x.

    Source: Maas, Hannun and Ng 2013, Rectifier Nonlinearities Improve Neural Network Acoustic Models.

    Args:
        features: A tensor of a floating dtype.
        alpha: Slope for x ≤ 0.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `features`.

    Raises:
        DTypeError: The dtype of `features` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.leaky_relu([-2.0, 3.0], alpha=0.5))
        array([-1.,  3.], dtype=float32)
    """
    return unary(LeakyRelu(float(alpha)), features, name, "LeakyRelu", "features")


class Sigmoid(Unary):
    """y = 1/(1 + e^−x); ∂y/∂x = y(1 − y). Where e^−x overflows, y is 0, the limit."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        return 1 / (1 + call("exp", -operands[0]))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), apply(Mul(), g, y), apply(Sub(), scalar_like(1, y), y))


def sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute the logistic function 1/(1 + e^−x) of each element.

    Args:
        x: A tensor of a floating dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `x`, with values in [0, 1].

    Raises:
        DTypeError: The dtype of `x` is not floating.

    Example:
        >>> tf.Session().run(tf.sigmoid([0.0, 100.0]))
        array([0.5, 1. ], dtype=float32)
    """
    return unary(Sigmoid(), x, name, "Sigmoid")


class Softplus(Unary):
    """y = log(1 + e^x)."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        spelled = call("maximum", x, 0) + call("log1p", call("exp", -call("absolute", x)))
        return library("logaddexp", x, 0, spelled=spelled)

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return apply(Mul(), g, apply(Sigmoid(), x))


def softplus(features: TensorLike, name: str | None = None) -> Tensor:
    """Compute log(1 + e^x) of each element, without overflow for large x.

    Args:
        features: A tensor of a floating dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `features`.

    Raises:
        DTypeError: The dtype of `features` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.softplus([0.0, 100.0])).round(4)
        array([  0.6931, 100.    ], dtype=float32)
    """
    return unary(Softplus(), features, name, "Softplus", "features")


def log_sigmoid(x: TensorLike, name: str | None = None) -> Tensor:
    """Compute log(1/(1 + e^−x)) of each element as −softplus(−x).

    Args:
        x: A tensor of a floating dtype.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `x`.

    Raises:
        DTypeError: The dtype of `x` is not floating.

    Example:
        >>> tf.Session().run(tf.log_sigmoid([-100.0, 0.0])).round(4)
        array([-100.    ,   -0.6931], dtype=float32)
    """
    with composed(name, "LogSigmoid", x) as scope:
        return negative(softplus(-convert_to_tensor(x)), name=scope)


class Softsign(Unary):
    """y = x/(1 + |x|)."""

    kinds = "f"

    def expr(self, *operands: Scalar) -> Scalar:
        (x,) = operands
        return x / (1 + call("absolute", x))

    def partial(self, g: Tensor, x: Tensor, y: Tensor) -> Tensor:
        slope = apply(Square(), apply(Add(), scalar_like(1, x), apply(Abs(), x)))
        return apply(RealDiv(), g, slope)


def softsign(features: TensorLike, name: str | None = None) -> Tensor:
    """Compute x/(1 + |x|) of each element.

    Args:
        features: A tensor of a floating dtype.
        name: Name of the node.

    Returns:
        A tensor of the dtype and shape of `features`, with values in [−1, 1].

    Raises:
        DTypeError: The dtype of `features` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.softsign([-1.0, 0.0, 3.0]))
        array([-0.5 ,  0.  ,  0.75], dtype=float32)
    """
    return unary(Softsign(), features, name, "Softsign", "features")


def crelu(features: TensorLike, name: str | None = None, axis: int = -1) -> Tensor:
    """Concatenate max(x, 0) and max(−x, 0) along an axis.

    Source: Shang, Sohn, Almeida and Lee 2016, Understanding and Improving Convolutional Neural Networks via
    Concatenated Rectified Linear Units.

    Args:
        features: A tensor of a numeric dtype.
        name: Name scope of the nodes.
        axis: The axis of the concatenation.

    Returns:
        A tensor of the dtype of `features`, twice as long along `axis`.

    Example:
        >>> tf.Session().run(tf.nn.crelu([-1.0, 2.0]))
        array([0., 2., 1., 0.], dtype=float32)
    """
    x = convert_to_tensor(features)
    with x.graph.name_scope(name or "CRelu") as scope:
        both = concat([x, -x], axis, name=scope)
        return relu(both)


def swish(features: TensorLike, name: str | None = None) -> Tensor:
    """Compute x·sigmoid(x) of each element.

    Source: Ramachandran, Zoph and Le 2017, Searching for Activation Functions.

    Args:
        features: A tensor of a floating dtype.
        name: Name scope of the nodes.

    Returns:
        A tensor of the dtype and shape of `features`.

    Raises:
        DTypeError: The dtype of `features` is not floating.

    Example:
        >>> tf.Session().run(tf.nn.swish([-1.0, 0.0, 1.0])).round(4)
        array([-0.2689,  0.    ,  0.7311], dtype=float32)
    """
    x = convert_to_tensor(features)
    with x.graph.name_scope(name or "swish"):
        result: Tensor = x * sigmoid(x)
        x.graph.reserve_ids(2)  # TensorFlow adds two identities
        return result
