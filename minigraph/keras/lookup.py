"""Objects by their names and configurations: layers, losses, initializers and the other things that JSON names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

_CUSTOM: dict[str, Any] = {}


def get_custom_objects() -> dict[str, Any]:
    """The classes and functions that configurations may name besides Keras's own.

    Returns:
        A dictionary by names, which may be changed.

    Example:
        >>> tf.keras.utils.get_custom_objects()["twice"] = lambda x: 2 * x
        >>> tf.keras.activations.get("twice")(4)
        8
        >>> tf.keras.utils.get_custom_objects().clear()
    """
    return _CUSTOM


@contextmanager
def custom_object_scope(*objects: Mapping[str, Any]) -> Iterator[None]:
    """Let configurations name further classes and functions in a `with` block.

    Args:
        *objects: Dictionaries of classes and functions by their names.

    Yields:
        Nothing.

    Example:
        >>> with tf.keras.utils.custom_object_scope({"twice": lambda x: 2 * x}):
        ...     layer = tf.keras.layers.Dense(3, activation="twice")
    """
    before = dict(_CUSTOM)
    for some in objects:
        _CUSTOM.update(some)
    try:
        yield
    finally:
        _CUSTOM.clear()
        _CUSTOM.update(before)


def find(name: str, table: Mapping[str, Any], what: str, custom: Mapping[str, Any] | None = None) -> Any:
    """The object of a name. ValueError if there is none."""
    for known in (custom or {}, _CUSTOM, table):
        if name in known:
            return known[name]
    raise ValueError(f"Unknown {what}: {name}")


def from_config(
    config: Mapping[str, Any], table: Mapping[str, Any], what: str, custom: Mapping[str, Any] | None = None
) -> Any:
    """The object of `{"class_name": …, "config": …}`. ValueError if there is no such class."""
    if "class_name" not in config or "config" not in config:
        raise ValueError(f"Improper config format: {config}")
    kind = find(config["class_name"], table, what, custom)
    with custom_object_scope(custom or {}):
        if hasattr(kind, "from_config"):
            return kind.from_config(dict(config["config"]))
        return kind(**config["config"])


def get(identifier: Any, table: Mapping[str, Any], what: str) -> Any:
    """The object that an argument names; an object stands for itself, and a class for an object without arguments."""
    if identifier is None:
        return None
    if isinstance(identifier, str):
        found = find(identifier, table, what)
        return found() if isinstance(found, type) else found
    if isinstance(identifier, Mapping):
        return from_config(identifier, table, what)
    if callable(identifier):
        return identifier() if isinstance(identifier, type) else identifier
    raise ValueError(f"Could not interpret {what} identifier: {identifier!r}")


def deserialize(config: Any, table: Mapping[str, Any], what: str, custom: Mapping[str, Any] | None = None) -> Any:
    """What `get` finds for a name or a configuration, which may also name some custom objects."""
    with custom_object_scope(custom or {}):
        return get(config, table, what)


def to_config(value: Any) -> Any:
    """What `get` takes for an object: its name if it is a function, else its class and configuration."""
    if value is None:
        return None
    if hasattr(value, "get_config"):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if hasattr(value, "__name__"):
        return value.__name__
    raise ValueError(f"Cannot serialize {value!r}: it has neither get_config nor a name")
