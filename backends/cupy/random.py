"""Random numbers: Philox with its state (next counter, key, stream) in device memory, so a run needs no data from
the host."""

from __future__ import annotations

from minigraph.backend.workspace import ins, outs
from minigraph.backends.cupy.kernel import Code, Emitter, Launch, Types, kernel, per_element, pointer
from minigraph.backends.cupy.source import c_type, index_type, literal
from minigraph.core.dtypes import uint64
from minigraph.core.op import Op
from minigraph.ops.random import distributions as R
from minigraph.ops.random import philox

_STORE = "for (int k = 0; k < {group} && i * {group} + k < {count}; ++k) y0[i * {group} + k] = {value};"


def draw(op: R.RandomOp, in_types: Types, out_types: Types) -> Code | None:
    """A thread for each group of values from one counter; afterwards the counter advances."""
    out = out_types[0]
    if out.dtype.size < 4:
        return None  # as the reference has none either
    group = 16 // out.dtype.size
    kind = c_type(out.dtype)
    body = _bodies(op, kind, group)
    index = index_type(out.size * group)
    value = "v[k]"
    body = [line.replace("{i}", f"(u64)({index})i") for line in body]
    body.append(_STORE.format(group=group, count=out.size, value=value))
    parameters = [pointer(uint64, "state"), pointer(out.dtype, "y0", False)]
    values = per_element(type(op).__name__.lower(), (-(-out.size // group),), parameters, body)
    advance = kernel(
        "advance", [pointer(uint64, "state", False)], [f"state[0] += {philox.reserved(out.size)}ull;"], 1, 1
    )
    return Code((Launch(values, (*ins(0), *outs(0))), Launch(advance, ins(0))))


def _bodies(op: R.RandomOp, kind: str, group: int) -> list[str]:
    words = "const mg::Words x = mg::philox(state[0] + {i}, state[1], state[2]);"
    values = f"{kind} v[{group}];"
    if isinstance(op, R.RandomUniform):
        return [words, values, f"for (int k = 0; k < {group}; ++k) v[k] = mg::Unit<{kind}>::get(x, k);"]
    if isinstance(op, R.RandomStandardNormal):
        return [words, values, f"mg::normal<{kind}>(x, v);"]
    if isinstance(op, R.TruncatedNormal):
        stride = group * philox.RESERVED_PER_VALUE // 4
        return [
            f"{kind} v[{group}], all[{group}];",
            f"u64 counter = state[0] + {{i}} * {stride};",
            f"for (int filled = 0; filled < {group}; ++counter) {{",
            f"    mg::normal<{kind}>(mg::philox(counter, state[1], state[2]), all);",
            f"    for (int k = 0; k < {group} && filled < {group}; ++k)",
            "        if (mg::absolute(all[k]) < 2) v[filled++] = all[k];",
            "}",
        ]
    assert isinstance(op, R.RandomUniformInt)
    wide = op.dtype.size == 8
    unsigned = "u64" if wide else "u32"
    bits = "(x.w[2 * k] | (u64)x.w[2 * k + 1] << 32)" if wide else "x.w[k]"
    span = f"{op.high - op.low}{'ull' if wide else 'u'}"
    low = f"({unsigned}){literal(op.low, op.dtype)}"
    return [words, values, f"for (int k = 0; k < {group}; ++k) v[k] = ({kind})({bits} % {span} + {low});"]


EMITTERS: dict[type[Op], Emitter] = {R.RandomOp: draw}
