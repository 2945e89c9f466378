"""`tf.flags`: command-line options, defined one by one and read as attributes of FLAGS."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minigraph.core.arguments import refuse

_TRUE, _FALSE = ("true", "t", "1", "yes", "y"), ("false", "f", "0", "no", "n")


class Flag(NamedTuple):
    """A flag, as returned by `FLAGS["name"]`."""

    name: str
    value: Any


class FlagValues:
    """The flags' values. The command line is parsed on first access, or by a call with a list of arguments."""

    def __init__(self) -> None:
        self.__dict__["_parser"] = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        self.__dict__["_values"] = {}
        self.__dict__["_required"] = []
        self.__dict__["_booleans"] = set()
        self.__dict__["_parsed"] = False

    def define(self, name: str, default: Any, help: str | None, **options: Any) -> None:
        """Add `--name`, also accepted as `-name`."""
        try:
            self._parser.add_argument(f"--{name}", f"-{name}", dest=name, default=None, help=help, **options)
        except argparse.ArgumentError as error:
            raise ValueError(f"the flag '{name}' is defined twice: {error}") from None
        self._values[name] = default
        self.__dict__["_parsed"] = False

    def require(self, name: str) -> None:
        self._required.append(name)

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Parse `argv` (the program first) and return the arguments that are not flags. An error exits the program."""
        given = [f"{a}=true" if a.startswith("-") and a.lstrip("-") in self._booleans else a for a in argv[1:]]
        found, rest = self._parser.parse_known_args(given)
        if "--" in rest and not known_only:
            rest.remove("--")
        self._values.update({k: v for k, v in vars(found).items() if v is not None})
        self.__dict__["_parsed"] = True
        absent = [name for name in self._required if self._values[name] is None]
        if absent:
            self._parser.error(f"flag --{absent[0]} must have a value other than None")
        unknown = [a for a in rest if a.startswith("-")]
        if unknown and not known_only:
            self._parser.error(f"unknown flags: {' '.join(unknown)}")
        return [*argv[:1], *rest]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if not self._parsed:
            self(sys.argv, known_only=True)
        if name not in self._values:
            raise AttributeError(f"there is no flag '{name}'; there are: {', '.join(sorted(self._values)) or 'none'}")
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._values:
            raise AttributeError(f"there is no flag '{name}' to set")
        self._values[name] = value

    def __getitem__(self, name: str) -> Flag:
        return Flag(name, getattr(self, name))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Any:
        return iter(self._values)

    def __dir__(self) -> list[str]:
        return sorted(self._values)

    def flag_values_dict(self) -> dict[str, Any]:
        """All flags by name."""
        return {name: getattr(self, name) for name in self._values}


FLAGS = FlagValues()


def _as_bool(text: str) -> bool:
    if text.lower() in _TRUE + _FALSE:
        return text.lower() in _TRUE
    raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")


def _refuse(name: str, flag_values: Any, options: dict[str, Any]) -> None:
    """ValueError for other tables of flags, and for the first of the options, which are those of other packages."""
    refuse(f"the flag {name}", flag_values=None if flag_values is FLAGS else flag_values or None, **options)


def _add(
    name: str, default: Any, help: str | None, flag_values: Any, required: bool, options: dict[str, Any], **how: Any
) -> None:
    _refuse(name, flag_values, options)
    FLAGS.define(name, default, help, **how)
    if required:
        FLAGS.require(name)


def _bounded(convert: Callable[[str], Any], low: Any, high: Any) -> Callable[[str], Any]:
    """The conversion, which refuses numbers outside of [low, high]."""

    def checked(text: str) -> Any:
        value = convert(text)
        if (low is not None and value < low) or (high is not None and value > high):
            raise argparse.ArgumentTypeError(f"{value} is not in [{low}, {high}]")
        return value

    return convert if low is None and high is None else checked


def DEFINE_string(
    name: str, default: Any, help: str | None = None, flag_values: Any = FLAGS, required: bool = False, **options: Any
) -> None:
    """A flag of text."""
    _add(name, default, help, flag_values, required, options, type=str)


def DEFINE_integer(
    name: str, default: Any, help: str | None = None, lower_bound: int | None = None, upper_bound: int | None = None,
    flag_values: Any = FLAGS, required: bool = False, **options: Any,
) -> None:  # fmt: skip
    """A flag of an integer."""
    _add(name, default, help, flag_values, required, options, type=_bounded(int, lower_bound, upper_bound))


def DEFINE_float(
    name: str, default: Any, help: str | None = None, lower_bound: float | None = None,
    upper_bound: float | None = None, flag_values: Any = FLAGS, required: bool = False, **options: Any,
) -> None:  # fmt: skip
    """A flag of a number."""
    _add(name, default, help, flag_values, required, options, type=_bounded(float, lower_bound, upper_bound))


def DEFINE_boolean(
    name: str, default: Any, help: str | None = None, flag_values: Any = FLAGS, module_name: str | None = None,
    required: bool = False, **options: Any,
) -> None:  # fmt: skip
    """A flag that is `--name`, `--noname` or `--name=false`."""
    _add(name, default, help, flag_values, required, options | {"module_name": module_name}, type=_as_bool)
    FLAGS._booleans.add(name)
    FLAGS._parser.add_argument(f"--no{name}", f"-no{name}", dest=name, action="store_const", const=False)


DEFINE_bool = DEFINE_boolean


def DEFINE_enum(
    name: str, default: Any, enum_values: Sequence[str], help: str | None = None, flag_values: Any = FLAGS,
    module_name: str | None = None, required: bool = False, **options: Any,
) -> None:  # fmt: skip
    """A flag that takes one of `enum_values`."""
    options["module_name"] = module_name
    _add(name, default, help, flag_values, required, options, choices=list(enum_values))


def DEFINE_list(
    name: str, default: Any, help: str | None = None, flag_values: Any = FLAGS, required: bool = False, **options: Any
) -> None:
    """A flag with comma-separated values."""
    value = default.split(",") if isinstance(default, str) else default
    _add(name, value, help, flag_values, required, options, type=lambda text: text.split(",") if text else [])


def DEFINE_multi_string(
    name: str, default: Any, help: str | None = None, flag_values: Any = FLAGS, required: bool = False, **options: Any
) -> None:
    """A flag that may be repeated."""
    start = [default] if isinstance(default, str) else default
    _add(name, start, help, flag_values, required, options, action="append")


def DEFINE_multi_integer(
    name: str, default: Any, help: str | None = None, lower_bound: int | None = None, upper_bound: int | None = None,
    flag_values: Any = FLAGS, required: bool = False, **options: Any,
) -> None:  # fmt: skip
    """A flag of integers that may be repeated."""
    start, convert = [default] if isinstance(default, int) else default, _bounded(int, lower_bound, upper_bound)
    _add(name, start, help, flag_values, required, options, action="append", type=convert)


def mark_flag_as_required(flag_name: str, flag_values: Any = FLAGS) -> None:
    """Require a flag without default."""
    _refuse(flag_name, flag_values, {})
    FLAGS.require(flag_name)


def mark_flags_as_required(flag_names: Sequence[str], flag_values: Any = FLAGS) -> None:
    """Require flags without defaults."""
    for name in flag_names:
        mark_flag_as_required(name, flag_values)
