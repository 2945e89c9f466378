"""Sizes of unknown dimensions, given on the command line or chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from minigraph.core.errors import UnknownNameError
from minigraph.core.types import TensorType

Command = TypeVar("Command", bound=Callable[..., Any])
IMAGE, LENGTH = 224, 16  # unknown sides of images, and unknown lengths of other axes


class SizeError(UnknownNameError, ValueError):
    """An invalid --shape or --dim."""


class Sizes(NamedTuple):
    """shapes: by the input's name; None for an unknown length. dims: by the name of a symbolic dimension."""

    shapes: dict[str, tuple[int | None, ...]]
    dims: dict[str, int]


def _shape(text: str) -> tuple[str, tuple[int | None, ...]]:
    name, equals, numbers = text.partition("=")
    parts = numbers.split(",") if numbers else []
    if not (name and equals) or not all(p == "?" or (p.isdecimal() and int(p)) for p in parts):
        raise SizeError(f"--shape: expected INPUT=SIZES, such as images=1,3,320,320 or images=?,3,64,64, got {text!r}")
    return name, tuple(None if p == "?" else int(p) for p in parts)


def _dim(text: str) -> tuple[str, int]:
    name, equals, number = text.partition("=")
    if not (name and equals and number.isdecimal() and int(number)):
        raise SizeError(f"--dim: expected NAME=SIZE, such as height=320, got {text!r}")
    return name, int(number)


def size_options(command: Command) -> Command:
    """--shape and --dim, as the parameters `shapes` and `dims`, texts for `parse_sizes`."""
    shape = click.option(
        "--shape",
        "shapes",
        multiple=True,
        metavar="INPUT=SIZES",
        help="Shape of an ONNX model's input; may be repeated.",
    )
    dim = click.option(
        "--dim", "dims", multiple=True, metavar="NAME=SIZE", help="Size of a symbolic dimension of an ONNX model."
    )
    return shape(dim(command))


def parse_sizes(shapes: Sequence[str], dims: Sequence[str]) -> Sizes:
    return Sizes(dict(map(_shape, shapes)), dict(map(_dim, dims)))


def chosen_shape(kind: TensorType, batch_size: int) -> tuple[int, ...]:
    """A shape with sizes for the unknown dimensions: `batch_size` for the first, 224 for sides of images, else 16."""
    shape = kind.shape or ()
    others = IMAGE if len(shape) == 4 else LENGTH
    return tuple(d if d is not None else others if axis else batch_size for axis, d in enumerate(shape))
