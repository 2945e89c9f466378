"""Building blocks for kernels in LLVM IR: types, loops, vectors, and a kernel's frame.

A kernel is `void kernel(ptr arguments, i64 first, i64 last, i64 slot)`. `arguments` points to an array of pointers. The
call runs the tasks `first` to `last` - 1; the work of a task depends on shapes only, never on the number of threads.
`slot` numbers the thread, for kernels that need memory for each thread.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from minigraph.backends.llvm.compiler import LazyModule, host
from minigraph.backends.llvm.text import (
    F16,
    F32,
    F64,
    I1,
    I8,
    I32,
    I64,
    POINTER,
    VOID,
    IRBuilder,
    IRFunction,
    IRModule,
    IRType,
    IRValue,
    integer,
    undefined,
    vector,
)
from minigraph.core.dtypes import DType, float16, float32, float64
from minigraph.core.errors import InternalError

_FLOATS = {float16: F16, float32: F32, float64: F64}


def has_code(dtype: DType) -> bool:
    """Whether there are instructions for numbers of a dtype; there are none for floats of 8 bits, nor complex ones."""
    return dtype in _FLOATS or dtype.np_dtype.kind in "iub"


def element(dtype: DType) -> IRType:
    """The type of an element in memory."""
    return _FLOATS.get(dtype) or integer(8 * dtype.size)


@cache
def index(value: int) -> IRValue:
    """An i64 constant."""
    return I64(value)


def number(kind: IRType, value: float, width: int) -> IRValue:
    """A constant, the same in all lanes."""
    return vector(kind, width)(value)


def splat(b: IRBuilder, value: IRValue, width: int) -> IRValue:
    """A scalar repeated in all lanes."""
    if width == 1:
        return value
    one = b.insert_element(undefined(vector(value.type, width)), value, I32(0))
    return b.shuffle_vector(one, one, (0,) * width)


def at(b: IRBuilder, base: IRValue, offset: IRValue, kind: IRType) -> IRValue:
    """The address of element `offset`."""
    return b.gep(base, offset, kind)


def intrinsic(b: IRBuilder, name: str, *args: IRValue) -> IRValue:
    """An LLVM intrinsic overloaded on the type of its arguments."""
    kind = args[0].type
    return b.call(function(b, f"llvm.{name}.{kind.suffix}", kind, [kind] * len(args)), args)


def function(b: IRBuilder, name: str, result: IRType, args: Sequence[IRType]) -> IRFunction:
    """A function declared in the module."""
    return b.module.functions.get(name) or IRFunction(b.module, name, result, args)


@contextmanager
def loop(b: IRBuilder, start: IRValue, stop: IRValue, step: int = 1) -> Iterator[IRValue]:
    """`for i in range(start, stop, step)`. The `with` block writes the loop's body."""
    before = b.block
    body, after = b.append_basic_block(), b.append_basic_block()
    b.cbranch(b.icmp_signed("<", start, stop), body, after)
    b.position_at_end(body)
    i = b.phi(I64)
    i.add_incoming(start, before)
    yield i
    following = b.add(i, index(step))
    i.add_incoming(following, b.block)
    b.cbranch(b.icmp_signed("<", following, stop), body, after)
    b.position_at_end(after)


def pieces(b: IRBuilder, length: int, size: int) -> Iterator[tuple[IRValue, int]]:
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
    b: IRBuilder,
    start: IRValue,
    stop: IRValue,
    step: int,
    initial: Sequence[IRValue],
    body: Callable[..., Sequence[IRValue]],
) -> list[IRValue]:
    """A loop with carried values: `body(i, *values)` returns the next values. Returns the last ones."""
    before = b.block
    head, after = b.append_basic_block(), b.append_basic_block()
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
    results: list[IRValue] = []
    for first, last in zip(initial, made, strict=True):
        phi = b.phi(first.type)
        phi.add_incoming(first, before)
        phi.add_incoming(last, end)
        results.append(phi)
    return results


def prefetch(b: IRBuilder, address: IRValue) -> None:
    """Prefetch a cache line; any address is allowed."""
    asked = function(b, "llvm.prefetch.p0", VOID, [POINTER, I32, I32, I32])
    b.call(asked, [address, I32(0), I32(3), I32(1)])  # for reading, into all cache levels, data


def fill(b: IRBuilder, address: IRValue, byte: int, nbytes: IRValue) -> None:
    """Fill memory with a byte."""
    b.call(function(b, "llvm.memset.p0.i64", VOID, [POINTER, I8, I64, I1]), [address, I8(byte), nbytes, I1(0)])


def zero(b: IRBuilder, address: IRValue, nbytes: IRValue) -> None:
    """Fill memory with zeros."""
    fill(b, address, 0, nbytes)


def copy(b: IRBuilder, target: IRValue, source: IRValue, nbytes: IRValue) -> None:
    """Copy memory. The two ranges must not overlap."""
    b.call(function(b, "llvm.memcpy.p0.p0.i64", VOID, [POINTER, POINTER, I64, I1]), [target, source, nbytes, I1(0)])


def offset(b: IRBuilder, *terms: tuple[IRValue, int]) -> IRValue:
    """Σ value·stride."""
    total = index(0)
    for value, stride in terms:
        total = b.add(total, b.mul(value, index(stride)))
    return total


def smaller(b: IRBuilder, x: IRValue, y: IRValue) -> IRValue:
    """The smaller of two signed integers."""
    return b.select(b.icmp_signed("<", x, y), x, y)


def larger(b: IRBuilder, x: IRValue, y: IRValue) -> IRValue:
    """The larger of two signed integers."""
    return b.select(b.icmp_signed(">", x, y), x, y)


def stack(b: IRBuilder, kind: IRType, count: int) -> IRValue:
    """Memory on the stack, allocated once per call of the function."""
    return b.alloca(kind, count, align=64)


class Frame:
    """The functions of a module under construction, all with a kernel's signature.

    b: the builder of the newest function. pointers: that function's pointers.
    """

    def __init__(self, count: int) -> None:
        """count: the number of pointers."""
        self.module = IRModule()
        self.count = count

    @contextmanager
    def tasks(self, name: str) -> Iterator[IRValue]:
        """A function that loops over its tasks. The `with` block writes the body for task `i`."""
        made = IRFunction(self.module, name, VOID, [POINTER, I64, I64, I64])
        b = self.b = IRBuilder(made)
        arguments, first, last, self.slot = made.args
        self.stack_arrays: dict[str, IRValue] = {}
        self.pointers = [b.load(at(b, arguments, index(i), POINTER), POINTER) for i in range(self.count)]
        with loop(b, first, last) as task:
            yield task
        b.ret_void()

    def stack_array(self, name: str, elements: int, kind: IRType = F32) -> IRValue:
        """A named array on the stack, allocated once per call. elements: the largest size requested."""
        if name not in self.stack_arrays:
            self.stack_arrays[name] = stack(self.b, kind, elements)
        return self.stack_arrays[name]

    @property
    def text(self) -> str:
        return str(self.module)


def printed(write: Callable[..., Frame], *what: Hashable, needs: Sequence[tuple[str, LazyModule]] = ()) -> LazyModule:
    """The module that `write(*what)` makes, printed when it is needed.

    The name of the function, the `repr` of its arguments and the names in `needs` are the module's key, so they must
    determine it.
    needs: the functions that the module takes from other modules, as names with these modules. The printer raises
    InternalError if the module takes another one: its address would be unknown, or that of code already unloaded.
    """
    taken = " ".join(name for name, _ in needs)  # code that takes another function would call an unknown address
    key = f"{write.__module__}.{write.__qualname__} {what!r} {host().lanes} lanes {taken}"

    def text() -> str:
        frame = write(*what)
        if missing := frame.module.needs - dict(needs).keys():
            raise InternalError(f"no module is given for {', '.join(sorted(missing))}, which {key} needs")
        return frame.text

    return LazyModule(key, text, needs)
