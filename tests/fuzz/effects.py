"""Steps that take gradients or change variables, and the making of whole programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from fuzz import elementwise, images, shapes, sums
from fuzz.grow import SIZES, BuildError, Grower, Kind, Value
from fuzz.program import Built, Program
from minigraph.core.errors import MinigraphError

OPTIMIZERS = [
    "GradientDescentOptimizer(0.125)", "MomentumOptimizer(0.125, 0.5)",
    "MomentumOptimizer(0.1, 0.9, use_nesterov=True)", "AdamOptimizer(0.01, 0.5, 0.75)", "RMSPropOptimizer(0.01)",
    "AdagradOptimizer(0.1)",
]  # fmt: skip
FAMILIES: dict[str, dict[str, tuple[Kind, int]]] = {
    "elementwise": elementwise.KINDS, "shapes": shapes.KINDS, "sums": sums.KINDS, "images": images.KINDS,
}  # fmt: skip


def differentiate(g: Grower, made: Sequence[Value]) -> list[str]:
    """The gradients of a weighted sum of some values by some leaves, often those of these again; their names."""
    if not made:
        return []
    targets = [v.name for v in g.random.sample(list(made), min(len(made), g.random.randint(1, 3)))]
    values = ", ".join(targets)
    near = {leaf.name for leaf in replace(g.program, fetches=tuple(targets)).needed().leaves}
    leaves = [x.name for x in g.program.leaves if x.tag in "FH" and (x.name in near or g.chance(0.05))]
    if not leaves:
        return []
    by = g.random.sample(leaves, min(len(leaves), g.random.randint(1, 4)))
    sources = f"[{', '.join(by)}]"
    first = _gradients(g, f"total(F, [{values}])", sources, len(by))
    if first and not g.program.exact and g.chance(0.4):
        again = ", ".join(g.random.sample(first, min(len(first), 2)))
        return first + _gradients(g, f"total(F, [{again}])", sources, len(by))
    return first


def _gradients(g: Grower, loss: str, sources: str, count: int) -> list[str]:
    if count == 1:
        found = g.add("gradients", f"grads({loss}, {sources})[0]", "sum", letter="g")
    else:
        found = g.add("gradients", f"grads({loss}, {sources})", "sum", count, letter="g")
    return [v.name for v in found]


def update(g: Grower, made: Sequence[Value]) -> list[str]:
    """One or two updates of variables, and perhaps a read after them."""
    variables = [x for x in g.program.leaves if x.role == "variable" and x.tag == "F"]
    floats = [v for v in made if v.tag == "F"]
    if not variables or not floats:
        return []
    names: list[str] = []
    for _ in range(g.random.randint(1, 2)):
        w, v = g.choose(variables).name, g.choose(floats).name
        loss = f"total(F, [{v}])"
        if g.chance(0.4):
            several = ", ".join(x.name for x in g.random.sample(variables, min(len(variables), 3)))
            text = f"tf.train.{g.choose(OPTIMIZERS)}.minimize({loss}, var_list=[{several}])"
        else:
            text = g.choose(
                [
                    f"tf.assign_add({w}, 0.125 * {w})", f"tf.assign_sub({w}, 0.125 * grads({loss}, [{w}])[0])",
                    f"tf.assign({w}, {w} * 0.5)", f"tf.assign({w}, tf.clip_by_value({w}, -0.5, 0.5))",
                    f"tf.assign_add({w}, tf.ones_like({w}) * tf.tanh({loss}))",
                ]
            )  # fmt: skip
        count = len(g.effects)
        g.add("update", text, letter="u")
        names += [*g.effects[count:], w]
    if g.effects and g.chance(0.5):
        read = f"{g.choose(variables).name}.read_value() * 2.0" if g.chance(0.5) else f"{g.choose(floats).name} + 1.0"
        names += [v.name for v in g.add("after", f"after([{g.choose(g.effects)}], lambda: {read})", "each")]
    return names


def grow(seed: int, refused: Counter[str]) -> Program:
    """The program of this seed. Kinds of steps that minigraph refuses are counted in `refused`.

    Raises BuildError if minigraph fails otherwise while the graph is built.
    """
    g = Grower(seed, refused)
    weights = {name: g.choose([0.2, 1, 1, 3]) for name in FAMILIES}
    kinds = [(kind, weight * weights[f]) for f, table in FAMILIES.items() for kind, weight in table.values()]
    if weights["images"] >= 1:
        images.image(g, first=True)
    else:
        for _ in range(g.random.randint(1, 2)):
            g.leaf([g.choose([-1, g.choose(SIZES)]), *(g.size(17) for _ in range(g.random.randint(0, 3)))], _tag(g))
    goal = g.choose([2, 4, 6, 8, 12])
    for _ in range(4 * goal):
        if len(g.program.steps) >= goal:
            break
        kind = g.random.choices([k for k, _ in kinds], [w for _, w in kinds])[0]
        kind(g)
    made = [v for v in g.values if v.name[0] == "s"] or g.values
    fetches = [v.name for v in g.random.sample(made, min(len(made), g.random.randint(1, 4)))]
    fetches.append(made[-1].name)
    if g.chance(0.7):
        fetches += differentiate(g, [v for v in made if v.floats][-4:])
    if g.chance(0.3):
        fetches += update(g, [v for v in made if v.floats])
    program = replace(g.program, fetches=tuple(dict.fromkeys(fetches))).needed()
    return program if _builds(program) else replace(program, unknown=False, sizes=program.sizes[:1] * 2)


def _builds(program: Program) -> bool:
    """Whether no step needs a size that is not known."""
    try:
        Built(program)
    except MinigraphError:
        return False
    except Exception as error:
        raise BuildError(program, error) from error
    return True


def _tag(g: Grower) -> str:
    if g.chance(0.15):
        return str(g.choose(["int32", "uint8", "int64"]))
    return "H" if g.half and g.chance(0.5) else "F"
