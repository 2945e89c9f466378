"""Graphs and programs as text: one line a node."""

from __future__ import annotations

import numpy as np

from minigraph.core.graph import Graph
from minigraph.core.ir import Program, Value
from minigraph.core.op import Op


def format_attributes(op: Op) -> str:
    """`{strides=(1, 1), padding=SAME}`; arrays by their shape, nothing where there is no attribute."""
    parts = []
    for name in op.fields:
        value = getattr(op, name)
        if isinstance(value, np.ndarray):
            value = value.tolist() if value.size <= 4 else f"<{value.dtype}{list(value.shape)}>"
        parts.append(f"{name}={value}")
    return f" {{{', '.join(parts)}}}" if parts else ""


def format_graph(graph: Graph) -> str:
    """`%3 = Conv2D(%1, %2) {…} : float32[?,28,28,64]  # name at file:line` for each node of a user's graph."""
    lines = []
    for node in graph.nodes:
        args = ", ".join(f"%{t.node.id}" + (f".{t.value_index}" if t.value_index else "") for t in node.inputs)
        after = "".join(f" ^%{c.id}" for c in node.control_inputs)
        types = ", ".join(str(t.type) for t in node.outputs) or "()"
        attributes = format_attributes(node.op)
        lines.append(f"%{node.id} = {node.type}({args}){attributes}{after} : {types}  # {node.name} at {node.source}")
    return "\n".join(lines)


def format_program(program: Program) -> str:
    """The same for a compiled program, with a last line that names its results."""
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
