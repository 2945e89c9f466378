"""`tf.contrib.training.HParams`: named values that command lines can change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any


class HParams:
    """Hyperparameters, as attributes. Their types are those of their first values; a list has one type."""

    def __init__(self, **kwargs: Any) -> None:
        self._values: dict[str, Any] = {}
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"HParams has no value {name!r}; it has {', '.join(sorted(self._values))}")
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            self._values[name] = value

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
        self._values[name] = value

    def set_hparam(self, name: str, value: Any) -> None:
        """Change a value; it must have the type of the former one."""
        if name not in self._values:
            raise KeyError(name)
        self._values[name] = _converted(name, value, self._values[name])

    def del_hparam(self, name: str) -> None:
        """Remove a value, if it is there."""
        self._values.pop(name, None)

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or `default` if there is none of this name."""
        return self._values.get(key, default)

    def values(self) -> dict[str, Any]:
        """The values by name."""
        return dict(self._values)

    def override_from_dict(self, values_dict: Mapping[str, Any]) -> HParams:
        """Change several values."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def parse(self, values: str) -> HParams:
        """Change values as a command line tells them: `rate=0.1,sizes=[3,4],name=x`."""
        position = 0
        item = re.compile(r"\s*([A-Za-z]\w*)\s*=\s*(\[[^\]]*\]|[^,\[]*)\s*(?:,|$)")
        while position < len(values.rstrip()):
            found = item.match(values, position)
            if not found:
                raise ValueError(f"Malformed hyperparameter value: {values[position:]}")
            name, text = found.groups()
            if name not in self._values:
                raise ValueError(f"Unknown hyperparameter type for {name}")
            if text.startswith("[") and not isinstance(self._values[name], list | tuple):
                raise ValueError(f"Must not pass a list for the hyperparameter {name}")
            if text.startswith("["):
                parts = [part.strip() for part in text[1:-1].split(",") if part.strip()]
                self._values[name] = [_parsed(name, part, self._values[name][0]) for part in parts]
            else:
                self._values[name] = _parsed(name, text, self._values[name])
            position = found.end()
        return self

    def to_json(self, indent: int | None = None, separators: Any = None, sort_keys: bool = False) -> str:
        """The values as a JSON object."""
        kept = {n: v for n, v in self._values.items() if not callable(v)}
        return json.dumps(kept, indent=indent, separators=separators, sort_keys=sort_keys)

    def parse_json(self, values_json: str) -> HParams:
        """Change values as a JSON object tells them."""
        return self.override_from_dict(json.loads(values_json))


def _parsed(name: str, text: str, like: Any) -> Any:
    """A value of the type of `like` from text."""
    text = text.strip()
    if isinstance(like, list | tuple):
        raise ValueError(f"Must not pass a single value for the list {name}")
    if isinstance(like, bool):
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError(f"Could not parse the hyperparameter {name}={text} as a bool")
        return text.lower() in ("true", "1")
    if isinstance(like, int | float):
        try:
            return int(text) if isinstance(like, int) else float(text)
        except ValueError:
            kind = type(like).__name__
            raise ValueError(f"Could not parse the hyperparameter {name}={text} as {kind}") from None
    return text


def _converted(name: str, value: Any, like: Any) -> Any:
    """The value in the type of `like`. ValueError if it does not fit."""
    if isinstance(like, list | tuple):
        if not isinstance(value, list | tuple):
            raise ValueError(f"Must pass a list for the hyperparameter {name}")
        return [_converted(name, v, like[0]) for v in value]
    if like is None or value is None or callable(like):
        return value
    if isinstance(like, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(like, bool) != isinstance(value, bool) or not isinstance(value, type(like)):
        raise ValueError(f"Could not cast the hyperparameter {name} from {value!r} to {type(like).__name__}")
    return value
