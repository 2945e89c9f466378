"""Steps on images: convolutions with all their attributes, pooling, normalisation, resizing."""

from __future__ import annotations

from fuzz.grow import Grower, Kind, Value


def image(g: Grower, first: bool = False) -> Value | None:
    """A 4-dimensional value of known height, width and channels; sometimes a new one."""
    found = g.pick(lambda v: v.floats and v.rank == 4 and all(v.fixed(i) and v.shape[i] for i in (1, 2, 3)))
    if found is None or first or g.chance(0.1):
        tag = "H" if g.half and g.chance(0.5) else "F"
        h, w, c = g.size(17), g.size(17), g.size(13)
        if g.chance(0.15):
            h, w, c = g.size(), g.size(), g.choose([1, 3, 31, 33])
        found = g.leaf([-1, h, w, c], tag, "feed")
    return found


def weights(g: Grower, shape: list[int], tag: str = "F") -> Value:
    """A filter. Its numbers are finite: it is left open whether padding times an infinite weight is NaN or nothing."""
    kind = g.data_kind()
    return g.leaf(shape, tag, kind="wide" if kind == "special" else kind)


class Window:
    """A window that fits the image: its size, steps, dilations and padding, as text."""

    def __init__(self, g: Grower, height: int, width: int, dilate: bool = True, explicit: bool = True) -> None:
        most = (height, width)
        self.kernel = [min(g.choose([1, 2, 3, 3, 3, 5, 7]), 9) for _ in most]
        if g.chance(0.5):
            self.kernel[1] = self.kernel[0]
        self.strides = [g.choose([1, 1, 1, 2, 3]) for _ in most]
        self.dilations = [g.choose([1, 1, 1, 2, 3]) if dilate and g.chance(0.4) else 1 for _ in most]
        if max(self.dilations) > 1 and g.chance(0.5):
            self.strides = [1, 1]
        forms = ["SAME", "SAME", "VALID", *(["explicit"] if explicit else [])]
        self.form = g.choose(forms)
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilations, strict=True)]
        self.pads = [[g.random.randint(0, 2), g.random.randint(0, 2)] for _ in most]
        if self.form != "SAME":
            for i, (r, m) in enumerate(zip(reach, most, strict=True)):
                lack = r - m - (sum(self.pads[i]) if self.form == "explicit" else 0)
                if lack > 0:
                    self.kernel[i], self.dilations[i] = min(m, self.kernel[i]), 1

    def order(self, values: list[int], nchw: bool) -> str:
        return str([1, 1, *values] if nchw else [1, *values, 1])

    def padding(self, nchw: bool) -> str:
        if self.form != "explicit":
            return repr(self.form)
        return str([[0, 0], [0, 0], *self.pads] if nchw else [[0, 0], *self.pads, [0, 0]])


def _format(g: Grower, x: Value) -> tuple[bool, int, int, int]:
    """Whether x is taken as channels-first, and its height, width and channels."""
    nchw = g.chance(0.2)
    h, w, c = (x.shape[2], x.shape[3], x.shape[1]) if nchw else x.shape[1:]
    return nchw, h, w, c


def conv2d(g: Grower) -> object:
    x = image(g)
    if x is None:
        return None
    nchw, h, w, c = _format(g, x)
    window = Window(g, h, w)
    form = ', data_format="NCHW"' if nchw else ""
    maps = g.size(17)
    options = f"dilations={window.order(window.dilations, nchw)}{form}"
    places = f"{window.order(window.strides, nchw)}, {window.padding(nchw)}"
    if g.chance(0.25):
        fan = g.choose([1, 1, 2, 3])
        filters = weights(g, [*window.kernel, c, fan], x.tag)
        rate = f"rate={window.dilations}{form}"
        if max(window.dilations) > 1:
            places = f"{window.order([1, 1], nchw)}, {window.padding(nchw)}"
        return g.add("depthwise", f"tf.nn.depthwise_conv2d({x.name}, {filters.name}, {places}, {rate})", "sum")
    filters = weights(g, [*window.kernel, c, maps], x.tag)
    made = g.add("conv2d", f"tf.nn.conv2d({x.name}, {filters.name}, {places}, {options})", "sum")
    return _tail(g, made[0], maps, form) if made and g.chance(0.6) else made


def _tail(g: Grower, y: Value, maps: int, form: str) -> object:
    """What often follows a convolution."""
    if g.chance(0.6):
        bias = g.leaf([maps], y.tag)
        made = g.add("bias_add", f"tf.nn.bias_add({y.name}, {bias.name}{form})", "each")
        y = made[0] if made else y
    if g.chance(0.3):
        same = [v for v in g.values if (v.tag, v.shape, v.other) == (y.tag, y.shape, y.other)]
        made = g.add("residual", f"{y.name} + {g.choose(same).name}", "each")
        y = made[0] if made else y
    if g.chance(0.6):
        text = g.choose(["tf.nn.relu({y})", "tf.nn.relu6({y})", "tf.tanh({y})", "tf.nn.elu({y})", "tf.nn.relu({y})"])
        if g.program.exact:
            text = "tf.nn.relu({y})"
        return g.add("activation", text.format(y=y.name), "" if "relu" in text else "each")
    return None


def transposed(g: Grower) -> object:
    x = image(g)
    if x is None or not x.fixed(0):
        size = g.size(7)
        x = g.leaf([g.random.randint(1, 3), size, g.size(7), g.choose([1, 2, 3, 5])])
    n, h, w, c = x.shape
    steps = [g.choose([1, 2, 2, 3]) for _ in "hw"]
    kernel = [g.choose([1, 2, 3, 5]) for _ in "hw"]
    same = g.chance(0.5)
    maps = g.choose([1, 2, 3, 5, 8])
    more = [g.random.randrange(s) for s in steps]
    if same:
        sides = [d * s - m for d, s, m in zip((h, w), steps, more, strict=True)]
    else:
        sides = [(d - 1) * s + k + m for d, s, k, m in zip((h, w), steps, kernel, more, strict=True)]
    if min(sides) < 1:
        return None
    filters = weights(g, [*kernel, maps, c], x.tag)
    shape = [n, *sides, maps]
    form = repr("SAME" if same else "VALID")
    return g.add(
        "transposed", f"tf.nn.conv2d_transpose({x.name}, {filters.name}, {shape}, {[1, *steps, 1]}, {form})", "sum"
    )


def separable(g: Grower) -> object:
    x = image(g)
    if x is None:
        return None
    _, h, w, c = x.shape
    window = Window(g, h, w, dilate=False, explicit=False)
    step = window.strides[0]
    deep = weights(g, [*window.kernel, c, g.choose([1, 2])], x.tag)
    mix = weights(g, [1, 1, c * deep.shape[3], g.size(7)], x.tag)
    rest = f"{[1, step, step, 1]}, {window.padding(False)}"
    return g.add("separable", f"tf.nn.separable_conv2d({x.name}, {deep.name}, {mix.name}, {rest})", "sum")


def pool(g: Grower) -> object:
    x = image(g)
    if x is None:
        return None
    nchw, h, w, _ = _format(g, x)
    window = Window(g, h, w, dilate=False, explicit=False)
    if window.form == "VALID" and g.program.exact:
        window.kernel = [2 if d > 1 else 1 for d in (h, w)]
    kind = "max" if g.chance(0.65) else "avg"
    form = ', data_format="NCHW"' if nchw else ""
    places = f"{window.order(window.kernel, nchw)}, {window.order(window.strides, nchw)}, {window.padding(nchw)}"
    name = x.name
    if g.chance(0.4):
        made = g.add("activation", f"tf.nn.relu({name})")
        name = made[0].name if made else name
    return g.add("pool", f"tf.nn.{kind}_pool({name}, {places}{form})", "" if kind == "max" else "sum")


def pooled_places(g: Grower) -> object:
    x = image(g)
    if x is None:
        return None
    window = Window(g, x.shape[1], x.shape[2], dilate=False, explicit=False)
    places = f"{window.order(window.kernel, False)}, {window.order(window.strides, False)}, {window.padding(False)}"
    return g.add("pooled_places", f"tf.nn.max_pool_with_argmax({x.name}, {places})", count=2)


def batch_norm(g: Grower) -> object:
    x = image(g)
    if x is None or g.program.exact:
        return None
    c = x.shape[3]
    scale, offset = g.leaf([c], "F"), g.leaf([c], "F")
    choice = g.random.random()
    if x.tag == "H" or choice < 0.3:
        mean, variance = (g.leaf([c], x.tag, "variable", k) for k in ("normal", "positive"))
        if x.tag == "H":
            scale, offset = g.leaf([c], "H"), g.leaf([c], "H")
        names = f"{x.name}, {mean.name}, {variance.name}, {offset.name}, {scale.name}"
        return g.add("batch_norm", f"tf.nn.batch_normalization({names}, {g.choose([1e-3, 1e-5])})", "sum")
    if not x.full(0):
        return None
    if choice < 0.65:
        made = g.add("moments", f"tf.nn.moments({x.name}, [0, 1, 2])", "sum", count=2)
        if not made:
            return None
        names = f"{x.name}, {made[0].name}, {made[1].name}, {offset.name}, {scale.name}"
        return g.add("batch_norm", f"tf.nn.batch_normalization({names}, 1e-3)", "sum")
    if choice < 0.85:
        return g.add("fused_norm", f"tf.nn.fused_batch_norm({x.name}, {scale.name}, {offset.name})", "sum", count=3)
    mean, variance = (g.leaf([c], "F", "variable", k) for k in ("normal", "positive"))
    names = f"{x.name}, {scale.name}, {offset.name}, {mean.name}, {variance.name}"
    return g.add("fused_norm", f"tf.nn.fused_batch_norm({names}, is_training=False)[0]", "sum")


def response_norm(g: Grower) -> object:
    x = image(g)
    if x is None or g.program.exact:
        return None
    return g.add(
        "response_norm", f"tf.nn.lrn({x.name}, {g.choose([1, 2, 5])}, 1.0, 0.5, {g.choose([0.5, 0.75])})", "sum"
    )


def resize(g: Grower) -> object:
    x = image(g)
    if x is None or g.program.exact:
        return None
    size = [g.size(13), g.size(13)]
    kind = g.choose(["nearest_neighbor", "bilinear"])
    corners = g.choose(["", ", align_corners=True", ", half_pixel_centers=True"])
    return g.add("resize", f"tf.image.resize_{kind}({x.name}, {size}{corners})", "sum")


def other_ranks(g: Grower) -> object:
    """Convolutions and poolings in one and three dimensions."""
    padding = g.choose(["SAME", "VALID"])
    c = g.choose([1, 2, 3, 5])
    if g.chance(0.6):
        x = g.pick(
            lambda v: v.tag == "F" and v.rank == 3 and v.fixed(1) and v.fixed(2) and v.shape[1] > 2 and v.shape[2] > 0
        )
        x = x or g.leaf([-1, g.choose([3, 5, 7, 13, 31]), c], "F", "feed")
        if g.chance(0.3):
            return g.add("pool1d", f"tf.layers.max_pooling1d({x.name}, 2, {g.choose([1, 2])}, {padding!r})")
        filters = weights(g, [g.choose([1, 2, 3]), x.shape[2], g.size(7)])
        return g.add("conv1d", f"tf.nn.conv1d({x.name}, {filters.name}, {g.choose([1, 2])}, {padding!r})", "sum")
    x = g.leaf([-1, 3, g.choose([3, 5]), g.choose([3, 4]), c], "F", "feed")
    filters = weights(g, [g.choose([1, 2, 3]), 2, g.choose([1, 3]), c, g.choose([1, 3, 5])])
    step = g.choose([1, 2])
    return g.add("conv3d", f"tf.nn.conv3d({x.name}, {filters.name}, {[1, step, step, 1, 1]}, {padding!r})", "sum")


def layer(g: Grower) -> object:
    """A convolution whose output goes to a batch normalisation at inference, an activation and a pooling."""
    x = image(g)
    if x is None or g.program.exact or x.tag != "F":
        return None
    maps = g.size(17)
    k = g.choose([1, 3, 3, 5])
    filters = weights(g, [k, k, x.shape[3], maps])
    y = g.add("conv2d", f"tf.nn.conv2d({x.name}, {filters.name}, 1, 'SAME')", "sum")
    stats = [g.leaf([maps], "F", "variable", kind).name for kind in ("normal", "positive", "normal", "normal")]
    z = y and g.add("batch_norm", f"tf.nn.batch_normalization({y[0].name}, {', '.join(stats)}, 1e-3)", "sum")
    a = z and g.add("activation", f"tf.nn.relu({z[0].name})")
    return a and g.add("pool", f"tf.nn.max_pool({a[0].name}, 2, 2, 'SAME')")


KINDS: dict[str, tuple[Kind, int]] = {
    "conv2d": (conv2d, 8),
    "transposed": (transposed, 1),
    "separable": (separable, 1),
    "pool": (pool, 5),
    "pooled_places": (pooled_places, 1),
    "batch_norm": (batch_norm, 3),
    "response_norm": (response_norm, 1),
    "resize": (resize, 1),
    "other_ranks": (other_ranks, 1),
    "layer": (layer, 2),
}
