"""Optimizers with TensorFlow 1's formulas.

In the formulas θ is a variable, g the gradient of the loss in it, and α the learning rate. Each line of updates runs
from left to right. Numbers given as hyperparameters must be finite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op
from minigraph.ops.array.shape import ones
from minigraph.ops.constant import constant
from minigraph.ops.math.casting import cast
from minigraph.ops.state.update import (
    ApplyAdadelta,
    ApplyAdagrad,
    ApplyAdam,
    ApplyCenteredRMSProp,
    ApplyFtrl,
    ApplyGradientDescent,
    ApplyMomentum,
    ApplyRMSProp,
)
from minigraph.run.variables import Variable
from minigraph.train.optimizer import Hyper, Hyperparameter, Optimizer, zeros_of

__all__ = [
    "AdadeltaOptimizer",
    "AdagradOptimizer",
    "AdamOptimizer",
    "FtrlOptimizer",
    "GradientDescentOptimizer",
    "MomentumOptimizer",
    "RMSPropOptimizer",
]


class GradientDescentOptimizer(Optimizer):
    """Gradient descent: θ −= α·g.

    Args:
        learning_rate: α, a positive number, a scalar tensor, or a function that makes one.
        use_locking: TensorFlow 1's; it has no effect.
        name: Name of the step's operation, and of the slot variables.

    Example:
        >>> w = tf.Variable(2.0)
        >>> step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.square(w))
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(step)
        ...     print(f"{sess.run(w):.4f}")
        1.6000
    """

    def __init__(self, learning_rate: Hyperparameter, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate

    def hyperparameters(self) -> dict[str, Any]:
        return {"learning_rate": self._lr}

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        return ApplyGradientDescent(), [var.ref, hyper["learning_rate"], grad]


class MomentumOptimizer(Optimizer):
    """Gradient descent with momentum: a = μ·a + g; θ −= α·a.

    With Nesterov momentum θ −= α·(g + μ·a). Slot: momentum, in the variable `<variable>/Momentum`.

    Args:
        learning_rate: α, a positive number, a scalar tensor, or a function that makes one.
        momentum: μ, a number in [0, 1), a scalar tensor, or a function that makes one.
        use_locking: TensorFlow 1's; it has no effect.
        name: Name of the step's operation, and of the slot variables.
        use_nesterov: Whether the momentum is Nesterov's.

    Example:
        >>> w = tf.Variable(2.0)
        >>> step = tf.train.MomentumOptimizer(0.1, momentum=0.9).minimize(tf.square(w))
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(step)
        ...     print(f"{sess.run(w):.4f}")
        1.6000

    Sources: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Sutskever et al., "On the
    importance of initialization and momentum in deep learning", 2013 (Nesterov).
    """

    def __init__(
        self, learning_rate: Hyperparameter, momentum: Hyperparameter, use_locking: bool = False,
        name: str = "Momentum", use_nesterov: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._lr, self._momentum, self._nesterov = learning_rate, momentum, use_nesterov

    def hyperparameters(self) -> dict[str, Any]:
        return {"learning_rate": self._lr, "momentum": self._momentum}

    def slots(self) -> Sequence[tuple[str, str, Callable[[Variable], Tensor]]]:
        return (("momentum", self._name, zeros_of),)

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        return ApplyMomentum(self._nesterov), [var.ref, *slots, hyper["learning_rate"], grad, hyper["momentum"]]


class AdagradOptimizer(Optimizer):
    """Adagrad: a += g²; θ −= α·g/√a.

    Slot: accumulator (a), in the variable `<variable>/Adagrad`.

    Args:
        learning_rate: α, a positive number, a scalar tensor, or a function that makes one.
        initial_accumulator_value: Initial value of a, positive.
        use_locking: TensorFlow 1's; it has no effect.
        name: Name of the step's operation, and of the slot variables.

    Raises:
        ValueError: `initial_accumulator_value` is not positive.

    Example:
        >>> w = tf.Variable(2.0)
        >>> step = tf.train.AdagradOptimizer(0.1).minimize(tf.square(w))
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(step)
        ...     print(f"{sess.run(w):.4f}")
        1.9003

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011.
    """

    def __init__(
        self, learning_rate: Hyperparameter, initial_accumulator_value: float = 0.1, use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:  # fmt: skip
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(use_locking, name)
        self._lr, self._start = learning_rate, initial_accumulator_value

    def hyperparameters(self) -> dict[str, Any]:
        return {"learning_rate": self._lr}

    def slots(self) -> Sequence[tuple[str, str, Callable[[Variable], Tensor]]]:
        return (("accumulator", self._name, lambda v: constant(self._start, v.dtype, v.type.static)),)

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        return ApplyAdagrad(), [var.ref, *slots, hyper["learning_rate"], grad]


class AdadeltaOptimizer(Optimizer):
    """Adadelta: a = ρ·a + (1 − ρ)·g²; d = g·√(u + ε)/√(a + ε); u = ρ·u + (1 − ρ)·d²; θ −= α·d.

    Slots: accum (a) and accum_update (u).

    Args:
        learning_rate: α, 1 in the paper; a number, a scalar tensor, or a function that makes one.
        rho: ρ, the decay of both averages, in [0, 1).
        epsilon: ε, a small positive number.
        use_locking: TensorFlow 1's; it has no effect.
        name: Name of the step's operation, and of the slot variables.

    Example:
        >>> w = tf.Variable(2.0)
        >>> step = tf.train.AdadeltaOptimizer(1.0, epsilon=0.01).minimize(tf.square(w))
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(step)
        ...     print(f"{sess.run(w):.4f}")
        1.5556

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    def __init__(
        self, learning_rate: Hyperparameter = 0.001, rho: Hyperparameter = 0.95, epsilon: Hyperparameter = 1e-8,
        use_locking: bool = False, name: str = "Adadelta",
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._hyper = {"lr": learning_rate, "rho": rho, "epsilon": epsilon}

    def hyperparameters(self) -> dict[str, Any]:
        return self._hyper

    def slots(self) -> Sequence[tuple[str, str, Callable[[Variable], Tensor]]]:
        return (("accum", self._name, zeros_of), ("accum_update", self._name, zeros_of))

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        return ApplyAdadelta(), [var.ref, *slots, *hyper.values(), grad]


class FtrlOptimizer(Optimizer):
    """Follow the regularised leader: n' = n + g²; z += g − (n'^p − n^p)/α·θ; θ = (sign(z)·λ1 − z)/(n'^p/α + 2·λ2).

    θ is 0 where |z| ≤ λ1; p is −learning_rate_power. Slots: accum (n) and linear (z).

    Args:
        learning_rate: α, a positive number, a scalar tensor, or a function that makes one.
        learning_rate_power: −p, a number that is not positive.
        initial_accumulator_value: Initial value of n, not negative.
        l1_regularization_strength: λ1, not negative.
        l2_regularization_strength: λ2, not negative.
        use_locking: TensorFlow 1's; it has no effect.
        name: Name of the step's operation.
        accum_name, linear_name: Names of the slot variables; by default `name`.
        l2_shrinkage_regularization_strength: Not supported; it must be 0.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> w = tf.Variable(2.0)
        >>> step = tf.train.FtrlOptimizer(0.1).minimize(tf.square(w))
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(step)
        ...     print(f"{sess.run(w):.4f}")
        1.7427

    Source: McMahan et al., "Ad click prediction: a view from the trenches", 2013.
    """

    def __init__(
        self, learning_rate: Hyperparameter, learning_rate_power: float = -0.5, initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0, l2_regularization_strength: float = 0.0, use_locking: bool = False,
        name: str = "Ftrl", accum_name: str | None = None, linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        least = {
            "initial_accumulator_value": initial_accumulator_value,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
        }
        for what, value in least.items():
            if value < 0.0:
                raise ValueError(f"{what} {value} needs to be positive or zero")
        if learning_rate_power > 0.0:
            raise ValueError(f"learning_rate_power {learning_rate_power} needs to be negative or zero")
        if l2_shrinkage_regularization_strength:
            raise ValueError("l2_shrinkage_regularization_strength is not supported")
        self._start, self._power = initial_accumulator_value, float(-learning_rate_power)
        self._names = accum_name or name, linear_name or name
        self._hyper = {
            "learning_rate": learning_rate,
            "l1_regularization_strength": l1_regularization_strength,
            "l2_regularization_strength": l2_regularization_strength,
        }

    def prepare(self, graph: Graph) -> None:
        graph.reserve_ids(2)  # the power and the shrinkage, constants

    def hyperparameters(self) -> dict[str, Any]:
        return self._hyper

    def slots(self) -> Sequence[tuple[str, str, Callable[[Variable], Tensor]]]:
        start: Callable[[Variable], Tensor] = lambda v: constant(self._start, v.dtype, v.type.static)  # noqa: E731
        return (("accum", self._names[0], start), ("linear", self._names[1], zeros_of))

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        return ApplyFtrl(self._power), [var.ref, *slots, grad, *hyper.values()]


class RMSPropOptimizer(Optimizer):
    """RMSProp: s = ρ·s + (1 − ρ)·g²; m = μ·m + α·g/√(s + ε); θ −= m.

    If centered, c = ρ·c + (1 − ρ)·g, and the root is of s − c² + ε. Slots: rms (s, which starts at 1), momentum (m),
    and mg (c) if centered.

    Args:
        learning_rate: α, a positive number, a scalar tensor, or a function that makes one.
        decay: ρ, in [0, 1).
        momentum: μ, in [0, 1).
        epsilon: ε, a small positive number.
        use_locking: TensorFlow 1's; it has no effect.
        centered: Whether the mean of the gradients is subtracted.
        name: Name of the step's operation, and of the slot variables.

    Example:
        >>> w = tf.Variable(2.0)
        >>> step = tf.train.RMSPropOptimizer(0.1).minimize(tf.square(w))
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(step)
        ...     print(f"{sess.run(w):.4f}")
        1.7470

    Source: Tieleman and Hinton, "Lecture 6.5: RMSProp", Neural Networks for Machine Learning, 2012.
    """

    def __init__(
        self, learning_rate: Hyperparameter, decay: Hyperparameter = 0.9, momentum: Hyperparameter = 0.0,
        epsilon: Hyperparameter = 1e-10, use_locking: bool = False, centered: bool = False, name: str = "RMSProp",
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._hyper = {"learning_rate": learning_rate, "decay": decay, "momentum": momentum, "epsilon": epsilon}
        self._centered = centered

    def hyperparameters(self) -> dict[str, Any]:
        return self._hyper

    def slots(self) -> Sequence[tuple[str, str, Callable[[Variable], Tensor]]]:
        rms = ("rms", self._name, lambda v: ones(v.type.static, v.dtype))
        mean = [("mg", self._name, zeros_of)] if self._centered else []
        return (rms, *mean, ("momentum", self._name, zeros_of))

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        if self._centered:
            rms, mean, momentum = slots
            return ApplyCenteredRMSProp(), [var.ref, mean, rms, momentum, *hyper.values(), grad]
        return ApplyRMSProp(), [var.ref, *slots, *hyper.values(), grad]


class AdamOptimizer(Optimizer):
    """Adam: m += (g − m)·(1 − β1); v += (g² − v)·(1 − β2); θ −= α·√(1 − β2ᵗ)/(1 − β1ᵗ)·m/(√v + ε), in step t.

    Slots: m, in the variable `<variable>/Adam`, and v, in `<variable>/Adam_1`. The variables `beta1_power` and
    `beta2_power` hold β1ᵗ and β2ᵗ.

    Args:
        learning_rate: α, a positive number, a scalar tensor, or a function that makes one.
        beta1: β1, in [0, 1).
        beta2: β2, in [0, 1).
        epsilon: ε, a small positive number: the ε̂ of the paper's section 2.
        use_locking: TensorFlow 1's; it has no effect.
        name: Name of the step's operation, and of the slot variables.

    Example:
        >>> w = tf.Variable(2.0)
        >>> step = tf.train.AdamOptimizer(0.1).minimize(tf.square(w))
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(step)
        ...     print(f"{sess.run(w):.4f}")
        1.9000

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
    """

    def __init__(
        self, learning_rate: Hyperparameter = 0.001, beta1: Hyperparameter = 0.9, beta2: Hyperparameter = 0.999,
        epsilon: Hyperparameter = 1e-8, use_locking: bool = False, name: str = "Adam",
    ) -> None:  # fmt: skip
        super().__init__(use_locking, name)
        self._hyper = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        self._powers: dict[Graph, list[Variable]] = {}

    def hyperparameters(self) -> dict[str, Any]:
        return self._hyper

    def slots(self) -> Sequence[tuple[str, str, Callable[[Variable], Tensor]]]:
        return (("m", self._name, zeros_of), ("v", self._name, zeros_of))

    def prepare(self, graph: Graph) -> None:
        if graph not in self._powers:
            betas = {key: self._hyper[key] for key in ("beta1", "beta2")}
            values = {key: value() if callable(value) else value for key, value in betas.items()}
            self._powers[graph] = [Variable(value, False, name=f"{key}_power") for key, value in values.items()]

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        powers = [cast(p.value(), var.dtype) for p in self._powers[var.graph]]
        return ApplyAdam(), [var.ref, *slots, *powers, *hyper.values(), grad]

    def finish(self, updates: list[Node], hyper: Hyper) -> list[Node]:
        graph = updates[0].graph
        with graph.control_dependencies(updates):
            for power, key in zip(self._powers[graph], ("beta1", "beta2"), strict=True):
                factor = cast(hyper[key], power.dtype)
                updates = [*updates, power.assign(power.value() * factor).node]
        return updates

    def variables(self) -> list[Variable]:
        return [*(p for powers in self._powers.values() for p in powers), *super().variables()]
