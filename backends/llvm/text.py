"""LLVM IR as text, one line for each instruction, written as soon as it is known.

Classes and methods have the names of llvmlite's `ir`, which keeps an object for each instruction until the module is
printed; a line takes a tenth of that time, and printing is most of what a first run waits for.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache

_SIGNED = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}
_UNSIGNED = {"==": "eq", "!=": "ne", "<": "ult", "<=": "ule", ">": "ugt", ">=": "uge"}
_FLOATING = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


class IRType:
    """A type.

    text: as LLVM writes it. suffix: as in the name of an overloaded intrinsic. bits: of an integer or a float.
    element, count: of a vector; a scalar's are itself and 1. Equal types are one object.
    """

    __slots__ = ("bits", "count", "element", "suffix", "text")

    def __init__(self, text: str, suffix: str, bits: int = 0, element: IRType | None = None, count: int = 1) -> None:
        self.text = text
        self.suffix = suffix
        self.bits = bits
        self.element = element or self
        self.count = count

    def __str__(self) -> str:
        return self.text

    def __call__(self, value: float) -> IRValue:
        """The constant with this value in all lanes."""
        if self.count > 1:
            return IRValue(self, f"splat ({self.element.text} {_literal(self.element, value)})")
        return IRValue(self, _literal(self, value))


VOID, POINTER = IRType("void", ""), IRType("ptr", "p0")
F16, F32, F64 = IRType("half", "f16", 16), IRType("float", "f32", 32), IRType("double", "f64", 64)


@cache
def integer(bits: int) -> IRType:
    """The type of integers, signed or not."""
    return IRType(f"i{bits}", f"i{bits}", bits)


I1, I8, I16, I32, I64 = map(integer, (1, 8, 16, 32, 64))


@cache
def vector(kind: IRType, count: int) -> IRType:
    """The type of `count` values; a scalar for 1."""
    if count == 1:
        return kind
    return IRType(f"<{count} x {kind.text}>", f"v{count}{kind.suffix}", element=kind, count=count)


def _literal(kind: IRType, value: float) -> str:
    if kind.suffix.startswith("i"):
        return str(int(value))
    if kind is F32:  # written as the double of the same value
        value = struct.unpack("f", struct.pack("f", value))[0]
    return f"0x{struct.unpack('Q', struct.pack('d', value))[0]:016X}"


class IRValue:
    """An operand: its type, and its name or literal."""

    __slots__ = ("text", "type")

    def __init__(self, kind: IRType, text: str) -> None:
        self.type = kind
        self.text = text

    def __str__(self) -> str:
        return f"{self.type.text} {self.text}"


@cache
def constants(kind: IRType, values: tuple[int, ...]) -> IRValue:
    """A vector of integers."""
    return IRValue(vector(kind, len(values)), f"<{', '.join(f'{kind.text} {_literal(kind, v)}' for v in values)}>")


def undefined(kind: IRType) -> IRValue:
    """A value that is not set."""
    return IRValue(kind, "undef")


class Phi(IRValue):
    """A value that depends on the block from which control comes."""

    __slots__ = ("incoming",)

    def __init__(self, kind: IRType, text: str) -> None:
        super().__init__(kind, text)
        self.incoming: list[str] = []

    def add_incoming(self, value: IRValue, block: BasicBlock) -> None:
        """The value that it has after `block`."""
        self.incoming.append(f"[{value.text}, %{block.name}]")


class BasicBlock:
    """Instructions that run in order. The last one is a branch or a return."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: list[str | Phi] = []
        self.is_terminated = False

    def text(self) -> Iterator[str]:
        yield f"{self.name}:"
        for line in self.lines:
            if isinstance(line, Phi):
                line = f"{line.text} = phi {line.type.text} {', '.join(line.incoming)}"
            yield f"  {line}"


class IRFunction(IRValue):
    """A function of a module: declared, or defined if it has blocks."""

    __slots__ = ("args", "blocks", "is_internal", "made", "module", "name", "result")

    def __init__(
        self, module: IRModule, name: str, result: IRType, kinds: Sequence[IRType], is_internal: bool = False
    ) -> None:
        """kinds: the types of the arguments. is_internal: other modules do not see it, and no call is inlined."""
        super().__init__(POINTER, f'@"{name}"')
        self.module = module
        self.name = name
        self.result = result
        self.is_internal = is_internal
        self.args = tuple(IRValue(kind, f"%a{n}") for n, kind in enumerate(kinds))
        self.blocks: list[BasicBlock] = []
        self.made = 0
        module.functions[name] = self

    def append_basic_block(self) -> BasicBlock:
        """A new block behind the others; the first one is the entry."""
        self.blocks.append(BasicBlock(f"b{len(self.blocks)}"))
        return self.blocks[-1]

    def lines(self) -> Iterator[str]:
        """The function as text."""
        if not self.blocks:
            yield f"declare {self.result} {self.text}({', '.join(str(a.type) for a in self.args)})"
            return
        internal, noinline = ("internal ", " noinline") if self.is_internal else ("", "")
        yield f"define {internal}{self.result} {self.text}({', '.join(map(str, self.args))}){noinline} {{"
        for block in self.blocks:
            yield from block.text()
        yield "}"


class IRModule:
    """Functions and constant tables."""

    def __init__(self) -> None:
        self.functions: dict[str, IRFunction] = {}
        self.needs: set[str] = set()  # names of declared functions that other modules define
        self.tables: list[str] = []

    def table(self, name: str, kind: IRType, values: Iterable[float]) -> IRValue:
        """The address of a constant array."""
        items = [f"{kind} {_literal(kind, v)}" for v in values]
        self.tables.append(f'@"{name}" = private constant [{len(items)} x {kind}] [{", ".join(items)}]')
        return IRValue(POINTER, f'@"{name}"')

    def __str__(self) -> str:
        return "\n".join([*self.tables, *(line for f in self.functions.values() for line in f.lines())]) + "\n"


def _two(name: str) -> Callable[[IRBuilder, IRValue, IRValue], IRValue]:
    def write(b: IRBuilder, x: IRValue, y: IRValue) -> IRValue:
        return b.emit(x.type, f"{name} {x.type.text} {x.text}, {y.text}")

    return write


def _cast(name: str) -> Callable[[IRBuilder, IRValue, IRType], IRValue]:
    def write(b: IRBuilder, x: IRValue, kind: IRType) -> IRValue:
        return b.emit(kind, f"{name} {x} to {kind.text}")

    return write


class IRBuilder:
    """Writes instructions at the end of a block. A method is named after its instruction."""

    def __init__(self, function: IRFunction) -> None:
        """Starts with a new block of the function."""
        self.function = function
        self.block = function.append_basic_block()

    @property
    def module(self) -> IRModule:
        return self.function.module

    # blocks

    def append_basic_block(self) -> BasicBlock:
        return self.function.append_basic_block()

    def position_at_end(self, block: BasicBlock) -> None:
        self.block = block

    def branch(self, target: BasicBlock) -> None:
        self._end(f"br label %{target.name}")

    def cbranch(self, condition: IRValue, then: BasicBlock, otherwise: BasicBlock) -> None:
        self._end(f"br i1 {condition.text}, label %{then.name}, label %{otherwise.name}")

    def ret_void(self) -> None:
        self._end("ret void")

    def _end(self, line: str) -> None:
        self.block.lines.append(line)
        self.block.is_terminated = True

    @contextmanager
    def if_then(self, condition: IRValue) -> Iterator[None]:
        """The `with` block writes what happens only where the condition holds."""
        then, after = self.append_basic_block(), self.append_basic_block()
        self.cbranch(condition, then, after)
        self.position_at_end(then)
        yield
        self._join(after)

    @contextmanager
    def if_else(
        self, condition: IRValue
    ) -> Iterator[tuple[AbstractContextManager[None], AbstractContextManager[None]]]:
        """Two contexts, for what happens where the condition holds and where it does not."""
        then, otherwise, after = (self.append_basic_block() for _ in range(3))
        self.cbranch(condition, then, otherwise)
        yield self._branch(then, after), self._branch(otherwise, after)
        self.position_at_end(after)

    @contextmanager
    def _branch(self, block: BasicBlock, after: BasicBlock) -> Iterator[None]:
        self.position_at_end(block)
        yield
        self._join(after)

    def _join(self, after: BasicBlock) -> None:
        if not self.block.is_terminated:
            self.branch(after)
        self.position_at_end(after)

    def phi(self, kind: IRType) -> Phi:
        made = Phi(kind, self._name())
        self.block.lines.append(made)
        return made

    # values

    def _name(self) -> str:
        self.function.made += 1
        return f"%v{self.function.made}"

    def emit(self, kind: IRType, text: str) -> IRValue:
        """The result of an instruction."""
        name = self._name()
        self.block.lines.append(f"{name} = {text}")
        return IRValue(kind, name)

    _add, _sub, _mul = _two("add"), _two("sub"), _two("mul")

    def add(self, x: IRValue, y: IRValue) -> IRValue:
        if x.text == "0":
            return y
        return x if y.text == "0" else self._add(x, y)

    def mul(self, x: IRValue, y: IRValue) -> IRValue:
        if x.text == "1" or y.text == "0":
            return y
        return x if y.text == "1" or x.text == "0" else self._mul(x, y)

    def sub(self, x: IRValue, y: IRValue) -> IRValue:
        return x if y.text == "0" else self._sub(x, y)

    sdiv, udiv, srem, urem = _two("sdiv"), _two("udiv"), _two("srem"), _two("urem")
    and_, or_, xor = _two("and"), _two("or"), _two("xor")
    shl, lshr, ashr = _two("shl"), _two("lshr"), _two("ashr")
    fadd, fsub, fmul, fdiv, frem = _two("fadd"), _two("fsub"), _two("fmul"), _two("fdiv"), _two("frem")

    def fneg(self, x: IRValue) -> IRValue:
        return self.emit(x.type, f"fneg {x}")

    def not_(self, x: IRValue) -> IRValue:
        return self.xor(x, x.type(-1))

    def icmp_signed(self, sign: str, x: IRValue, y: IRValue) -> IRValue:
        return self._compare(f"icmp {_SIGNED[sign]}", x, y)

    def icmp_unsigned(self, sign: str, x: IRValue, y: IRValue) -> IRValue:
        return self._compare(f"icmp {_UNSIGNED[sign]}", x, y)

    def fcmp_ordered(self, sign: str, x: IRValue, y: IRValue) -> IRValue:
        """False if x or y is NaN."""
        return self._compare(f"fcmp o{_FLOATING[sign]}", x, y)

    def fcmp_unordered(self, sign: str, x: IRValue, y: IRValue) -> IRValue:
        """True if x or y is NaN; with the sign "uno", only then."""
        return self._compare(f"fcmp {sign if sign == 'uno' else 'u' + _FLOATING[sign]}", x, y)

    def _compare(self, name: str, x: IRValue, y: IRValue) -> IRValue:
        return self.emit(vector(I1, x.type.count), f"{name} {x.type.text} {x.text}, {y.text}")

    def select(self, condition: IRValue, x: IRValue, y: IRValue) -> IRValue:
        return self.emit(x.type, f"select {condition}, {x}, {y}")

    trunc, zext, sext = _cast("trunc"), _cast("zext"), _cast("sext")
    fptrunc, fpext = _cast("fptrunc"), _cast("fpext")
    fptosi, sitofp, uitofp = _cast("fptosi"), _cast("sitofp"), _cast("uitofp")
    bitcast = _cast("bitcast")

    def inttoptr(self, x: IRValue) -> IRValue:
        return self.emit(POINTER, f"inttoptr {x} to ptr")

    def insert_element(self, x: IRValue, value: IRValue, lane: IRValue) -> IRValue:
        return self.emit(x.type, f"insertelement {x}, {value}, {lane}")

    def extract_element(self, x: IRValue, lane: IRValue) -> IRValue:
        return self.emit(x.type.element, f"extractelement {x}, {lane}")

    def shuffle_vector(self, x: IRValue, y: IRValue, lanes: tuple[int, ...]) -> IRValue:
        """The chosen lanes of x followed by y; a scalar if it is one, and that of x."""
        if len(lanes) == 1:
            return self.extract_element(x, I32(lanes[0]))
        return self.emit(vector(x.type.element, len(lanes)), f"shufflevector {x}, {y}, {constants(I32, lanes)}")

    # memory

    def gep(self, base: IRValue, offset: IRValue, kind: IRType) -> IRValue:
        """The address of element `offset` of an array of `kind`."""
        return base if offset.text == "0" else self.emit(POINTER, f"getelementptr {kind.text}, {base}, {offset}")

    def load(self, address: IRValue, kind: IRType, align: int | None = None) -> IRValue:
        return self.emit(kind, f"load {kind.text}, ptr {address.text}{_aligned(align)}")

    def store(self, value: IRValue, address: IRValue, align: int | None = None) -> None:
        self.block.lines.append(f"store {value}, ptr {address.text}{_aligned(align)}")

    def alloca(self, kind: IRType, count: int = 1, align: int | None = None) -> IRValue:
        """Memory on the stack, allocated once per call of the function."""
        name, entry = self._name(), self.function.blocks[0]
        end = len(entry.lines) - entry.is_terminated
        entry.lines.insert(end, f"{name} = alloca {kind.text}, i64 {count}{_aligned(align)}")
        return IRValue(POINTER, name)

    def load_atomic(self, address: IRValue, kind: IRType) -> IRValue:
        return self.emit(kind, f"load atomic {kind.text}, ptr {address.text} seq_cst, align {kind.bits // 8}")

    def atomic_rmw(self, what: str, address: IRValue, value: IRValue) -> IRValue:
        """Change memory by the operation `what`. Returns the value before."""
        return self.emit(value.type, f"atomicrmw {what} ptr {address.text}, {value} seq_cst")

    def cmpxchg(self, address: IRValue, old: IRValue, new: IRValue) -> IRValue:
        """Write `new` where memory holds `old`. Returns whether it did."""
        kind = IRType(f"{{ {old.type.text}, i1 }}", "")
        pair = self.emit(kind, f"cmpxchg ptr {address.text}, {old}, {new} seq_cst seq_cst")
        return self.emit(I1, f"extractvalue {pair}, 1")

    # calls

    def call(self, function: IRFunction, args: Sequence[IRValue]) -> IRValue:
        return self.call_at(function, args, function.result)

    def call_at(self, address: IRValue, args: Sequence[IRValue], result: IRType = VOID) -> IRValue:
        """A call of the function at an address."""
        text = f"call {result.text} {address.text}({', '.join(map(str, args))})"
        if result is not VOID:
            return self.emit(result, text)
        self.block.lines.append(text)
        return IRValue(VOID, "")


def _aligned(align: int | None) -> str:
    return f", align {align}" if align else ""
