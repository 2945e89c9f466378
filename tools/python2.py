"""Python 2 programs: finds the lines to change, and makes the mechanical changes."""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from typing import NamedTuple

from minigraph.core.errors import MissingPackageError

_FIXERS = (
    "basestring", "dict", "except", "exec", "execfile", "getcwdu", "has_key", "imports", "itertools",
    "itertools_imports", "long", "map", "filter", "zip", "ne", "next", "numliterals", "print", "raise", "raw_input",
    "reduce", "repr", "tuple_params", "unicode", "urllib", "xrange",
)  # fmt: skip

_PATTERNS = (
    (r"(?<![\w.])print\s+(?![(=,)\].:+\-*/%<&|^]|(if|else|in|is|and|or|not|for)\b)\S", "print is a function"),
    (r"^\s*print\s*$", "print is a function"),
    (r"(?<![\w.])xrange\s*\(", "xrange is called range"),
    (r"(?<![\w.])raw_input\s*\(", "raw_input is called input"),
    (r"(?<![\w.])unicode\s*\(", "unicode is called str"),
    (r"\.iter(items|keys|values)\s*\(", "dictionaries have items, keys and values only"),
    (r"\.has_key\s*\(", "has_key is written with `in`"),
    (r"(?<![\w.])except\s+[\w.()]+\s*,\s*\w+\s*:", "`except E, e` is written `except E as e`"),
    (r"(?<![\w.])raise\s+[\w.]+\s*,", "`raise E, text` is written `raise E(text)`"),
    (r"(?<![\w.])exec\s+[^\s(=]", "exec is a function"),
    (r"<>", "<> is written !="),
    (r"`", "backquotes are written repr(...)"),
    (r"(?<![\w.])0[0-7]+(?![\w.])", "octal numbers are written 0o..."),
    (r"^\s*(import|from)\s+(cPickle|urllib2|ConfigParser|Queue|StringIO|cStringIO)\b", "the module has another name"),
)
_DIVISION = "the division of whole numbers is written //"


class Line(NamedTuple):
    """A line that must change, with the reason."""

    number: int
    text: str
    reason: str


def find_lines(source: str) -> list[Line]:
    """The lines of a program that Python 3 runs differently from Python 2; empty for a Python 3 program.

    Names that the program defines or imports itself, such as six's xrange, are left alone.
    """
    own = set(re.findall(r"^\s*(?:from\s+\S+\s+import\s+(xrange)|(\w+)\s*=\s*(?:range|input|str)\b)", source, re.M))
    defined = {name for pair in own for name in pair if name}
    found = []
    for number, (text, code) in enumerate(zip(source.splitlines(), _without_strings(source), strict=False), 1):
        reason = next((why for pattern, why in _PATTERNS if re.search(pattern, code)), None)
        if reason and not any(re.search(rf"\b{name}\b", code) for name in defined):
            found.append(Line(number, text.strip(), reason))
    if not found and _is_python3(source):
        return []
    found += [Line(n, source.splitlines()[n - 1].strip(), _DIVISION) for n in _division_lines(source)]
    return sorted(set(found))


def _is_python3(source: str) -> bool:
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _without_strings(source: str) -> list[str]:
    """The lines with strings and comments blanked."""
    lines = [list(line) for line in source.splitlines()]
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.STRING, tokenize.COMMENT):
                (first, start), (last, end) = token.start, token.end
                for row in range(first, last + 1):
                    line = lines[row - 1]
                    a, b = start if row == first else 0, end if row == last else len(line)
                    line[a:b] = ["_"] * (b - a) if token.type == tokenize.STRING else [" "] * (b - a)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass  # the rest stays unchanged
    return ["".join(line) for line in lines]


_SIZE = r"(?:\w[\w.]*(?:\([^()]*\))?|\([^()]*\)|\d+)"


def _division_lines(source: str) -> list[int]:
    if re.search(r"^from __future__ import .*\bdivision\b", source, re.M):
        return []
    lines = enumerate(zip(source.splitlines(), _without_strings(source), strict=False), 1)
    return [n for n, (text, code) in lines if _divide_sizes(text, code) != text]


def _divide_sizes(text: str, code: str) -> str:
    """`/` between names and whole numbers as `//`, within brackets and the arguments of range."""
    out = list(text)
    for match in re.finditer(rf"({_SIZE})\s*(?<!/)/(?!/)\s*({_SIZE})", code):
        before = code[: match.start()]
        inside = before.count("[") > before.count("]") or re.search(r"\b(xrange|range|int)\([^()]*$", before)
        whole = not re.search(r"\d\.|\.\d|float", match.group(0))
        if inside and whole:
            out[match.start() + match.group(0).index("/")] = "//"
    return "".join(out)


def translate(source: str) -> str:
    """Translate a program to Python 3 as far as possible mechanically.

    Raises MissingPackageError without fissix, SyntaxError if the program is not Python 2 either.
    """
    try:
        from fissix import refactor
        from fissix.pgen2.parse import ParseError
        from fissix.pgen2.tokenize import TokenError
    except ImportError as error:
        raise MissingPackageError(f'--from-python2 needs fissix: pip install "minigraph[python2]" ({error})') from error
    text = source if source.endswith("\n") else source + "\n"
    if _division_lines(text):
        pairs = zip(text.splitlines(), _without_strings(text), strict=False)
        text = "\n".join(_divide_sizes(line, code) for line, code in pairs) + "\n"
    tool = refactor.RefactoringTool([f"fissix.fixes.fix_{name}" for name in _FIXERS])
    if re.search(r"^from __future__ import .*\bprint_function\b", text, re.M):
        tool.driver.grammar = tool.driver.grammar.copy()
        del tool.driver.grammar.keywords["print"]
    try:
        return str(tool.refactor_string(text, "program"))
    except (ParseError, TokenError) as error:
        raise SyntaxError(f"neither Python 3 nor Python 2: {error}") from error


def difference(before: str, after: str, name: str) -> str:
    """The changes of a translation, as a unified diff."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (Python 3)", lineterm="", n=0)
    return "\n".join(lines)
