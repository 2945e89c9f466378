"""Steps that move elements: slices, joins, padding, transposes, gathers and scatters."""

from __future__ import annotations

from fuzz.grow import ELEMENTS, Grower, Kind, Value


def _any(v: Value) -> bool:
    return v.tag != "op"


def _ranked(v: Value) -> bool:
    return v.tag != "op" and v.rank > 0


def reshape(g: Grower) -> object:
    x = g.pick(_any)
    if x is None:
        return None
    options = ["[-1]"] if min(x.size, 1) else []
    if all(map(x.fixed, range(x.rank))):
        options += [str(list(reversed(x.shape))), str([1, *x.shape]), str([*x.shape, 1])]
    if x.rank > 1 and all(map(x.fixed, range(1, x.rank))) and 0 not in x.shape[1:]:
        rest = 1
        for d in x.shape[1:]:
            rest *= d
        options += [f"[-1, {rest}]", str([-1, *reversed(x.shape[1:])])]
    return g.add("reshape", f"tf.reshape({x.name}, {g.choose(options)})") if options else None


def transpose(g: Grower) -> object:
    x = g.pick(lambda v: _any(v) and v.rank > 1)
    if x is None:
        return None
    order = g.random.sample(range(x.rank), x.rank)
    if g.chance(0.2):
        return g.add("transpose", f"tf.transpose({x.name})")
    if x.rank == 4 and g.chance(0.5):
        order = g.choose([[0, 2, 3, 1], [0, 3, 1, 2]])
    return g.add("transpose", f"tf.transpose({x.name}, {order})")


def ranks(g: Grower) -> object:
    x = g.pick(_any)
    if x is None or x.rank > 4:
        return None
    ones = [i for i in range(x.rank) if x.shape[i] == 1 and x.fixed(i)]
    if ones and g.chance(0.5):
        return g.add("ranks", f"tf.squeeze({x.name}, [{g.choose(ones)}])")
    return g.add("ranks", f"tf.expand_dims({x.name}, {g.random.randint(0, x.rank)})")


def slicing(g: Grower) -> object:
    x = g.pick(_ranked)
    if x is None:
        return None
    keys = [_key(g, x, axis) for axis in range(g.random.randint(1, x.rank))]
    return g.add("slicing", f"{x.name}[{', '.join(keys)}]")


def _key(g: Grower, x: Value, axis: int) -> str:
    options = [":", "::-1", "::2", "::-2", "1:", ":-1", "1::3", "-2:", ":2", "None", "-1::-1"]
    if x.fixed(axis) and x.shape[axis]:
        d = x.shape[axis]
        low, high = sorted((g.random.randrange(d), g.random.randrange(d)))
        options += [str(low), str(-1 - low), f"{low}:{high + 1}", f"{high}:{low}:-1", f"{high}::-3", f":{low}:-2"]
    return str(g.choose(options))


def reverse(g: Grower) -> object:
    x = g.pick(_ranked)
    return x and g.add("reverse", f"tf.reverse({x.name}, [{g.random.randrange(x.rank)}])")


def concat(g: Grower) -> object:
    x = g.pick(_ranked)
    if x is None:
        return None
    axis = g.random.randrange(x.rank)
    fits = [v for v in g.values if v.tag == x.tag and v.rank == x.rank and _but(v.shape, axis) == _but(x.shape, axis)
            and _but(v.other, axis) == _but(x.other, axis)]  # fmt: skip
    parts = [x, *(g.choose(fits) for _ in range(g.random.randint(1, 3)))]
    if sum(p.size for p in parts) > ELEMENTS:
        return None
    g.random.shuffle(parts)
    return g.add("concat", f"tf.concat([{', '.join(p.name for p in parts)}], {axis})")


def _but(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def stack(g: Grower) -> object:
    x = g.pick(lambda v: _any(v) and v.rank < 5)
    if x is None or 3 * x.size > ELEMENTS:
        return None
    fits = [v.name for v in g.values if (v.tag, v.shape, v.other) == (x.tag, x.shape, x.other)]
    return g.add("stack", f"tf.stack([{x.name}, {g.choose(fits)}, {g.choose(fits)}], {g.random.randint(0, x.rank)})")


def split(g: Grower) -> object:
    x = g.pick(lambda v: _any(v) and any(v.fixed(i) and v.shape[i] > 1 for i in range(v.rank)))
    if x is None:
        return None
    axis = g.choose([i for i in range(x.rank) if x.fixed(i) and x.shape[i] > 1])
    d = x.shape[axis]
    if d <= 3 and g.chance(0.5):
        return g.add("split", f"tf.unstack({x.name}, axis={axis})", count=d)
    cut = g.random.randint(1, d - 1)
    sizes = [cut, d - cut] if g.chance(0.7) else [1, d - 1]
    return g.add("split", f"tf.split({x.name}, {sizes}, {axis})", count=2)


def pad(g: Grower) -> object:
    x = g.pick(_ranked)
    if x is None or x.tag == "B":
        return None
    mode = g.choose(["CONSTANT", "CONSTANT", "REFLECT", "SYMMETRIC"])
    widths = []
    for axis in range(x.rank):
        most = 2
        if mode != "CONSTANT":
            most = min(x.shape[axis], x.other[axis]) - (mode == "REFLECT") if x.fixed(axis) else 0
            most = max(min(most, 2), 0)
        widths.append([g.random.randint(0, most), g.random.randint(0, most)] if g.chance(0.6) else [0, 0])
    extra = ", constant_values=2.0" if mode == "CONSTANT" and x.floats and g.chance(0.3) else ""
    return x.size < ELEMENTS // 8 and g.add("pad", f"tf.pad({x.name}, {widths}, {mode!r}{extra})")


def tile(g: Grower) -> object:
    x = g.pick(_ranked)
    if x is None or x.size > ELEMENTS // 8:
        return None
    return g.add("tile", f"tf.tile({x.name}, {[g.choose([1, 1, 2, 3]) for _ in range(x.rank)]})")


def broadcast(g: Grower) -> object:
    x = g.pick(lambda v: _any(v) and all(map(v.fixed, range(v.rank))))
    if x is None or x.size > ELEMENTS // 8:
        return None
    return g.add("broadcast", f"tf.broadcast_to({x.name}, {[g.choose([1, 2, 3]), *x.shape]})")


def gather(g: Grower) -> object:
    x = g.pick(lambda v: _any(v) and any(v.fixed(i) and v.shape[i] for i in range(v.rank)))
    if x is None:
        return None
    axis = g.choose([i for i in range(x.rank) if x.fixed(i) and x.shape[i]])
    d = x.shape[axis]
    places = [g.random.randrange(d) for _ in range(g.choose([1, 2, 3, 5]))]
    if axis == 0 and g.chance(0.3):
        return g.add("gather", f"tf.gather_nd({x.name}, {[[p] for p in places]})")
    return x.size * 5 < ELEMENTS and g.add("gather", f"tf.gather({x.name}, {places}, axis={axis})")


def look_up(g: Grower) -> object:
    """Rows of a table, by numbers that are fed."""
    table = g.leaf([g.choose([3, 5, 17]), g.choose([1, 3, 8])], role="variable")
    index = g.leaf(g.choose([[-1], [4], [-1, 2], [1]]), "int32", role="feed", kind="index")
    return g.add("look_up", f"tf.nn.embedding_lookup({table.name}, {index.name})")


def scatter(g: Grower) -> object:
    x = g.pick(lambda v: v.floats and v.rank > 0 and v.fixed(0) and 0 < v.shape[0] <= 33)
    if x is None:
        return None
    d = g.random.randint(1, 5)
    places = [g.random.randrange(d) for _ in range(x.shape[0])]
    if g.chance(0.5) and all(map(x.fixed, range(x.rank))):
        return g.add("scatter", f"tf.scatter_nd({[[p] for p in places]}, {x.name}, {[d, *x.shape[1:]]})", "sum")
    return g.add("scatter", f"tf.unsorted_segment_sum({x.name}, {places}, {d})", "sum")


def one_hot(g: Grower) -> object:
    x = g.pick(lambda v: v.tag in ("int32", "int64", "uint8") and v.rank < 4 and v.size < ELEMENTS // 8)
    return x and g.add("one_hot", f"tf.one_hot({x.name}, {g.choose([1, 3, 5])}, dtype=F)")


def blocks(g: Grower) -> object:
    x = g.pick(lambda v: v.floats and v.rank == 4 and all(map(v.fixed, (1, 2, 3))))
    if x is None:
        return None
    _, h, w, c = x.shape
    if min(h, w) > 1 and g.chance(0.7):
        return g.add("blocks", f"tf.space_to_depth({x.name}[:, : {h // 2 * 2}, : {w // 2 * 2}], 2)")
    return c > 3 and g.add("blocks", f"tf.depth_to_space({x.name}[..., : {c // 4 * 4}], 2)")


def cumulate(g: Grower) -> object:
    x = g.pick(lambda v: v.floats and v.rank > 0)
    if x is None:
        return None
    name = "cumsum" if g.program.exact or g.chance(0.7) else "cumprod"
    flags = f"exclusive={g.chance(0.3)}, reverse={g.chance(0.3)}"
    return g.add("cumulate", f"tf.{name}({x.name}, {g.random.randrange(x.rank)}, {flags})", "sum")


KINDS: dict[str, tuple[Kind, int]] = {
    "reshape": (reshape, 3),
    "transpose": (transpose, 3),
    "ranks": (ranks, 2),
    "slicing": (slicing, 5),
    "reverse": (reverse, 1),
    "concat": (concat, 3),
    "stack": (stack, 1),
    "split": (split, 2),
    "pad": (pad, 2),
    "tile": (tile, 1),
    "broadcast": (broadcast, 1),
    "gather": (gather, 2),
    "look_up": (look_up, 1),
    "scatter": (scatter, 1),
    "one_hot": (one_hot, 1),
    "blocks": (blocks, 1),
    "cumulate": (cumulate, 1),
}
