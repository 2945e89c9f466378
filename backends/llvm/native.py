"""Ops as native code: which functions run on which pointers, so that they can be launched, or put together first."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Literal, NamedTuple

from minigraph.backend.base import Launch, Lowered, in_sequence
from minigraph.backend.host import HostArray
from minigraph.backends.llvm.compiler import load
from minigraph.backends.llvm.team import TEAM

_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
_ZERO = ctypes.c_int64(0)
_ALIGN = 64


class Place(NamedTuple):
    """Where a pointer of a kernel leads: to an operand, to a result, or to a byte of the workspace."""

    kind: Literal["in", "out", "work"]
    number: int

    def after(self, nbytes: int) -> Place:
        """So many bytes further on in the workspace."""
        return Place("work", self.number + nbytes)


class Call(NamedTuple):
    """The tasks range(count) of the function `name` in the IR module `text`.

    functions: others, by module and name, whose addresses follow the pointers.
    """

    text: str
    name: str
    tasks: int
    places: tuple[Place, ...]
    functions: tuple[tuple[str, str], ...] = ()


class Native(NamedTuple):
    """An op as calls of native functions, one after the other.

    calls: given which results somebody reads. workspace: bytes. inplace: as in Lowered. check: gets the workspace after
    the calls, and raises if they left word of a fault there.
    """

    calls: Callable[[tuple[bool, ...]], Sequence[Call]]
    workspace: int = 0
    inplace: tuple[int, ...] = ()
    check: Callable[[HostArray], None] | None = None


class LoweringContext(NamedTuple):
    """What the surroundings of an op want of its native code.

    threads: how many may work on it at once. inside: that it is a part of a region and done by one thread, whatever
    their number. adds: that results which are sums over the batch are added to what their buffers hold. packed: that
    the operand which `Packing` says is given packed. tail: what else to do with each element of a contraction's result;
    its operands follow the contraction's.
    """

    threads: int
    inside: bool = False
    adds: bool = False
    packed: bool = False
    tail: Any = None  # a tile.Tail


class Packing(NamedTuple):
    """How an op likes to have the operand at `position` if it has been made ready before: as so many float32 numbers.

    call: makes them, given the places of the operand and of these numbers.
    """

    position: int
    floats: int
    call: Callable[[Sequence[Place]], Call]


class Room:
    """A layout of a launch's workspace, each part aligned to 64 bytes."""

    def __init__(self) -> None:
        self.nbytes = 0

    def add(self, nbytes: int) -> Place:
        """Room for so many bytes."""
        place = Place("work", self.nbytes)
        self.nbytes += -(-nbytes // _ALIGN) * _ALIGN
        return place


def ins(*positions: int) -> tuple[Place, ...]:
    """Operands as pointers."""
    return tuple(Place("in", i) for i in positions)


def outs(*positions: int) -> tuple[Place, ...]:
    """Results as pointers."""
    return tuple(Place("out", i) for i in positions)


def on(call: Call, moved: Mapping[Place, Place]) -> Call:
    """The call on other pointers."""
    return call._replace(places=tuple(moved.get(p, p) for p in call.places))


def placed(call: Call, inputs: Sequence[Place], outputs: Sequence[Place], work: Place) -> Call:
    """The call of a part of an op, whose operands, results and workspace are at those places."""

    def move(place: Place) -> Place:
        if place.kind == "work":
            return work.after(place.number)
        return (inputs if place.kind == "in" else outputs)[place.number]

    return call._replace(places=tuple(move(p) for p in call.places))


def always(make: Callable[[], Sequence[Call]]) -> Callable[[tuple[bool, ...]], Sequence[Call]]:
    """The `calls` of an op of which it does not matter what is read; they are made once."""
    once = cache(make)
    return lambda _: once()


def address(array: HostArray) -> int:
    """Of the first element of an array in C order."""
    assert array.flags.c_contiguous, f"an array with strides {array.strides}"
    where: int = array.ctypes.data
    return where


def lowered(native: Native, threads: int) -> Lowered:
    """Launches of the calls."""

    def bind(inputs: Sequence[HostArray], outputs: Sequence[HostArray | None], workspace: HostArray) -> Launch:
        arrays = {"in": inputs, "out": outputs}

        def pointer(place: Place) -> int:
            if place.kind == "work":
                return address(workspace) + place.number
            array = arrays[place.kind][place.number]
            assert array is not None
            return address(array)

        calls = native.calls(tuple(o is not None for o in outputs))
        alive = (*inputs, *outputs, workspace)
        launched = launch([(call, [pointer(p) for p in call.places]) for call in calls], alive, threads)
        return in_sequence([launched, partial(native.check, workspace)]) if native.check else launched

    return Lowered(bind, native.workspace, native.inplace)


def launch(calls: Sequence[tuple[Call, Sequence[int]]], alive: Any, threads: int) -> Launch:
    """The calls on these addresses, one after the other, each by all threads or by the caller alone. It keeps `alive`
    alive."""
    prepared = []
    for call, pointers in calls:
        (function,) = load(call.text, call.name)
        others = [load(text, name)[0] for text, name in call.functions]
        block: Any = (ctypes.c_void_p * max(len(pointers) + len(others), 1))(*pointers, *others)
        block.alive = alive
        prepared.append((function, block, call.tasks, threads > 1 < call.tasks and TEAM.size > 1))
    if TEAM.size == 1 or (len(prepared) == 1 and not prepared[0][3]):
        return in_sequence(
            [partial(_FUNCTION(f), block, _ZERO, ctypes.c_int64(count), _ZERO) for f, block, count, _ in prepared]
        )
    if len(prepared) == 1:
        function, block, count, _ = prepared[0]
        return _by_team("run", function, ctypes.addressof(block), count, block)
    numbers = [n for f, block, count, shares in prepared for n in (f, ctypes.addressof(block), count, int(shares))]
    whole: Any = (ctypes.c_int64 * len(numbers))(*numbers)
    return _by_team("sequence", ctypes.addressof(whole), len(prepared), 0, (whole, prepared))


def _by_team(name: str, first: int, second: int, third: int, alive: Any) -> Launch:
    """A function of the team on three numbers."""

    def launched(alive: Any = alive) -> None:  # the default keeps it alive
        if TEAM.shared is None:
            TEAM.start()
        getattr(TEAM, name)(TEAM.shared, first, second, third)

    return launched
