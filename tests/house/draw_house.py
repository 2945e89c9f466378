"""Draw the house from the imports into CONTRIBUTING.md: `make house`

Each line of `FLOORS` is one box. An arrow stands for imports; one that follows from two others is left out.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from house.floors import FLOORS, floor, import_graph

PAGE = Path(__file__).parents[2] / "CONTRIBUTING.md"
START, END = "<!-- house -->\n", "<!-- /house -->\n"


@cache
def find_arrows() -> dict[int, set[int]]:
    """For each floor the floors below it that its files import, less those that follow from others."""
    direct: dict[int, set[int]] = {}
    for importer, found in import_graph().items():
        upper = floor(importer)
        direct.setdefault(upper, set()).update(floor(name) for name in found if floor(name) < upper)
    below: dict[int, set[int]] = {}
    for number in sorted(direct):
        below[number] = direct[number].union(*(below[n] for n in direct[number]))
    return {number: found - set().union(*(below[n] for n in found)) for number, found in direct.items()}


def draw() -> str:
    """The picture as a mermaid block."""
    arrows = find_arrows()
    lines = ["flowchart TB"]
    for number, names in reversed(list(enumerate(FLOORS.split("\n")))):
        if number in arrows:
            label = "minigraph" if names == "-" else names.replace(" ", ", ")
            lines.append(f'    f{number}["{label}"]')
    lines += [
        f"    f{n} --> f{below}" for n in sorted(arrows, reverse=True) for below in sorted(arrows[n], reverse=True)
    ]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def page_with(picture: str) -> str:
    text = PAGE.read_text("utf-8")
    before, rest = text.split(START)
    return before + START + picture + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page_with(draw()), "utf-8")
