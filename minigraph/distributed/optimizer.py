"""Optimizers whose gradients are those of all ranks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Node, Tensor
from minigraph.core.typing import TensorLike
from minigraph.distributed.compression import Compression, checked_compression
from minigraph.distributed.exchange import Average, Sum, allreduce
from minigraph.ops.array.indexed_slices import IndexedSlices
from minigraph.ops.collective.world import WORLD
from minigraph.ops.control.branches import cond
from minigraph.ops.filling import zeros_like
from minigraph.ops.math.comparison import equal
from minigraph.ops.state.variable import group
from minigraph.run.variables import Variable
from minigraph.train.optimizer import Optimizer, with_gradients, zeros_of

__all__ = ["DistributedOptimizer"]

Pairs = list[tuple[Tensor | IndexedSlices | None, Variable]]


class DistributedOptimizer(Optimizer):
    """An optimizer that averages its gradients over all ranks before it uses them.

    The exchanges begin while the rest of the gradients is being computed. All ranks must start from the same variables;
    see `broadcast_global_variables`.

    Args:
        optimizer: The optimizer that makes the step.
        name: Name of the step's operation; by default "Distributed" and the optimizer's.
        compression: The dtype in which gradients travel, of `Compression`.
        backward_passes_per_step: The number of runs of `minimize`'s operation whose gradients are added up, on each
            rank, before they are exchanged and the variables change. (Not of `compute_gradients` alone.)
        op: `Average` or `Sum`.
        gradient_predivide_factor: A number that gradients are divided by before the exchange, and multiplied by after
            it; for averages.
        average_aggregated_gradients: Whether gradients of several runs are averaged instead of added up.

    Raises:
        FailedPreconditionError: `init` has not been called.
        TypeError: `optimizer` is not an optimizer.
        ValueError: `op` is neither `Average` nor `Sum`, `compression` is unknown, or a number is out of range.

    Example:
        >>> import minigraph.distributed as hvd
        >>> hvd.init()
        >>> w = tf.Variable(2.0)
        >>> step = hvd.DistributedOptimizer(tf.train.GradientDescentOptimizer(0.1)).minimize(w * w)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(step)
        ...     print(f"{sess.run(w):.2f}")
        1.60
    """

    def __init__(
        self, optimizer: Optimizer, name: str | None = None, compression: str = Compression.none,
        backward_passes_per_step: int = 1, op: str = Average, gradient_predivide_factor: float = 1.0,
        average_aggregated_gradients: bool = False,
    ) -> None:  # fmt: skip
        WORLD.require_start()
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"DistributedOptimizer: expected an optimizer, got {optimizer!r}")
        super().__init__(False, name or f"Distributed{optimizer.get_name()}")
        if op not in (Average, Sum):
            raise ValueError(f"DistributedOptimizer: expected op Average or Sum, got {op!r}")
        if (
            not isinstance(backward_passes_per_step, int)
            or backward_passes_per_step < 1
            or gradient_predivide_factor <= 0
        ):
            raise ValueError(
                "DistributedOptimizer: expected backward_passes_per_step of 1 or more and a positive "
                f"gradient_predivide_factor, got {backward_passes_per_step} and {gradient_predivide_factor}"
            )
        if gradient_predivide_factor != 1 and op != Average:
            raise ValueError("DistributedOptimizer: gradient_predivide_factor needs op=Average")
        self._inner, self._op, self._compression = optimizer, op, checked_compression(compression)
        self._passes, self._factor = backward_passes_per_step, gradient_predivide_factor
        self._averages_passes = average_aggregated_gradients

    def compute_gradients(
        self, loss: Any, var_list: Any = None, gate_gradients: Any = None, aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False, grad_loss: TensorLike | None = None,
    ) -> Pairs:  # fmt: skip
        """Make the gradients of a loss, averaged over the ranks.

        Args:
            loss, var_list, grad_loss: As for the optimizer itself.
            gate_gradients, aggregation_method, colocate_gradients_with_ops: TensorFlow 1's; they have no effect.

        Returns:
            Pairs (gradient, variable).

        Raises:
            ValueError: There are no variables.
            TypeError: An item of `var_list` is not a variable.
        """
        pairs = self._inner.compute_gradients(loss, var_list, grad_loss=grad_loss)
        return self._reduced(pairs) if self._passes == 1 else pairs

    def _reduced(self, pairs: Pairs) -> Pairs:
        """The gradients over all ranks. The exchanges are made in the order in which the gradients are computed."""
        found: dict[Variable, Tensor] = {}
        dense = ((convert_to_tensor(g), v) for g, v in pairs if g is not None)
        for grad, var in sorted(dense, key=lambda pair: pair[0].node.id):
            found[var] = allreduce(
                grad, compression=self._compression, op=Sum if self._factor != 1 else self._op,
                prescale_factor=1 / self._factor,
                postscale_factor=self._factor / WORLD.size if self._factor != 1 else 1.0,
                name=f"{self._name}_{var.op.name.replace('/', '_')}",
            )  # fmt: skip
        return [(found.get(var), var) for _, var in pairs]

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[TensorLike | None, Variable]], global_step: Variable | None = None,
        name: str | None = None,
    ) -> Node:  # fmt: skip
        """Make an operation that changes variables by their gradients.

        Args:
            grads_and_vars: Pairs (gradient, variable), as `compute_gradients` makes them.
            global_step: Variable to which each step adds 1.
            name: Name of the operation.

        Returns:
            The operation.

        Raises:
            ValueError: There are no pairs.
            GradientError: All gradients are None.
        """
        if self._passes == 1:
            return self._inner.apply_gradients(grads_and_vars, global_step, name or self._name)
        pairs = [(convert_to_tensor(g), v) for g, v in with_gradients(grads_and_vars)]
        with pairs[0][1].graph.as_default():
            return self._accumulated(pairs, global_step, name or self._name)

    def _accumulated(self, pairs: list[tuple[Tensor, Variable]], global_step: Variable | None, name: str) -> Node:
        """The operation that adds gradients up, and every `backward_passes_per_step`-th time makes a step."""
        count = Variable(0, trainable=False, name=f"{name}/passes")
        sums = [Variable(zeros_of(v), trainable=False, name=f"{name}/{v.op.name}") for _, v in pairs]
        share = 1 / self._passes if self._averages_passes else 1.0

        def step() -> Tensor:
            totals: Pairs = [((s + g) * share, v) for s, (g, v) in zip(sums, pairs, strict=True)]
            done = self._inner.apply_gradients(self._reduced(totals), global_step, name)
            cleared = [s.assign(zeros_like(s)) for s in sums]
            with count.graph.control_dependencies([done, *(c.node for c in cleared)]):
                return count.assign(0)

        def add() -> Tensor:
            added = [s.assign_add(g) for s, (g, _) in zip(sums, pairs, strict=True)]
            with count.graph.control_dependencies([a.node for a in added]):
                return count.assign_add(1)

        return group(cond(equal(count, self._passes - 1), step, add))

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        """Find the optimizer's slot variable of a variable.

        Args:
            var: A variable that the optimizer trains.
            name: Name of the slot.

        Returns:
            The slot variable, or None.
        """
        return self._inner.get_slot(var, name)

    def get_slot_names(self) -> list[str]:
        """List the optimizer's slots that have variables.

        Returns:
            The names, sorted.
        """
        return self._inner.get_slot_names()

    def variables(self) -> list[Variable]:
        """List the optimizer's own variables.

        Returns:
            The slot variables, and those that belong to no slot.
        """
        return self._inner.variables()
