"""The work of one run on a GPU as data: every device operation with its bytes and floating-point operations.

python tests/gpu/launch_list.py resnet50 32 [--inference] [--precision tf32]

No GPU is needed: the plan is made for a device that allocates no memory and whose cuDNN takes every problem.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import minigraph as tf
from minigraph.backend import discovery as backends
from minigraph.backends.cupy import kernel as K
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.device import DeviceBuffer
from minigraph.tools.shared.target import load_target

SMALL = 200_000  # bytes: below it a launch costs more than the work


class Operation(NamedTuple):
    """A launch. nbytes: of the arrays that it reads and writes, each once. step: the plan's step that it belongs to."""

    family: str
    nbytes: int
    flops: int
    launch: Any
    step: Any


class NoDevice:
    """A device that holds nothing and runs nothing."""

    capability = 9, 0

    def __init__(self) -> None:
        self._next = 256

    def allocate(self, nbytes: int) -> DeviceBuffer:
        start, self._next = self._next, self._next + nbytes + 512
        return DeviceBuffer(start, nbytes, None)

    def convolution(self, problem: K.ConvProblem) -> int | str:
        return 1 << 20

    def __getattr__(self, name: str) -> Any:
        return lambda *args: None


def plan_of(model: str, batch: int, inference: bool = False, precision: str = "float32") -> Any:
    """The plan of a network's training step, or of inference, at a batch size."""
    backend = CupyBackend(NoDevice(), precision)  # type: ignore[arg-type]
    before = backends._loaded.get("cupy")
    backends._loaded["cupy"] = backend
    backend._others["float32"] = backend
    try:
        target = load_target(model, batch, inference)
        with tf.Session(graph=target.graph, backend="cupy", precision=precision) as session:
            return session.plan_for(target.fetches, target.feeds)[0]
    finally:
        if before is None:
            del backends._loaded["cupy"]
        else:
            backends._loaded["cupy"] = before


def operations(plan: Any) -> list[Operation]:
    """The device operations of a run, in order."""
    return [o for step in plan.steps if not step.lowered.fallback for o in _of_step(step)]


def _of_step(step: Any) -> Iterator[Operation]:
    inputs = [v.type.nbytes for v in step.inputs]
    outputs = [0 if v is None else v.type.nbytes for v in step.outputs]
    for launch in step.lowered.bind.steps:
        if isinstance(launch, K.Launch) and not launch.kernel.grid:
            continue
        yield Operation(*_cost(launch, inputs, outputs), launch, step)


def _cost(launch: Any, inputs: list[int], outputs: list[int]) -> tuple[str, int, int]:
    if isinstance(launch, K.Gemm):
        m, n, k = launch.m, launch.n, launch.k
        return "gemm", (m * k + k * n + m * n) * launch.dtype.size * launch.batch, 2 * m * n * k * launch.batch
    if isinstance(launch, K.Convolve):
        p = launch.problem
        size = 4 if p.operands == "float32" else 2
        arrays = math.prod(p.image) + math.prod(p.filters) + math.prod(p.output) * (1 + ("add" in p.epilogue))
        return f"cudnn {p.kind}", arrays * size, 2 * math.prod(p.output) * math.prod(p.filters[1:])
    if isinstance(launch, K.Constant):
        return "copy", 2 * launch.value.nbytes, 0
    family = launch.kernel.name.rsplit("_", 1)[0]
    nbytes, threads = 0, launch.kernel.grid * launch.kernel.block
    for kind, position in {(r.kind, r.position if r.kind != "work" else r.offset) for r in launch.args}:
        # Of a workspace only the largest pieces matter: columns of a convolution and copies, an element per thread.
        nbytes += {"in": inputs, "out": outputs}[kind][position] if kind != "work" else _in_workspace(family, threads)
    return family, nbytes, 0


def _in_workspace(family: str, threads: int) -> int:
    return 4 * threads if family in ("im2col", "col2im", "move", "fill") else 4 * threads // 64


def main(model: str, batch: str, *options: str) -> None:
    precision = options[options.index("--precision") + 1] if "--precision" in options else "float32"
    found = operations(plan_of(model, int(batch), "--inference" in options, precision))
    small = [o for o in found if o.nbytes < SMALL]
    print(f"{len(found)} device operations, {len(small)} of them under {SMALL // 1000} kB, "
          f"{sum(o.nbytes for o in found) / 1e9:.2f} GB, {sum(o.flops for o in found) / 1e9:.1f} GFLOP")  # fmt: skip
    counts, little = Counter(o.family for o in found), Counter(o.family for o in small)
    for family, count in counts.most_common():
        total = sum(o.nbytes for o in found if o.family == family)
        print(f"{count:6} {family:24} {little[family]:5} small {total / 1e9:10.3f} GB")


if __name__ == "__main__":
    main(*sys.argv[1:])
