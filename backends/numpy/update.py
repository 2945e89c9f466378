"""Optimizer steps in place, in blocks that stay in the cache through all passes of the formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minigraph.backend.base import Launch, Lowered, Types, in_sequence
from minigraph.backends.numpy.common import Array, ArrayLayout, Kernel, block_elements, blocks
from minigraph.core.op import Op
from minigraph.ops.state import update as U

Arrays = Sequence[Array]


class Formula:
    """One optimizer: the passes on scalars before the blocks, and those on each block.

    `before(op, scalars, derived)` fills `count` derived scalars; `block(op, big, scalars, temporaries)` works on flat
    blocks of variable, slots and gradient (`big`, in the order of the inputs), with all scalars and derived scalars.
    """

    def __init__(
        self,
        block: Callable[[Any, Arrays, Arrays, Arrays], list[Launch]],
        temporaries: int,
        before: Callable[[Any, Arrays, Arrays], list[Launch]] | None = None,
        derived: int = 0,
    ) -> None:
        self.block, self.temporaries, self.before, self.derived = block, temporaries, before, derived

    def __call__(self, op: U.Apply, in_types: Types, out_types: Types) -> Lowered:
        kind = in_types[0].dtype.np_dtype
        elements = in_types[0].size
        some = min(block_elements(kind), elements)
        gradient = op.gradient % len(in_types)
        layout = ArrayLayout()
        for _ in range(self.derived):
            layout.reserve((), kind)
        for _ in range(self.temporaries):
            layout.reserve(some, kind)

        def bind(inputs: Arrays, outputs: Sequence[Any], workspace: Array) -> Launch:
            buffers = layout.arrays(workspace)
            derived, temporaries = buffers[: self.derived], buffers[self.derived :]
            big = [inputs[i].reshape(-1) for i in (*op.writes, gradient)]
            scalars = [a.reshape(()) for i, a in enumerate(inputs) if i not in op.writes and i != gradient]
            made = [] if self.before is None else self.before(op, scalars, derived)
            for part in blocks(elements, some):
                cut = [a[part] for a in big]
                made += self.block(op, cut, [*scalars, *derived], [t[: len(cut[0])] for t in temporaries])
            return in_sequence(made)

        return Lowered(bind, layout.nbytes)


def _one(like: Array) -> Array:
    return np.ones((), like.dtype)


def _descent(op: U.ApplyGradientDescent, big: Arrays, scalars: Arrays, temporaries: Arrays) -> list[Launch]:
    (var, grad), (rate,), (t,) = big, scalars, temporaries
    return [partial(np.multiply, rate, grad, t), partial(np.subtract, var, t, var)]


def _momentum(op: U.ApplyMomentum, big: Arrays, scalars: Arrays, temporaries: Arrays) -> list[Launch]:
    (var, accum, grad), (rate, momentum), (t, u) = big, scalars, temporaries
    steps: list[Launch] = [partial(np.multiply, accum, momentum, accum), partial(np.add, accum, grad, accum)]
    if op.use_nesterov:
        steps += [partial(np.multiply, accum, momentum, t), partial(np.multiply, t, rate, t)]
        steps += [partial(np.multiply, grad, rate, u), partial(np.add, u, t, t)]
    else:
        steps.append(partial(np.multiply, accum, rate, t))
    return [*steps, partial(np.subtract, var, t, var)]


def _adagrad(op: U.ApplyAdagrad, big: Arrays, scalars: Arrays, temporaries: Arrays) -> list[Launch]:
    (var, accum, grad), (rate,), (t, u) = big, scalars, temporaries
    return [
        partial(np.multiply, grad, grad, t),
        partial(np.add, accum, t, accum),
        partial(np.sqrt, accum, t),
        partial(np.multiply, grad, rate, u),
        partial(np.divide, u, t, u),
        partial(np.subtract, var, u, var),
    ]


def _approach(slot: Array, value: Array, share: Array, t: Array) -> list[Launch]:
    """slot += (value − slot)·share. `t` may be `value`."""
    return [
        partial(np.subtract, value, slot, t),
        partial(np.multiply, t, share, t),
        partial(np.add, slot, t, slot),
    ]


def _one_minus_rho(op: U.Apply, scalars: Arrays, derived: Arrays) -> list[Launch]:
    return [partial(np.subtract, _one(scalars[1]), scalars[1], derived[0])]


def _rms(op: U.ApplyRMSProp, big: Arrays, scalars: Arrays, temporaries: Arrays) -> list[Launch]:
    (var, ms, mom, grad), (t, u) = big, temporaries
    share = scalars[-1]
    steps: list[Launch] = [partial(np.multiply, grad, grad, t), *_approach(ms, t, share, t)]
    return [*steps, partial(np.copyto, t, ms), *_rms_tail(var, mom, grad, scalars, t, u)]


def _centered(op: U.ApplyCenteredRMSProp, big: Arrays, scalars: Arrays, temporaries: Arrays) -> list[Launch]:
    (var, mg, ms, mom, grad), (t, u) = big, temporaries
    share = scalars[-1]
    steps: list[Launch] = [partial(np.multiply, grad, grad, t), *_approach(ms, t, share, t)]
    steps += [*_approach(mg, grad, share, t), partial(np.multiply, mg, mg, t), partial(np.subtract, ms, t, t)]
    return [*steps, *_rms_tail(var, mom, grad, scalars, t, u)]


def _rms_tail(var: Array, mom: Array, grad: Array, scalars: Arrays, t: Array, u: Array) -> list[Launch]:
    """m = μ·m + α·g/√(t + ε); θ −= m."""
    rate, _, momentum, epsilon, _ = scalars
    return [
        partial(np.add, t, epsilon, t),
        partial(np.sqrt, t, t),
        partial(np.multiply, grad, rate, u),
        partial(np.divide, u, t, u),
        partial(np.multiply, mom, momentum, mom),
        partial(np.add, mom, u, mom),
        partial(np.subtract, var, mom, var),
    ]


def _adam_before(op: U.ApplyAdam, scalars: Arrays, derived: Arrays) -> list[Launch]:
    """α·√(1 − β2ᵗ)/(1 − β1ᵗ), 1 − β1 and 1 − β2."""
    beta1_power, beta2_power, rate, beta1, beta2, _ = scalars
    alpha, rest1, rest2 = derived
    one = _one(rate)
    return [
        partial(np.subtract, one, beta2_power, alpha),
        partial(np.sqrt, alpha, alpha),
        partial(np.multiply, rate, alpha, alpha),
        partial(np.subtract, one, beta1_power, rest1),
        partial(np.divide, alpha, rest1, alpha),
        partial(np.subtract, one, beta1, rest1),
        partial(np.subtract, one, beta2, rest2),
    ]


def _adam(op: U.ApplyAdam, big: Arrays, scalars: Arrays, temporaries: Arrays) -> list[Launch]:
    (var, m, v, grad), (t, u) = big, temporaries
    beta1, epsilon, alpha, rest1, rest2 = (scalars[i] for i in (3, 5, 6, 7, 8))
    steps: list[Launch] = _approach(m, grad, rest1, t)
    steps += [partial(np.multiply, grad, grad, t), *_approach(v, t, rest2, t)]
    if op.use_nesterov:
        steps += [partial(np.multiply, m, beta1, t), partial(np.multiply, grad, rest1, u), partial(np.add, t, u, t)]
        steps.append(partial(np.multiply, t, alpha, t))
    else:
        steps.append(partial(np.multiply, m, alpha, t))
    steps += [partial(np.sqrt, v, u), partial(np.add, u, epsilon, u), partial(np.divide, t, u, t)]
    return [*steps, partial(np.subtract, var, t, var)]


KERNELS: dict[type[Op], Kernel] = {
    U.ApplyGradientDescent: Formula(_descent, 1),
    U.ApplyMomentum: Formula(_momentum, 2),
    U.ApplyAdagrad: Formula(_adagrad, 2),
    U.ApplyRMSProp: Formula(_rms, 2, _one_minus_rho, 1),
    U.ApplyCenteredRMSProp: Formula(_centered, 2, _one_minus_rho, 1),
    U.ApplyAdam: Formula(_adam, 2, _adam_before, 3),
}
