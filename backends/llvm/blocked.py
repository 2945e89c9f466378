"""Regions that run block by block along the batch, so that the values inside stay in a core's cache.

A native driver loops over the blocks and calls the members' kernels on each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from minigraph.backend.workspace import BufferRef, WorkspaceLayout, ins, outs, work
from minigraph.backends.llvm.builder import Frame, at, index, loop, printed, smaller, stack, zero
from minigraph.backends.llvm.compiler import LazyModule
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.backends.llvm.scalar import is_printable
from minigraph.backends.llvm.text import I8, POINTER
from minigraph.backends.llvm.tile import EpilogueOperand, TileEpilogue
from minigraph.backends.llvm.total import total
from minigraph.compile import blocks
from minigraph.compile.blocks import BlockLayout, BlockMember, block_size
from minigraph.core.dtypes import float32, int8, int32, uint8
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.loop_kernel import expression_of
from minigraph.ir.packed import OnPacked
from minigraph.ir.program import Builder, Feed, Instr, Program, Value, reachable
from minigraph.ir.regions import Blocked, Epilogue, inner_types, program_batching, values_of, whole_bytes
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.math.reduce import Mean, Sum
from minigraph.ops.math.reduce_extremes import Max, Min
from minigraph.ops.nn.avg_pool import AvgPool
from minigraph.ops.nn.conv2d import Conv2D
from minigraph.ops.nn.integer_products import IntegerConv2D, IntegerMatMul
from minigraph.ops.nn.lrn import LRN
from minigraph.ops.nn.max_pool import MaxPool
from minigraph.ops.nn.softmax import LogSoftmax, Softmax
from minigraph.ops.nn.winograd import WinogradConv2D

BLOCKS = 8  # least number of blocks where the batch has as many images: work for several threads
FEW = 3  # images; for batches up to this size each member runs on all threads instead
OTHERS = (MaxPool, AvgPool, LRN, Softmax, LogSoftmax, Sum, Mean, Max, Min)  # have epilogues, as contractions do
DTYPES = (float32, int32, uint8, int8)  # of an epilogue's operands and result
LANES = 8  # most parts of the batch that have their own sums
SUMS = 16 << 20  # most bytes for the sums of all lanes
MAX_WHOLE = 64 << 20  # most bytes of workspace of a region that runs without blocks

Types = Sequence[TensorType]
Lower = Callable[[Any, Types, Types, LoweringContext], Native | None]


def _lower_members(op: Blocked, size: int, lower: Lower) -> list[Native] | None:
    """The members' native code for a block of `size` images, or None if a member has none."""
    types = inner_types(op, size)
    found = []
    for instr in op.members:
        how = instr.op.batching([v.type for v in instr.inputs], instr.types)
        inner = LoweringContext(1, True, how is not None and any(how.sums))
        made = [types[v] for v in values_of(instr)]
        native = lower(instr.op.for_batch(size), [types[v] for v in instr.inputs], made, inner)
        if native is None or native.check:
            return None
        found.append(native)
    return found


def _lanes(op: Blocked, size: int) -> int:
    """The number of parts of the batch that run independently of each other."""
    count = -(-op.batch // size)
    total = sum(v.type.nbytes for v, is_sum in zip(op.program.results, op.sums, strict=True) if is_sum)
    return max(1, min(count, LANES, SUMS // total)) if total else count


def is_serial(op: Blocked) -> bool:
    """Whether the region has several blocks that must run one after the other because its sums are large."""
    size = block_size(op, BLOCKS)
    return _lanes(op, size) == 1 and size < op.batch


class _Place(NamedTuple):
    """The memory of an operand or result of a call in a block.

    pointer: its number among the kernel's pointers. step: bytes from one image to the next, 0 if all blocks use the
    same. offset: bytes after that.
    """

    pointer: int
    step: int = 0
    offset: int = 0


class _Step(NamedTuple):
    """A call of the kernel's pointer `function`."""

    function: int
    tasks: int
    places: tuple[_Place, ...]


class _Driver(NamedTuple):
    """The kernel that loops over the blocks; a task is a lane.

    Its pointers: the operands; the results, where a sum has an array for each lane; the threads' workspaces; the
    members' functions. steps: the calls for a full block, and for a smaller one at the end, if there is one.
    sums: pointer and bytes of each sum. space: the pointer of the workspaces, of `nbytes` each.
    """

    batch: int
    size: int
    lanes: int
    pointers: int
    space: int
    nbytes: int
    sums: tuple[tuple[int, int], ...]
    steps: tuple[tuple[_Step, ...], ...]


def _driver(
    op: Blocked, pieces: Sequence[BlockLayout[Native]], lanes: int
) -> tuple[_Driver, list[tuple[str | LazyModule, str]]]:
    """The driver, and the functions that it calls."""
    feeds, results = len(op.program.feeds), {v: n for n, v in enumerate(op.program.results)}
    space = feeds + len(results)
    functions: dict[tuple[str | LazyModule, str], int] = {}

    def place(piece: BlockLayout[Native], member: BlockMember[Native], ref: BufferRef) -> _Place:
        if ref.kind == "work":
            return _Place(space, 0, member.workspace + ref.offset)
        value = _value(member.instr, ref)
        if isinstance(value.instr.op, Feed):
            slot = value.instr.op.slot
            return _Place(slot, _step(value) if op.cut[slot] else 0, ref.offset)
        if value in results:
            n = results[value]
            return _Place(feeds + n, 0 if op.sums[n] else _step(value), ref.offset)
        return _Place(space, 0, piece.offsets[value] + ref.offset)

    def steps(piece: BlockLayout[Native]) -> Iterator[_Step]:
        for member in piece.members:
            for call in member.code.calls(member.wanted):
                number = functions.setdefault((call.text, call.name), space + 1 + len(functions))
                yield _Step(number, call.tasks, tuple(place(piece, member, ref) for ref in call.args))

    sums = tuple((feeds + n, v.type.nbytes) for n, v in enumerate(op.program.results) if op.sums[n])
    made = tuple(tuple(steps(piece)) for piece in pieces)
    nbytes = max(p.nbytes for p in pieces)
    count = space + 1 + len(functions)
    return _Driver(op.batch, pieces[0].size, lanes, count, space, nbytes, sums, made), list(functions)


def _step(value: Value) -> int:
    return value.type.nbytes // value.type.static[0]


def _driver_module(what: _Driver) -> Frame:
    frame = Frame(what.pointers)
    full = what.batch // what.size
    count = full + (len(what.steps) > 1)
    with frame.tasks("kernel") as task:
        b = frame.b
        bases = list(frame.pointers)
        bases[what.space] = at(b, bases[what.space], b.mul(frame.slot, index(what.nbytes)), I8)
        for pointer, nbytes in what.sums:
            bases[pointer] = at(b, bases[pointer], b.mul(task, index(nbytes)), I8)
            zero(b, bases[pointer], index(nbytes))
        low, high = (b.sdiv(b.mul(b.add(task, index(i)), index(count)), index(what.lanes)) for i in (0, 1))
        with loop(b, low, smaller(b, high, index(full))) as block:
            _write_block(b, bases, what.steps[0], b.mul(block, index(what.size)))
        if count > full:
            with b.if_then(b.icmp_signed("==", high, index(count))):
                _write_block(b, bases, what.steps[1], index(full * what.size))
    return frame


def _write_block(b: Any, bases: Sequence[Any], steps: Sequence[_Step], start: Any) -> None:
    """Write the calls for the block from image `start` on."""
    for function, tasks, places in steps:
        block = stack(b, POINTER, max(len(places), 1))
        for n, (pointer, step, after) in enumerate(places):
            place = bases[pointer]
            if step or after:
                place = at(b, place, b.add(b.mul(start, index(step)), index(after)), I8)
            b.store(place, at(b, block, index(n), POINTER))
        b.call_at(bases[function], [block, index(0), index(tasks), index(0)])


def blocked(op: Blocked, lower: Lower, how: LoweringContext, size: int | None = None) -> Native | None:
    """The region in blocks of `size` images; None where a member has no native code.

    Each lane of blocks has sums of its own, so results do not depend on the number of threads.
    """
    kinds = [v.type for v in op.program.results]
    if not op.batch or any(s and k.dtype is not float32 for s, k in zip(op.sums, kinds, strict=True)):
        return None
    if op.batch <= FEW:
        return _in_sequence(op, lower, how)
    if size is None:
        size = block_size(op, BLOCKS)
        if is_serial(op) and (native := _in_sequence(op, lower, how)) is not None and native.workspace <= MAX_WHOLE:
            return native
    sizes = dict.fromkeys((size, op.batch % size or size))
    found = [_lower_members(op, n, lower) for n in sizes]
    natives = [n for n in found if n is not None]
    if len(natives) < len(found):
        return None
    pieces = [BlockLayout(op, n, members) for n, members in zip(sizes, natives, strict=True)]
    lanes = _lanes(op, size)
    layout = WorkspaceLayout()
    own = layout.reserve(max(p.nbytes for p in pieces) * min(how.threads, lanes))
    summed = [n for n, is_sum in enumerate(op.sums) if is_sum]
    sums = [outs(n)[0] if lanes == 1 else layout.reserve(lanes * kinds[n].nbytes) for n in summed]

    def make() -> list[Call]:
        driver, functions = _driver(op, pieces, lanes)
        own_sums = iter(sums)
        results = [next(own_sums) if is_sum else BufferRef("out", n) for n, is_sum in enumerate(op.sums)]
        args = (*ins(*range(len(op.program.feeds))), *results, own)
        calls = [Call(printed(_driver_module, driver), "kernel", lanes, args, tuple(functions))]
        if lanes > 1:
            for n, part in zip(summed, sums, strict=True):
                calls += total(kinds[n].size, lanes, part, outs(n)[0])
        return calls

    return Native(always(make), layout.nbytes)


def _in_sequence(op: Blocked, lower: Lower, how: LoweringContext) -> Native | None:
    """The members in order, each on the whole batch."""
    found = [
        lower(i.op, [v.type for v in i.inputs], i.types, LoweringContext(how.threads, how.inside)) for i in op.members
    ]
    natives = [n for n in found if n is not None]
    if len(natives) < len(found):
        return None
    piece = BlockLayout(op, op.batch, natives)
    results = {v: BufferRef("out", n) for n, v in enumerate(op.program.results)}

    def moved(member: BlockMember[Native], ref: BufferRef) -> BufferRef:
        if ref.kind == "work":
            return ref.shifted(member.workspace)
        value = _value(member.instr, ref)
        if isinstance(value.instr.op, Feed):
            return BufferRef("in", value.instr.op.slot, ref.offset)
        return (results.get(value) or work(piece.offsets[value])).shifted(ref.offset)

    def make() -> list[Call]:
        return [
            call._replace(args=tuple(moved(member, p) for p in call.args))
            for member in piece.members
            for call in member.code.calls(member.wanted)
        ]

    return Native(always(make), piece.nbytes)


def _value(instr: Instr, ref: BufferRef) -> Value:
    """The operand or result of a member that a pointer refers to."""
    return instr.inputs[ref.position] if ref.kind == "in" else Value(instr, ref.position)


def one_blocked(op: Op, in_types: Types, lower: Lower, how: LoweringContext, size: int) -> Native | None:
    """A single op in blocks of `size` images."""
    builder = Builder()
    feeds = [Value(builder.add(Feed(slot, t)), 0) for slot, t in enumerate(in_types)]
    instr = builder.add(op, feeds)
    results = tuple(values_of(instr))
    batching = op.batching(in_types, instr.types)
    assert batching is not None
    batch = in_types[batching.cut.index(True)].static[0]
    program = Program(reachable([instr]), results, tuple(in_types))
    return blocked(Blocked(program, batching.cut, batching.sums, batch), lower, how, size)


def epilogue(op: Epilogue, lower: Lower, how: LoweringContext) -> Native | None:
    """A contraction with the pointwise ops after it.

    They are applied to each tile before it is stored. If that is not possible, the region runs in blocks of the batch
    if this keeps the product in cache; otherwise the two parts run one after the other.
    """
    native = in_tiles(op, lower, how)
    if native is not None or how.pitch is not None:
        return native
    region = as_region(op)
    if region is not None and not how.inside and not stays_whole(op):
        native = blocked(region, lower, how)
        if native is not None:
            return native
    return _one_after_the_other(op, lower, how)


def takes_epilogue(op: Op) -> bool:
    """Whether the native code of an op can apply an epilogue to its result."""
    kinds = (Conv2D, MatMul, WinogradConv2D, IntegerConv2D, IntegerMatMul)
    return isinstance(op.op if isinstance(op, OnPacked) else op, (*kinds, *OTHERS))


def in_tiles(op: Epilogue, lower: Lower, how: LoweringContext) -> Native | None:
    """The contraction with its epilogue applied to each tile before it is stored, or None if that is not possible."""
    root, kind = op.root, op.root.types[0]
    loop, read = op.pointwise
    value = expression_of(loop.program)
    if not takes_epilogue(root.op) or value is None or not is_printable(value):
        return None
    whole = kind.static
    operands = [_operand(whole, t) for t in loop.program.feeds[1:]]
    known = tuple(o for o in operands if o is not None)
    (result,) = (v.type for v in op.program.results)
    if len(known) < len(operands) or result.dtype not in DTYPES:
        return None
    follow = TileEpilogue(value, known)
    if (kind.dtype is float32 and not follow.is_plain) or (how.pitch and any(o.per == "element" for o in known)):
        return None
    native = lower(root.op, [v.type for v in root.inputs], root.types, how._replace(epilogue=follow))
    if native is None:
        return None
    slots = (*op.root_slots, *read)

    def moved(call: Call) -> Call:
        return call.relocated(ins(*slots), outs(0), work())

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        return [moved(c) for c in native.calls(wanted)]

    inputs = len(root.inputs)
    inplace = tuple(slots[n] for n in native.inplace if n >= inputs and slots[n] not in slots[:inputs])
    return Native(calls, native.workspace, inplace)


def _operand(whole: tuple[int, ...], kind: TensorType) -> EpilogueOperand | None:
    """An operand of an epilogue on a result of shape `whole`; None if tiles cannot read it."""
    if kind.dtype not in DTYPES:
        return None
    if kind.static == whole:
        return EpilogueOperand(kind.dtype, "element")
    if kind.static == _one_row(whole, kind):
        return EpilogueOperand(kind.dtype, "row")
    return EpilogueOperand(kind.dtype, "number") if kind.size == 1 else None


def _one_row(whole: tuple[int, ...], kind: TensorType) -> tuple[int, ...]:
    """The shape with the last axis of `whole` and 1 along the others, of the rank of `kind`."""
    return tuple(1 for _ in kind.static[1:]) + whole[-1:]


def stays_whole(op: Epilogue) -> bool:
    """Whether the product fits into a core's cache, or has fewer bytes than each block would read again."""
    root = op.root
    how = root.op.batching([v.type for v in root.inputs], root.types)
    return root.types[0].nbytes <= max(blocks.TARGET, 0 if how is None else whole_bytes(root, how))


def as_region(op: Epilogue) -> Blocked | None:
    """The contraction and its epilogue as a region of the batch; None if it cannot be cut, or has fewer than two
    images."""
    batching, shape = program_batching(op.program), op.root.types[0].static
    if batching is None or not shape or shape[0] < 2:
        return None
    return Blocked(op.program, batching.cut, batching.sums, shape[0])


def whole(op: Blocked | Epilogue, lower: Lower, how: LoweringContext) -> Native | None:
    """A region with its members in order, each on the whole batch and by all threads."""
    if isinstance(op, Blocked):
        return _in_sequence(op, lower, how)
    return in_tiles(op, lower, how) or _one_after_the_other(op, lower, how)


def _one_after_the_other(op: Epilogue, lower: Lower, how: LoweringContext) -> Native | None:
    root, slots = op.root, op.root_slots
    kind = root.types[0]
    after, read = op.pointwise
    first = lower(root.op, [v.type for v in root.inputs], root.types, LoweringContext(how.threads, how.inside))
    rest = lower(after, after.program.feeds, [v.type for v in after.program.results], how)
    if first is None or rest is None:
        return None
    in_place = op.program.results[0].type == kind and 0 in rest.inplace
    layout = WorkspaceLayout()
    shared = layout.reserve(max(first.workspace, rest.workspace))
    made = outs(0)[0] if in_place else layout.reserve(kind.nbytes)
    results = outs(*range(len(op.program.results)))

    @cache
    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        contraction = [
            c.relocated(ins(*slots), [made], shared) for c in first.calls((True, *[False] * (len(root.types) - 1)))
        ]
        return contraction + [c.relocated([made, *ins(*read)], results, shared) for c in rest.calls(wanted)]

    inplace = () if in_place else tuple(s for i, s in enumerate(read, 1) if i in rest.inplace and s not in slots)
    return Native(calls, layout.nbytes, inplace)
