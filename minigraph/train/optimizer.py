"""The base class of optimizers, with TensorFlow 1's argument names, slot names and order of effects."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from minigraph.autodiff.gradients import cut_at, gradients
from minigraph.core.collections import GraphKeys
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import GradientError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.habits import OF_OPTIMIZER, missing
from minigraph.core.op import Op
from minigraph.core.operand import Operand
from minigraph.core.typing import TensorLike
from minigraph.ops.array.indexed_slices import IndexedSlices, convert_to_tensor_or_indexed_slices
from minigraph.ops.array.shape import zeros
from minigraph.ops.constant import constant
from minigraph.ops.math.casting import cast
from minigraph.ops.state.sparse_update import SPARSE
from minigraph.ops.state.variable import group
from minigraph.run.variable_lists import trainable_variables
from minigraph.run.variable_scope import scoped_name
from minigraph.run.variables import Variable
from minigraph.util.html import facts

__all__ = ["Optimizer"]


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

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            message = missing(f"'{type(self).__name__}' object", name, OF_OPTIMIZER)
            raise AttributeError(message, name=name, obj=self)

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

    def sparse_step(
        self, var: Variable, grad: IndexedSlices, slots: Sequence[Tensor], hyper: Hyper
    ) -> tuple[Op, list[Tensor]]:
        """Make the op of one variable's step by a gradient of some rows. For subclasses.

        By default it is the op of `step` on these rows only; if that op has no such form, `step` on the dense gradient.

        Args:
            var: The variable to train.
            grad: The gradient of the loss in it.
            slots: The slot variables' tensors, in the order of `slots()`.
            hyper: The hyperparameters by name, scalars of the variable's dtype.

        Returns:
            The op and its operands.
        """
        op, operands = self.step(var, grad.values, slots, hyper)
        if type(op) not in SPARSE:
            return self.step(var, grad.as_graph_tensor(), slots, hyper)
        return SPARSE[type(op)](*(getattr(op, name) for name in op.fields)), [*operands, grad.indices]

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
    ) -> list[tuple[Tensor | IndexedSlices | None, Variable]]:  # fmt: skip
        """Make the gradients of a loss: the first half of `minimize`.

        Args:
            loss: Scalar floating-point tensor, or a function that makes one.
            var_list: The variables to train; by default all trainable ones.
            gate_gradients, aggregation_method, colocate_gradients_with_ops: TensorFlow 1's; they have no effect.
            grad_loss: The gradient of `loss` itself, of its shape; by default 1.

        Returns:
            Pairs (gradient, variable). The gradient is None where the loss does not depend on the variable, and
            `tf.IndexedSlices` where it depends only on rows that are looked up.

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
        self, grads_and_vars: Iterable[tuple[TensorLike | IndexedSlices | None, Variable]],
        global_step: Variable | None = None, name: str | None = None,
    ) -> Node:  # fmt: skip
        """Make an operation that changes variables by their gradients: the second half of `minimize`.

        If the gradient is `tf.IndexedSlices`, only the rows at the indices take the step, slots included, as in
        TensorFlow 1. Adam alone changes all rows.

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
        active = with_gradients(grads_and_vars)
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
        self, graph: Graph, active: list[tuple[Tensor | IndexedSlices, Variable]], global_step: Variable | None,
        scope: str,
    ) -> Node:  # fmt: skip
        hyper = {key: as_number(value, key, active[0][1]) for key, value in self.hyperparameters().items()}
        by_dtype = {active[0][1].dtype: hyper}
        updates = []
        for grad, var in active:
            if var.dtype not in by_dtype:
                by_dtype[var.dtype] = {key: cast(value, var.dtype) for key, value in hyper.items()}
            with graph.name_scope(f"update_{var.op.name}"):
                slots = [self._slots[key][var].ref for key, _, _ in self.slots()]
                step = self.sparse_step if isinstance(grad, IndexedSlices) else self.step
                op, operands = step(var, grad, slots, by_dtype[var.dtype])  # type: ignore[arg-type]
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
                        name = self._slot_variable_name(var, slot_name)
                        table[var] = Variable(partial(initial, var), trainable=False, name=name)

    def _slot_variable_name(self, var: Variable, slot_name: str) -> str:
        return scoped_name(f"{var.op.name}/{slot_name}")

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

    def _repr_html_(self) -> str:
        """The form that a notebook shows."""
        slots = [f"{key}: {len(table)} variable{'s' * (len(table) != 1)}" for key, table in self._slots.items()]
        rows = {name: _text(value) for name, value in self.hyperparameters().items()}
        return facts(type(self).__name__, rows | {"slots": "\n".join(slots)})

    def __repr__(self) -> str:
        values = "".join(f" {name}={_text(value)}" for name, value in self.hyperparameters().items())
        return f"<{type(self).__name__}{values}>"


def _text(hyperparameter: Any) -> str:
    return hyperparameter.name if isinstance(hyperparameter, Tensor | Variable) else str(hyperparameter)


def _constrained(var: Variable, update: Node) -> Node:
    """The update of a variable, followed by the assignment of its constraint, if it has one."""
    if var.constraint is None:
        return update
    with update.graph.control_dependencies([update]):
        return var.assign(var.constraint(var)).node


def with_gradients(
    pairs: Iterable[tuple[TensorLike | IndexedSlices | None, Variable]],
) -> list[tuple[Tensor | IndexedSlices, Variable]]:
    """The pairs that have a gradient. ValueError if there are no pairs, GradientError if none has a gradient."""
    pairs = list(pairs)
    if not pairs:
        raise ValueError("No variables provided.")
    found = [(convert_to_tensor_or_indexed_slices(g), v) for g, v in pairs if g is not None]
    if not found:
        raise _nothing_to_do([v for _, v in pairs], None)
    return found


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


def as_number(value: Any, name: str, like: Variable) -> Tensor:
    """A hyperparameter as a tensor of the variable's dtype. ValueError if it is not a finite number."""
    value = value() if callable(value) else value
    if not isinstance(value, Operand):
        number = float(value)
        if not math.isfinite(number):
            raise ValueError(f"{name} must be a finite number, not {number}")
        return constant(number, like.dtype, name=name)
    return cast(convert_to_tensor(value), like.dtype)


def zeros_of(var: Variable) -> Tensor:
    return zeros(var.type.static, var.dtype)
