"""Mean and variance in one pass over the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from minigraph.ir.moments import Moments
from minigraph.ir.program import Instr, Program, Value
from minigraph.ir.rebuild import Rebuilder, rebuild
from minigraph.ops.array.reshape import Reshape
from minigraph.ops.broadcast import normalise_axes
from minigraph.ops.math.arithmetic import Square, SquaredDifference, Sub
from minigraph.ops.math.reduce import Mean
from minigraph.rewrite.driver import Applied, Change, Missed, Outcome
from minigraph.rewrite.pipeline import Replayable


@dataclass(frozen=True)
class FuseMoments(Replayable):
    """Fused moments.

    before      m = mean(x), v = mean((x − m)²), by a difference that is squared
    after       m, v = moments(x)
    conditions  both means are over all axes but the last, which is longer than 1; x is not empty, nor itself the
                result of an elementwise operation, which would be summed without being stored; no control inputs; its
                dtype is one of `dtypes`, for which the backend has a kernel that reads x once
    formula     v = Σ (x − m)²/n. A kernel combines the moments of parts A and B by
                Σ = Σ_A + Σ_B + (m_B − m_A)²·n_A·n_B/n, in which nothing cancels
    """

    dtypes: tuple[str, ...] = ()
    name: str = field(default="fuse_moments", init=False)

    def run(self, program: Program) -> Outcome:
        pairs = {i: mean for i in program.instrs if (mean := _mean_of_variance(i)) is not None}
        missed: list[Missed] = []
        for variance, mean in list(pairs.items()):
            reason = self._unfit(variance, mean)
            if reason is not None:
                missed.append(Missed(self.name, variance.name, mean.name, reason))
                del pairs[variance]
        outputs = dict.fromkeys(pairs.values(), 0) | dict.fromkeys(pairs, 1)
        changes: list[Change] = []

        def replace(old: Instr, new: Rebuilder) -> Sequence[Value] | None:
            if old not in outputs:
                return None
            mean = pairs.get(old, old)
            found = _moment(new.values[mean.inputs[0]], outputs[old], old, new)
            changes.append(Change((old,), (found,), partial(self._redo, outputs[old])))
            return [found]

        made = rebuild(program, replace)
        applied = [Applied(self.name, i.name, str(i.source), "Moments") for i in pairs]
        return Outcome(made if pairs else program, applied, missed, 1, changes)

    def _unfit(self, variance: Instr, mean: Instr) -> str | None:
        (x,) = mean.inputs
        reason = self._unfit_array(x)
        if reason is not None:
            return reason
        rank = len(x.type.static)
        if any(_axes(i) != tuple(range(rank - 1)) for i in (mean, variance)):
            return "the means are not over all axes but the last"
        return "it has control inputs" if mean.control or variance.control else None

    def _unfit_array(self, x: Value) -> str | None:
        """Why the kernel should not be used for an array, whatever is computed from it."""
        if x.type.dtype.name not in self.dtypes:
            return f"there is no kernel for {x.type.dtype.name}"
        if not x.type.size:
            return "what is averaged is empty"
        if len(x.type.static) < 2 or x.type.static[-1] < 2:
            return "what is averaged has no last axis longer than 1"
        return "what is averaged need not be stored" if x.instr.is_pointwise else None

    def _redo(self, output: int, roots: Sequence[Instr], new: Rebuilder) -> Sequence[Value] | str:
        """The same for the counterpart of a mean or a variance in a program of other sizes."""
        (root,) = roots
        mean = root if output == 0 else _mean_of_variance(root)
        if mean is None:
            return "it is no variance"
        (x,) = mean.inputs
        return self._unfit_array(x) or [_moment(x, output, root, new)]


def _axes(mean: Instr) -> tuple[int, ...]:
    assert isinstance(mean.op, Mean)
    return tuple(sorted(normalise_axes(mean.op.axis, len(mean.inputs[0].type.static))))


def _mean_of_variance(instr: Instr) -> Instr | None:
    """The mean that an instruction, if it is a variance, is the mean squared difference from."""
    if not isinstance(instr.op, Mean):
        return None
    inner = instr.inputs[0].instr
    if isinstance(inner.op, Square):
        inner = inner.inputs[0].instr
        if not isinstance(inner.op, Sub):
            return None
    elif not isinstance(inner.op, SquaredDifference):
        return None
    x, mean = inner.inputs
    fits = isinstance(mean.instr.op, Mean) and mean.instr.op.keep_dims and mean.instr.inputs[0] == x
    return mean.instr if fits and x.type == inner.types[0] else None


def _moment(x: Value, output: int, old: Instr, new: Rebuilder) -> Value:
    value = Value(new.builder.add(Moments(), [x], (), old.name if output == 0 else None, old.source), output)
    kind = old.types[0]
    if value.type == kind:
        return value
    return Value(new.builder.add(Reshape(kind.static), [value], (), None, old.source), 0)


fuse_moments = FuseMoments()
