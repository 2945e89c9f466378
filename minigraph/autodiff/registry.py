"""Gradients that a program registers by name, for `Graph.gradient_override_map`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, TypeVar
from uuid import uuid4
from weakref import WeakValueDictionary

from minigraph.core.graph import Node, Tensor

__all__ = ["NoGradient", "NotDifferentiable", "RegisterGradient"]

F = TypeVar("F", bound=Callable[..., Any])
_REGISTERED: dict[str, Callable[..., Any]] = {}
_NAMED: WeakValueDictionary[str, Callable[..., Any]] = WeakValueDictionary()  # see `name_of`


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
    return _REGISTERED.get(found) or _NAMED.get(found) or partial(_unregistered, found)


def name_of(function: Callable[..., Any]) -> str:
    """A name under which `overriding` finds a function that was registered under none, for as long as it exists.

    No other process gives the same name, so a graph file read there finds no function rather than a wrong one.
    """
    known = next((name for name, named in _NAMED.items() if named is function), None)
    name = known or f"CustomGradient-{uuid4().hex}"
    _NAMED[name] = function
    return name


def _unregistered(name: str, node: Node, *grads: Tensor) -> NoReturn:
    what = f"operation '{node.name}' (op type: {node.type})"
    raise LookupError(f"No gradient defined for {what}: tf.RegisterGradient has not been called for {name!r}")
