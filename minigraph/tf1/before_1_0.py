"""Names and orders of arguments from before TensorFlow 1.0, for `minigraph run --from-tf0`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import minigraph as tf
from minigraph.core.operand import Operand
from minigraph.tf1.namespace import RENAMED, ROOT
from minigraph.tf1.tree import MODULES


def install() -> None:
    """Make TensorFlow's names behave as in version 0.12, for the rest of the process.

    Calls in the order of TensorFlow 1 work as well, where the two orders can be told apart.
    """
    for old, new in RENAMED.items():
        base, _, name = old.rpartition(".")
        if old not in _OWN:
            MODULES[base].__dict__[name] = _at(new)
    for path, function in _OWN.items():
        base, _, name = path.rpartition(".")
        MODULES[base].__dict__[name] = function


def _at(path: str) -> Any:
    value: Any = ROOT
    for part in path.split("."):
        value = getattr(value, part)
    return value


def concat(concat_dim: Any, values: Any = None, name: str = "concat", axis: Any = None) -> Any:
    """`tf.concat` with the axis first."""
    given, dim = values, axis if axis is not None else concat_dim
    if axis is not None:
        given = values if values is not None else concat_dim
    elif isinstance(concat_dim, list | tuple):
        given, dim = concat_dim, values
    return tf.concat(given, dim, name=name)


def split(split_dim: Any, num_split: Any = None, value: Any = None, name: str = "split", **options: Any) -> Any:
    """`tf.split` with the axis first and the value last."""
    if isinstance(split_dim, Operand) or options:  # TensorFlow 1's: value, num_or_size_splits, axis
        names = {"num_or_size_splits": num_split, "axis": value if value is not None else 0}
        return tf.split(options.pop("value", split_dim), **{**names, **options}, name=name)
    return tf.split(value, num_split, split_dim, name=name)


def resize_images(images: Any, size: Any, new_width: Any = None, method: Any = 0, align_corners: bool = False) -> Any:
    """`tf.image.resize_images`, also with height and width as two arguments."""
    sized: Any = [size, new_width]
    if isinstance(size, list | tuple | Operand):
        sized, method = size, method if new_width is None else new_width
    return tf.image.resize_images(images, sized, method, align_corners)


def image_summary(tag: Any, tensor: Any, max_images: int = 3, collections: Any = None, name: str | None = None) -> Any:
    """`tf.summary.image`."""
    return tf.summary.image(name or tag, tensor, max_images, collections)


def _summary(kind: str) -> Callable[..., Any]:
    def summary(tags: Any, values: Any, collections: Any = None, name: str | None = None) -> Any:
        return getattr(tf.summary, kind)(name or tags, values, collections)

    return summary


def _loss(name: str, second: str) -> Callable[..., Any]:
    """A loss of the interface, with the logits first and by position."""
    function = getattr(tf.nn, name)

    @wraps(function)
    def loss(*args: Any, **options: Any) -> Any:
        for argument, value in zip(("logits", second, "name"), args, strict=False):
            options.setdefault(argument, value)
        return function(**{"labels" if k == "targets" else k: v for k, v in options.items()})

    return loss


def batch_matmul(x: Any, y: Any, adj_x: bool = False, adj_y: bool = False, name: str | None = None) -> Any:
    """`tf.matmul` of stacks of matrices."""
    return tf.matmul(x, y, transpose_a=adj_x, transpose_b=adj_y, name=name)


_OWN: dict[str, Callable[..., Any]] = {
    "batch_matmul": batch_matmul,
    "concat": concat,
    "histogram_summary": _summary("histogram"),
    "image.resize_images": resize_images,
    "image_summary": image_summary,
    "nn.sigmoid_cross_entropy_with_logits": _loss("sigmoid_cross_entropy_with_logits", "targets"),
    "nn.softmax_cross_entropy_with_logits": _loss("softmax_cross_entropy_with_logits", "labels"),
    "nn.sparse_softmax_cross_entropy_with_logits": _loss("sparse_softmax_cross_entropy_with_logits", "labels"),
    "scalar_summary": _summary("scalar"),
    "split": split,
}
