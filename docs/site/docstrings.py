"""An extension of griffe: minigraph's docstrings as griffe reads them, and classes and arguments made at run time."""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

import griffe

from minigraph.core.record import Record

KINDS = {
    inspect.Parameter.POSITIONAL_OR_KEYWORD: griffe.ParameterKind.positional_or_keyword,
    inspect.Parameter.KEYWORD_ONLY: griffe.ParameterKind.keyword_only,
    inspect.Parameter.VAR_POSITIONAL: griffe.ParameterKind.var_positional,
    inspect.Parameter.VAR_KEYWORD: griffe.ParameterKind.var_keyword,
}


class Sections(griffe.Extension):
    """Renames the section "Example:", lets sources be a paragraph of their own, and adds what is made at run time.

    The arguments of a record, a layer or an optimizer of Keras are the class's fields or settings, and functions make
    some classes; griffe, which reads the source, sees none of them.
    """

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change an object that was loaded."""
        if isinstance(obj, griffe.Attribute) and isinstance(obj.value, griffe.ExprCall):
            value = value_of(obj)
            if isinstance(value, type) and value.__doc__ and value.__name__ == obj.name and obj.parent is not None:
                kind = griffe.Class(obj.name, docstring=griffe.Docstring(inspect.cleandoc(value.__doc__)))
                obj.parent.set_member(obj.name, kind)
                obj = kind
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
            if isinstance(obj, griffe.Class) and (made := parameters_of(value_of(obj))):
                obj.set_member("__init__", griffe.Function("__init__", parameters=griffe.Parameters(*made)))


def value_of(obj: griffe.Object) -> Any:
    """The object at run time; None if its module is not imported."""
    value: Any = sys.modules.get(obj.module.path)
    for name in obj.path.removeprefix(f"{obj.module.path}.").split("."):
        value = getattr(value, name, None)
    return value


def parameters_of(value: Any) -> list[griffe.Parameter]:
    """The parameters of a constructor that is made at run time; none for one that the source has."""
    if not isinstance(value, type):
        return []
    if issubclass(value, Record) and value.__init__ is Record.__init__:
        fields = [name for name in value.fields if not name.startswith("_")]
        return [_parameter(name, getattr(value, name, inspect.Parameter.empty)) for name in fields]
    if not hasattr(value, "__signature__"):
        return []
    found = inspect.signature(value).parameters.values()
    return [_parameter(p.name, p.default, KINDS[p.kind]) for p in found]


def _parameter(
    name: str, default: Any, kind: griffe.ParameterKind = griffe.ParameterKind.positional_or_keyword
) -> griffe.Parameter:
    shown = repr(default)
    shown = "..." if shown.startswith("<") else shown
    return griffe.Parameter(name, kind=kind, default=None if default is inspect.Parameter.empty else shown)
