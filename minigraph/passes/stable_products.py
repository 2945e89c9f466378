"""Products in which a quotient by a positive number cancels, as gradients of logarithms and quotients contain them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minigraph.core.types import TensorType
from minigraph.ir.program import Instr, Value, reachable
from minigraph.ir.rebuild import Rebuilder
from minigraph.ops.array.reshape import ExpandDims, Reshape
from minigraph.ops.broadcast import BroadcastTo, normalise_axes
from minigraph.ops.constant import Const
from minigraph.ops.filling import Full
from minigraph.ops.identity import Identity, StopGradient
from minigraph.ops.math.add_n import AddN
from minigraph.ops.math.arithmetic import Add, Mul, Neg, RealDiv, Sub
from minigraph.ops.math.exponential import Exp
from minigraph.ops.math.finite import IsFinite
from minigraph.ops.math.reduce import Sum
from minigraph.ops.math.reduce_extremes import Max
from minigraph.ops.math.selection import Select
from minigraph.ops.nn.activation import Sigmoid
from minigraph.ops.nn.softmax import Softmax
from minigraph.passes.constant_folding import constant_value

FACTORS = 12  # of a product that is searched; the gradients of the forms above have at most six
_SUMS = (Add, AddN, Sub)
_MOVES = (Select, StopGradient, Identity, Reshape, ExpandDims, BroadcastTo)


def other_than_one(total: Instr) -> Value | None:
    """x of 1 + x or x + 1, if the sum has its type; None for another instruction."""
    if isinstance(total.op, Add) and not total.control:
        for position in (0, 1):
            other = total.inputs[1 - position]
            if other.type == total.types[0] and constant_value(total.inputs[position]) == 1:
                return other
    return None


def is_shifted(x: Value) -> bool:
    """Whether x is a difference from a maximum, so that e^x does not overflow."""
    return isinstance(x.instr.op, Sub) and _is_maximum(x.instr.inputs[1])


def _is_maximum(value: Value, depth: int = 6) -> bool:
    op = value.instr.op
    if isinstance(op, Max):
        return True
    return depth > 0 and isinstance(op, _MOVES) and any(_is_maximum(v, depth - 1) for v in value.instr.inputs)


def shifted(total: Instr, new: Rebuilder) -> tuple[Value, Value, Value]:
    """For Σ e^x: m = max x with the reduced axes kept (0 where it is not finite), e^(x − m), and Σ e^(x − m)."""
    op, x = total.op, total.inputs[0].instr.inputs[0]
    assert isinstance(op, Sum)
    largest = new.add(Max(op.axis, True), x)
    zeros = new.add(Full(largest.type, 0))
    largest = new.add(Select(), new.add(IsFinite(), largest), largest, zeros)
    terms = new.add(Exp(), new.add(Sub(), x, largest))
    return largest, terms, new.add(op, terms)


class _Frame(NamedTuple):
    """A broadcast around factors, and the type of what it broadcasts."""

    op: BroadcastTo
    inner: TensorType


class _Factor(NamedTuple):
    """A factor of a product, inside `frame` if there is one. inverse: whether the product is divided by it."""

    value: Value
    inverse: bool
    frame: _Frame | None


class _Product(NamedTuple):
    factors: tuple[_Factor, ...]
    negative: bool


def simplified(root: Instr, new: Rebuilder) -> Value | None:
    """The product or quotient with what cancels taken out; None if nothing cancels."""
    product = _product(Value(root, 0))
    if product is None:
        return None
    cancelled = _cancelled(product, new)
    if cancelled is not None:
        return _rebuilt(cancelled, new)
    return _distributed(root, product, new) if isinstance(root.op, Mul) else None


def taken_out(root: Instr, new: Rebuilder) -> Value | None:
    """Σ a/b as (Σ a)/b, where b is a sum of exponentials of the result's type; None for others."""
    product = _product(root.inputs[0])
    for i, factor in enumerate(product.factors if product else ()):
        if product and _is_unshifted_sum(factor) and factor.value.type == root.types[0]:
            rest = _rebuilt(_without(product, i), new)
            if rest is not None and rest.type == root.inputs[0].type:
                return new.add(RealDiv(), new.add(root.op, rest), factor.value)
    return None


def _is_unshifted_sum(factor: _Factor) -> bool:
    """Whether the factor is a divisor Σ e^x that may overflow."""
    instr = factor.value.instr
    if not factor.inverse or factor.frame or not isinstance(instr.op, Sum):
        return False
    x = _exponent(instr.inputs[0])
    return x is not None and not instr.control and not is_shifted(x)


def _without(product: _Product, position: int) -> _Product:
    return product._replace(factors=(*product.factors[:position], *product.factors[position + 1 :]))


def _product(value: Value) -> _Product | None:
    """The factors of a value; None if they are too many."""
    factors: list[_Factor] = []
    negative = False
    stack = [_Factor(value, False, None)]
    while stack:
        each = stack.pop()
        op, inputs = each.value.instr.op, each.value.instr.inputs
        if each.value.instr.control:
            factors.append(each)
        elif isinstance(op, Mul):
            stack += [each._replace(value=v) for v in reversed(inputs)]
        elif isinstance(op, RealDiv):
            stack += [each._replace(value=inputs[1], inverse=not each.inverse), each._replace(value=inputs[0])]
        elif isinstance(op, Neg):
            negative = not negative
            stack.append(each._replace(value=inputs[0]))
        elif isinstance(op, BroadcastTo) and not op.mean and each.frame is None:
            stack.append(each._replace(value=inputs[0], frame=_Frame(op, inputs[0].type)))
        else:
            factors.append(each)
        if len(stack) + len(factors) > FACTORS:
            return None
    return _Product(tuple(factors), negative)


def _cancelled(product: _Product, new: Rebuilder) -> _Product | None:
    """The product after every cancellation; None if there is none."""
    factors = product.factors
    if not any(f.inverse or isinstance(f.value.instr.op, Sigmoid) for f in factors):
        return None
    while (fewer := _one_cancelled(factors, new)) is not None:
        factors = fewer
    return None if factors is product.factors else product._replace(factors=factors)


def _one_cancelled(factors: tuple[_Factor, ...], new: Rebuilder) -> tuple[_Factor, ...] | None:
    """The factors after two of them are replaced; None if none belong together."""
    for i, factor in enumerate(factors):
        if factor.inverse:
            continue
        for k, other in enumerate(factors):
            made = None if k == i else _together(factor, other, new)
            if made is not None:
                found = [made if j == i else [f] for j, f in enumerate(factors) if j != k]
                return tuple(f for group in found for f in group)
    return None


def _together(factor: _Factor, other: _Factor, new: Rebuilder) -> list[_Factor] | None:
    """The factors that replace factor/other, or factor·other; None if they do not belong together."""
    if not other.inverse:
        x = _exponent(factor.value)
        if x is None or factor.frame != other.frame or not _is_sigmoid_of_minus(other.value, x):
            return None
        return [factor._replace(value=new.add(Sigmoid(), x))]  # e^x·σ(−x) = σ(x)
    if not _is_positive(other.value):
        return None
    if factor.frame == other.frame:
        if factor.value == other.value:
            return [] if _may_go(factor.value) else None
        if _are_complements(factor.value, other.value):
            return []
        if _exponent(factor.value) is not None and other_than_one(other.value.instr) == factor.value:
            return [factor._replace(value=new.add(Sigmoid(), factor.value.instr.inputs[0]))]
    return _softmax(factor, other, new)


def _softmax(factor: _Factor, divisor: _Factor, new: Rebuilder) -> list[_Factor] | None:
    """The factors that replace e^x/Σ e^x; None for others."""
    x, total = _exponent(factor.value), divisor.value.instr
    if x is None or not isinstance(total.op, Sum) or total.inputs[0] != factor.value:
        return None
    if is_shifted(x) or not _is_spread(total, factor, divisor):
        return None
    rank = len(x.type.static)
    if factor.frame is None and normalise_axes(total.op.axis, rank) == (rank - 1,):
        return [factor._replace(value=new.add(Softmax(), x))]
    _, terms, sums = shifted(total, new)
    return [divisor._replace(value=sums), factor._replace(value=terms)]


def _exponent(value: Value) -> Value | None:
    """x of e^x; None for another value."""
    instr = value.instr
    return instr.inputs[0] if isinstance(instr.op, Exp) and not instr.control else None


def _may_go(value: Value) -> bool:
    """Whether a program may do without the value. Not if that would drop control inputs, such as assertions."""
    instr = value.instr
    if not isinstance(instr.op, Exp):
        return not instr.control  # the gradients of the other functions contain the function again
    return not any(i.control for i in reachable([instr]))


def _is_sigmoid_of_minus(value: Value, x: Value) -> bool:
    """Whether the value is σ(−x)."""
    if not isinstance(value.instr.op, Sigmoid) or value.instr.control:
        return False
    (y,) = value.instr.inputs
    return any(isinstance(a.instr.op, Neg) and a.instr.inputs[0] == b for a, b in ((x, y), (y, x)))


def _complement(value: Value) -> Value | None:
    """x of 1 − σ(x); None for another value."""
    instr = value.instr
    other: Value | None = None
    if instr.control:
        return None
    if isinstance(instr.op, Sub) and constant_value(instr.inputs[0]) == 1:
        other = instr.inputs[1]
    elif (
        (negated := other_than_one(instr)) is not None
        and isinstance(negated.instr.op, Neg)
        and not negated.instr.control
    ):
        other = negated.instr.inputs[0]
    if other is None or not isinstance(other.instr.op, Sigmoid) or other.instr.control:
        return None
    return other.instr.inputs[0]


def _are_complements(a: Value, b: Value) -> bool:
    """Whether both are 1 − σ(x), in different forms; σ(−x) is one."""
    x, y = _complement(a), _complement(b)
    if y is None:
        return x is not None and _is_sigmoid_of_minus(b, x)
    return x == y or _is_sigmoid_of_minus(a, y)


def _is_spread(total: Instr, factor: _Factor, divisor: _Factor) -> bool:
    """Whether the sums stand along the axes over which they were taken."""
    op = total.op
    assert isinstance(op, Sum)
    if divisor.frame is None or factor.frame is not None:
        return op.keep_dims and factor.frame == divisor.frame
    shape, spread = factor.value.type.static, divisor.frame.op
    if spread.shape != shape or divisor.frame.inner != divisor.value.type:
        return False
    return op.keep_dims or normalise_axes(op.axis, len(shape)) == normalise_axes(spread.axis, len(shape))


def _is_positive(value: Value) -> bool:
    """Whether the exact value is above 0 for all finite operands."""
    instr = value.instr
    if instr.control:
        return False
    if isinstance(instr.op, Exp | Sigmoid | Softmax):
        return True
    if isinstance(instr.op, Sum):
        return _exponent(instr.inputs[0]) is not None and instr.inputs[0].type.size > 0
    other = other_than_one(instr)
    return _complement(value) is not None or (other is not None and _exponent(other) is not None)


def _rebuilt(product: _Product, new: Rebuilder) -> Value | None:
    """The product as instructions: factors in one frame are multiplied inside it. None if the shape is lost."""
    groups: dict[_Frame | None, list[_Factor]] = {}
    for factor in product.factors:
        groups.setdefault(factor.frame, []).append(factor)
    result: Value | None = None
    for frame, factors in groups.items():
        part = _multiplied(factors, new)
        if frame is not None:
            if part.type != frame.inner:
                return None
            part = new.add(frame.op, part)
        result = part if result is None else new.add(Mul(), result, part)
    return new.add(Neg(), result) if product.negative and result is not None else result


def _multiplied(factors: Sequence[_Factor], new: Rebuilder) -> Value:
    result: Value | None = None
    for factor in sorted(factors, key=lambda f: f.inverse):
        if result is None:
            one = Const(np.array(1, factor.value.type.dtype.np_dtype))
            result = new.add(RealDiv(), new.add(one), factor.value) if factor.inverse else factor.value
        else:
            result = new.add(RealDiv() if factor.inverse else Mul(), result, factor.value)
    assert result is not None
    return result


class _Term(NamedTuple):
    value: Value
    negative: bool


def _terms(value: Value) -> list[_Term]:
    """The terms of a sum of tensors of one type; a single one for another value, and for a long sum."""
    terms: list[_Term] = []
    stack = [_Term(value, False)]
    while stack:
        each = stack.pop()
        instr, negative = each.value.instr, each.negative
        if instr.control:
            terms.append(each)
        elif isinstance(instr.op, Add | AddN):
            stack += [_Term(v, negative) for v in reversed(instr.inputs)]
        elif isinstance(instr.op, Neg):
            stack.append(_Term(instr.inputs[0], not negative))
        elif isinstance(instr.op, Sub):
            stack += [_Term(instr.inputs[1], not negative), _Term(instr.inputs[0], negative)]
        else:
            terms.append(each)
        if len(stack) + len(terms) > FACTORS:
            return [_Term(value, False)]
    return terms


def _distributed(root: Instr, product: _Product, new: Rebuilder) -> Value | None:
    """(a/p + b)·p as a + b·p; None if no quotient in a sum cancels against the other factors."""
    for i, factor in enumerate(product.factors):
        if factor.inverse or factor.frame or not isinstance(factor.value.instr.op, _SUMS):
            continue
        rest = _without(product, i)
        if not any(not f.inverse and _is_positive(f.value) for f in rest.factors):
            continue
        products = [_times(term, rest, new) for term in _terms(factor.value)]
        values = [value for value, _ in products]
        if any(cancels for _, cancels in products) and all(t.value.type == root.types[0] for t in values):
            return _summed(values, new)
    return None


def _times(term: _Term, rest: _Product, new: Rebuilder) -> tuple[_Term, bool]:
    """The term times the rest, and whether something cancelled."""
    own = _product(term.value)
    if own is not None:
        whole = _Product((*own.factors, *rest.factors), own.negative != rest.negative)
        cancelled = _cancelled(whole, new)
        value = None if cancelled is None else _rebuilt(cancelled, new)
        if value is not None:
            return _Term(value, term.negative), True
    whole = rest._replace(factors=(_Factor(term.value, False, None), *rest.factors))
    value = _rebuilt(whole, new)
    return _Term(term.value if value is None else value, term.negative), False


def _summed(terms: Sequence[_Term], new: Rebuilder) -> Value:
    ordered = sorted(terms, key=lambda t: t.negative)
    first, *rest = ordered
    result = new.add(Neg(), first.value) if first.negative else first.value
    for term in rest:
        result = new.add(Sub() if term.negative else Add(), result, term.value)
    return result
