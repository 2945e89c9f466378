"""Optimizer steps as ops, with TensorFlow 1's formulas. Variables and slots are updated in place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigraph.core import types as T
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import ShapeError
from minigraph.core.op import Op, Sample
from minigraph.core.scalar import Scalar, call, constant, evaluate, operand, where
from minigraph.core.types import TensorType, format_shape
from minigraph.loops.builder import Statement
from minigraph.loops.kernel import Kernel
from minigraph.ops.builder import require_float

_VAR = np.array([[1.0, -2.0, 0.5], [0.1, 0.2, -0.3]])
_GRAD = np.array([[0.3, -0.1, 0.2], [-0.7, 0.4, 0.6]])
_POS = np.full((2, 3), 0.2)


def _scalars(*values: float) -> tuple[np.ndarray, ...]:
    return tuple(np.array(v) for v in values)


def _rest(x: Scalar) -> Scalar:
    """1 − x."""
    return constant(1, x.dtype) - x


class Apply(Op, abstract=True):
    """A step: the variable and its slots first, then scalars, the gradient wherever TensorFlow has it.

    `step` gives the new elements of the variable and its slots from elements of all inputs. It is the only formula: the
    reference evaluates it, and backends print it.
    """

    stateful = True
    differentiable = False

    def step(self, *inputs: Scalar, **_: Any) -> tuple[Scalar, ...]:
        """The new elements of the variable and its slots, as expressions in elements of all inputs."""
        raise NotImplementedError(type(self).__name__)

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        formulas = self.step(*(operand(i, as_dtype(a.dtype)) for i, a in enumerate(arrays)))
        return tuple(evaluate(formula, arrays, xp) for formula in formulas)

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        require_float(type(self).__name__, *types)
        slots = [types[i] for i in self.writes]
        for slot in slots[1:]:
            if not T.compatible(slot.shape, slots[0].shape):
                raise ShapeError(
                    f"the slot's shape {format_shape(slot.shape)} differs from the variable's "
                    f"{format_shape(slots[0].shape)}"
                )
        whole = self.whole(len(types))
        for i, given in enumerate(types):
            if i not in whole and given.rank not in (None, 0):
                raise ShapeError(f"'{type(self).__name__}': input {i} must be a scalar, not {given}")
        grad = types[self.gradient]
        if not T.compatible(grad.shape, slots[0].shape):
            raise ShapeError(
                f"the gradient's shape {format_shape(grad.shape)} differs from the variable's "
                f"{format_shape(slots[0].shape)}"
            )
        return tuple(slots)

    @property
    def gradient(self) -> int:
        """The position of the gradient among the inputs."""
        return -1

    def whole(self, count: int) -> set[int]:
        """Those of `count` inputs that have the variable's elements; the others are scalars."""
        return {*self.writes, self.gradient % count}

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Kernel | None:
        k, size = Statement("apply"), in_types[0].size
        whole = self.whole(len(in_types))
        if any(t.size != (size if i in whole else 1) for i, t in enumerate(in_types)):
            return None
        made = [k.variable if i in self.writes else k.operand for i in range(len(in_types))]
        given = [make(t, (size if i in whole else 1,)) for i, (make, t) in enumerate(zip(made, in_types, strict=True))]
        with k.over(size) as (at,):
            elements = [k.let(x[at if i in whole else 0]) for i, x in enumerate(given)]
            for place, value in zip(self.writes, self.step(*elements), strict=True):
                k.store(given[place], (at,), value)
        return k.done()


class ApplyGradientDescent(Apply):
    """θ −= α·g. Inputs: θ, α, g."""

    writes = reads = (0,)

    def step(self, var: Scalar, lr: Scalar, grad: Scalar) -> tuple[Scalar, ...]:  # type: ignore[override]
        return (var - lr * grad,)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 2 * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_VAR, *_scalars(0.1), _GRAD))


class ApplyMomentum(Apply):
    """a = μ·a + g; θ −= α·a, or with Nesterov θ −= α·g + α·μ·a. Inputs: θ, a, α, g, μ."""

    use_nesterov: bool = False
    writes = reads = (0, 1)

    @property
    def gradient(self) -> int:
        return 3

    def step(self, var: Scalar, accum: Scalar, lr: Scalar, grad: Scalar, momentum: Scalar) -> tuple[Scalar, ...]:  # type: ignore[override]
        accum = accum * momentum + grad
        change = grad * lr + accum * momentum * lr if self.use_nesterov else accum * lr
        return var - change, accum

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return (6 if self.use_nesterov else 4) * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for nesterov in (False, True):
            yield Sample(cls(nesterov), (_VAR, _POS, *_scalars(0.1), _GRAD, *_scalars(0.9)))


class ApplyKerasMomentum(ApplyMomentum):
    """a = μ·a − α·g; θ += a, or with Nesterov θ += μ·a − α·g. Inputs: θ, a, α, g, μ."""

    def step(self, var: Scalar, accum: Scalar, lr: Scalar, grad: Scalar, momentum: Scalar) -> tuple[Scalar, ...]:  # type: ignore[override]
        accum = accum * momentum - grad * lr
        return var + (accum * momentum - grad * lr if self.use_nesterov else accum), accum


class ApplyAdagrad(Apply):
    """a += g²; θ −= α·g/√a. Inputs: θ, a, α, g."""

    writes = reads = (0, 1)

    def step(self, var: Scalar, accum: Scalar, lr: Scalar, grad: Scalar) -> tuple[Scalar, ...]:  # type: ignore[override]
        accum = accum + grad * grad
        return var - grad * lr / call("sqrt", accum), accum

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 6 * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_VAR, _POS, *_scalars(0.1), _GRAD))


class ApplyAdagradV2(Apply):
    """a += g²; θ −= α·g/(√a + ε). Inputs: θ, a, α, ε, g."""

    writes = reads = (0, 1)

    def step(self, var: Scalar, accum: Scalar, lr: Scalar, epsilon: Scalar, grad: Scalar) -> tuple[Scalar, ...]:  # type: ignore[override]
        accum = accum + grad * grad
        return var - grad * lr / (call("sqrt", accum) + epsilon), accum

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 7 * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_VAR, _POS, *_scalars(0.1, 1e-3), _GRAD))


class ApplyAdadelta(Apply):
    """a = ρ·a + (1 − ρ)·g²; d = g·√(u + ε)/√(a + ε); u = ρ·u + (1 − ρ)·d²; θ −= α·d. Inputs: θ, a, u, α, ρ, ε, g."""

    writes = reads = (0, 1, 2)

    def step(  # type: ignore[override]
        self, var: Scalar, accum: Scalar, updates: Scalar, lr: Scalar, rho: Scalar, epsilon: Scalar, grad: Scalar
    ) -> tuple[Scalar, ...]:
        accum = accum * rho + grad * grad * _rest(rho)
        change = call("sqrt", updates + epsilon) / call("sqrt", accum + epsilon) * grad
        return var - change * lr, accum, updates * rho + change * change * _rest(rho)

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 15 * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_VAR, _POS, 0.5 * _POS, *_scalars(0.1, 0.9, 1e-3), _GRAD))


class ApplyFtrl(Apply):
    """n' = n + g²; z += g − (n'^p − n^p)/α·θ; θ = (sign(z)·λ1 − z)/(n'^p/α + 2·λ2) where |z| > λ1, else 0; n = n'.

    Inputs: θ, n, z, g, α, λ1, λ2. `power` is p.
    """

    power: float = 0.5
    writes = reads = (0, 1, 2)

    @property
    def gradient(self) -> int:
        return 3

    def step(  # type: ignore[override]
        self, var: Scalar, accum: Scalar, linear: Scalar, grad: Scalar, lr: Scalar, l1: Scalar, l2: Scalar
    ) -> tuple[Scalar, ...]:
        total = accum + grad * grad
        powers = [call("sqrt", n) if self.power == 0.5 else call("power", n, self.power) for n in (total, accum)]
        linear = linear + grad - (powers[0] - powers[1]) / lr * var
        value = (call("sign", linear) * l1 - linear) / (powers[0] / lr + l2 * 2)
        return where(call("greater", call("absolute", linear), l1), value, 0), total, linear

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 17 * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for power in (0.5, 0.75):
            yield Sample(cls(power), (_VAR, _POS, 0.5 * _GRAD, _GRAD, *_scalars(0.1, 0.2, 0.01)))


class ApplyRMSProp(Apply):
    """s += (g² − s)(1 − ρ); m = μ·m + α·g/√(s + ε); θ −= m. Inputs: θ, s, m, α, ρ, μ, ε, g."""

    writes = reads = (0, 1, 2)

    def step(  # type: ignore[override]
        self, var: Scalar, ms: Scalar, mom: Scalar, lr: Scalar, rho: Scalar, momentum: Scalar, epsilon: Scalar,
        grad: Scalar,
    ) -> tuple[Scalar, ...]:  # fmt: skip
        ms = ms + (grad * grad - ms) * _rest(rho)
        mom = mom * momentum + grad * lr / call("sqrt", ms + epsilon)
        return var - mom, ms, mom

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 11 * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_VAR, _POS, 0 * _POS, *_scalars(0.1, 0.9, 0.5, 1e-3), _GRAD))


class ApplyCenteredRMSProp(Apply):
    """c += (g − c)(1 − ρ), then RMSProp with s − c² for s. Inputs: θ, c, s, m, α, ρ, μ, ε, g."""

    writes = reads = (0, 1, 2, 3)

    def step(  # type: ignore[override]
        self, var: Scalar, mg: Scalar, ms: Scalar, mom: Scalar, lr: Scalar, rho: Scalar, momentum: Scalar,
        epsilon: Scalar, grad: Scalar,
    ) -> tuple[Scalar, ...]:  # fmt: skip
        ms = ms + (grad * grad - ms) * _rest(rho)
        mg = mg + (grad - mg) * _rest(rho)
        mom = mom * momentum + grad * lr / call("sqrt", ms - mg * mg + epsilon)
        return var - mom, mg, ms, mom

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 16 * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_VAR, 0 * _POS, _POS, 0 * _POS, *_scalars(0.1, 0.9, 0.5, 1e-3), _GRAD))


class ApplyAdam(Apply):
    """α' = α·√(1 − β2ᵗ)/(1 − β1ᵗ); m += (g − m)(1 − β1); v += (g² − v)(1 − β2); θ −= α'·m/(√v + ε).

    Inputs: θ, m, v, β1ᵗ, β2ᵗ, α, β1, β2, ε, g. With Nesterov m is replaced by m·β1 + g·(1 − β1) in the last step.
    """

    use_nesterov: bool = False
    writes = reads = (0, 1, 2)

    def step(  # type: ignore[override]
        self, var: Scalar, m: Scalar, v: Scalar, beta1_power: Scalar, beta2_power: Scalar, lr: Scalar, beta1: Scalar,
        beta2: Scalar, epsilon: Scalar, grad: Scalar,
    ) -> tuple[Scalar, ...]:  # fmt: skip
        alpha = lr * call("sqrt", _rest(beta2_power)) / _rest(beta1_power)
        m = m + (grad - m) * _rest(beta1)
        v = v + (grad * grad - v) * _rest(beta2)
        direction = m * beta1 + grad * _rest(beta1) if self.use_nesterov else m
        return var - direction * alpha / (call("sqrt", v) + epsilon), m, v

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return (15 if self.use_nesterov else 12) * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        scalars = _scalars(0.9, 0.999, 0.01, 0.9, 0.999, 1e-8)
        for nesterov in (False, True):
            yield Sample(cls(nesterov), (_VAR, 0 * _POS, _POS, *scalars, _GRAD))


class ApplyAdaMax(Apply):
    """m += (g − m)(1 − β1); v = max(β2·v, |g|); θ −= α/(1 − β1ᵗ)·m/(v + ε). Inputs: θ, m, v, β1ᵗ, α, β1, β2, ε, g."""

    writes = reads = (0, 1, 2)

    def step(  # type: ignore[override]
        self, var: Scalar, m: Scalar, v: Scalar, beta1_power: Scalar, lr: Scalar, beta1: Scalar, beta2: Scalar,
        epsilon: Scalar, grad: Scalar,
    ) -> tuple[Scalar, ...]:  # fmt: skip
        m = m + (grad - m) * _rest(beta1)
        v = call("maximum", v * beta2, call("absolute", grad))
        return var - lr / _rest(beta1_power) * (m / (v + epsilon)), m, v

    def flops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> int:
        return 10 * in_types[0].size

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample(cls(), (_VAR, 0 * _POS, _POS, *_scalars(0.9, 0.01, 0.9, 0.999, 1e-8), _GRAD))
