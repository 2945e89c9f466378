"""Moving averages of variables and other tensors."""

from __future__ import annotations

from typing import Any

from minigraph.core.collections import GraphKeys
from minigraph.core.dtypes import float32
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Node, Tensor, convert_to_tensor, get_default_graph
from minigraph.ops.array.shape import zeros
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.math.arithmetic import minimum
from minigraph.ops.math.casting import cast
from minigraph.ops.state.variable import group
from minigraph.run.variables import Variable, assign_sub, global_variables, trainable_variables


def moving_average_variables(scope: str | None = None) -> list[Variable]:
    """The variables whose averages are kept in the default graph."""
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


class ExponentialMovingAverage:
    """average −= (1 − decay)·(average − value), each time the operation that `apply` gives runs.

    num_updates: where given, the decay is min(decay, (1 + num_updates)/(10 + num_updates)). The average of a variable
    starts at its initial value, that of another tensor, whose shape must be known, at zero.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ) -> None:
        if zero_debias:
            raise ValueError("ExponentialMovingAverage: zero_debias is not supported")
        self._decay, self._num_updates, self._name = decay, num_updates, name
        self._averages: dict[Variable | Tensor, Variable] = {}

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Any = None) -> Node:
        """An operation that updates the averages of `var_list` (by default all trainable variables)."""
        chosen = list(trainable_variables() if var_list is None else var_list)
        graph = get_default_graph()
        for var in chosen:
            if not var.dtype.is_floating:
                raise DTypeError(f"The variables must be half, float, or double: {var.name}")
            if var not in self._averages:
                self._averages[var] = self._made(var)
        with graph.name_scope(self._name) as scope:
            decay = convert_to_tensor(as_tensor_like(self._decay), name="decay")
            if self._num_updates is not None:
                count = cast(as_tensor_like(self._num_updates), float32, name="num_updates")
                decay = minimum(decay, (1.0 + count) / (10.0 + count))
            return group(*[_update(self._averages[v], v, decay) for v in chosen], name=scope)

    def _made(self, var: Variable | Tensor) -> Variable:
        graph = var.graph
        with graph.control_dependencies(None), graph.name_scope(None):
            name = f"{var.op.name}/{self._name}"
            if isinstance(var, Variable):
                graph.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
                return Variable(var.initialized_value(), trainable=False, name=name)
            return Variable(lambda: zeros(var.type.static, var.dtype), trainable=False, name=name)

    def average(self, var: Variable | Tensor) -> Variable | None:
        """The variable that holds the average; None where `apply` was not given `var`."""
        return self._averages.get(var)

    def average_name(self, var: Variable | Tensor) -> str:
        """The name of that variable, whether it is there or not: what a checkpoint has it under."""
        found = self._averages.get(var)
        return f"{var.op.name}/{self._name}" if found is None else found.op.name

    def variables_to_restore(self, moving_avg_variables: Any = None) -> dict[str, Variable]:
        """For a Saver: the averages' names → the variables that are to get their values, and all others by name."""
        chosen = moving_avg_variables
        averaged = dict.fromkeys([*trainable_variables(), *moving_average_variables()] if chosen is None else chosen)
        names = {self.average_name(v): v for v in averaged}
        names.update({v.op.name: v for v in global_variables() if v not in averaged and v.op.name not in names})
        return names


def _update(average: Variable, value: Any, decay: Tensor) -> Tensor:
    with average.graph.name_scope("AssignMovingAvg") as scope:
        rest = cast(1.0 - decay, average.dtype)
        return assign_sub(average, (average - value) * rest, name=scope)
