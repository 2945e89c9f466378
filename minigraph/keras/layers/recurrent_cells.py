"""Cells of recurrent layers: one step of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, ClassVar

from minigraph import nn
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorShape
from minigraph.keras import backend as K
from minigraph.keras.base_layer import Layer
from minigraph.keras.field_layer import FieldLayer
from minigraph.keras.network import layer_from_config
from minigraph.layers.structures import flat
from minigraph.ops.array.joining import concat, split
from minigraph.ops.array.shape import ones, packed, zeros
from minigraph.ops.array.shape import shape as shape_of
from minigraph.ops.filling import ones_like
from minigraph.ops.identity import identity
from minigraph.ops.math.matmul import matmul

__all__ = ["GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"]


class RecurrentCell(FieldLayer):
    """One step of a recurrent network. gates: the number of products with the state."""

    units: int
    activation: Any = "tanh"
    use_bias: bool = True
    kernel_initializer: Any = "glorot_uniform"
    recurrent_initializer: Any = "orthogonal"
    bias_initializer: Any = "zeros"
    kernel_regularizer: Any = None
    recurrent_regularizer: Any = None
    bias_regularizer: Any = None
    kernel_constraint: Any = None
    recurrent_constraint: Any = None
    bias_constraint: Any = None
    dropout: float = 0.0
    recurrent_dropout: float = 0.0

    gates: ClassVar[int] = 1
    implementation: ClassVar[int] = 2

    @property
    def state_size(self) -> Any:
        """The number of units, or a list of those of several states."""
        return self.units

    @property
    def output_size(self) -> Any:
        """The size of the results."""
        return self.units

    def build(self, input_shape: Any) -> None:
        of_input, of_state = self.kernel_shapes(input_shape)
        self.kernel = self.weight_of("kernel", of_input)
        self.recurrent_kernel = self.weight_of("recurrent", of_state, "recurrent_kernel")
        self.bias = self.weight_of("bias", self._bias_shape) if self.use_bias else None

    def kernel_shapes(self, input_shape: Any) -> tuple[list[int], list[int]]:
        """The shapes of the kernels of the input and of the state."""
        columns = self.gates * self.units
        return [input_shape[-1].value, columns], [self.units, columns]

    def first_states(self, x: Tensor) -> list[Tensor]:
        """The states before the first step, from its input."""
        return zero_states(self, x)

    @property
    def _bias_shape(self) -> list[int]:
        """The shape of the bias."""
        return [self.gates * self.units]

    def _masks(self, first: Tensor, states: Sequence[Tensor], training: Any) -> list[list[Tensor]]:
        """What the inputs and the states of all steps are multiplied with, for each gate; nothing without dropout."""
        count = self.gates if self.implementation == 1 else 1

        def mask(x: Tensor, rate: float) -> Any:
            whole = ones_like(x)
            return K.in_train_phase(lambda: nn.dropout(whole, rate=rate), lambda: identity(whole), training)

        pairs = ((first, self.dropout), (states[0], self.recurrent_dropout))
        return [[mask(x, rate) for _ in range(count)] if rate > 0 else [] for x, rate in pairs]

    def call(self, inputs: Any, states: Any, training: Any = None, masks: Any = None) -> Any:
        """Compute one step.

        Args:
            inputs: The step's inputs [batch, features].
            states: The states [batch, units], in a list.
            training: Whether dropout is active; by default in the learning phase.
            masks: What a recurrent layer has made for the dropout of all steps.

        Returns:
            The result and the list of the new states.
        """
        states = list(states)
        output, new = self._step(inputs, states, self._masks(inputs, states, training) if masks is None else masks)
        return output, new

    def _step(self, x: Tensor, states: list[Tensor], masks: list[list[Tensor]]) -> tuple[Tensor, list[Tensor]]:
        """The result of a step, and the new states. For subclasses."""
        h = self.activation(self._of_input(x, masks[0]) + product(states[0], masks[1], self.recurrent_kernel))
        return h, [h]

    def _of_input(self, x: Tensor, masks: list[Tensor]) -> Tensor:
        """The products with the input, and the bias."""
        found = product(x, masks, self.kernel)
        return found if self.bias is None else nn.bias_add(found, self.bias)


Product = Callable[[Tensor, Any], Tensor]


def by_parts(multiply: Product, x: Tensor, masks: Sequence[Tensor], kernel: Any, axis: int) -> Tensor:
    """A product of x and a kernel, whose parts are on an axis of the result and the last one of the kernel.

    masks: one for x, or one for each equal part of the kernel.
    """
    if len(masks) < 2:
        return multiply(x * masks[0] if masks else x, kernel)
    parts = split(kernel, len(masks), len(kernel.shape) - 1)
    return concat([multiply(x * m, part) for m, part in zip(masks, parts, strict=True)], axis)


def product(x: Tensor, masks: Sequence[Tensor], kernel: Any) -> Tensor:
    """x·kernel. masks: one for x, or one for each equal part of the kernel's columns."""
    return by_parts(matmul, x, masks, kernel, 1)


def zero_states(cell: Any, x: Tensor) -> list[Tensor]:
    """Zeros [batch, size] for each state of a cell. x: the input of a step."""
    return [zeros(packed([shape_of(x)[0], n]), x.dtype) for n in flat(cell.state_size)]


class SimpleRNNCell(RecurrentCell):
    """A step of a fully connected recurrent network: activation(x·kernel + h·recurrent_kernel + bias).

    Args:
        units: The number of units.
        activation: The activation function of the results.
        use_bias: Whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: The initial weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: What the weights are set to after each step.
        dropout, recurrent_dropout: The shares of the inputs and of the states that are 0 in training.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.RNN(tf.keras.layers.SimpleRNNCell(3))
        >>> layer(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 3]
    """


class LSTMCell(RecurrentCell):
    """A step of an LSTM. Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997.

    Args:
        units: The number of units.
        activation: The activation function of the results.
        recurrent_activation: The activation function of the gates.
        use_bias: Whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: The initial weights.
        unit_forget_bias: Whether the bias of the gate of forgetting begins with ones.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: What the weights are set to after each step.
        dropout, recurrent_dropout: The shares of the inputs and of the states that are 0 in training.
        implementation: 1 for masks of dropout of its own for each gate, 2 for one.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.RNN(tf.keras.layers.LSTMCell(3))
        >>> layer(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 3]
    """

    fields = (*RecurrentCell.fields[:2], "recurrent_activation", *RecurrentCell.fields[2:6], "unit_forget_bias",
              *RecurrentCell.fields[6:], "implementation")  # fmt: skip
    recurrent_activation: Any = "hard_sigmoid"
    unit_forget_bias: bool = True
    implementation: int = 1  # type: ignore[misc]
    gates = 4

    @property
    def state_size(self) -> Any:
        """The sizes of both states."""
        return [self.units, self.units]

    def build(self, input_shape: Any) -> None:
        if self.use_bias and self.unit_forget_bias:
            start, units = self.bias_initializer, self.units

            def initial(shape: Any, dtype: Any = None, **_: Any) -> Tensor:
                return concat([start([units], dtype=dtype), ones([units], dtype), start([2 * units], dtype=dtype)], 0)

            self.bias_initializer = initial
            super().build(input_shape)
            self.bias_initializer = start
        else:
            super().build(input_shape)

    channel_axis = 1

    def _of_state(self, h: Tensor, masks: list[Tensor]) -> Tensor:
        """The products with the state."""
        return product(h, masks, self.recurrent_kernel)

    def _step(self, x: Tensor, states: list[Tensor], masks: list[list[Tensor]]) -> tuple[Tensor, list[Tensor]]:
        """The result of a step, and the new states."""
        h, c = states
        i, f, g, o = split(self._of_input(x, masks[0]) + self._of_state(h, masks[1]), 4, self.channel_axis)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        h = gate(o) * self.activation(c)
        return h, [h, c]


class GRUCell(RecurrentCell):
    """A step of a GRU. Source: Cho et al., "Learning phrase representations using RNN encoder–decoder", 2014.

    Args:
        units: The number of units.
        activation: The activation function of the results.
        recurrent_activation: The activation function of the gates.
        use_bias: Whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: The initial weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: What the weights are set to after each step.
        dropout, recurrent_dropout: The shares of the inputs and of the states that are 0 in training.
        implementation: 1 for masks of dropout of its own for each gate, 2 for one.
        reset_after: Whether the gate of resetting comes after the product with the state, which then has a bias.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> layer = tf.keras.layers.RNN(tf.keras.layers.GRUCell(3))
        >>> layer(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 3]
    """

    fields = (
        *RecurrentCell.fields[:2],
        "recurrent_activation",
        *RecurrentCell.fields[2:],
        "implementation",
        "reset_after",
    )
    recurrent_activation: Any = "hard_sigmoid"
    implementation: int = 1  # type: ignore[misc]
    reset_after: bool = False
    gates = 3

    @property
    def _bias_shape(self) -> list[int]:
        """The shape of the bias."""
        return [2, 3 * self.units] if self.reset_after else [3 * self.units]

    def _of_input(self, x: Tensor, masks: list[Tensor]) -> Tensor:
        """The products with the input, and their bias."""
        if self.bias is None or not self.reset_after:
            return super()._of_input(x, masks)
        return nn.bias_add(product(x, masks, self.kernel), self.bias[0])

    def _step(self, x: Tensor, states: list[Tensor], masks: list[list[Tensor]]) -> tuple[Tensor, list[Tensor]]:
        """The result of a step, and the new state."""
        (h,) = states
        gate, size = self.recurrent_activation, self.units
        xz, xr, xh = split(self._of_input(x, masks[0]), 3, 1)
        if self.reset_after:
            inner = product(h, masks[1], self.recurrent_kernel)
            hz, hr, hh = split(inner if self.bias is None else nn.bias_add(inner, self.bias[1]), 3, 1)
            z, r = gate(xz + hz), gate(xr + hr)
            new = self.activation(xh + r * hh)
        else:
            of_gates, of_new = split(self.recurrent_kernel, [2 * size, size], 1)
            hz, hr = split(product(h, masks[1][:2], of_gates), 2, 1)
            z, r = gate(xz + hz), gate(xr + hr)
            new = self.activation(xh + product(r * h, masks[1][-1:], of_new))
        h = z * h + (1 - z) * new
        return h, [h]


class StackedRNNCells(Layer):
    """Cells one upon another: each takes the result of the one before.

    Args:
        cells: The cells.
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> cells = [tf.keras.layers.LSTMCell(4), tf.keras.layers.GRUCell(3)]
        >>> tf.keras.layers.RNN(tf.keras.layers.StackedRNNCells(cells))(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 3]
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells = list(cells)

    @property
    def state_size(self) -> Any:
        """The sizes of all states."""
        return [size for cell in self.cells for size in flat(cell.state_size)]

    @property
    def output_size(self) -> Any:
        """The size of the results of the last cell."""
        return self.cells[-1].output_size

    def build(self, input_shape: Any) -> None:
        for cell in self.cells:
            build(cell, input_shape)
            input_shape = TensorShape([None, cell.output_size])

    def _masks(self, first: Tensor, states: Sequence[Tensor], training: Any) -> list[Any]:
        """Those of all cells. A cell's first state has the shape of its results."""
        rest, found = list(states), []
        for cell in self.cells:
            count = len(flat(cell.state_size))
            found.append(masks_of(cell, first, rest[:count], training))
            first, rest = rest[0], rest[count:]
        return found

    def call(self, inputs: Any, states: Any, training: Any = None, masks: Any = None) -> Any:
        """Compute one step.

        Args:
            inputs: The step's inputs [batch, features].
            states: The states [batch, units], in a list.
            training: Whether dropout is active; by default in the learning phase.
            masks: What a recurrent layer has made for the dropout of all steps.

        Returns:
            The result and the list of the new states.
        """
        rest, new = list(states), []
        chosen = self._masks(inputs, states, training) if masks is None else masks
        for cell, own in zip(self.cells, chosen, strict=True):
            count = len(flat(cell.state_size))
            inputs, after = step_of(cell, inputs, rest[:count], own, training)
            new += flat(after)
            rest = rest[count:]
        return inputs, new

    def get_config(self) -> dict[str, Any]:
        cells = [{"class_name": type(c).__name__, "config": c.get_config()} for c in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls([layer_from_config(c) for c in config.pop("cells")], **config)


def build(cell: Any, shape: Any) -> None:
    if not cell.built:
        cell.build(shape)
        cell.built = True


def masks_of(cell: Any, first: Tensor, states: Sequence[Tensor], training: Any) -> Any:
    return cell._masks(first, states, training) if hasattr(cell, "_masks") else None


def step_of(cell: Any, x: Tensor, states: Sequence[Tensor], masks: Any, training: Any) -> tuple[Tensor, list[Tensor]]:
    """A step of a cell, which may be one of the user's."""
    more = {"training": training} | ({} if masks is None else {"masks": masks})
    known = signature(cell.call).parameters
    output, new = cell.call(x, states, **{name: value for name, value in more.items() if name in known})
    return output, flat(new)
