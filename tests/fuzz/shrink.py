"""Smaller programs with the same finding: fewer fetches and steps, shorter leaves, plainer numbers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from fuzz.program import BATCH, Leaf, Program, Step

PLAIN = ("ones", "small", "normal")


def shrink(program: Program, fails: Callable[[Program], bool], seconds: float = 120.0) -> Program:
    """The smallest program found that still fails. A candidate that cannot be built does not fail."""
    until = time.monotonic() + seconds
    found = True
    while found:
        found = False
        for smaller in candidates(program):
            if time.monotonic() > until:
                return program
            if fails(smaller):
                program, found = smaller, True
                break
    return program


def candidates(program: Program) -> Iterator[Program]:
    """Programs that are smaller by one change, those first that may save most."""
    for i in range(len(program.fetches)):
        if len(program.fetches) > 1:
            yield replace(program, fetches=(program.fetches[i],)).needed()
    for i in range(len(program.fetches)):
        if len(program.fetches) > 2:
            yield replace(program, fetches=(*program.fetches[:i], *program.fetches[i + 1 :])).needed()
    if len(program.sizes) > 1:
        yield replace(program, sizes=program.sizes[:1])
        yield replace(program, sizes=program.sizes[:2])
    if program.unknown and len(set(program.sizes)) == 1:
        yield replace(program, unknown=False)
    yield from _without_steps(program)
    yield from _smaller_leaves(program)


def _without_steps(program: Program) -> Iterator[Program]:
    """A step goes: what it gave is one of its own operands, or a new leaf of any shape that an operand has."""
    for i in reversed(range(len(program.steps))):
        step = program.steps[i]
        if len(step.names) > 1 or step.tags == ("op",):
            continue
        for operand in step.uses:
            yield _renamed(program, i, operand)
    for i in reversed(range(len(program.steps))):
        step = program.steps[i]
        later = {name for other in program.steps[i + 1 :] for name in other.uses}
        for j, (name, tag) in enumerate(zip(step.names, step.tags, strict=True)):
            for leaf in program.leaves:
                if tag != "op" and name in later and leaf.name in step.uses and leaf.role != "variable":
                    new = replace(leaf, name=name, tag=tag, role="constant" if BATCH not in leaf.shape else "feed")
                    yield _cut(program, i, j, new)


def _renamed(program: Program, i: int, operand: str) -> Program:
    (name,) = program.steps[i].names
    change = re.compile(rf"\b{name}\b")
    later = [replace(s, text=change.sub(operand, s.text)) for s in program.steps[i + 1 :]]
    fetches = tuple(dict.fromkeys(operand if f == name else f for f in program.fetches))
    return replace(program, steps=(*program.steps[:i], *later), fetches=fetches).needed()


def _cut(program: Program, i: int, j: int, leaf: Leaf) -> Program:
    step = program.steps[i]
    kept: tuple[Step, ...] = ()
    if len(step.names) > 1:
        names = (*step.names[:j], f"{step.names[j][0]}{1000 + i}", *step.names[j + 1 :])
        kept = (replace(step, names=names),)
    fetches = tuple(f for f in program.fetches if f != leaf.name)
    if not fetches:
        return program
    steps = (*program.steps[:i], *kept, *program.steps[i + 1 :])
    return replace(program, leaves=(*program.leaves, leaf), steps=steps, fetches=fetches).needed()


def _smaller_leaves(program: Program) -> Iterator[Program]:
    dims = sorted({d for leaf in program.leaves for d in leaf.shape if d > 1}, reverse=True)
    for d in dims:
        for smaller in dict.fromkeys((1, 2, d // 2, d - 1)):
            if 0 < smaller < d:
                shapes = [tuple(smaller if e == d else e for e in leaf.shape) for leaf in program.leaves]
                yield replace(program, leaves=tuple(map(_shaped, program.leaves, shapes)))
    for i, leaf in enumerate(program.leaves):
        for axis, d in enumerate(leaf.shape):
            for smaller in dict.fromkeys((1, d // 2, d - 1)):
                if 0 < smaller < d:
                    yield _with(program, i, _shaped(leaf, (*leaf.shape[:axis], smaller, *leaf.shape[axis + 1 :])))
        for plain in PLAIN:
            if leaf.kind == plain or leaf.tag not in "FH":
                break
            yield _with(program, i, replace(leaf, kind=plain))
    for i, size in enumerate(program.sizes):
        if size > 1:
            yield replace(program, sizes=(*program.sizes[:i], 1, *program.sizes[i + 1 :]))


def _shaped(leaf: Leaf, shape: tuple[int, ...]) -> Leaf:
    return replace(leaf, shape=shape)


def _with(program: Program, i: int, leaf: Leaf) -> Program:
    return replace(program, leaves=(*program.leaves[:i], leaf, *program.leaves[i + 1 :]))
