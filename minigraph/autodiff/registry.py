"""Gradients that a program registers by name, for `Graph.gradient_override_map`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeVar
from uuid import uuid4

from minigraph.core.errors import UnimplementedError
from minigraph.core.graph import Node, Tensor

__all__ = ["NoGradient", "NotDifferentiable", "RegisterGradient"]

F = TypeVar("F", bound=Callable[..., Any])
_REGISTERED: dict[str, Callable[..., Any]] = {}
_NAMED: dict[Callable[..., Any], str] = {}  # the names that `name_of` gave, all of them in _REGISTERED


class RegisterGradient:
    """Register the decorated function as a gradient, under a name for `tf.Graph.gradient_override_map`.

    The function gets the node, with its `inputs` and `outputs`, and the gradients for its outputs. It returns the
    gradients for its inputs, None for one that is zero.

    Args:
        op_type: The name.

    Raises:
        TypeError: The name is not a string.
        KeyError: The name is taken.

    Example:
        >>> @tf.RegisterGradient("Positive")
        ... def positive(op, grad):
        ...     return tf.nn.relu(grad)
        >>> x = tf.constant([1.0, 2.0])
        >>> with x.graph.gradient_override_map({"Neg": "Positive"}):
        ...     y = -x
        >>> tf.Session().run(tf.gradients(y, x))
        [array([1., 1.], dtype=float32)]
    """

    def __init__(self, op_type: str) -> None:
        if not isinstance(op_type, str):
            raise TypeError("op_type must be a string")
        self._name = op_type

    def __call__(self, f: F) -> F:
        _register(self._name, f)
        return f


def NotDifferentiable(op_type: str) -> None:
    """Register that no gradient flows, under a name for `tf.Graph.gradient_override_map`.

    Args:
        op_type: The name.

    Raises:
        TypeError: The name is not a string.
        KeyError: The name is taken.

    Example:
        >>> tf.NotDifferentiable("Stopped")
        >>> x = tf.constant(1.0)
        >>> with x.graph.gradient_override_map({"Exp": "Stopped"}):
        ...     y = tf.exp(x)
        >>> tf.gradients(y, x)
        [None]
    """
    if not isinstance(op_type, str):
        raise TypeError("op_type must be a string")
    _register(op_type, no_gradient)


NoGradient = NotDifferentiable


def _register(name: str, function: Callable[..., Any]) -> None:
    if name in _REGISTERED:
        raise KeyError(f"Registering two gradient with name '{name}'!")
    _REGISTERED[name] = function


def no_gradient(node: Node, *grads: Tensor) -> list[None]:
    """The function of names under which no gradient flows."""
    return [None] * len(node.inputs)


def overriding(node: Node) -> Callable[..., Any] | None:
    """The function that gives the gradients of a node in place of its op; None if there is none.

    The function of a name that is not registered raises LookupError.
    """
    found = node.graph.gradient_override(node)
    if not isinstance(found, str):
        return found
    return _REGISTERED.get(found) or partial(_unregistered, found)


def name_of(function: Callable[..., Any], kind: str) -> str:
    """The name for a file under which `overriding` finds a function, on a node whose type in the file is `kind`.

    A function without a name is registered under a new one, so it lives until the process ends, as in TensorFlow. The
    name is random because another process must not find a function of its own under it. A counter would repeat there,
    and a digest of the code leaves out the values that the function has captured.
    """
    if isinstance(function, Unfit):
        return function.name if kind == function.kind else f"{function.name} (of {function.kind})"
    if function not in _NAMED:
        _NAMED[function] = f"CustomGradient-{uuid4().hex}"
        _register(_NAMED[function], function)
    return _NAMED[function]


@dataclass(frozen=True)
class Unfit:
    """Refuses gradients in place of the function `name`, which is for TensorFlow's node of the type `kind`.

    minigraph computes that node otherwise, so the function would get other inputs.
    """

    name: str
    kind: str

    def __call__(self, node: Node, *grads: Tensor) -> NoReturn:
        text = f"'{node.name}' has the gradient {self.name!r}, which is for {self.kind}"
        raise UnimplementedError(f"{text}, but minigraph computes it otherwise", node)


def _unregistered(name: str, node: Node, *grads: Tensor) -> NoReturn:
    what = f"operation '{node.name}' (op type: {node.type})"
    raise LookupError(f"No gradient defined for {what}: tf.RegisterGradient has not been called for {name!r}")
