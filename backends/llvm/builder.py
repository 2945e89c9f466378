"""Building blocks for kernels in LLVM IR: types, loops, vectors, and a kernel's frame.

A kernel is `void kernel(ptr arguments, i64 first, i64 last, i64 slot)`. `arguments` points to an array of pointers. The
call runs the tasks `first` to `last` - 1; the work of a task depends on shapes only, never on the number of threads.
`slot` numbers the thread, for kernels that need memory for each thread.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from llvmlite import ir

from minigraph.backends.llvm.compiler import LazyModule, host
from minigraph.core.dtypes import DType

VOID = ir.VoidType()
POINTER = ir.PointerType()
I1, I8, I32, I64 = (ir.IntType(n) for n in (1, 8, 32, 64))
F32, F64 = ir.FloatType(), ir.DoubleType()
FIRST = ir.Constant(I32, 0)
KERNEL = ir.FunctionType(VOID, [POINTER, I64, I64, I64])
Builder = Any  # ir.IRBuilder; llvmlite is untyped
Value = Any


def element(dtype: DType) -> Any:
    """The type of an element in memory."""
    kind, size = dtype.np_dtype.kind, dtype.size
    if kind == "f":
        return {4: F32, 8: F64}[size]
    return ir.IntType(8 * size)


# A type or constant keeps its text, so making each one once saves most of the time of printing.


@cache
def index(value: int) -> Value:
    """An i64 constant."""
    return ir.Constant(I64, value)


@cache
def undefined(kind: Any) -> Value:
    """A value that is not set."""
    return ir.Constant(kind, ir.Undefined)


@cache
def order(lanes: tuple[int, ...]) -> Value:
    """The constant that chooses lanes in a shuffle."""
    return ir.Constant(ir.VectorType(I32, len(lanes)), list(lanes))


@cache
def vector(kind: Any, width: int) -> Any:
    """The type of `width` values; a scalar for 1."""
    return kind if width == 1 else ir.VectorType(kind, width)


def number(kind: Any, value: Any, width: int) -> Value:
    """A constant, the same in all lanes."""
    return ir.Constant(vector(kind, width), value if width == 1 else [value] * width)


def splat(b: Builder, value: Value, width: int) -> Value:
    """A scalar repeated in all lanes."""
    if width == 1:
        return value
    kind = vector(value.type, width)
    one = b.insert_element(undefined(kind), value, FIRST)
    return b.shuffle_vector(one, undefined(kind), order((0,) * width))


def at(b: Builder, base: Value, offset: Value, kind: Any) -> Value:
    """The address of element `offset`."""
    return b.gep(base, [offset], source_etype=kind)


def intrinsic(b: Builder, name: str, *args: Value) -> Value:
    """An LLVM intrinsic overloaded on the type of its arguments."""
    kind = args[0].type
    scalar = kind.element if isinstance(kind, ir.VectorType) else kind
    suffix = {F32: "f32", F64: "f64"}.get(scalar) or f"i{scalar.width}"
    if isinstance(kind, ir.VectorType):
        suffix = f"v{kind.count}{suffix}"
    return b.call(function(b, f"llvm.{name}.{suffix}", kind, [kind] * len(args)), args)


def function(b: Builder, name: str, result: Any, args: Sequence[Any]) -> Any:
    """A function declared in the module."""
    known = b.module.globals.get(name)
    return known or ir.Function(b.module, ir.FunctionType(result, args), name)


@contextmanager
def loop(b: Builder, start: Value, stop: Value, step: int = 1) -> Iterator[Value]:
    """`for i in range(start, stop, step)`. The `with` block writes the loop's body."""
    before = b.block
    body, after = b.append_basic_block("loop"), b.append_basic_block("after")
    b.cbranch(b.icmp_signed("<", start, stop), body, after)
    b.position_at_end(body)
    i = b.phi(I64)
    i.add_incoming(start, before)
    yield i
    following = b.add(i, index(step))
    i.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, stop), body, after)
    b.position_at_end(after)


def pieces(b: Builder, length: int, size: int) -> Iterator[tuple[Value, int]]:
    """Start and size of the pieces of range(length).

    The body of a `for` loop over them is written twice: for pieces of full size, and for the rest.
    """
    whole = length // size * size
    if whole:
        with loop(b, index(0), index(whole), size) as i:
            yield i, size
    if whole < length:
        yield index(whole), length - whole


def reduce_loop(
    b: Builder, start: Value, stop: Value, step: int, initial: Sequence[Value], body: Callable[..., Sequence[Value]]
) -> list[Value]:
    """A loop with carried values: `body(i, *values)` returns the next values. Returns the last ones."""
    before = b.block
    head, after = b.append_basic_block("loop"), b.append_basic_block("after")
    b.cbranch(b.icmp_signed("<", start, stop), head, after)
    b.position_at_end(head)
    i = b.phi(I64)
    values = [b.phi(v.type) for v in initial]
    made = list(body(i, *values))
    following = b.add(i, index(step))
    done = b.icmp_signed("<", following, stop)
    i.add_incoming(start, before)
    i.add_incoming(following, b.block)
    for phi, first, last in zip(values, initial, made, strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(last, b.block)
    end = b.block
    b.cbranch(done, head, after)
    b.position_at_end(after)
    results = []
    for first, last in zip(initial, made, strict=True):
        phi = b.phi(first.type)
        phi.add_incoming(first, before)
        phi.add_incoming(last, end)
        results.append(phi)
    return results


def prefetch(b: Builder, address: Value) -> None:
    """Prefetch a cache line; any address is allowed."""
    asked = function(b, "llvm.prefetch.p0", VOID, [POINTER, I32, I32, I32])
    b.call(asked, [address, I32(0), I32(3), I32(1)])  # for reading, into all cache levels, data


def zero(b: Builder, address: Value, nbytes: Value) -> None:
    """Fill memory with zeros."""
    b.call(function(b, "llvm.memset.p0.i64", VOID, [POINTER, I8, I64, I1]), [address, I8(0), nbytes, I1(0)])


def copy(b: Builder, target: Value, source: Value, nbytes: Value) -> None:
    """Copy memory. The two ranges must not overlap."""
    b.call(function(b, "llvm.memcpy.p0.p0.i64", VOID, [POINTER, POINTER, I64, I1]), [target, source, nbytes, I1(0)])


def offset(b: Builder, *terms: tuple[Value, int]) -> Value:
    """Σ value·stride."""
    total = index(0)
    for value, stride in terms:
        total = b.add(total, b.mul(value, index(stride)))
    return total


def smaller(b: Builder, x: Value, y: Value) -> Value:
    """The smaller of two signed integers."""
    return b.select(b.icmp_signed("<", x, y), x, y)


def larger(b: Builder, x: Value, y: Value) -> Value:
    """The larger of two signed integers."""
    return b.select(b.icmp_signed(">", x, y), x, y)


def stack(b: Builder, kind: Any, count: int) -> Value:
    """Memory on the stack, allocated once per call of the function."""
    with b.goto_entry_block():
        made = b.alloca(kind, count)
    made.align = 64
    made.type = POINTER  # LLVM has only opaque pointers, but llvmlite makes a typed one
    return made


class Frame:
    """The functions of a module under construction, all with a kernel's signature.

    b: the builder of the newest function. pointers: that function's pointers.
    """

    def __init__(self, count: int) -> None:
        """count: the number of pointers."""
        self.module = ir.Module()
        self.count = count

    @contextmanager
    def tasks(self, name: str) -> Iterator[Value]:
        """A function that loops over its tasks. The `with` block writes the body for task `i`."""
        made = ir.Function(self.module, KERNEL, name)
        b = self.b = ir.IRBuilder(made.append_basic_block())
        arguments, first, last, self.slot = made.args
        self.stack_arrays: dict[str, Value] = {}
        self.pointers = [b.load(at(b, arguments, index(i), POINTER), typ=POINTER) for i in range(self.count)]
        with loop(b, first, last) as task:
            yield task
        b.ret_void()

    def stack_array(self, name: str, elements: int, kind: Any = F32) -> Value:
        """A named array on the stack, allocated once per call. elements: the largest size requested."""
        if name not in self.stack_arrays:
            self.stack_arrays[name] = stack(self.b, kind, elements)
        return self.stack_arrays[name]

    @property
    def text(self) -> str:
        return str(self.module)


def printed(write: Callable[..., Frame], *what: Hashable) -> LazyModule:
    """The module that `write(*what)` makes, printed when it is needed.

    The name of the function and the `repr` of its arguments are the module's key, so they must determine it.
    """
    key = f"{write.__module__}.{write.__qualname__} {what!r} {host().lanes} lanes"
    return LazyModule(key, lambda: write(*what).text)
