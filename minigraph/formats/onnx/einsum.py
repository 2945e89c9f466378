"""Importer of Einsum."""

from __future__ import annotations

from collections.abc import Callable

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result


def _einsum(call: OnnxNode) -> Result:
    """The equation with unused letters in place of the ellipsis."""
    terms, arrow, result = call.attr("equation").replace(" ", "").partition("->")
    spare = [c for c in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if c not in terms]
    operands = terms.split(",")
    extra = [call.rank(i) - len(t.replace("...", "")) if "..." in t else 0 for i, t in enumerate(operands)]
    widest = "".join(spare[: max(extra)])
    if any(n not in (0, len(widest)) for n in extra):
        call.unsupported("ellipses that stand for different numbers of axes")
    if not arrow:
        used = terms.replace("...", "").replace(",", "")
        result = widest + "".join(sorted(c for c in set(used) if used.count(c) == 1))
    pairs = [_diagonal(x, t.replace("...", widest)) for x, t in zip(call.xs(), operands, strict=True)]
    return tf.einsum(f"{','.join(t for _, t in pairs)}->{result}".replace("...", widest), *(x for x, _ in pairs))


def _diagonal(x: Tensor, term: str) -> tuple[Tensor, str]:
    """An operand and its indices, with the diagonal in place of axes that have the same index."""
    for c in set(term):
        while term.count(c) > 1:
            first, last = term.index(c), term.rindex(c)
            rest = [a for a in range(len(term)) if a not in (first, last)]
            x = tf.matrix_diag_part(tf.transpose(x, [*rest, first, last]))
            term = "".join(term[a] for a in rest) + c
    return x, term


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {"Einsum": _einsum}
