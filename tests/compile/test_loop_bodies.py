"""Loops with compiled bodies: `ir/compiled_loop.py` by `compile/body_plan.py` and `backends/numpy/scan.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.backend.discovery import get_backend
from minigraph.compile.loop_bodies import with_compiled_loops
from minigraph.compile.plan import bytes_type
from minigraph.compile.specialise import specialise
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType
from minigraph.ir.compiled_loop import CompiledLoop
from minigraph.ir.parser import parse_program
from minigraph.ir.printer import format_program
from minigraph.ir.scan import ScanLoop, element
from minigraph.ir.scan_gradient import make_region, scan_region
from minigraph.ops.array.reshape import Transpose
from minigraph.ops.math.exponential import Exp
from minigraph.ops.math.matmul import MatMul

STEPS, B, H = 40, 3, 4  # more steps than are compiled one by one
BACKENDS = ("numpy", "llvm")
RANDOM = np.random.RandomState(0)
X, W, H0 = RANDOM.randn(STEPS, B, H), RANDOM.randn(H, H) / 3, RANDOM.randn(B, H)


def loop(body: Any, states: list[Tensor], x: Tensor, constants: list[Tensor], reverse: bool = False) -> list[Tensor]:
    types = [*(t.type for t in states), element(x.type), *(t.type for t in constants)]
    return scan_region(make_region(types, body), states, [x], constants, reverse)


def recurrent(h: Tensor, x: Tensor, w: Tensor) -> list[Tensor]:
    new = tf.tanh(x + tf.matmul(h, tf.transpose(tf.exp(w))))
    return [new, new * 2.0]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_recurrent_loop(backend: str, reverse: bool) -> None:
    state, outputs = H0, np.zeros_like(X)
    for t in range(STEPS)[:: -1 if reverse else 1]:
        state = np.tanh(X[t] + state @ np.exp(W).T)
        outputs[t] = 2 * state
    x = tf.placeholder(tf.float64, [None, B, H])
    found = loop(recurrent, [tf.constant(H0)], x, [tf.constant(W)], reverse)
    with tf.Session(backend=backend) as session:
        for _ in range(2):
            got = session.run(found, {x: X})
            np.testing.assert_allclose(got[0], state, rtol=1e-12)
            np.testing.assert_allclose(got[1], outputs, rtol=1e-12)
        nothing = session.run(found, {x: X[:0]})
    assert np.array_equal(nothing[0], H0)
    assert nothing[1].shape == (0, B, H)


@pytest.mark.parametrize("backend", BACKENDS)
def test_states_that_change_places_stay_or_are_forgotten(backend: str) -> None:
    def body(a: Tensor, b: Tensor, c: Tensor, d: Tensor, x: Tensor, one: Tensor) -> list[Tensor]:
        return [b, a, c, tf.reshape(one, [H]), a, x - x]

    a, b, c, d = (np.full(H, float(n)) for n in range(1, 5))
    x = tf.constant(X[:33, 0])
    found = loop(body, [tf.constant(v) for v in (a, b, c, d)], x, [tf.ones([H], tf.float64)])
    with tf.Session(backend=backend) as session:
        got = session.run(found)
    for mine, wanted in zip(got, [b, a, c, np.ones(H)], strict=False):
        assert np.array_equal(mine, wanted)
    assert np.array_equal(got[4][:3], [a, b, a])
    assert not got[5].any()


def test_what_follows_from_the_constants_is_computed_in_front_of_the_loop() -> None:
    x = tf.placeholder(tf.float64, [STEPS, B, H])
    w = tf.placeholder(tf.float64, [H, H])
    found = loop(recurrent, [tf.constant(H0)], x, [w])
    program = specialise(found, [], [x, w], [x.type, w.type])
    assert [i for i in program.instrs if isinstance(i.op, ScanLoop)]
    compiled = with_compiled_loops(program, [])
    (made,) = (i for i in compiled.instrs if isinstance(i.op, CompiledLoop))
    inside, outside = ({type(i.op) for i in p.instrs} for p in (made.op.program, compiled))
    assert MatMul in inside - outside
    assert {Exp, Transpose} <= outside - inside


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loop_in_a_loop(backend: str) -> None:
    def inner(total: Tensor, x: Tensor, factor: Tensor) -> list[Tensor]:
        return [total + x * factor]

    def outer(total: Tensor, rows: Tensor, factor: Tensor) -> list[Tensor]:
        long = tf.tile(rows, [50, 1])
        return [loop(inner, [total], long, [factor])[0]]

    x = tf.placeholder(tf.float64, [None, B, H])
    (found,) = loop(outer, [tf.constant(H0[0])], x, [tf.constant(W[0])])
    with tf.Session(backend=backend) as session:
        got = session.run(found, {x: X})
    np.testing.assert_allclose(got, H0[0] + 50 * X.sum((0, 1)) * W[0], rtol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_loops_that_share_a_plan_keep_their_own_operands(backend: str) -> None:
    """A loop that `recompute` runs twice is one instruction twice, with one lowering."""
    x = tf.placeholder(tf.float64, [STEPS, B, H])
    found = loop(recurrent, [tf.constant(H0)], x, [tf.constant(W)])
    (made,) = [
        i for i in with_compiled_loops(specialise(found, [], [x], [x.type]), []).instrs
        if isinstance(i.op, CompiledLoop)
    ]  # fmt: skip
    types = [v.type for v in made.inputs]
    host = get_backend(backend)
    lowered = host.lower(made.op, tuple(types), made.types)
    rounds = [[RANDOM.randn(*t.static) for t in types] for _ in range(2)]
    wanted = [made.op.forward(np, *operands) for operands in rounds]

    def buffer(kind: TensorType) -> Any:
        return host.view(host.allocate(kind.nbytes), 0, kind)

    bound = []
    for operands in rounds:
        inputs, outputs = [buffer(t) for t in types], [buffer(t) for t in made.types]
        for mine, given in zip(inputs, operands, strict=True):
            host.write(mine, given)
        space = host.view(host.allocate(lowered.workspace), 0, bytes_type(lowered.workspace))
        bound.append((lowered.bind(inputs, outputs, space), outputs))
    for launch, _ in bound:
        launch()
    for (_, outputs), results in zip(bound, wanted, strict=True):
        for mine, reference in zip(outputs, results, strict=True):
            np.testing.assert_allclose(mine, reference, rtol=1e-12, atol=1e-12)


def test_errors_in_a_body_name_its_node() -> None:
    x, w = tf.placeholder(tf.int32, [200]), tf.zeros([9])
    found = loop(lambda i, w: [tf.gather(w, i, name="taken")], [], x, [w])
    compiled = with_compiled_loops(specialise(found, [], [x], [x.type]), [])
    (made,) = (i for i in compiled.instrs if isinstance(i.op, CompiledLoop))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"taken.*test_loop_bodies"):
        made.op.forward(np, np.arange(200), np.zeros(9))


def test_a_body_is_printed_and_read_back() -> None:
    x = tf.placeholder(tf.float64, [STEPS, B, H])
    found = loop(recurrent, [tf.constant(H0)], x, [tf.constant(W)], reverse=True)
    text = format_program(with_compiled_loops(specialise(found, [], [x], [x.type]), []))
    assert " = Tanh(" in text.partition("CompiledLoop(")[2]
    assert format_program(parse_program(text)) == text
