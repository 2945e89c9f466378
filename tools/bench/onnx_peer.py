"""ONNX Runtime on the same work; inference only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
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
from minigraph.tools.shared.onnx_target import load_fixed
from minigraph.tools.shared.sizes import Sizes

VARIANTS: dict[str, dict[str, bool]] = {"CPU": {}}
OPSET, IR_VERSION = 17, 9


def make(work: Workload) -> tuple[Callable[[], Any], int]:
    """A function that does the work once, and the number of trainable parameters."""
    import onnx
    import onnxruntime

    if work.is_file:
        return _of_file(work)
    network = spec(work.model, work.size)
    height, width, channels = network.image
    build = _OnnxBuilder()
    result, _ = build.sequence(network.layers, "images", (height, width, channels))
    shape = [work.batch, channels, height, width]
    x = onnx.helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, shape)
    y = onnx.helper.make_tensor_value_info(result, onnx.TensorProto.FLOAT, [work.batch, network.classes])
    graph = onnx.helper.make_graph(build.nodes, work.model, [x], [y], build.weights)
    opset = onnx.helper.make_opsetid("", OPSET)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.random.RandomState(0).uniform(size=shape).astype(np.float32)
    return (lambda: session.run(None, {"images": images})[0]), build.parameters


def _of_file(work: Workload) -> tuple[Callable[[], Any], int]:
    import onnx
    import onnxruntime

    found = load_fixed(Path(work.model), work.batch, Sizes({}, {}))
    feeds = {name: found.feeds[tensor] for name, tensor in found.model.inputs.items()}
    session = onnxruntime.InferenceSession(work.model, providers=["CPUExecutionProvider"])
    weights = onnx.load(work.model).graph.initializer
    return (lambda: session.run(None, feeds)[0]), sum(math.prod(w.dims) for w in weights)


class _OnnxBuilder:
    """Nodes and initializers; images are [N, C, H, W]. A shape is (height, width, maps) or (units,)."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self.parameters = 0

    def weight(self, *shape: int, scale: float | None = None, trained: bool = True) -> str:
        """An initializer of normal numbers, or filled with `scale`."""
        from onnx import numpy_helper

        name = f"w{len(self.weights)}"
        random = np.random.RandomState(len(self.weights))
        deviation = (2 / np.prod(shape[1:])) ** 0.5
        values = random.normal(size=shape) * deviation if scale is None else np.full(shape, scale)
        self.weights.append(numpy_helper.from_array(values.astype(np.float32), name))
        self.parameters += int(np.prod(shape)) * trained
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def sequence(self, layers: Sequence[Layer], x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        for layer in layers:
            x, shape = self.layer(layer, x, shape)
        return x, shape

    def layer(self, layer: Layer, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        if isinstance(layer, Conv):
            return self.conv(layer, x, shape)
        if isinstance(layer, Residual):
            body, made = self.sequence(layer.body, x, shape)
            total = self.node("Add", body, self.sequence(layer.shortcut, x, shape)[0])
            return (self.node("Relu", total) if layer.relu else total), made
        if isinstance(layer, Branches):
            parts = [self.conv(conv, x, shape) for conv in layer.convs]
            joined = self.node("Concat", *(part for part, _ in parts), axis=1)
            return joined, (*parts[0][1][:2], sum(made[2] for _, made in parts))
        if isinstance(layer, PoolLayer):
            sizes = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2, "pads": [layer.padding] * 4}
            return self.node("MaxPool", x, **sizes), _pooled(shape, layer.kernel, layer.stride, layer.padding, shape[2])
        if isinstance(layer, GlobalAverage):
            return self.node("GlobalAveragePool", x), (1, 1, shape[2])
        if isinstance(layer, Dropout):
            return x, shape
        w, b = self.weight(layer.units, int(np.prod(shape))), self.weight(layer.units, scale=0.0)
        y = self.node("Gemm", self.node("Flatten", x), w, b, transB=1)
        return (self.node("Relu", y) if layer.relu else y), (layer.units,)

    def conv(self, layer: Conv, x: str, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        padding = 0 if layer.valid else layer.kernel // 2
        groups = shape[2] if layer.depthwise else 1
        operands = [x, self.weight(layer.maps, shape[2] // groups, layer.kernel, layer.kernel)]
        if not layer.norm:
            operands.append(self.weight(layer.maps, scale=0.0))
        y = self.node("Conv", *operands, strides=[layer.stride] * 2, pads=[padding] * 4, group=groups)
        if layer.norm:
            learned = [self.weight(layer.maps, scale=1.0), self.weight(layer.maps, scale=0.0)]
            moving = [self.weight(layer.maps, scale=value, trained=False) for value in (0.0, 1.0)]
            y = self.node("BatchNormalization", y, *learned, *moving)
        if layer.relu and layer.capped:
            y = self.node("Clip", y, self.weight(scale=0.0, trained=False), self.weight(scale=6.0, trained=False))
        elif layer.relu:
            y = self.node("Relu", y)
        return y, _pooled(shape, layer.kernel, layer.stride, padding, layer.maps)


def _pooled(shape: tuple[int, ...], kernel: int, stride: int, padding: int, maps: int) -> tuple[int, ...]:
    """The height and width of a window's output."""
    return (*((s + 2 * padding - kernel) // stride + 1 for s in shape[:2]), maps)
