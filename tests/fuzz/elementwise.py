"""Steps that work element by element: arithmetic, activations, comparisons, selections, casts, integers."""

from __future__ import annotations

from fuzz.grow import INTEGERS, Grower, Kind, Value

EXACT = [
    "-{x}", "tf.abs({x})", "tf.nn.relu({x})", "tf.nn.relu6({x})", "tf.sign({x})", "tf.floor({x})", "tf.ceil({x})",
    "tf.round({x})", "tf.identity({x})", "tf.stop_gradient({x})", "{x} * 1.0", "{x} + 0.0", "{x} - 0.0", "0.0 + {x}",
    "{x} / 1.0", "-(-{x})", "{x} * 0.0", "tf.maximum({x}, 0.0)", "tf.minimum({x}, 1.0)", "{x} * 2.0", "{x} + {x}",
    "{x} - {x}", "tf.clip_by_value({x}, -1.0, 2.0)", "tf.nn.leaky_relu({x}, 0.25)", "tf.maximum({x}, {x})",
    "tf.zeros_like({x})", "tf.ones_like({x})", "0.5 * {x}", "tf.where(tf.greater({x}, 0.0), {x}, tf.zeros_like({x}))",
]  # fmt: skip
WHOLE = ["tf.square({x})", "{x} * {x}", "1.0 - {x}", "{x} + 1.0", "{x} ** 2"]  # exact for small integers
ROUNDED = [
    "tf.exp({x})", "tf.log({x})", "tf.sqrt({x})", "tf.rsqrt({x})", "tf.tanh({x})", "tf.sigmoid({x})", "tf.sin({x})",
    "tf.cos({x})", "tf.nn.softplus({x})", "tf.nn.elu({x})", "tf.nn.selu({x})", "tf.nn.softsign({x})", "tf.log1p({x})",
    "tf.expm1({x})", "tf.reciprocal({x})", "tf.log(tf.abs({x}) + 1.0)", "tf.sqrt(tf.square({x}) + 0.5)", "{x} ** 3",
    "tf.nn.leaky_relu({x})", "tf.erf({x})", "1.0 / {x}", "{x} / 3.0",
    "tf.exp({x}) - 1.0", "tf.log(tf.sigmoid({x}))", "tf.log(1.0 + tf.exp({x}))", "1.0 / (1.0 + tf.exp(-{x}))",
    "tf.exp(-tf.square({x}))", "{x} * tf.sigmoid({x})", "3.7 * {x} * (1.0 - {x})", "tf.log_sigmoid({x})",
    "tf.abs({x}) ** 0.5", "tf.pow(tf.abs({x}), 1.5)", "tf.exp({x}) / (1.0 + tf.exp({x}))", "{x} ** 0.0",
]  # fmt: skip
BINARY_EXACT = ["tf.maximum({x}, {y})", "tf.minimum({x}, {y})"]
BINARY_WHOLE = ["{x} + {y}", "{x} - {y}", "{x} * {y}", "tf.squared_difference({x}, {y})", "tf.add({x}, {y})"]
BINARY_ROUNDED = [
    "{x} / {y}", "{x} / (tf.square({y}) + 1.0)", "tf.pow(tf.abs({x}) + 0.5, {y})",
    "tf.div_no_nan({x}, {y})", "tf.floordiv({x}, {y})", "tf.mod({x}, {y})", "tf.truediv({x}, {y})",
]  # fmt: skip
COMPARE = ["greater", "less", "greater_equal", "less_equal", "equal", "not_equal"]
WHOLE_NUMBERS = [
    "{x} + {y}", "{x} - {y}", "{x} * {y}", "tf.maximum({x}, {y})", "tf.minimum({x}, {y})",
    "tf.floordiv({x}, tf.maximum({y}, tf.ones_like({y})))", "tf.mod({x}, tf.maximum({y}, tf.ones_like({y})))",
    "tf.abs({x})", "tf.square({x})", "{x} // 3", "{x} % 3", "{x} + 0", "{x} * 1", "{x} - {x}", "tf.sign({x})",
    "tf.clip_by_value({x}, 0, 3)", "tf.squared_difference({x}, {y})", "tf.zeros_like({x})",
]  # fmt: skip


def unary(g: Grower) -> object:
    exact = g.program.exact or g.chance(0.4)
    x = g.pick()
    if x is None:
        return None
    if exact:
        whole = g.chance(0.4)
        return g.add("unary", g.choose(WHOLE if whole else EXACT).format(x=x.name), "each" if whole else "")
    return g.add("unary", g.choose(ROUNDED).format(x=x.name), "each")


def binary(g: Grower) -> object:
    x = g.pick()
    if x is None:
        return None
    x, y = x, g.partner(x)
    if g.chance(0.5):
        x, y = y, x
    texts = BINARY_EXACT if g.chance(0.25) else BINARY_WHOLE
    if not g.program.exact and g.chance(0.4):
        texts = BINARY_ROUNDED
    return g.add("binary", g.choose(texts).format(x=x.name, y=y.name), "" if texts is BINARY_EXACT else "each")


def chain(g: Grower) -> object:
    """Several uses of a value in one expression, for fusion."""
    x = g.pick()
    if x is None:
        return None
    y, z = g.partner(x), g.partner(x)
    text = g.choose(
        [
            "{x} * {y} + {z}",
            "tf.nn.relu({x} + {y}) * {z}",
            "({x} - {y}) * ({x} - {y})",
            "tf.maximum({x} * {y}, {z}) + {x}",
        ]
    )
    return g.add("chain", text.format(x=x.name, y=y.name, z=z.name), "sum")


def same(g: Grower, x: Value) -> str:
    """A value of the type of x."""
    found = g.pick(lambda v: (v.tag, v.shape, v.other) == (x.tag, x.shape, x.other))
    assert found is not None
    return found.name


def add_n(g: Grower) -> object:
    x = g.pick()
    if x is None:
        return None
    return g.add(
        "add_n", f"tf.add_n([{x.name}, {', '.join(same(g, x) for _ in range(g.random.randint(1, 3)))}])", "sum"
    )


def compare(g: Grower) -> object:
    x = g.pick(lambda v: v.tag not in ("B", "op"))
    if x is None:
        return None
    y = g.partner(x)
    return g.add("compare", f"tf.{g.choose(COMPARE)}({x.name}, {y.name})")


def logic(g: Grower) -> object:
    x = g.pick(lambda v: v.tag == "B")
    if x is None:
        return None
    y = g.partner(x)
    text = g.choose(
        ["tf.logical_and({x}, {y})", "tf.logical_or({x}, {y})", "tf.logical_not({x})", "tf.logical_xor({x}, {y})"]
    )
    return g.add("logic", text.format(x=x.name, y=y.name))


def select(g: Grower) -> object:
    x = g.pick(lambda v: v.tag not in ("B", "op"))
    if x is None:
        return None
    y = same(g, x)
    condition = g.choose([f"tf.greater({x.name}, {y})", f"tf.equal({x.name}, {y})", f"tf.less_equal({y}, {x.name})"])
    masks = [v for v in g.values if v.tag == "B" and (v.shape, v.other) == (x.shape, x.other)]
    if masks and g.chance(0.7):
        condition = g.choose(masks).name
    return g.add("select", f"tf.where({condition}, {x.name}, {g.choose([y, same(g, x), f'tf.zeros_like({y})'])})")


def cast(g: Grower) -> object:
    x = g.pick(lambda v: v.tag != "op")
    if x is None:
        return None
    to = g.choose(["F", "F", *INTEGERS, "B", *(["H"] if g.half else [])])
    dtype = {"F": "F", "H": "H", "B": "tf.bool"}.get(to, f"tf.{to}")
    if x.floats and to in INTEGERS and not g.special:
        return g.add("cast", f"tf.cast(tf.clip_by_value({x.name}, -100.0, 100.0), {dtype})")
    return g.add("cast", f"tf.cast({x.name}, {dtype})", "each" if to in "FH" and x.tag not in ("B", "F") else "")


def integers(g: Grower) -> object:
    x = g.pick(lambda v: v.tag in INTEGERS)
    if x is None:
        x = g.leaf([g.size(13), g.size(7)], g.choose(INTEGERS), kind=g.choose(["normal", "special"]))
    y = g.partner(x)
    return g.add("integers", g.choose(WHOLE_NUMBERS).format(x=x.name, y=y.name))


def finite(g: Grower) -> object:
    x = g.pick()
    return x and g.add("finite", f"tf.{g.choose(['is_finite', 'is_nan', 'is_inf'])}({x.name})")


def dropout(g: Grower) -> object:
    x = g.pick(lambda v: v.tag == "F")
    keep = g.choose([1.0, 0.5] if g.program.exact else [1.0, 0.5, 0.9, 0.3])
    return x and g.add("dropout", f"drop({x.name}, {keep}, {g.random.randrange(100)})", "each")


def draws(g: Grower) -> object:
    if g.program.exact:
        return None
    x = g.pick(lambda v: v.tag == "F")
    text = g.choose(["tf.random_uniform", "tf.random_normal", "tf.truncated_normal"])
    return x and g.add("draws", f"tf.cast({text}(tf.shape({x.name}), seed={g.random.randrange(100)}), F)", "each")


def condition(g: Grower) -> object:
    """A branch that is taken or not."""
    x = g.pick()
    if x is None:
        return None
    flag = g.leaf([], "B")
    return g.add("condition", f"tf.cond({flag.name}, lambda: {x.name} + 1.0, lambda: {x.name} * 2.0)", "each")


KINDS: dict[str, tuple[Kind, int]] = {
    "unary": (unary, 10),
    "binary": (binary, 9),
    "chain": (chain, 3),
    "add_n": (add_n, 2),
    "compare": (compare, 2),
    "logic": (logic, 1),
    "select": (select, 3),
    "cast": (cast, 3),
    "integers": (integers, 3),
    "finite": (finite, 1),
    "dropout": (dropout, 1),
    "draws": (draws, 1),
    "condition": (condition, 1),
}
