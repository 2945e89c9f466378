"""PyTorch on the same work."""

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

VARIANTS: dict[str, dict[str, bool]] = {
    "eager": {},
    "eager, channels last": {"channels_last": True},
    "compiled": {"compiled": True},
    "compiled, channels last": {"channels_last": True, "compiled": True},
}


def make(work: Workload, channels_last: bool = False, compiled: bool = False) -> tuple[Callable[[], Any], int]:
    """A function that does the work once, and the number of trainable parameters."""
    import torch

    torch.manual_seed(1)
    network = spec(work.model, work.size)
    module = build(network)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    module = module.to(memory_format=layout).train(work.trains)
    count = sum(p.numel() for p in module.parameters())
    random = np.random.RandomState(0)
    height, width, channels = network.image
    images = torch.from_numpy(random.uniform(size=(work.batch, channels, height, width)).astype(np.float32))
    images = images.contiguous(memory_format=layout)
    labels = torch.from_numpy(random.randint(network.classes, size=work.batch))
    optimizer = optimizer_of(network, module) if work.trains else None
    run = torch.compile(module) if compiled else module
    loss_of = torch.nn.CrossEntropyLoss()

    def train() -> float:
        assert optimizer is not None
        optimizer.zero_grad()
        loss = loss_of(run(images), labels)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    def infer() -> Any:
        with torch.inference_mode():
            return run(images).numpy()

    return (train if work.trains else infer), count


def build(network: NetworkSpec) -> Any:
    """The network as a module."""
    return _sequence(network.layers, network.image)[0]


def optimizer_of(network: NetworkSpec, module: Any, capturable: bool = False) -> Any:
    """The network's optimizer, in PyTorch's fused form. capturable: its step can be part of a CUDA graph."""
    import torch

    if network.optimizer == "adam":
        return torch.optim.Adam(module.parameters(), 0.01, fused=True, capturable=capturable)
    return torch.optim.SGD(module.parameters(), 0.01, momentum=0.9, fused=True)


def _sequence(layers: Sequence[Layer], image: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    """The module, and the shape of its result: height, width, maps; or units."""
    from torch import nn

    modules = []
    for layer in layers:
        module, image = _module(layer, image)
        modules.append(module)
    return nn.Sequential(*modules), image


def _module(layer: Layer, image: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    from torch import nn

    if isinstance(layer, Dense):
        parts = [nn.Flatten(), nn.Linear(int(np.prod(image)), layer.units), *[nn.ReLU()] * layer.relu]
        return nn.Sequential(*parts), (layer.units,)
    if isinstance(layer, Dropout):
        return nn.Dropout(1 - layer.keep), image
    height, width, maps = image
    if isinstance(layer, GlobalAverage):
        return nn.AdaptiveAvgPool2d(1), (1, 1, maps)
    if isinstance(layer, Residual):
        return _residual(layer, image)
    if isinstance(layer, Branches):
        return _branches(layer, image)
    if isinstance(layer, PoolLayer):
        size = [(s + 2 * layer.padding - layer.kernel) // layer.stride + 1 for s in (height, width)]
        return nn.MaxPool2d(layer.kernel, layer.stride, layer.padding), (*size, maps)
    return _conv(layer, image)


def _conv(layer: Conv, image: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    from torch import nn

    height, width, maps = image
    padding = 0 if layer.valid else layer.kernel // 2
    groups = maps if layer.depthwise else 1
    conv = nn.Conv2d(maps, layer.maps, layer.kernel, layer.stride, padding, groups=groups, bias=not layer.norm)
    activation = nn.ReLU6() if layer.capped else nn.ReLU()
    parts = [conv, *[nn.BatchNorm2d(layer.maps)] * layer.norm, *[activation] * layer.relu]
    size = [(s + 2 * padding - layer.kernel) // layer.stride + 1 for s in (height, width)]
    return nn.Sequential(*parts), (*size, layer.maps)


def _residual(layer: Residual, image: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    import torch
    from torch import nn

    body, shape = _sequence(layer.body, image)
    shortcut, _ = _sequence(layer.shortcut, image)

    def forward(unit: Any, x: Any) -> Any:
        total = unit.body(x) + unit.shortcut(x)
        return torch.relu(total) if layer.relu else total

    unit = type("Residual", (nn.Module,), {"forward": forward})()
    unit.body, unit.shortcut = body, shortcut
    return unit, shape


def _branches(layer: Branches, image: tuple[int, ...]) -> tuple[Any, tuple[int, ...]]:
    import torch
    from torch import nn

    made = [_conv(conv, image) for conv in layer.convs]

    def forward(unit: Any, x: Any) -> Any:
        return torch.cat([conv(x) for conv in unit.convs], 1)

    unit = type("Branches", (nn.Module,), {"forward": forward})()
    unit.convs = nn.ModuleList([module for module, _ in made])
    return unit, (*made[0][1][:2], sum(shape[2] for _, shape in made))
