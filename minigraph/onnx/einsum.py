"""Einsum: the operands side by side in one broadcast product, then sums over what the result does not have."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.onnx.call import Call, Result

_BATCH = "0123456789"  # one for each axis that an ellipsis stands for


def _einsum(call: Call) -> Result:
    terms, arrow, result = call.attr("equation").replace(" ", "").partition("->")
    operands = [_spelled(t, call.rank(i)) for i, t in enumerate(terms.split(","))]
    every = "".join(dict.fromkeys("".join(operands)))
    batch = "".join(c for c in _BATCH if c in every)
    if arrow:
        out = result.replace("...", batch)
    else:
        out = batch + "".join(sorted(c for c in every if c not in batch and "".join(operands).count(c) == 1))
    order = out + "".join(c for c in every if c not in out)
    for term in operands:
        if len(set(term)) < len(term):
            call.unsupported("an index that is there twice in one operand")
    parts = [_aligned(call.x(i), term, order) for i, term in enumerate(operands)]
    product = reduce(tf.multiply, parts)
    summed = list(range(len(out), len(order)))
    return tf.reduce_sum(product, summed) if summed else product


def _spelled(term: str, rank: int) -> str:
    return term.replace("...", _BATCH[: rank - len(term.replace("...", ""))])


def _aligned(x: Tensor, term: str, order: str) -> Tensor:
    """`x` with its axes in `order`, and ones where it has none."""
    moved = tf.transpose(x, [term.index(c) for c in order if c in term]) if len(term) > 1 else x
    for axis, c in enumerate(order):
        if c not in term:
            moved = tf.expand_dims(moved, axis)
    return moved


IMPORT: dict[str, Callable[[Call], Result]] = {"Einsum": _einsum}
