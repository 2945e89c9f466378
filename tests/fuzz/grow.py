"""Random programs, grown one step at a time. Each step is tried on graphs of two batch sizes, which give its shapes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import minigraph as tf
from fuzz.program import BATCH, Built, Leaf, Program, Step
from minigraph.core.errors import MinigraphError

SIZES = (1, 2, 3, 5, 7, 13, 17, 31, 33)
ELEMENTS = 20_000
INTEGERS = ("int32", "int32", "int64", "uint8", "int8", "int16")
NAMES = {"float32": "F", "float16": "H", "bool": "B"}
KINDS = ("normal", "normal", "normal", "small", "positive", "zeros", "ones", "wide", "special")


@dataclass(frozen=True)
class Value:
    """shape, other: the shapes at the two batch sizes, which differ in the dimensions that depend on the batch."""

    name: str
    tag: str
    shape: tuple[int, ...]
    other: tuple[int, ...]

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.other, dtype=int))

    @property
    def floats(self) -> bool:
        return self.tag in "FH"

    def fixed(self, axis: int) -> bool:
        return self.shape[axis] == self.other[axis]

    def full(self, axis: int) -> bool:
        """Whether the axis has elements at both sizes."""
        return min(self.shape[axis], self.other[axis]) > 0


class Grower:
    """The program so far, its values, and what random choices are made from."""

    def __init__(self, seed: int, refused: Counter[str]) -> None:
        self.random = random.Random(seed)
        self.refused = refused
        first = self.random.choice((1, 2, 2, 3, 4, 5, 8, 0))
        second = self.random.choice([n for n in (1, 2, 3, 5, 7, 0) if n != first])
        unknown = self.random.random() < 0.7
        again = self.random.random() < 0.6
        self.program = Program(
            seed, sizes=(first, second, first) if unknown and again else (first, first), unknown=unknown,
            exact=self.random.random() < 0.35,
        )  # fmt: skip
        self.half = self.random.random() < 0.2
        self.special = self.random.random() < 0.3
        self.tries = [Built(self.program, batch=n) for n in (first, second)]
        self.values: list[Value] = []
        self.effects: list[str] = []

    # choices

    def choose(self, options: Sequence[Any]) -> Any:
        return self.random.choice(list(options))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def size(self, most: int = 33) -> int:
        return int(self.choose([s for s in SIZES if s <= most]))

    def pick(self, good: Callable[[Value], bool] = lambda v: v.floats, late: bool = True) -> Value | None:
        """One of the values, more often a late one."""
        found = [v for v in self.values if good(v)]
        if not found:
            return None
        return found[max(self.random.randrange(len(found)) for _ in range(2 if late else 1))]

    def data_kind(self) -> str:
        if self.program.exact:
            return str(self.choose(("small", "small", "small", "zeros", "ones")))
        return str(self.choose(KINDS if self.special else KINDS[:5]))

    # growing

    def leaf(self, shape: Sequence[int], tag: str = "F", role: str | None = None, kind: str | None = None) -> Value:
        """A new placeholder, variable or constant."""
        role = role or self.choose(("feed", "variable", "variable", "constant"))
        if BATCH in shape:
            role = "feed"
        name = f"{role[0]}{len(self.program.leaves)}"
        leaf = Leaf(name, role, tag, tuple(shape), kind or self.data_kind(), self.random.randrange(1000))
        self.program = replace(self.program, leaves=(*self.program.leaves, leaf))
        for built in self.tries:
            built.add_leaf(leaf)
        return self._register(name, tag)

    def add(self, kind: str, text: str, rounds: str = "", count: int = 1, letter: str = "s") -> list[Value]:
        """A new step; nothing if minigraph refuses it."""
        start = sum(len(s.names) for s in self.program.steps)
        names = tuple(f"{letter}{start + i}" for i in range(count))
        step = Step(kind, names, ("?",) * count, text, rounds)
        try:
            for built in self.tries:
                built.add(step)
        except MinigraphError as error:
            self.refused[f"{kind}: {type(error).__name__}"] += 1
            return []
        except Exception as error:
            self.program = replace(self.program, steps=(*self.program.steps, step), fetches=names)
            raise BuildError(self.program, error) from error
        if letter == "u":
            self.effects += names
            tags: tuple[str, ...] = ("op",) * count
        else:
            tags = tuple(self._register(name).tag for name in names)
        self.program = replace(self.program, steps=(*self.program.steps, replace(step, tags=tags)))
        return self.values[-count:] if letter != "u" else []

    def _register(self, name: str, tag: str | None = None) -> Value:
        first, second = (tf.convert_to_tensor(built.env[name]) for built in self.tries)
        found = tag or NAMES.get(first.dtype.name, first.dtype.name)
        shapes = [tuple(t.get_shape().as_list()) for t in (first, second)]
        value = Value(name, found, *shapes)
        self.values.append(value)
        return value

    def partner(self, v: Value, kind: str | None = None) -> Value:
        """A value that broadcasts with v: one that is there, or a new leaf."""
        fits = [
            o for o in self.values if o.tag == v.tag and _broadcast(o.shape, v.shape) and _broadcast(o.other, v.other)
        ]
        if fits and self.chance(0.6):
            return Value(*vars(self.choose(fits)).values())
        shape = [d if v.fixed(i) and self.chance(0.7) else 1 for i, d in enumerate(v.shape)]
        return self.leaf(shape[self.random.randint(0, len(shape)) :] if self.chance(0.5) else shape, v.tag, kind=kind)


class BuildError(Exception):
    """minigraph failed, by another error than its own, while a program was built."""

    def __init__(self, program: Program, error: Exception) -> None:
        super().__init__(f"{type(error).__name__} while the graph is built: {error}")
        self.program = program


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        return int(np.prod(np.broadcast_shapes(a, b), dtype=int)) <= ELEMENTS
    except ValueError:
        return False


Kind = Callable[[Grower], Any]
