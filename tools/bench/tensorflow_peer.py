"""TensorFlow's graph mode on the same work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigraph.tools.bench.layers import (
    Branches,
    Conv,
    Dense,
    Dropout,
    GlobalAverage,
    Layer,
    NetworkSpec,
    PoolLayer,
    Residual,
    spec,
)
from minigraph.tools.bench.workloads import Workload

VARIANTS: dict[str, dict[str, bool]] = {"graph": {}, "graph, XLA": {"jit": True}}
EPSILON = 1e-5


def make(work: Workload, jit: bool = False) -> tuple[Callable[[], Any], int]:
    """A function that does the work once, and the number of trainable parameters."""
    import tensorflow as tf

    network = spec(work.model, work.size)
    weights: list[Any] = []
    build = _TensorFlowBuilder(tf, weights, work.trains)
    random = np.random.RandomState(0)
    images = tf.constant(random.uniform(size=(work.batch, *network.image)).astype(np.float32))
    labels = tf.constant(random.randint(network.classes, size=work.batch))
    build.sequence(network.layers, images)  # makes the variables
    optimizer = _Optimizer(tf, network, weights) if work.trains else None

    def train(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = build.again().sequence(network.layers, x)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
        assert optimizer is not None
        optimizer.apply(tape.gradient(loss, weights))
        return loss

    def infer(x: Any) -> Any:
        return build.again().sequence(network.layers, x)

    count = sum(int(np.prod(w.shape)) for w in weights)
    compiled = tf.function(train if work.trains else infer, jit_compile=jit)
    return ((lambda: float(compiled(images, labels))) if work.trains else (lambda: compiled(images).numpy())), count


class _TensorFlowBuilder:
    """Applies layers with the variables of `weights` in order, and creates missing variables."""

    def __init__(self, tf: Any, weights: list[Any], trains: bool) -> None:
        self.tf = tf
        self.weights = weights
        self.trains = trains
        self.used = 0

    def again(self) -> _TensorFlowBuilder:
        self.used = 0
        return self

    def weight(self, shape: Sequence[int]) -> Any:
        if self.used == len(self.weights):
            scale = (2 / np.prod(shape[:-1])) ** 0.5 if len(shape) > 1 else 0.0
            self.weights.append(self.tf.Variable(self.tf.random.normal(shape, stddev=scale)))
        self.used += 1
        return self.weights[self.used - 1]

    def sequence(self, layers: Sequence[Layer], x: Any) -> Any:
        for layer in layers:
            x = self.layer(layer, x)
        return x

    def layer(self, layer: Layer, x: Any) -> Any:
        tf = self.tf
        if isinstance(layer, Conv):
            return self.conv(layer, x)
        if isinstance(layer, Residual):
            total = self.sequence(layer.body, x) + self.sequence(layer.shortcut, x)
            return tf.nn.relu(total) if layer.relu else total
        if isinstance(layer, Branches):
            return tf.concat([self.conv(conv, x) for conv in layer.convs], 3)
        if isinstance(layer, PoolLayer):
            return tf.nn.max_pool2d(x, layer.kernel, layer.stride, "SAME" if layer.padding else "VALID")
        if isinstance(layer, GlobalAverage):
            return tf.reduce_mean(x, (1, 2))
        if isinstance(layer, Dropout):
            return tf.nn.dropout(x, 1 - layer.keep) if self.trains else x
        assert isinstance(layer, Dense)
        x = tf.reshape(x, (x.shape[0], -1))
        y = tf.nn.bias_add(tf.matmul(x, self.weight((x.shape[1], layer.units))), self.weight((layer.units,)))
        return tf.nn.relu(y) if layer.relu else y

    def conv(self, layer: Conv, x: Any) -> Any:
        tf = self.tf
        padding = "VALID" if layer.valid else "SAME"
        if layer.depthwise:
            w = self.weight((layer.kernel, layer.kernel, layer.maps, 1))
            y = tf.nn.depthwise_conv2d(x, w, (1, layer.stride, layer.stride, 1), padding)
        else:
            w = self.weight((layer.kernel, layer.kernel, x.shape[3], layer.maps))
            y = tf.nn.conv2d(x, w, layer.stride, padding)
        if layer.norm:
            scale, offset = self.weight((layer.maps,)), self.weight((layer.maps,))
            zeros, ones = tf.zeros(layer.maps), tf.ones(layer.maps)
            statistics = tf.nn.moments(y, (0, 1, 2)) if self.trains else (zeros, ones)
            y = tf.nn.batch_normalization(y, *statistics, offset, scale, EPSILON)
        else:
            y = tf.nn.bias_add(y, self.weight((layer.maps,)))
        activation = tf.nn.relu6 if layer.capped else tf.nn.relu
        return activation(y) if layer.relu else y


class _Optimizer:
    """Adam or momentum with TensorFlow's fused kernels."""

    def __init__(self, tf: Any, network: NetworkSpec, weights: Sequence[Any]) -> None:
        self.raw = tf.raw_ops
        self.weights = weights
        self.adam = network.optimizer == "adam"
        self.slots = [tuple(tf.Variable(tf.zeros_like(w)) for _ in range(1 + self.adam)) for w in weights]
        self.powers = tf.Variable(0.9), tf.Variable(0.999)

    def apply(self, grads: Sequence[Any]) -> None:
        for weight, slots, grad in zip(self.weights, self.slots, grads, strict=True):
            var, held = weight.handle, [s.handle for s in slots]
            if self.adam:
                first, second = self.powers
                self.raw.ResourceApplyAdam(
                    var=var, m=held[0], v=held[1], beta1_power=first, beta2_power=second, lr=0.01, beta1=0.9,
                    beta2=0.999, epsilon=1e-8, grad=grad,
                )  # fmt: skip
            else:
                self.raw.ResourceApplyMomentum(var=var, accum=held[0], lr=0.01, grad=grad, momentum=0.9)
        for power, rate in zip(self.powers, (0.9, 0.999), strict=True):
            power.assign(power * rate)
