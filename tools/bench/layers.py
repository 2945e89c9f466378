"""The timed networks, layer by layer, for the other frameworks to build."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conv:
    """A convolution with SAME padding (VALID with `valid`); a bias, or batch normalisation with `norm`; ReLU."""

    kernel: int
    maps: int
    stride: int = 1
    norm: bool = False
    relu: bool = True
    valid: bool = False


@dataclass(frozen=True, slots=True)
class PoolLayer:
    """Max-pooling. padding: on each side."""

    kernel: int
    stride: int
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Residual:
    """relu(body(x) + shortcut(x)); an empty shortcut is the identity."""

    body: tuple[Layer, ...]
    shortcut: tuple[Layer, ...] = ()


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


Layer = Conv | PoolLayer | Residual | GlobalAverage | Dense | Dropout


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """image: height, width and channels. optimizer: adam or momentum."""

    image: tuple[int, int, int]
    layers: tuple[Layer, ...]
    optimizer: str = "momentum"

    @property
    def classes(self) -> int:
        last = self.layers[-1]
        assert isinstance(last, Dense)
        return last.units


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


NETWORKS = {
    "mnist-cnn": NetworkSpec((28, 28, 1), _mnist(), "adam"),
    "lenet5-modern": NetworkSpec((32, 32, 1), _lenet()),
    "vgg16": NetworkSpec((224, 224, 3), _vgg16()),
    "resnet50": NetworkSpec((224, 224, 3), _resnet50()),
}  # by the names that `minigraph models` has
