"""Datasets of the records, lines and pieces of files."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import string
from minigraph.core.graph import Tensor
from minigraph.data.streams import Stream
from minigraph.ops.constant import string_array
from minigraph.ops.host.readers import FixedLength, TextLines
from minigraph.tf1.dataset_functions import DatasetPass
from minigraph.tf1.datasets import GraphDataset, source_of
from minigraph.tf1.readers import Records, compression_of, decode_csv


def _of_files(filenames: Any, records: Callable[[bytes], Any], ids: int) -> GraphDataset:
    names = filenames if isinstance(filenames, GraphDataset) else source_of(_listed(filenames), slices=True)
    get_default_graph().reserve_ids(ids)

    def elements(run: DatasetPass) -> Stream:
        for (name,) in names._make(run):
            for _, data in records(name.item()):
                yield (string_array(data),)

    return GraphDataset(elements, string, [()], names._captured)


def _listed(filenames: Any) -> Any:
    if isinstance(filenames, Tensor):
        return tf.expand_dims(filenames, 0) if filenames.type.rank == 0 else filenames
    return [filenames] if isinstance(filenames, str | bytes | os.PathLike) else list(filenames)


def TFRecordDataset(
    filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None
) -> GraphDataset:
    """The records of TFRecord files, strings, in order. buffer_size and num_parallel_reads: no effect."""
    return _of_files(filenames, Records(compression_of(compression_type)), 3)


def TextLineDataset(
    filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None
) -> GraphDataset:
    """The lines of text files, strings. buffer_size and num_parallel_reads: no effect."""
    refuse("tf.data.TextLineDataset", compression_type=compression_type or None)
    return _of_files(filenames, TextLines(), 3)


def FixedLengthRecordDataset(
    filenames: Any, record_bytes: int, header_bytes: int | None = None, footer_bytes: int | None = None,
    buffer_size: Any = None, compression_type: Any = None, num_parallel_reads: Any = None,
) -> GraphDataset:  # fmt: skip
    """Pieces of files of the same length, strings. buffer_size and num_parallel_reads: no effect."""
    refuse("tf.data.FixedLengthRecordDataset", compression_type=compression_type or None)
    records = FixedLength(record_bytes, header_bytes or 0, footer_bytes or 0, whole=True)
    return _of_files(filenames, records, 3)


def CsvDataset(
    filenames: Any, record_defaults: Any, compression_type: Any = None, buffer_size: Any = None, header: bool = False,
    field_delim: str = ",", use_quote_delim: bool = True, na_value: str = "", select_cols: Any = None,
) -> GraphDataset:  # fmt: skip
    """The lines of files of comma-separated values, as tuples of columns; see `tf.decode_csv`.

    header: whether to skip the first line of each file. buffer_size: no effect.
    """
    refuse("tf.data.experimental.CsvDataset", compression_type=compression_type or None)
    files = source_of(_listed(filenames), slices=True)
    lines = files.flat_map(lambda name: TextLineDataset(name).skip(int(header)))
    return lines.map(
        lambda line: tuple(decode_csv(line, record_defaults, field_delim, use_quote_delim, na_value=na_value,
                                      select_cols=select_cols))
    )  # fmt: skip
