"""Keras's optimizers, and `get`, which finds one by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph import math
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op
from minigraph.keras import lookup
from minigraph.keras.optimizers.base import Hyper, Optimizer
from minigraph.ops.array.indexed_slices import IndexedSlices
from minigraph.ops.filling import ones_like
from minigraph.ops.math.casting import cast
from minigraph.ops.state.update import (
    ApplyAdadelta,
    ApplyAdagradV2,
    ApplyAdam,
    ApplyAdaMax,
    ApplyCenteredRMSProp,
    ApplyFtrl,
    ApplyGradientDescent,
    ApplyKerasMomentum,
    ApplyRMSProp,
)
from minigraph.run.variables import Variable, assign
from minigraph.train import optimizer as core

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "Ftrl",
    "Nadam",
    "RMSprop",
    "deserialize",
    "get",
    "serialize",
]


def _slot(name: str, start: Callable[[Variable], Tensor] = core.zeros_of) -> tuple[str, str, Any]:
    return name, name, start


class SGD(Optimizer):
    """Gradient descent: θ −= α·g. With momentum v = momentum·v − α·g; θ += v, with Nesterov's θ += momentum·v − α·g.

    Args:
        learning_rate: Learning rate α: a number, a scalar tensor, or a function without arguments that makes one.
        momentum: The share of the speed v that a step keeps; 0 for no momentum.
        nesterov: Whether the momentum is Nesterov's.
        name: Name scope of the operations and slots.
        **kwargs: Further arguments of `Optimizer`: decay, clipnorm and clipvalue; and lr, an older name of
            learning_rate.

    Raises:
        TypeError: An argument is unknown.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(1,))])
        >>> model.compile(tf.keras.optimizers.SGD(0.1), "mse")
        >>> _ = model.train_on_batch(np.ones([1, 1]), np.zeros([1, 1]))
        >>> print(model.get_weights()[0].round(4))
        [[0.8]]
    """

    settings: ClassVar[Mapping[str, Any]] = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}
    not_hyper = frozenset({"nesterov"})

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        return (_slot("momentum"),) if self._values["momentum"] else ()

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        given = [var.ref, *slots, hyper["learning_rate"], grad]
        if slots:
            return ApplyKerasMomentum(bool(self._values["nesterov"])), [*given, hyper["momentum"]]
        return ApplyGradientDescent(), given


class RMSprop(Optimizer):
    """s = ρ·s + (1 − ρ)·g²; θ −= α·g/(√s + ε). With momentum it is TensorFlow's RMSProp, whose ε is inside the root.

    Args:
        learning_rate: Learning rate α: a number, a scalar tensor, or a function without arguments that makes one.
        rho: The share ρ of the mean square that a step keeps.
        momentum: The share of the speed that a step keeps; 0 for no momentum.
        epsilon: The small number ε.
        centered: Whether the variance of the gradients, instead of their mean square, is divided by.
        name: Name scope of the operations and slots.
        **kwargs: Further arguments of `Optimizer`: decay, clipnorm and clipvalue; and lr, an older name of
            learning_rate.

    Raises:
        TypeError: An argument is unknown.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(1,))])
        >>> model.compile(tf.keras.optimizers.RMSprop(0.01), "mse")
        >>> _ = model.train_on_batch(np.ones([1, 1]), np.zeros([1, 1]))
        >>> print(model.get_weights()[0].round(4))
        [[0.9684]]
    """

    settings: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False,
    }  # fmt: skip
    not_hyper = frozenset({"centered"})

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        names = [
            "rms",
            *(["momentum"] if self._values["momentum"] else []),
            *(["mg"] if self._values["centered"] else []),
        ]
        return [_slot(name) for name in names]

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        if not self._values["momentum"]:
            return super().step(var, grad, slots, hyper)
        numbers = [hyper[name] for name in ("learning_rate", "rho", "momentum", "epsilon")]
        if self._values["centered"]:
            rms, speed, mean = slots
            return ApplyCenteredRMSProp(), [var.ref, mean, rms, speed, *numbers, grad]
        return ApplyRMSProp(), [var.ref, *slots, *numbers, grad]

    def sparse_step(
        self, var: Variable, grad: IndexedSlices, slots: Sequence[Tensor], hyper: Hyper
    ) -> tuple[Op, list[Tensor]]:
        kind = core.Optimizer if self._values["momentum"] else Optimizer
        return kind.sparse_step(self, var, grad, slots, hyper)

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        rho = hyper["rho"]
        square = rho * slots[0] + (1.0 - rho) * math.square(grad)
        means = [rho * mean + (1.0 - rho) * grad for mean in slots[1:]]
        spread = square - math.square(means[0]) if means else square
        return -hyper["learning_rate"] * grad / (math.sqrt(spread) + hyper["epsilon"]), [square, *means]


class Adagrad(Optimizer):
    """a += g²; θ −= α·g/(√a + ε).

    Args:
        learning_rate: Learning rate α: a number, a scalar tensor, or a function without arguments that makes one.
        initial_accumulator_value: The first a.
        epsilon: The small number ε.
        name: Name scope of the operations and slots.
        **kwargs: Further arguments of `Optimizer`: decay, clipnorm and clipvalue; and lr, an older name of
            learning_rate.

    Raises:
        TypeError: An argument is unknown.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(1,))])
        >>> model.compile(tf.keras.optimizers.Adagrad(0.1), "mse")
        >>> _ = model.train_on_batch(np.ones([1, 1]), np.zeros([1, 1]))
        >>> print(model.get_weights()[0].round(4))
        [[0.9012]]

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
    2011.
    """

    settings: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7,
    }  # fmt: skip
    not_hyper = frozenset({"initial_accumulator_value"})

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        start = float(self._values["initial_accumulator_value"])
        return (_slot("accumulator", lambda var: ones_like(core.zeros_of(var)) * start),)

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        return ApplyAdagradV2(), [var.ref, *slots, *hyper.values(), grad]


class Adadelta(Optimizer):
    """a = ρ·a + (1 − ρ)·g²; d = g·√(u + ε)/√(a + ε); u = ρ·u + (1 − ρ)·d²; θ −= α·d.

    Args:
        learning_rate: Learning rate α: a number, a scalar tensor, or a function without arguments that makes one.
        rho: The share ρ of the mean squares that a step keeps.
        epsilon: The small number ε.
        name: Name scope of the operations and slots.
        **kwargs: Further arguments of `Optimizer`: decay, clipnorm and clipvalue; and lr, an older name of
            learning_rate.

    Raises:
        TypeError: An argument is unknown.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(1,))])
        >>> model.compile(tf.keras.optimizers.Adadelta(1.0), "mse")
        >>> _ = model.train_on_batch(np.ones([1, 1]), np.zeros([1, 1]))
        >>> print(model.get_weights()[0].round(4))
        [[0.9986]]

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    settings: ClassVar[Mapping[str, Any]] = {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7}

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        return (_slot("accum_grad"), _slot("accum_var"))

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        return ApplyAdadelta(), [var.ref, *slots, *hyper.values(), grad]


class Adam(Optimizer):
    """m += (g − m)(1 − β1); v += (g² − v)(1 − β2); θ −= α·√(1 − β2ᵗ)/(1 − β1ᵗ)·m/(√v + ε).

    Args:
        learning_rate: Learning rate α: a number, a scalar tensor, or a function without arguments that makes one.
        beta_1: The share β1 of the mean gradient that a step keeps.
        beta_2: The share β2 of the mean square that a step keeps.
        epsilon: The small number ε.
        amsgrad: Whether the largest v so far takes the place of v.
        name: Name scope of the operations and slots.
        **kwargs: Further arguments of `Optimizer`: decay, clipnorm and clipvalue; and lr, an older name of
            learning_rate.

    Raises:
        TypeError: An argument is unknown.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(1,))])
        >>> model.compile(tf.keras.optimizers.Adam(0.01), "mse")
        >>> _ = model.train_on_batch(np.ones([1, 1]), np.zeros([1, 1]))
        >>> print(model.get_weights()[0].round(4))
        [[0.99]]

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
    """

    settings: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False,
    }  # fmt: skip
    not_hyper = frozenset({"amsgrad"})

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        return [_slot(name) for name in (("m", "v", "vhat") if self._values["amsgrad"] else ("m", "v"))]

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        if self._values["amsgrad"]:
            return super().step(var, grad, slots, hyper)
        powers = self.power(hyper, "beta_1"), self.power(hyper, "beta_2")
        return ApplyAdam(), [var.ref, *slots, *powers, *hyper.values(), grad]

    def sparse_step(
        self, var: Variable, grad: IndexedSlices, slots: Sequence[Tensor], hyper: Hyper
    ) -> tuple[Op, list[Tensor]]:
        return self.step(var, grad.as_graph_tensor(), slots, hyper)  # all rows move, as in TensorFlow

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        first, second = hyper["beta_1"], hyper["beta_2"]
        m = slots[0] + (grad - slots[0]) * (1.0 - first)
        v = slots[1] + (math.square(grad) - slots[1]) * (1.0 - second)
        largest = math.maximum(slots[2], v)
        scale = math.sqrt(1.0 - self.power(hyper, "beta_2")) / (1.0 - self.power(hyper, "beta_1"))
        rate = hyper["learning_rate"] * scale
        return -rate * m / (math.sqrt(largest) + hyper["epsilon"]), [m, v, largest]


class Adamax(Optimizer):
    """m += (g − m)(1 − β1); v = max(β2·v, |g|); θ −= α/(1 − β1ᵗ)·m/(v + ε).

    Args:
        learning_rate: Learning rate α: a number, a scalar tensor, or a function without arguments that makes one.
        beta_1: The share β1 of the mean gradient that a step keeps.
        beta_2: The share β2 of the greatest gradient that a step keeps.
        epsilon: The small number ε.
        name: Name scope of the operations and slots.
        **kwargs: Further arguments of `Optimizer`: decay, clipnorm and clipvalue; and lr, an older name of
            learning_rate.

    Raises:
        TypeError: An argument is unknown.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(1,))])
        >>> model.compile(tf.keras.optimizers.Adamax(0.01), "mse")
        >>> _ = model.train_on_batch(np.ones([1, 1]), np.zeros([1, 1]))
        >>> print(model.get_weights()[0].round(4))
        [[0.99]]

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
    """

    settings: ClassVar[Mapping[str, Any]] = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        return (_slot("m"), _slot("v"))

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        return ApplyAdaMax(), [var.ref, *slots, self.power(hyper, "beta_1"), *hyper.values(), grad]


class Nadam(Optimizer):
    """Adam with Nesterov's momentum, whose first factor u = β1·(1 − ½·0.96^(decay·t)) grows with the steps.

    Args:
        learning_rate: Learning rate α: a number, a scalar tensor, or a function without arguments that makes one.
        beta_1: The limit β1 of the share of the mean gradient that a step keeps.
        beta_2: The share β2 of the mean square that a step keeps.
        epsilon: The small number ε.
        name: Name scope of the operations and slots.
        **kwargs: clipnorm and clipvalue, as of `Optimizer`; schedule_decay or decay, the factor of t, by default 0.004;
            and lr, an older name of learning_rate.

    Raises:
        TypeError: An argument is unknown.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(1,))])
        >>> model.compile(tf.keras.optimizers.Nadam(0.01), "mse")
        >>> _ = model.train_on_batch(np.ones([1, 1]), np.zeros([1, 1]))
        >>> print(model.get_weights()[0].round(4))
        [[0.9894]]

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    """

    settings: ClassVar[Mapping[str, Any]] = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

    def __init__(self, *args: Any, schedule_decay: float = 0.004, **kwargs: Any) -> None:
        self._schedule = float(kwargs.pop("decay", schedule_decay))
        super().__init__(*args, **kwargs)
        self._cache: Variable | None = None
        self._cached: Tensor | None = None

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        return (_slot("m"), _slot("v"))

    def prepare(self, graph: Graph) -> None:
        super().prepare(graph)
        if self._cache is None:
            self._cache = Variable(np.float32(1.0), trainable=False, name="momentum_cache")

    def variables(self) -> list[Variable]:
        return [*([] if self._cache is None else [self._cache]), *super().variables()]

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        assert self._cache is not None
        time = cast(self.iterations, grad.dtype)
        now, after = (hyper["beta_1"] * (1.0 - 0.5 * math.pow(0.96, self._schedule * (time + n))) for n in (1.0, 2.0))
        product = cast(self._cache.value(), grad.dtype) * now
        m = hyper["beta_1"] * slots[0] + (1.0 - hyper["beta_1"]) * grad
        v = hyper["beta_2"] * slots[1] + (1.0 - hyper["beta_2"]) * math.square(grad)
        width = math.sqrt(v / (1.0 - self.power(hyper, "beta_2"))) + hyper["epsilon"]
        middle = (1.0 - now) * grad / (1.0 - product) + after * m / (1.0 - product * after)
        self._cached = product
        return -hyper["learning_rate"] * middle / width, [m, v]

    def finish(self, updates: list[Node], hyper: Hyper) -> list[Node]:
        assert self._cache is not None
        kept = assign(self._cache, cast(self._cached, self._cache.dtype)).node  # type: ignore[arg-type]
        return [*super().finish(updates, hyper), kept]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "decay": self._schedule}


class Ftrl(Optimizer):
    """Follow the regularised leader; see `tf.train.FtrlOptimizer` for the formulas.

    Args:
        learning_rate: Learning rate α: a number, a scalar tensor, or a function without arguments that makes one.
        learning_rate_power: The power to which the sum of squares is taken, at most 0.
        initial_accumulator_value: The first sum of squares.
        l1_regularization_strength: Factor of the absolute values of the weights.
        l2_regularization_strength: Factor of their squares.
        name: Name scope of the operations and slots.
        l2_shrinkage_regularization_strength: TensorFlow's argument, which must be 0.
        **kwargs: Further arguments of `Optimizer`: decay, clipnorm and clipvalue; and lr, an older name of
            learning_rate.

    Raises:
        TypeError: An argument is unknown.
        ValueError: `l2_shrinkage_regularization_strength` is set.

    Example:
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(1,))])
        >>> model.compile(tf.keras.optimizers.Ftrl(0.1), "mse")
        >>> _ = model.train_on_batch(np.ones([1, 1]), np.zeros([1, 1]))
        >>> print(model.get_weights()[0].round(4))
        [[0.7451]]

    Source: McMahan and others, "Ad click prediction: a view from the trenches", 2013.
    """

    settings: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 0.001, "learning_rate_power": -0.5, "initial_accumulator_value": 0.1,
        "l1_regularization_strength": 0.0, "l2_regularization_strength": 0.0,
    }  # fmt: skip
    not_hyper = frozenset({"learning_rate_power", "initial_accumulator_value"})
    after_name: ClassVar[Mapping[str, Any]] = {"l2_shrinkage_regularization_strength": 0.0}

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        start = float(self._values["initial_accumulator_value"])
        return (_slot("accumulator", lambda var: ones_like(core.zeros_of(var)) * start), _slot("linear"))

    def variables(self) -> list[Variable]:
        tables = [self._slots[key].values() for key in ("accumulator", "linear") if key in self._slots]
        return [v for slots in zip(*tables, strict=True) for v in slots]

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        return ApplyFtrl(-float(self._values["learning_rate_power"])), [var.ref, *slots, grad, *hyper.values()]


_CLASSES = (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam, Ftrl)
_TABLE = {**{kind.__name__: kind for kind in _CLASSES}, **{kind.__name__.lower(): kind for kind in _CLASSES}}


def get(identifier: Any) -> Any:
    """The optimizer that an argument stands for.

    Args:
        identifier: A name such as "adam", in any case of letters, a configuration, or an optimizer, also one of
            `tf.train`.

    Returns:
        The optimizer.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> tf.keras.optimizers.get("sgd").get_config()["learning_rate"]
        0.01
    """
    if isinstance(identifier, core.Optimizer):
        return identifier
    if isinstance(identifier, str):
        identifier = identifier if identifier in _TABLE else identifier.lower()
    if identifier is None or callable(identifier):
        raise ValueError(f"Could not interpret optimizer identifier: {identifier!r}")
    return lookup.get(identifier, _TABLE, "optimizer")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Make an optimizer from its configuration.

    Args:
        config: The dictionary `{"class_name": …, "config": …}`.
        custom_objects: Classes and functions that the configuration may name besides Keras's own, by name.

    Returns:
        The optimizer.

    Raises:
        ValueError: There is no such name, or the configuration has another form.

    Example:
        >>> config = {"class_name": "SGD", "config": {"momentum": 0.9}}
        >>> tf.keras.optimizers.deserialize(config).momentum
        0.9
    """
    return lookup.deserialize(config, _TABLE, "optimizer", custom_objects)


def serialize(optimizer: Any) -> Any:
    """The configuration of an optimizer.

    Args:
        optimizer: One of Keras's optimizers.

    Returns:
        The dictionary that `deserialize` takes.

    Raises:
        ValueError: The optimizer has no configuration.

    Example:
        >>> tf.keras.optimizers.serialize(tf.keras.optimizers.SGD(0.1))["class_name"]
        'SGD'
    """
    return lookup.to_config(optimizer)
