"""The layers that can be derived: to add one, write its function and give it a line in LAYERS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from minigraph.core.errors import InvalidArgumentError
from minigraph.tools.textbook.derive import convolution, dense, dropout, normalisation, pooling
from minigraph.tools.textbook.derive.document import FORMATS, Claims, Document
from minigraph.tools.textbook.derive.problem import Options


class Layer(NamedTuple):
    """How a layer is derived, and which fields of `Options` it takes."""

    derive: Callable[[Options, bool], Document]
    options: Sequence[str]


WINDOWED = ("size", "kernel", "stride", "padding")
LAYERS: dict[str, Layer] = {
    "avg-pool": Layer(pooling.derive_average, WINDOWED),
    "batch-norm": Layer(normalisation.derive, ("batch",)),
    "conv2d": Layer(convolution.derive, WINDOWED),
    "dense": Layer(dense.derive_dense, ("size", "batch")),
    "dropout": Layer(dropout.derive, ("size",)),
    "max-pool": Layer(pooling.derive_max, (*WINDOWED, "values")),
    "softmax-xent": Layer(dense.derive_softmax, ("size",)),
}


def derive(layer: str, options: Options, check: bool = False) -> Document:
    """The derivation of a layer. InvalidArgumentError for an unknown one, or an option that it does not take."""
    if layer not in LAYERS:
        raise InvalidArgumentError(f"unknown layer {layer!r}; there are {', '.join(LAYERS)}")
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
