"""A roofline model of training steps on GPUs: minigraph's launch list beside PyTorch's. A model, no measurement.

python tests/gpu/roofline.py

Each device operation takes the longest of its arithmetic, its traffic and the least time of a node of a CUDA graph.
minigraph's operations are those of its plan. PyTorch's are the ATen operations that it dispatches for the same network
on tensors without data, channels last: what `convolution_backward` or a batch normalisation launches is known, any
other operation is one kernel that reads its operands and writes its results once. Both run in float32 without TF32.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpu.launch_list import operations, plan_of
from minigraph.tools.bench import torch_peer
from minigraph.tools.bench.layers import spec

FLOOR = 1.9e-6  # seconds of the shortest node of a CUDA graph
TENSORS = 36  # that one launch of a fused optimizer of PyTorch takes
STEPS = (("mnist-cnn", 128), ("lenet5-modern", 64), ("resnet50", 32), ("vgg16", 32))
_VIEWS = {"view", "t", "transpose", "expand", "detach", "permute", "_unsafe_view", "as_strided", "alias", "unsqueeze"}
_NO_WORK = {"empty", "empty_like", "empty_strided"}


class Gpu(NamedTuple):
    """What kernels reach: bytes and float32 operations per second, about 0.8 and 0.7 of the data sheets' figures."""

    name: str
    bandwidth: float
    arithmetic: float


GPUS = (Gpu("T4", 0.24e12, 6e12), Gpu("RTX 3060", 0.317e12, 9e12), Gpu("H200", 4.0e12, 42e12))


class Work(NamedTuple):
    """One device operation."""

    name: str
    nbytes: float
    flops: float


def seconds(works: Iterable[Work], gpu: Gpu) -> float:
    """The time that the model gives for a list of operations, one after the other."""
    return sum(max(w.nbytes / gpu.bandwidth, w.flops / gpu.arithmetic, FLOOR) for w in works)


def ours(model: str, batch: int) -> list[Work]:
    """The operations of a step of minigraph."""
    return [Work(o.family, o.nbytes, o.flops) for o in operations(plan_of(model, batch))]


def theirs(model: str, batch: int) -> list[Work]:
    """The operations of a step of PyTorch."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    works: list[Work] = []

    class Record(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            made = func(*args, **(kwargs or {}))
            works.extend(_launched(func.__name__.split(".")[0], args, made))
            return made

    network = spec(model, None)
    with torch.device("meta"):
        module = torch_peer.build(network).to(memory_format=torch.channels_last).train()
        height, width, channels = network.image
        images = torch.empty(batch, channels, height, width).contiguous(memory_format=torch.channels_last)
        labels = torch.empty(batch, dtype=torch.int64)
        with Record():
            torch.nn.functional.cross_entropy(module(images), labels).backward()
    sizes = [p.numel() * 4 for p in module.parameters()]
    passes = 7 if network.optimizer == "adam" else 5
    parts = [sizes[start : start + TENSORS] for start in range(0, len(sizes), TENSORS)]
    return [*works, *(Work("optimizer", passes * sum(part), 0) for part in parts)]


def _launched(name: str, args: Any, made: Any) -> Iterator[Work]:
    """The kernels of one ATen operation."""
    operands, results = [_nbytes(t) for t in _tensors(args)], [_nbytes(t) for t in _tensors(made)]
    if name in _VIEWS or name in _NO_WORK or not results:
        return
    plain = sum(operands) + sum(results)
    if name == "convolution":
        x, w, bias = args[:3]
        yield Work(name, _nbytes(x) + _nbytes(w) + results[0], 2 * made.numel() * math.prod(w.shape[1:]))
        if bias is not None:
            yield Work("bias", 2 * results[0], 0)
    elif name == "convolution_backward":
        grad, x, w = args[:3]
        flops = 2 * grad.numel() * math.prod(w.shape[1:])
        wanted = args[-1]
        for _ in range(wanted[0] + wanted[1]):
            yield Work(name, _nbytes(grad) + _nbytes(x) + _nbytes(w), flops)
        if wanted[2]:
            yield Work("bias_backward", _nbytes(grad), 0)
    elif name == "native_batch_norm":
        yield Work(name, operands[0], 0)
        yield Work(name, operands[0] + results[0], 0)
    elif name == "native_batch_norm_backward":
        yield Work(name, 2 * operands[0], 0)
        yield Work(name, 3 * operands[0], 0)
    elif name in ("addmm", "mm"):
        a, b = args[-2:]
        yield Work(name, plain, 2 * a.shape[0] * a.shape[1] * b.shape[1])
    else:
        yield Work(name, plain, 0)


def _tensors(tree: Any) -> list[Any]:
    if isinstance(tree, list | tuple):
        return [t for item in tree for t in _tensors(item)]
    return [tree] if hasattr(tree, "element_size") else []


def _nbytes(tensor: Any) -> int:
    return int(tensor.numel() * tensor.element_size())


def table() -> Iterator[str]:
    """The lines of a Markdown table."""
    yield "| step | operations, GB: minigraph | PyTorch | " + " | ".join(f"{g.name}: ms, ratio" for g in GPUS) + " |"
    yield "|---|---|---|" + "---|" * len(GPUS)
    for model, batch in STEPS:
        mine, other = ours(model, batch), theirs(model, batch)
        cells = [f"{len(w)}, {sum(o.nbytes for o in w) / 1e9:.2f}" for w in (mine, other)]
        for gpu in GPUS:
            ms = seconds(mine, gpu) * 1e3
            cells.append(f"{ms:.3g}, {ms / seconds(other, gpu) / 1e3:.2f}")
        yield f"| `{model}`, batch {batch} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    for line in table():
        print(line)
