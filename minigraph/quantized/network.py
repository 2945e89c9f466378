"""A network for inference as one that computes with 8-bit integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import InvalidArgumentError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.graphs.known import Known, add_known
from minigraph.graphs.walk import needed
from minigraph.ops.array.joining import ConcatV2
from minigraph.ops.constant import Placeholder
from minigraph.ops.math.arithmetic import Add, AddV2, Mul, RealDiv, Sub
from minigraph.ops.math.matmul import MatMul
from minigraph.ops.math.quantization import dequantize_linear, quantize_linear
from minigraph.ops.nn.activation import Relu, Relu6
from minigraph.ops.nn.bias import BiasAdd, bias_add
from minigraph.ops.nn.conv2d import Conv2D
from minigraph.ops.nn.max_pool import MaxPool
from minigraph.quantized.ranges import Affine, Observed, quantized_weights
from minigraph.run.session import Session

__all__ = ["QuantizedNetwork", "quantize_network"]

Array = npt.NDArray[Any]
_LARGEST = 2**31 - 1  # of a bias


class QuantizedNetwork(NamedTuple):
    """A network on 8-bit integers; `quantize_network` makes it.

    Args:
        graph: Its graph, which has no variables.
        inputs: The placeholders, by the names of the original's nodes.
        outputs: The outputs by their names, float32.

    Example:
        See `quantize_network`.
    """

    graph: Graph
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


def quantize_network(
    outputs: Mapping[str, Tensor], batches: Iterable[Mapping[Tensor, npt.ArrayLike]], session: Session
) -> QuantizedNetwork:
    """Quantise a trained network for inference, with weights of int8 and activations of uint8.

    Batch normalisation and other factors and terms for each channel become a part of the weights and biases first. Each
    channel of the weights has a scale of its own. The range of an activation is the one that changes its numbers on the
    batches least, in mean square. Biases are int32, and make up for what the rounding of weights changes in the
    mean. What reads no quantised numbers stays as it is.

    Args:
        outputs: The network's outputs, by name.
        batches: Feeds of the network: calibration images like those that it will see, some tens of them.
        session: A session with the variables' values.

    Returns:
        The network on integers, in a graph of its own.

    Raises:
        InvalidArgumentError: There are no batches, or no convolution or matrix product.

    Example:
        >>> from minigraph import quantization
        >>> x = tf.placeholder(tf.float32, [None, 8, 8, 3], name="x")
        >>> y = tf.layers.conv2d(x, 4, 3, activation=tf.nn.relu)
        >>> with tf.Session() as session:
        ...     session.run(tf.global_variables_initializer())
        ...     images = np.random.RandomState(0).rand(4, 8, 8, 3)
        ...     network = quantization.quantize_network({"y": y}, [{x: images}], session)
        >>> with tf.Session(graph=network.graph) as session:
        ...     session.run(network.outputs["y"], {network.inputs["x"]: images}).shape
        (4, 6, 6, 4)
    """
    network = _Network(outputs, session.read_state())
    return _Builder(network, _calibrated(network, batches, session)).network()


class _Layer(NamedTuple):
    """A contraction with what follows it for each channel: y = product(x, weights) + bias. last: the node whose result
    is y."""

    node: Node
    last: Node
    weights: Array
    bias: Array | None


class _Network:
    """The nodes that the outputs need, in order; the layers, by their last nodes; the tensors to quantise, each with
    one of those that share its range."""

    def __init__(self, outputs: Mapping[str, Tensor], state: Mapping[str, Array]) -> None:
        self.outputs = dict(outputs)
        everything = sorted(needed(t.node for t in outputs.values()), key=lambda n: n.id)
        self.known: Known = {}
        add_known(everything, self.known, state)
        self.nodes = [n for n in everything if n.outputs and n.outputs[0] not in self.known and n.type != "VariableV2"]
        self.readers: dict[Tensor, list[Node]] = {}
        for node in self.nodes:
            for tensor in node.inputs:
                self.readers.setdefault(tensor, []).append(node)
        found = [layer for node in self.nodes if (layer := self._layer(node)) is not None]
        self.layers = {layer.last: layer for layer in found}
        if not found:
            raise InvalidArgumentError("the network has no convolution or matrix product with known weights")
        self.group: dict[Tensor, Tensor] = {}
        self._choose()

    def only_reader(self, tensor: Tensor) -> Node | None:
        """The node that reads a tensor, if it is the only one and the tensor is no output."""
        readers = self.readers.get(tensor, [])
        return readers[0] if len(readers) == 1 and tensor not in self.outputs.values() else None

    def _layer(self, node: Node) -> _Layer | None:
        op = node.op
        fits = isinstance(op, Conv2D) or (type(op) is MatMul and not (op.transpose_a or op.transpose_b))
        if not fits or node.inputs[1] not in self.known or node.inputs[0] in self.known:
            return None
        if len(self.known[node.inputs[1]].shape) != node.inputs[0].type.rank:
            return None
        layer = _Layer(node, node, self.known[node.inputs[1]].astype(np.float64), None)
        while (reader := self.only_reader(layer.last.outputs[0])) is not None:
            following = self._with(layer, reader)
            if following is None:
                break
            layer = following
        return layer

    def _with(self, layer: _Layer, reader: Node) -> _Layer | None:
        """The layer with a factor or term for each channel that follows it."""
        if not isinstance(reader.op, BiasAdd | Add | AddV2 | Sub | Mul | RealDiv):
            return None
        x, other = reader.inputs
        if other is layer.last.outputs[0] and isinstance(reader.op, Add | AddV2 | Mul):
            x, other = other, x
        value, channels = self.known.get(other), layer.weights.shape[-1]
        if x is not layer.last.outputs[0] or value is None or value.size not in (1, channels):
            return None
        if value.size == channels != 1 and value.shape[-1] != channels:
            return None
        row = np.broadcast_to(value.reshape(-1), channels).astype(np.float64)
        bias = np.zeros(channels) if layer.bias is None else layer.bias
        if isinstance(reader.op, Mul | RealDiv):
            factor = row if isinstance(reader.op, Mul) else 1 / row
            return _Layer(layer.node, reader, layer.weights * factor, bias * factor)
        return _Layer(layer.node, reader, layer.weights, bias - row if isinstance(reader.op, Sub) else bias + row)

    def _choose(self) -> None:
        """Choose the tensors to quantise, and those that share a range."""
        for layer in self.layers.values():
            self._add(layer.node.inputs[0])
        for node in self.nodes:
            result = node.outputs[0]
            if node in self.layers or (isinstance(node.op, Add | AddV2) and all(t in self.group for t in node.inputs)):
                self._add(self._activated(result))
            elif isinstance(node.op, MaxPool | ConcatV2) and all(t in self.group for t in node.inputs):
                self._share(result, node.inputs)

    def _add(self, tensor: Tensor) -> None:
        if tensor not in self.outputs.values():
            self.group.setdefault(tensor, tensor)

    def _activated(self, tensor: Tensor) -> Tensor:
        """The tensor, or ReLU of it if nothing else reads it."""
        reader = self.only_reader(tensor)
        return reader.outputs[0] if reader is not None and isinstance(reader.op, Relu | Relu6) else tensor

    def _share(self, result: Tensor, parts: Sequence[Tensor]) -> None:
        """Give a tensor and those that it consists of one range."""
        self._add(result)
        if result not in self.group:
            return
        first = self.group[parts[0]]
        merged = {self.group[t] for t in (result, *parts)}
        self.group |= {t: first for t, of in self.group.items() if of in merged}


class _Ranges(NamedTuple):
    """affine: the range of each group of tensors. means: those of each tensor's channels."""

    affine: dict[Tensor, Affine]
    means: dict[Tensor, Array]


def _calibrated(network: _Network, batches: Iterable[Mapping[Tensor, npt.ArrayLike]], session: Session) -> _Ranges:
    observed = {t: Observed() for t in network.group}
    feeds = list(batches)
    if not feeds:
        raise InvalidArgumentError("quantisation needs calibration images, and there are none")
    for feed in feeds:
        for tensor, array in zip(observed, session.run(list(observed), dict(feed)), strict=True):
            observed[tensor].add(array, len(feeds))
    for tensor, first in network.group.items():
        if first is not tensor:
            observed[first].merge(observed[tensor])
    means = {t: o.means for t, o in observed.items()}
    return _Ranges({first: observed[first].affine() for first in set(network.group.values())}, means)


class _Builder:
    """Makes the nodes of the network on integers."""

    def __init__(self, network: _Network, ranges: _Ranges) -> None:
        self.old = network
        self.ranges = ranges
        self.graph = Graph()
        self.made: dict[Tensor, Tensor] = {}
        self.inputs: dict[str, Tensor] = {}

    def network(self) -> QuantizedNetwork:
        """The network."""
        replaced = self._replaced()
        with self.graph.as_default():
            for node in self.old.nodes:
                if node in self.old.layers:
                    results: Sequence[Tensor] = [self._product(self.old.layers[node])]
                elif node in replaced:
                    continue
                else:
                    results = self.graph.add(node.op, [self._tensor(t) for t in node.inputs], node.name).outputs
                self.made |= {old: self._quantized(old, new) for old, new in zip(node.outputs, results, strict=True)}
                if isinstance(node.op, Placeholder):
                    self.inputs[node.name] = results[0]
            outputs = {name: self._tensor(t) for name, t in self.old.outputs.items()}
        return QuantizedNetwork(self.graph, self.inputs, outputs)

    def _replaced(self) -> set[Node]:
        """The nodes of layers but the last of each."""
        found: set[Node] = set()
        for layer in self.old.layers.values():
            node = layer.node
            while node is not layer.last:
                found.add(node)
                (node,) = self.old.readers[node.outputs[0]]
        return found

    def _tensor(self, old: Tensor) -> Tensor:
        if old not in self.made and old in self.old.known:
            self.made[old] = convert_to_tensor(self.old.known[old])
        return self.made[old]

    def _quantized(self, old: Tensor, new: Tensor) -> Tensor:
        if old not in self.old.group:
            return new
        scale, zero = self.ranges.affine[self.old.group[old]]
        return dequantize_linear(quantize_linear(new, scale, zero), scale, zero)

    def _product(self, layer: _Layer) -> Tensor:
        x, name = layer.node.inputs[0], layer.node.name
        q, scales = quantized_weights(layer.weights)
        total = self.ranges.affine[self.old.group[x]].scale * scales
        bias = (0 if layer.bias is None else layer.bias) + self._lost(layer, layer.weights - q * scales)
        whole = np.clip(np.rint(bias / total), -_LARGEST, _LARGEST).astype(np.int32)
        weights = dequantize_linear(q, scales, np.zeros(len(scales), np.int8), name=f"{name}/weights")
        added = dequantize_linear(whole, total, np.zeros(len(scales), np.int32), name=f"{name}/bias")
        return bias_add(self.graph.add(layer.node.op, [self._tensor(x), weights], name).outputs[0], added)

    def _lost(self, layer: _Layer, error: Array) -> Array:
        """The mean of what rounding takes from the weights, times the image, for each channel of the result."""
        means, depth = self.ranges.means[layer.node.inputs[0]], error.shape[-2]
        fan = error.shape[-1] // (len(means) // depth)  # channels of a group
        read = np.arange(error.shape[-1]) // fan * depth + np.arange(depth)[:, None]
        lost: Array = (error.reshape(-1, *error.shape[-2:]).sum(0) * means[read]).sum(0)
        return lost
