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
from minigraph.ops.array.shape import zeros
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.math.casting import cast
from minigraph.ops.math.extremes import minimum
from minigraph.ops.state.variable import group
from minigraph.run.variable_lists import global_variables, trainable_variables
from minigraph.run.variable_scope import scoped_name
from minigraph.run.variables import Variable, assign_sub


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
        zero_debias: Not supported; it must be False.
        name: Ending of the averages' names, and name of the update.

    Raises:
        ValueError: `zero_debias` is True.

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
        if zero_debias:
            raise ValueError("ExponentialMovingAverage: zero_debias is not supported")
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
        with graph.name_scope(self._name) as scope:
            decay = convert_to_tensor(self._decay, name="decay")
            if self._num_updates is not None:
                count = cast(as_tensor_like(self._num_updates), float32, name="num_updates")
                decay = minimum(decay, (1.0 + count) / (10.0 + count))
            return group(*[_update(self._averages[v], v, decay) for v in chosen], name=scope)

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
            var: The variable or tensor. `apply` need not have got it.

        Returns:
            The name.
        """
        found = self._averages.get(var)
        return f"{var.op.name}/{self._name}" if found is None else found.op.name

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


def _update(average: Variable, value: Any, decay: Tensor) -> Tensor:
    with average.graph.name_scope("AssignMovingAvg") as scope:
        rest = cast(1.0 - decay, average.dtype)
        return assign_sub(average, (average - value) * rest, name=scope)
