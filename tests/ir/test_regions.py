"""Regions: loops over fewer axes, and the types that a region takes."""

from __future__ import annotations

from typing import Any

import pytest
from support.programs import after, program_of

import minigraph as tf
from minigraph.ir.loop_kernel import collapse
from minigraph.ir.regions import Epilogue, Loop, program_batching
from minigraph.passes.fuse_pointwise import fuse_pointwise


def x45() -> Any:
    return tf.placeholder(tf.float32, [4, 5])


@pytest.mark.parametrize(
    ("space", "operands", "collapsed"),
    [
        ((2, 3, 4), [(2, 3, 4)], (24,)),
        ((2, 3, 4), [(2, 3, 4), (4,)], (6, 4)),
        ((2, 3, 4), [(2, 3, 4), (2, 1, 1)], (2, 12)),
        ((2, 3, 4), [(2, 3, 4), (1, 3, 1)], (2, 3, 4)),
        ((2, 3, 4), [(2, 3, 4), ()], (24,)),
        ((1, 3, 1, 4), [(1, 3, 1, 4), (4,)], (3, 4)),
        ((1, 1), [(1, 1), ()], (1,)),
    ],
)
def test_axes_that_all_operands_treat_alike_become_one(
    space: tuple[int, ...], operands: list[tuple[int, ...]], collapsed: tuple[int, ...]
) -> None:
    holders = [tf.placeholder(tf.float32, s) for s in operands]
    y = tf.exp(holders[0])
    for other in holders[1:]:
        y = y * other
    y = tf.tanh(y)
    program = after(program_of([y], holders), fuse_pointwise).program
    (loop,) = [i.op for i in program.instrs if isinstance(i.op, Loop)]
    assert loop.space == space
    assert collapse(loop.program, loop.space).space == collapsed
    assert len(collapse(loop.program, loop.space).program.instrs) == len(loop.program.instrs)


def test_sums_keep_their_axes_apart() -> None:
    x = tf.placeholder(tf.float32, [2, 3, 4, 5])
    y = tf.reduce_sum(tf.exp(x), [1, 2])
    program = after(program_of([y], [x]), fuse_pointwise).program
    (loop,) = [i.op for i in program.instrs if isinstance(i.op, Loop)]
    assert collapse(loop.program, loop.space).space == (2, 12, 5)
    how = program_batching(collapse(loop.program, loop.space).program)
    assert how is not None
    assert how.sums == (False,)


def test_regions_refuse_other_types_than_they_are_for() -> None:
    x = x45()
    program = after(program_of([tf.exp(tf.tanh(x))], [x]), fuse_pointwise).program
    (loop,) = [i.op for i in program.instrs if isinstance(i.op, Loop)]
    with pytest.raises(ValueError, match="a region over"):
        loop.infer(tf.placeholder(tf.float32, [5, 4]).type)
    assert not isinstance(loop, Epilogue)
