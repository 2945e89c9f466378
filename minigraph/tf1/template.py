"""`tf.make_template`: a function whose calls share their variables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import minigraph as tf


class Template:
    """A function that makes its variables in the first call, in a scope of its own, and uses them in later ones."""

    def __init__(self, name: str, function: Callable[..., Any], unique_name: str | None, getter: Any) -> None:
        self._name, self._function, self._unique, self._getter = name, function, unique_name, getter
        self._scope: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._scope is None:
            opened = tf.variable_scope(
                self._unique, self._name, custom_getter=self._getter, auxiliary_name_scope=False
            )  # fmt: skip
        else:
            opened = tf.variable_scope(self._scope, reuse=True, auxiliary_name_scope=False)
        with opened as scope, tf.name_scope(self._unique or self._name):
            result = self._function(*args, **kwargs)
        self._scope = self._scope or scope
        return result

    @property
    def name(self) -> str:
        """The name that was given."""
        return self._name

    @property
    def var_scope(self) -> Any:
        """The variable scope; None before the first call."""
        return self._scope

    @property
    def variables(self) -> list[Any]:
        """The variables that the calls share."""
        return [] if self._scope is None else self._scope.global_variables()


def make_template(
    name_: str, func_: Callable[..., Any], create_scope_now_: bool = False, unique_name_: str | None = None,
    custom_getter_: Any = None, **kwargs: Any,
) -> Template:  # fmt: skip
    """A function that calls `func_` with `kwargs`; all its calls share the variables of the first.

    Args:
        name_: Name of the variable scope; made unique where it is taken.
        func_: A function that makes variables with `tf.get_variable`.
        create_scope_now_: Must be False.
        unique_name_: Name of the scope instead, which must not be made unique.
        custom_getter_: Getter for the variables, as `tf.variable_scope` takes it.
        **kwargs: Arguments for `func_`.

    Returns:
        A function with the properties `name`, `var_scope` and `variables`.

    Raises:
        ValueError: `create_scope_now_` is True.

    Example:
        >>> import minigraph.tf1 as tf
        >>> dense = tf.make_template("dense", lambda x: tf.matmul(x, tf.get_variable("w", [2, 3])))
        >>> y, z = dense(tf.ones([1, 2])), dense(tf.zeros([4, 2]))
        >>> [v.name for v in dense.variables]
        ['dense/w:0']
    """
    if create_scope_now_:
        raise ValueError("tf.make_template: create_scope_now_=True is not supported")
    return Template(name_, partial(func_, **kwargs), unique_name_, custom_getter_)
