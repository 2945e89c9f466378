"""Networks of branches as tables, with the names of TF-slim's variables.

A network is a dictionary of end points in order. A string is one layer under the end point's name; a tuple is a block
of branches side by side, each a string of layers; a function gives the layers from their input. A layer is written
`scope depth` for a convolution, or `MaxPool_…` or `AvgPool_…`; its window is the end of its scope, such as 3x3. Further
words: `/2` the stride, `V` or `S` the padding, `k3x3` another window, `~0.1` the standard deviation of the first
weights. `a + b` are two layers side by side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.tf1 import contrib_convolutions as convolutions
from minigraph.tf1 import contrib_layers as layers
from minigraph.tf1 import contrib_norm as norm
from minigraph.tf1.arg_scope import Scope, arg_scope

Network = Mapping[str, Any]
Outputs = tuple[Tensor, dict[str, Tensor]]
Depth = Callable[[int], int]
_PADDINGS = {"V": "VALID", "S": "SAME"}


def normal(stddev: float) -> Any:
    return tf.truncated_normal_initializer(0.0, stddev)


def _layer(net: Tensor, text: str, depth: Depth) -> Tensor:
    """One layer from its words."""
    scope, *words = text.split()
    window = next((w[1:] for w in words if w[0] == "k"), scope.rpartition("_")[2])
    options: dict[str, Any] = {"scope": scope}
    for word in words:
        if word[0] == "/":
            options["stride"] = int(word[1:])
        elif word[0] == "~":
            options["weights_initializer"] = normal(float(word[1:]))
        elif word in _PADDINGS:
            options["padding"] = _PADDINGS[word]
    size = [int(n) for n in re.findall(r"\d+", window)]
    y: Tensor
    if scope.startswith("MaxPool"):
        y = layers.max_pool2d(net, size, **options)
    elif scope.startswith("AvgPool"):
        y = layers.avg_pool2d(net, size, **options)
    else:
        y = layers.conv2d(net, depth(int(words[0])), size, **options)
    return y


def _branch(net: Tensor, text: str, depth: Depth) -> Tensor:
    for part in text.split(", "):
        sides = [_layer(net, side, depth) for side in part.split(" + ")]
        net = sides[0] if len(sides) == 1 else tf.concat(sides, 3)
    return net


def block(net: Tensor, branches: tuple[str, ...], depth: Depth = int) -> Tensor:
    """The results of the branches, joined along the channels."""
    ends = []
    for number, text in enumerate(branches):
        with tf.variable_scope(f"Branch_{number}"):
            ends.append(_branch(net, text, depth))
    return tf.concat(ends, 3)


def build(network: Network, net: Tensor, final_endpoint: str, depth: Depth = int) -> Outputs:
    """The layers of a network up to an end point, and all end points. ValueError if it has none of this name."""
    ends: dict[str, Tensor] = {}
    for name, parts in network.items():
        if isinstance(parts, tuple):
            with tf.variable_scope(name):
                net = block(net, parts, depth)
        else:
            net = parts(net) if callable(parts) else _layer(net, f"{name} {parts}".rstrip(), depth)
        ends[name] = net
        if name == final_endpoint:
            return net, ends
    raise ValueError(f"Unknown final endpoint {final_endpoint}")


def depths(multiplier: float, minimum: int) -> Depth:
    """The depths of a network that is `multiplier` times as wide. ValueError."""
    if multiplier <= 0:
        raise ValueError("depth_multiplier is not greater than zero.")
    return lambda depth: max(int(depth * multiplier), minimum)


def sliding() -> AbstractContextManager[Scope]:
    """Stride 1 and SAME padding for convolutions and pooling."""
    functions = [layers.conv2d, layers.max_pool2d, layers.avg_pool2d, convolutions.separable_conv2d]
    return arg_scope(functions, stride=1, padding="SAME")


def stem(pad: str) -> Network:
    """The first layers of Inception v3 and Inception-ResNet v2. pad: the padding of most of them, V or S."""
    return {
        "Conv2d_1a_3x3": f"32 /2 {pad}", "Conv2d_2a_3x3": f"32 {pad}", "Conv2d_2b_3x3": "64",
        "MaxPool_3a_3x3": f"/2 {pad}", "Conv2d_3b_1x1": f"80 {pad}", "Conv2d_4a_3x3": f"192 {pad}",
        "MaxPool_5a_3x3": f"/2 {pad}",
    }  # fmt: skip


def window(net: Tensor, size: int) -> list[int]:
    """A window of a side, or of a smaller image's sides if they are known."""
    return [size if n is None else min(n, size) for n in net.shape.as_list()[1:3]]


def inception_arg_scope(
    weight_decay: float = 0.00004, use_batch_norm: bool = True, batch_norm_decay: float = 0.9997,
    batch_norm_epsilon: float = 0.001, activation_fn: Any = tf.nn.relu,
    batch_norm_updates_collections: Any = tf.GraphKeys.UPDATE_OPS, batch_norm_scale: bool = False,
) -> Scope:  # fmt: skip
    """Weight decay, ReLU and batch normalisation for convolutions."""
    params = {
        "decay": batch_norm_decay, "epsilon": batch_norm_epsilon, "updates_collections": batch_norm_updates_collections,
        "scale": batch_norm_scale,
    }  # fmt: skip
    decay = layers.l2_regularizer(weight_decay)
    with (
        arg_scope([layers.conv2d, layers.fully_connected], weights_regularizer=decay),
        arg_scope(
            [layers.conv2d], weights_initializer=layers.variance_scaling_initializer(), activation_fn=activation_fn,
            normalizer_fn=norm.batch_norm if use_batch_norm else None,
            normalizer_params=params if use_batch_norm else {},
        ) as scope,
    ):  # fmt: skip
        return scope


@contextmanager
def training(is_training: Any) -> Iterator[None]:
    with arg_scope([norm.batch_norm, layers.dropout], is_training=is_training):
        yield


def classify(net: Tensor, ends: dict[str, Tensor], num_classes: int, scope: str, spatial_squeeze: bool) -> Tensor:
    """A convolution of 1x1 of pooled features [N,1,1,C]: the end point Logits."""
    logits: Tensor = layers.conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope=scope)
    if spatial_squeeze:
        logits = tf.squeeze(logits, [1, 2], name="SpatialSqueeze")
    ends["Logits"] = logits
    return logits


def predicted(ends: dict[str, Tensor], logits: Tensor, prediction_fn: Any) -> dict[str, Tensor]:
    """The end points, with the predictions among them unless `prediction_fn` is None."""
    if prediction_fn:
        ends["Predictions"] = prediction_fn(logits, scope="Predictions")
    return ends
