"""Pickles as data: an interpreter of the instructions that tensors need, which calls only given functions.

Python's own unpickler builds any object that a pickle names. This one builds numbers, text, lists, tuples and
dictionaries, and calls the functions of a table; any other name is an error. Instructions are as in Python's
pickletools.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from minigraph.util.read_budget import Budget, Damaged

Functions = Mapping[str, Callable[..., Any]]

_MARK = object()
_ROUND, _STEPS = 256, 3  # instructions between two questions to the budget, and what each costs
_KEYS = (str, int, float, bool, type(None))
_VALUES = {
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG", "BINFLOAT", "FLOAT", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING", "STRING", "BINBYTES",
    "SHORT_BINBYTES", "BINBYTES8",
}  # fmt: skip
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": _MARK, "EMPTY_TUPLE": ()}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class Global(NamedTuple):
    """A name that a pickle refers to: `module.name`."""

    name: str


def load(file: Any, functions: Functions, persistent: Callable[[Any], Any], budget: Budget) -> Any:
    """The object of the pickle at the file's position; moves the file behind it.

    functions: the functions that the pickle may call, by `module.name`. persistent: returns the object of a persistent
    id. Other names become Globals. Raises Damaged for a truncated or invalid pickle, or one that calls anything else.
    """
    machine = _Machine(functions, persistent, budget)
    try:
        for count, (code, argument, _) in enumerate(pickletools.genops(file)):
            if not count % _ROUND:
                budget.work("its pickle", _ROUND * _STEPS)
            machine.step(code.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as error:
        if isinstance(error, Damaged):
            raise
        raise Damaged(f"its pickle is cut off or damaged ({type(error).__name__})") from None
    return machine.result()


def refusal(name: str) -> Damaged:
    """The error for a pickle that calls a function not in the table."""
    return Damaged(
        f"its pickle asks for {name[:200]}, and what is no tensor is not loaded from it, since it could run any code; "
        "save the state_dict() of a network, not the network"
    )


class _Machine:
    """The stack and the memo of numbered objects."""

    def __init__(self, functions: Functions, persistent: Callable[[Any], Any], budget: Budget) -> None:
        self._functions = functions
        self._budget = budget
        self._persistent = persistent
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def result(self) -> Any:
        if len(self._stack) != 1:
            raise Damaged("its pickle is cut off or damaged")
        return self._stack[0]

    def step(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self._stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            self._stack.append(tuple(self._pop_many(_TUPLES[name])))
        else:
            method = getattr(self, f"on_{name.lower()}", None)
            if method is None:
                raise Damaged(f"its pickle has the instruction {name}, which no tensor needs")
            method(argument)

    def _pop_many(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise Damaged("its pickle is damaged: a value is missing")
        items = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        if any(i is _MARK for i in items):
            raise Damaged("its pickle is damaged: a value is missing")
        return items

    def _pop(self) -> Any:
        return self._pop_many(1)[0]

    def _pop_to_mark(self) -> list[Any]:
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise Damaged("its pickle is damaged: a mark is missing")
        items = self._stack[at + 1 :]
        del self._stack[at:]
        return items

    def _top(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise Damaged(f"its pickle is damaged: a {kind.__name__} is missing")
        return self._stack[-1]

    # what is done for an instruction, by its name in lower case

    def on_proto(self, version: int) -> None:
        pass

    def on_frame(self, size: int) -> None:
        pass

    def on_stop(self, _: None) -> None:
        pass

    def on_tuple(self, _: None) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def on_list(self, _: None) -> None:
        self._stack.append(self._pop_to_mark())

    def on_dict(self, _: None) -> None:
        self._stack.append(paired(self._pop_to_mark()))

    def on_append(self, _: None) -> None:
        item = self._pop()
        self._top(list).append(item)

    def on_appends(self, _: None) -> None:
        items = self._pop_to_mark()
        self._top(list).extend(items)

    def on_setitem(self, _: None) -> None:
        pair = self._pop_many(2)
        self._top(dict).update(paired(pair))

    def on_setitems(self, _: None) -> None:
        items = self._pop_to_mark()
        self._top(dict).update(paired(items))

    def on_binput(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    on_long_binput = on_put = on_binput

    def on_memoize(self, _: None) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def on_binget(self, index: int) -> None:
        self._stack.append(self._memo[index])

    on_long_binget = on_get = on_binget

    def on_global(self, names: str) -> None:
        self._stack.append(Global(names.replace(" ", ".")))

    def on_stack_global(self, _: None) -> None:
        module, name = self._pop_many(2)
        if type(module) is not str or type(name) is not str:
            raise Damaged("its pickle is damaged: a name is missing")
        self._stack.append(Global(f"{module}.{name}"))

    def on_binpersid(self, _: None) -> None:
        self._stack.append(self._persistent(self._pop()))

    def on_reduce(self, _: None) -> None:
        function, arguments = self._pop_many(2)
        if type(function) is not Global or type(arguments) is not tuple:
            raise Damaged("its pickle is damaged: a function is missing")
        if function.name not in self._functions:
            raise refusal(function.name)
        self._budget.visit("its pickle", sum(len(a) for a in arguments if isinstance(a, list | tuple)))
        self._stack.append(self._functions[function.name](*arguments))

    def on_newobj(self, _: None) -> None:
        self.on_reduce(None)

    def on_build(self, _: None) -> None:
        self._pop()  # attributes of a dictionary or a parameter, which no tensor is read from


def paired(items: list[Any]) -> dict[Any, Any]:
    keys, values = items[::2], items[1::2]
    if len(keys) != len(values) or not all(type(k) in _KEYS for k in keys):
        raise Damaged("its pickle is damaged: a dictionary's key is neither text nor a number")
    return dict(zip(keys, values, strict=True))
