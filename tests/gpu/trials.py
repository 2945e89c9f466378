"""Kernels bound to buffers beside what they should give; needs neither pytest nor hypothesis, which a machine with a
GPU may lack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from support.kernel_cases import LARGE, close, samples_of, type_of

import minigraph as tf
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.emit import emit
from minigraph.backends.cupy.kernel import CudaKernel, Launch
from minigraph.backends.cupy.steps import DeviceView
from minigraph.core.op import REGISTRY, Op
from minigraph.core.types import TensorType
from minigraph.ops.constant import Const
from minigraph.ops.nn.winograd import Winograd

TOLERANCES = {"float16": 2e-3, "float32": 1e-5}


def widened(array: np.ndarray) -> np.ndarray:
    """What the reference computes a float16 operand's result from."""
    return array.astype(np.float32) if array.dtype == np.float16 else array


class Trial(NamedTuple):
    """A kernel bound to poisoned buffers, and what it should give."""

    backend: CupyBackend
    inputs: list[np.ndarray]
    views: list[DeviceView]
    outputs: list[DeviceView | None]
    wants: list[np.ndarray]
    space: DeviceView
    launch: Any
    tolerance: float

    def run(self) -> None:
        for view, value in zip(self.views, self.inputs, strict=True):
            self.backend.write(view, value)
        self.launch()
        for view, want in zip(self.outputs, self.wants, strict=True):
            if view is not None:
                close(np.asarray(self.backend.read(view)), want, self.tolerance)


def trials(backend: CupyBackend, op: Op, inputs: list[Any], tolerance: float | None = None) -> Iterator[Trial]:
    """All ways to bind an op's kernels: with all results, without each of several, and in place."""
    inputs = [np.asarray(a) for a in inputs]
    types = [type_of(a) for a in inputs]
    out_types = list(op.infer(*types))
    with np.errstate(all="ignore"):
        wants = [np.asarray(w) for w in op.forward(np, *map(widened, inputs))]
        wants = [w.astype(t.dtype.np_dtype) for w, t in zip(wants, out_types, strict=True)]
    lowered = backend.lower(op, types, out_types)
    if tolerance is None:
        tolerance = max([1e-12, *(TOLERANCES.get(a.dtype.name, 0) for a in (*inputs, *wants))])
    free = len(wants) - len(op.writes)

    def fresh(kind: TensorType) -> DeviceView:
        return backend.view(backend.allocate(kind.nbytes), 0, kind)

    def trial(missing: int | None, inplace: int | None) -> Trial:
        views = [fresh(t) for t in types]
        outputs: list[DeviceView | None] = [None if i == missing else fresh(t) for i, t in enumerate(out_types)]
        outputs[free:] = [views[w] for w in op.writes]
        if inplace is not None:
            outputs[0] = views[inplace]
        space = fresh(TensorType(tf.uint8, (lowered.workspace,)))
        launch = lowered.bind(views, outputs, space)
        return Trial(backend, inputs, views, outputs, wants, space, launch, tolerance)

    yield trial(None, None)
    for i in range(free if len(wants) > 1 else 0):
        yield trial(i, None)
    for i in lowered.inplace:
        yield trial(None, i)


def sample_cases() -> list[tuple[str, Op, list[np.ndarray]]]:
    """Each op's samples in three precisions, as they are once their shapes are numbers. No program for a GPU has
    Winograd's ops, which a pass for CPUs makes."""
    cases = [
        (f"{name}-{dtype}", op, inputs)
        for dtype in ("float16", "float32", "float64")
        for name, kind in sorted(REGISTRY.items())
        if not issubclass(kind, Winograd)
        for op, inputs in samples_of(kind, dtype)
    ]
    launched = [c for c in cases if not isinstance(c[1], Const)]
    return [c for c in launched if "float16" not in c[0] or _in_float16(*c[1:])]


def _in_float16(op: Op, inputs: list[np.ndarray]) -> bool:
    """NumPy's linear algebra has no float16."""
    return not op.on_host and any(a.dtype == np.float16 for a in inputs)


def large_cases() -> list[tuple[str, Op, list[Any]]]:
    return [(type(op).__name__, op, inputs) for op, inputs in LARGE]


def kernels_of(cases: list[tuple[str, Op, list[Any]]]) -> list[CudaKernel]:
    found = {}
    for _, op, inputs in cases:
        types = [type_of(np.asarray(a)) for a in inputs]
        code = emit(op, types, op.infer(*types))
        found |= {s.kernel.name: s.kernel for s in (code.steps if code else ()) if isinstance(s, Launch)}
    return list(found.values())
