"""Keras's optimizers: `train.Optimizer`s whose learning rate and number of steps are variables."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph import math
from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op
from minigraph.keras import backend as K
from minigraph.keras import lookup
from minigraph.keras.base_layer import assign_all
from minigraph.keras.state import state_of
from minigraph.ops.filling import ones_like
from minigraph.ops.math.casting import cast
from minigraph.ops.math.clipping import clip_by_norm, clip_by_value
from minigraph.ops.state.update import (
    ApplyAdadelta,
    ApplyAdam,
    ApplyCenteredRMSProp,
    ApplyFtrl,
    ApplyGradientDescent,
    ApplyRMSProp,
)
from minigraph.ops.state.variable import Assign
from minigraph.run.variables import Variable, assign
from minigraph.train import optimizer as core

Hyper = Mapping[str, Tensor]


class Optimizer(core.Optimizer):
    """The base class of Keras's optimizers.

    A subclass names its arguments in `settings`, with defaults, and defines `change`, or `step` as other optimizers.
    More arguments: lr, an older name of learning_rate; decay, so that the rate is learning_rate/(1 + decay·steps);
    clipnorm and clipvalue, bounds of each gradient's norm and elements.
    """

    settings: ClassVar[Mapping[str, Any]] = {"learning_rate": 0.01}
    not_hyper: ClassVar[frozenset[str]] = frozenset()
    after_name: ClassVar[Mapping[str, Any]] = {}  # further arguments, which are refused if they are not 0

    def __init_subclass__(cls) -> None:
        kind = inspect.Parameter
        defaults = {**cls.settings, "name": cls.__name__, **cls.after_name}
        given = [kind(k, kind.POSITIONAL_OR_KEYWORD, default=v) for k, v in defaults.items()]
        cls.__signature__ = inspect.Signature([*given, kind("kwargs", kind.VAR_KEYWORD)])  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= dict(zip([*self.settings, "name", *self.after_name], args, strict=False))
        super().__init__(False, kwargs.pop("name", None) or type(self).__name__)
        refuse(
            f"keras.optimizers.{type(self).__name__}", **{key: kwargs.pop(key, 0.0) or None for key in self.after_name}
        )
        if "lr" in kwargs:
            kwargs["learning_rate"] = kwargs.pop("lr")
        bounds = {key: kwargs.pop(key) for key in ("clipnorm", "clipvalue") if key in kwargs}
        self.clipnorm, self.clipvalue = bounds.get("clipnorm"), bounds.get("clipvalue")
        self.initial_decay = float(kwargs.pop("decay", 0.0))
        given = {**self.settings, **kwargs}
        if unknown := sorted(given.keys() - self.settings.keys()):
            raise TypeError(f"Unexpected keyword argument passed to optimizer: {unknown[0]}")
        self._values = given
        self._rate: Any = None
        self._steps: Variable | None = None
        self._scope = ""  # of the slots' names
        self._moved: list[Node] = []

    def __getattr__(self, name: str) -> Any:
        if name != "_values" and name in self.__dict__.get("_values", {}):
            return self._values[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def learning_rate(self) -> Any:
        """The variable of the learning rate; the tensor, if one was given."""
        if self._rate is None:
            rate = self._values["learning_rate"]
            rate = rate() if callable(rate) else rate
            self._rate = rate if isinstance(rate, Tensor) else self._new(rate, np.float32, "learning_rate")
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._values["learning_rate"] = value
        if isinstance(self._rate, Variable):
            K.set_value(self._rate, value)

    lr = learning_rate

    @property
    def iterations(self) -> Variable:
        """The variable that counts the steps."""
        if self._steps is None:
            self._steps = self._new(0, np.int64, "iter")
        return self._steps

    def _new(self, value: Any, dtype: Any, name: str) -> Variable:
        made = Variable(np.array(value, dtype), trainable=False, name=name)
        state_of(made.graph).track([made])
        return made

    # the parts of a step

    def hyperparameters(self) -> dict[str, Any]:
        """The numbers of a step: the learning rate first, after its decay."""
        rate: Any = convert_to_tensor(self.learning_rate)
        if self.initial_decay:
            rate = rate / (1.0 + self.initial_decay * cast(self.iterations, rate.dtype))
        numbers = {k: v for k, v in self._values.items() if k not in {"learning_rate", *self.not_hyper}}
        return {"learning_rate": rate, **numbers}

    def prepare(self, graph: Graph) -> None:
        """Make the counter of steps."""
        self._scope = graph.get_name_scope()
        for variable in (self.iterations, self.learning_rate):
            assert variable is not None

    def _slot_variable_name(self, var: Variable, slot_name: str) -> str:
        return f"{self._scope}/{var.op.name}/{slot_name}" if self._scope else f"{var.op.name}/{slot_name}"

    def power(self, hyper: Hyper, name: str, more: int = 1) -> Tensor:
        """A number to the power of the steps so far plus `more`."""
        return math.pow(hyper[name], cast(self.iterations, hyper[name].dtype) + float(more))

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        """What is added to the variable, and the new values of the slots. For subclasses."""
        raise NotImplementedError(type(self).__name__)

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        """The op of one variable's step; those of the slots are kept for `finish`."""
        difference, values = self.change(grad, [self._slots[key][var].value() for key, *_ in self.slots()], hyper)
        variables = [self._slots[key][var] for key, *_ in self.slots()]
        self._moved += [assign(v, value).node for v, value in zip(variables, values, strict=True)]
        return Assign(), [var.ref, var.value() + difference]

    def finish(self, updates: list[Node], hyper: Hyper) -> list[Node]:
        """All operations of the step."""
        moved, self._moved = self._moved, []
        return [*updates, *moved]

    def get_gradients(self, loss: Any, params: Sequence[Variable]) -> list[Tensor | None]:
        """The gradients of a loss, clipped."""
        return [None if g is None else self._clipped(g) for g in K.gradients(loss, list(params))]

    def _clipped(self, grad: Tensor) -> Tensor:
        if self.clipnorm is not None:
            grad = clip_by_norm(grad, float(self.clipnorm))
        return grad if self.clipvalue is None else clip_by_value(grad, -float(self.clipvalue), float(self.clipvalue))

    def get_updates(self, loss: Any, params: Sequence[Variable]) -> list[Node]:
        """The operation of one step down the gradient of a loss."""
        pairs = list(zip(self.get_gradients(loss, params), params, strict=True))
        node = self.apply_gradients(pairs, self.iterations)
        state_of(node.graph).track(self.weights)
        return [node]

    # weights and configurations

    @property
    def weights(self) -> list[Variable]:
        """The counter of steps, and the slots."""
        return [*([] if self._steps is None else [self._steps]), *self.variables()]

    def get_weights(self) -> list[np.ndarray]:
        """The values of `weights`."""
        return K.batch_get_value(self.weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the values of `weights`. ValueError if their number or a shape differs."""
        if len(weights) != len(self.weights):
            raise ValueError(
                f"You called `set_weights(weights)` on optimizer {self._name} with a  weight list of length "
                f"{len(weights)}, but the optimizer was expecting {len(self.weights)} weights."
            )
        assign_all(zip(self.weights, weights, strict=True))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, with the learning rate of now."""
        rate = self._rate if self._rate is not None else self._values["learning_rate"]
        number = float(K.get_value(rate)) if isinstance(rate, Variable | Tensor) else float(rate)
        bounds = {"clipnorm": self.clipnorm, "clipvalue": self.clipvalue}
        return {
            "name": self._name, **self._values, "learning_rate": number, "decay": self.initial_decay,
            **{k: v for k, v in bounds.items() if v is not None},
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """The optimizer of a configuration."""
        return cls(**config)


def _slot(name: str, start: Callable[[Variable], Tensor] = core.zeros_of) -> tuple[str, str, Any]:
    return name, name, start


class SGD(Optimizer):
    """v = momentum·v − α·g; θ += v, or with Nesterov θ += momentum·v − α·g."""

    settings: ClassVar[Mapping[str, Any]] = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}
    not_hyper = frozenset({"nesterov"})

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        """The slots."""
        return (_slot("momentum"),) if self._values["momentum"] else ()

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        """The op of one variable's step."""
        if slots:
            return super().step(var, grad, slots, hyper)
        return ApplyGradientDescent(), [var.ref, hyper["learning_rate"], grad]

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        """What is added to the variable, and the new values of the slots."""
        down = hyper["learning_rate"] * grad
        speed = hyper["momentum"] * slots[0] - down
        return (hyper["momentum"] * speed - down if self._values["nesterov"] else speed), [speed]


class RMSprop(Optimizer):
    """s = ρ·s + (1 − ρ)·g²; θ −= α·g/(√s + ε). With momentum TensorFlow's RMSProp, whose ε is inside the root."""

    settings: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "centered": False,
    }  # fmt: skip
    not_hyper = frozenset({"centered"})

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        """The slots."""
        names = [
            "rms",
            *(["momentum"] if self._values["momentum"] else []),
            *(["mg"] if self._values["centered"] else []),
        ]
        return [_slot(name) for name in names]

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        """The op of one variable's step."""
        if not self._values["momentum"]:
            return super().step(var, grad, slots, hyper)
        numbers = [hyper[name] for name in ("learning_rate", "rho", "momentum", "epsilon")]
        if self._values["centered"]:
            rms, speed, mean = slots
            return ApplyCenteredRMSProp(), [var.ref, mean, rms, speed, *numbers, grad]
        return ApplyRMSProp(), [var.ref, *slots, *numbers, grad]

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        """What is added to the variable, and the new values of the slots."""
        rho = hyper["rho"]
        square = rho * slots[0] + (1.0 - rho) * math.square(grad)
        means = [rho * mean + (1.0 - rho) * grad for mean in slots[1:]]
        spread = square - math.square(means[0]) if means else square
        return -hyper["learning_rate"] * grad / (math.sqrt(spread) + hyper["epsilon"]), [square, *means]


class Adagrad(Optimizer):
    """a += g²; θ −= α·g/(√a + ε)."""

    settings: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 0.001, "initial_accumulator_value": 0.1, "epsilon": 1e-7,
    }  # fmt: skip
    not_hyper = frozenset({"initial_accumulator_value"})

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        """The slots."""
        start = float(self._values["initial_accumulator_value"])
        return (_slot("accumulator", lambda var: ones_like(core.zeros_of(var)) * start),)

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        """What is added to the variable, and the new values of the slots."""
        total = slots[0] + math.square(grad)
        return -hyper["learning_rate"] * grad / (math.sqrt(total) + hyper["epsilon"]), [total]


class Adadelta(Optimizer):
    """a = ρ·a + (1 − ρ)·g²; d = g·√(u + ε)/√(a + ε); u = ρ·u + (1 − ρ)·d²; θ −= α·d."""

    settings: ClassVar[Mapping[str, Any]] = {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7}

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        """The slots."""
        return (_slot("accum_grad"), _slot("accum_var"))

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        """The op of one variable's step."""
        return ApplyAdadelta(), [var.ref, *slots, *hyper.values(), grad]


class Adam(Optimizer):
    """m += (g − m)(1 − β1); v += (g² − v)(1 − β2); θ −= α·√(1 − β2ᵗ)/(1 − β1ᵗ)·m/(√v + ε).

    With amsgrad the largest v so far takes the place of v.
    """

    settings: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False,
    }  # fmt: skip
    not_hyper = frozenset({"amsgrad"})

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        """The slots."""
        return [_slot(name) for name in (("m", "v", "vhat") if self._values["amsgrad"] else ("m", "v"))]

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        """The op of one variable's step."""
        if self._values["amsgrad"]:
            return super().step(var, grad, slots, hyper)
        powers = self.power(hyper, "beta_1"), self.power(hyper, "beta_2")
        return ApplyAdam(), [var.ref, *slots, *powers, *hyper.values(), grad]

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        """What is added to the variable, and the new values of the slots."""
        first, second = hyper["beta_1"], hyper["beta_2"]
        m = slots[0] + (grad - slots[0]) * (1.0 - first)
        v = slots[1] + (math.square(grad) - slots[1]) * (1.0 - second)
        largest = math.maximum(slots[2], v)
        scale = math.sqrt(1.0 - self.power(hyper, "beta_2")) / (1.0 - self.power(hyper, "beta_1"))
        rate = hyper["learning_rate"] * scale
        return -rate * m / (math.sqrt(largest) + hyper["epsilon"]), [m, v, largest]


class Adamax(Optimizer):
    """m += (g − m)(1 − β1); v = max(β2·v, |g|); θ −= α/(1 − β1ᵗ)·m/(v + ε)."""

    settings: ClassVar[Mapping[str, Any]] = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        """The slots."""
        return (_slot("m"), _slot("v"))

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        """What is added to the variable, and the new values of the slots."""
        m = slots[0] + (grad - slots[0]) * (1.0 - hyper["beta_1"])
        v = math.maximum(hyper["beta_2"] * slots[1], math.abs(grad))
        rate = hyper["learning_rate"] / (1.0 - self.power(hyper, "beta_1"))
        return -rate * m / (v + hyper["epsilon"]), [m, v]


class Nadam(Optimizer):
    """Adam with Nesterov's momentum, whose first factor u = β1·(1 − ½·0.96^(decay·t)) grows with the steps."""

    settings: ClassVar[Mapping[str, Any]] = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}

    def __init__(self, *args: Any, schedule_decay: float = 0.004, **kwargs: Any) -> None:
        self._schedule = float(kwargs.pop("decay", schedule_decay))
        super().__init__(*args, **kwargs)
        self._cache: Variable | None = None
        self._cached: Tensor | None = None

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        """The slots."""
        return (_slot("m"), _slot("v"))

    def prepare(self, graph: Graph) -> None:
        """Make the counter of steps, and the product of the first factors."""
        super().prepare(graph)
        if self._cache is None:
            self._cache = Variable(np.float32(1.0), trainable=False, name="momentum_cache")

    def variables(self) -> list[Variable]:
        """The product of the first factors, and the slots."""
        return [*([] if self._cache is None else [self._cache]), *super().variables()]

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        """What is added to the variable, and the new values of the slots."""
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
        """All operations of the step."""
        assert self._cache is not None
        kept = assign(self._cache, cast(self._cached, self._cache.dtype)).node  # type: ignore[arg-type]
        return [*super().finish(updates, hyper), kept]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "decay": self._schedule}


class Ftrl(Optimizer):
    """Follow the regularised leader; see `tf.train.FtrlOptimizer`."""

    settings: ClassVar[Mapping[str, Any]] = {
        "learning_rate": 0.001, "learning_rate_power": -0.5, "initial_accumulator_value": 0.1,
        "l1_regularization_strength": 0.0, "l2_regularization_strength": 0.0,
    }  # fmt: skip
    not_hyper = frozenset({"learning_rate_power", "initial_accumulator_value"})
    after_name: ClassVar[Mapping[str, Any]] = {"l2_shrinkage_regularization_strength": 0.0}

    def slots(self) -> Sequence[tuple[str, str, Any]]:
        """The slots."""
        start = float(self._values["initial_accumulator_value"])
        return (_slot("accumulator", lambda var: ones_like(core.zeros_of(var)) * start), _slot("linear"))

    def variables(self) -> list[Variable]:
        """The slots, variable by variable."""
        tables = [self._slots[key].values() for key in ("accumulator", "linear") if key in self._slots]
        return [v for slots in zip(*tables, strict=True) for v in slots]

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        """The op of one variable's step."""
        return ApplyFtrl(-float(self._values["learning_rate_power"])), [var.ref, *slots, grad, *hyper.values()]


_CLASSES = (SGD, RMSprop, Adagrad, Adadelta, Adam, Adamax, Nadam, Ftrl)
_TABLE = {**{kind.__name__: kind for kind in _CLASSES}, **{kind.__name__.lower(): kind for kind in _CLASSES}}


def get(identifier: Any) -> Any:
    """The optimizer of a name or a configuration; an optimizer, also one of `tf.train`, is itself."""
    if isinstance(identifier, core.Optimizer):
        return identifier
    if isinstance(identifier, str):
        identifier = identifier if identifier in _TABLE else identifier.lower()
    if identifier is None or callable(identifier):
        raise ValueError(f"Could not interpret optimizer identifier: {identifier!r}")
    return lookup.get(identifier, _TABLE, "optimizer")


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The optimizer of a configuration."""
    return lookup.from_config(config, _TABLE, "optimizer", custom_objects)


def serialize(optimizer: Any) -> Any:
    """The configuration of an optimizer."""
    return lookup.to_config(optimizer)
