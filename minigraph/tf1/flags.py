"""`tf.flags`: absl's flags, as in TensorFlow 1.15, with what programs for earlier versions expect of FLAGS."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

from absl import flags as _absl
from absl.flags import (
    DuplicateFlagError,
    Error,
    Flag,
    FlagHolder,
    FlagValues,
    IllegalFlagValueError,
    UnparsedFlagAccessError,
    UnrecognizedFlagError,
    ValidationError,
)

__all__ = [
    "FLAGS",
    "DEFINE_alias",
    "DEFINE_bool",
    "DEFINE_boolean",
    "DEFINE_enum",
    "DEFINE_float",
    "DEFINE_integer",
    "DEFINE_list",
    "DEFINE_multi_enum",
    "DEFINE_multi_float",
    "DEFINE_multi_integer",
    "DEFINE_multi_string",
    "DEFINE_spaceseplist",
    "DEFINE_string",
    "DuplicateFlagError",
    "Error",
    "Flag",
    "FlagHolder",
    "FlagValues",
    "IllegalFlagValueError",
    "UnparsedFlagAccessError",
    "UnrecognizedFlagError",
    "ValidationError",
    "mark_flag_as_required",
    "mark_flags_as_required",
    "register_validator",
    "set_default",
    "validator",
]

_OLD_NAMES = {"flag_name": "name", "default_value": "default", "docstring": "help"}


class Flags:
    """absl's table of flags, which parses the command line when a value is first read.

    Arguments that are no flags are left to the program. Programs for TensorFlow 1.4 and earlier also read the table
    itself, as `FLAGS.__flags` or `FLAGS.__dict__["__flags"]`, and call `FLAGS._parse_flags()`.
    """

    def __init__(self, table: FlagValues) -> None:
        object.__setattr__(self, "_table", table)

    def __getattribute__(self, name: str) -> Any:
        table = object.__getattribute__(self, "_table")
        if name in ("_table", "_parse_flags", "__class__") or (name in type(self).__dict__ and name != "__dict__"):
            return object.__getattribute__(self, name)
        if name in ("__flags", "__dict__"):
            flags = _Readable(table._flags())
            return flags if name == "__flags" else {**table.__dict__, "__flags": flags, "__parsed": table.is_parsed()}
        if name in table and not table.is_parsed():
            self._parse_flags()
        return getattr(table, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._table, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._table, name)

    def __call__(self, argv: Sequence[str], known_only: bool = False) -> list[str]:
        """Parse `argv`, the program first; return the arguments that are not flags. An error exits the program."""
        try:
            rest: list[str] = self._table(list(argv), known_only=known_only)
        except Error as error:
            sys.stderr.write(f"FATAL Flags parsing error: {error}\n")
            raise SystemExit(1) from None
        return rest

    def _parse_flags(self, args: Sequence[str] | None = None) -> Flags:
        """Parse the command line, or `args`."""
        self(sys.argv if args is None else [sys.argv[0], *args], known_only=True)
        return self

    def __getitem__(self, name: str) -> Flag[Any]:
        flag: Flag[Any] = self._table[name]
        return flag

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __dir__(self) -> list[str]:
        return dir(self._table)

    def flag_values_dict(self) -> dict[str, Any]:
        """All values by the flags' names."""
        if not self._table.is_parsed():
            self._parse_flags()
        return dict(self._table.flag_values_dict())


class _Readable(dict[str, Any]):
    """Flags by name. A flag prints as its value, which is what the table held before TensorFlow 1.5."""

    def __init__(self, flags: dict[str, Flag[Any]]) -> None:
        super().__init__({name: _Entry(flag) for name, flag in flags.items()})


class _Entry:
    """A flag whose text is that of its value."""

    def __init__(self, flag: Flag[Any]) -> None:
        self._flag = flag

    def __getattr__(self, name: str) -> Any:
        return getattr(self._flag, name)

    def __repr__(self) -> str:
        return repr(self._flag.value)

    def __str__(self) -> str:
        return str(self._flag.value)


FLAGS = Flags(_absl.FLAGS)


def _table_of(flag_values: Any) -> Any:
    return flag_values._table if isinstance(flag_values, Flags) else flag_values


def _definition(define: Callable[..., Any]) -> Callable[..., Any]:
    """absl's function, with the names that its arguments had before TensorFlow 1.5."""

    @wraps(define)
    def defined(*args: Any, **options: Any) -> Any:
        given = {_OLD_NAMES.get(k, k): _table_of(v) for k, v in options.items()}
        if len(args) < 3:
            given.setdefault("help", "")
        holder = define(*args, **given)
        if _absl.FLAGS.is_parsed():
            _absl.FLAGS.unparse_flags()  # the command line may name the new flag
        return holder

    return defined


def _on_table(function: Callable[..., Any]) -> Callable[..., Any]:
    """absl's function, which also takes FLAGS of this module for a table."""

    @wraps(function)
    def called(*args: Any, **options: Any) -> Any:
        return function(*map(_table_of, args), **{k: _table_of(v) for k, v in options.items()})

    return called


DEFINE_boolean = DEFINE_bool = _definition(_absl.DEFINE_boolean)
DEFINE_enum = _definition(_absl.DEFINE_enum)
DEFINE_float = _definition(_absl.DEFINE_float)
DEFINE_integer = _definition(_absl.DEFINE_integer)
DEFINE_list = _definition(_absl.DEFINE_list)
DEFINE_multi_enum = _definition(_absl.DEFINE_multi_enum)
DEFINE_multi_float = _definition(_absl.DEFINE_multi_float)
DEFINE_multi_integer = _definition(_absl.DEFINE_multi_integer)
DEFINE_multi_string = _definition(_absl.DEFINE_multi_string)
DEFINE_spaceseplist = _definition(_absl.DEFINE_spaceseplist)
DEFINE_string = _definition(_absl.DEFINE_string)
DEFINE_alias = _on_table(_absl.DEFINE_alias)
mark_flag_as_required = _on_table(_absl.mark_flag_as_required)
mark_flags_as_required = _on_table(_absl.mark_flags_as_required)
register_validator = _on_table(_absl.register_validator)
set_default = _on_table(_absl.set_default)
validator = _on_table(_absl.validator)
