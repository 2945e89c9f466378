"""A picture as text in Graphviz's DOT language."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape

from minigraph.viz.amount import amount, milliseconds
from minigraph.viz.fold import Tree, clear_arrows, scope_tree
from minigraph.viz.item import KINDS
from minigraph.viz.picture import ADDED, KEPT, REMOVED, Arrow, Box, Picture
from minigraph.viz.text import costs, shape_of, wrap

FONT = "Helvetica,Arial,sans-serif"
# fill and line by kind; dark enough to print, light enough to read black text on
COLOURS: Mapping[str, tuple[str, str]] = {
    "input": ("#d9ebf9", "#2874a6"),
    "parameter": ("#fde8c8", "#b9770e"),
    "state": ("#f6efe3", "#b7a27c"),
    "constant": ("#eeeeee", "#8a8a8a"),
    "forward": ("#dff3e3", "#2e8b57"),
    "gradient": ("#fbdedb", "#c0392b"),
    "update": ("#e9def3", "#7d3c98"),
}
CHANGES: Mapping[str, tuple[str, str]] = {
    KEPT: ("#f7f7f7", "#b0b0b0"),
    ADDED: ("#c9f0cf", "#1e8449"),
    REMOVED: ("#fbd3cf", "#c0392b"),
    "changed": ("#fdf3cf", "#b7950b"),
}
_COLD, _HOT = (255, 250, 240), (240, 120, 40)
_LONG = 32  # letters of a name and an op beyond which the op gets lines of its own
MEANINGS = {
    "input": "input",
    "parameter": "trainable variable",
    "state": "other state",
    "constant": "constant",
    "forward": "forward",
    "gradient": "gradient",
    "update": "update",
}


def dot_source(picture: Picture, diff: bool = False, marked: str = "") -> str:
    """The DOT text. Colours show additions and removals with `diff`; otherwise a box's time, if known, or its kind.

    marked: the id of a box to highlight.
    """
    text = "\n".join(["digraph {", *_header(picture, diff), *_body(picture, diff)])
    return text + (f'\n  {_quote(marked)} [color="black" penwidth=3]' if marked else "") + "\n}\n"


def _header(picture: Picture, diff: bool) -> Iterator[str]:
    yield f"  graph [{_attributes(fontname=FONT, fontsize=11, labelloc='t', labeljust='l', tooltip=picture.title)}]"
    yield f"  graph [{_attributes(nodesep=0.25, ranksep=0.35, newrank='true', bgcolor='white', pad=0.3)}]"
    yield f"  node [{_attributes(shape='box', style='filled,rounded', fontname=FONT, fontsize=11, margin='0.1,0.06')}]"
    yield f"  edge [{_attributes(color='#6b6b6b', fontname=FONT, fontsize=9, fontcolor='#555555', arrowsize=0.6)}]"
    yield f"  label=<{_title(picture, diff)}>"


def _title(picture: Picture, diff: bool) -> str:
    live = [b for b in picture.boxes if b.status != REMOVED]
    operations = sum(b.count - b.changes[1] for b in live)
    least = "≥ " if any(b.partial for b in live) else ""
    facts = [f"{operations:,} operations", f"{picture.parameters:,} parameters"]
    if not any("?" in type or "..." in type for box in live for type in box.types):
        facts.append(least + amount(picture.flops, "FLOP"))
    if picture.seconds is not None:
        facts.append(f"{milliseconds(picture.seconds)} in launches")
    head = f'<B><FONT POINT-SIZE="15">{_text(picture.title)}</FONT></B>' if picture.title else ""
    cells = []
    if diff:
        for index, status in enumerate((ADDED, REMOVED)):
            count = sum(b.changes[index] if b.count > 1 else b.status == status for b in picture.boxes)
            cells.append((CHANGES[status], f"{status} ({count})"))
        cells += [(CHANGES["changed"], "changed within")] if any(any(b.changes) for b in picture.boxes) else []
        cells.append((CHANGES[KEPT], KEPT))
    else:
        timed = picture.seconds is not None
        present = [kind for kind in KINDS if any(b.kind == kind for b in picture.boxes)]
        cells += [(("white" if timed else COLOURS[k][0], COLOURS[k][1]), MEANINGS[k]) for k in present]
        if timed:
            longest = _longest(picture)
            cells += [((heat(part), "#b0b0b0"), milliseconds(part * longest)) for part in (0.0, 0.25, 1.0)]
    legend = "".join(
        f'<TD BGCOLOR="{fill}" COLOR="{line}" BORDER="1" STYLE="ROUNDED"> {_text(word)} </TD>'
        for (fill, line), word in cells
    )
    width = max(1, len(cells))
    rows = [f'<TR><TD ALIGN="LEFT" COLSPAN="{width}">{head}</TD></TR>'] if head else []
    rows.append(f'<TR><TD ALIGN="LEFT" COLSPAN="{width}">{", ".join(facts)}</TD></TR>')
    rows.append(f"<TR>{legend}</TR>" if legend else "")
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="4" CELLPADDING="3">{"".join(rows)}</TABLE>'


def _body(picture: Picture, diff: bool) -> Iterator[str]:
    yield from _cluster(scope_tree(picture), (), diff, _longest(picture), "  ")
    place = {box.id: i for i, box in enumerate(picture.boxes)}
    kinds = {box.id: box.kind for box in picture.boxes}
    told = {box.id: box.types[:1] for box in picture.boxes}
    for box in picture.boxes:
        partner = box.id.removesuffix("gradient")
        if box.part == "gradient" and partner != box.id and partner in place:
            yield f"  {{rank=same {_quote(partner)} {_quote(box.id)}}}"  # a layer's gradient stands beside it
    for arrow in clear_arrows(picture):
        ends = [arrow.source, arrow.target]
        values = _arrow(arrow, diff, told[arrow.source])
        if place[arrow.source] > place[arrow.target]:
            values["constraint"] = "false"  # folding can turn the order of two boxes round
        elif arrow.kind == "data" and kinds[arrow.source] == kinds[arrow.target] == "forward":
            values["weight"] = 50  # the way through the network goes straight down
        elif kinds[arrow.source] == kinds[arrow.target] == "gradient":
            # Drawn against its direction, so that the gradients climb up beside what they are the gradients of.
            ends.reverse()
            values["dir"] = "back"
        yield f"  {_quote(ends[0])} -> {_quote(ends[1])} [{_attributes(**values)}]"


def heat(part: float) -> str:
    """The colour of a fraction, 0 to 1, of the longest time: from near white to orange."""
    mixed = (round(cold + (hot - cold) * math.sqrt(part)) for cold, hot in zip(_COLD, _HOT, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _longest(picture: Picture) -> float:
    """The longest time of a box; 0 if no time is known."""
    return max((b.seconds for b in picture.boxes if b.seconds is not None), default=0.0)


def _cluster(tree: Tree, around: tuple[str, ...], diff: bool, longest: float, indent: str) -> Iterator[str]:
    """A scope as a frame; a scope with a single item is drawn as that item, with the scope's name."""
    framed = bool(tree.scope) and len(tree.boxes) + len(tree.inner) > 1
    inside, within = (indent + "  ", tree.scope) if framed else (indent, around)
    if framed:
        name = "/".join(tree.scope[len(around) :]).replace(" ", "/")
        yield f"{indent}subgraph {_quote('cluster ' + '/'.join(tree.scope))} {{"
        yield f"{inside}label={_quote(name)} style=rounded color={_quote('#b5b5b5')} fontcolor={_quote('#555555')}"
    for box in tree.boxes:
        yield f"{inside}{_quote(box.id)} [{_box(box, within, diff, longest)}]"
    for inner in tree.inner.values():
        yield from _cluster(inner, within, diff, longest, inside)
    if framed:
        yield f"{indent}}}"


def _box(box: Box, around: tuple[str, ...], diff: bool, longest: float) -> str:
    status = "changed" if any(box.changes) and box.status == KEPT else box.status
    fill, line = CHANGES[status] if diff else COLOURS[box.kind]
    if longest and not diff:
        fill = "white" if box.seconds is None else heat(box.seconds / longest)
    style = "filled,rounded"
    if box.status == REMOVED:
        style += ",dashed"
    values: dict[str, object] = {
        "fillcolor": fill,
        "color": line,
        "style": style,
        "tooltip": describe(box),
    }
    if box.count > 1:
        values["peripheries"] = 2
    if box.kind == "forward":
        values["group"] = "forward"
    return f"label=<{_label(box, around)}> {_attributes(**values)}"


def _label(box: Box, around: tuple[str, ...]) -> str:
    path = box.path[len(around) :] if box.path[: len(around)] == around else box.path
    name = box.title or ("/".join(path) or box.path[-1]).replace(" ", "/")
    if box.id.endswith("/gradient"):
        name = f"∇ {name}"
    rows = [f"<B>{_text(line)}</B>" for line in wrap(name, 36)]
    if (
        box.op
        and not box.title
        and not box.words
        and box.op.lower() not in name.lower()
        and box.kind not in ("input", "parameter", "state", "constant")
    ):
        if len(name) + len(box.op) > _LONG:
            rows += [f'<FONT POINT-SIZE="9.5" COLOR="#555555">{_text(line)}</FONT>' for line in wrap(box.op)]
        else:
            rows[-1] += f' <FONT COLOR="#555555">{_text(box.op)}</FONT>'
    rows += [f'<FONT POINT-SIZE="9.5">{_text(line)}</FONT>' for line in costs(box)]
    cells = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{cells}</TABLE>'


def describe(box: Box) -> str:
    """All facts about a box, one per line."""
    made_of = box.inner or (f"{box.op} {box.attributes}".strip(),)
    lines = [box.name, *made_of, ", ".join(box.types), *costs(box), box.source]
    return "\n".join(line for line in lines if line)


def _arrow(arrow: Arrow, diff: bool, told: tuple[str, ...]) -> dict[str, object]:
    """told: the types that the arrow's box shows already."""
    values: dict[str, object] = {}
    label = shape_of(arrow.type) if arrow.type and (arrow.type,) != told else ""
    if arrow.kind == "control":
        values |= {"style": "dotted", "color": "#9a9a9a"}
        label = ""
    elif arrow.kind == "write":
        values |= {"style": "dashed", "color": COLOURS["update"][1], "arrowhead": "none", "arrowtail": "normal"}
        values |= {"dir": "both", "constraint": "false"}
        label = ""
    if diff and arrow.status != KEPT:
        values["color"] = CHANGES[arrow.status][1]
        values |= {"penwidth": 1.6} | ({"style": "dashed"} if arrow.status == REMOVED else {})
    if label:
        values["label"] = f" {label}"
    return values


def _attributes(**values: object) -> str:
    return " ".join(f"{key}={_quote(str(value))}" for key, value in values.items())


def _quote(text: str) -> str:
    # A backslash is doubled, since DOT reads escapes in labels; a new line is one of them.
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _text(text: str) -> str:
    return escape(text, quote=True)
