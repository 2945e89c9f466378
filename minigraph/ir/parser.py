"""Programs from text: the inverse of `printer.format_program`.

For programs written by hand, more is free: an instruction's name after `%` may be any word, types may be left out, as
the op's rule gives them, and so may attributes that have defaults.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np

from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import DTypeError, MinigraphError
from minigraph.core.op import Op
from minigraph.core.provenance import Source
from minigraph.core.types import TensorType
from minigraph.ir.compiled_loop import CompiledLoop
from minigraph.ir.fused_update import FusedUpdate
from minigraph.ir.hoist import Hoist, Hoisted
from minigraph.ir.moments import Moments
from minigraph.ir.multi_tensor_apply import MultiTensorApply
from minigraph.ir.packed import OnPacked, Packed
from minigraph.ir.program import Builder, Cell, Feed, Instr, Program, Value
from minigraph.ir.regions import Blocked, Epilogue, Join, Loop, Region
from minigraph.ops.registry import find_op

OWN = (
    Feed,
    Cell,
    Loop,
    Epilogue,
    Join,
    Blocked,
    Hoist,
    Hoisted,
    Packed,
    OnPacked,
    MultiTensorApply,
    FusedUpdate,
    Moments,
    CompiledLoop,
)
_OWN_BY_NAME: dict[str, type[Op]] = {kind.__name__: kind for kind in OWN}
_NAMED = {"None": None, "True": True, "False": False, "inf": float("inf"), "nan": float("nan")}
_NUMBER = re.compile(r"-inf|-?\d+(\.\d*)?([eE][-+]?\d+)?")
_STRING = re.compile(r"""b?'(?:[^'\\\n]|\\.)*'|b?"(?:[^"\\\n]|\\.)*\"""")
_WORD = re.compile(r"[A-Za-z_]\w*")
_ID = re.compile(r"%(\w+)")
_INDEX = re.compile(r"\.(\d+)")
_DIGEST = re.compile(r"#\w+")
_COMMENT = re.compile(r"#[ ]?([^\n]*)")
_PLACE = re.compile(r"(.*) at (.+):(\d+)")

T = TypeVar("T")


class ProgramSyntaxError(MinigraphError, ValueError):
    """A text that is not a program. The message starts with line and column."""


def parse_program(text: str) -> Program:
    """The program that `text` describes.

    ProgramSyntaxError, with line and column, for a wrong text: an unknown op or attribute, an operand that is not
    defined before, a type other than the op's rule gives, a constant that is shown by a digest.
    """
    parser = _Parser(text)
    program = parser.program()
    parser.skip(newlines=True)
    if parser.position < len(text):
        parser.fail("the end of the text")
    return program


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    # The text: each of these reads what follows the position, or fails.

    def skip(self, newlines: bool = False) -> None:
        """Go past blanks; with `newlines`, past empty lines and lines that are comments, too."""
        pattern = r"(?:[ \t\n]|#[^\n]*)*" if newlines else r"[ \t]*"
        found = re.compile(pattern).match(self.text, self.position)
        assert found is not None
        self.position = found.end()

    def fail(self, expected: str, position: int | None = None) -> NoReturn:
        at = self.position if position is None else position
        rest = self.text[at:].split("\n", 1)[0]
        found = repr(rest[:20]) if rest else "the end of the line" if at < len(self.text) else "the end of the text"
        self.wrong(f"expected {expected}, found {found}", at)

    def wrong(self, message: str, position: int) -> NoReturn:
        line = self.text.count("\n", 0, position) + 1
        column = position - (self.text.rfind("\n", 0, position) + 1) + 1
        raise ProgramSyntaxError(f"line {line}, column {column}: {message}")

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.skip()
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()
        return found

    def accept(self, literal: str) -> bool:
        self.skip()
        if not self.text.startswith(literal, self.position):
            return False
        self.position += len(literal)
        return True

    def expect(self, literal: str) -> None:
        if not self.accept(literal):
            self.fail(repr(literal))

    def word(self, expected: str) -> str:
        found = self.take(_WORD)
        return found[0] if found else self.fail(expected)

    def several(self, item: Callable[[], T], closing: str) -> list[T]:
        """Items between commas, up to and with `closing`."""
        items: list[T] = []
        while not self.accept(closing):
            items.append(item())
            if not self.accept(","):
                self.expect(closing)
                break
        return items

    # Programs and instructions

    def program(self) -> Program:
        builder = Builder()
        known: dict[str, Instr] = {}
        feeds: list[TensorType] | None = None
        instrs: dict[Instr, None] = {}
        while True:
            self.skip(newlines=True)
            if self.text.startswith("%", self.position):
                instrs[self.instruction(builder, known)] = None
            elif self.accept("return"):
                break
            elif feeds is None and not instrs and self.accept("feeds"):
                feeds = [self.type()]
                while self.accept(","):
                    feeds.append(self.type())
            else:
                self.fail("an instruction, or 'return'")
        results = self.values(known)
        self.take(_COMMENT)
        return Program(tuple(instrs), tuple(results), self.feeds(instrs, feeds))

    def feeds(self, instrs: dict[Instr, None], listed: list[TensorType] | None) -> tuple[TensorType, ...]:
        """The types by slot: those that are listed, else those of the Feed instructions."""
        given = {i.op.slot: i.op.type for i in instrs if isinstance(i.op, Feed)}
        types = listed if listed is not None else [given[slot] for slot in sorted(given)]
        for slot, kind in given.items():
            if slot >= len(types) or types[slot] != kind:
                self.wrong(f"the feed of slot {slot} does not fit the program's feeds", self.position)
        return tuple(types)

    def values(self, known: dict[str, Instr]) -> list[Value]:
        """Values between commas; an empty list if there are none."""
        self.skip()
        if not self.text.startswith("%", self.position):
            return []
        found = [self.value(known)]
        while self.accept(","):
            found.append(self.value(known))
        return found

    def instruction(self, builder: Builder, known: dict[str, Instr]) -> Instr:
        start = self.position
        name = self.take(_ID)
        if name is None:
            self.fail("an instruction's name, such as %1")
        if name[1] in known:
            self.wrong(f"%{name[1]} is defined twice", start)
        self.expect("=")
        self.skip()
        op_at = self.position
        kind = self.kind()
        self.expect("(")
        inputs = self.several(lambda: self.value(known), ")")
        attributes = self.attributes(kind)
        control = []
        while self.accept("^"):
            control.append(self.value(known).instr)
        types = self.types() if self.accept(":") else None
        comment = None
        if issubclass(kind, Region | CompiledLoop):
            self.expect("{")
            comment = self.take(_COMMENT)
            attributes["program"] = self.program()
            self.skip(newlines=True)
            self.expect("}")
        comment = self.take(_COMMENT) or comment
        self.skip()
        if self.position < len(self.text) and self.text[self.position] != "\n":
            self.fail("the end of the line")
        instr = self.made(builder, op_at, kind, attributes, inputs, control, comment)
        if types is not None and types != list(instr.types):
            shown = ", ".join(map(str, instr.types))
            self.wrong(f"the rule of {kind.__name__} gives {shown}, not {', '.join(map(str, types))}", op_at)
        known[name[1]] = instr
        return instr

    def made(
        self,
        builder: Builder,
        position: int,
        kind: type[Op],
        attributes: dict[str, Any],
        inputs: list[Value],
        control: list[Instr],
        comment: re.Match[str] | None,
    ) -> Instr:
        name, source = _name_and_source(comment[1]) if comment else (None, None)
        op = self.record(kind, attributes, position)
        try:
            return builder.add(op, inputs, control, name, source)
        except (MinigraphError, TypeError, ValueError) as error:
            self.wrong(f"{kind.__name__} does not take these operands: {error}", position)

    def value(self, known: dict[str, Instr]) -> Value:
        self.skip()
        start = self.position
        name = self.take(_ID)
        if name is None:
            self.fail("a value, such as %1")
        if name[1] not in known:
            self.wrong(f"%{name[1]} is not defined", start)
        instr = known[name[1]]
        index = _INDEX.match(self.text, self.position)
        output = 0
        if index is not None:
            self.position = index.end()
            output = int(index[1])
            if output >= len(instr.types):
                self.wrong(f"%{name[1]} has {len(instr.types)} outputs", start)
        return Value(instr, output)

    def kind(self) -> type[Op]:
        self.skip()
        start = self.position
        name = self.word("an op")
        found = _OWN_BY_NAME.get(name) or find_op(name)
        return found if found is not None else self.wrong(f"there is no op {name}", start)

    # Attributes

    def attributes(self, kind: type[Op]) -> dict[str, Any]:
        self.skip()
        # A brace at the end of the line opens a region's program.
        if re.compile(r"\{[ \t]*(#|\n)").match(self.text, self.position) or not self.accept("{"):
            return {}
        return dict(self.several(lambda: self.attribute(kind), "}"))

    def attribute(self, kind: type[Op]) -> tuple[str, Any]:
        self.skip()
        start = self.position
        name = self.word("an attribute")
        if name not in kind.fields:
            fields = ", ".join(kind.fields) or "none"
            self.wrong(f"{kind.__name__} has no attribute {name!r}; it has {fields}", start)
        self.expect("=")
        return name, self.literal()

    def literal(self) -> Any:
        """A number, string, tuple, dtype, type, array or op."""
        self.skip()
        start = self.position
        if self.accept("("):
            return tuple(self.several(self.literal, ")"))
        if text := self.take(_STRING):
            return ast.literal_eval(text[0])
        if number := self.take(_NUMBER):
            return int(number[0]) if re.fullmatch(r"-?\d+", number[0]) else float(number[0])
        if self.accept("<"):
            self.wrong("this attribute cannot be read back", start)
        word = self.word("an attribute's value")
        if word in _NAMED:
            return _NAMED[word]
        self.position = start
        if word in _OWN_BY_NAME or find_op(word) is not None:
            kind = self.kind()
            return self.record(kind, self.attributes(kind), start)
        return self.typed()

    def record(self, kind: type[Op], attributes: dict[str, Any], position: int) -> Op:
        try:
            return kind(**attributes)
        except (MinigraphError, TypeError, ValueError) as error:
            self.wrong(str(error), position)

    def typed(self) -> Any:
        """A dtype, one number of it, a tensor's type, or an array of it."""
        start = self.position
        name = self.word("a dtype")
        try:
            dtype = as_dtype(name)
        except DTypeError:
            self.wrong(f"{name} is neither a dtype nor an op", start)
        if not self.text.startswith("[", self.position):
            if not self.accept("("):
                return dtype
            number = dtype.np_dtype.type(self.literal())
            self.expect(")")
            return number
        self.position = start
        kind = self.type()
        if _DIGEST.match(self.text, self.position):
            self.wrong("a constant that is shown by a digest cannot be read back", self.position)
        if not self.text.startswith("(", self.position):
            return kind
        self.expect("(")
        numbers = self.several(self.number, ")")
        if numbers[-1:] == [...] and len(numbers) == 2 and kind.is_static:
            return np.full(kind.static, numbers[0], kind.dtype.np_dtype)
        if not kind.is_static or len(numbers) != kind.size:
            self.wrong(f"{len(numbers)} numbers do not fill {kind}", start)
        return np.array(numbers, kind.dtype.np_dtype).reshape(kind.static)

    def number(self) -> Any:
        return ... if self.accept("...") else self.literal()

    def types(self) -> list[TensorType]:
        if self.accept("("):
            self.expect(")")
            return []
        found = [self.type()]
        while self.accept(","):
            found.append(self.type())
        return found

    def type(self) -> TensorType:
        self.skip()
        start = self.position
        name = self.word("a type, such as float32[2,3]")
        try:
            dtype = as_dtype(name)
        except DTypeError:
            self.wrong(f"{name} is not a dtype", start)
        self.expect("[")
        if self.accept("..."):
            self.expect("]")
            return TensorType(dtype, None)
        return TensorType(dtype, tuple(self.several(self.dimension, "]")))

    def dimension(self) -> int | None:
        if self.accept("?"):
            return None
        found = self.take(re.compile(r"\d+"))
        return int(found[0]) if found else self.fail("a dimension")


def _name_and_source(comment: str) -> tuple[str, Source | None]:
    place = _PLACE.fullmatch(comment)
    return (comment, None) if place is None else (place[1], Source(place[2], int(place[3]), ""))
