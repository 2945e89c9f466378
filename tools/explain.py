"""The output of `minigraph explain` and `minigraph bisect`: applied and missed rewrites, copies and choices."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

import minigraph as tf
from minigraph.compile.collectives import exchanges_begun
from minigraph.compile.plan import Plan
from minigraph.inspect.bisect import Guilty, find_guilty
from minigraph.inspect.profile import op_kind, short_source
from minigraph.ir.buckets import AllReduceStart, AllReduceWait
from minigraph.ir.program import Cell
from minigraph.passes import choose
from minigraph.rewrite.pipeline import Stage
from minigraph.tools.shared.target import Target
from minigraph.util.files import atomic_write
from minigraph.util.terminal import console

SHOWN = 3  # nodes named in a row of a table

Row = dict[str, Any]


def explain(
    target: Target, optimize: str, backend: str | None, memory_limit: int | None = None
) -> tuple[Plan, dict[str, Any]]:
    """The plan for a target, and a record of its compilation as plain data."""
    with tf.Session(graph=target.graph, **target.options(optimize, backend, memory_limit)) as session:
        plan, _ = session.plan_for(target.fetches, target.feeds)
    found = {
        "target": target.name,
        "backend": plan.backend.label,
        "passes": [stage.to_json() for stage in plan.stages],
        "launches": len(plan.steps),
        "kept": 0 if plan.fixed is None else len(plan.fixed.steps),
        "fallbacks": [_step_row(s.instr) for s in plan.steps if s.lowered.fallback],
        "not_native": _not_native(plan),
        "copies": _copies(plan),
        "in_place": _takeovers(plan),
        "ways": _ways(plan),
        "exchanges": _exchanges(plan),
    }
    return plan, found


def _step_row(instr: Any) -> Row:
    return {"op": op_kind(instr.op), "node": instr.name, "source": str(instr.source or "")}


def _not_native(plan: Plan) -> list[Row]:
    """Launches that a code-generating backend leaves to another backend."""
    plans = [plan] if plan.fixed is None else [plan, plan.fixed]
    left = (s for p in plans for s in p.steps if s.lowered.not_native)
    return [{**_step_row(s.instr), "why": s.lowered.not_native} for s in left]


def _copies(plan: Plan) -> list[Row]:
    rows = []
    for instr in sorted(plan.copies, key=lambda i: i.serial):
        variables = [v.instr.op.name for v in instr.inputs if isinstance(v.instr.op, Cell)]
        rows.append({**_step_row(instr), "variable": ", ".join(variables)})
    return rows


def _takeovers(plan: Plan) -> list[Row]:
    """Launches whose output reuses the buffer of an input, without updates of variables."""
    rows = []
    for step in plan.steps:
        kept = [p for p in plan.overwritten(step) if p not in step.instr.op.writes]
        rows += [{**_step_row(step.instr), "input": step.inputs[p].instr.name} for p in kept]
    return rows


def _ways(plan: Plan) -> list[Row]:
    """The implementations chosen for convolutions and regions of the batch, with the reasons."""
    stages = [s for s in plan.stages if s.name == "winograd"]
    rows = [{"node": a.node, "way": a.result} for s in stages for a in s.applied]
    rows += [{"node": d.node, "way": f"direct: {d.reason}"} for s in stages for d in s.missed]
    for step in plan.steps:
        way, instr = step.lowered.choice, step.instr
        if not way:
            usual = next(iter(plan.backend.alternatives(instr.op, [v.type for v in instr.inputs], instr.types)), None)
            way = f"{usual}, estimated" if usual else ""
        if way:
            rows.append({"node": f"{instr.op!r} {instr.name}", "way": way})
    return rows


def _exchanges(plan: Plan) -> list[Row]:
    """The exchanges with other ranks, and the launches that hide each."""
    rows = []
    for end, begin in enumerate(exchanges_begun(plan.steps)):
        if begin is None:
            continue
        instr = plan.steps[begin].instr
        ops = [step.instr.op for step in plan.steps[begin + 1 : end]]
        beside = [op_kind(op) for op in ops if not isinstance(op, AllReduceStart | AllReduceWait)]
        hidden = f"{len(beside)} launch{'es' * (len(beside) > 1)}: {_some(beside)}" if beside else "nothing"
        rows.append({"bucket": _some(instr.names), "MB": f"{instr.types[0].nbytes / 1e6:.2f}", "hidden by": hidden})
    return rows


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write the record as JSON, atomically."""
    with atomic_write(path, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


def print_explanation(plan: Plan, found: Mapping[str, Any], missed: str | None) -> None:
    """Print the record as tables. missed: candidates to list: None, those of `fusion` passes, or of all `passes`."""
    out = console()
    lines = _lines(plan)
    for stage in plan.stages:
        done = f"{len(stage.applied)} applied, {len(stage.missed)} missed"
        out.print(
            f"[bold]{stage.name}[/bold]  {done}, {len(stage.program.instrs)} instructions after it, "
            f"{stage.seconds * 1e3:.1f} ms",
            highlight=False,
        )
        _print_applied(out, stage)
        if missed == "passes" or (missed == "fusion" and is_fusion(stage.name)):
            _print_declined(out, stage, lines)
    if missed == "fusion" and not any(is_fusion(s.name) for s in plan.stages):
        out.print("No fusion pass ran at this level.")
    if found["kept"]:
        out.print(f"{found['kept']} launches that run only when a variable has changed", highlight=False)
    out.print(f"{found['launches']} launches on {found['backend']}, arena {plan.peak / 1e6:.2f} MB", highlight=False)
    _print_rows(out, "run by the op's reference, for want of a kernel", found["fallbacks"])
    if found["not_native"]:
        _print_rows(out, "run as NumPy calls, not as native code", found["not_native"])
    _print_rows(out, "variable values that had to be copied", found["copies"])
    _print_rows(out, "written over an input that ends there", found["in_place"])
    _print_rows(out, "choices between ways to compute something", found["ways"])
    if found["exchanges"]:
        title = f"exchange{'s' * (len(found['exchanges']) > 1)} with other ranks"
        _print_rows(out, title, found["exchanges"])


def is_fusion(name: str) -> bool:
    """Whether the pass of this name fuses operations."""
    return "fus" in name or "fold_batch" in name


def _lines(plan: Plan) -> dict[str, str]:
    """The user's source line of each node that exists after any pass, by name."""
    programs = [stage.program for stage in plan.stages] + [plan.program]
    return {n: short_source(str(i.source)) for p in programs for i in p.instrs if i.source for n in (*i.names, i.name)}


def _print_applied(out: Console, stage: Stage) -> None:
    groups: dict[tuple[str, str, str], list[str]] = {}
    for each in stage.applied:
        groups.setdefault((each.rule, short_source(each.source), each.result), []).append(each.node)
    rows = [(rule, f"{len(n)}", _some(n), line, result) for (rule, line, result), n in groups.items()]
    _print_table(out, ("rule", "count", "node", "line", "result"), rows)


def _print_declined(out: Console, stage: Stage, lines: Mapping[str, str]) -> None:
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for each in stage.missed:
        groups.setdefault((each.rule, each.reason), []).append((each.node, each.at))
    rows = []
    for (rule, reason), where in groups.items():
        nodes = [node if node == at else f"{node} (at {at})" for node, at in where]
        places = [lines[node] for node, _ in where if node in lines]
        rows.append((rule, f"{len(where)}", _some(nodes), _some(places), reason))
    _print_table(out, ("missed", "count", "candidate", "line", "why"), rows)


def _print_rows(out: Console, title: str, rows: Sequence[Row]) -> None:
    out.print(f"{len(rows)} {title}" + (":" if rows else ""), highlight=False)
    if rows:
        shown = [[short_source(v) if k == "source" else v for k, v in row.items()] for row in rows]
        _print_table(out, ["line" if k == "source" else k for k in rows[0]], shown)


def _print_table(out: Console, headings: Iterable[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    table = Table()
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="right" if heading == "count" else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    out.print(table)


def _some(names: Iterable[str]) -> str:
    different = list(dict.fromkeys(names))
    rest = len(different) - SHOWN
    return ", ".join(different[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def bisect(target: Target, optimize: str, backend: str | None, compiled: bool) -> Guilty | None:
    """The pass that changes the target's results. compiled: run on the backend instead of the references."""
    passes = choose(optimize, target.passes, ())
    with target.session(backend=backend, optimize="O0") as session:
        plan, arrays = session.plan_for(target.fetches, target.feeds)
        where = session.backend.label if compiled else None
        return find_guilty(plan.program, passes, arrays, session.read_state(), where)
