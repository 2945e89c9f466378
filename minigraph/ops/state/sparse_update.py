"""Optimizer steps on some rows of a variable, with TensorFlow 1's formulas. The other rows stay as they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from minigraph.core.dtypes import int32
from minigraph.core.errors import DTypeError
from minigraph.core.indices import require_below
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import call, cast, constant, where
from minigraph.core.types import Shape, TensorType
from minigraph.loops.builder import Statement, accumulator, looked_up
from minigraph.loops.index import Index
from minigraph.loops.kernel import Kernel
from minigraph.loops.refusal import is_outside, outside
from minigraph.ops.builder import require_shape
from minigraph.ops.state.update import (
    Apply,
    ApplyAdadelta,
    ApplyAdagrad,
    ApplyAdagradV2,
    ApplyAdaMax,
    ApplyCenteredRMSProp,
    ApplyFtrl,
    ApplyGradientDescent,
    ApplyKerasMomentum,
    ApplyMomentum,
    ApplyRMSProp,
)


class SparseApply(Op, abstract=True):
    """A step on the rows at indices: the inputs of the step on all rows, then the indices, an integer vector.

    The gradient has a row for each index. Rows of one index add up first; then each row that has a gradient makes one
    step, its slots included.
    """

    stateful = True
    differentiable = False
    scatters = True
    accumulates = True
    dense: ClassVar[type[Apply]]

    @property
    def step(self) -> Apply:
        """The step that each row makes."""
        return self.dense(*(getattr(self, name) for name in self.fields))

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        *given, indices = types
        if not indices.dtype.is_integer:
            raise DTypeError(f"'{type(self).__name__}' takes integer indices, not {indices.dtype.name}")
        var, place = given[0], self.step.gradient % len(given)
        rows: Shape = None
        if var.shape is not None and indices.shape is not None:
            rows = (*indices.shape, *var.shape[1:])
        require_shape(f"'{type(self).__name__}': the gradient", given[place].shape, rows)
        given[place] = TensorType(given[place].dtype, var.shape)
        return self.step.infer(*given)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        rows, changed = self.changed(xp, *arrays)
        results = []
        for i, new in zip(self.writes, changed, strict=True):
            results.append(xp.array(arrays[i]))
            results[-1][rows] = new
        return tuple(results)

    def changed(self, xp: Any, *arrays: Any) -> tuple[Any, tuple[Any, ...]]:
        """The numbers of the rows that make a step, and the new rows of the variable and its slots."""
        *given, indices = arrays
        require_below("indices", indices, len(given[0]))
        rows, places = xp.unique(indices, return_inverse=True)
        place = self.step.gradient % len(given)
        summed = xp.zeros((len(rows), *given[0].shape[1:]), given[place].dtype)
        xp.add.at(summed, places.reshape(-1), given[place])
        operands = [summed if i == place else a[rows] if i in self.writes else a for i, a in enumerate(given)]
        return rows, self.step.forward(xp, *operands)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        """The number of the last index of each row, then the sum of each row's gradients there, then the steps."""
        rows, count = in_types[0].static[0], in_types[-1].size
        size, place = math.prod(in_types[0].static[1:]), self.step.gradient % (len(in_types) - 1)
        if not all((rows, count, size)):
            return None
        k, kind = Statement("sparse_apply"), accumulator(in_types[place].dtype)
        given = []
        for n, type in enumerate(in_types[:-1]):
            shape = (rows, size) if n in self.writes else (count, size) if n == place else ()
            given.append((k.variable if n in self.writes else k.operand)(type, shape))
        at = k.operand(in_types[-1], (count,))
        last, total = k.workspace(int32, (rows + 1,)), k.workspace(kind, (count, size))

        def target(j: Index) -> Index:
            """The row of an index; one more than the last if there is none."""
            return k.index(where(is_outside(at[j], rows), rows, cast(at[j], int32)), rows + 1)

        with k.over(1), k.steps(count) as j:
            k.store(last, (target(j),), k.number(j, int32))
        with k.over(size, names="i") as (i,):
            with k.steps(count) as j:
                k.store(total, (j, i), constant(0, kind))
            with k.steps(count) as j:
                group = k.index(last[(target(j),)], count)
                k.store(total, (group, i), total[group, i] + cast(given[place][j, i], kind))
            with k.steps(count) as j:
                valid, row = looked_up(k, at[j], rows)
                steps = call("logical_and", valid, call("equal", last[(row,)], k.number(j, int32)))
                old = [k.let(x[row, i]) if n in self.writes else x[()] for n, x in enumerate(given) if n != place]
                old.insert(place, k.let(cast(total[j, i], in_types[place].dtype)))
                for n, new in zip(self.writes, self.step.step(*old), strict=True):
                    k.store(given[n], (row, i), where(steps, new, old[n]))
        return k.done()

    def refusal(self, in_types: Sequence[TensorType]) -> Kernel:
        return outside(in_types, in_types[0].static[0], len(in_types) - 1)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int | None:
        rows = in_types[self.step.gradient % (len(in_types) - 1)]
        return (self.step.flops([rows], [rows]) or 0) + rows.size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for op, inputs, *_ in cls.dense.samples():
            sparse, given = cls(*(getattr(op, n) for n in cls.fields)), list(inputs)
            place = sparse.step.gradient % len(given)
            given[place] = np.concatenate([given[place], given[place][:1] / 2])
            yield Sample(sparse, (*given, np.array([1, 0, 1])))


class SparseApplyGradientDescent(SparseApply):
    """`ApplyGradientDescent` on the rows at indices."""

    dense = ApplyGradientDescent
    writes = reads = (0,)


class SparseApplyMomentum(SparseApply):
    """`ApplyMomentum` on the rows at indices."""

    dense = ApplyMomentum
    use_nesterov: bool = False
    writes = reads = (0, 1)


class SparseApplyKerasMomentum(SparseApply):
    """`ApplyKerasMomentum` on the rows at indices."""

    dense = ApplyKerasMomentum
    use_nesterov: bool = False
    writes = reads = (0, 1)


class SparseApplyAdagrad(SparseApply):
    """`ApplyAdagrad` on the rows at indices."""

    dense = ApplyAdagrad
    writes = reads = (0, 1)


class SparseApplyAdagradV2(SparseApply):
    """`ApplyAdagradV2` on the rows at indices."""

    dense = ApplyAdagradV2
    writes = reads = (0, 1)


class SparseApplyAdaMax(SparseApply):
    """`ApplyAdaMax` on the rows at indices."""

    dense = ApplyAdaMax
    writes = reads = (0, 1, 2)


class SparseApplyAdadelta(SparseApply):
    """`ApplyAdadelta` on the rows at indices."""

    dense = ApplyAdadelta
    writes = reads = (0, 1, 2)


class SparseApplyFtrl(SparseApply):
    """`ApplyFtrl` on the rows at indices."""

    dense = ApplyFtrl
    power: float = 0.5
    writes = reads = (0, 1, 2)


class SparseApplyRMSProp(SparseApply):
    """`ApplyRMSProp` on the rows at indices."""

    dense = ApplyRMSProp
    writes = reads = (0, 1, 2)


class SparseApplyCenteredRMSProp(SparseApply):
    """`ApplyCenteredRMSProp` on the rows at indices."""

    dense = ApplyCenteredRMSProp
    writes = reads = (0, 1, 2, 3)


SPARSE: dict[type[Op], type[SparseApply]] = {kind.dense: kind for kind in SparseApply.__subclasses__()}
"""The step on some rows for each step that has one. Adam has none: TensorFlow 1's changes all rows each time."""
