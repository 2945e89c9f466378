"""Plans of NumPy calls for scalar expressions.

Tests `core/scalar.py`.
"""

from __future__ import annotations

import numpy as np
import pytest
from support.kernel_cases import type_of
from support.kernels import Bound

from minigraph.backends.numpy import NumpyBackend
from minigraph.backends.numpy.common import block_elements
from minigraph.backends.numpy.expressions import plan_expression
from minigraph.core.op import REGISTRY, Op
from minigraph.core.scalar import operand
from minigraph.ops.nn.activation import Elu, Relu6, Relu6Grad, Selu
from minigraph.ops.pointwise import Pointwise
from minigraph.ops.state.update import Apply

KINDS = [k for _, k in sorted(REGISTRY.items()) if issubclass(k, Pointwise) and not k.on_host]


def operands_of(op: Op, count: int) -> list[np.ndarray]:
    kinds = getattr(op, "kinds", "f")
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 6.0, 1.0, -1.0, 0.5, 7.0, -3.0], np.float32)
    values = special if "f" in kinds else special > 0
    return [np.roll(values, 3 * i).copy() for i in range(count)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_a_plan_gives_the_bits_of_the_reference(kind: type[Op]) -> None:
    op = kind()
    arrays = operands_of(op, len(next(iter(kind.samples())).inputs))
    plan = plan_expression(op.expr(*(operand(i, type_of(a).dtype) for i, a in enumerate(arrays))), len(arrays))
    with np.errstate(all="ignore"):
        (want,) = op.forward(np, *arrays)
        for place in [None, *(i for i, a in enumerate(arrays) if a.dtype == want.dtype)]:  # the output's buffer
            given = [a.copy() for a in arrays]
            out = np.empty_like(want) if place is None else given[place]
            for launch in plan.bind([*given, out], [np.empty(len(want), t) for t in plan.temporaries]):
                launch()
            np.testing.assert_array_equal(out, want)
            if want.dtype.kind == "f":
                np.testing.assert_array_equal(np.signbit(out), np.signbit(want))


def test_plans_reuse_the_output_and_temporaries() -> None:
    def plan(op: Op, count: int = 1) -> tuple[list[str], list[str]]:
        operands = [operand(i, type_of(np.zeros(1, np.float32)).dtype) for i in range(count)]
        made = plan_expression(op.expr(*operands), count)
        return [s.function for s in made.steps], [str(t) for t in made.temporaries]

    assert plan(Relu6()) == (["maximum", "minimum"], [])
    assert plan(Relu6Grad(), 2) == (["greater", "less", "logical_and", "keep"], ["bool", "bool", "int32"])
    assert plan(Elu()) == (["less", "minimum", "expm1", "where"], ["bool", "float32", "int32", "int32"])
    assert plan(Selu())[0] == ["less", "minimum", "expm1", "multiply", "multiply", "where"]


STEPS = [k for _, k in sorted(REGISTRY.items()) if issubclass(k, Apply)]


@pytest.mark.parametrize("size", [1, 7, block_elements(np.dtype(np.float32)) + 3])
@pytest.mark.parametrize("kind", STEPS, ids=lambda k: k.__name__)
def test_a_step_in_place_gives_the_bits_of_the_reference(kind: type[Op], size: int) -> None:
    for sample in kind.samples():
        arrays = [np.resize(a, size if a.ndim else ()).astype(np.float32) for a in sample.inputs]
        want = sample.op.forward(np, *arrays)
        for got, expected in zip(Bound(NumpyBackend(), sample.op, arrays).run(), want, strict=True):
            np.testing.assert_array_equal(got, expected)
