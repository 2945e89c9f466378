"""A backend's kernels, bound to poisoned buffers and compared with the ops' references."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ops.math.arithmetic import Abs
from minigraph.ops.math.selection import Select
from minigraph.ops.nn.activation import Elu, Relu, Softplus
from minigraph.ops.nn.max_pool import MaxPool
from support.kernel_cases import close, type_of


class Bound:
    """A kernel bound to poisoned buffers. `run` gives the outputs, None for each in `missing`."""

    def __init__(
        self,
        backend: Any,
        op: Op,
        inputs: list[np.ndarray],
        missing: tuple[int, ...] = (),
        inplace: int | None = None,
        lowered: Any = None,
    ) -> None:
        self.backend = backend
        types = [type_of(a) for a in inputs]
        out_types = op.infer(*types)
        self.lowered = lowered or backend.lower(op, types, out_types)
        self.values = inputs
        self.inputs = [self._poisoned(t) for t in types]
        self.outputs: list[Any] = [None if i in missing else self._poisoned(t) for i, t in enumerate(out_types)]
        for place, position in zip(range(len(out_types) - len(op.writes), len(out_types)), op.writes, strict=True):
            self.outputs[place] = self.inputs[position]
        if inplace is not None:
            assert type_of(self.inputs[inplace]) == out_types[0]
            self.outputs[0] = self.inputs[inplace]
        self.workspace = backend.allocate(self.lowered.workspace)
        self.launch = self.lowered.bind(self.inputs, self.outputs, self.workspace)

    def _poisoned(self, type: TensorType) -> Any:
        """A new view filled with bytes that are NaN as floats and True or -1 else."""
        buffer = self.backend.allocate(type.nbytes + 64)
        buffer.fill(0xFF)
        array = self.backend.view(buffer, 64, type)
        if type.dtype.is_bool:
            array.fill(True)
        return array

    def run(self) -> list[Any]:
        for array, value in zip(self.inputs, self.values, strict=True):
            self.backend.write(array, value)
        self.workspace.fill(0xFF)
        self.launch()
        return [None if out is None else self.backend.read(out) for out in self.outputs]


class Kernels:
    """The kernels of one backend."""

    def __init__(self, backend: Any) -> None:
        self.backend = backend

    def bound(self, op: Op, inputs: list[Any], missing: tuple[int, ...] = (), inplace: int | None = None) -> Bound:
        return Bound(self.backend, op, inputs, missing, inplace)

    def run(self, op: Op, *inputs: Any, missing: tuple[int, ...] = ()) -> list[Any]:
        """The results of one launch."""
        return self.bound(op, list(inputs), missing).run()

    def check(self, op: Op, inputs: list[Any], tolerance: float | None = None) -> None:
        """Every way to bind the kernel gives the reference's results, twice in a row."""
        inputs = [np.asarray(a) for a in inputs]
        wants = op.forward(np, *inputs)
        if tolerance is None:
            single = any(a.dtype == np.float32 for a in (*inputs, *map(np.asarray, wants)))
            tolerance = 1e-5 if single else 1e-12
        free = len(wants) - len(op.writes)
        plain = self.bound(op, inputs)
        cases: list[dict[str, Any]] = [{}]
        if len(wants) > 1:
            cases += [{"missing": (i,)} for i in range(free)]
        cases += [{"inplace": i} for i in plain.lowered.inplace]
        for case in cases:
            bound = Bound(self.backend, op, inputs, lowered=plain.lowered, **case) if case else plain
            for _ in range(2):
                for got, want in zip(bound.run(), wants, strict=True):
                    if got is not None:
                        close(got, want, tolerance)

    def check_special_values(self) -> None:
        """Activations, selection and pooling of NaN, infinities and zeros of both signs."""
        x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0], np.float32)
        with np.errstate(invalid="ignore"):
            for op in (Relu(), Elu(), Softplus(), Abs()):
                self.check(op, [x])
            self.check(Select(), [np.array([True, False] * 3), x, x[::-1].copy()])
            self.check(MaxPool((2, 2), (2, 2), ((1, 1), (0, 0))), [np.full((1, 2, 2, 1), -np.inf)])
