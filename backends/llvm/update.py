"""Optimizer steps: variable and slots updated in one pass over memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minigraph.backend.base import Types
from minigraph.backend.workspace import BufferRef
from minigraph.backends.llvm.loop import Elementwise, Output, elementwise
from minigraph.backends.llvm.native import Call, LoweringContext, Native, always
from minigraph.core.op import Op
from minigraph.core.scalar import Scalar, call, constant, operand, where
from minigraph.core.types import TensorType
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ops.state import update as U
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub

Formula = Callable[..., tuple[Scalar, ...]]  # (op, scalars of all inputs) → the new values of the variables written


def _less_from_one(x: Scalar) -> Scalar:
    return constant(1, x.dtype) - x


def _sgd(op: Any, var: Scalar, rate: Scalar, grad: Scalar) -> tuple[Scalar, ...]:
    return (var - rate * grad,)


def _momentum(op: Any, var: Scalar, accum: Scalar, rate: Scalar, grad: Scalar, momentum: Scalar) -> tuple[Scalar, ...]:
    accum = accum * momentum + grad
    return var - (grad * rate + accum * momentum * rate if op.use_nesterov else accum * rate), accum


def _adagrad(op: Any, var: Scalar, accum: Scalar, rate: Scalar, grad: Scalar) -> tuple[Scalar, ...]:
    accum = accum + grad * grad
    return var - grad * rate / call("sqrt", accum), accum


def _adadelta(
    op: Any, var: Scalar, accum: Scalar, updates: Scalar, rate: Scalar, rho: Scalar, epsilon: Scalar, grad: Scalar
) -> tuple[Scalar, ...]:
    accum = accum * rho + grad * grad * _less_from_one(rho)
    step = call("sqrt", updates + epsilon) / call("sqrt", accum + epsilon) * grad
    return var - step * rate, accum, updates * rho + step * step * _less_from_one(rho)


def _ftrl(
    op: Any, var: Scalar, accum: Scalar, linear: Scalar, grad: Scalar, rate: Scalar, l1: Scalar, l2: Scalar
) -> tuple[Scalar, ...]:
    total = accum + grad * grad
    after, before = (call("sqrt", n) if op.power == 0.5 else call("power", n, op.power) for n in (total, accum))
    linear = linear + grad - (after - before) / rate * var
    step = (call("sign", linear) * l1 - linear) / (after / rate + call("multiply", l2, 2))
    return where(call("greater", call("absolute", linear), l1), step, 0), total, linear


def _rms(
    op: Any, var: Scalar, ms: Scalar, mom: Scalar, rate: Scalar, rho: Scalar, momentum: Scalar, epsilon: Scalar,
    grad: Scalar,
) -> tuple[Scalar, ...]:  # fmt: skip
    ms = ms + (grad * grad - ms) * _less_from_one(rho)
    mom = mom * momentum + grad * rate / call("sqrt", ms + epsilon)
    return var - mom, ms, mom


def _centered(
    op: Any, var: Scalar, mg: Scalar, ms: Scalar, mom: Scalar, rate: Scalar, rho: Scalar, momentum: Scalar,
    epsilon: Scalar, grad: Scalar,
) -> tuple[Scalar, ...]:  # fmt: skip
    ms = ms + (grad * grad - ms) * _less_from_one(rho)
    mg = mg + (grad - mg) * _less_from_one(rho)
    mom = mom * momentum + grad * rate / call("sqrt", ms - mg * mg + epsilon)
    return var - mom, mg, ms, mom


def _adam(
    op: Any, var: Scalar, m: Scalar, v: Scalar, power1: Scalar, power2: Scalar, rate: Scalar, beta1: Scalar,
    beta2: Scalar, epsilon: Scalar, grad: Scalar,
) -> tuple[Scalar, ...]:  # fmt: skip
    alpha = rate * call("sqrt", _less_from_one(power2)) / _less_from_one(power1)
    m = m + (grad - m) * _less_from_one(beta1)
    v = v + (grad * grad - v) * _less_from_one(beta2)
    direction = m * beta1 + grad * _less_from_one(beta1) if op.use_nesterov else m
    return var - direction * alpha / (call("sqrt", v) + epsilon), m, v


FORMULAS: dict[type[Op], Formula] = {
    U.ApplyGradientDescent: _sgd,
    U.ApplyMomentum: _momentum,
    U.ApplyAdagrad: _adagrad,
    U.ApplyAdadelta: _adadelta,
    U.ApplyFtrl: _ftrl,
    U.ApplyRMSProp: _rms,
    U.ApplyCenteredRMSProp: _centered,
    U.ApplyAdam: _adam,
}


def apply(op: U.Apply, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """The step as one loop over the elements; None if the op has no formula or the types do not fit it."""
    size = in_types[0].size
    formula = FORMULAS.get(type(op))
    if formula is None or not size:
        return None
    big = {*op.writes, op.gradient % len(in_types)}
    types = tuple(TensorType(t.dtype, (size if i in big else 1,)) for i, t in enumerate(in_types))
    if any(t.size != 1 for i, t in enumerate(in_types) if i not in big):
        return None
    made = formula(op, *(operand(i, t.dtype) for i, t in enumerate(types)))
    what = Elementwise((size,), types, tuple(map(Output, made)))
    if not what.is_printable:
        return None
    native = elementwise(what, how)

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        return [call.on({BufferRef("out", i): BufferRef("in", w) for i, w in enumerate(op.writes)}) for call in every()]

    def every() -> list[Call]:
        return list(native.calls((True,) * len(made)))

    return Native(calls, native.workspace)


def together(op: MultiTensorApply, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """Several steps in order."""
    pieces = zip(op.pieces(in_types), op.pieces(out_types), strict=True)
    parts = [p for given, made in pieces if (p := apply(op.op, given, made, how)) is not None]
    size = len(in_types) // op.count
    if len(parts) < op.count:
        return None

    def calls(wanted: tuple[bool, ...]) -> list[Call]:
        found = []
        for n, part in enumerate(parts):
            moved = {BufferRef("in", i): BufferRef("in", n * size + i) for i in range(size)}
            found += [call.on(moved) for call in part.calls(())]
        return found

    return Native(calls, max(part.workspace for part in parts))


def assign(op: Assign, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """var = value."""
    return _assign(in_types, lambda var, value: value, how)


def assign_add(op: AssignAdd, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """var = var + value."""
    return _assign(in_types, lambda var, value: var + value, how)


def assign_sub(op: AssignSub, in_types: Types, out_types: Types, how: LoweringContext) -> Native | None:
    """var = var − value."""
    return _assign(in_types, lambda var, value: var - value, how)


def _assign(in_types: Types, formula: Callable[[Scalar, Scalar], Scalar], how: LoweringContext) -> Native | None:
    var, value = in_types
    if not var.size or var.size != value.size:
        return None
    kind = TensorType(var.dtype, (var.size,))
    made = formula(operand(0, var.dtype), operand(1, var.dtype))
    what = Elementwise((var.size,), (kind, kind), (Output(made),))
    if not what.is_printable:
        return None
    native = elementwise(what, how)
    return Native(always(lambda: [c.on({BufferRef("out", 0): BufferRef("in", 0)}) for c in native.calls((True,))]))
