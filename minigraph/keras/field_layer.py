"""Layers whose arguments are fields."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from minigraph.keras import activations, constraints, initializers, regularizers
from minigraph.keras.base_layer import Layer
from minigraph.run.variables import Variable


class FieldLayer(Layer):
    """A layer whose arguments are the fields that a class and its bases annotate, as in a dataclass.

    Arguments named activation, …_initializer, …_regularizer and …_constraint may be names or configurations.
    """

    fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        own = [n for n, kind in inspect.get_annotations(cls).items() if not str(kind).startswith("ClassVar")]
        if "fields" not in cls.__dict__:
            cls.fields = cls.fields + tuple(n for n in own if n not in cls.fields)
        if cls.__init__.__code__.co_flags & inspect.CO_VARARGS:  # not of a class with a constructor of its own
            cls.__signature__ = _signature(cls)  # type: ignore[attr-defined]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        fields, kind = self.fields, type(self)
        given = dict(zip(fields, args, strict=False))
        if len(args) > len(fields) or given.keys() & kwargs.keys():
            raise TypeError(f"{kind.__name__} takes the arguments {fields}, got {args} {kwargs}")
        given |= {name: kwargs.pop(name) for name in fields if name in kwargs}
        if missing := [name for name in fields if name not in given and not hasattr(kind, name)]:
            raise TypeError(f"{kind.__name__} needs the argument {missing[0]!r}")
        super().__init__(**kwargs)
        for name in fields:
            setattr(self, name, _read_field(name, given[name] if name in given else getattr(kind, name)))

    def weight_of(self, field: str, shape: Any, name: str | None = None) -> Variable:
        """Make a weight by the arguments …_initializer, …_regularizer and …_constraint of a name."""
        how = {kind: getattr(self, f"{field}_{kind}") for kind in ("initializer", "regularizer", "constraint")}
        return self.add_weight(name or field, shape, **how)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: _write_field(name, getattr(self, name)) for name in self.fields}}


def _signature(cls: type[FieldLayer]) -> inspect.Signature:
    kind = inspect.Parameter
    fields = [kind(n, kind.POSITIONAL_OR_KEYWORD, default=getattr(cls, n, kind.empty)) for n in cls.fields]
    return inspect.Signature([*fields, kind("kwargs", kind.VAR_KEYWORD)])


_KINDS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "activation": (activations.get, activations.serialize),
    "initializer": (initializers.get, initializers.serialize),
    "regularizer": (regularizers.get, regularizers.serialize),
    "constraint": (constraints.get, constraints.serialize),
}


def _read_field(name: str, value: Any) -> Any:
    kind = name.rpartition("_")[2]
    if kind in _KINDS:
        return _KINDS[kind][0](value)
    return tuple(value) if isinstance(value, list) else value


def _write_field(name: str, value: Any) -> Any:
    kind = name.rpartition("_")[2]
    return _KINDS[kind][1](value) if kind in _KINDS else value
