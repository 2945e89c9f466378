"""Optimizers with TensorFlow 1's formulas, argument names, slot names and order of effects.

In the formulas θ is a variable, g the gradient of the loss in it, and α the learning rate. Each line of updates runs
from left to right. Numbers given as hyperparameters must be finite.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

from minigraph.autodiff.gradients import cut_at, gradients
from minigraph.core.collections import GraphKeys
from minigraph.core.errors import GradientError
from minigraph.core.graph import Graph, Node, Tensor, convert_to_tensor
from minigraph.core.op import Op
from minigraph.core.operand import Operand
from minigraph.core.typing import TensorLike
from minigraph.ops.array.shape import ones, zeros
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
from minigraph.ops.state.variable import group
from minigraph.run.variable_scope import scoped_name
from minigraph.run.variables import Variable, trainable_variables

Hyper = dict[str, Tensor]
Hyperparameter: TypeAlias = TensorLike | Callable[[], TensorLike]
"""A number, a scalar tensor, or a function without arguments that makes one."""


class Optimizer:
    """Base class of optimizers.

    A subclass defines `hyperparameters` and `step`, and `slots` if it keeps further variables for each variable it
    trains.

    Args:
        use_locking: TensorFlow 1's; it has no effect.
        name: Name of the step's operation, and of the slot variables.

    Raises:
        ValueError: `name` is empty.

    Example:
        >>> from minigraph.ops.state.update import ApplyGradientDescent
        >>> class SignDescent(tf.train.Optimizer):
        ...     def hyperparameters(self):
        ...         return {"learning_rate": 0.5}
        ...     def step(self, var, grad, slots, hyper):
        ...         return ApplyGradientDescent(), [var.ref, hyper["learning_rate"], tf.sign(grad)]
        >>> w = tf.Variable(2.0)
        >>> step = SignDescent(use_locking=False, name="SignDescent").minimize(tf.square(w))
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(step)
        ...     print(sess.run(w))
        1.5
    """

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2  # TensorFlow's values of gate_gradients

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._name = name
        self._slots: dict[str, dict[Variable, Variable]] = {}

    def get_name(self) -> str:
        """Give the optimizer's name.

        Returns:
            The argument `name` of the constructor.
        """
        return self._name

    # for subclasses

    def hyperparameters(self) -> dict[str, Any]:
        """Give the hyperparameters. For subclasses.

        Returns:
            Numbers, tensors, or functions that make them, by name, in the order in which they become constants.
        """
        raise NotImplementedError

    def slots(self) -> Sequence[tuple[str, str, Callable[[Variable], Tensor]]]:
        """Describe the slots. For subclasses.

        Returns:
            For each slot its name, the name of its variables, and a function from a variable to the slot's initial
            value.
        """
        return ()

    def prepare(self, graph: Graph) -> None:
        """Make variables that belong to no slot. For subclasses.

        Args:
            graph: The graph of the variables to train.
        """

    def step(self, var: Variable, grad: Tensor, slots: Sequence[Tensor], hyper: Hyper) -> tuple[Op, list[Tensor]]:
        """Make the op of one variable's step. For subclasses.

        Args:
            var: The variable to train.
            grad: The gradient of the loss in it, of the same dtype and shape.
            slots: The slot variables' tensors, in the order of `slots()`.
            hyper: The hyperparameters by name, scalars of the variable's dtype.

        Returns:
            The op and its operands.
        """
        raise NotImplementedError

    def finish(self, updates: list[Node], hyper: Hyper) -> list[Node]:
        """Add operations that run after the updates of all variables. For subclasses.

        Args:
            updates: The operations that update the variables.
            hyper: The hyperparameters by name, scalars of the first variable's dtype.

        Returns:
            The operations that make up the whole step.
        """
        return updates

    # the public methods

    def minimize(
        self, loss: TensorLike | Callable[[], TensorLike], global_step: Variable | None = None,
        var_list: Variable | Iterable[Variable] | None = None, gate_gradients: Any = None,
        aggregation_method: Any = None, colocate_gradients_with_ops: bool = False, name: str | None = None,
        grad_loss: TensorLike | None = None,
    ) -> Node:  # fmt: skip
        """Make an operation that takes one step down the gradient of a loss.

        Args:
            loss: Scalar floating-point tensor, or a function that makes one.
            global_step: Variable to which the step adds 1.
            var_list: The variables to train; by default all trainable ones.
            gate_gradients, aggregation_method, colocate_gradients_with_ops: TensorFlow 1's; they have no effect.
            name: Name of the operation; by default the optimizer's.
            grad_loss: The gradient of `loss` itself, of its shape; by default 1.

        Returns:
            The operation.

        Raises:
            ValueError: There are no variables.
            TypeError: An item of `var_list` is not a variable.
            GradientError: The loss has no gradient in any of the variables.
        """
        target = convert_to_tensor(loss() if callable(loss) else loss)
        pairs = self.compute_gradients(target, var_list, grad_loss=grad_loss)
        if not any(grad is not None for grad, _ in pairs):
            raise _nothing_to_do([v for _, v in pairs], target)
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self, loss: TensorLike | Callable[[], TensorLike], var_list: Variable | Iterable[Variable] | None = None,
        gate_gradients: Any = None, aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
        grad_loss: TensorLike | None = None,
    ) -> list[tuple[Tensor | None, Variable]]:  # fmt: skip
        """Make the gradients of a loss: the first half of `minimize`.

        Args:
            loss: Scalar floating-point tensor, or a function that makes one.
            var_list: The variables to train; by default all trainable ones.
            gate_gradients, aggregation_method, colocate_gradients_with_ops: TensorFlow 1's; they have no effect.
            grad_loss: The gradient of `loss` itself, of its shape; by default 1.

        Returns:
            Pairs (gradient, variable). The gradient is None where the loss does not depend on the variable.

        Raises:
            ValueError: There are no variables.
            TypeError: An item of `var_list` is not a variable.
        """
        tensor = convert_to_tensor(loss() if callable(loss) else loss)
        variables = [var_list] if isinstance(var_list, Variable) else var_list
        if variables is None:
            with tensor.graph.as_default():
                variables = trainable_variables()
        variables = list(variables)
        if not variables:
            raise ValueError("No variables to optimize.")
        for variable in variables:
            if not isinstance(variable, Variable):
                raise TypeError(f"Argument is not a tf.Variable: {variable!r}")
        grads = gradients(tensor, variables, None if grad_loss is None else [grad_loss])
        return list(zip(grads, variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[TensorLike | None, Variable]], global_step: Variable | None = None,
        name: str | None = None,
    ) -> Node:  # fmt: skip
        """Make an operation that changes variables by their gradients: the second half of `minimize`.

        Args:
            grads_and_vars: Pairs (gradient, variable). A variable whose gradient is None is left alone.
            global_step: Variable to which the step adds 1.
            name: Name of the operation; by default the optimizer's.

        Returns:
            The operation. It is added to the collection `tf.GraphKeys.TRAIN_OP`.

        Raises:
            ValueError: There are no pairs.
            GradientError: All gradients are None.
        """
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("No variables provided.")
        active = [(convert_to_tensor(g), v) for g, v in pairs if g is not None]
        if not active:
            raise _nothing_to_do([v for _, v in pairs], None)
        graph = active[0][1].graph
        with graph.as_default():
            with graph.control_dependencies(None):
                self.prepare(graph)
                self._make_slots([v for _, v in active])
            with graph.name_scope(name or self._name) as scope:
                operation = self._apply(graph, active, global_step, scope)
        if operation not in graph.get_collection_ref(GraphKeys.TRAIN_OP):
            graph.add_to_collection(GraphKeys.TRAIN_OP, operation)
        return operation

    def _apply(
        self, graph: Graph, active: list[tuple[Tensor, Variable]], global_step: Variable | None, scope: str
    ) -> Node:
        hyper = {key: _number(value, key, active[0][1]) for key, value in self.hyperparameters().items()}
        by_dtype = {active[0][1].dtype: hyper}
        updates = []
        for grad, var in active:
            if var.dtype not in by_dtype:
                by_dtype[var.dtype] = {key: cast(value, var.dtype) for key, value in hyper.items()}
            with graph.name_scope(f"update_{var.op.name}"):
                slots = [self._slots[key][var].ref for key, _, _ in self.slots()]
                op, operands = self.step(var, grad, slots, by_dtype[var.dtype])
                updates.append(_constrained(var, graph.add(op, operands)))
        done = self.finish(updates, hyper)
        if global_step is None:
            return group(*done, name=scope)
        with graph.control_dependencies([group(*done, name="update")]), graph.counted_as(2):
            return group(global_step.assign_add(1), name=scope)

    def _make_slots(self, variables: list[Variable]) -> None:
        for var in variables:
            for key, slot_name, initial in self.slots():
                table = self._slots.setdefault(key, {})
                if var not in table:
                    with var.graph.name_scope(None):
                        name = scoped_name(f"{var.op.name}/{slot_name}")
                        table[var] = Variable(partial(initial, var), trainable=False, name=name)

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        """Find the slot variable of a variable.

        Args:
            var: A variable that the optimizer trains.
            name: Name of the slot.

        Returns:
            The slot variable; None if there is none, or none yet.
        """
        return self._slots.get(name, {}).get(var)

    def get_slot_names(self) -> list[str]:
        """List the slots that have variables.

        Returns:
            The names, sorted.
        """
        return sorted(self._slots)

    def variables(self) -> list[Variable]:
        """List the optimizer's own variables.

        Returns:
            The slot variables, and those that belong to no slot.
        """
        return [v for table in self._slots.values() for v in table.values()]


def _constrained(var: Variable, update: Node) -> Node:
    """The update of a variable, followed by the assignment of its constraint, if it has one."""
    if var.constraint is None:
        return update
    with update.graph.control_dependencies([update]):
        return var.assign(var.constraint(var)).node


def _nothing_to_do(variables: list[Variable], loss: Tensor | None) -> GradientError:
    names = [v.name for v in variables]
    text = (
        "No gradients provided for any variable, check your graph for ops that do not support gradients, "
        f"between variables {names} and loss {loss}."
    )
    if loss is not None:
        cuts = cut_at(loss, [v.ref for v in variables])
        for node in cuts[:3]:
            text += f" The path ends at the {node.type} node '{node.name}', made at {node.source.describe()}."
        if not cuts:
            text += " The loss does not depend on any of them."
    return GradientError(text)


def _number(value: Any, name: str, like: Variable) -> Tensor:
    """A hyperparameter as a tensor of the variable's dtype. ValueError if it is not a finite number."""
    value = value() if callable(value) else value
    if not isinstance(value, Operand):
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{name} must be a finite number, not {number}")
        return constant(number, like.dtype, name=name)
    return cast(convert_to_tensor(value), like.dtype)


def _zeros(var: Variable) -> Tensor:
    return zeros(var.type.static, var.dtype)


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
        return (("momentum", self._name, _zeros),)

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
        return (("accum", self._name, _zeros), ("accum_update", self._name, _zeros))

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
        return (("accum", self._names[0], start), ("linear", self._names[1], _zeros))

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
        mean = [("mg", self._name, _zeros)] if self._centered else []
        return (rms, *mean, ("momentum", self._name, _zeros))

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
        return (("m", self._name, _zeros), ("v", self._name, _zeros))

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
