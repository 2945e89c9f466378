"""Kernels as text, for people, tests and keys: equal texts are equal kernels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from minigraph.core.scalar import Scalar, walk
from minigraph.loops.index import Guard
from minigraph.loops.kernel import Access, Body, Buffer, For, If, Kernel, Let, Local, Reduce, Store, TileCall, tables


def print_kernel(kernel: Kernel) -> str:
    """The kernel's text."""
    heads = [f"{b.role} {b.name}: {b.dtype.name}[{_extents(b)}]" for b in kernel.buffers]
    known = [f"    table {b}: {b.dtype.name}[{_extents(b)}] = {_digest(b)}" for b in tables(kernel.body)]
    return "\n".join([f"kernel {kernel.name}({', '.join(heads)})", *known, *_lines(kernel.body, "    ")]) + "\n"


def _extents(buffer: Buffer) -> str:
    return ", ".join(map(str, buffer.shape))


def _digest(table: Buffer) -> str:
    """The numbers of a small table, a digest of a large one."""
    if table.size <= 8:
        return str(table.content.ravel().tolist())
    return hashlib.sha256(table.content.tobytes()).hexdigest()[:16]


def print_value(value: Scalar) -> str:
    """An expression; parts that stand in it several times are named first."""
    nodes = walk(value)
    uses: dict[int, int] = {}
    for node in nodes:
        for a in node.args:
            uses[id(a)] = uses.get(id(a), 0) + 1
    known: dict[int, str] = {}
    shared: list[str] = []
    for node in nodes:
        text = _node(node, [known[id(a)] for a in node.args])
        if uses.get(id(node), 0) > 1 and node.args and node is not value:
            shared.append(f"%{len(shared)} = {text}")
            text = f"%{len(shared) - 1}"
        known[id(node)] = text
    return "; ".join([*shared, known[id(value)]])


def _node(node: Scalar, args: list[str]) -> str:
    if node.function == "load":
        text = print_access(node.value)
        return f"({text} if {_guard(node.value.guard)} else {args[0]})" if args else text
    if node.function == "name":
        return str(node.value.name)
    if node.function == "index":
        return f"{node.dtype.name}({node.value!r})"
    if node.function == "constant":
        return f"{node.value!r}:{node.dtype.name}"
    if node.function == "operand":
        return f"${node.value}"
    name = f"cast<{node.dtype.name}>" if node.function == "cast" else node.function
    return f"{name}({', '.join(args)})"


def print_access(access: Access) -> str:
    return f"{access.buffer}[{', '.join(map(repr, access.at))}]"


def _guard(guard: Guard) -> str:
    return " and ".join(map(repr, guard))


def _lines(body: Body, pad: str) -> Iterator[str]:
    deeper = pad + "    "
    for s in body:
        if isinstance(s, For):
            mapping = "" if s.mapping == "each" else f"  # {s.mapping}"
            yield f"{pad}for {s.var} in {s.start}:{s.stop}{mapping}"
            yield from _lines(s.body, deeper)
        elif isinstance(s, If):
            yield f"{pad}if {_guard(s.guard)}"
            yield from _lines(s.body, deeper)
            if s.otherwise:
                yield f"{pad}else"
                yield from _lines(s.otherwise, deeper)
        elif isinstance(s, Let):
            index = f" as {s.var} < {s.below}" if s.var is not None else ""
            yield f"{pad}{s.name.name} = {print_value(s.value)}{index}"
        elif isinstance(s, Store):
            yield f"{pad}{print_access(s.access)} = {print_value(s.value)}"
        elif isinstance(s, Local):
            yield f"{pad}local {s.buffer}: {s.buffer.dtype.name}[{', '.join(map(str, s.buffer.shape))}]"
        elif isinstance(s, TileCall):
            yield f"{pad}{s.tile!r}({', '.join(map(print_access, s.accesses))})"
        elif isinstance(s, Reduce):
            yield from _reduce(s, pad)


def _reduce(s: Reduce, pad: str) -> Iterator[str]:
    names = ", ".join(n.name for n in s.names)
    over = ", ".join(f"{var} < {extent}" for var, extent in s.loops)
    guard = f" where {_guard(s.guard)}" if s.guard else ""
    mapping = "" if s.mapping == "serial" else f"  # {s.mapping}"
    yield f"{pad}{names} = {s.monoid.name} from {', '.join(map(print_value, s.init))} over {over}{guard}{mapping}"
    yield from _lines(s.before, pad + "    ")
    yield f"{pad}    <- {', '.join(map(print_value, s.terms))}"
    yield from _lines(s.after, pad + "    ")
