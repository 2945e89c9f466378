"""What there is an importer or an exporter for: one entry an operator, in the file of its family."""

from __future__ import annotations

from collections.abc import Callable

from minigraph.formats.onnx import (
    control,
    conv,
    einsum,
    elementwise,
    indexing,
    norm,
    pointwise,
    pool,
    quantise,
    reduce,
    reshaping,
    resize,
    shape,
)
from minigraph.formats.onnx import export_lookup as more
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.emit import Emit

# ONNX's operators, by their names there.
IMPORTERS: dict[str, Callable[[OnnxNode], Result]] = {
    kind: importer
    for family in (control, conv, einsum, elementwise, indexing, norm, pool, quantise, reduce, resize, shape)
    for kind, importer in family.IMPORT.items()
}

# minigraph's ops, by their names in the registry.
EXPORTERS: dict[str, Callable[[Emit], None]] = {
    kind: exporter
    for family in (conv, indexing, more, pointwise, pool, reduce, reshaping)
    for kind, exporter in family.EXPORT.items()
}
