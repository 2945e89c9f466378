"""Which values of a program depend on nothing but variables and constants."""

from __future__ import annotations

from minigraph.core.ir import Feed, Instr, Value


class Fixed:
    """Tells whether a value is the same in every run until a variable changes: no feed, random number or update is
    among what it is computed from."""

    def __init__(self) -> None:
        self._known: dict[Instr, bool] = {}

    def __call__(self, value: Value) -> bool:
        stack = [value.instr]
        while stack:
            instr = stack[-1]
            if instr not in self._known:
                pending = [p for p in instr.predecessors if p not in self._known]
                if pending:
                    stack += pending
                    continue
                op = instr.op
                changes = isinstance(op, Feed) or (op.stateful and not op.reads) or bool(op.writes or instr.control)
                self._known[instr] = not changes and all(self._known[p] for p in instr.predecessors)
            stack.pop()
        return self._known[value.instr]
