"""Matrix products: the BLAS for floating-point numbers, a plain kernel for integers."""

from __future__ import annotations

import math

import numpy as np

from minigraph.backend.workspace import BufferRef
from minigraph.backends.cupy.kernel import Code, Emitter, Gemm, Launch, Types, per_element, pointer, reads
from minigraph.backends.cupy.moves import fill
from minigraph.backends.cupy.source import c_type, index_type
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.math.matmul import MatMul


def matmul(op: MatMul, in_types: Types, out_types: Types) -> Code | None:
    """One BLAS call, or one per matrix of the batch if the operands' batch strides are not constant."""
    a, b = in_types
    out = out_types[0]
    m, n = out.static[-2:]
    k = a.static[-2] if op.transpose_a else a.static[-1]
    if not out.size:
        return Code(())
    if not k:
        return Code((fill(out, 0, BufferRef("out")),))
    batch = out.static[:-2]
    places = [_matrices(t, batch) for t in (a, b, out)]
    if not out.dtype.is_floating:
        steps = tuple(_integer(op, a, out, k, [int(p[i]) for p in places]) for i in range(math.prod(batch)))
        return Code(steps)
    args = (BufferRef("in"), BufferRef("in", 1), BufferRef("out"))
    call = Gemm(m, n, k, out.dtype, args, a.static[-1], b.static[-1], n, op.transpose_a, op.transpose_b)
    jumps = [np.diff(p) for p in places]
    if all((j == j[:1]).all() for j in jumps):
        a_stride, b_stride, c_stride = (int(j[0]) if j.size else 0 for j in jumps)
        return Code((call._replace(batch=math.prod(batch), strides=(a_stride, b_stride, c_stride)),))
    size = out.dtype.size
    each = []
    for first_a, first_b, first_c in zip(*places, strict=True):
        refs = (
            BufferRef("in", 0, int(first_a) * size),
            BufferRef("in", 1, int(first_b) * size),
            BufferRef("out", 0, int(first_c) * size),
        )
        each.append(call._replace(args=refs))
    return Code(tuple(each))


def _matrices(kind: TensorType, batch: tuple[int, ...]) -> np.ndarray:
    """The operand's first element for each matrix of the batch."""
    leading = kind.static[:-2]
    first = np.arange(math.prod(leading)).reshape(leading) * math.prod(kind.static[-2:])
    return np.broadcast_to(first, batch).ravel()


def _integer(op: MatMul, a: TensorType, out: TensorType, k: int, places: list[int]) -> Launch:
    m, n = out.static[-2:]
    left = f"k * {m} + c0" if op.transpose_a else f"c0 * {k} + k"
    right = f"c1 * {k} + k" if op.transpose_b else f"k * {n} + c1"
    kind = c_type(out.dtype)
    reach = max(m, n) * k
    loop = f"for ({index_type(reach)} k = 0; k < {k}; ++k) total = ({kind})(total + x0[{left}] * x1[{right}]);"
    parameters = [*reads([a, a]), pointer(out.dtype, "y0", False)]
    made = per_element(
        "integer_matmul", (m, n), parameters, [f"{kind} total = 0;", loop, "y0[i] = total;"], reach=reach
    )
    refs = (BufferRef("in"), BufferRef("in", 1), BufferRef("out"))
    return Launch(made, tuple(r._replace(offset=p * out.dtype.size) for r, p in zip(refs, places, strict=True)))


EMITTERS: dict[type[Op], Emitter] = {MatMul: matmul}
