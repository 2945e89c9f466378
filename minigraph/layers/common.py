"""Arguments, scopes and shapes that all layers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

from minigraph.core.arguments import integers
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Graph, Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import DataFormat2D, LayerPadding, Padding
from minigraph.ops.builder import as_tensor_like
from minigraph.ops.constant import Const
from minigraph.ops.data_format import NCHW, NHWC
from minigraph.ops.nn.bias import bias_add
from minigraph.run.variable_scope import Reuse, VariableScope, get_variable, variable_scope

Activation: TypeAlias = Callable[[Tensor], Tensor] | None


@contextmanager
def layer_scope(x: Tensor | Graph, name: str | VariableScope | None, default: str, reuse: Reuse) -> Iterator[None]:
    """The variable scope of a layer of a tensor, or in a graph. One from before is opened again with its name scope."""
    graph = x.graph if isinstance(x, Tensor) else x
    with graph.as_default():
        if isinstance(name, VariableScope):
            again = variable_scope(name, reuse=reuse, auxiliary_name_scope=False)
            with graph.name_scope(name.original_name_scope), again:
                yield
        else:
            with variable_scope(name, default_name=default, reuse=reuse):
                yield


def known(condition: Any) -> Any:
    """The value of a constant bool tensor; any other argument unchanged."""
    condition = as_tensor_like(condition)
    if isinstance(condition, Tensor) and isinstance(condition.node.op, Const):
        return bool(condition.node.op.value)
    return condition


def finished(
    y: Tensor, units: int, bias: tuple[Any, Any, bool, Any] | None, activation: Activation,
    form: DataFormat2D | None = None,
) -> Tensor:  # fmt: skip
    """activation(y + bias).

    bias: its initializer, its regularizer, whether it is trained, and its constraint; None for no bias.
    """
    if bias is not None:
        initializer, regularizer, trainable, constraint = bias
        how = (initializer, regularizer, trainable)
        y = bias_add(y, get_variable("bias", [units], y.dtype, *how, constraint=constraint), form)
    return y if activation is None else activation(y)


def padding_of(padding: Any, *more: str) -> str:
    """A layer's padding in small letters. ValueError unless it is "valid", "same" or one of `more`."""
    allowed = ("valid", "same", *more)
    if not isinstance(padding, str) or padding.lower() not in allowed:
        raise ValueError(f"The `padding` argument must be one of {allowed}. Received: {padding!r}")
    return padding.lower()


def op_padding(padding: LayerPadding) -> Padding:
    """A layer's padding as ops spell it. ValueError for an unknown one."""
    return cast(Padding, padding_of(padding).upper())


def require_channels_last(data_format: str) -> None:
    """ValueError for another data format."""
    if data_format != "channels_last":
        raise ValueError(f"data_format must be channels_last, not {data_format!r}")


def image_format(data_format: str) -> tuple[DataFormat2D, Callable[..., list[int]]]:
    """The ops' name of a data format, and a function that turns a size or a pair into sizes for all four axes."""
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"data_format must be channels_last or channels_first, not {data_format!r}")
    if data_format == "channels_first":
        return NCHW, lambda value, what="strides": [1, 1, *sizes(value, 2, what)]
    return NHWC, lambda value, what="strides": [1, *sizes(value, 2, what), 1]


def channels_of(x: Tensor, data_format: str, layer: str) -> int:
    """The number of channels of images. ShapeError if it is unknown."""
    if data_format == "channels_last":
        return last_size(x, 4, layer)
    dims = x.type.shape
    if dims is None or len(dims) != 4 or dims[1] is None:
        raise ShapeError(f"{layer} takes images [N,C,H,W] whose channels are defined, not {format_shape(dims)}")
    return dims[1]


def last_size(x: Tensor, rank: int, layer: str) -> int:
    """The size of the last axis of a tensor of the given rank. ShapeError if it is unknown."""
    dims = x.type.shape
    if dims is None or len(dims) != rank or dims[-1] is None:
        shape = format_shape(dims)
        raise ShapeError(f"{layer} takes a tensor of rank {rank} whose last dimension is defined, not {shape}")
    return dims[-1]


def sizes(value: Any, rank: int, what: str) -> tuple[int, ...]:
    """One integer, or one for each of `rank` axes, as a tuple of them. ValueError with the argument's name `what`."""
    found = integers(value)
    if found is None or len(found) not in (1, rank):
        each = "one integer" + f" or a tuple of {rank}" * (rank > 1)
        raise ValueError(f"The `{what}` argument must be {each}. Received: {value!r}")
    return found * rank if len(found) == 1 else found
