"""A random program: its leaves, its steps, what it fetches. It can be built in several precisions, and printed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

import minigraph as tf
from fuzz import prelude

BATCH = -1  # a dimension of a leaf that has the size of the batch
NAME = re.compile(r"\b[a-z]\d+\b")
DTYPES = {"F": "F", "H": "H", "B": "tf.bool"}  # and the integers by their own names
UNIT = {"F": 2.0**-24, "H": 2.0**-11}  # the largest relative error of one rounding


def dtype_text(tag: str) -> str:
    return DTYPES.get(tag, f"tf.{tag}")


@dataclass(frozen=True)
class Leaf:
    """A placeholder, variable or constant. tag: F (the program's float), H (float16), B or the name of an integer."""

    name: str
    role: str
    tag: str
    shape: tuple[int, ...]
    kind: str
    seed: int

    def array(self, batch: int, F: Any, H: Any) -> np.ndarray:
        dtype = {"F": F, "H": H, "B": tf.bool}.get(self.tag) or getattr(tf, self.tag)
        narrow = prelude.data(self.kind, self.seed, self.dims(batch), np.float16 if self.tag == "H" else dtype.np_dtype)
        return narrow.astype(dtype.np_dtype)

    def dims(self, batch: int) -> list[int]:
        return [batch if d == BATCH else d for d in self.shape]

    def text(self) -> str:
        dims = "[" + ", ".join("N" if d == BATCH else str(d) for d in self.shape) + "]"
        if self.role == "feed":
            return f"tf.placeholder({dtype_text(self.tag)}, {dims})"
        maker = "Variable" if self.role == "variable" else "constant"
        return f"tf.{maker}({self.data_text()}, dtype={dtype_text(self.tag)})"

    def data_text(self) -> str:
        dims = ["n" if d == BATCH else str(d) for d in self.shape]
        kind = {"F": "np.float32", "H": "np.float16", "B": "bool"}.get(self.tag, f"np.{self.tag}")
        return f"data({self.kind!r}, {self.seed}, [{', '.join(dims)}], {kind})"


@dataclass(frozen=True)
class Step:
    """`names = text`. rounds: "" if the results are exact, "each" if each is rounded, "sum" if they are sums of rounded
    numbers, whose errors are those of the largest."""

    kind: str
    names: tuple[str, ...]
    tags: tuple[str, ...]
    text: str
    rounds: str = ""

    @property
    def uses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(NAME.findall(self.text)))


@dataclass(frozen=True)
class Program:
    """sizes: the batch of each run. unknown: whether the placeholders leave the batch open."""

    seed: int
    leaves: tuple[Leaf, ...] = ()
    steps: tuple[Step, ...] = ()
    fetches: tuple[str, ...] = ()
    sizes: tuple[int, ...] = (1,)
    unknown: bool = False
    exact: bool = False

    def needed(self) -> Program:
        """The program without what no fetch needs."""
        wanted, steps = set(self.fetches), []
        for step in reversed(self.steps):
            if wanted & set(step.names):
                steps.append(step)
                wanted |= set(step.uses)
        leaves = tuple(leaf for leaf in self.leaves if leaf.name in wanted)
        return replace(self, leaves=leaves, steps=tuple(reversed(steps)))

    def source(self, options: Sequence[str] = ("",)) -> str:
        """A Python program that runs this one with the oracle and with each text of session options."""
        return PROGRAM.format(
            prelude=Path(prelude.__file__).read_text("utf-8"),
            seed=self.seed,
            leaves="\n".join(f"    {leaf.name} = {leaf.text()}" for leaf in self.leaves),
            steps="\n".join(f"    {', '.join(s.names)} = {s.text}" for s in self.steps),
            feeds=", ".join(f"{x.name}: {x.data_text()}" for x in self.leaves if x.role == "feed"),
            fetches=", ".join(self.fetches),
            unknown=self.unknown,
            sizes=list(self.sizes),
            options="\n".join(f"show(tf.float32, tf.float16, {o})" for o in options),
        )


PROGRAM = '''{prelude}

def show(F, H, **options):
    """seed {seed} of the fuzzer"""
    print(F.name, options)
    n = {sizes}[0]
    N = None if {unknown} else n
    tf.reset_default_graph()
    tf.set_random_seed(1)
{leaves}
{steps}
    with tf.Session(lint=False, **options) as session:
        session.run(tf.global_variables_initializer())
        for n in {sizes}:
            for value in session.run([{fetches}], {{{feeds}}}):
                print(value)


show(tf.float64, tf.float64, backend="numpy", optimize="O0")
{options}
'''


@dataclass
class Built:
    """A program as a graph. noise: the amplitude, in units of rounding, of errors that are put on rounded results."""

    program: Program
    F: Any = tf.float32
    H: Any = tf.float16
    noise: float = 0.0
    seed: int = 0
    batch: int | None = None
    graph: Any = field(default_factory=tf.Graph)
    env: dict[str, Any] = field(default_factory=dict)
    start: Any = None

    def __post_init__(self) -> None:
        first = self.program.sizes[0] if self.batch is None else self.batch
        known = None if self.program.unknown and self.batch is None else first
        helpers = {name: getattr(prelude, name) for name in ("data", "total", "grads", "after", "drop")}
        self.env.update(helpers, tf=tf, np=np, F=self.F, H=self.H, N=known)
        with self.graph.as_default():
            tf.set_random_seed(1)
            for leaf in self.program.leaves:
                self.add_leaf(leaf)
            for step in self.program.steps:
                self.add(step)
            self.start = tf.global_variables_initializer()

    def add_leaf(self, leaf: Leaf) -> None:
        with self.graph.as_default():
            if leaf.role == "feed":
                self.env[leaf.name] = eval(leaf.text(), self.env)
            else:
                array = leaf.array(self.program.sizes[0], self.F, self.H)
                maker = tf.Variable if leaf.role == "variable" else tf.constant
                self.env[leaf.name] = maker(array, dtype=array.dtype)

    def add(self, step: Step) -> None:
        with self.graph.as_default():
            made = eval(step.text, self.env)
            values = list(made) if len(step.names) > 1 else [made]
            for name, tag, value in zip(step.names, step.tags, values, strict=True):
                if self.noise and step.rounds and tag in UNIT:
                    value = self.rough(value, step.rounds, self.noise * UNIT[tag])
                self.env[name] = value

    def rough(self, value: Any, rounds: str, amplitude: float) -> Any:
        """`value` with relative errors, which its gradient gets, too; for sums, also errors relative to the largest."""
        self.seed += 2
        rough = value * (1.0 + amplitude * prelude.noise(value, self.seed))
        if rounds == "sum":
            size = tf.abs(value)
            largest = tf.reduce_max(tf.where(tf.is_finite(size), size, tf.zeros_like(size)))
            rough += tf.stop_gradient(amplitude * largest * prelude.noise(value, self.seed + 1))
        return rough

    def run(self, fetches: Sequence[str] | None = None, **options: Any) -> list[list[np.ndarray | None]]:
        """The fetches of each run, one after the other in one session."""
        names = self.program.fetches if fetches is None else fetches
        feeds = [leaf for leaf in self.program.leaves if leaf.role == "feed"]
        with tf.Session(graph=self.graph, lint=False, **options) as session:
            session.run(self.start)
            runs = []
            for size in self.program.sizes:
                fed: Mapping[Any, Any] = {self.env[x.name]: x.array(size, self.F, self.H) for x in feeds}
                got = session.run([self.env[name] for name in names], fed)
                runs.append([None if value is None else np.array(value) for value in got])
            return runs
