"""Readers of files in queues, TFRecord files, and the parsing of text."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from minigraph.core.arguments import refuse
from minigraph.core.convert import convert_to_tensor
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import as_dtype, float32, string
from minigraph.core.graph import Node, Tensor
from minigraph.formats.tensorflow.records import RecordWriter, read_records
from minigraph.ops.constant import constant
from minigraph.ops.host.readers import (
    AsString,
    DecodeCsv,
    DecodeRaw,
    FixedLength,
    Opener,
    ReaderCount,
    ReaderRead,
    ReaderReadUpTo,
    ReaderReset,
    ReaderSpec,
    Record,
    StringJoin,
    StringToNumber,
    TextLines,
    itself,
    whole_file,
)
from minigraph.util.nest import listed


class ReaderBase:
    """A reader of records from files whose names are in a queue. Programs make its subclasses."""

    def __init__(self, reader_ref: Any, supports_serialize: bool = False) -> None:
        self.supports_serialize = supports_serialize
        self._spec: ReaderSpec = reader_ref

    @property
    def reader_ref(self) -> Any:
        return self._spec

    def read(self, queue: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """The key and the value of the next record, strings."""
        op = ReaderRead(self._spec, queue.queue_ref)
        key, value = get_default_graph().add(op, (), name or "ReaderRead").outputs
        return key, value

    def read_up_to(self, queue: Any, num_records: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
        """The keys and values of the next records, vectors of strings; fewer at the end."""
        op = ReaderReadUpTo(self._spec, queue.queue_ref)
        keys, values = get_default_graph().add(op, [convert_to_tensor(num_records)], name or "ReaderReadUpTo").outputs
        return keys, values

    def num_records_produced(self, name: str | None = None) -> Tensor:
        return self._count("records", name or "ReaderNumRecordsProduced")

    def num_work_units_completed(self, name: str | None = None) -> Tensor:
        return self._count("files", name or "ReaderNumWorkUnitsCompleted")

    def _count(self, what: str, name: str) -> Tensor:
        return get_default_graph().add(ReaderCount(self._spec, what), (), name).outputs[0]

    def reset(self, name: str | None = None) -> Node:
        """Begin with a new file."""
        return get_default_graph().add(ReaderReset(self._spec), (), name or "ReaderReset")


def _named(name: str, records: Opener) -> ReaderSpec:
    graph = get_default_graph()
    graph.reserve_ids(1)
    return ReaderSpec(graph.unique_name(name), records)


class WholeFileReader(ReaderBase):
    """Gives each file's name and content."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(_named(name or "WholeFileReaderV2", whole_file), True)


class IdentityReader(ReaderBase):
    """Gives the elements of the queue, as key and value."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(_named(name or "IdentityReaderV2", itself), True)


class TextLineReader(ReaderBase):
    """Gives the lines of files."""

    def __init__(self, skip_header_lines: int | None = None, name: str | None = None) -> None:
        super().__init__(_named(name or "TextLineReaderV2", TextLines(skip_header_lines or 0)))


class FixedLengthRecordReader(ReaderBase):
    """Gives pieces of files of the same length."""

    def __init__(
        self, record_bytes: int, header_bytes: int | None = None, footer_bytes: int | None = None,
        hop_bytes: int | None = None, name: str | None = None, encoding: str | None = None,
    ) -> None:  # fmt: skip
        refuse("tf.FixedLengthRecordReader", encoding=encoding or None)
        records = FixedLength(record_bytes, header_bytes or 0, footer_bytes or 0, hop_bytes or 0)
        super().__init__(_named(name or "FixedLengthRecordReaderV2", records))


@dataclass(frozen=True)
class Records:
    """The records of a TFRecord file."""

    compression: str = ""

    def __call__(self, name: bytes) -> Iterator[Record]:
        records = read_records(os.fsdecode(name), self.compression)
        return ((name + f":{number}".encode(), data) for number, data in enumerate(records))


class TFRecordReader(ReaderBase):
    """Gives the records of TFRecord files."""

    def __init__(self, name: str | None = None, options: Any = None) -> None:
        super().__init__(_named(name or "TFRecordReaderV2", Records(compression_of(options))))


class TFRecordCompressionType:
    """The kinds of compression of TFRecord files."""

    NONE, ZLIB, GZIP = 0, 1, 2


class TFRecordOptions:
    """How a TFRecord file is compressed: a TFRecordCompressionType, or "", "ZLIB" or "GZIP"."""

    compression_type_map = {0: "", 1: "ZLIB", 2: "GZIP"}  # noqa: RUF012

    def __init__(
        self, compression_type: Any = None, flush_mode: Any = None, input_buffer_size: Any = None,
        output_buffer_size: Any = None, window_bits: Any = None, compression_level: Any = None,
        compression_method: Any = None, mem_level: Any = None, compression_strategy: Any = None,
    ) -> None:  # fmt: skip
        refuse(
            "tf.io.TFRecordOptions", flush_mode=flush_mode, input_buffer_size=input_buffer_size,
            output_buffer_size=output_buffer_size, window_bits=window_bits, compression_level=compression_level,
            compression_method=compression_method, mem_level=mem_level, compression_strategy=compression_strategy,
        )  # fmt: skip
        self.get_compression_type_string(compression_type)
        self.compression_type = compression_type

    @classmethod
    def get_compression_type_string(cls, options: Any) -> str:
        """The name of the compression. ValueError for another one."""
        kind = options.compression_type if isinstance(options, TFRecordOptions) else options
        name = cls.compression_type_map.get(kind, kind) if not isinstance(kind, str) else kind
        if name not in ("", "ZLIB", "GZIP", None):
            raise ValueError(f'Not a valid compression_type: "{kind}"')
        return name or ""


def compression_of(options: Any) -> str:
    """The compression that options of TFRecord files name."""
    return TFRecordOptions.get_compression_type_string(options)


class TFRecordWriter(RecordWriter):
    """Writes records to a TFRecord file."""

    def __init__(self, path: Any, options: Any = None) -> None:
        super().__init__(path, compression_of(options))


def tf_record_iterator(path: Any, options: Any = None) -> Iterator[bytes]:
    """The records of a TFRecord file."""
    return read_records(path, compression_of(options))


# parsing


def _apply(op: Any, texts: Any, name: str | None, default: str) -> Tensor:
    tensor = convert_to_tensor(texts, dtype=string)
    made: Tensor = tensor.graph.add(op, [tensor], name or default).outputs[0]
    return made


def decode_raw(
    input_bytes: Any = None, out_type: Any = None, little_endian: bool = True, name: str | None = None,
    bytes: Any = None,
) -> Tensor:  # fmt: skip
    """The numbers of dtype `out_type` that strings hold, on a new last axis. bytes: former name of `input_bytes`."""
    given = input_bytes if bytes is None else bytes
    return _apply(DecodeRaw(as_dtype(out_type), little_endian), given, name, "DecodeRaw")


def string_to_number(
    string_tensor: Any = None, out_type: Any = float32, name: str | None = None, input: Any = None
) -> Tensor:
    """The numbers that texts spell. input: another name of `string_tensor`."""
    given = string_tensor if input is None else input
    return _apply(StringToNumber(as_dtype(out_type)), given, name, "StringToNumber")


def as_string(
    input: Any, precision: int = -1, scientific: bool = False, shortest: bool = False, width: int = -1,
    fill: str = "", name: str | None = None,
) -> Tensor:  # fmt: skip
    """Numbers as texts. Floating-point numbers have `precision` digits after the point, 6 by default."""
    refuse("tf.as_string", scientific=scientific, shortest=shortest, width=None if width == -1 else width, fill=fill)
    x = convert_to_tensor(input)
    made: Tensor = x.graph.add(AsString(precision), [x], name or "AsString").outputs[0]
    return made


def string_join(inputs: Any, separator: str = "", name: str | None = None) -> Tensor:
    """The texts of several tensors, joined element by element."""
    tensors = [convert_to_tensor(t, dtype=string) for t in inputs]
    made: Tensor = tensors[0].graph.add(StringJoin(separator), tensors, name or "StringJoin").outputs[0]
    return made


def decode_csv(
    records: Any, record_defaults: Any, field_delim: str = ",", use_quote_delim: bool = True, name: str | None = None,
    na_value: str = "", select_cols: Any = None,
) -> list[Tensor]:  # fmt: skip
    """The columns of lines of comma-separated values.

    record_defaults: for each column a list with its default, whose dtype is the column's, or a dtype, where there must
    be a value.
    """
    defaults: list[Any] = []
    dtypes: list[Any] = []
    for default in record_defaults:
        try:
            dtypes.append(as_dtype(default))
            defaults.append(None)
        except TypeError:
            values = constant(default) if not isinstance(default, Tensor) else default
            dtypes.append(values.dtype)
            given = listed(default)
            defaults.append(given[0] if given else None)
    lines = convert_to_tensor(records, dtype=string)
    columns = None if select_cols is None else tuple(select_cols)
    op = DecodeCsv(tuple(dtypes), tuple(defaults), field_delim, use_quote_delim, na_value, columns)
    return list(lines.graph.add(op, [lines], name or "DecodeCSV").outputs)


def matching_files(pattern: Any, name: str | None = None) -> Tensor:
    """The names of files that match patterns when the graph is built, sorted."""
    patterns = [pattern] if isinstance(pattern, str | os.PathLike) else list(pattern)
    found = sorted(path for each in patterns for path in glob.glob(os.fspath(each)))
    return constant([os.fsencode(path) for path in found], dtype=string, name=name or "MatchingFiles")


match_filenames_once = matching_files
