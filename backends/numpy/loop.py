"""Loops over elements and epilogues: blocks of rows that stay in the cache through all ops."""

from __future__ import annotations

from collections.abc import Sequence

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy import region
from minigraph.backends.numpy.common import Array, ArrayLayout, copy
from minigraph.backends.numpy.region import Lower
from minigraph.ir.loop_kernel import collapse
from minigraph.ir.regions import Blocked, Epilogue, Loop, program_batching, values_of

TARGET = 1 << 17  # bytes of the largest value of a block


def loop(op: Loop, lower: Lower, threads: bool = True) -> Lowered:
    """The loop over as few axes as possible, cut into blocks along the first."""
    collapsed, space = collapse(op.program, op.space)
    # Sums over the same elements that only keep different axes as 1 are one value now.
    different = tuple(dict.fromkeys(collapsed.results))
    places = [different.index(v) for v in collapsed.results]
    program = collapsed._replace(results=different)
    how = program_batching(program)
    if how is None:
        whole = Blocked(program, (False,) * len(program.feeds), (False,) * len(program.results), space[0])
        lowered = region.blocked(whole, lower, space[0], threads=False)
    else:
        inner = Blocked(program, how.cut, how.sums, space[0])
        largest = max(v.type.nbytes for i in inner.members for v in values_of(i))
        lowered = region.blocked(inner, lower, max(1, TARGET * space[0] // max(largest, 1)), threads)
    given = [t.static for t in program.feeds]
    made = [v.type.static for v in different]

    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        operands = [a.reshape(shape) for a, shape in zip(inputs, given, strict=True)]
        results: list[Array | None] = [None] * len(made)
        copies: list[Launch] = []
        for output, place in zip(outputs, places, strict=True):
            if output is not None:
                shaped, earlier = output.reshape(made[place]), results[place]
                if earlier is None:
                    results[place] = shaped
                else:
                    copies.append(copy(shaped, earlier))
        return in_sequence([lowered.bind(operands, results, workspace), *copies])

    return lowered._replace(bind=bind)


def epilogue(op: Epilogue, in_types: Types, lower: Lower) -> Lowered:
    """The contraction, computed into the first result's buffer if that has its type; then the rest in blocks of
    rows."""
    root, slots = op.root, op.root_slots
    kind = root.types[0]
    first = lower(root.op, [v.type for v in root.inputs], root.types)
    after, read = op.pointwise
    rest = lower(after, after.program.feeds, [v.type for v in after.program.results])
    in_place = op.program.results[0].type == kind and 0 in rest.inplace
    layout = ArrayLayout()
    layout.reserve(max(first.workspace, rest.workspace), "u1")
    if not in_place:
        layout.reserve(kind.static, kind.dtype.np_dtype)

    def bind(inputs: Sequence[Array], outputs: Sequence[Array | None], workspace: Array) -> Launch:
        space, *product = layout.arrays(workspace)
        made = outputs[0] if in_place else product[0]
        assert made is not None
        contraction = first.bind(
            [inputs[s] for s in slots], [made, *[None] * (len(root.types) - 1)], space[: first.workspace]
        )
        operands = [made, *(inputs[s] for s in read)]
        return in_sequence([contraction, rest.bind(operands, outputs, space[: rest.workspace])])

    inplace = () if in_place else tuple(s for i, s in enumerate(read, 1) if i in rest.inplace and s not in slots)
    return Lowered(bind, layout.nbytes, inplace, first.fallback or rest.fallback)
