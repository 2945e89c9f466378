"""Steps that sum: reductions, matrix products, softmax, losses, norms; and those that rank."""

from __future__ import annotations

import math

from fuzz.grow import Grower, Kind, Value


def _axes(g: Grower, x: Value, full: bool = False) -> str | None:
    """Some axes, as text; with `full` all of them have elements."""
    count = g.random.randint(1, x.rank)
    axes = sorted(g.random.sample(range(x.rank), count))
    if full and not all(x.full(a) for a in axes):
        return None
    return str([a - x.rank if g.chance(0.2) else a for a in axes])


def reduction(g: Grower) -> object:
    x = g.pick(lambda v: v.floats and v.rank > 0)
    if x is None:
        return None
    name = g.choose(["reduce_sum", "reduce_sum", "reduce_max", "reduce_min", "reduce_mean"])
    if not g.program.exact and g.chance(0.2):
        name = g.choose(["reduce_prod", "reduce_logsumexp"])
    axes = _axes(g, x, name not in ("reduce_sum", "reduce_mean"))
    if axes is None:
        return None
    if g.chance(0.15):
        axes = "None"
        if not all(map(x.full, range(x.rank))):
            return None
    rounds = "" if name in ("reduce_max", "reduce_min") else "sum"
    return g.add("reduction", f"tf.{name}({x.name}, {axes}, keepdims={g.chance(0.4)})", rounds)


def count(g: Grower) -> object:
    """Sums of integers, and of truth values."""
    x = g.pick(lambda v: v.tag not in ("F", "H", "op") and v.rank > 0)
    if x is None:
        return None
    axes = _axes(g, x, True)
    if axes is None:
        return None
    names = (
        ["reduce_all", "reduce_any", "count_nonzero"] if x.tag == "B" else ["reduce_sum", "reduce_max", "reduce_min"]
    )
    return g.add("count", f"tf.{g.choose(names)}({x.name}, {axes})")


def rank(g: Grower) -> object:
    x = g.pick(lambda v: v.floats and v.rank > 0)
    if x is None:
        return None
    axis = g.random.randrange(x.rank)
    if not x.full(axis):
        return None
    if g.chance(0.3):
        k = g.random.randint(1, min(x.shape[-1], 3)) if x.fixed(x.rank - 1) and x.shape[-1] else 0
        return k and g.add("rank", f"tf.nn.top_k({x.name}, {k})", count=2)
    if g.chance(0.3):
        return g.add("rank", f"tf.sort({x.name}, {axis}, {g.choose(['ASCENDING', 'DESCENDING'])!r})")
    return g.add("rank", f"tf.{g.choose(['argmax', 'argmin'])}({x.name}, {axis})")


def matrix(g: Grower, tags: str = "FH") -> Value | None:
    """A matrix with a row for each image, or any other."""
    x = g.pick(lambda v: v.tag in tags and v.rank >= 2 and all(v.fixed(i) and v.shape[i] for i in range(1, v.rank)))
    if x is None or x.rank == 2:
        return x
    if g.chance(0.3):
        made = g.add("reduction", f"tf.reduce_mean({x.name}, {list(range(1, x.rank - 1))})", "sum")
    else:
        made = g.add("reshape", f"tf.reshape({x.name}, [-1, {math.prod(x.shape[1:])}])")
    return made[0] if made else None


def product(g: Grower) -> object:
    x = matrix(g)
    if x is None:
        return None
    if g.chance(0.3):
        w = g.leaf([g.size(17), x.shape[1]], x.tag)
        return g.add("product", f"tf.matmul({x.name}, {w.name}, transpose_b=True)", "sum")
    if g.chance(0.2):
        return g.add("product", f"tf.matmul({x.name}, {x.name}, transpose_a=True)", "sum")
    w = g.leaf([x.shape[1], g.size()], x.tag)
    if g.chance(0.5):
        b = g.leaf([w.shape[1]], x.tag)
        return g.add("product", f"tf.nn.bias_add(tf.matmul({x.name}, {w.name}), {b.name})", "sum")
    return g.add("product", f"tf.matmul({x.name}, {w.name})", "sum")


def products(g: Grower) -> object:
    """Products of stacks of matrices."""
    x = g.pick(lambda v: v.floats and v.rank in (3, 4) and v.fixed(v.rank - 1))
    if x is None:
        return None
    if g.chance(0.5):
        return g.add("products", f"tf.matmul({x.name}, {x.name}, transpose_a=True)", "sum")
    return g.add("products", f"tf.matmul({x.name}, {x.name}, transpose_b=True)", "sum")


def softmax(g: Grower) -> object:
    x = g.pick(lambda v: v.floats and v.rank > 0)
    if x is None or g.program.exact:
        return None
    axis = g.random.randrange(x.rank) if g.chance(0.4) else -1
    if not x.full(axis):
        return None
    text = g.choose(
        [
            "tf.nn.softmax({x}, axis={a})", "tf.nn.log_softmax({x}, axis={a})", "tf.log(tf.nn.softmax({x}, axis={a}))",
            "tf.exp({x}) / tf.reduce_sum(tf.exp({x}), {a}, keepdims=True)", "tf.log(tf.reduce_sum(tf.exp({x}), {a}))",
            "tf.nn.l2_normalize({x}, {a})", "tf.square(tf.nn.log_softmax({x}, axis={a}))",
        ]
    )  # fmt: skip
    return g.add("softmax", text.format(x=x.name, a=axis), "sum")


def cross_entropy(g: Grower) -> object:
    x = None if g.program.exact else matrix(g, "F")
    if x is None:
        return None
    rows = x.shape[0] if x.fixed(0) else -1
    if rows == -1 and x.shape[0] != g.program.sizes[0]:
        return None
    if g.chance(0.3):
        labels = g.leaf([rows], "int32", role="feed", kind="index")
        if x.shape[1] < 3:
            return None
        loss = "sparse_softmax_cross_entropy_with_logits"
        return g.add("cross_entropy", f"tf.nn.{loss}(labels={labels.name}, logits={x.name})", "sum")
    labels = g.leaf([rows, x.shape[1]], kind="positive")
    text = g.choose(
        [
            "tf.nn.softmax_cross_entropy_with_logits(labels={y}, logits={x})",
            "tf.nn.softmax_cross_entropy_with_logits_v2(labels={y}, logits={x})",
            "tf.nn.sigmoid_cross_entropy_with_logits(labels={y}, logits={x})",
            "-tf.reduce_sum({y} * tf.log(tf.nn.softmax({x})), 1)",
            "-{y} * tf.log(tf.sigmoid({x})) - (1.0 - {y}) * tf.log(1.0 - tf.sigmoid({x}))",
        ]
    )
    return g.add("cross_entropy", text.format(x=x.name, y=labels.name), "sum")


def moments(g: Grower) -> object:
    x = g.pick(lambda v: v.floats and v.rank > 1)
    if x is None or g.program.exact:
        return None
    axes = _axes(g, x, True)
    if axes is None:
        return None
    if g.chance(0.3):
        return g.add("moments", f"tf.nn.l2_loss({x.name})", "sum")
    return g.add("moments", f"tf.nn.moments({x.name}, {axes}, keep_dims={g.chance(0.5)})", "sum", count=2)


KINDS: dict[str, tuple[Kind, int]] = {
    "reduction": (reduction, 6),
    "count": (count, 1),
    "rank": (rank, 2),
    "product": (product, 4),
    "products": (products, 1),
    "softmax": (softmax, 3),
    "cross_entropy": (cross_entropy, 2),
    "moments": (moments, 1),
}
