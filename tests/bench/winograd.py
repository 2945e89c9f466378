"""Time convolutions and their gradients by column matrices and in Winograd's form, layer by layer.

    python tests/bench/winograd.py [rounds]

The candidates of a layer run in turn on the team of threads, a few images at a time, as a fused region runs them; times
are medians in ms. The gain is the direct form's time to Winograd's, measured and as the pass estimates it; the last
column says what the pass chooses.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from conv_kernels import randn

from minigraph.backends.numpy import NumpyBackend
from minigraph.compile import blocks
from minigraph.core.dtypes import as_dtype
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.program import Builder, Feed, Program, Value, reachable
from minigraph.ir.regions import Blocked
from minigraph.ops.nn import winograd as W
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad, Convolution
from minigraph.passes.winograd import TILES, ConvShape

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


def pieces(op: Op, inputs: Arrays, batch: int) -> Blocked:
    """The op as a region."""
    builder = Builder()
    types = [TensorType(as_dtype(a.dtype), a.shape) for a in inputs]
    feeds = [Value(builder.add(Feed(i, t)), 0) for i, t in enumerate(types)]
    made = builder.add(op, feeds)
    how = op.batching(types, made.types)
    assert how is not None
    results = tuple(Value(made, i) for i in range(len(made.types)))
    return Blocked(Program(reachable([made]), results, tuple(types)), how.cut, how.sums, batch)


def launch(op: Op, inputs: Arrays, batch: int) -> Callable[[], Any]:
    """The op's launch by blocks."""
    backend = NumpyBackend()
    blocked = pieces(op, inputs, batch)
    types = blocked.program.feeds
    made = blocked.infer(*types)
    lowered = backend.lower(blocked, types, made)
    outputs = [np.empty(t.static, np.float32) for t in made]
    return lowered.bind(inputs, outputs, backend.allocate(lowered.workspace))


def seconds(candidates: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, run in candidates.items():
            started = time.perf_counter()
            run()
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: statistics.median(t) for name, t in times.items()}


KINDS: dict[str, list[type[Convolution]]] = {
    "forward": [Conv2D],
    "input": [Conv2DInputGrad],
    "filter": [Conv2DFilterGrad],
    "both": [Conv2DInputGrad, Conv2DFilterGrad],
}


def direct(what: str, x: np.ndarray, w: np.ndarray, grad: np.ndarray, pads: Any) -> Callable[[], Any]:
    """The forms by column matrices."""
    attributes = ((1, 1), pads, (1, 1))
    all_forms: dict[type[Convolution], tuple[Op, Arrays]] = {
        Conv2D: (Conv2D(*attributes), [x, w]),
        Conv2DInputGrad: (Conv2DInputGrad(*attributes, shape=x.shape), [w, grad]),
        Conv2DFilterGrad: (Conv2DFilterGrad(*attributes, shape=w.shape), [x, grad]),
    }
    runs = [launch(*all_forms[kind], len(x)) for kind in KINDS[what]]
    return lambda: [run() for run in runs]


def tiled(what: str, m: int, x: np.ndarray, w: np.ndarray, grad: np.ndarray, pads: Any) -> Callable[[], Any]:
    """Winograd's form with tiles of m x m; the filter is transformed beforehand."""
    r = len(w)
    (u,) = W.WinogradFilter(m, r).forward(np, w)
    forms: dict[str, tuple[Op, Arrays]] = {
        "forward": (W.WinogradConv2D(m, r, pads), [x, u]),
        "input": (W.WinogradInputGrad(m, r, pads, x.shape), [u, grad]),
        "filter": (W.WinogradFilterGrad(m, r, pads), [x, grad]),
        "both": (W.WinogradGrads(m, r, pads), [x, u, grad]),
    }
    return launch(*forms[what], len(x))


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"{'layer':32} {'':8} {'direct':>8}  Winograd: ms (gain, the pass's estimate)")
    for n, h, r, c, o in LAYERS:
        pads = ((r // 2, r // 2),) * 2
        x, w, grad = randn(n, h, h, c), randn(r, r, c, o), randn(n, h, h, o)
        site = ConvShape(x.shape, w.shape, grad.shape, 4)
        size = max(1, min(n, BYTES * n // (x.nbytes + grad.nbytes)))
        blocks.block_size = lambda op, size=size: size  # type: ignore[misc]
        for what, kinds in KINDS.items():
            candidates = {"direct": direct(what, x, w, grad, pads)}
            candidates |= {str(m): tiled(what, m, x, w, grad, pads) for m in TILES[r]}
            found = seconds(candidates, rounds)
            cells = [
                f"m={m} {found[str(m)] * 1e3:.1f} ({found['direct'] / found[str(m)]:.2f}x,"
                f" {site.direct(kinds) / site.winograd(kinds, m):.2f}x)"
                for m in TILES[r]
            ]
            best = site.best(kinds)
            chosen = "direct" if isinstance(best, str) else f"F({best},{r})"
            label = f"{r}x{r} {c}->{o} at {h}x{h}, batch {n}"
            print(f"{label:32} {what:8} {found['direct'] * 1e3:8.1f}  {'  '.join(cells)}  -> {chosen}", flush=True)


if __name__ == "__main__":
    main()
