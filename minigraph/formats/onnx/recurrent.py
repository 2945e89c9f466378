"""Importers of RNN, GRU, LSTM and DynamicQuantizeLSTM, as loops over the steps.

The products with the inputs of all steps are one matrix product in front of the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.core.types import compatible
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.elementwise import hard_sigmoid, like, scaled_elu, select
from minigraph.ir.scan import element
from minigraph.ir.scan_gradient import make_region, scan_region

Activation = Callable[[Tensor], Any]
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4, "DynamicQuantizeLSTM": 4}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
PARAMETERS = {"LeakyRelu": (0.01, 0.0), "HardSigmoid": (0.2, 0.5), "Elu": (1.0, 0.0), "ThresholdedRelu": (1.0, 0.0)}
PARAMETERS |= {"Affine": (1.0, 0.0), "ScaledTanh": (1.0, 1.0)}

FUNCTIONS: dict[str, Callable[[Tensor, float, float], Any]] = {
    "Affine": lambda x, a, b: x * like(x, a) + like(x, b),
    "Elu": lambda x, a, b: scaled_elu(x, a),
    "HardSigmoid": hard_sigmoid,
    "LeakyRelu": lambda x, a, b: tf.nn.leaky_relu(x, a),
    "Relu": lambda x, a, b: tf.nn.relu(x),
    "ScaledTanh": lambda x, a, b: like(x, a) * tf.tanh(x * like(x, b)),
    "Sigmoid": lambda x, a, b: tf.sigmoid(x),
    "Softplus": lambda x, a, b: tf.nn.softplus(x),
    "Softsign": lambda x, a, b: tf.nn.softsign(x),
    "Tanh": lambda x, a, b: tf.tanh(x),
    "ThresholdedRelu": lambda x, a, b: select(x > like(x, a), x, tf.zeros_like(x)),
}


class _Cell(NamedTuple):
    """One direction. x: [T,B,gates·H], with the biases that are added to it. hidden: [H,gates·H]; quantised ones have a
    scale and a zero point. late: GRU's bias of the candidate's recurrent product, [H]. peepholes: [3H], or None."""

    x: Tensor
    hidden: Sequence[Tensor]
    late: Tensor | None
    peepholes: Tensor | None
    functions: Sequence[Activation]


def _applied(function: Callable[..., Any], a: float, b: float, x: Tensor) -> Any:
    return function(x, a, b)


def _functions(call: OnnxNode, count: int) -> list[list[Activation]]:
    """The activations of each direction."""
    names = call.attr("activations", None) or DEFAULTS[call.kind.removeprefix("DynamicQuantize")] * count
    names = [n.decode() if isinstance(n, bytes) else n for n in names]
    alphas, betas = list(call.attr("activation_alpha", [])), list(call.attr("activation_beta", []))
    found: list[Activation] = []
    for name in names:
        kind = next((k for k in FUNCTIONS if k.lower() == name.lower()), None)
        if kind is None:
            call.unsupported(f"the activation {name} is unknown")
        a, b = PARAMETERS.get(kind, (0.0, 0.0))
        if kind in PARAMETERS and alphas:
            a = alphas.pop(0)
        if kind in ("HardSigmoid", "Affine", "ScaledTanh") and betas:
            b = betas.pop(0)
        found.append(partial(_applied, FUNCTIONS[kind], a, b))
    each = len(found) // count
    return [found[d * each : (d + 1) * each] for d in range(count)]


def _clipped(call: OnnxNode) -> Activation:
    bound = call.attr("clip", 0.0)
    return (lambda x: tf.clip_by_value(x, like(x, -bound), like(x, bound))) if bound else lambda x: x


def _recurrent(call: OnnxNode) -> Result:
    gates, layout = GATES[call.kind], call.attr("layout", 0)
    count = 2 if call.attr("direction", "forward") == "bidirectional" else 1
    x = tf.transpose(call.x(0), (1, 0, 2)) if layout else call.x(0)
    size = call.attr("hidden_size")
    batch = tf.shape(x)[1]
    zero = tf.zeros(tf.stack([batch, size]), x.dtype)
    steps = _steps(call, x)
    states = 2 if gates == 4 else 1
    ends: list[list[Tensor]] = [[] for _ in range(states)]
    outputs = []
    for d, functions in enumerate(_functions(call, count)):
        first = [_initial(call, 5 + s, d, layout, zero) for s in range(states)]
        reverse = d == 1 or call.attr("direction", "forward") == "reverse"
        cell = _cell(call, x, d, gates, size, functions)
        found = _loop(call, cell, first, steps, reverse, size)
        for s in range(states):
            ends[s].append(found[s])
        outputs.append(found[states])
    y = tf.stack(outputs, 2 if layout else 1)  # [T,directions,B,H], or [T,B,directions,H]
    y = tf.transpose(y, (1, 0, 2, 3)) if layout else y
    return [y, *(tf.stack(each, 1 if layout else 0) for each in ends)]


def _steps(call: OnnxNode, x: Tensor) -> list[Tensor]:
    """The numbers of the steps, and the lengths of the sequences [B,1], if they are given."""
    if not call.has(4):
        return []
    return [tf.range(tf.shape(x)[0]), tf.expand_dims(tf.cast(call.x(4), tf.int32), 1)]


def _initial(call: OnnxNode, index: int, direction: int, layout: int, zero: Tensor) -> Tensor:
    if not call.has(index):
        return zero
    given: Tensor = call.x(index)[:, direction] if layout else call.x(index)[direction]
    if not compatible(given.type.shape, zero.type.shape):
        call.unsupported(f"a first state is {given.type}, but must be {zero.type}")
    return given


def _cell(call: OnnxNode, x: Tensor, d: int, gates: int, size: int, functions: Sequence[Activation]) -> _Cell:
    bias: Any = None
    late = None
    if call.has(3):
        both = call.x(3)[d]
        bias = both[: gates * size] + both[gates * size :]
        if call.kind == "GRU" and call.attr("linear_before_reset", 0):
            late = both[(2 * gates - 1) * size :]
            bias = tf.concat([bias[: 2 * size], both[2 * size : 3 * size]], 0)
    if call.kind == "DynamicQuantizeLSTM":
        product = _quantised_product(x, *_dequantised(call, d, 1, 8))
        hidden = _dequantised(call, d, 2, 10)
    else:
        product = _rows_times(x, tf.transpose(call.x(1)[d]))
        hidden = [tf.transpose(call.x(2)[d])]
    peepholes = call.x(7)[d] if gates == 4 and call.has(7) else None
    return _Cell(product if bias is None else product + bias, hidden, late, peepholes, functions)


def _rows_times(x: Tensor, w: Tensor) -> Any:
    """The product of [T,B,I], or [B,I], with a matrix [I,O]."""
    if x.type.rank == 2:
        return tf.matmul(x, w)
    shape = tf.shape(x)
    product = tf.matmul(tf.reshape(x, tf.stack([-1, tf.shape(w)[0]])), w)
    result = tf.reshape(product, tf.stack([shape[0], shape[1], tf.shape(w)[1]]))
    result.set_shape([*(x.type.shape or (None, None))[:2], (w.type.shape or (None, None))[1]])
    return result


def _dequantised(call: OnnxNode, d: int, index: int, scale: int) -> list[Tensor]:
    """The weights [I,O] of a direction minus their zero point, as floating-point numbers; and their scale."""
    kind, places = call.type().dtype, (index, scale + 1)
    if all(call.value(i).known for i in places):
        arrays = [call.array(i)[d].astype(kind.np_dtype) for i in places]
        return [tf.constant(arrays[0] - arrays[1]), call.x(scale)[d]]
    w, zero = (tf.cast(call.x(i)[d], kind) for i in places)
    return [w - zero, call.x(scale)[d]]


def _quantised_product(x: Tensor, weights: Tensor, scale: Tensor) -> Any:
    """The product of `x`, quantised to bytes by its range, with whole weights [I,O] and their scale."""
    low = tf.minimum(tf.reduce_min(x), like(x, 0))
    high = tf.maximum(tf.reduce_max(x), like(x, 0))
    step: Any = (high - low) / like(x, 255)
    step = select(tf.equal(step, like(x, 0)), tf.ones_like(step), step)
    middle = tf.round(tf.clip_by_value(-low / step, like(x, 0), like(x, 255)))
    whole = tf.clip_by_value(tf.round(x / step) + middle, like(x, 0), like(x, 255)) - middle
    return _rows_times(whole, weights) * (step * scale)


def _loop(
    call: OnnxNode, cell: _Cell, first: Sequence[Tensor], steps: Sequence[Tensor], reverse: bool, size: int
) -> list[Tensor]:
    """The final states and the outputs [T,B,H] of one direction."""
    build = {"RNN": _rnn_step, "GRU": _gru_step}.get(call.kind, _lstm_step)
    sequences = [cell.x, *steps[:1]]
    constants = [*cell.hidden, *(t for t in (cell.late, cell.peepholes) if t is not None), *steps[1:]]

    def body(*tensors: Tensor) -> Sequence[Tensor]:
        state, x, rest = tensors[: len(first)], tensors[len(first)], list(tensors[len(first) + len(sequences) :])
        hidden = [rest.pop(0) for _ in cell.hidden]
        late = rest.pop(0) if cell.late is not None else None
        peepholes = rest.pop(0) if cell.peepholes is not None else None
        own = _Cell(x, hidden, late, peepholes, cell.functions)
        new = build(call, own, state, size)
        out = new[0]
        if steps:
            number, lengths = tensors[len(first) + 1], rest[0]
            inside = tf.less(number, lengths)
            new = [select(inside, n, s) for n, s in zip(new, state, strict=True)]
            out = select(inside, out, tf.zeros_like(out))
        return [*new, out]

    types = [t.type for t in first] + [element(t.type) for t in sequences] + [t.type for t in constants]
    return scan_region(make_region(types, body), first, sequences, constants, reverse)


def _product(h: Tensor, hidden: Sequence[Tensor]) -> Any:
    return tf.matmul(h, hidden[0]) if len(hidden) == 1 else _quantised_product(h, *hidden)


def _rnn_step(call: OnnxNode, cell: _Cell, state: Sequence[Tensor], size: int) -> list[Tensor]:
    (h,), clip = state, _clipped(call)
    return [cell.functions[0](clip(cell.x + _product(h, cell.hidden)))]


def _gru_step(call: OnnxNode, cell: _Cell, state: Sequence[Tensor], size: int) -> list[Tensor]:
    (h,), clip = state, _clipped(call)
    f, g = cell.functions
    weights = cell.hidden[0]
    gates = f(clip(cell.x[:, : 2 * size] + tf.matmul(h, weights[:, : 2 * size])))
    z, r, x = gates[:, :size], gates[:, size:], cell.x[:, 2 * size :]
    if call.attr("linear_before_reset", 0):
        product: Any = tf.matmul(h, weights[:, 2 * size :])
        candidate = g(clip(x + r * (product if cell.late is None else product + cell.late)))
    else:
        candidate = g(clip(x + tf.matmul(r * h, weights[:, 2 * size :])))
    return [(like(z, 1) - z) * candidate + z * h]


def _lstm_step(call: OnnxNode, cell: _Cell, state: Sequence[Tensor], size: int) -> list[Tensor]:
    (h, c), clip = state, _clipped(call)
    f, g, last = cell.functions
    total = cell.x + _product(h, cell.hidden)
    i, o, forget, new = (total[:, k * size : (k + 1) * size] for k in range(4))
    p = None if cell.peepholes is None else [cell.peepholes[k * size : (k + 1) * size] for k in range(3)]
    i = f(clip(i if p is None else i + p[0] * c))
    coupled = call.attr("input_forget", 0)
    forget = like(i, 1) - i if coupled else f(clip(forget if p is None else forget + p[2] * c))
    cell_state = forget * c + i * g(clip(new))
    o = f(clip(o if p is None else o + p[1] * cell_state))
    return [o * last(cell_state), cell_state]


IMPORT: dict[str, Callable[[OnnxNode], Result]] = dict.fromkeys(("GRU", "LSTM", "RNN"), _recurrent)
QUANTISED: dict[str, Callable[[OnnxNode], Result]] = {"DynamicQuantizeLSTM": _recurrent}
