"""The timed networks, layer by layer, for the other frameworks to build."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from minigraph.models.efficientnet_lite import STAGES
from minigraph.models.resnet import UNITS
from minigraph.models.squeezenet import FIRES


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution with SAME padding (VALID with `valid`); a bias, or batch normalisation with `norm`; ReLU, or with
    `capped` ReLU6. depthwise: each map is filtered by itself."""

    kernel: int
    maps: int
    stride: int = 1
    norm: bool = False
    relu: bool = True
    valid: bool = False
    capped: bool = False
    depthwise: bool = False


@dataclass(frozen=True, slots=True)
class PoolLayer:
    """Max-pooling. padding: on each side."""

    kernel: int
    stride: int
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Residual:
    """relu(body(x) + shortcut(x)), or without ReLU; an empty shortcut is the identity."""

    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()
    relu: bool = True


@dataclass(frozen=True, slots=True)
class Branches:
    """The maps of several convolutions of one input, side by side."""

    convs: tuple[Conv, ...]


@dataclass(frozen=True, slots=True)
class GlobalAverage:
    """The mean of each map."""


@dataclass(frozen=True, slots=True)
class Dense:
    """A fully connected layer with a bias, on the flattened input."""

    units: int
    relu: bool = True


@dataclass(frozen=True, slots=True)
class Dropout:
    """Keeps the fraction `keep` of the units in training."""

    keep: float


Layer = Conv | PoolLayer | Residual | Branches | GlobalAverage | Dense | Dropout


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """image: height, width and channels. optimizer: adam or momentum."""

    image: tuple[int, int, int]
    layers: tuple[Layer, ...]
    optimizer: str = "momentum"

    @property
    def classes(self) -> int:
        last = next(layer for layer in reversed(self.layers) if not isinstance(layer, GlobalAverage))
        return last.units if isinstance(last, Dense) else last.maps  # type: ignore[union-attr]


def _mnist() -> tuple[Layer, ...]:
    blocks = (Conv(5, 64), PoolLayer(2, 2), Conv(5, 128), PoolLayer(2, 2))
    return (*blocks, Dense(1024), Dropout(0.75), Dense(10, relu=False))


def _lenet() -> tuple[Layer, ...]:
    blocks = (Conv(5, 6, valid=True), PoolLayer(2, 2), Conv(5, 16, valid=True), PoolLayer(2, 2))
    return (*blocks, Dense(120), Dense(84), Dense(10, relu=False))


def _vgg16() -> tuple[Layer, ...]:
    blocks = [(Conv(3, m),) * n + (PoolLayer(2, 2),) for m, n in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))]
    head = (Dense(4096), Dropout(0.5), Dense(4096), Dropout(0.5), Dense(1000, relu=False))
    return (*(layer for block in blocks for layer in block), *head)


def _basic(maps: int, stride: int, first: bool) -> Residual:
    body = (Conv(3, maps, stride, norm=True), Conv(3, maps, norm=True, relu=False))
    return Residual(body, (Conv(1, maps, stride, norm=True, relu=False),) if stride > 1 else ())


def _bottleneck(maps: int, stride: int, first: bool) -> Residual:
    body = (Conv(1, maps, norm=True), Conv(3, maps, stride, norm=True), Conv(1, 4 * maps, norm=True, relu=False))
    return Residual(body, (Conv(1, 4 * maps, stride, norm=True, relu=False),) if first else ())


def _resnet(name: str, unit: Callable[[int, int, bool], Residual]) -> tuple[Layer, ...]:
    units = [
        unit(64 << block, 2 if n == 0 and block else 1, n == 0)
        for block, count in enumerate(UNITS[name])
        for n in range(count)
    ]
    return (Conv(7, 64, 2, norm=True), PoolLayer(3, 2, 1), *units, GlobalAverage(), Dense(1000, relu=False))


def _squeezenet() -> tuple[Layer, ...]:
    layers: list[Layer] = [Conv(3, 64, 2, valid=True), PoolLayer(3, 2)]
    for name, (squeeze, expand) in FIRES.items():
        layers += [Conv(1, squeeze), Branches((Conv(1, expand), Conv(3, expand)))]
        layers += [PoolLayer(3, 2)] if name in ("fire3", "fire5") else []
    return (*layers, Dropout(0.5), Conv(1, 1000), GlobalAverage())


def _efficientnet_lite0() -> tuple[Layer, ...]:
    def conv(kernel: int, maps: int, stride: int = 1, depthwise: bool = False) -> Conv:
        return Conv(kernel, maps, stride, norm=True, capped=True, depthwise=depthwise)

    layers: list[Layer] = [conv(3, 32, 2)]
    maps = 32
    for stage in STAGES:
        for unit in range(stage.times):
            wide = maps * stage.expand
            body = (
                *((conv(1, wide),) if stage.expand > 1 else ()),
                conv(stage.size, wide, 1 if unit else stage.stride, depthwise=True),
                Conv(1, stage.maps, norm=True, relu=False),
            )
            layers += [Residual(body, relu=False)] if unit else body
            maps = stage.maps
    return (*layers, conv(1, 1280), GlobalAverage(), Dropout(0.8), Dense(1000, relu=False))


NETWORKS = {
    "mnist-cnn": NetworkSpec((28, 28, 1), _mnist(), "adam"),
    "lenet5-modern": NetworkSpec((32, 32, 1), _lenet()),
    "vgg16": NetworkSpec((224, 224, 3), _vgg16()),
    "resnet18": NetworkSpec((224, 224, 3), _resnet("resnet18", _basic)),
    "resnet50": NetworkSpec((224, 224, 3), _resnet("resnet50", _bottleneck)),
    "squeezenet": NetworkSpec((227, 227, 3), _squeezenet()),
    "efficientnet-lite0": NetworkSpec((224, 224, 3), _efficientnet_lite0()),
}  # by the names that `minigraph models` has


def spec(model: str, size: int | None) -> NetworkSpec:
    """The network for images of `size` rows and columns; None for its own."""
    found = NETWORKS[model]
    return found if size is None else replace(found, image=(size, size, found.image[2]))
