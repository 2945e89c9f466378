"""Readers of files whose names come from a queue, and what their records are parsed with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigraph.core.dtypes import DType, int64, string
from minigraph.core.errors import InvalidArgumentError, NotFoundError, OutOfRangeError
from minigraph.core.types import TensorType
from minigraph.ops.constant import string_array
from minigraph.ops.host.host_ops import HostOp
from minigraph.ops.host.queues import QueueSpec, QueueState
from minigraph.ops.host.resources import ResourceOp, Resources
from minigraph.util.locks import Lock

Record = tuple[bytes, bytes]  # key and value
Opener = Callable[[bytes], Iterator[Record]]


@dataclass(frozen=True)
class ReaderSpec:
    """A reader: its name in the graph, and the function from a file's name to its records."""

    name: str
    records: Opener

    def state(self, resources: Resources) -> ReaderState:
        """The reader of a session."""
        return resources.get(("reader", self.name), lambda: ReaderState(self.records))


class ReaderState:
    """The place of a reader in one session."""

    def __init__(self, records: Opener) -> None:
        self._open = records
        self._lock = Lock()
        self._current: Iterator[Record] = iter(())
        self.records = self.files = 0

    def read(self, files: QueueState) -> Record:
        """The next record; where a file has ended, of the one whose name the queue gives next."""
        with self._lock:
            while True:
                found = next(self._current, None)
                if found is not None:
                    self.records += 1
                    return found
                name = bytes(files.get(1)[0][0].item())
                try:
                    self._current = self._open(name)
                except FileNotFoundError as error:
                    raise NotFoundError(f"{os.fsdecode(name)}; {error.strerror}") from None
                self.files += 1

    def reset(self) -> None:
        """Forget the file that is being read."""
        with self._lock:
            self._current, self.records, self.files = iter(()), 0, 0


class ReaderRead(ResourceOp):
    """The key and the value of the next record; the queue gives names of files."""

    outside = True

    reader: ReaderSpec
    queue: QueueSpec

    def infer(self) -> tuple[TensorType, ...]:
        return TensorType(string, ()), TensorType(string, ())

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        files = self.queue.state(resources)
        key, value = self.reader.state(resources).read(files)
        return string_array(key), string_array(value)


class ReaderReadUpTo(ResourceOp):
    """The keys and values of the next n records, or fewer at the end."""

    outside = True

    reader: ReaderSpec
    queue: QueueSpec

    def infer(self, n: TensorType) -> tuple[TensorType, ...]:
        return TensorType(string, (None,)), TensorType(string, (None,))

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        files, state = self.queue.state(resources), self.reader.state(resources)
        found: list[Record] = []
        while len(found) < int(arrays[0]):
            try:
                found.append(state.read(files))
            except OutOfRangeError:
                if not found:
                    raise
                break
        return string_array([key for key, _ in found]), string_array([value for _, value in found])


class ReaderCount(ResourceOp):
    """The number of records, or of files, that the reader has produced."""

    reader: ReaderSpec
    what: str

    def infer(self) -> tuple[TensorType, ...]:
        return (TensorType(int64, ()),)

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        state = self.reader.state(resources)
        return (np.array(state.records if self.what == "records" else state.files, np.int64),)


class ReaderReset(ResourceOp):
    """Lets the reader begin with a new file."""

    reader: ReaderSpec

    def infer(self) -> tuple[TensorType, ...]:
        return ()

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        self.reader.state(resources).reset()
        return ()


class EpochLimit(ResourceOp):
    """The operand, `epochs` times; then the input has ended."""

    name: str
    epochs: int

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def act(self, resources: Resources, *arrays: Any) -> tuple[Any, ...]:
        count = resources.get(("epochs", self.name), lambda: [0])
        if count[0] >= self.epochs:
            raise OutOfRangeError(f"Reached limit of {self.epochs}")
        count[0] += 1
        return arrays


class StringGather(HostOp):
    """The strings at places along the first axis."""

    def infer(self, values: TensorType, places: TensorType) -> tuple[TensorType, ...]:
        rows = None if values.shape is None or places.shape is None else (*places.shape, *values.shape[1:])
        return (TensorType(string, rows),)

    def forward(self, xp: Any, values: Any, places: Any) -> tuple[Any, ...]:
        out = np.empty(places.shape + values.shape[1:], np.object_)
        out[...] = values[places]
        return (out,)


class DecodeRaw(HostOp):
    """The numbers that strings of bytes hold, on a new last axis."""

    dtype: DType
    little_endian: bool = True

    def infer(self, texts: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, None if texts.shape is None else (*texts.shape, None)),)

    def forward(self, xp: Any, texts: Any) -> tuple[Any, ...]:
        kind = self.dtype.np_dtype.newbyteorder("<" if self.little_endian else ">")
        rows = []
        for text in texts.reshape(-1):
            if len(text) % kind.itemsize:
                raise InvalidArgumentError(
                    f"Input to DecodeRaw has length {len(text)} that is not a multiple of {kind.itemsize}, the size of "
                    f"{self.dtype.name}"
                )
            rows.append(np.frombuffer(text, kind).astype(self.dtype.np_dtype))
        if len({len(row) for row in rows}) > 1:
            raise InvalidArgumentError("DecodeRaw requires input strings to all be the same size")
        width = len(rows[0]) if rows else 0
        return (np.array(rows, self.dtype.np_dtype).reshape(*texts.shape, width),)


class StringToNumber(HostOp):
    """The numbers that texts are."""

    dtype: DType

    def infer(self, texts: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(self.dtype, texts.shape),)

    def forward(self, xp: Any, texts: Any) -> tuple[Any, ...]:
        return (
            np.array([_number(t, self.dtype) for t in texts.reshape(-1)], self.dtype.np_dtype).reshape(texts.shape),
        )


def _number(text: bytes, dtype: DType) -> Any:
    try:
        return float(text) if dtype.is_floating else int(text)
    except ValueError:
        raise InvalidArgumentError(f"StringToNumberOp could not correctly convert string: {text.decode()}") from None


class AsString(HostOp):
    """Numbers as texts."""

    precision: int = -1

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (TensorType(string, x.shape),)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (string_array([self._text(v) for v in x.reshape(-1).tolist()]).reshape(x.shape),)

    def _text(self, value: Any) -> str:
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, float):
            return f"{value:.{self.precision if self.precision >= 0 else 6}f}"
        return str(value).lower() if isinstance(value, bool) else str(value)


class StringJoin(HostOp):
    """The texts of the operands, joined element by element; scalars go with any shape."""

    separator: str = ""

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        shapes = [t.shape for t in types if t.shape != ()]
        return (TensorType(string, shapes[0] if shapes else ()),)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        wide = np.broadcast_arrays(*arrays)
        joined = [self.separator.encode().join(parts) for parts in zip(*(w.reshape(-1) for w in wide), strict=True)]
        return (string_array(joined).reshape(wide[0].shape),)


class DecodeCsv(HostOp):
    """The columns of lines of comma-separated values, each of the dtype of its default."""

    dtypes: tuple[DType, ...]
    defaults: tuple[Any, ...]  # None where a value is required
    delimiter: str = ","
    quoted: bool = True
    missing: str = ""
    columns: tuple[int, ...] | None = None

    def infer(self, lines: TensorType) -> tuple[TensorType, ...]:
        return tuple(TensorType(d, lines.shape) for d in self.dtypes)

    def forward(self, xp: Any, lines: Any) -> tuple[Any, ...]:
        rows = [self._row(line) for line in lines.reshape(-1)]
        out = []
        for dtype, column in zip(self.dtypes, zip(*rows, strict=True), strict=True):
            made = string_array(list(column)) if dtype is string else np.array(column, dtype.np_dtype)
            out.append(made.reshape(lines.shape))
        return tuple(out)

    def _row(self, line: bytes) -> list[Any]:
        import csv

        quoting: Any = csv.QUOTE_MINIMAL if self.quoted else csv.QUOTE_NONE
        (fields,) = csv.reader([line.decode()], delimiter=self.delimiter, quoting=quoting)
        if self.columns is not None:
            fields = [fields[i] for i in self.columns]
        if len(fields) != len(self.dtypes):
            raise InvalidArgumentError(f"Expect {len(self.dtypes)} fields but have {len(fields)} in record 0")
        return [self._field(i, text) for i, text in enumerate(fields)]

    def _field(self, place: int, text: str) -> Any:
        if text in ("", self.missing):
            if self.defaults[place] is None:
                raise InvalidArgumentError(f"Field {place} is required but missing in record 0!")
            return self.defaults[place]
        if self.dtypes[place] is string:
            return text
        try:
            return float(text) if self.dtypes[place].is_floating else int(text)
        except ValueError:
            name = self.dtypes[place].name
            raise InvalidArgumentError(f"Field {place} in record 0 is not a valid {name}: {text}") from None


def whole_file(name: bytes) -> Iterator[Record]:
    """One record: the name and the file's bytes."""
    with open(os.fsdecode(name), "rb") as file:
        content = file.read()
    return iter([(name, content)])


def itself(name: bytes) -> Iterator[Record]:
    """One record: the name, twice."""
    return iter([(name, name)])


@dataclass(frozen=True)
class FixedLength:
    """Records of `record` bytes, after `header` bytes, without the last `footer` bytes; a new one each `hop` bytes.

    whole: whether bytes that make no record are an InvalidArgumentError.
    """

    record: int
    header: int = 0
    footer: int = 0
    hop: int = 0
    whole: bool = False

    def __call__(self, name: bytes) -> Iterator[Record]:
        file = open(os.fsdecode(name), "rb")  # noqa: SIM115 - at once, so that a missing file is told at once
        return self._records(name, file)

    def _records(self, name: bytes, file: Any) -> Iterator[Record]:
        with file:
            end = os.fstat(file.fileno()).st_size - self.footer
            place, number = self.header, 0
            if self.whole and (end - place) % self.record:
                raise InvalidArgumentError(
                    f"Excluding the header ({self.header} bytes) and footer ({self.footer} bytes), input file "
                    f'"{os.fsdecode(name)}" has body length {end - place} bytes, which is not an exact multiple of the '
                    f"record length ({self.record} bytes)."
                )
            while place + self.record <= end:
                file.seek(place)
                yield name + f":{number}".encode(), file.read(self.record)
                place, number = place + (self.hop or self.record), number + 1


@dataclass(frozen=True)
class TextLines:
    """The lines of a file without their ends, after the first `skip`."""

    skip: int = 0

    def __call__(self, name: bytes) -> Iterator[Record]:
        file = open(os.fsdecode(name), "rb")  # noqa: SIM115 - at once, so that a missing file is told at once
        return self._lines(name, file)

    def _lines(self, name: bytes, file: Any) -> Iterator[Record]:
        with file:
            for number, line in enumerate(file, 1):
                if number > self.skip:
                    yield name + f":{number}".encode(), line.rstrip(b"\n").removesuffix(b"\r")
