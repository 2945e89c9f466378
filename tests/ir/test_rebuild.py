"""Rebuilding a program in groups: the groups' order, and a cycle among them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from minigraph.core.dtypes import float32
from minigraph.core.errors import VerificationError
from minigraph.core.types import TensorType
from minigraph.ir.program import Builder, Feed, Instr, Program, Value, reachable
from minigraph.ir.rebuild import Rebuilder, rebuild_in_order
from minigraph.ir.verifier import verify_program
from minigraph.ops.math.arithmetic import Add, Mul, Neg
from minigraph.ops.math.exponential import Exp
from minigraph.ops.math.trigonometric import Tanh

KIND = TensorType(float32, (2,))


def chain() -> tuple[Program, dict[str, Instr]]:
    """a = exp(x); b = tanh(a); c = -x; d = b·c."""
    builder = Builder()
    x = Value(builder.add(Feed(0, KIND)), 0)
    a = builder.add(Exp(), [x], name="a")
    b = builder.add(Tanh(), [Value(a, 0)], name="b")
    c = builder.add(Neg(), [x], name="c")
    d = builder.add(Mul(), [Value(b, 0), Value(c, 0)], name="d")
    program = Program(reachable([d]), (Value(d, 0),), (KIND,))
    return program, {i.name: i for i in program.instrs}


def copies(members: Sequence[Instr], new: Rebuilder) -> dict[Value, Value]:
    """Copies of the members, one after the other."""
    made = {}
    for instr in members:
        new.values[Value(instr, 0)] = made[Value(instr, 0)] = Value(new.copy(instr), 0)
    return made


def test_a_group_is_made_after_everything_it_needs() -> None:
    program, at = chain()

    def emit(members: Sequence[Instr], new: Rebuilder) -> dict[Value, Value]:
        """-x and exp(x) become the sum of both, from which the rest goes on."""
        total = new.add(Add(), *(Value(new.copy(i), 0) for i in members))
        return {Value(i, 0): total for i in members}

    made = rebuild_in_order(program, [[at["a"], at["c"]]], emit)
    verify_program(made)
    assert [type(i.op) for i in made.instrs] == [Feed, Exp, Neg, Add, Tanh, Mul]


def test_without_groups_the_program_is_copied() -> None:
    program, _ = chain()
    made = rebuild_in_order(program, [], copies)
    assert [i.name for i in made.instrs] == [i.name for i in program.instrs]


def test_a_group_with_a_path_that_leaves_and_comes_back_is_a_cycle() -> None:
    program, at = chain()
    with pytest.raises(VerificationError, match=r"in a cycle: 'a'\+'d' needs 'b' needs 'a'\+'d'$"):
        rebuild_in_order(program, [[at["a"], at["d"]]], copies)


def test_two_groups_that_need_each_other_are_a_cycle() -> None:
    builder = Builder()
    x = Value(builder.add(Feed(0, KIND)), 0)
    first, second = (builder.add(op, [x], name=name) for op, name in ((Exp(), "first"), (Neg(), "second")))
    after_first = builder.add(Tanh(), [Value(first, 0)], name="after_first")
    after_second = builder.add(Tanh(), [Value(second, 0)], name="after_second")
    program = Program(reachable([after_first, after_second]), (Value(after_first, 0), Value(after_second, 0)), (KIND,))
    crossed = [[first, after_second], [second, after_first]]
    with pytest.raises(
        VerificationError, match=r"'first'\+'after_second' needs 'second'\+'after_first' needs 'first'\+'after_second'"
    ):
        rebuild_in_order(program, crossed, copies)
