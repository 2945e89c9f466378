"""The tables of importers and exporters, collected from the files of the operator families."""

from __future__ import annotations

from minigraph.formats.tensorflow import (
    arrays_export,
    arrays_import,
    elementwise,
    loops,
    loops_export,
    nets,
    nets_export,
    reductions_export,
    state,
)
from minigraph.formats.tensorflow.emit import Exporter
from minigraph.formats.tensorflow.node import Importer

# TensorFlow's ops, by their names there.
IMPORTERS: dict[str, Importer] = {
    kind: importer
    for family in (elementwise, arrays_import, loops, nets, state)
    for kind, importer in family.IMPORT.items()
}  # fmt: skip

# minigraph's ops, by their names in the registry.
EXPORTERS: dict[str, Exporter] = {
    kind: exporter
    for family in (elementwise, arrays_export, loops_export, reductions_export, nets_export, state)
    for kind, exporter in family.EXPORT.items()
}
