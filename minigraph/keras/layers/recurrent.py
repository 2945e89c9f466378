"""Recurrent layers: cells, and the layers that run them over the steps of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph import nn
from minigraph.control.tracing import run_steps
from minigraph.core.convert import convert_to_tensor
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorShape
from minigraph.keras import backend as K
from minigraph.keras.base_layer import FieldLayer, InputSpec, Layer, assign_all, flat
from minigraph.keras.network import layer_from_config
from minigraph.keras.state import floatx, state_of
from minigraph.ops.array.joining import concat, split
from minigraph.ops.array.reshape import transpose
from minigraph.ops.array.shape import ones, packed, zeros
from minigraph.ops.array.shape import shape as shape_of
from minigraph.ops.array.slicing import reverse
from minigraph.ops.filling import ones_like
from minigraph.ops.identity import identity
from minigraph.ops.math.matmul import matmul
from minigraph.run.variables import Variable

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "GRUCell",
    "LSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
]


class _Cell(FieldLayer):
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
        """Make the kernels and the bias."""
        self.kernel = self.weight_of("kernel", [input_shape[-1].value, self.gates * self.units])
        recurrent = [self.units, self.gates * self.units]
        self.recurrent_kernel = self.weight_of("recurrent", recurrent, "recurrent_kernel")
        self.bias = self.weight_of("bias", self.bias_shape) if self.use_bias else None

    @property
    def bias_shape(self) -> list[int]:
        """The shape of the bias."""
        return [self.gates * self.units]

    def masks(self, first: Tensor, states: Sequence[Tensor], training: Any) -> list[list[Tensor]]:
        """What the inputs and the states of all steps are multiplied with, for each gate; nothing without dropout."""
        count = self.gates if self.implementation == 1 else 1

        def mask(x: Tensor, rate: float) -> Any:
            whole = ones_like(x)
            return K.in_train_phase(lambda: nn.dropout(whole, rate=rate), lambda: identity(whole), training)

        pairs = ((first, self.dropout), (states[0], self.recurrent_dropout))
        return [[mask(x, rate) for _ in range(count)] if rate > 0 else [] for x, rate in pairs]

    def call(self, inputs: Any, states: Any, training: Any = None, masks: Any = None) -> Any:
        """The result of a step, and the new states."""
        states = list(states)
        output, new = self.step(inputs, states, self.masks(inputs, states, training) if masks is None else masks)
        return output, new

    def step(self, x: Tensor, states: list[Tensor], masks: list[list[Tensor]]) -> tuple[Tensor, list[Tensor]]:
        """The result of a step, and the new states. For subclasses."""
        h = self.activation(self.of_input(x, masks[0]) + product(states[0], masks[1], self.recurrent_kernel))
        return h, [h]

    def of_input(self, x: Tensor, masks: list[Tensor]) -> Tensor:
        """The products with the input, and the bias."""
        found = product(x, masks, self.kernel)
        return found if self.bias is None else nn.bias_add(found, self.bias)


def product(x: Tensor, masks: Sequence[Tensor], kernel: Any) -> Tensor:
    """x·kernel. masks: one for x, or one for each equal part of the kernel's columns."""
    if len(masks) < 2:
        return matmul(x * masks[0] if masks else x, kernel)
    return concat([matmul(x * m, part) for m, part in zip(masks, split(kernel, len(masks), 1), strict=True)], 1)


class SimpleRNNCell(_Cell):
    """activation(x·kernel + h·recurrent_kernel + bias)."""


class LSTMCell(_Cell):
    """A step of an LSTM. Source: Hochreiter and Schmidhuber, "Long short-term memory", 1997."""

    fields = (*_Cell.fields[:2], "recurrent_activation", *_Cell.fields[2:6], "unit_forget_bias", *_Cell.fields[6:],
              "implementation")  # fmt: skip
    recurrent_activation: Any = "hard_sigmoid"
    unit_forget_bias: bool = True
    implementation: int = 1  # type: ignore[misc]
    gates = 4

    @property
    def state_size(self) -> Any:
        """The sizes of both states."""
        return [self.units, self.units]

    def build(self, input_shape: Any) -> None:
        """Make the kernels and the bias, which is 1 for the gate of forgetting."""
        if self.use_bias and self.unit_forget_bias:
            start, units = self.bias_initializer, self.units

            def initial(shape: Any, dtype: Any = None, **_: Any) -> Tensor:
                return concat([start([units], dtype=dtype), ones([units], dtype), start([2 * units], dtype=dtype)], 0)

            self.bias_initializer = initial
            super().build(input_shape)
            self.bias_initializer = start
        else:
            super().build(input_shape)

    def step(self, x: Tensor, states: list[Tensor], masks: list[list[Tensor]]) -> tuple[Tensor, list[Tensor]]:
        """The result of a step, and the new states."""
        h, c = states
        i, f, g, o = split(self.of_input(x, masks[0]) + product(h, masks[1], self.recurrent_kernel), 4, 1)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        h = gate(o) * self.activation(c)
        return h, [h, c]


class GRUCell(_Cell):
    """A step of a GRU. Source: Cho et al., "Learning phrase representations using RNN encoder–decoder", 2014.

    reset_after: whether the gate of resetting comes after the product with the state, which then has a bias.
    """

    fields = (*_Cell.fields[:2], "recurrent_activation", *_Cell.fields[2:], "implementation", "reset_after")
    recurrent_activation: Any = "hard_sigmoid"
    implementation: int = 1  # type: ignore[misc]
    reset_after: bool = False
    gates = 3

    @property
    def bias_shape(self) -> list[int]:
        """The shape of the bias."""
        return [2, 3 * self.units] if self.reset_after else [3 * self.units]

    def of_input(self, x: Tensor, masks: list[Tensor]) -> Tensor:
        """The products with the input, and their bias."""
        if self.bias is None or not self.reset_after:
            return super().of_input(x, masks)
        return nn.bias_add(product(x, masks, self.kernel), self.bias[0])

    def step(self, x: Tensor, states: list[Tensor], masks: list[list[Tensor]]) -> tuple[Tensor, list[Tensor]]:
        """The result of a step, and the new state."""
        (h,) = states
        gate, size = self.recurrent_activation, self.units
        xz, xr, xh = split(self.of_input(x, masks[0]), 3, 1)
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
    """Cells one upon another: each takes the result of the one before."""

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
        """Make the weights of all cells."""
        for cell in self.cells:
            _build(cell, input_shape)
            input_shape = TensorShape([None, cell.output_size])

    def masks(self, first: Tensor, states: Sequence[Tensor], training: Any) -> list[Any]:
        """Those of all cells. A cell's first state has the shape of its results."""
        rest, found = list(states), []
        for cell in self.cells:
            count = len(flat(cell.state_size))
            found.append(_masks(cell, first, rest[:count], training))
            first, rest = rest[0], rest[count:]
        return found

    def call(self, inputs: Any, states: Any, training: Any = None, masks: Any = None) -> Any:
        """The result of a step, and the new states."""
        rest, new = list(states), []
        chosen = self.masks(inputs, states, training) if masks is None else masks
        for cell, own in zip(self.cells, chosen, strict=True):
            count = len(flat(cell.state_size))
            inputs, after = _step(cell, inputs, rest[:count], own)
            new += flat(after)
            rest = rest[count:]
        return inputs, new

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a layer."""
        cells = [{"class_name": type(c).__name__, "config": c.get_config()} for c in self.cells]
        return {**super().get_config(), "cells": cells}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a configuration."""
        return cls([layer_from_config(c) for c in config.pop("cells")], **config)


def _build(cell: Any, shape: Any) -> None:
    if not cell.built:
        cell.build(shape)
        cell.built = True


def _masks(cell: Any, first: Tensor, states: Sequence[Tensor], training: Any) -> Any:
    return cell.masks(first, states, training) if hasattr(cell, "masks") else None


def _step(cell: Any, x: Tensor, states: Sequence[Tensor], masks: Any) -> tuple[Tensor, list[Tensor]]:
    """A step of a cell, which may be one of the user's."""
    output, new = cell.call(x, states) if masks is None else cell.call(x, states, masks=masks)
    return output, flat(new)


LOOP = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "time_major")


class RecurrentLayer(Layer):
    """A layer that runs a cell over the steps of sequences."""

    cell: Any

    def _set_loop(self, *values: Any) -> None:
        for name, value in zip(LOOP, values, strict=True):
            setattr(self, name, value)
        self.input_spec = InputSpec(ndim=3)
        self._own: dict[str, list[Variable]] = {"states": []}  # those of a stateful layer, which are no weights

    return_sequences: bool
    return_state: bool
    go_backwards: bool
    unroll: bool
    time_major: bool

    @property
    def states(self) -> list[Any]:
        """The variables of a stateful layer's states."""
        return self._own["states"] or [None for _ in flat(self.cell.state_size)]

    def build(self, input_shape: Any) -> None:
        """Make the cell's weights, and the variables of the states if the layer keeps them."""
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        _build(self.cell, TensorShape([shape[1 if self.time_major else 0], *shape.as_list()[2:]]))
        if self.stateful:
            batch = shape.as_list()[1 if self.time_major else 0]
            if batch is None:
                raise ValueError(
                    "If a RNN is stateful, it needs to know its batch size. Specify the batch size of your input "
                    "tensors: `batch_input_shape` of a Sequential model's first layer, or `batch_shape` of Input."
                )
            made = [Variable(zeros([batch, n], self._dtype or floatx()), False, name="state", collections=[])
                    for n in flat(self.cell.state_size)]  # fmt: skip
            state_of(made[0].graph).track(made)
            self._own["states"] = made

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """Apply the layer. initial_state: tensors for the states, in place of zeros."""
        if constants is not None:
            raise ValueError("constants of a cell are not supported")
        if initial_state is not None:
            inputs = [*flat(inputs), *flat(initial_state)]
        return super().__call__(inputs, **kwargs)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Compute the results."""
        x, *states = flat(inputs)
        x = x if self.time_major else _swapped(x)
        if not states:
            states = self._own["states"] or [
                zeros(packed([shape_of(x)[1], n]), x.dtype) for n in flat(self.cell.state_size)
            ]
        states = [convert_to_tensor(s) for s in states]
        if len(states) != len(flat(self.cell.state_size)):
            raise ValueError(
                f"Layer has {len(flat(self.cell.state_size))} states but was passed {len(states)} initial states."
            )
        x = reverse(x, [0]) if self.go_backwards else x
        masks = _masks(self.cell, x[0], states, training)

        def step(before: list[Tensor], rows: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            output, new = _step(self.cell, rows[0], before, masks)
            return new, [output]

        last, (outputs,) = run_steps(step, states, [x])
        if self.stateful:
            self.add_update([v.assign(s) for v, s in zip(self._own["states"], last, strict=True)])
        if not self.return_sequences:
            outputs = outputs[-1]
        elif not self.time_major:
            outputs = _swapped(outputs)
        return [outputs, *last] if self.return_state else outputs

    def reset_states(self, states: Any = None) -> None:
        """Set the states of a stateful layer, to zeros by default."""
        if not self.stateful:
            raise AttributeError("Layer must be stateful.")
        kept = self._own["states"]
        given = [np.zeros(v.type.static) for v in kept] if states is None else flat(states)
        if len(given) != len(kept):
            raise ValueError(
                f"Layer {self.name} expects {len(kept)} states, but it received {len(given)} state values."
            )
        assign_all(zip(kept, given, strict=True))


class RNN(RecurrentLayer):
    """A cell, or a list of them one upon another, over the steps of sequences [batch, time, features].

    return_sequences: give the results of all steps, not only the last one. return_state: also give the last states.
    go_backwards: begin with the last step. stateful: each batch goes on from the states of the one before. time_major:
    sequences are [time, batch, features]. unroll has no effect.
    """

    def __init__(
        self, cell: Any, return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
        stateful: bool = False, unroll: bool = False, time_major: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else cell
        for part in (self.cell, *getattr(self.cell, "cells", ())):
            if not hasattr(part, "call") or not hasattr(part, "state_size"):
                raise ValueError(f"`cell` should have a `call` method and a `state_size`; got {part!r}")
        self._set_loop(return_sequences, return_state, go_backwards, stateful, unroll, time_major)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a layer."""
        cell = {"class_name": type(self.cell).__name__, "config": self.cell.get_config()}
        return {**super().get_config(), **{n: getattr(self, n) for n in LOOP}, "cell": cell}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a configuration."""
        return cls(layer_from_config(config.pop("cell")), **config)


def _swapped(x: Tensor) -> Tensor:
    return transpose(x, [1, 0, *range(2, len(x.type.shape or ()))])


class _Recurrent(FieldLayer, RecurrentLayer):
    """A layer with a cell of its own, whose arguments it takes."""

    fields: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[type[_Cell]]
    activity_regularizer: Any = None

    def __init_subclass__(cls) -> None:
        own = list(cls.of.fields)
        own.insert(own.index("bias_regularizer") + 1, "activity_regularizer")
        if "implementation" in own:
            own.remove("implementation")
            own.append("implementation")
        after = [n for n in own if n == "reset_after"]
        cls.fields = (*(n for n in own if n not in after), *LOOP, *after)
        for name in cls.fields:
            if not hasattr(cls, name) and hasattr(cls.of, name):
                setattr(cls, name, getattr(cls.of, name))
        super().__init_subclass__()

    return_sequences: bool = False
    return_state: bool = False
    go_backwards: bool = False
    stateful: bool = False
    unroll: bool = False
    time_major: bool = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        FieldLayer.__init__(self, *args, **kwargs)
        self.cell = self.of(**{n: getattr(self, n) for n in self.of.fields}, dtype=self._dtype)
        self._set_loop(*(getattr(self, n) for n in LOOP))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a layer."""
        return FieldLayer.get_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a configuration."""
        return cls(**config)


class SimpleRNN(_Recurrent):
    """A fully connected recurrent network; see `SimpleRNNCell` and `RNN`."""

    of = SimpleRNNCell


class LSTM(_Recurrent):
    """An LSTM; see `LSTMCell` and `RNN`."""

    of = LSTMCell


class GRU(_Recurrent):
    """A GRU; see `GRUCell` and `RNN`."""

    of = GRUCell
