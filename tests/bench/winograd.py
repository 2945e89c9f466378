"""Time convolutions and their gradients by column matrices and in Winograd's form, layer by layer.

    python tests/bench/winograd.py [rounds]

The candidates of a layer run in turn on the team of threads, a few images at a time, as a fused region runs them; times
are medians in ms. `model` is the pass's estimate of Winograd's time to the direct form's; `chosen` what it makes of the
layer. Errors are of norms, against float64 by the definition, for standard normal images, filters and gradients.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from conv_kernels import randn

from minigraph.backends.numpy import NumpyBackend, region
from minigraph.core.dtypes import as_dtype
from minigraph.core.ir import Builder, Feed, Program, Value, reachable
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops import winograd as W
from minigraph.ops.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad
from minigraph.passes.winograd import TILES, Site
from minigraph.rewrite.region import Blocked

BYTES = 4 << 20  # of a block's image and output together
# images, rows and columns, filter, channels, output channels
LAYERS = [
    (256, 28, 5, 1, 64),
    (256, 14, 5, 64, 128),
    (256, 28, 3, 1, 32),
    (64, 28, 5, 8, 16),
    (32, 56, 3, 16, 16),
    (32, 56, 3, 64, 64),
    (64, 28, 3, 128, 128),
    (64, 14, 3, 256, 256),
    (64, 7, 3, 512, 512),
    (4, 112, 3, 64, 64),
]
Arrays = list[np.ndarray]


def pieces(op: Op, inputs: Arrays, batch: int, largest: int) -> Blocked:
    """The op as a region."""
    builder = Builder()
    feeds = [
        Value(builder.add(Feed(i, TensorType(as_dtype(a.dtype), a.shape))), 0) for i, a in enumerate(inputs)
    ]  # fmt: skip
    made = builder.add(op, feeds)
    how = op.batching([v.type for v in feeds], made.types)
    assert how is not None
    results = tuple(Value(made, i) for i in range(len(made.types)))
    program = Program(reachable([made]), results, tuple(v.type for v in feeds))
    return Blocked(program, how.cut, how.sums, batch)


def launch(op: Op, inputs: Arrays, batch: int) -> tuple[Callable[[], Any], Arrays]:
    """The op's launch by blocks, and where its results are."""
    backend = NumpyBackend()
    largest = max(a.nbytes for a in inputs)
    blocked = pieces(op, inputs, batch, largest)
    types = [TensorType(as_dtype(a.dtype), a.shape) for a in inputs]
    lowered = backend.lower(blocked, types, blocked.infer(*types))
    outputs = [np.empty(t.static, np.float32) for t in blocked.infer(*types)]
    return lowered.bind(inputs, outputs, backend.allocate(lowered.workspace)), outputs


def seconds(candidates: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            started = time.perf_counter()
            run()
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(t) for name, t in times.items()}


def error(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"{'layer':30} {'':9} {'direct':>8}  Winograd: ms (gain, model's gain)")
    for n, h, r, c, o in LAYERS:
        pads = ((r // 2, r // 2),) * 2
        x, w, grad = randn(n, h, h, c), randn(r, r, c, o), randn(n, h, h, o)
        site = Site(x.shape, w.shape, grad.shape, 4)
        region.block_size = lambda op, n=n, size=x.nbytes + grad.nbytes: max(1, min(n, BYTES * n // size))  # type: ignore
        attributes = ((1, 1), pads, (1, 1))
        direct = {
            "forward": [(Conv2D(*attributes), [x, w])],
            "input": [(Conv2DInputGrad(*attributes, x.shape), [w, grad])],
            "filter": [(Conv2DFilterGrad(*attributes, w.shape), [x, grad])],
        }
        direct["both"] = direct["input"] + direct["filter"]
        for what, kinds in (
            ("forward", [Conv2D]),
            ("input", [Conv2DInputGrad]),
            ("filter", [Conv2DFilterGrad]),
            ("both", [Conv2DInputGrad, Conv2DFilterGrad]),
        ):
            runs = [launch(op, inputs, n)[0] for op, inputs in direct[what]]
            candidates: dict[str, Callable[[], Any]] = {"direct": lambda runs=runs: [run() for run in runs]}
            for m in TILES[r]:
                (u,) = W.WinogradFilter(m, r).forward(np, w)
                op, inputs = {
                    "forward": (W.WinogradConv2D(m, r, pads), [x, u]),
                    "input": (W.WinogradInputGrad(m, r, pads, x.shape), [u, grad]),
                    "filter": (W.WinogradFilterGrad(m, r, pads), [x, grad]),
                    "both": (W.WinogradGrads(m, r, pads), [x, u, grad]),
                }[what]
                candidates[str(m)] = launch(op, inputs, n)[0]
            found = seconds(candidates, rounds)
            cells = [
                f"m={m} {found[str(m)] * 1e3:.1f} ({found['direct'] / found[str(m)]:.2f}x,"
                f" {site.direct(kinds) / site.winograd(kinds, m):.2f}x)"
                for m in TILES[r]
            ]
            best = site.best(kinds)
            chosen = f"F({best},{r})" if isinstance(best, int) else "direct"
            label = f"{r}x{r} {c}->{o} at {h}x{h}, batch {n}"
            print(f"{label:30} {what:9} {found['direct'] * 1e3:8.1f}  {'  '.join(cells)}  -> {chosen}", flush=True)


if __name__ == "__main__":
    main()
