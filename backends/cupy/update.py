"""Optimizer steps: one kernel for all variables that a pass joined."""

from __future__ import annotations

from minigraph.backend.workspace import BufferRef
from minigraph.backends.cupy.kernel import BLOCK, Code, Emitter, Launch, Types, kernel, pointer
from minigraph.backends.cupy.source import c_type, index_type, summing
from minigraph.core.op import Op
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ops.state import update as U

POINTERS = 400  # most pointers of a launch, whose parameters are limited to 4 KB

# The operands' names, the variable and its slots first; then statements on elements named like the operands.
_FORMULAS: dict[type[U.Apply], tuple[str, list[str]]] = {
    U.ApplyGradientDescent: ("var rate grad", ["var = var - rate * grad;"]),
    U.ApplyMomentum: ("var accum rate grad momentum", ["accum = accum * momentum + grad;"]),
    U.ApplyAdagrad: (
        "var accum rate grad",
        ["accum = accum + grad * grad;", "var = var - grad * rate / mg::root(accum);"],
    ),
    U.ApplyAdadelta: (
        "var accum updates rate rho epsilon grad",
        [
            "accum = accum * rho + grad * grad * (1 - rho);",
            "const T step = mg::root(updates + epsilon) / mg::root(accum + epsilon) * grad;",
            "updates = updates * rho + step * step * (1 - rho);",
            "var = var - step * rate;",
        ],
    ),
    U.ApplyFtrl: (
        "var accum linear grad rate l1 l2",
        [
            "linear = linear + grad - (after - before) / rate * var;",
            "const T toward = linear > 0 ? l1 : linear < 0 ? -l1 : T(0);",
            "var = (linear < 0 ? -linear : linear) > l1 ? (toward - linear) / (after / rate + 2 * l2) : T(0);",
            "accum = total;",
        ],
    ),
    U.ApplyRMSProp: (
        "var ms mom rate rho momentum epsilon grad",
        [
            "ms = ms + (grad * grad - ms) * (1 - rho);",
            "mom = mom * momentum + grad * rate / mg::root(ms + epsilon);",
            "var = var - mom;",
        ],
    ),
    U.ApplyCenteredRMSProp: (
        "var mg_ ms mom rate rho momentum epsilon grad",
        [
            "ms = ms + (grad * grad - ms) * (1 - rho);",
            "mg_ = mg_ + (grad - mg_) * (1 - rho);",
            "mom = mom * momentum + grad * rate / mg::root(ms - mg_ * mg_ + epsilon);",
            "var = var - mom;",
        ],
    ),
    U.ApplyAdam: (
        "var m v power1 power2 rate beta1 beta2 epsilon grad",
        [
            "const T alpha = rate * mg::root(1 - power2) / (1 - power1);",
            "m = m + (grad - m) * (1 - beta1);",
            "v = v + (grad * grad - v) * (1 - beta2);",
        ],
    ),
}


def _formula(op: U.Apply) -> tuple[list[str], list[str]]:
    names, lines = _FORMULAS[type(op)]
    if isinstance(op, U.ApplyMomentum):
        step = "grad * rate + accum * momentum * rate" if op.use_nesterov else "accum * rate"
        lines = [*lines, f"var = var - ({step});"]
    if isinstance(op, U.ApplyAdam):
        direction = "(m * beta1 + grad * (1 - beta1))" if op.use_nesterov else "m"
        lines = [*lines, f"var = var - {direction} * alpha / (mg::root(v) + epsilon);"]
    if isinstance(op, U.ApplyFtrl):
        powers = ("mg::root({})" if op.power == 0.5 else f"mg::power({{}}, T({op.power!r}))").format
        before = [f"const T after = {powers('total')};", f"const T before = {powers('accum')};"]
        lines = ["const T total = accum + grad * grad;", *before, *lines]
    return names.split(), lines


def _launch(op: U.Apply, pieces: list[Types], first: int) -> Launch:
    """One kernel for several updates, whose operands follow each other from operand `first` on. Each has its own
    blocks."""
    names, lines = _formula(op)
    dtype = pieces[0][0].dtype
    kind = c_type(dtype)
    slots = len(op.writes)
    index = index_type(*(p[0].size for p in pieces))
    body = [f"typedef {kind} E;", f"typedef {c_type(summing(dtype))} T;", f"{index} i = threadIdx.x;"]
    body += [f"E* {n}_;" for n in names[:slots]] + [f"const E* {n}_;" for n in names[slots:]]
    begin = 0
    for number, piece in enumerate(pieces):
        blocks = -(-piece[0].size // BLOCK)
        pointers = " ".join(f"{n}_ = p{number * len(names) + k};" for k, n in enumerate(names))
        head = "" if number == 0 else "else "
        body.append(f"{head}if (blockIdx.x < {begin + blocks}) {{")
        body.append(f"    i += (blockIdx.x - {begin}) * ({index}){BLOCK};")
        body += [f"    if (i >= {piece[0].size}) return;", f"    {pointers}", "}"]
        begin += blocks
    body.append("else return;")
    element = [n for k, n in enumerate(names) if k < slots or n == "grad"]
    body += [f"{'' if k < slots else 'const '}T {n} = {n}_[{'i' if n in element else 0}];" for k, n in enumerate(names)]
    body += [*lines, *(f"{n}_[i] = {n};" for n in names[:slots])]
    parameters = [
        pointer(dtype, f"p{number * len(names) + k}", k >= slots)
        for number in range(len(pieces))
        for k in range(len(names))
    ]
    made = kernel(type(op).__name__.lower(), parameters, body, begin)
    return Launch(made, tuple(BufferRef("in", first + k) for k in range(len(parameters))))


def apply(op: U.Apply, in_types: Types, out_types: Types) -> Code | None:
    return Code((_launch(op, [in_types], 0),))


def together(op: MultiTensorApply, in_types: Types, out_types: Types) -> Code | None:
    pieces = op.pieces(in_types)
    width = len(in_types) // op.count
    some = max(1, POINTERS // width)
    return Code(tuple(_launch(op.op, pieces[i : i + some], i * width) for i in range(0, op.count, some)))


EMITTERS: dict[type[Op], Emitter] = {U.Apply: apply, MultiTensorApply: together}
