"""Assignments with the operations that compute their values: what is fused, what is not, and equal bits.

Tests `ir/fused_update.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.pass_text import check, check_missed, run

import minigraph as tf
from minigraph.ir.fused_update import FusedUpdate
from minigraph.passes.fuse_update import MAX_BYTES, fuse_update

AVERAGE = """
    cell %v float32[3]
    feed %x float32[3]
    const %r float32[](0.25)
    %old = ReadVariable(%v)
    %d = Sub(%old, %x)
    %m = Mul(%d, %r)
    %u = AssignSub(%v, %m)
    return %u
"""


def test_a_moving_average_is_one_instruction() -> None:
    attributes = "update=AssignSub, chain=((Sub, (0, 1)), (Mul, (3, 2))), scalars=(2,), reads=(0,)"
    fused = f"%u = FusedUpdate(%v, %x, %r) {{{attributes}}}\nreturn %u"
    check(fuse_update, AVERAGE, AVERAGE.split("%old")[0] + fused)


def test_an_overwrite_that_does_not_use_the_old_value_does_not_read_it() -> None:
    text = "cell %v float64[2]\nfeed %x float64[2]\n%y = Mul(%x, %x)\n%u = Assign(%v, %y)\nreturn"
    fused = "%u = FusedUpdate(%v, %x) {update=Assign, chain=((Mul, (1, 1)),), scalars=(), reads=()}"
    check(fuse_update, text, text.split("%y")[0] + fused + "\nreturn")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("return %u", "return %u, %m", "the value has other readers"),
        ("return %u", "%w = AssignAdd(%v, %x)\nreturn %w", "the variable has other writes"),
        (
            "Mul(%d, %r)",
            "Mul(%d, %r) ^%d",
            "the value is not pointwise, or has control inputs that the assignment does not have",
        ),
        (
            "Mul(%d, %r)",
            "Softmax(%d)",
            "the value is not pointwise, or has control inputs that the assignment does not have",
        ),
        ("%r float32[](0.25)", "%r float32[1](0.25)", "not all operands have the variable's shape and dtype"),
        ("return %u", "%n = NoOp() ^%m\nreturn %u", "the value has other readers"),
    ],
    ids=[
        "another reader",
        "another write",
        "control of the value",
        "no pointwise op",
        "an operand of another shape",
        "something waits for the value",
    ],
)
def test_other_assignments_stay(old: str, new: str, reason: str) -> None:
    assert old in AVERAGE
    check_missed(fuse_update, AVERAGE.replace(old, new), reason)


def test_an_assignment_behind_another_stays_behind_it() -> None:
    text = AVERAGE.replace("%old", "cell %w float32[3]\n%b = Assign(%w, %x)\n%old", 1).replace("%m)", "%m) ^%b")
    (made,) = [i for i in run(fuse_update, text).program.instrs if isinstance(i.op, FusedUpdate)]
    assert [type(c.op).__name__ for c in made.control] == ["Assign"]


def test_another_batch_size_replays_the_fusion() -> None:
    kept = tf.Variable(np.zeros(3, np.float32))
    x = tf.placeholder(tf.float32, [None, 3])
    mean = tf.reduce_mean(x, 0)
    step = tf.assign_sub(kept, (kept - mean) * 0.5)
    with tf.Session(backend="numpy") as session:
        session.run(kept.initializer)
        values = [session.run([step, mean], {x: np.full([n, 3], 1.0)})[0] for n in (2, 5, 3)]
        plans = session._runner.cache.plans
        assert sum(isinstance(s.instr.op, FusedUpdate) for p in plans for s in p.steps) == 3
    np.testing.assert_array_equal(values, [[0.5] * 3, [0.75] * 3, [0.875] * 3])


def test_values_in_between_with_other_readers_are_operands() -> None:
    fused = "%u = FusedUpdate(%v, %d, %r) {update=AssignSub, chain=((Mul, (1, 2)),), scalars=(2,), reads=(0,)}"
    text = AVERAGE.replace("return %u", "return %u, %d")
    check(fuse_update, text, text.split("%m")[0] + fused + "\nreturn %u, %d")


@pytest.mark.parametrize(("dtype", "length"), [("int32", 3), ("float16", 3), ("float32", MAX_BYTES // 4 + 1)])
def test_other_dtypes_and_large_variables_stay(dtype: str, length: int) -> None:
    text = f"cell %v {dtype}[{length}]\nfeed %x {dtype}[{length}]\n%y = Mul(%x, %x)\n%u = Assign(%v, %y)\nreturn"
    nbytes = f"the variable has {length * 4} bytes"
    check_missed(fuse_update, text, nbytes if length > 3 else "the variable is neither float32 nor float64")


def averages(passes: list[Any] | None, backend: str) -> tuple[list[FusedUpdate], list[np.ndarray]]:
    """The fused assignments of three moving averages, each of the old value of the one before; and their values."""
    rng = np.random.RandomState(0)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [5])
        kept = [tf.Variable(rng.randn(5).astype(np.float32)) for _ in range(3)]
        step = [tf.assign_sub(v, (v - w * 1.5) * 0.1) for v, w in zip(kept, [x, *kept], strict=False)]
        with tf.Session(passes=passes, backend=backend) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                session.run(tf.group(*step), {x: rng.randn(5)})
            ops = [s.instr.op for p in session._runner.cache.plans for s in p.steps]
            fused = [getattr(op, "op", op) for op in ops]
            return [op for op in fused if isinstance(op, FusedUpdate)], session.run(kept)


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize(
    "passes", [["fuse_update"], ["fuse_update", "multi_tensor"], None], ids=["alone", "joint", "all"]
)
def test_fused_and_joint_averages_have_the_bits_of_single_ones(passes: list[Any] | None, backend: str) -> None:
    ops, fused = averages(passes, backend)
    none, plain = averages([], backend)
    assert ops
    assert not none
    for one, other in zip(fused, plain, strict=True):
        np.testing.assert_array_equal(one, other)
