"""The statements of a kernel: the whole language on one page.

    kernel    = name, buffers, statement*
    buffer    = operand | variable | result | workspace | local array | table of constants
    statement = For(var, start, stop, body, mapping)             the body for each value of an integer
              | If(guard, body, otherwise)
              | Let(name, value, var)                            names a value; `var` makes it usable in indices
              | Store(access, value)
              | Reduce(names, init, loops, guard, before, terms, monoid, after, mapping)   carried values
              | Local(buffer)                                    a small array of this place only
              | TileCall(tile, accesses)                             a hand-written tile
    value     = a `core.scalar` expression with three more leaves: load(access)[other], name, index
    access    = buffer, one index for each of its axes, guard
    guard     = low <= index < high, all of several

A statement says nothing about the order in which independent work is done: the iterations of a For as an op states it
do not depend on each other, unless its mapping is "serial". The outermost statements are done one after the other, each
of them whole. `mapping` says how a schedule runs a loop; each target
knows its own mappings, and "each" and "serial" are known to all. A load whose guard does not hold reads nothing and
gives `other`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from minigraph.core.dtypes import DType
from minigraph.core.scalar import Scalar, call, walk, where
from minigraph.loops.index import Guard, Index, Inside, Var
from minigraph.util.nest import listed

LEAVES = frozenset({"load", "name", "index"})


class Buffer:
    """An array in C order. `role` is "in", "out", "var", "work", "local" or "table".

    A "var" is an operand that the kernel changes in place. `position` numbers the operands, which are "in" or "var",
    and the buffers of each other role. content: the numbers of a table, which is a constant of the kernel.
    """

    __slots__ = ("content", "dtype", "name", "position", "role", "shape")

    def __init__(
        self, name: str, dtype: DType, shape: Sequence[int], role: str, position: int = 0, content: Any = None
    ) -> None:
        self.name, self.dtype, self.shape, self.role, self.position = name, dtype, tuple(shape), role, position
        self.content = content

    def __repr__(self) -> str:
        return self.name

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def __getitem__(self, at: Any) -> Scalar:
        """The element at the indices, one for each axis."""
        return self.get(at, None)

    def get(self, at: Any, other: Scalar | None, guard: Guard = ()) -> Scalar:
        """The element at the indices where the guard holds, and `other` elsewhere."""
        indices = tuple(map(Index.of, listed(at)))
        return Scalar("load", () if other is None else (other,), self.dtype, Access(self, indices, guard))

    def inside(self, *at: Index | Var | int) -> Guard:
        """The guard that the indices lie in the array."""
        return tuple(Inside(Index.of(i), 0, n) for i, n in zip(at, self.shape, strict=True))

    def flat(self) -> Buffer:
        """The same memory with one axis."""
        return Buffer(self.name, self.dtype, (self.size,), self.role, self.position, self.content)


class Access(NamedTuple):
    """An element of a buffer."""

    buffer: Buffer
    at: tuple[Index, ...]
    guard: Guard = ()

    @property
    def offset(self) -> Index:
        """The element's number in the buffer."""
        total = Index({})
        for index, length in zip(self.at, self.buffer.shape, strict=True):
            total = total * length + index
        return total

    def replaced(self, values: Mapping[Var, Index | int]) -> Access:
        return Access(self.buffer, tuple(i.replaced(values) for i in self.at), replace_guard(self.guard, values))


class Name:
    """A value that a Let or a Reduce has made."""

    __slots__ = ("dtype", "name")

    def __init__(self, name: str, dtype: DType) -> None:
        self.name, self.dtype = name, dtype

    def __call__(self) -> Scalar:
        return Scalar("name", (), self.dtype, self)


class Monoid(NamedTuple):
    """How two tuples of values become one. The left one comes first in the order of the loops.

    commutes: the order of the operands does not matter, so that lanes and threads may share a reduction (a sum rounds
    differently then). apart: each component depends on the two of its own only.
    """

    name: str
    combine: Callable[[Sequence[Scalar], Sequence[Scalar]], Sequence[Scalar]]
    commutes: bool = True
    apart: bool = True


class For(NamedTuple):
    var: Var
    start: int
    stop: int
    body: Body
    mapping: str = "each"


class If(NamedTuple):
    guard: Guard
    body: Body
    otherwise: Body = ()


class Let(NamedTuple):
    """`var`: the value, which lies in [0, below), as a variable of indices."""

    name: Name
    value: Scalar
    var: Var | None = None
    below: int = 0


class Store(NamedTuple):
    access: Access
    value: Scalar


class Reduce(NamedTuple):
    """names = init, then combined with the terms for all values of the loops, in order, where the guard holds.

    before, after: statements at each step; they may read the names as they are before and after it.
    """

    names: tuple[Name, ...]
    init: tuple[Scalar, ...]
    loops: tuple[tuple[Var, int], ...]
    guard: Guard
    before: Body
    terms: tuple[Scalar, ...]
    monoid: Monoid
    after: Body = ()
    mapping: str = "serial"

    @property
    def size(self) -> int:
        """The number of steps."""
        return math.prod(extent for _, extent in self.loops)


class Local(NamedTuple):
    buffer: Buffer


class TileCall(NamedTuple):
    tile: Any
    accesses: tuple[Access, ...]


Statement: TypeAlias = For | If | Let | Store | Reduce | Local | TileCall
Body: TypeAlias = "tuple[Statement, ...]"


class Kernel(NamedTuple):
    """A statement with a name and its operands, results and workspaces in order."""

    name: str
    buffers: tuple[Buffer, ...]
    body: Body


# ---- monoids ----


def _first(worse: str) -> Callable[..., Sequence[Scalar]]:
    def combine(left: Sequence[Scalar], right: Sequence[Scalar]) -> Sequence[Scalar]:
        better = call("logical_not", call(worse, right[0], left[0]))
        wins = call("logical_and", better, call("equal", left[0], left[0]))
        return [where(wins, r, s) for s, r in zip(left, right, strict=True)]

    return combine


def _each(function: str) -> Callable[..., Sequence[Scalar]]:
    return lambda left, right: [call(function, a, b) for a, b in zip(left, right, strict=True)]


ADD = Monoid("add", _each("add"))
MULTIPLY = Monoid("multiply", _each("multiply"))
MAXIMUM = Monoid("maximum", _each("maximum"))  # NaN if any is NaN
MINIMUM = Monoid("minimum", _each("minimum"))
LARGER = Monoid("larger", lambda a, b: [where(call("greater", b[0], a[0]), b[0], a[0])])
AND = Monoid("logical_and", _each("logical_and"))
OR = Monoid("logical_or", _each("logical_or"))
# The first of the largest, with what is carried beside it; the first NaN is larger than all.
FIRST_MAXIMUM = Monoid("first_maximum", _first("less_equal"), False, False)


# ---- walks and rewrites ----


def children(statement: Statement) -> Body:
    """The statements right inside this one."""
    if isinstance(statement, For):
        return statement.body
    if isinstance(statement, If):
        return (*statement.body, *statement.otherwise)
    return (*statement.before, *statement.after) if isinstance(statement, Reduce) else ()


def statements(body: Iterable[Statement]) -> Iterator[Statement]:
    """All statements, from outside in."""
    for statement in body:
        yield statement
        yield from statements(children(statement))


def values(statement: Statement) -> tuple[Scalar, ...]:
    """The values a statement itself computes."""
    if isinstance(statement, Let | Store):
        return (statement.value,)
    return (*statement.init, *statement.terms) if isinstance(statement, Reduce) else ()


def loads(*found: Scalar) -> list[Scalar]:
    """The distinct loads in values."""
    return [node for node in walk(*found) if node.function == "load"]


def accesses(body: Iterable[Statement]) -> Iterator[Access]:
    """Every read and write."""
    for statement in statements(body):
        if isinstance(statement, Store):
            yield statement.access
        elif isinstance(statement, TileCall):
            yield from statement.accesses
        for load in loads(*values(statement)):
            yield load.value


def guards(body: Iterable[Statement]) -> Iterator[Guard]:
    """Every guard that is not empty."""
    for statement in statements(body):
        if isinstance(statement, If | Reduce) and statement.guard:
            yield statement.guard
        for load in loads(*values(statement)):
            if load.value.guard:
                yield load.value.guard


def tables(body: Iterable[Statement]) -> list[Buffer]:
    """The tables that statements read, in order."""
    return list(dict.fromkeys(a.buffer for a in accesses(body) if a.buffer.role == "table"))


def shown(body: Iterable[Statement]) -> frozenset[Var]:
    """The variables whose numbers are values of their own, not only parts of indices."""
    found = (node for s in statements(body) for v in values(s) for node in walk(v) if node.function == "index")
    return frozenset(var for node in found for var in node.value.variables())


def depends(value: Scalar, var: Var, names: Collection[Name] | None = None) -> bool:
    """Whether a value may depend on a variable. names: those that may depend on it; None if any may."""
    for node in walk(value):
        if node.function == "name":
            if names is None or node.value in names:
                return True
        elif node.function == "index":
            if var in node.value.variables():
                return True
        elif node.function == "load":
            access = node.value
            if any(var in i.variables() for i in (*access.at, *(g.index for g in access.guard))):
                return True
    return False


def replace_guard(guard: Guard, by: Mapping[Var, Index | int]) -> Guard:
    return tuple(inside.replaced(by) for inside in guard) if guard else guard


def map_value(value: Scalar, leaf: Callable[[Scalar, tuple[Scalar, ...]], Scalar | None]) -> Scalar:
    """The value with other leaves: `leaf(node, args)` gives what stands for a load, name or index, or None.

    Functions that generated code does not have are spelled out on the way.
    """
    made: dict[int, Scalar] = {}
    for node in walk(value, spelled=True):
        if node.spelled is not None:
            made[id(node)] = made[id(node.spelled)]
            continue
        args = tuple(made[id(a)] for a in node.args)
        found = leaf(node, args) if node.function in LEAVES or node.function == "operand" else None
        if found is None:
            same = all(a is b for a, b in zip(args, node.args, strict=True))
            found = node if same else Scalar(node.function, args, node.dtype, node.value)
        made[id(node)] = found
    return made[id(value)]


def map_values(statement: Statement, change: Callable[[Scalar], Scalar]) -> Statement:
    """The statement with other values."""
    if isinstance(statement, Let | Store):
        return statement._replace(value=change(statement.value))
    if isinstance(statement, Reduce):
        return statement._replace(init=tuple(map(change, statement.init)), terms=tuple(map(change, statement.terms)))
    return statement


def rewrite(body: Iterable[Statement], change: Callable[[Statement], Iterable[Statement] | None]) -> Body:
    """Bottom up: `change` gives the statements that stand for one, or None to keep it."""
    made: list[Statement] = []
    for statement in body:
        if isinstance(statement, For):
            statement = statement._replace(body=rewrite(statement.body, change))
        elif isinstance(statement, If):
            inner = rewrite(statement.body, change)
            statement = statement._replace(body=inner, otherwise=rewrite(statement.otherwise, change))
        elif isinstance(statement, Reduce):
            before = rewrite(statement.before, change)
            statement = statement._replace(before=before, after=rewrite(statement.after, change))
        found = change(statement)
        made.extend([statement] if found is None else found)
    return tuple(made)


def replaced(body: Iterable[Statement], by: Mapping[Var, Index | int]) -> Body:
    """The statements with indices in the place of variables."""

    def leaf(node: Scalar, args: tuple[Scalar, ...]) -> Scalar | None:
        if node.function == "load":
            return Scalar("load", args, node.dtype, node.value.replaced(by))
        if node.function == "index":
            return Scalar("index", (), node.dtype, node.value.replaced(by))
        return None

    def change(statement: Statement) -> list[Statement]:
        made = map_values(statement, lambda v: map_value(v, leaf))
        if isinstance(made, If | Reduce):
            made = made._replace(guard=replace_guard(made.guard, by))
        elif isinstance(made, Store):
            made = made._replace(access=made.access.replaced(by))
        elif isinstance(made, TileCall):
            made = made._replace(accesses=tuple(a.replaced(by) for a in made.accesses))
        return [made]

    return rewrite(body, change) if by else tuple(body)
