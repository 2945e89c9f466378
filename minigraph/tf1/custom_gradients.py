"""Functions with gradients of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import minigraph as tf
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import GraphError, UnimplementedError
from minigraph.core.graph import Tensor
from minigraph.ops.identity import IdentityN
from minigraph.util.nest import listed


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a function of tensors that returns its results and a function from their gradients to the arguments'.

    The second function gets a gradient for each result and returns one for each argument. The first one must make no
    variables. In the body of a loop, and in a graph read by `tf.import_graph_def`, it is called once more for the
    gradient: there it must take all tensors as arguments, and draw no random numbers.

    Args:
        f: The function to decorate.

    Returns:
        A function that takes tensors and returns the results alone: a list where `f` gives several.

    Raises:
        ValueError: In a call, `f` makes a variable; or its second function returns another number of gradients than
            there are arguments.
        UnimplementedError: In the body of a loop or a graph that was read, `f` does not take all tensors as
            arguments, or draws random numbers.

    Example:
        >>> import minigraph.tf1 as tf
        >>> @tf.custom_gradient
        ... def clipped(x):
        ...     return tf.square(x), lambda g: tf.minimum(g * 2.0 * x, 1.0)
        >>> x = tf.constant(3.0)
        >>> float(tf.Session().run(tf.gradients(clipped(x), x)[0]))
        1.0
    """

    @wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        given = [convert_to_tensor(x) for x in args]
        graph = tf.get_default_graph()
        before = len(graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES))
        made, slope = f(*given, **kwargs)
        if len(graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)) > before:
            raise ValueError("a function with a custom gradient must make no variables; pass them as arguments")
        results = [convert_to_tensor(y) for y in listed(made)]

        def gradient(op: Any, *grads: Tensor | None) -> list[Any]:
            pairs = zip(grads[: len(results)], op.outputs, strict=False)
            filled = [tf.zeros_like(y) if g is None else g for g, y in pairs]
            found = listed(slope(*filled) if op.graph is graph else elsewhere(op, filled))
            if len(found) != len(given):
                raise ValueError(f"the gradient function returned {len(found)} gradients for {len(given)} arguments")
            return [None] * len(results) + found

        def elsewhere(op: Any, grads: Sequence[Tensor]) -> Any:
            """The gradients in the graph of a loop's body or of a file, which lacks the tensors that `slope` reads."""
            start = len(op.graph.nodes)
            what = f"'{op.name}' has a custom gradient and is in the body of a loop, or was read from a file: its"
            try:
                found = f(*op.inputs[len(results) :], **kwargs)[1](*grads)
            except GraphError as error:
                raise UnimplementedError(f"{what} function must take all tensors as arguments; {error}", op) from None
            if drawn := next((n for n in op.graph.nodes[start:] if n.op.stateful), None):
                raise UnimplementedError(f"{what} function cannot draw random numbers ({drawn.name})", op)
            return found

        node = graph.add(IdentityN(), [*results, *given], "IdentityN")
        graph.override_gradient(node, gradient)
        outputs = list(node.outputs[: len(results)])
        return outputs if isinstance(made, list | tuple) else outputs[0]

    return decorated
