"""`tf.nn.rnn_cell`: one step of a recurrent network."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.core.arguments import refuse
from minigraph.layers.common import layer_scope
from minigraph.ops.array.known import in_graph
from minigraph.util import nest

Activation = Callable[[Any], Any]


class LSTMStateTuple(NamedTuple):
    """The state of an LSTM: the cells and the output, both [batch, units]."""

    c: Any
    h: Any


class RNNCell(tf.layers.Layer):
    """Base class of cells. A subclass has the properties `state_size` and `output_size` and the method `call`."""

    def __init__(
        self, trainable: bool = True, name: str | None = None, dtype: Any = None, _reuse: bool | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        if not trainable:
            raise ValueError(f"{type(self).__name__}: trainable=False is not supported")
        super().__init__(name=name, dtype=dtype, _reuse=_reuse, **kwargs)

    @property
    def state_size(self) -> Any:
        raise NotImplementedError("Abstract method")

    @property
    def output_size(self) -> Any:
        raise NotImplementedError("Abstract method")

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        """The output and the next state."""
        raise NotImplementedError("Abstract method")

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        """The output and the next state. The variables are made in `scope` at the first call."""
        built = self._scope is not None
        if self._scope is None:
            own = self._name or _snake_case(type(self).__name__)
            with tf.variable_scope(scope or (own if self._reuse else None), default_name=own) as self._scope:
                pass
        graph = nest.flatten(inputs)[0]
        with layer_scope(tf.convert_to_tensor(graph), self._scope, "", True if built else self._reuse):
            return self.call(inputs, state)

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """Zeros for the state before the first step, for a batch size that may be a tensor."""
        with tf.name_scope(f"{type(self).__name__}ZeroState"):
            return _zeros(self.state_size, batch_size, dtype)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z][a-z])", r"_\1\2", name).lower()


def _zeros(size: Any, batch_size: Any, dtype: Any) -> Any:
    sizes: list[Any] = [s.as_list() if isinstance(s, tf.TensorShape) else [s] for s in nest.flatten(size)]
    tf.get_default_graph().reserve_ids(len(sizes) * (6 if in_graph(batch_size) else 1))  # other shapes in TensorFlow
    return nest.pack(size, [tf.zeros(tf.stack([batch_size, *s]), dtype) for s in sizes])


class _Cell(RNNCell):
    """A cell whose state is its output, [batch, num_units]."""

    def __init__(
        self, num_units: int, activation: Activation | str | None = None, reuse: bool | None = None,
        name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **kwargs)
        self._num_units = num_units
        self._activation = getattr(tf.nn, activation) if isinstance(activation, str) else activation or tf.tanh

    @property
    def state_size(self) -> Any:
        return self._num_units

    @property
    def output_size(self) -> Any:
        return self._num_units

    def _weights(
        self, inputs: Any, rows: int, columns: int, scope: str = "", kernel: Any = None, bias: Any = None
    ) -> tuple[Any, Any]:
        """A matrix for the input beside `rows` numbers of state, and a vector. kernel, bias: their initializers."""
        depth = tf.convert_to_tensor(inputs).shape.as_list()[-1]
        if depth is None:
            raise ValueError(f"Expected inputs.shape[-1] to be known, saw shape: {inputs.shape}")
        matrix = tf.get_variable(f"{scope}kernel", [depth + rows, columns], inputs.dtype, kernel)
        return matrix, tf.get_variable(f"{scope}bias", [columns], inputs.dtype, bias or tf.zeros_initializer())


def _linear(inputs: Any, state: Any, weights: tuple[Any, Any]) -> Any:
    """[inputs, state]·matrix + vector."""
    return tf.nn.bias_add(tf.matmul(tf.concat([inputs, state], 1), weights[0]), weights[1])


class BasicRNNCell(_Cell):
    """h' = activation([x, h]·kernel + bias)."""

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        weights = self._weights(inputs, self._num_units, self._num_units)
        output = self._activation(_linear(inputs, state, weights))
        return output, output


class GRUCell(_Cell):
    """The gated recurrent unit of Cho et al. 2014: h' = u·h + (1 - u)·activation([x, r·h]·kernel + bias)."""

    def __init__(
        self, num_units: int, activation: Activation | str | None = None, reuse: bool | None = None,
        kernel_initializer: Any = None, bias_initializer: Any = None, name: str | None = None, dtype: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(num_units, activation, reuse, name, dtype, **kwargs)
        self._kernel, self._bias = kernel_initializer, bias_initializer

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        n, ones = self._num_units, tf.constant_initializer(1.0)
        gates = self._weights(inputs, n, 2 * n, "gates/", self._kernel, self._bias or ones)
        candidate = self._weights(inputs, n, n, "candidate/", self._kernel, self._bias)
        r, u = tf.split(tf.sigmoid(_linear(inputs, state, gates)), 2, 1)
        new = self._activation(_linear(inputs, r * state, candidate))
        output = u * state + (1 - u) * new
        return output, output


class _LSTM(_Cell):
    """A cell with a state of two parts; joined to one tensor if not `state_is_tuple`."""

    def __init__(self, num_units: int, forget_bias: float, state_is_tuple: bool, *args: Any, **kwargs: Any) -> None:
        super().__init__(num_units, *args, **kwargs)
        self._forget_bias, self._state_is_tuple = forget_bias, state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = LSTMStateTuple(self._num_units, self.output_size)
        return sizes if self._state_is_tuple else sum(sizes)

    def _parts(self, state: Any) -> Any:
        return state if self._state_is_tuple else tf.split(state, [self._num_units, self.output_size], 1)

    def _state(self, c: Any, h: Any) -> Any:
        return LSTMStateTuple(c, h) if self._state_is_tuple else tf.concat([c, h], 1)


class BasicLSTMCell(_LSTM):
    """The LSTM of Zaremba et al. 2014, without peepholes."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, state_is_tuple: bool = True,
        activation: Activation | str | None = None, reuse: bool | None = None, name: str | None = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(num_units, forget_bias, state_is_tuple, activation, reuse, name, dtype, **kwargs)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        c, h = self._parts(state)
        weights = self._weights(inputs, self._num_units, 4 * self._num_units)
        i, j, f, o = tf.split(_linear(inputs, h, weights), 4, 1)
        c = c * tf.sigmoid(f + self._forget_bias) + tf.sigmoid(i) * self._activation(j)
        h = self._activation(c) * tf.sigmoid(o)
        return h, self._state(c, h)


class LSTMCell(_LSTM):
    """The LSTM of Sak et al. 2014: peepholes, clipping, and a projection of the output."""

    def __init__(
        self, num_units: int, use_peepholes: bool = False, cell_clip: float | None = None, initializer: Any = None,
        num_proj: int | None = None, proj_clip: float | None = None, num_unit_shards: Any = None,
        num_proj_shards: Any = None, forget_bias: float = 1.0, state_is_tuple: bool = True,
        activation: Activation | str | None = None, reuse: bool | None = None, name: str | None = None,
        dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        refuse("LSTMCell", num_unit_shards=num_unit_shards, num_proj_shards=num_proj_shards)
        super().__init__(num_units, forget_bias, state_is_tuple, activation, reuse, name, dtype, **kwargs)
        self._use_peepholes, self._cell_clip, self._initializer = use_peepholes, cell_clip, initializer
        self._num_proj, self._proj_clip = num_proj, proj_clip

    @property
    def output_size(self) -> Any:
        return self._num_proj or self._num_units

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        c, h = self._parts(state)
        weights = self._weights(inputs, self.output_size, 4 * self._num_units, kernel=self._initializer)
        peepholes, projection = self._further(inputs.dtype)
        i, j, f, o = tf.split(_linear(inputs, h, weights), 4, 1)
        f = f + self._forget_bias
        if peepholes:
            f, i = f + peepholes[0] * c, i + peepholes[1] * c
        c = _clipped(tf.sigmoid(f) * c + tf.sigmoid(i) * self._activation(j), self._cell_clip)
        h = tf.sigmoid(o + peepholes[2] * c if peepholes else o) * self._activation(c)
        if projection is not None:
            h = _clipped(tf.matmul(h, projection), self._proj_clip)
        return h, self._state(c, h)

    def _further(self, dtype: Any) -> tuple[list[Any], Any]:
        """The weights from the cells to the gates for forgetting, for the input and for the output; the projection."""
        names = [f"w_{gate}_diag" for gate in "fio"] if self._use_peepholes else []
        peepholes = [tf.get_variable(n, [self._num_units], dtype, self._initializer) for n in names]
        if self._num_proj is None:
            return peepholes, None
        shape = [self._num_units, self._num_proj]
        return peepholes, tf.get_variable("projection/kernel", shape, dtype, self._initializer)


class LSTMBlockCell(LSTMCell):
    """The LSTM that TensorFlow computes in one node: `LSTMCell` with a bias for forgetting, and other arguments."""

    def __init__(
        self, num_units: int, forget_bias: float = 1.0, cell_clip: float | None = None, use_peephole: bool = False,
        dtype: Any = None, reuse: bool | None = None, name: str | None = "lstm_cell",
    ) -> None:  # fmt: skip
        clip = None if cell_clip is not None and cell_clip < 0 else cell_clip
        super().__init__(num_units, use_peephole, clip, forget_bias=forget_bias, reuse=reuse, name=name, dtype=dtype)


def _clipped(x: Any, limit: float | None) -> Any:
    return x if limit is None else tf.clip_by_value(x, -limit, limit)


class MultiRNNCell(RNNCell):
    """Cells one after another: each gets the output of the one before. The state is the tuple of their states."""

    def __init__(self, cells: Sequence[RNNCell], state_is_tuple: bool = True) -> None:
        super().__init__()
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        if not isinstance(cells, list | tuple):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if not state_is_tuple and any(nest.form(c.state_size) is not None for c in cells):
            raise ValueError("Some cells return tuples of states, but the flag state_is_tuple is not set.")
        self._cells, self._state_is_tuple = cells, state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        if not self._state_is_tuple:
            return super().zero_state(batch_size, dtype)
        with tf.name_scope("MultiRNNCellZeroState"):
            return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)

    def call(self, inputs: Any, state: Any) -> tuple[Any, Any]:
        parts = state if self._state_is_tuple else tf.split(state, [c.state_size for c in self._cells], 1)
        states = []
        for k, (cell, part) in enumerate(zip(self._cells, parts, strict=True)):
            with tf.variable_scope(f"cell_{k}"):
                inputs, new = cell(inputs, part)
                states.append(new)
        return inputs, tuple(states) if self._state_is_tuple else tf.concat(states, 1)


class _Wrapper(RNNCell):
    """A cell that has the sizes of another one."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        self._cell = cell

    @property
    def wrapped_cell(self) -> Any:
        return self._cell

    @property
    def variables(self) -> list[Any]:
        return self._cell.variables  # type: ignore[no-any-return]

    weights = variables

    @property
    def trainable_variables(self) -> list[Any]:
        return self._cell.trainable_variables  # type: ignore[no-any-return]

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        with tf.name_scope(f"{type(self).__name__}ZeroState"):
            return self._cell.zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        return self._cell(inputs, state, scope)


class DropoutWrapper(_Wrapper):
    """A cell with dropout of its input, its output and its state, but not of an LSTM's `c`."""

    def __init__(
        self, cell: Any, input_keep_prob: Any = 1.0, output_keep_prob: Any = 1.0, state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False, input_size: Any = None, dtype: Any = None, seed: int | None = None,
        dropout_state_filter_visitor: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(cell)
        refuse("DropoutWrapper", variational_recurrent=variational_recurrent or None,
               dropout_state_filter_visitor=dropout_state_filter_visitor)  # fmt: skip
        self._keep = {"input": input_keep_prob, "output": output_keep_prob, "state": state_keep_prob}
        self._seed = seed
        tf.get_default_graph().reserve_ids(sum(not in_graph(p) for p in self._keep.values()))  # constants

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        output, new = self._cell(self._dropped("input", inputs), state, scope)
        return self._dropped("output", output), self._dropped("state", new)

    def _dropped(self, which: str, values: Any) -> Any:
        keep = self._keep[which]
        if isinstance(keep, int | float) and keep >= 1.0:
            return values
        flags = nest.flatten(_drops(values)) if which == "state" else [True] * len(nest.flatten(values))
        return nest.pack(values, [
            tf.nn.dropout(v, keep_prob=keep, seed=self._seed_of(which, k)) if flag else v
            for k, (v, flag) in enumerate(zip(nest.flatten(values), flags, strict=True))
        ])  # fmt: skip

    def _seed_of(self, which: str, index: int) -> int | None:
        """TensorFlow's seed for one use of the wrapper's seed."""
        if self._seed is None:
            return None
        import hashlib

        return int(hashlib.md5(f"{self._seed}{which}_{index}".encode()).hexdigest()[:8], 16) & 0x7FFFFFFF


def _drops(state: Any) -> Any:
    """For each part of a state whether dropout applies to it."""
    if isinstance(state, LSTMStateTuple):
        return LSTMStateTuple(c=False, h=True)
    return tuple(map(_drops, state)) if isinstance(state, list | tuple) else True


class ResidualWrapper(_Wrapper):
    """A cell that adds its input to its output."""

    def __call__(self, inputs: Any, state: Any, scope: Any = None) -> Any:
        output, new = self._cell(inputs, state, scope)
        sums = [x + y for x, y in zip(nest.flatten(inputs), nest.flatten(output), strict=True)]
        return nest.pack(output, sums), new


class DeviceWrapper(_Wrapper):
    """The cell itself: a session runs the whole graph on its backend."""

    def __init__(self, cell: Any, device: Any) -> None:
        super().__init__(cell)
