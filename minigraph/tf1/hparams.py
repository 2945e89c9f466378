"""`tf.contrib.training.HParams`: named values that command lines can change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from numbers import Integral, Number
from typing import Any

import numpy as np


class HParams:
    """Hyperparameters, as attributes. Their types are those of their first values; a list has one type."""

    def __init__(self, **kwargs: Any) -> None:
        self._values: dict[str, Any] = {}
        self._kinds: dict[str, tuple[type, bool]] = {}  # the type of a value or of a list's; whether it is a list
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"HParams has no value {name!r}; it has {', '.join(sorted(self._values))}")
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            raise AttributeError(f"{name!r} is a method of HParams, and no value can have its name")
        if not name.startswith("_") and name in self._values:
            self._values[name] = value
        else:
            super().__setattr__(name, value)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __repr__(self) -> str:
        return f"HParams({', '.join(f'{k}={v!r}' for k, v in sorted(self._values.items()))})"

    def add_hparam(self, name: str, value: Any) -> None:
        """Add a value. ValueError if the name is taken or the value is an empty list."""
        if name in self._values or hasattr(type(self), name):
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        if isinstance(value, list | tuple) and not value:
            raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
        many = isinstance(value, list | tuple)
        self._values[name], self._kinds[name] = value, (type(value[0] if many else value), many)

    def set_hparam(self, name: str, value: Any) -> None:
        """Change a value; it must have the type of the former one."""
        self._values[name] = self._converted(name, value)

    def _converted(self, name: str, value: Any) -> Any:
        """The value in the type of a name. KeyError for an unknown name, ValueError for a value that does not fit."""
        if name not in self._values:
            raise KeyError(name)
        kind, many = self._kinds[name]
        if isinstance(value, list | tuple) != many:
            raise ValueError(_mixed(name, many))
        return [_cast(name, v, kind) for v in value] if many else _cast(name, value, kind)

    def del_hparam(self, name: str) -> None:
        """Remove a value, if it is there."""
        self._values.pop(name, None)
        self._kinds.pop(name, None)

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or `default` if there is none of this name."""
        return self._values.get(key, default)

    def values(self) -> dict[str, Any]:
        """The values by name."""
        return dict(self._values)

    def override_from_dict(self, values_dict: Mapping[str, Any]) -> HParams:
        """Change several values; after an error none."""
        self._values |= {name: self._converted(name, value) for name, value in values_dict.items()}
        return self

    def parse(self, values: str) -> HParams:
        """Change values as a command line tells them: `rate=0.1,sizes=[3,4],name=x`. All or, after an error, none."""
        position, found = 0, dict[str, Any]()
        item = re.compile(r"\s*([A-Za-z]\w*)\s*=\s*(\[[^\]]*\]|[^,\[]*)\s*(?:,|$)")
        while position < len(values.rstrip()):
            part = item.match(values, position)
            if not part:
                raise ValueError(f"Malformed hyperparameter value: {values[position:]}")
            name, text = part.groups()
            if name not in self._values:
                raise ValueError(f"Unknown hyperparameter type for {name}")
            if name in found:
                raise ValueError(f"Multiple assignments to the hyperparameter {name} in {values}")
            kind, many = self._kinds[name]
            if text.startswith("[") != many:
                raise ValueError(_mixed(name, many))
            texts = text[1:-1].split(",") if many else [text]
            parsed = [_parsed(name, each.strip(), kind) for each in texts if each.strip() or not many]
            found[name] = parsed if many else parsed[0]
            position = part.end()
        return self.override_from_dict(found)

    def to_json(self, indent: int | None = None, separators: Any = None, sort_keys: bool = False) -> str:
        """The values as a JSON object. TypeError names a value that JSON cannot hold."""
        kept = {n: v for n, v in self._values.items() if not callable(v)}
        for name, value in kept.items():
            try:
                json.dumps(value)
            except (TypeError, ValueError) as error:
                raise TypeError(f"the hyperparameter {name}={value!r} has no form in JSON: {error}") from None
        return json.dumps(kept, indent=indent, separators=separators, sort_keys=sort_keys)

    def parse_json(self, values_json: str) -> HParams:
        """Change values as a JSON object tells them."""
        return self.override_from_dict(json.loads(values_json))


def _mixed(name: str, many: bool) -> str:
    return f"Must {'pass a list for the' if many else 'not pass a list for the single'} hyperparameter {name}"


def _parsed(name: str, text: str, kind: Any) -> Any:
    """A value of a type from text."""
    try:
        if issubclass(kind, bool | np.bool_):
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        return kind(text) if issubclass(kind, Number) else text
    except (KeyError, ValueError):
        raise ValueError(f"Could not parse the hyperparameter {name}={text} as {kind.__name__}") from None


def _cast(name: str, value: Any, kind: Any) -> Any:
    """A value in a type. ValueError if it does not fit."""
    if not issubclass(kind, Number | np.bool_ | str):
        return value
    numbers = Integral if issubclass(kind, Integral) else Number
    wanted = str if issubclass(kind, str) else numbers
    is_bool = issubclass(kind, bool | np.bool_), isinstance(value, bool | np.bool_)
    if is_bool == (True, True) or (is_bool == (False, False) and isinstance(value, wanted)):
        return kind(value)
    raise ValueError(f"Could not cast the hyperparameter {name} from {value!r} to {kind.__name__}")
