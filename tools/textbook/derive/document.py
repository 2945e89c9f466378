"""A derivation as a document, and how it is written: plain text, Markdown or LaTeX."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import sympy
from sympy.printing.str import StrPrinter

Matrix = np.ndarray[Any, Any]


class Term(NamedTuple):
    """A name on the left of an equation, or an operator, as plain text and as LaTeX."""

    text: str
    latex: str


class Heading(NamedTuple):
    text: str


class Prose(NamedTuple):
    text: str


class Equations(NamedTuple):
    """Lines `term = expression`."""

    lines: Sequence[tuple[Term, Any]]


class MatrixEquation(NamedTuple):
    """Matrices (object arrays with two axes) and terms, side by side."""

    items: Sequence[Term | Matrix]


class Claim(NamedTuple):
    """A checked statement and the outcome of the check."""

    text: str
    holds: bool
    found: str


class Claims(NamedTuple):
    lines: Sequence[Claim]


Block = Heading | Prose | Equations | MatrixEquation | Claims


class Document(NamedTuple):
    title: str
    blocks: Sequence[Block]


EQUALS = Term("=", "=")


def name(symbol: Any) -> Term:
    """The term of a symbol or an expression."""
    return Term(as_text(symbol), as_latex(symbol))


def as_latex(expression: Any) -> str:
    """An expression as a formula of LaTeX. A symbol named ∂x/∂y becomes a fraction."""
    ratios = {s: _ratio(s.name) for s in sympy.sympify(expression).free_symbols if s.name.startswith("∂")}
    return str(sympy.latex(expression, symbol_names=ratios))


def _ratio(text: str) -> str:
    above, below = (_letters(part.removeprefix("∂")) for part in text.split("/"))
    return rf"\frac{{\partial {above}}}{{\partial {below}}}"


def _letters(text: str) -> str:
    """A symbol that was written as plain text."""
    for word, letter in _GREEK.items():
        if text.startswith(letter):
            text = word + text[len(letter) :]
    return str(sympy.latex(sympy.Symbol(text)))


def partial(symbol: Any) -> Term:
    """∂L/∂symbol."""
    return Term(f"∂L/∂{as_text(symbol)}", rf"\frac{{\partial L}}{{\partial {as_latex(symbol)}}}")


def name_lines(names: Matrix, values: Matrix) -> Equations:
    """A line `name = value` for each element."""
    return Equations([(name(n), v) for n, v in zip(names.flat, values.flat, strict=True)])


def gradient_lines(letters: Matrix, gradient: Matrix) -> Equations:
    """A line `∂L/∂letter = value` for each element."""
    return Equations([(partial(s), g) for s, g in zip(letters.flat, gradient.flat, strict=True)])


def operator(text: str, latex: str) -> Term:
    return Term(text, latex)


_GREEK = {"deltabar": "δ̄", "delta": "δ", "gamma": "γ", "beta": "β", "epsilon": "ε", "mu": "μ", "xhat": "x̂"}
_SIGNS = (("**", "^"), ("*", "·"), (">=", "≥"), ("<=", "≤"), (" & ", " and "), (" | ", " or "), ("Max(", "max("))


class _Printer(StrPrinter):  # type: ignore[misc]
    def _print_Symbol(self, symbol: Any) -> str:
        for word, letter in _GREEK.items():
            if symbol.name.startswith(word):
                return str(letter + symbol.name[len(word) :])
        return str(symbol.name)

    def _print_Piecewise(self, expression: Any) -> str:
        cases = [
            f"{self._print(value)} otherwise" if condition == sympy.true else f"{self._print(value)} if {inner}"
            for value, condition in expression.args
            for inner in [self._print(condition)]
        ]
        return "{" + "; ".join(cases) + "}"


def as_text(expression: Any) -> str:
    """An expression in one line of plain text."""
    line = str(_Printer().doprint(expression))
    for old, new in _SIGNS:
        line = line.replace(old, new)
    return line


def _grid(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text in square brackets, in columns of one width."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["[ " + "   ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " ]" for row in cells]


def _side_by_side(items: Sequence[Term | Matrix]) -> str:
    boxes = [
        [item.text] if isinstance(item, Term) else _grid([[as_text(e) for e in r] for r in item]) for item in items
    ]
    height = max(map(len, boxes))
    columns = []
    for box in boxes:
        above = (height - len(box)) // 2
        width = max(map(len, box))
        rows = [""] * above + box + [""] * (height - above - len(box))
        columns.append([row.ljust(width) for row in rows])
    return "\n".join("  " + " ".join(parts).rstrip() for parts in zip(*columns, strict=True))


def _text_block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"{text}\n{'-' * len(text)}"
        case Prose(text):
            return textwrap.fill(text, 100)
        case Equations(lines):
            width = max(len(term.text) for term, _ in lines)
            return "\n".join(f"  {term.text.ljust(width)} = {as_text(value)}" for term, value in lines)
        case MatrixEquation(items):
            return _side_by_side(items)
        case Claims(lines):
            return "\n".join(f"  {'ok  ' if c.holds else 'FAIL'}  {c.text} [{c.found}]" for c in lines)


def _latex_matrix(matrix: Matrix) -> str:
    rows = r" \\ ".join(" & ".join(map(as_latex, row)) for row in matrix)
    return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"


def _latex_math(block: Equations | MatrixEquation) -> str:
    if isinstance(block, Equations):
        rows = " \\\\\n".join(f"{term.latex} &= {as_latex(value)}" for term, value in block.lines)
        return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"
    return " ".join(i.latex if isinstance(i, Term) else _latex_matrix(i) for i in block.items)


def _markdown_block(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Prose(text):
            return text
        case Claims(lines):
            return "\n".join(f"- {'holds' if c.holds else '**fails**'}: {c.text} [{c.found}]" for c in lines)
        case _:
            return f"$$\n{_latex_math(block)}\n$$"


_LATEX_CHARACTERS = {
    "∂": r"\partial", "δ": r"\delta", "γ": r"\gamma", "β": r"\beta", "ε": r"\epsilon", "μ": r"\mu", "σ": r"\sigma",
    "Σ": r"\sum ", "⋆": r"\star ", "∗": "*", "·": r"\cdot ", "≥": r"\ge ", "≤": r"\le ", "−": "-", "×": r"\times ",
    "√": r"\sqrt{}", "⌊": r"\lfloor ", "⌋": r"\rfloor ", "²": "^2", "³": "^3", "≠": r"\ne ", "ᴺ": "^N", "→": r"\to ",
    "∏": r"\prod ", "₁": "_1", "₂": "_2", "α": r"\alpha", "ᵀ": r"^{\mathsf T}", "½": r"\frac12 ", "¼": r"\frac14 ",
}  # fmt: skip
_LATEX_SPECIAL = {c: "\\" + c for c in "_%&#{}$"} | {"^": r"\^{}"}


def latex_prose(text: str) -> str:
    """Prose in ASCII, with mathematical signs as LaTeX commands. Raises KeyError for an unknown sign."""
    return r"\ensuremath{\hat{x}}".join("".join(map(_latex_character, part)) for part in text.split("x̂"))


def _latex_character(c: str) -> str:
    if c in _LATEX_SPECIAL:
        return _LATEX_SPECIAL[c]
    return c if c.isascii() else rf"\ensuremath{{{_LATEX_CHARACTERS[c]}}}"


def _latex_block(block: Block) -> str:
    match block:
        case Heading(text):
            return rf"\section*{{{latex_prose(text)}}}"
        case Prose(text):
            return latex_prose(text)
        case Claims(lines):
            items = "\n".join(
                rf"\item {'holds' if c.holds else 'FAILS'}: {latex_prose(f'{c.text} [{c.found}]')}" for c in lines
            )
            return f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}"
        case _:
            return f"\\[\n{_latex_math(block)}\n\\]"


def _join(title: str, blocks: Iterable[Block], write: Callable[[Block], str]) -> str:
    return "\n\n".join([title, *map(write, blocks)]) + "\n"


def to_text(document: Document) -> str:
    return _join(f"{document.title}\n{'=' * len(document.title)}", document.blocks, _text_block)


def to_markdown(document: Document) -> str:
    return _join(f"# {document.title}", document.blocks, _markdown_block)


def to_latex(document: Document) -> str:
    """A complete LaTeX document; needs only amsmath."""
    head = "\\documentclass{article}\n\\usepackage{amsmath}\n\\allowdisplaybreaks\n\\begin{document}\n\n"
    title = rf"\section*{{{latex_prose(document.title)}}}"
    return head + _join(title, document.blocks, _latex_block) + "\n\\end{document}\n"


FORMATS: dict[str, Callable[[Document], str]] = {"text": to_text, "markdown": to_markdown, "latex": to_latex}
