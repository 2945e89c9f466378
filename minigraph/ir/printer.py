"""Programs as text, which `parser.parse_program` reads back.

    %0 = Feed() {slot=0, type=float32[2,3]} : float32[2,3]  # x
    %1 = Const() {value=float32[](2.0)} : float32[]
    %2 = Loop(%0, %1) {space=(2, 3)} : float32[2,3] {  # y at model.py:7
      %0 = Feed() {slot=0, type=float32[2,3]} : float32[2,3]
      %1 = Feed() {slot=1, type=float32[]} : float32[]
      %2 = Mul(%0, %1) : float32[2,3]
      %3 = Relu(%2) : float32[2,3]
      return %3
    }
    return %2

A line is an instruction: its op, operands, attributes, control inputs (` ^%1`) and the types of its outputs; `%2.1` is
output 1 of %2. The inner program of a region or a loop follows in braces. A comment holds the name and the line of
the user's program.
A large constant is shown by a digest, or as `float32[500](1.0, ...)` if all its elements are one number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType, as_dtype
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.compiled_loop import CompiledLoop
from minigraph.ir.program import Feed, Instr, Program, Value
from minigraph.ir.regions import Region

LARGE = 64  # elements; a constant of up to this size is shown number by number


def format_program(program: Program, names: bool = True) -> str:
    """The program as text, as at the top of the file.

    names: whether to add the comments.
    """
    return "\n".join(_lines(program, names))


def _lines(program: Program, names: bool) -> Iterator[str]:
    number = {id(instr): i for i, instr in enumerate(program.instrs)}

    def show(value: Value) -> str:
        return f"%{number[id(value.instr)]}" + (f".{value.output}" if value.output else "")

    if len({i.op.slot for i in program.instrs if isinstance(i.op, Feed)}) < len(program.feeds):
        yield f"feeds {', '.join(map(str, program.feeds))}"  # some are not read
    for instr in program.instrs:
        args = ", ".join(map(show, instr.inputs))
        after = "".join(f" ^%{number[id(c)]}" for c in instr.control)
        types = ", ".join(map(str, instr.types)) or "()"
        op = instr.op
        inner = op.program if isinstance(op, Region | CompiledLoop) else None
        where = _comment(instr) if names else ""
        opening = "" if inner is None else " {"
        yield f"%{number[id(instr)]} = {_kind(op)}({args}){_attributes(op)}{after} : {types}{opening}{where}"
        if inner is not None:
            yield from (f"  {line}" for line in _lines(inner, names))
            yield "}"
    yield f"return {', '.join(map(show, program.results))}".rstrip()


def _comment(instr: Instr) -> str:
    return f"  # {instr.name} at {instr.source}" if instr.source else f"  # {instr.name}"


def _kind(op: Op) -> str:
    return type(op).__name__


def _attributes(op: Op) -> str:
    hidden = "program" if isinstance(op, Region | CompiledLoop) else None
    parts = [f"{name}={format_attribute(getattr(op, name))}" for name in op.fields if name != hidden]
    return f" {{{', '.join(parts)}}}" if parts else ""


def format_attribute(value: Any) -> str:
    """An attribute of an op as the parser reads it; in angle brackets if the parser cannot read it."""
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return f"{as_dtype(value.dtype).name}({value!s})"
    if isinstance(value, DType):
        return value.name
    if isinstance(value, TensorType):
        return str(value)
    if isinstance(value, Region):
        return f"<{value!r}>"
    if isinstance(value, Op):
        return _kind(value) + _attributes(value)
    if isinstance(value, tuple):
        inner = ", ".join(map(format_attribute, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    return f"<{type(value).__name__}>"


def _array(array: np.ndarray) -> str:
    kind = TensorType(as_dtype(array.dtype), array.shape)
    if array.size > LARGE:
        content = np.ascontiguousarray(array).reshape(-1, 1).view(np.uint8)
        if np.all(content == content[0]):
            return f"{kind}({array.flat[0]!s}, ...)"
        return f"{kind}#{hashlib.blake2b(array.tobytes(), digest_size=6).hexdigest()}"
    return f"{kind}({', '.join(map(str, array.flat))})"
