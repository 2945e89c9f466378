"""Moving averages of variables and other tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigraph.core.collections import GraphKeys
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import float32
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.typing import TensorLike
from minigraph.ops.array.shape import ones, zeros
from minigraph.ops.builder import as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.math.casting import cast
from minigraph.ops.math.exponential import pow as power
from minigraph.ops.math.extremes import minimum
from minigraph.ops.state.variable import group
from minigraph.run.variable_lists import global_variables, trainable_variables
from minigraph.run.variable_scope import get_variable, get_variable_scope, scoped_name, variable_scope
from minigraph.run.variables import Variable, assign_add, assign_sub


def moving_average_variables(scope: str | None = None) -> list[Variable]:
    """List the variables of the default graph whose averages an `ExponentialMovingAverage` keeps.

    Args:
        scope: Only variables whose names match this regular expression from their start on.

    Returns:
        The variables.

    Example:
        >>> w = tf.Variable(2.0, name="w")
        >>> update = tf.train.ExponentialMovingAverage(0.99).apply([w])
        >>> tf.moving_average_variables()
        [<tf.Variable 'w:0' shape=() dtype=float32_ref>]
    """
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


class ExponentialMovingAverage:
    """Moving averages of variables and other tensors: average −= (1 − decay)·(average − value) in each update.

    The average of a variable starts at its initial value. The average of another tensor, whose shape must be known,
    starts at zero.

    Args:
        decay: The share of the average that an update keeps, near 1.
        num_updates: The number of updates so far, a scalar. The decay is then min(decay, (1 + n)/(10 + n)), so the
            average moves faster at first.
        zero_debias: Whether averages of tensors, which start at zero, are divided by 1 − decayⁿ after n updates, so
            that they are not near zero at first. Averages of variables need it not.
        name: Ending of the averages' names, and name of the update.

    Example:
        >>> w = tf.Variable(1.0)
        >>> ema = tf.train.ExponentialMovingAverage(decay=0.5)
        >>> update = ema.apply([w])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(w.assign(2.0).op)
        ...     sess.run(update)
        ...     print(sess.run(ema.average(w)))
        1.5
    """

    def __init__(
        self, decay: TensorLike, num_updates: TensorLike | None = None, zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:  # fmt: skip
        self._zero_debias = zero_debias
        self._debiased: set[Variable] = set()
        self._decay, self._num_updates, self._name = decay, num_updates, name
        self._averages: dict[Variable | Tensor, Variable] = {}

    @property
    def name(self) -> str:
        """The constructor's argument `name`."""
        return self._name

    def apply(self, var_list: Iterable[Variable | Tensor] | None = None) -> Node:
        """Make an operation that updates averages, and the averages that do not exist yet.

        Args:
            var_list: Floating-point variables and tensors; by default all trainable variables.

        Returns:
            The operation.

        Raises:
            DTypeError: A variable or tensor is not floating-point.
        """
        chosen = list(trainable_variables() if var_list is None else var_list)
        graph = get_default_graph()
        for var in chosen:
            if not var.dtype.is_floating:
                raise DTypeError(f"The variables must be half, float, or double: {var.name}")
            if var not in self._averages:
                self._averages[var] = self._made(var)
                if self._zero_debias and not isinstance(var, Variable):
                    self._debiased.add(self._averages[var])
        with graph.name_scope(self._name) as scope:
            decay = convert_to_tensor(self._decay, name="decay")
            if self._num_updates is not None:
                count = cast(as_tensor_like(self._num_updates), float32, name="num_updates")
                decay = minimum(decay, (1.0 + count) / (10.0 + count))
            averages = [(self._averages[v], v) for v in chosen]
            updates = [assign_moving_average(a, v, decay, a in self._debiased) for a, v in averages]
            return group(*updates, name=scope)

    def _made(self, var: Variable | Tensor) -> Variable:
        graph = var.graph
        with graph.control_dependencies(None), graph.name_scope(None):
            name = scoped_name(f"{var.op.name}/{self._name}")
            if isinstance(var, Variable):
                graph.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
                made = Variable(var.initialized_value(), trainable=False, name=name)
                graph.reserve_ids(12)  # a condition that guards the initial value, and its copies
                return made
            return Variable(lambda: zeros(var.type.static, var.dtype), trainable=False, name=name)

    def average(self, var: Variable | Tensor) -> Variable | None:
        """Find the variable that holds an average.

        Args:
            var: The variable or tensor.

        Returns:
            The average; None if `apply` did not get `var`.
        """
        return self._averages.get(var)

    def average_name(self, var: Variable | Tensor) -> str:
        """Give the name of an average, which is also its name in a checkpoint.

        Args:
            var: The variable or tensor. `apply` need not have got it; the name is then below the open name scope.

        Returns:
            The name.
        """
        found = self._averages.get(var)
        if found is not None:
            return found.op.name
        return get_default_graph().unique_name(f"{var.op.name}/{self._name}", mark_as_used=False)

    def variables_to_restore(self, moving_avg_variables: Iterable[Variable] | None = None) -> dict[str, Variable]:
        """Map names in a checkpoint to variables, so that a Saver restores averages in place of the values they follow.

        Args:
            moving_avg_variables: The variables that get averages; by default the trainable ones and those that have
                averages.

        Returns:
            The averages' names with the variables that get their values, and the names of all other global variables
            with
            these variables: an argument for `tf.train.Saver`.
        """
        chosen = moving_avg_variables
        averaged = dict.fromkeys([*trainable_variables(), *moving_average_variables()] if chosen is None else chosen)
        names = {self.average_name(v): v for v in averaged}
        names.update({v.op.name: v for v in global_variables() if v not in averaged and v.op.name not in names})
        return names


def assign_moving_average(
    variable: Variable, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Tensor:
    """Update a moving average: variable ← decay·variable + (1 − decay)·value.

    Args:
        variable: The average, a floating-point variable.
        value: The new value.
        decay: The share of the average that the update keeps, a number or a scalar tensor.
        zero_debias: Whether the average is that of two more variables, `biased` and `local_step`: a mean that begins at
            zero, divided by 1 − decayⁿ after n updates.
        name: Name scope of the nodes.

    Returns:
        The average after the update.
    """
    with composed(name, "AssignMovingAvg", variable, value, decay) as scope:
        rate = cast(1.0 - decay, variable.dtype) if isinstance(decay, Tensor) else constant(1.0 - decay, variable.dtype)
        if not zero_debias:
            return assign_sub(variable, (variable - value) * rate, name=scope)
        with variable_scope(variable.op.name):
            end = _free_ending("biased", "local_step")
            start = zeros(variable.type.static, variable.dtype)
            biased = get_variable(f"biased{end}", initializer=start, trainable=False)
            count = get_variable(f"local_step{end}", initializer=zeros([], variable.dtype), trainable=False)
        mean = assign_sub(biased, (biased - value) * rate)
        steps = assign_add(count, ones([], variable.dtype))
        return assign_sub(variable, variable - mean / (1.0 - power(1.0 - rate, steps)), name=scope)


def _free_ending(*names: str) -> str:
    """The ending, none or a number, with which no variable in the open scope has one of these names yet."""
    taken = {v.op.name for v in global_variables()}
    below = [f"{get_variable_scope().name}/{name}" for name in names]
    ends = ("", *(f"_{i}" for i in range(1, len(taken) + 2)))
    return next(end for end in ends if not any(f"{name}{end}" in taken for name in below))
