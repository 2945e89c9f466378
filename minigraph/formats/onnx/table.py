"""The tables of importers and exporters, collected from the files of the operator families."""

from __future__ import annotations

from collections.abc import Callable

from minigraph.formats.onnx import (
    bits,
    control,
    conv,
    einsum,
    elementwise,
    elementwise_export,
    fused,
    host,
    indexing,
    ngrams,
    norm,
    optimizers,
    pool,
    quantise,
    quantise_export,
    recurrent,
    reduce,
    resize,
    sampling,
    sequences,
    shape,
    shape_export,
    signal,
    training_export,
)
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.emit import Emit

FAMILIES = (
    bits, control, conv, einsum, elementwise, fused, host, indexing, ngrams, norm, pool, quantise, recurrent, reduce,
    resize, sampling, sequences, shape, signal,
)  # fmt: skip

# ONNX's operators, by their names there.
IMPORTERS: dict[str, Callable[[OnnxNode], Result]] = {
    kind: importer for family in FAMILIES for kind, importer in family.IMPORT.items()
}

# Operators of other domains, by domain and name.
OTHERS: dict[tuple[str, str], Callable[[OnnxNode], Result]] = {
    (domain, kind): importer
    for domain, importers in {
        "ai.onnx.preview.training": optimizers.TRAINING,
        "com.microsoft": recurrent.QUANTISED | fused.FUSED | fused.QUANTISED,
    }.items()
    for kind, importer in importers.items()
}


def importer_of(domain: str, kind: str) -> Callable[[OnnxNode], Result] | None:
    """The importer of an operator, or None."""
    return OTHERS.get((domain, kind)) if domain else IMPORTERS.get(kind)


# minigraph's ops, by their names in the registry.
_EXPORTING = (
    conv, elementwise_export, indexing, norm, pool, quantise_export, reduce, resize, shape_export, training_export,
)  # fmt: skip
EXPORTERS: dict[str, Callable[[Emit], None]] = {
    kind: exporter for family in _EXPORTING for kind, exporter in family.EXPORT.items()
}
