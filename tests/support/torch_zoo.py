"""The networks of minigraph.models written in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from minigraph.models.lenet import C3_TABLE, codes


def channels_first(images: np.ndarray) -> Any:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def same(x: Any, size: int, stride: int) -> Any:
    """TensorFlow's SAME: an odd pad is at the right and the bottom."""
    pads = [max((-(-n // stride) - 1) * stride + size - n, 0) for n in (x.shape[3], x.shape[2])]
    return F.pad(x, [side for p in pads for side in (p // 2, p - p // 2)])


# networks by the names of our variables


class Layers:
    """Layers on channels-first maps, with the variables of a network of ours."""

    def __init__(self, values: dict[str, np.ndarray]) -> None:
        self.values = {name.partition("/")[2]: torch.from_numpy(v) for name, v in values.items()}

    def conv(
        self, x: Any, name: str, stride: int = 1, padding: Any = "same", groups: int = 1, act: Any = F.relu
    ) -> Any:
        filters = self.values[f"{name}/weights"].permute(3, 2, 0, 1)
        y = F.conv2d(x, filters, self.values[f"{name}/biases"], stride, padding, 1, groups)
        return act(y)

    def dense(self, x: Any, name: str, act: Any = lambda x: x) -> Any:
        return act(x @ self.values[f"{name}/weights"] + self.values[f"{name}/biases"])


def flat(x: Any) -> Any:
    return x.permute(0, 2, 3, 1).flatten(1)


def norm(x: Any, k: float) -> Any:
    """torch takes α times the mean of the squares, here of five maps."""
    return F.local_response_norm(x, 5, alpha=5e-4 if k == 2 else 1e-4, beta=0.75, k=k)


def squeezenet(net: Layers, x: Any) -> Any:
    x = F.max_pool2d(net.conv(x, "conv1", 2, 0), 3, 2)
    for i in range(2, 10):
        if i in (4, 6):
            x = F.max_pool2d(x, 3, 2)
        x = net.conv(x, f"fire{i}/squeeze1x1")
        x = torch.cat([net.conv(x, f"fire{i}/expand1x1"), net.conv(x, f"fire{i}/expand3x3")], 1)
    return net.conv(x, "conv10").mean((2, 3))


def alexnet(net: Layers, x: Any) -> Any:
    x = F.max_pool2d(norm(net.conv(x, "conv1", 4, 0), 2.0), 3, 2)
    x = F.max_pool2d(norm(net.conv(x, "conv2", groups=2), 2.0), 3, 2)
    x = net.conv(net.conv(x, "conv3"), "conv4", groups=2)
    x = flat(F.max_pool2d(net.conv(x, "conv5", groups=2), 3, 2))
    return net.dense(net.dense(net.dense(x, "fc6", F.relu), "fc7", F.relu), "fc8")


def googlenet(net: Layers, x: Any) -> Any:
    def pool(x: Any, stride: int) -> Any:
        return F.max_pool2d(same(x, 3, stride), 3, stride)  # of what ReLU made, so that zeros never win

    x = norm(pool(net.conv(same(x, 7, 2), "conv1", 2, 0), 2), 1.0)
    x = pool(norm(net.conv(net.conv(x, "conv2_reduce"), "conv2"), 1.0), 2)
    for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"):
        if name in ("4a", "5a"):
            x = pool(x, 2)
        module = f"inception{name}"
        x = torch.cat([
            net.conv(x, f"{module}/1x1"),
            net.conv(net.conv(x, f"{module}/3x3_reduce"), f"{module}/3x3"),
            net.conv(net.conv(x, f"{module}/5x5_reduce"), f"{module}/5x5"),
            net.conv(pool(x, 1), f"{module}/pool_proj"),
        ], 1)  # fmt: skip
    return net.dense(x.mean((2, 3)), "logits")


def squash(x: Any) -> Any:
    return 1.7159 * torch.tanh(2 * x / 3)


def lenet5(net: Layers, x: Any) -> Any:
    def subsample(x: Any, name: str) -> Any:
        sums = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
        coefficients, biases = (
            net.values[f"{name}/{kind}"][None, :, None, None] for kind in ("coefficients", "biases")
        )
        return torch.sigmoid(sums * coefficients + biases)

    x = subsample(net.conv(x, "c1", 1, 0, act=squash), "s2")
    weights, start, maps = net.values["c3/weights"], 0, []
    for seen in C3_TABLE:
        filters = weights[:, :, start : start + len(seen)].permute(2, 0, 1)[None]
        maps.append(F.conv2d(x[:, list(seen)], filters))
        start += len(seen)
    x = subsample(squash(torch.cat(maps, 1) + net.values["c3/biases"][None, :, None, None]), "s4")
    x = net.dense(net.conv(x, "c5", 1, 0, act=squash).flatten(1), "f6", squash)
    return -((x[:, None] - torch.from_numpy(codes())) ** 2).sum(2)


def lenet5_modern(net: Layers, x: Any) -> Any:
    for name in ("c1", "c3"):
        x = F.max_pool2d(net.conv(x, name, 1, 0), 2)
    return net.dense(net.dense(net.dense(flat(x), "c5", F.relu), "f6", F.relu), "output")


def folder_cnn(net: Layers, x: Any) -> Any:
    for name in ("conv1", "conv2", "conv3"):
        x = F.max_pool2d(net.conv(x, name), 2)
    return net.dense(net.dense(net.dense(flat(x), "fc1", F.relu), "fc2", F.relu), "fc3")


# networks by PyTorch's names


def maps(count: int, width: float) -> int:
    return max(1, round(count * width))


class Vgg(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, blocks: tuple[int, ...], width: float, side: int) -> None:
        super().__init__()
        layers: list[Any] = []
        depth = 3
        for count, wide in zip(blocks, (64, 128, 256, 512, 512), strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(depth, maps(wide, width), 3, padding=1), nn.ReLU()]
                depth = maps(wide, width)
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        units = maps(4096, width)
        first = nn.Linear(depth * side * side, units)
        self.classifier = nn.Sequential(
            first, nn.ReLU(), nn.Dropout(), nn.Linear(units, units), nn.ReLU(), nn.Dropout(), nn.Linear(units, 1000)
        )

    def forward(self, x: Any) -> Any:
        return self.classifier(self.features(x).flatten(1))


class Unit(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, depth: int, wide: int, stride: int, deep: bool) -> None:
        super().__init__()
        sizes = [(1, 1, 1), (3, stride, 1), (1, 1, 4)] if deep else [(3, stride, 1), (3, 1, 1)]
        out = depth
        for i, (size, step, factor) in enumerate(sizes, 1):
            setattr(self, f"conv{i}", nn.Conv2d(out, wide * factor, size, step, size // 2, bias=False))
            out = wide * factor
            setattr(self, f"bn{i}", nn.BatchNorm2d(out))
        self.count = len(sizes)
        self.downsample = None
        if stride > 1 or out != depth:
            self.downsample = nn.Sequential(nn.Conv2d(depth, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        self.out = out

    def forward(self, x: Any) -> Any:
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            y = F.relu(y) if i < self.count else y
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, units: tuple[int, ...], deep: bool, width: float) -> None:
        super().__init__()
        depth = wide = maps(64, width)
        self.conv1, self.bn1 = nn.Conv2d(3, wide, 7, 2, 3, bias=False), nn.BatchNorm2d(wide)
        for block, count in enumerate(units):
            made = []
            for i in range(count):
                made.append(Unit(depth, wide << block, 2 if block and not i else 1, deep))
                depth = made[-1].out
            setattr(self, f"layer{block + 1}", nn.Sequential(*made))
        self.fc = nn.Linear(depth, 1000)

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for block in range(1, 5):
            x = getattr(self, f"layer{block}")(x)
        return self.fc(x.mean((2, 3)))


class LiteBlock(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, depth: int, size: int, stride: int, expand: int, out: int) -> None:
        super().__init__()
        wide = depth * expand
        if expand > 1:
            self._expand_conv, self._bn0 = nn.Conv2d(depth, wide, 1, bias=False), nn.BatchNorm2d(wide, eps=1e-3)
        self._depthwise_conv = nn.Conv2d(wide, wide, size, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, eps=1e-3)
        self._project_conv, self._bn2 = nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out, eps=1e-3)
        self.window, self.expand, self.adds = (size, stride), expand > 1, stride == 1 and depth == out

    def forward(self, x: Any) -> Any:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expand else x
        y = F.relu6(self._bn1(self._depthwise_conv(same(y, *self.window))))
        y = self._bn2(self._project_conv(y))
        return x + y if self.adds else y


class EfficientNetLite(nn.Module):  # type: ignore[misc, name-defined]
    STAGES = (
        "1 3 1 1 16", "2 3 2 6 24", "2 5 2 6 40", "3 3 2 6 80", "3 5 1 6 112", "4 5 2 6 192", "1 3 1 6 320"
    )  # count, size, stride, expansion, maps  # fmt: skip

    def __init__(self, width: float) -> None:
        super().__init__()
        depth = maps(32, width)
        self._conv_stem, self._bn0 = nn.Conv2d(3, depth, 3, 2, bias=False), nn.BatchNorm2d(depth, eps=1e-3)
        made = []
        for stage in self.STAGES:
            count, size, stride, expand, out = map(int, stage.split())
            for i in range(count):
                made.append(LiteBlock(depth, size, 1 if i else stride, expand, maps(out, width)))
                depth = maps(out, width)
        self._blocks = nn.Sequential(*made)
        head = maps(1280, width)
        self._conv_head, self._bn1 = nn.Conv2d(depth, head, 1, bias=False), nn.BatchNorm2d(head, eps=1e-3)
        self._fc = nn.Linear(head, 1000)

    def forward(self, x: Any) -> Any:
        x = self._blocks(F.relu6(self._bn0(self._conv_stem(same(x, 3, 2)))))
        return self._fc(F.relu6(self._bn1(self._conv_head(x))).mean((2, 3)))


class Basic(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, depth: int, out: int, size: Any, stride: int = 1, padding: Any = "same") -> None:
        super().__init__()
        self.conv = nn.Conv2d(depth, out, size, stride, padding if stride == 1 else 0, bias=False)
        self.bn = nn.BatchNorm2d(out, eps=1e-3)

    def forward(self, x: Any) -> Any:
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):  # type: ignore[misc, name-defined]
    """Branches as `name: maps of size, …`; `|` splits the last into two, `pool` is average pooling before."""

    def __init__(self, depth: int, width: float, *branches: str) -> None:
        super().__init__()
        self.branches: list[tuple[str, list[list[str]]]] = []
        self.reduces = not any(b.startswith("branch_pool") for b in branches)
        self.out = depth if self.reduces else 0
        for branch in branches:
            name, layers = branch.split(": ")
            chain, d = [], depth
            specs = [layer.split("|") for layer in layers.split(", ")]
            for i, spec in enumerate(specs, 1):
                names = []
                for suffix, layer in zip("ab" if len(spec) > 1 else [""], spec, strict=True):
                    count, size = layer.split()
                    stride = 2 if size.endswith("/2") else 1
                    rows, columns = map(int, size.removesuffix("/2").split("x"))
                    names.append(f"{name}_{i}{suffix}" if len(specs) > 1 else name)
                    made = Basic(d, maps(int(count), width), (rows, columns), stride)
                    setattr(self, names[-1], made)
                d = maps(int(count), width)
                chain.append(names)
            self.out += d * len(specs[-1])
            self.branches.append((name, chain))

    def forward(self, x: Any) -> Any:
        parts = []
        for name, chain in self.branches:
            ys = [F.avg_pool2d(x, 3, 1, 1, count_include_pad=False) if name == "branch_pool" else x]
            for names in chain:
                ys = [getattr(self, n)(ys[0]) for n in names]
            parts += ys
        return torch.cat([*parts, F.max_pool2d(x, 3, 2)] if self.reduces else parts, 1)


class Head(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, depth: int, width: float) -> None:
        super().__init__()
        self.conv0 = Basic(depth, maps(128, width), 1)
        self.conv1 = Basic(maps(128, width), maps(768, width), 5, 1, 0)
        self.fc = nn.Linear(maps(768, width), 1000)

    def forward(self, x: Any) -> Any:
        return self.fc(self.conv1(self.conv0(F.avg_pool2d(x, 5, 3))).mean((2, 3)))


def wide(pool: int) -> list[str]:
    return ["branch1x1: 64 1x1", "branch5x5: 48 1x1, 64 5x5", "branch3x3dbl: 64 1x1, 96 3x3, 96 3x3",
            f"branch_pool: {pool} 1x1"]  # fmt: skip


def factorised(n: int) -> list[str]:
    return ["branch1x1: 192 1x1", f"branch7x7: {n} 1x1, {n} 1x7, 192 7x1",
            f"branch7x7dbl: {n} 1x1, {n} 7x1, {n} 1x7, {n} 7x1, 192 1x7", "branch_pool: 192 1x1"]  # fmt: skip


LAST = ["branch1x1: 320 1x1", "branch3x3: 384 1x1, 384 1x3|384 3x1",
        "branch3x3dbl: 448 1x1, 384 3x3, 384 1x3|384 3x1", "branch_pool: 192 1x1"]  # fmt: skip
MIXED = {
    "5b": wide(32), "5c": wide(64), "5d": wide(64),
    "6a": ["branch3x3: 384 3x3/2", "branch3x3dbl: 64 1x1, 96 3x3, 96 3x3/2"],
    "6b": factorised(128), "6c": factorised(160), "6d": factorised(160), "6e": factorised(192),
    "7a": ["branch3x3: 192 1x1, 320 3x3/2", "branch7x7x3: 192 1x1, 192 1x7, 192 7x1, 192 3x3/2"],
    "7b": LAST, "7c": LAST,
}  # fmt: skip


STEM = {"1a_3x3": (32, 3, 2, 0), "2a_3x3": (32, 3, 1, 0), "2b_3x3": (64, 3, 1, 1), "3b_1x1": (80, 1, 1, 0),
        "4a_3x3": (192, 3, 1, 0)}  # maps, size, stride, padding  # fmt: skip


class Inception(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, width: float) -> None:
        super().__init__()
        depth = 3
        for name, (count, size, stride, padding) in STEM.items():
            setattr(self, f"Conv2d_{name}", Basic(depth, maps(count, width), size, stride, padding))
            depth = maps(count, width)
        for name, branches in MIXED.items():
            setattr(self, f"Mixed_{name}", mixed := Mixed(depth, width, *branches))
            depth = mixed.out
            if name == "6e":
                self.AuxLogits = Head(depth, width)
        self.fc = nn.Linear(depth, 1000)

    def forward(self, x: Any) -> tuple[Any, Any]:
        for name in STEM:
            x = getattr(self, f"Conv2d_{name}")(x)
            if name in ("2b_3x3", "4a_3x3"):
                x = F.max_pool2d(x, 3, 2)
        for name in MIXED:
            x = getattr(self, f"Mixed_{name}")(x)
            if name == "6e":
                aux = self.AuxLogits(x)
        return self.fc(x.mean((2, 3))), aux


def shaken(net: Any) -> Any:
    """With normalisation that does something, and values that stay near 1."""
    torch.manual_seed(3)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()
