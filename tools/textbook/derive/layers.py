"""The layers that can be derived. To add one, write its function and add a line to LAYERS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from minigraph.core.errors import InvalidArgumentError, UnknownNameError
from minigraph.tools.textbook.derive import convolution, dense, dropout, normalisation, pooling
from minigraph.tools.textbook.derive.document import FORMATS, Claims, Document
from minigraph.tools.textbook.derive.problem import DeriveOptions


class Derivation(NamedTuple):
    """A layer's derivation function, and the fields of `DeriveOptions` that it takes."""

    derive: Callable[[DeriveOptions, bool], Document]
    options: Sequence[str]


WINDOWED = ("size", "kernel", "stride", "padding")
LAYERS: dict[str, Derivation] = {
    "avg-pool": Derivation(pooling.derive_average, WINDOWED),
    "batch-norm": Derivation(normalisation.derive, ("batch",)),
    "conv2d": Derivation(convolution.derive, WINDOWED),
    "dense": Derivation(dense.derive_dense, ("size", "batch")),
    "dropout": Derivation(dropout.derive, ("size",)),
    "max-pool": Derivation(pooling.derive_max, (*WINDOWED, "values")),
    "softmax-xent": Derivation(dense.derive_softmax, ("size",)),
}


def derive(layer: str, options: DeriveOptions, check: bool = False) -> Document:
    """The derivation of a layer. Raises InvalidArgumentError for an unknown layer or an unsupported option."""
    layer = layer.replace("_", "-")
    if layer not in LAYERS:
        raise UnknownNameError(f"unknown layer {layer!r}; there are {', '.join(LAYERS)}")
    chosen = LAYERS[layer]
    for field, value in options._asdict().items():
        if value is not None and field not in chosen.options:
            taken = ", ".join(f"--{o}" for o in chosen.options)
            raise InvalidArgumentError(f"{layer} takes no --{field}; it takes {taken}")
    return chosen.derive(options, check)


def write(document: Document, form: str) -> str:
    """The document as "text", "markdown" or "latex"."""
    return FORMATS[form](document)


def failures(document: Document) -> list[str]:
    """The claims that do not hold."""
    return [c.text for b in document.blocks if isinstance(b, Claims) for c in b.lines if not c.holds]
