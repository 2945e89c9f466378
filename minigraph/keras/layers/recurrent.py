"""Recurrent layers: those that run a cell over the steps of sequences."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigraph.control.tracing import run_steps
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import bool_
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorShape
from minigraph.keras.base_layer import Layer, assign_all
from minigraph.keras.field_layer import FieldLayer
from minigraph.keras.layers.recurrent_cells import (
    GRUCell,
    LSTMCell,
    RecurrentCell,
    SimpleRNNCell,
    StackedRNNCells,
    build,
    masks_of,
    step_of,
    zero_states,
)
from minigraph.keras.network import layer_from_config
from minigraph.keras.shapes import InputSpec
from minigraph.keras.state import floatx, state_of
from minigraph.layers.structures import flat
from minigraph.ops.array.reshape import reshape, transpose
from minigraph.ops.array.reversal import reverse
from minigraph.ops.array.shape import zeros
from minigraph.ops.filling import ones_like, zeros_like
from minigraph.ops.math.casting import cast
from minigraph.ops.math.comparison import logical_and
from minigraph.ops.math.selection import where
from minigraph.run.variables import Variable

__all__ = ["GRU", "LSTM", "RNN", "SimpleRNN"]


LOOP = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "time_major")


class RecurrentLayer(Layer):
    """A layer that runs a cell over the steps of sequences."""

    cell: Any
    rank: ClassVar[int] = 3  # of the input
    supports_masking = True

    def __init__(self, *args: Any, zero_output_for_mask: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zero_output_for_mask = zero_output_for_mask  # not the result of the step before

    def get_config(self) -> dict[str, Any]:
        kept = {"zero_output_for_mask": True} if self.zero_output_for_mask else {}
        return {**super().get_config(), **kept}

    def _set_loop(self, *values: Any) -> None:
        for name, value in zip(LOOP, values, strict=True):
            setattr(self, name, value)
        self.input_spec = InputSpec(ndim=self.rank)
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
        shape = input_shape[0] if isinstance(input_shape, list) else input_shape
        build(self.cell, TensorShape([shape[1 if self.time_major else 0], *shape.as_list()[2:]]))
        if self.stateful:
            batch = shape.as_list()[1 if self.time_major else 0]
            if batch is None:
                raise ValueError(
                    "If a RNN is stateful, it needs to know its batch size. Specify the batch size of your input "
                    "tensors: `batch_input_shape` of a Sequential model's first layer, or `batch_shape` of Input."
                )
            like = self._first_states(zeros([batch, *shape.as_list()[2:]], self._dtype or floatx()))
            made = [Variable(state, False, name="state", collections=[]) for state in like]
            state_of(made[0].graph).track(made)
            self._own["states"] = made

    def __call__(self, inputs: Any, initial_state: Any = None, constants: Any = None, **kwargs: Any) -> Any:
        """Apply the layer.

        Args:
            inputs: Sequences [batch, time, features], or a list of them and of initial states.
            initial_state: Tensors [batch, units] for the states, in place of zeros.
            constants: Keras's; it must be None.
            **kwargs: Arguments of `call`.

        Returns:
            The results, and the last states if the layer gives them.

        Raises:
            ValueError: The number of states differs from the cell's, or `constants` are given.
        """
        if constants is not None:
            raise ValueError("constants of a cell are not supported")
        if initial_state is not None:
            inputs = [*flat(inputs), *flat(initial_state)]
        return super().__call__(inputs, **kwargs)

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        x, *states = flat(inputs)
        x = x if self.time_major else _swapped(x)
        mask = flat(mask)[0]
        if not states:
            states = self._own["states"] or self._first_states(x[0])
        states = [convert_to_tensor(s) for s in states]
        if len(states) != len(flat(self.cell.state_size)):
            raise ValueError(
                f"Layer has {len(flat(self.cell.state_size))} states but was passed {len(states)} initial states."
            )
        x = reverse(x, [0]) if self.go_backwards else x
        masks = masks_of(self.cell, x[0], states, training)

        def step(before: list[Tensor], rows: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            output, new = step_of(self.cell, rows[0], before, masks, training)
            return new, [output]

        def masked_step(before: list[Tensor], rows: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            """A step that keeps the states and the last result where the mask is False."""
            made, (output,) = step(before[1:], rows[:1])
            kept = [where(_spread(rows[1], new), new, old) for new, old in zip([output, *made], before, strict=True)]
            shown = (
                where(_spread(rows[1], output), output, zeros_like(output)) if self.zero_output_for_mask else kept[0]
            )
            return kept, [shown]

        if mask is None:
            last, (outputs,) = run_steps(step, states, [x])
        else:
            counts = cast(mask if self.time_major else _swapped(mask), bool_)
            counts = reverse(counts, [0]) if self.go_backwards else counts
            first, _ = step_of(self.cell, x[0], states, masks, training)
            (_, *last), (outputs,) = run_steps(masked_step, [zeros_like(first), *states], [x, counts])
        if self.stateful:
            self.add_update([v.assign(s) for v, s in zip(self._own["states"], last, strict=True)])
        if not self.return_sequences:
            outputs = outputs[-1]
        elif not self.time_major:
            outputs = _swapped(outputs)
        return [outputs, *last] if self.return_state else outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        found = flat(mask)[0] if self.return_sequences else None
        return [found, *(None for _ in flat(self.cell.state_size))] if self.return_state else found

    def _first_states(self, x: Tensor) -> list[Tensor]:
        """The states before the first step, from its input."""
        return self.cell.first_states(x) if isinstance(self.cell, RecurrentCell) else zero_states(self.cell, x)

    def reset_states(self, states: Any = None) -> None:
        """Set the states of a stateful layer.

        Args:
            states: The arrays [batch, units]; by default zeros.

        Raises:
            AttributeError: The layer is not stateful.
            ValueError: There are more or fewer states, or they have other shapes.
        """
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
    """A cell over the steps of sequences [batch, time, features].

    Args:
        cell: The cell, or a list of cells one upon another. A cell of one's own has the attribute `state_size` and the
            method `call(inputs, states)`, which gives the result and the new states.
        return_sequences: Whether the results of all steps are given, not only that of the last one.
        return_state: Whether the last states are given, too.
        go_backwards: Whether the last step comes first.
        stateful: Whether each batch goes on from the states of the one before. The batch's size must be known.
        unroll: TensorFlow's; it has no effect.
        time_major: Whether sequences are [time, batch, features].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape; and `zero_output_for_mask`, whether the
            result of a masked step is 0, not that of the step before.

    Raises:
        ValueError: The cell lacks `call` or `state_size`.

    Example:
        >>> layer = tf.keras.layers.RNN([tf.keras.layers.LSTMCell(4), tf.keras.layers.SimpleRNNCell(3)])
        >>> layer(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 3]
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
        cell = {"class_name": type(self.cell).__name__, "config": self.cell.get_config()}
        return {**super().get_config(), **{n: getattr(self, n) for n in LOOP}, "cell": cell}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(layer_from_config(config.pop("cell")), **config)


def _spread(mask: Tensor, like: Tensor) -> Tensor:
    """The mask of a step [batch], for each element of a tensor."""
    return logical_and(
        reshape(mask, [-1, *(1 for _ in range((like.type.rank or 1) - 1))]), cast(ones_like(like), bool_)
    )


def _swapped(x: Tensor) -> Tensor:
    return transpose(x, [1, 0, *range(2, len(x.type.shape or ()))])


class CellLayer(FieldLayer, RecurrentLayer):
    """A layer with a cell of its own, whose arguments it takes."""

    fields: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[type[RecurrentCell]]
    activity_regularizer: Any = None

    def __init_subclass__(cls) -> None:
        if "of" in cls.__dict__ and "fields" not in cls.__dict__:
            cls._take_fields()
        for name in cls.fields:
            if not hasattr(cls, name) and hasattr(cls.of, name):
                setattr(cls, name, getattr(cls.of, name))
        super().__init_subclass__()

    @classmethod
    def _take_fields(cls) -> None:
        """The arguments of the cell and of the loop, in TensorFlow's order."""
        own = list(cls.of.fields)
        own.insert(own.index("bias_regularizer") + 1, "activity_regularizer")
        if "implementation" in own:
            own.remove("implementation")
            own.append("implementation")
        after = [n for n in own if n == "reset_after"]
        cls.fields = (*(n for n in own if n not in after), *LOOP[:-1], *after, *LOOP[-1:])

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
        return FieldLayer.get_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class SimpleRNN(CellLayer):
    """A fully connected recurrent network over sequences [batch, time, features].

    Args:
        units: The number of units.
        activation: The activation function of the results.
        use_bias: Whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: The initial weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: What the weights are set to after each step.
        dropout, recurrent_dropout: The shares of the inputs and of the states that are 0 in training.
        activity_regularizer: A penalty of the results.
        return_sequences: Whether the results of all steps are given, not only that of the last one.
        return_state: Whether the last states are given, too.
        go_backwards: Whether the last step comes first.
        stateful: Whether each batch goes on from the states of the one before. The batch's size must be known.
        unroll: TensorFlow's; it has no effect.
        time_major: Whether sequences are [time, batch, features].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.SimpleRNN(3)(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 3]
    """

    of = SimpleRNNCell


class LSTM(CellLayer):
    """An LSTM over sequences [batch, time, features].

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
        activity_regularizer: A penalty of the results.
        return_sequences: Whether the results of all steps are given, not only that of the last one.
        return_state: Whether the last states are given, too.
        go_backwards: Whether the last step comes first.
        stateful: Whether each batch goes on from the states of the one before. The batch's size must be known.
        unroll: TensorFlow's; it has no effect.
        time_major: Whether sequences are [time, batch, features].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.LSTM(3)(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 3]
    """

    of = LSTMCell


class GRU(CellLayer):
    """A GRU over sequences [batch, time, features].

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
        activity_regularizer: A penalty of the results.
        return_sequences: Whether the results of all steps are given, not only that of the last one.
        return_state: Whether the last states are given, too.
        go_backwards: Whether the last step comes first.
        stateful: Whether each batch goes on from the states of the one before. The batch's size must be known.
        unroll: TensorFlow's; it has no effect.
        time_major: Whether sequences are [time, batch, features].
        **kwargs: Arguments of `Layer`, such as name, trainable and input_shape.

    Example:
        >>> tf.keras.layers.GRU(3)(tf.zeros([2, 5, 4])).shape.as_list()
        [2, 3]
    """

    of = GRUCell
