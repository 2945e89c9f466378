"""`arg_scope`: default arguments of functions within a block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

Scope = dict[str, dict[str, Any]]
F = TypeVar("F", bound=Callable[..., Any])

_stack: list[Scope] = [{}]
_DECORATED = "_arg_scope_key"


def _key(function: Any) -> str:
    return getattr(function, _DECORATED, "")


def add_arg_scope(func: F) -> F:
    """Let `arg_scope` set default arguments of `func`."""
    key = f"{func.__module__}.{func.__qualname__}"

    @wraps(func)
    def scoped(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **(_stack[-1].get(_key(scoped), {}) | kwargs))

    setattr(scoped, _DECORATED, key)
    return scoped  # type: ignore[return-value]


def has_arg_scope(func: Any) -> bool:
    """Whether `arg_scope` accepts the function."""
    return bool(_key(func))


def current_arg_scope() -> Scope:
    """The arguments set in the current scope, by function."""
    return _stack[-1]


@contextmanager
def arg_scope(list_ops_or_scope: Iterable[Any] | Mapping[str, Any], **kwargs: Any) -> Iterator[Scope]:
    """Set default arguments of functions decorated with `add_arg_scope`, in addition to those of enclosing blocks.

    An earlier scope (`with arg_scope(...) as scope`) may be given instead. Raises ValueError for an undecorated
    function.
    """
    if not isinstance(list_ops_or_scope, Mapping | list | tuple):
        raise TypeError(
            "list_ops_or_scope must either be a list/tuple of functions or a reused scope (a dictionary), "
            f"not {list_ops_or_scope!r}"
        )
    if isinstance(list_ops_or_scope, Mapping):
        if kwargs:
            raise ValueError("When attempting to re-use a scope by suppling a dictionary, kwargs must be empty.")
        scope: Scope = {k: dict(v) for k, v in list_ops_or_scope.items()}
    else:
        scope = {k: dict(v) for k, v in _stack[-1].items()}
        for function in list_ops_or_scope:
            if not _key(function):
                raise ValueError(f"{function!r} is not decorated with @add_arg_scope")
            scope[_key(function)] = scope.get(_key(function), {}) | kwargs
    _stack.append(scope)
    try:
        yield scope
    finally:
        _stack.pop()
