"""Mean and variance of columns in one pass. Each thread takes the moments of a few elements at a time, which it holds
in registers, and all are combined in an order that depends on the shape only."""

from __future__ import annotations

import math

from minigraph.backend.workspace import WorkspaceLayout, ins, outs
from minigraph.backends.cupy.kernel import Code, Launch, Types, kernel, pointer
from minigraph.backends.cupy.reduce import BLOCKS, COLUMNS, ROWS
from minigraph.backends.cupy.source import c_type, index_type, literal
from minigraph.ir.moments import Moments

HELD = 8  # elements that a thread holds
NAMES = ("n", "mean", "square")


def moments(op: Moments, in_types: Types, out_types: Types) -> Code | None:
    (x,) = in_types
    columns = x.static[-1]
    rows = math.prod(x.static[:-1])
    groups = -(-columns // COLUMNS)
    pieces = max(1, min(256, rows // (ROWS * HELD), BLOCKS // groups))
    kind, number, chunk = c_type(x.dtype), index_type(x.size, pieces * columns), -(-rows // pieces)
    body = [f"__shared__ {kind} {n}s[{ROWS * COLUMNS}];" for n in NAMES]
    body += [
        f"const {number} piece = blockIdx.x % {pieces}, first = piece * {chunk};",
        f"const {number} end = first + {chunk} < {rows} ? first + {chunk} : {rows};",
        f"const int column = threadIdx.x % {COLUMNS}, row = threadIdx.x / {COLUMNS};",
        f"const {number} o = (blockIdx.x / {pieces}) * ({number}){COLUMNS} + column;",
        f"{kind} n = 0, mean = 0, square = 0;",
        f"if (o < {columns})",
        f"    for ({number} r = first + row; r < end; r += {ROWS * HELD}) {{",
        f"        {kind} held[{HELD}], sum = 0, spread = 0;",
        f"        const {number} left = (end - r + {ROWS - 1}) / {ROWS};",
        f"        const int count = left < {HELD} ? left : {HELD};",
        "#pragma unroll",
        f"        for (int k = 0; k < {HELD}; ++k)",
        f"            if (k < count) sum += held[k] = x0[(r + k * {ROWS}) * {columns} + o];",
        f"        const {kind} middle = sum / count;",
        "#pragma unroll",
        f"        for (int k = 0; k < {HELD}; ++k)",
        "            if (k < count) spread += (held[k] - middle) * (held[k] - middle);",
        f"        mg::join_moments(n, mean, square, {kind}(count), middle, spread);",
        "    }",
        *_joined(),
    ]
    is_one = f"row == 0 && o < {columns}"
    done = ["y0[o] = mean;" if rows else "y0[o] = mean / n;", f"y1[o] = square / {literal(rows, x.dtype)};"]
    done = [f"    if ({y.split('[')[0]}) {y}" for y in done]
    if pieces > 1:
        body += [f"if ({is_one}) {{"]
        body += [f"    w{k}[piece * {columns} + o] = {n};" for k, n in enumerate(NAMES)]
        body += [
            "}",
            f"if (!mg::comes_last(blockIdx.x / {pieces}, {pieces})) return;",
            *(f"const volatile {kind}* v{k} = w{k};" for k in range(len(NAMES))),
            "n = 0, mean = 0, square = 0;",
            f"if (o < {columns})",
            f"    for ({number} k = row; k < {pieces}; k += {ROWS}) {{",
            f"        const {number} at = k * {columns} + o;",
            f"        mg::join_moments(n, mean, square, {kind}(v0[at]), {kind}(v1[at]), {kind}(v2[at]));",
            "    }",
            *_joined(),
        ]
    body += [f"if ({is_one}) {{", *done, "}"]
    layout = WorkspaceLayout()
    places = [layout.reserve(pieces * columns * x.dtype.size) for _ in NAMES] if pieces > 1 else []
    parameters = [pointer(x.dtype, "x0"), *(pointer(x.dtype, f"y{k}", False) for k in range(2))]
    parameters += [pointer(x.dtype, f"w{k}", False) for k in range(len(places))]
    made = kernel("moments", parameters, body, groups * pieces, ROWS * COLUMNS)
    return Code((Launch(made, (*ins(0), *outs(0, 1), *places)),), layout.nbytes)


def _joined() -> list[str]:
    """The statements by which the first row of threads joins the moments of all rows."""
    return [
        *(f"{n}s[threadIdx.x] = {n};" for n in NAMES),
        "__syncthreads();",
        "if (row == 0)",
        f"    for (int k = {COLUMNS} + column; k < {ROWS * COLUMNS}; k += {COLUMNS})",
        "        mg::join_moments(n, mean, square, ns[k], means[k], squares[k]);",
    ]


EMITTERS = {Moments: moments}
