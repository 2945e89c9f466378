"""What `minigraph explain` and `minigraph bisect` show: what the passes and the planner did to a graph, and why not."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

import minigraph as tf
from minigraph.compile.bisect import Guilty, find_guilty
from minigraph.compile.plan import Plan
from minigraph.compile.profile import op_kind, short_source
from minigraph.core.errors import MinigraphError
from minigraph.core.files import atomic_write
from minigraph.core.ir import Cell
from minigraph.passes import choose
from minigraph.rewrite.pipeline import Pass, Stage

SEED = 0
STDDEV = 0.05  # of initial values: with large ones training is chaotic, and rounding shows in the results
SHOWN = 3  # nodes named in a row of a table

Row = dict[str, Any]


class TargetError(MinigraphError, ValueError):
    """A Python file that does not say what to run."""


class Target(NamedTuple):
    """A graph, what to fetch of it and to feed, an operation that initialises it, and passes of its own if any."""

    name: str
    graph: tf.Graph
    fetches: list[Any]
    feeds: dict[Any, Any]
    initialise: Any
    passes: Sequence[str | Pass] | None = None

    def session(self, **options: Any) -> tf.Session:
        """A session in which the variables have their initial values."""
        session = tf.Session(graph=self.graph, **options)
        session.run(self.initialise)
        return session


def load_target(name: str, batch_size: int, inference: bool = False) -> Target:
    """A model's training step or its inference, or the graph that a Python file makes.

    The file runs with an empty default graph, and with a `__name__` that is not `__main__`. If it defines `fetches`,
    `feeds` (a dict) or `passes`, these are used; else all that nothing else reads is fetched, and placeholders get
    random numbers, with `batch_size` for dimensions that are unknown.
    """
    if name.endswith(".py"):
        return _load_file(Path(name), batch_size)
    from minigraph.models.registry import get_model
    from minigraph.tools.train import build_network

    model = get_model(name)
    network = build_network(model, stddev=STDDEV, learning_rate=model.learning_rate, seed=SEED)
    random = np.random.RandomState(SEED)
    images = random.uniform(size=(batch_size, *model.image_shape)).astype(np.float32)
    feeds: dict[Any, Any] = {network.images: images}
    if inference:
        fetches = [network.predicted]
        feeds[network.keep_prob] = np.float32(1)
    else:
        fetches = [network.train_step, network.loss, network.accuracy]
        feeds[network.labels] = np.eye(model.classes, dtype=np.float32)[random.randint(model.classes, size=batch_size)]
        feeds[network.keep_prob] = np.float32(model.keep_prob)
    return Target(model.name, network.graph, fetches, feeds, network.initialise)


def _load_file(path: Path, batch_size: int) -> Target:
    if not path.is_file():
        raise TargetError(f"{path}: no such file")
    graph = tf.Graph()
    sys.path.insert(0, str(path.parent))
    try:
        with graph.as_default():
            names = runpy.run_path(str(path), run_name="__minigraph__")
    finally:
        sys.path.remove(str(path.parent))
    graph = next((v for v in names.values() if isinstance(v, tf.Graph) and v.get_operations()), graph)
    with graph.as_default():
        made = graph.get_operations()
        if not made:
            raise TargetError(f"{path}: makes no graph; it should build one when it is imported")
        fetches = names.get("fetches")
        if fetches is None:
            used = {t.node for node in made for t in node.inputs} | {c for node in made for c in node.control_inputs}
            fetches = [n.outputs[0] if n.outputs else n for n in made if n not in used and n.type != "VariableV2"]
            starts: set[Any] = {v.initializer for v in tf.global_variables()}
            starts |= {t for node in list(starts) for t in node.outputs}
            fetches = [f for f in fetches if f not in starts]
        feeds = names.get("feeds")
        if feeds is None:
            feeds = {n.outputs[0]: _random(n.outputs[0], batch_size) for n in made if n.type == "Placeholder"}
        listed = fetches if isinstance(fetches, list | tuple) else [fetches]
        initialise = tf.global_variables_initializer()
    return Target(path.name, graph, list(listed), feeds, initialise, names.get("passes"))


def _random(tensor: tf.Tensor, batch_size: int) -> Any:
    shape = [batch_size if d is None else d for d in tensor.get_shape().as_list()]
    random = np.random.RandomState(SEED)
    dtype = tensor.dtype.np_dtype
    return (random.uniform(size=shape) if dtype.kind == "f" else random.randint(2, size=shape)).astype(dtype)


def explain(target: Target, optimize: str, backend: str | None) -> tuple[Plan, dict[str, Any]]:
    """The plan for a target, and what was done to make it as plain data."""
    options: dict[str, Any] = {"backend": backend, "optimize": optimize, "passes": target.passes}
    with tf.Session(graph=target.graph, **options) as session:
        plan, _ = session.plan_for(target.fetches, target.feeds)
    found = {
        "target": target.name,
        "backend": plan.backend.name,
        "passes": [stage.to_json() for stage in plan.stages],
        "launches": len(plan.steps),
        "fallbacks": [_step_row(s.instr) for s in plan.steps if s.lowered.fallback],
        "copies": _copies(plan),
        "in_place": _takeovers(plan),
    }
    return plan, found


def _step_row(instr: Any) -> Row:
    return {"op": op_kind(instr.op), "node": instr.name, "source": str(instr.source or "")}


def _copies(plan: Plan) -> list[Row]:
    rows = []
    for instr in sorted(plan.copies, key=lambda i: i.serial):
        variables = [v.instr.op.name for v in instr.inputs if isinstance(v.instr.op, Cell)]
        rows.append({**_step_row(instr), "variable": ", ".join(variables)})
    return rows


def _takeovers(plan: Plan) -> list[Row]:
    """Launches whose output lies in the buffer of an input that ends there; updates of variables are not meant."""
    rows = []
    for step in plan.steps:
        kept = [p for p in plan.overwritten(step) if p not in step.instr.op.writes]
        rows += [{**_step_row(step.instr), "input": step.inputs[p].instr.name} for p in kept]
    return rows


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """The content, whole or not at all."""
    with atomic_write(path, "w") as file:
        json.dump(content, file, indent=1)
        file.write("\n")


def console() -> Console:
    """For standard output; wide enough for tables where that is no terminal."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 140)


def print_explanation(plan: Plan, found: Mapping[str, Any], declined: str | None) -> None:
    """Tables of what was done. declined: None for none, `fusion` for the fusion passes, `passes` for all."""
    out = console()
    lines = _lines(plan)
    for stage in plan.stages:
        done = f"{len(stage.applied)} applied, {len(stage.declined)} declined"
        out.print(
            f"[bold]{stage.name}[/bold]  {done}, {len(stage.program.instrs)} instructions after it, "
            f"{stage.seconds * 1e3:.1f} ms",
            highlight=False,
        )
        _print_applied(out, stage)
        if declined == "passes" or (declined == "fusion" and is_fusion(stage.name)):
            _print_declined(out, stage, lines)
    if declined == "fusion" and not any(is_fusion(s.name) for s in plan.stages):
        out.print("No fusion pass ran at this level.")
    out.print(f"{found['launches']} launches on {found['backend']}, arena {plan.peak / 1e6:.2f} MB", highlight=False)
    _print_rows(out, "run by the op's reference, for want of a kernel", found["fallbacks"])
    _print_rows(out, "variable values that had to be copied", found["copies"])
    _print_rows(out, "written over an input that ends there", found["in_place"])


def is_fusion(name: str) -> bool:
    """Whether a pass of that name fuses."""
    return "fus" in name or "fold_batch" in name


def _lines(plan: Plan) -> dict[str, str]:
    """The user's line of each node by name, for all nodes that any pass left."""
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
    for each in stage.declined:
        groups.setdefault((each.rule, each.reason), []).append((each.node, each.at))
    rows = []
    for (rule, reason), where in groups.items():
        nodes = [node if node == at else f"{node} (at {at})" for node, at in where]
        places = [lines[node] for node, _ in where if node in lines]
        rows.append((rule, f"{len(where)}", _some(nodes), _some(places), reason))
    _print_table(out, ("declined", "count", "candidate", "line", "why"), rows)


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
    """The pass that makes the target compute something else; `compiled`: on the backend, else by the references."""
    passes = choose(optimize, target.passes, ())
    with target.session(backend=backend, optimize="O0") as session:
        plan, arrays = session.plan_for(target.fetches, target.feeds)
        where = session.backend.name if compiled else None
        return find_guilty(plan.program, passes, arrays, session.read_state(), where)
