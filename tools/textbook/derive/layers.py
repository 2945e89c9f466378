"""The layers that can be derived. To add one, write its function and add a line to LAYERS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sympy import simplify

from minigraph.core.errors import InvalidArgumentError, UnknownNameError
from minigraph.tools.textbook.derive import (
    channels,
    convolution,
    dense,
    dropout,
    normalisation,
    pooling,
    residual,
    response,
    units,
)
from minigraph.tools.textbook.derive.document import FORMATS, Claims, Document, Heading
from minigraph.tools.textbook.derive.problem import DeriveOptions
from minigraph.tools.textbook.derive.steps import Chain, chain_rule


class Derivation(NamedTuple):
    """A layer's derivation function, the fields of `DeriveOptions` that it takes, and its chain of steps."""

    derive: Callable[[DeriveOptions, bool], Document]
    options: Sequence[str]
    chain: Callable[[DeriveOptions], Chain]


def _convolution(options: DeriveOptions, check: bool) -> Document:
    return channels.derive(options, check) if options.channels else convolution.derive(options, check)


def _convolution_chain(options: DeriveOptions) -> Chain:
    posed, _ = channels.problem(options) if options.channels else convolution.problem(options)
    return Chain(posed, "s")


WINDOWED = ("size", "kernel", "stride", "padding")
LAYERS: dict[str, Derivation] = {
    "avg-pool": Derivation(
        pooling.derive_average, WINDOWED, lambda options: Chain(pooling.problem(options, "avg_pool"), "s")
    ),
    "batch-norm": Derivation(normalisation.derive, ("batch",), normalisation.chain),
    "conv2d": Derivation(_convolution, (*WINDOWED, "channels"), _convolution_chain),
    "dense": Derivation(
        dense.derive_dense, ("size", "batch"), lambda options: Chain(dense.dense_problem(options), "y")
    ),
    "dropout": Derivation(dropout.derive, ("size",), lambda options: Chain(dropout.problem(options), "y")),
    "lrn": Derivation(
        response.derive, ("size",), lambda options: Chain(response.problem(options), "y", {}, response.one_form)
    ),
    "max-pool": Derivation(pooling.derive_max, (*WINDOWED, "values"), pooling.chain_max),
    "rbf": Derivation(units.derive_rbf, ("size",), lambda options: Chain(units.rbf_problem(options), "y")),
    "residual": Derivation(residual.derive, ("size",), residual.chain),
    "sigmoid": Derivation(
        units.derive_sigmoid, ("size",), lambda options: Chain(units.sigmoid_problem(options), "y", {}, simplify)
    ),
    "sigmoid-xent": Derivation(
        units.derive_cross_entropy,
        ("size",),
        lambda options: Chain(units.cross_entropy_problem(options, fused=False), "c", {}, simplify),
    ),
    "softmax-xent": Derivation(dense.derive_softmax, ("size",), dense.softmax_chain),
}


def derive(layer: str, options: DeriveOptions, check: bool = False, steps: bool = False) -> Document:
    """The derivation of a layer; `steps` adds the chain rule, line by line.

    Raises InvalidArgumentError for an unknown layer or an unsupported option.
    """
    layer = layer.replace("_", "-")
    if layer not in LAYERS:
        raise UnknownNameError(f"unknown layer {layer!r}; there are {', '.join(LAYERS)}")
    chosen = LAYERS[layer]
    for field, value in options._asdict().items():
        if value is not None and field not in chosen.options:
            taken = ", ".join(f"--{o}" for o in chosen.options)
            raise InvalidArgumentError(f"{layer} takes no --{field}; it takes {taken}")
    document = chosen.derive(options, check)
    if not steps:
        return document
    blocks, claims = chain_rule(chosen.chain(options), check)
    end = next((i for i, block in enumerate(document.blocks) if block == Heading("Checks")), len(document.blocks))
    found = [Claims(claims)] if claims else []
    return Document(document.title, [*document.blocks[:end], *blocks, *document.blocks[end:], *found])


def write(document: Document, form: str) -> str:
    """The document as "text", "markdown" or "latex"."""
    return FORMATS[form](document)


def failures(document: Document) -> list[str]:
    """The claims that do not hold."""
    return [c.text for b in document.blocks if isinstance(b, Claims) for c in b.lines if not c.holds]
