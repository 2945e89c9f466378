"""JAX on the same work: one compiled function a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigraph.tools.bench.layers import (
    Branches,
    Conv,
    Dropout,
    GlobalAverage,
    Layer,
    PoolLayer,
    Residual,
    spec,
)
from minigraph.tools.bench.workloads import Workload

VARIANTS: dict[str, dict[str, bool]] = {"jit": {}}
EPSILON = 1e-5
RATE, DECAY, SECOND, TINY = 0.01, 0.9, 0.999, 1e-8


def make(work: Workload) -> tuple[Callable[[], Any], int]:
    """A function that does the work once, and the number of trainable parameters."""
    import jax
    import jax.numpy as jnp

    network = spec(work.model, work.size)
    random = np.random.RandomState(0)
    images = random.uniform(size=(work.batch, *network.image)).astype(np.float32)
    labels = random.randint(network.classes, size=work.batch)
    weights: list[Any] = []
    _Forward(weights, work.trains, jax.random.key(0)).sequence(network.layers, jnp.asarray(images))

    def forward(weights: list[Any], x: Any, key: Any) -> Any:
        return _Forward(weights, work.trains, key).sequence(network.layers, x)

    def loss_of(weights: list[Any], x: Any, y: Any, key: Any) -> Any:
        chosen = jax.nn.log_softmax(forward(weights, x, key))[jnp.arange(work.batch), y]
        return -jnp.mean(chosen)

    update = _adam if network.optimizer == "adam" else _momentum

    def train(state: Any, x: Any, y: Any) -> Any:
        weights, slots, count, key = state
        key, drawn = jax.random.split(key)
        loss, grads = jax.value_and_grad(loss_of)(weights, x, y, drawn)
        stepped = [update(*each, count + 1) for each in zip(weights, slots, grads, strict=True)]
        return ([w for w, _ in stepped], [s for _, s in stepped], count + 1, key), loss

    compiled = jax.jit(train if work.trains else forward)
    state: Any = weights, [(jnp.zeros_like(w), jnp.zeros_like(w)) for w in weights], jnp.zeros(()), jax.random.key(1)

    def step() -> float:
        nonlocal state
        state, loss = compiled(state, images, labels)
        return float(loss)

    key = jax.random.key(1)
    count = sum(int(w.size) for w in weights)
    return (step if work.trains else (lambda: np.asarray(compiled(weights, images, key)))), count


def _adam(weight: Any, slots: Any, grad: Any, count: Any) -> Any:
    import jax.numpy as jnp

    m = DECAY * slots[0] + (1 - DECAY) * grad
    v = SECOND * slots[1] + (1 - SECOND) * grad * grad
    rate = RATE * jnp.sqrt(1 - SECOND**count) / (1 - DECAY**count)
    return weight - rate * m / (jnp.sqrt(v) + TINY), (m, v)


def _momentum(weight: Any, slots: Any, grad: Any, count: Any) -> Any:
    m = DECAY * slots[0] + grad
    return weight - RATE * m, (m, slots[1])


class _Forward:
    """Applies layers with the weights in order, and creates missing weights."""

    def __init__(self, weights: list[Any], trains: bool, key: Any) -> None:
        self.weights = weights
        self.trains = trains
        self.key = key
        self.used = 0

    def weight(self, shape: Sequence[int]) -> Any:
        import jax.numpy as jnp

        if self.used == len(self.weights):
            scale = (2 / np.prod(shape[:-1])) ** 0.5 if len(shape) > 1 else 0.0
            random = np.random.RandomState(self.used)
            self.weights.append(jnp.asarray((random.normal(size=tuple(shape)) * scale).astype(np.float32)))
        self.used += 1
        return self.weights[self.used - 1]

    def sequence(self, layers: Sequence[Layer], x: Any) -> Any:
        for layer in layers:
            x = self.layer(layer, x)
        return x

    def layer(self, layer: Layer, x: Any) -> Any:
        import jax

        if isinstance(layer, Conv):
            return self.conv(layer, x)
        if isinstance(layer, Residual):
            total = self.sequence(layer.body, x) + self.sequence(layer.shortcut, x)
            return jax.nn.relu(total) if layer.relu else total
        if isinstance(layer, Branches):
            return jax.numpy.concatenate([self.conv(conv, x) for conv in layer.convs], 3)
        if isinstance(layer, PoolLayer):
            window, strides = (1, layer.kernel, layer.kernel, 1), (1, layer.stride, layer.stride, 1)
            padding = "SAME" if layer.padding else "VALID"
            return jax.lax.reduce_window(x, -np.inf, jax.lax.max, window, strides, padding)
        if isinstance(layer, GlobalAverage):
            return x.mean((1, 2))
        if isinstance(layer, Dropout):
            return self.dropout(layer, x) if self.trains else x
        x = x.reshape(x.shape[0], -1)
        y = x @ self.weight((x.shape[1], layer.units)) + self.weight((layer.units,))
        return jax.nn.relu(y) if layer.relu else y

    def dropout(self, layer: Dropout, x: Any) -> Any:
        import jax
        import jax.numpy as jnp

        self.key, drawn = jax.random.split(self.key)
        return jnp.where(jax.random.bernoulli(drawn, layer.keep, x.shape), x / layer.keep, 0.0)

    def conv(self, layer: Conv, x: Any) -> Any:
        import jax

        groups = x.shape[3] if layer.depthwise else 1
        w = self.weight((layer.kernel, layer.kernel, x.shape[3] // groups, layer.maps))
        strides, padding = (layer.stride, layer.stride), "VALID" if layer.valid else "SAME"
        layout = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(x, w, strides, padding, dimension_numbers=layout, feature_group_count=groups)
        if layer.norm:
            scale, offset = self.weight((layer.maps,)), self.weight((layer.maps,))
            if self.trains:
                y = (y - y.mean((0, 1, 2))) / (y.var((0, 1, 2)) + EPSILON) ** 0.5
            y = y * scale + offset
        else:
            y = y + self.weight((layer.maps,))
        activation = jax.nn.relu6 if layer.capped else jax.nn.relu
        return activation(y) if layer.relu else y
