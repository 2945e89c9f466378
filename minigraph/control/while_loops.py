"""`tf.while_loop`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigraph.control.tensor_array import TensorArray
from minigraph.control.tracing import trace
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import bool_, int64
from minigraph.core.errors import UnimplementedError
from minigraph.core.graph import Tensor
from minigraph.core.types import Shape, TensorType, as_shape, format_shape
from minigraph.core.typing import TensorLike
from minigraph.ir.scan import WhileLoop
from minigraph.ops.array.known import in_graph
from minigraph.ops.builder import apply, apply_all, as_tensor_like, composed
from minigraph.ops.constant import constant
from minigraph.ops.identity import Identity, StopGradient
from minigraph.ops.math.casting import cast
from minigraph.util import nest

__all__ = ["while_loop"]


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, shape_invariants: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False, name: str | None = None,
    maximum_iterations: TensorLike | None = None, return_same_structure: bool = False,
) -> Any:  # fmt: skip
    """Repeat a computation while a condition holds, on the host between two plans.

    Both functions are called once, when the graph is built.

    Args:
        cond: A function of the loop's variables that returns a bool scalar.
        body: A function of the loop's variables that returns their next values.
        loop_vars: The variables at first: a list or tuple of tensors, nests of tensors, and `tf.TensorArray`s.
        shape_invariants: The shapes that the variables keep, in the structure of `loop_vars`; by default those they
            have at first.
        parallel_iterations, swap_memory: TensorFlow 1's; they have no effect.
        back_prop: Whether gradients flow back through the loop.
        name: Name scope of the nodes.
        maximum_iterations: The largest number of rounds, an integer scalar.
        return_same_structure: Whether a list of one variable stays a list.

    Returns:
        The variables at the end, in the structure of `loop_vars`; of one variable alone, the tensor.

    Raises:
        TypeError: A function is not callable, or a dtype changes.
        ValueError: There are no variables, or `body` returns another structure or shape.
        UnimplementedError: `body` changes a variable, draws random numbers, or takes from a queue or a dataset.

    Example:
        >>> i, power = tf.while_loop(lambda i, p: i < 5, lambda i, p: (i + 1, 2 * p), [tf.constant(0), tf.constant(1)])
        >>> tf.Session().run(power).item()
        32
    """
    for what, function in (("cond", cond), ("body", body)):
        if not callable(function):
            raise TypeError(f"{what} must be callable.")
    if not loop_vars:
        raise ValueError("No loop variables provided")
    leaves = nest.flatten(loop_vars)

    def packed(tensors: Sequence[Tensor]) -> Any:
        parts = zip(leaves, tensors, strict=True)
        return nest.pack(loop_vars, [v.replaced(t) if isinstance(v, TensorArray) else t for v, t in parts])

    with composed(name, "while", *map(_flow, leaves)):
        first = [convert_to_tensor(_flow(v)) for v in leaves]
        graph, count = first[0].graph, len(first)
        types = _invariants(loop_vars, shape_invariants, first)
        if maximum_iterations is not None:
            graph.reserve_ids(12 if in_graph(maximum_iterations) else 13)
        graph.reserve_ids(count)  # TensorFlow has six nodes for each variable: Enter, Merge, Switch, …
        test, captured = trace(types, lambda *states: [_truth(cond(*packed(states)))]).body()
        with graph.counted_as(1):
            go = test.copied(graph, [*first, *captured])[0]

        def step(number: Tensor, going: Tensor, *states: Tensor) -> list[Tensor]:
            graph.reserve_ids(count - 2)
            new = _checked(body(*packed(states)), loop_vars, first, types)
            with graph.counted_as(0):
                return [*test.copied(graph, [*new, *captured]), *new]

        region, captured_by_both = trace([_COUNT, go.type, *types], step).body()
        for node in region.nodes:
            if node.op.draws:
                raise UnimplementedError(f"the body of tf.while_loop cannot draw random numbers: '{node.name}'", node)
        with graph.counted_as(count + len(captured_by_both)):
            limit = constant(_ENDLESS, int64) if maximum_iterations is None else as_tensor_like(maximum_iterations)
            results = apply_all(WhileLoop(region, count), cast(limit, int64), go, *first, *captured_by_both)
        leave = Identity() if back_prop else StopGradient()
        found = [apply(leave, result, name="Exit") for result in results]
    return packed(found) if len(found) > 1 or return_same_structure else nest.flatten(packed(found))[0]


_COUNT = TensorType(int64, ())
_ENDLESS = np.int64(2**63 - 1)


def _flow(value: Any) -> Any:
    return value.flow if isinstance(value, TensorArray) else as_tensor_like(value)


def _truth(value: Any) -> Tensor:
    """The condition, a bool scalar. TypeError."""
    tensor = convert_to_tensor(value)
    if tensor.dtype is not bool_ or tensor.type.rank not in (None, 0):
        raise TypeError(f"The argument 'cond' must return a boolean scalar, not {tensor!r}")
    return tensor


def _invariants(loop_vars: Any, invariants: Any, first: Sequence[Tensor]) -> list[TensorType]:
    """The types that the variables keep. ValueError if one does not fit at first."""
    leaves = nest.flatten(loop_vars)
    if invariants is None:
        return [TensorType(t.dtype, None) if isinstance(v, TensorArray) else t.type
                for v, t in zip(leaves, first, strict=True)]  # fmt: skip
    shapes = [as_shape(s) for s in _shapes(loop_vars, invariants)]
    for tensor, shape in zip(first, shapes, strict=True):
        if not _fits(tensor.type.shape, shape):
            raise ValueError(
                f"The shape invariant specified for {tensor.name} is not compatible with the initial shape of the loop "
                f"variable. It enters the loop with shape {format_shape(tensor.type.shape)}, but the specified shape "
                f"invariant is {format_shape(shape)}."
            )
    return [TensorType(t.dtype, shape) for t, shape in zip(first, shapes, strict=True)]


def _shapes(structure: Any, shapes: Any) -> list[Any]:
    """The shapes of a nest of them in the order of the variables; a list of numbers is one shape."""
    if isinstance(structure, dict):
        return [s for key in sorted(structure) for s in _shapes(structure[key], shapes[key])]
    if isinstance(structure, list | tuple):
        return [s for part, inner in zip(structure, shapes, strict=True) for s in _shapes(part, inner)]
    return [shapes]


def _fits(shape: Shape, wanted: Shape) -> bool:
    """Whether all tensors of `shape` have the shape `wanted`."""
    if wanted is None:
        return True
    return shape is not None and len(shape) == len(wanted) and all(
        w is None or d == w for d, w in zip(shape, wanted, strict=True)
    )  # fmt: skip


def _checked(result: Any, loop_vars: Any, first: Sequence[Tensor], types: Sequence[TensorType]) -> list[Tensor]:
    """The tensors that a body returns. ValueError or TypeError if they cannot be the next values of the variables."""
    result = nest.listed(result)
    if nest.form(result) != nest.form(list(loop_vars)):
        raise ValueError(f"The two structures don't have the same nested structure: {loop_vars!r} and {result!r}")
    tensors = [convert_to_tensor(_flow(v)) for v in nest.flatten(result)]
    for tensor, start, kind in zip(tensors, first, types, strict=True):
        if tensor.dtype is not kind.dtype:
            raise TypeError(f"a variable of a loop is {kind.dtype.name} at first, and {tensor.dtype.name} after a step")
        if not _fits(tensor.type.shape, kind.shape):
            raise ValueError(
                f"Input tensor '{start.name}' enters the loop with shape {format_shape(kind.shape)}, but has shape "
                f"{format_shape(tensor.type.shape)} after one iteration. To allow the shape to vary across iterations, "
                "use the `shape_invariants` argument of tf.while_loop to specify a less-specific shape."
            )
    return tensors
