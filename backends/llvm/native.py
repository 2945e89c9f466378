"""Ops as native code: calls of functions on buffers, to be combined or launched."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from minigraph.backend.base import Launch, Lowered, in_sequence
from minigraph.backend.host import HostArray
from minigraph.backend.workspace import BufferRef, relocated
from minigraph.backends.llvm.compiler import LazyModule, compile_ahead, load
from minigraph.backends.llvm.team import TEAM, team_code
from minigraph.core.dtypes import DType, float32

_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
_ZERO = ctypes.c_int64(0)


class Call(NamedTuple):
    """Run the function `name` of the IR module `text` for each of the tasks 0 to `tasks` − 1.

    functions: further functions, as (module, name), whose addresses follow the pointers.
    """

    text: str | LazyModule
    name: str
    tasks: int
    args: tuple[BufferRef, ...]
    functions: tuple[tuple[str | LazyModule, str], ...] = ()

    def on(self, moved: Mapping[BufferRef, BufferRef]) -> Call:
        """The call with some pointers replaced."""
        return self._replace(args=tuple(moved.get(p, p) for p in self.args))

    def relocated(self, inputs: Sequence[BufferRef], outputs: Sequence[BufferRef], workspace: BufferRef) -> Call:
        """The call of a part of an op, whose operands, results and workspace lie in the given buffers."""
        return self._replace(args=relocated(self.args, inputs, outputs, workspace))


class Native(NamedTuple):
    """An op as a sequence of calls of native functions.

    calls: the calls, given which results are read. workspace: bytes. inplace: as in Lowered. trial: calls to make
    first. check: gets the operands and the workspace after the trial, and raises if that has found a fault.
    """

    calls: Callable[[tuple[bool, ...]], Sequence[Call]]
    workspace: int = 0
    inplace: tuple[int, ...] = ()
    trial: tuple[Call, ...] = ()
    check: Callable[[Sequence[HostArray], HostArray], None] | None = None


class LoweringContext(NamedTuple):
    """Conditions under which an op is lowered to native code.

    threads: the number of threads that run the code. inside: the op is a member of a region, and one thread runs it
    whatever `threads` is. adds: results that are sums over the batch are added to their buffers' content. packed: the
    operand named by `Packing` comes packed. narrow: it comes as bfloat16. epilogue: pointwise computation on each
    element of a contraction's result; its operands follow the contraction's. pitch: elements from one row of the
    result, along its last axis, to the next, if the result lies in a larger array; only for the ops in join.MAKERS.
    """

    threads: int
    inside: bool = False
    adds: bool = False
    packed: bool = False
    narrow: bool = False
    epilogue: Any = None  # a tile.TileEpilogue
    pitch: int | None = None


class Packing(NamedTuple):
    """Packed layout of the operand at `position`: a buffer of `size` elements of `dtype`.

    call: the call that packs it, given pointers to the operand and to the buffer. dtype: uint16 for bfloat16.
    """

    position: int
    size: int
    call: Callable[[Sequence[BufferRef]], Call]
    dtype: DType = float32


def always(make: Callable[[], Sequence[Call]]) -> Callable[[tuple[bool, ...]], Sequence[Call]]:
    """The `calls` of an op that makes the same calls whichever results are read."""
    once = cache(make)
    return lambda _: once()


def address(array: HostArray) -> int:
    """The address of the first element of an array in C order."""
    assert array.flags.c_contiguous, f"an array with strides {array.strides}"
    where: int = array.ctypes.data
    return where


def lowered(native: Native, threads: int) -> Lowered:
    """Launches of the calls."""

    def bind(inputs: Sequence[HostArray], outputs: Sequence[HostArray | None], workspace: HostArray) -> Launch:
        arrays = {"in": inputs, "out": outputs}

        def pointer(ref: BufferRef) -> int:
            array = workspace if ref.kind == "work" else arrays[ref.kind][ref.position]
            assert array is not None
            return address(array) + ref.offset

        def launched(calls: Sequence[Call]) -> Launch:
            alive = (*inputs, *outputs, workspace)
            return (
                launch([(call, [pointer(p) for p in call.args]) for call in calls], alive, threads)
                if calls
                else _nothing
            )

        work = launched(native.calls(tuple(o is not None for o in outputs)))
        if native.check is None:
            return work
        return in_sequence([launched(native.trial), partial(native.check, inputs, workspace), work])

    def prepare(wanted: Sequence[bool]) -> None:
        for call in (*native.trial, *native.calls(tuple(wanted))):
            compile_ahead([call.text, *(text for text, _ in call.functions)])

    return Lowered(bind, native.workspace, native.inplace, prepare=prepare)


def _nothing() -> None:
    """The launch of no calls."""


def launch(calls: Sequence[tuple[Call, Sequence[int]]], alive: Any, threads: int) -> Launch:
    """The calls on the given addresses in order, each by all threads or by the caller alone.

    Holds `alive` and the code.
    """
    prepared = []
    for call, pointers in calls:
        codes = [load(text) for text in (call.text, *(text for text, _ in call.functions))]
        names = [call.name, *(name for _, name in call.functions)]
        function, *others = (code.get_function_address(name) for code, name in zip(codes, names, strict=True))
        block: Any = (ctypes.c_void_p * max(len(pointers) + len(others), 1))(*pointers, *others)
        block.alive = alive, codes
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
    """The launch of a function of the team with three numbers."""
    load(team_code())  # the first launch need not compile it

    def launched(alive: Any = alive) -> None:  # the default keeps it alive
        if TEAM.shared is None:
            TEAM.start()
        getattr(TEAM, name)(TEAM.shared, first, second, third)

    return launched
