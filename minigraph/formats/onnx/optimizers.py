"""Importers of the optimizers in ai.onnx.preview.training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.elementwise import like, select

Step = Callable[[OnnxNode, Tensor, Any, list[Tensor]], list[Any]]


def _optimizer(states: int, step: Step) -> Callable[[OnnxNode], Result]:
    """Inputs: the rate, the count of steps, then all variables, all gradients, and all states of each kind."""

    def build(call: OnnxNode) -> Result:
        count = (len(call.inputs) - 2) // (2 + states)
        columns: list[list[Any]] = []
        for k in range(count):
            x, g, *state = (call.x(2 + k + count * i) for i in range(2 + states))
            decay = call.attr("norm_coefficient", 0.0)
            columns.append(step(call, x, g + like(x, decay) * x, state))
        return [column[i] for i in range(1 + states) for column in columns]

    return build


def _adagrad(call: OnnxNode, x: Tensor, g: Any, state: list[Tensor]) -> list[Any]:
    rate = call.x(0) / (like(x, 1) + tf.cast(call.x(1), x.dtype) * like(x, call.attr("decay_factor", 0.0)))
    total = state[0] + g * g
    return [x - rate * g / (tf.sqrt(total) + like(x, call.attr("epsilon", 1e-6))), total]


def _momentum(call: OnnxNode, x: Tensor, g: Any, state: list[Tensor]) -> list[Any]:
    alpha, beta = like(x, call.attr("alpha")), like(x, call.attr("beta"))
    first = tf.equal(call.x(1), tf.zeros_like(call.x(1)))
    v: Any = alpha * state[0] + select(first, tf.ones_like(beta), beta) * g
    if call.attr("mode") == "nesterov":
        return [x - call.x(0) * (g + alpha * v), v]
    return [x - call.x(0) * v, v]


def _adam(call: OnnxNode, x: Tensor, g: Any, state: list[Tensor]) -> list[Any]:
    alpha, beta, one = like(x, call.attr("alpha", 0.9)), like(x, call.attr("beta", 0.999)), like(x, 1)
    t, rate = tf.cast(call.x(1), x.dtype), call.x(0)
    v: Any = alpha * state[0] + (one - alpha) * g
    h: Any = beta * state[1] + (one - beta) * g * g
    corrected = rate * tf.sqrt(one - tf.pow(beta, t)) / (one - tf.pow(alpha, t))
    rate = select(tf.greater(t, tf.zeros_like(t)), corrected, rate)
    new = x - rate * v / (tf.sqrt(h) + like(x, call.attr("epsilon", 1e-6)))
    return [(one - like(x, call.attr("norm_coefficient_post", 0.0))) * new, v, h]


TRAINING: dict[str, Callable[[OnnxNode], Result]] = {
    "Adagrad": _optimizer(1, _adagrad),
    "Adam": _optimizer(2, _adam),
    "Momentum": _optimizer(1, _momentum),
}
