"""`minigraph explain --kernel`: how an op's kernel is stated, scheduled and printed."""

from __future__ import annotations

from collections.abc import Iterator

import click

from minigraph.compile.plan import Plan
from minigraph.ir.program import Instr
from minigraph.ir.regions import Region
from minigraph.loops.text import print_kernel


def kernel_text(plan: Plan, node: str, assembly: bool = False) -> str:
    """The statement of a node's kernel, its schedule and its code on the plan's backend.

    Raises click.ClickException if the plan has no such node, or there is nothing to show of it.
    """
    known = dict(_instructions(plan))
    if node not in known:
        some = ", ".join(sorted(name for name, i in known.items() if _statement(i) is not None)[:10])
        raise click.ClickException(
            f"no launch computes '{node}'; nodes with a kernel in the loop language: {some or 'none'}"
        )
    instr = known[node]
    statement = _statement(instr)
    kind = type(instr.op).__name__
    types = [v.type for v in instr.inputs]
    code = plan.backend.kernel_text(instr.op, types, instr.types, assembly)
    if statement is None and not code:
        raise click.ClickException(f"'{node}' ({kind}) states no kernel in the loop language: {_reason(instr)}")
    parts = {**({f"statement of {kind}": statement} if statement else {}), **code}
    return "\n".join(f"# {title}\n{text}" for title, text in parts.items())


def _instructions(plan: Plan) -> Iterator[tuple[str, Instr]]:
    """Every instruction that a launch computes, alone or in a region, by the names of its nodes.

    The launches of a run come last: the packing of a constant filter has the name of the convolution, too.
    """
    plans = [plan] if plan.fixed is None else [plan.fixed, plan]
    for step in (s for p in plans for s in p.steps):
        members = step.instr.op.members if isinstance(step.instr.op, Region) else ()
        for instr in (*members, step.instr):
            yield from ((name, instr) for name in {instr.name, *instr.names})


def _statement(instr: Instr) -> str | None:
    kernel = instr.op.loops([v.type for v in instr.inputs], instr.types)
    return None if kernel is None else print_kernel(kernel)


def _reason(instr: Instr) -> str:
    types = [v.type for v in instr.inputs]
    if isinstance(instr.op, Region):
        return "it is a region of several ops"
    if instr.op.is_pointwise(types):
        return "it is pointwise, and its kernel comes from its expression"
    if instr.op.moves(types, instr.types) is not None:
        return "it only moves data"
    return "its kernel is scheduled by hand" if instr.op.contracts else "its backends have kernels of their own for it"
