"""Index expressions: sums of integer variables times constants, with floor divisions and remainders by constants.

Division and remainder simplify themselves as far as that needs no bounds: (4i + j + 5) // 4 = i + (j + 1) // 4 + 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Bounds: TypeAlias = "tuple[int, int]"  # the least and the greatest value
BoundsOf: TypeAlias = "Callable[[Var], Bounds]"


class Var:
    """An integer variable: of a loop, or a number that was read from memory. Two variables differ even if their names
    are equal."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Div:
    """⌊index / by⌋."""

    index: Index
    by: int

    def bounds(self, of: BoundsOf) -> Bounds:
        low, high = self.index.bounds(of)
        return low // self.by, high // self.by

    def __repr__(self) -> str:
        return f"({self.index}) // {self.by}"


@dataclass(frozen=True, slots=True)
class Mod:
    """The remainder index − by·⌊index / by⌋, which is never negative."""

    index: Index
    by: int

    def bounds(self, of: BoundsOf) -> Bounds:
        low, high = self.index.bounds(of)
        return (low % self.by, high % self.by) if low // self.by == high // self.by else (0, self.by - 1)

    def __repr__(self) -> str:
        return f"({self.index}) % {self.by}"


Atom: TypeAlias = Var | Div | Mod


class Index:
    """Σ coefficient·atom + const. Immutable."""

    __slots__ = ("_hash", "const", "terms")

    def __init__(self, terms: Mapping[Atom, int], const: int = 0) -> None:
        self.terms = {atom: c for atom, c in terms.items() if c}
        self.const = const
        self._hash = hash((frozenset(self.terms.items()), const))

    @staticmethod
    def of(value: Index | Atom | int) -> Index:
        """The value as an index."""
        if isinstance(value, Index):
            return value
        return Index({}, int(value)) if isinstance(value, int) else Index({value: 1})

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Index) and self.const == other.const and self.terms == other.terms)

    def __add__(self, other: Index | Var | int) -> Index:
        added = Index.of(other)
        terms = dict(self.terms)
        for atom, c in added.terms.items():
            terms[atom] = terms.get(atom, 0) + c
        return Index(terms, self.const + added.const)

    __radd__ = __add__

    def __neg__(self) -> Index:
        return self * -1

    def __sub__(self, other: Index | Var | int) -> Index:
        return self + -Index.of(other)

    def __rsub__(self, other: int) -> Index:
        return -self + other

    def __mul__(self, factor: int) -> Index:
        return Index({atom: c * factor for atom, c in self.terms.items()}, self.const * factor)

    __rmul__ = __mul__

    def _divided(self, by: int) -> tuple[Index, Index]:
        """The part that `by` divides, divided, and the rest, whose constant lies in [0, by)."""
        whole = Index({a: c // by for a, c in self.terms.items() if c % by == 0}, self.const // by)
        return whole, Index({a: c for a, c in self.terms.items() if c % by}, self.const % by)

    def __floordiv__(self, by: int) -> Index:
        if by == 1:
            return self
        whole, rest = self._divided(by)
        return whole + Index.of(Div(rest, by)) if rest.terms else whole

    def __mod__(self, by: int) -> Index:
        if by == 1:
            return Index({})
        _, rest = self._divided(by)
        return Index.of(Mod(rest, by)) if rest.terms else rest

    def __repr__(self) -> str:
        text = ""
        for atom, c in self.terms.items():
            sign = "-" if c < 0 else "+"
            factor = f"{abs(c)}*" if abs(c) != 1 else ""
            inner = repr(atom) if isinstance(atom, Var) else f"({atom!r})"
            text += f" {sign} {factor}{inner}" if text else f"{'-' * (c < 0)}{factor}{inner}"
        if not text:
            return str(self.const)
        return f"{text} {'-' if self.const < 0 else '+'} {abs(self.const)}" if self.const else text

    @property
    def number(self) -> int | None:
        """The value, where it depends on no variable."""
        return None if self.terms else self.const

    def replaced(self, values: Mapping[Var, Index | int]) -> Index:
        """The index with other indices in the place of variables."""
        if not values or not self.terms:
            return self
        terms: dict[Atom, int] = {}
        const = self.const
        for atom, c in self.terms.items():
            if isinstance(atom, Var):
                found = values.get(atom, atom)
            elif isinstance(atom, Div):
                found = atom.index.replaced(values) // atom.by
            else:
                found = atom.index.replaced(values) % atom.by
            if isinstance(found, int):
                const += c * found
            elif isinstance(found, Var):
                terms[found] = terms.get(found, 0) + c
            else:
                const += c * found.const
                for inner, factor in found.terms.items():
                    terms[inner] = terms.get(inner, 0) + c * factor
        return Index(terms, const)

    def bounds(self, of: BoundsOf) -> Bounds:
        """Bounds by interval arithmetic, from those of the variables."""
        low = high = self.const
        for atom, c in self.terms.items():
            least, most = of(atom) if isinstance(atom, Var) else atom.bounds(of)
            low, high = low + min(c * least, c * most), high + max(c * least, c * most)
        return low, high

    def variables(self) -> frozenset[Var]:
        """The variables it depends on."""
        return frozenset(_variables(self))

    def stride(self, var: Var) -> int | None:
        """The constant by which it grows with the variable; None if there is none."""
        if any(not isinstance(atom, Var) and var in atom.index.variables() for atom in self.terms):
            return None
        return self.terms.get(var, 0)

    def value(self, of: Callable[[Var], int]) -> int:
        """The number for given values of the variables."""
        total = self.const
        for atom, c in self.terms.items():
            if isinstance(atom, Var):
                total += c * of(atom)
            else:
                inner = atom.index.value(of)
                total += c * (inner // atom.by if isinstance(atom, Div) else inner % atom.by)
        return total


def _variables(index: Index) -> Iterator[Var]:
    for atom in index.terms:
        if isinstance(atom, Var):
            yield atom
        else:
            yield from _variables(atom.index)


@dataclass(frozen=True, slots=True)
class Inside:
    """The condition low ≤ index < high. A guard is several of them, all of which must hold."""

    index: Index
    low: int
    high: int

    def known(self, of: BoundsOf) -> bool | None:
        """Whether it always (True) or never (False) holds within the bounds; None if it depends."""
        least, most = self.index.bounds(of)
        if self.low <= least and most < self.high:
            return True
        step, const = math.gcd(*self.index.terms.values()) or 1, self.index.const
        reached = max(self.low, least) + (const - max(self.low, least)) % step  # the first number that it can take
        return None if reached <= min(self.high - 1, most) else False

    def replaced(self, values: Mapping[Var, Index | int]) -> Inside:
        return Inside(self.index.replaced(values), self.low, self.high)

    def __repr__(self) -> str:
        if self.high - self.low == 1:
            return f"{self.index} == {self.low}"
        return f"{self.low} <= {self.index} < {self.high}"


Guard: TypeAlias = tuple[Inside, ...]
