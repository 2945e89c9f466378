"""The base class of Keras's optimizers: `train.Optimizer`s whose learning rate and number of steps are variables."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph import math
from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.op import Op
from minigraph.keras import backend as K
from minigraph.keras.base_layer import assign_all
from minigraph.keras.state import state_of
from minigraph.ops.array.indexed_slices import IndexedSlices
from minigraph.ops.filling import ones_like
from minigraph.ops.math.casting import cast
from minigraph.ops.math.clipping import clip_by_norm, clip_by_value
from minigraph.ops.math.selection import where
from minigraph.ops.state.variable import Assign
from minigraph.run.variables import Variable, assign
from minigraph.train import optimizer as core

__all__ = ["Optimizer"]

Hyper = core.Hyper


class Optimizer(core.Optimizer):
    """Base class of Keras's optimizers: their learning rate and number of steps are variables.

    A subclass names its arguments in `settings`, with their defaults, and the slots in `slots`; it defines `change`, or
    `step` as the optimizers of `tf.train` do.

    Args:
        *args: The arguments in the order of `settings`, followed by the name.
        **kwargs: The same by name, and: lr, an older name of learning_rate; decay, so that the rate is learning_rate/(1
            + decay·steps); clipnorm and clipvalue, bounds of each gradient's norm and elements.

    Raises:
        TypeError: An argument is unknown.

    Example:
        >>> class Signs(tf.keras.optimizers.Optimizer):
        ...     settings = {"learning_rate": 0.5}
        ...     def change(self, grad, slots, hyper):
        ...         return -hyper["learning_rate"] * tf.sign(grad), []
        >>> model = tf.keras.Sequential([tf.keras.layers.Dense(1, kernel_initializer="ones", input_shape=(1,))])
        >>> model.compile(Signs(), "mse")
        >>> _ = model.train_on_batch(np.ones([1, 1]), np.zeros([1, 1]))
        >>> print(model.get_weights()[0].round(4))
        [[0.5]]
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
        rate: Any = convert_to_tensor(self.learning_rate)
        if self.initial_decay:
            rate = rate / (1.0 + self.initial_decay * cast(self.iterations, rate.dtype))
        numbers = {k: v for k, v in self._values.items() if k not in {"learning_rate", *self.not_hyper}}
        return {"learning_rate": rate, **numbers}

    def prepare(self, graph: Graph) -> None:
        self._scope = graph.get_name_scope()
        for variable in (self.iterations, self.learning_rate):
            assert variable is not None

    def _slot_variable_name(self, var: Variable, slot_name: str) -> str:
        return f"{self._scope}/{var.op.name}/{slot_name}" if self._scope else f"{var.op.name}/{slot_name}"

    def power(self, hyper: Hyper, name: str, more: int = 1) -> Tensor:
        """Raise a hyperparameter to the power of the number of steps.

        Args:
            hyper: The hyperparameters by name, scalars.
            name: The hyperparameter's name.
            more: A number that is added to that of the steps so far.

        Returns:
            A scalar.
        """
        return math.pow(hyper[name], cast(self.iterations, hyper[name].dtype) + float(more))

    def change(self, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Tensor, list[Tensor]]:
        """Make the change of one variable. For subclasses.

        Args:
            grad: The gradient of the loss in the variable, of its dtype and shape.
            slots: The values of its slots, in the order of `slots()`.
            hyper: The hyperparameters by name, scalars of the variable's dtype.

        Returns:
            What is added to the variable, and the new values of the slots.
        """
        raise NotImplementedError(type(self).__name__)

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        difference, values = self.change(grad, [self._slots[key][var].value() for key, *_ in self.slots()], hyper)
        variables = [self._slots[key][var] for key, *_ in self.slots()]
        self._moved += [assign(v, value).node for v, value in zip(variables, values, strict=True)]
        return Assign(), [var.ref, var.value() + difference]

    def sparse_step(
        self, var: Variable, grad: IndexedSlices, slots: Sequence[Tensor], hyper: Hyper
    ) -> tuple[Op, list[Tensor]]:
        if type(self).change is Optimizer.change:
            return super().sparse_step(var, grad, slots, hyper)
        # As in TensorFlow, the slots decay in all rows, but the variable changes only in those of the gradient.
        op, (ref, new) = self.step(var, grad.as_graph_tensor(), slots, hyper)
        counts = IndexedSlices(ones_like(grad.values), grad.indices, grad.dense_shape).as_graph_tensor()
        return op, [ref, where(counts > 0.0, new, var.value())]

    def apply_gradients(
        self, grads_and_vars: Any, global_step: Variable | None = None, name: str | None = None
    ) -> Node:
        return super().apply_gradients(grads_and_vars, self.iterations if global_step is None else global_step, name)

    def finish(self, updates: list[Node], hyper: Hyper) -> list[Node]:
        moved, self._moved = self._moved, []
        return [*updates, *moved]

    def get_gradients(self, loss: Any, params: Sequence[Variable]) -> list[Tensor | IndexedSlices | None]:
        """Make the gradients of a loss, clipped.

        Args:
            loss: A scalar.
            params: Variables.

        Returns:
            For each variable a tensor, or `tf.IndexedSlices` where only rows of it are looked up; None where the loss
            does not depend on it.
        """
        return [None if g is None else self._clipped(g) for g in K.gradients(loss, list(params))]

    def _clipped(self, grad: Any) -> Any:
        if self.clipnorm is not None:
            grad = clip_by_norm(grad, float(self.clipnorm))
        return grad if self.clipvalue is None else clip_by_value(grad, -float(self.clipvalue), float(self.clipvalue))

    def get_updates(self, loss: Any, params: Sequence[Variable]) -> list[Node]:
        """Make the operation of one step down the gradient of a loss.

        Args:
            loss: A scalar.
            params: The variables to change.

        Returns:
            A list of the operation.
        """
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
        """Read the values of `weights`.

        Returns:
            A list of arrays.
        """
        return K.batch_get_value(self.weights)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the values of `weights`.

        Args:
            weights: Arrays, in the order of `weights`.

        Raises:
            ValueError: Their number or a shape differs.
        """
        if len(weights) != len(self.weights):
            raise ValueError(
                f"You called `set_weights(weights)` on optimizer {self._name} with a  weight list of length "
                f"{len(weights)}, but the optimizer was expecting {len(self.weights)} weights."
            )
        assign_all(zip(self.weights, weights, strict=True))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such an optimizer, with the learning rate of now.

        Returns:
            The arguments of the constructor, by name.
        """
        rate = self._rate if self._rate is not None else self._values["learning_rate"]
        number = float(K.get_value(rate)) if isinstance(rate, Variable | Tensor) else float(rate)
        bounds = {"clipnorm": self.clipnorm, "clipvalue": self.clipvalue}
        return {
            "name": self._name, **self._values, "learning_rate": number, "decay": self.initial_decay,
            **{k: v for k, v in bounds.items() if v is not None},
        }  # fmt: skip

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """Make an optimizer from its configuration.

        Args:
            config: What `get_config` gives.
            custom_objects: TensorFlow's argument, which has no effect.

        Returns:
            A new optimizer of the class.
        """
        return cls(**config)
