"""The timed networks, layer by layer, for the other frameworks to build."""

from __future__ import annotations

from dataclasses import dataclass, replace


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


def _bottleneck(maps: int, stride: int, first: bool) -> Residual:
    body = (Conv(1, maps, norm=True), Conv(3, maps, stride, norm=True), Conv(1, 4 * maps, norm=True, relu=False))
    return Residual(body, (Conv(1, 4 * maps, stride, norm=True, relu=False),) if first else ())


def _resnet50() -> tuple[Layer, ...]:
    units = [
        _bottleneck(64 << block, 2 if unit == 0 and block else 1, unit == 0)
        for block, count in enumerate((3, 4, 6, 3))
        for unit in range(count)
    ]
    return (Conv(7, 64, 2, norm=True), PoolLayer(3, 2, 1), *units, GlobalAverage(), Dense(1000, relu=False))


def _resnet18() -> tuple[Layer, ...]:
    units = []
    for block in range(4):
        for unit in range(2):
            maps, stride = 64 << block, 2 if unit == 0 and block else 1
            body = (Conv(3, maps, stride, norm=True), Conv(3, maps, norm=True, relu=False))
            units.append(Residual(body, (Conv(1, maps, stride, norm=True, relu=False),) if stride == 2 else ()))
    return (Conv(7, 64, 2, norm=True), PoolLayer(3, 2, 1), *units, GlobalAverage(), Dense(1000, relu=False))


def _squeezenet() -> tuple[Layer, ...]:
    def fire(squeeze: int, expand: int) -> tuple[Layer, ...]:
        return Conv(1, squeeze), Branches((Conv(1, expand), Conv(3, expand)))

    pool = (PoolLayer(3, 2),)
    fires = (*fire(16, 64), *fire(16, 64), *pool, *fire(32, 128), *fire(32, 128), *pool)
    fires += (*fire(48, 192), *fire(48, 192), *fire(64, 256), *fire(64, 256))
    return (Conv(3, 64, 2, valid=True), *pool, *fires, Dropout(0.5), Conv(1, 1000), GlobalAverage())


def _efficientnet_lite0() -> tuple[Layer, ...]:
    def conv(kernel: int, maps: int, stride: int = 1, depthwise: bool = False) -> Conv:
        return Conv(kernel, maps, stride, norm=True, capped=True, depthwise=depthwise)

    layers: list[Layer] = [conv(3, 32, 2)]
    maps = 32
    for times, kernel, stride, expand, out in (
        (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    ):  # fmt: skip
        for unit in range(times):
            wide = maps * expand
            body = (
                *((conv(1, wide),) if expand > 1 else ()),
                conv(kernel, wide, 1 if unit else stride, depthwise=True),
                Conv(1, out, norm=True, relu=False),
            )
            layers += [Residual(body, relu=False)] if unit else body
            maps = out
    return (*layers, conv(1, 1280), GlobalAverage(), Dropout(0.8), Dense(1000, relu=False))


NETWORKS = {
    "mnist-cnn": NetworkSpec((28, 28, 1), _mnist(), "adam"),
    "lenet5-modern": NetworkSpec((32, 32, 1), _lenet()),
    "vgg16": NetworkSpec((224, 224, 3), _vgg16()),
    "resnet18": NetworkSpec((224, 224, 3), _resnet18()),
    "resnet50": NetworkSpec((224, 224, 3), _resnet50()),
    "squeezenet": NetworkSpec((227, 227, 3), _squeezenet()),
    "efficientnet-lite0": NetworkSpec((224, 224, 3), _efficientnet_lite0()),
}  # by the names that `minigraph models` has


def spec(model: str, size: int | None) -> NetworkSpec:
    """The network for images of `size` rows and columns; None for its own."""
    found = NETWORKS[model]
    return found if size is None else replace(found, image=(size, size, found.image[2]))
