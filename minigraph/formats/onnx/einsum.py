"""Importer of Einsum."""

from __future__ import annotations

from collections.abc import Callable

import minigraph as tf
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
    if any(len(set(t)) < len(t) for t in (o.replace("...", "") for o in operands)):
        call.unsupported("an index that occurs twice in one operand")
    if not arrow:
        used = terms.replace("...", "").replace(",", "")
        result = widest + "".join(sorted(c for c in set(used) if used.count(c) == 1))
    return tf.einsum(f"{terms}->{result}".replace("...", widest), *call.xs())


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {"Einsum": _einsum}
