"""Programs as text: one line an instruction."""

from __future__ import annotations

from minigraph.core.op import format_attributes
from minigraph.ir.program import Program, Value


def format_program(program: Program) -> str:
    """`%3 = Conv2D(%1, %2) {…} : float32[8,28,28,64]  # name at file:line` for each instruction, then the results."""
    number = {id(instr): i for i, instr in enumerate(program.instrs)}

    def show(value: Value) -> str:
        return f"%{number[id(value.instr)]}" + (f".{value.output}" if value.output else "")

    lines = []
    for instr in program.instrs:
        args = ", ".join(map(show, instr.inputs))
        after = "".join(f" ^%{number[id(c)]}" for c in instr.control)
        types = ", ".join(map(str, instr.types)) or "()"
        kind = type(instr.op).__name__
        where = f"{instr.name} at {instr.source}" if instr.source else instr.name
        lines.append(f"%{number[id(instr)]} = {kind}({args}){format_attributes(instr.op)}{after} : {types}  # {where}")
    return "\n".join([*lines, f"return {', '.join(map(show, program.results))}"])
