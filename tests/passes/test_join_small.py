"""Small loops before updates: which are joined, and that nothing else changes. Tests `ir/joint.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gpu.some_device import has_device, some_device
from gpu.trials import trials
from support.kernel_cases import type_of
from support.pass_text import check_unchanged, run

import minigraph as tf
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.inspect.profile import op_kind
from minigraph.ir.joint import Joint
from minigraph.ir.regions import single_op_loop
from minigraph.ops.math.arithmetic import Mul
from minigraph.passes import ALL
from minigraph.passes.inline_operands import InlineOperands
from minigraph.passes.join_small import JoinSmall
from minigraph.passes.multi_tensor import MultiTensor
from minigraph.viz.picture import picture_of_program

SMALL = JoinSmall(max_elements=8)


def loop(name: str, operands: str, size: int = 3, op: str = "Mul(%x, %y)") -> str:
    a, b = operands.split()
    feeds = f"feed %x float32[{size}]\nfeed %y float32[]\n"
    return f"%{name} = Loop(%{a}, %{b}) {{space=({size},)}} {{\n{feeds}%r = {op}\nreturn %r\n}}\n"


HEAD = (
    "cell %a float32[3]\ncell %b float32[5]\nfeed %g float32[3]\nfeed %h float32[5]\nfeed %s float32[]\n"
    "const %r float32[](0.5)\n"
)
FIRST = loop("p", "g s") + "%u = ApplyGradientDescent(%a, %r, %p)\n"
SECOND = loop("q", "h s", 5) + "%v = ApplyGradientDescent(%b, %r, %q)\n"


def test_loops_of_any_size_and_kind_that_only_updates_read_are_one() -> None:
    other = loop("q", "h s", 5, "Sub(%x, %y)") + "%v = ApplyGradientDescent(%b, %r, %q)\n"
    for second in (SECOND, other):
        made = run(SMALL, HEAD + FIRST + second + "return").program
        (joint,) = [i for i in made.instrs if isinstance(i.op, Joint)]
        assert [t.static for t in joint.types] == [(3,), (5,)]
        assert [v.instr.op.slot for v in joint.inputs] == [0, 2, 1, 2]
        updates = [i for i in made.instrs if i.op.writes]
        assert [i.inputs[2].output for i in updates] == [0, 1]


def test_more_loops_than_a_launch_has_parameters_for_are_several_launches() -> None:
    many = "".join(
        f"cell %c{n} float32[3]\nfeed %g{n} float32[3]\n{loop(f'p{n}', f'g{n} s')}"
        f"%u{n} = ApplyGradientDescent(%c{n}, %r, %p{n})\n"
        for n in range(150)
    )
    made = run(SMALL, HEAD + many + "return").program
    joint = [i for i in made.instrs if isinstance(i.op, Joint)]
    assert len(joint) > 1
    assert sum(len(i.types) for i in joint) == 150
    assert all(len(i.inputs) + len(i.types) <= 400 for i in joint)


@pytest.mark.parametrize(
    ("second", "result"),
    [
        (SECOND, "return %q"),
        (loop("q", "h s", 5, "Mul(%x, %y)").replace("(5,)}", "(5,)} ^%u") + SECOND.split("}\n")[-1], "return"),
        (f"%t = ReadVariable(%a) ^%u\n{loop('q', 't s')}%v = ApplyGradientDescent(%a, %r, %q)\n", "return"),
        ("cell %d float32[9]\nfeed %k float32[9]\n" + loop("q", "k s", 9)
         + "%v = ApplyGradientDescent(%d, %r, %q)\n", "return"),
        (loop("q", "h s", 5) + "%n = Neg(%q)\n%v = ApplyGradientDescent(%b, %r, %n)\n", "return"),
        (SECOND + "%w = ApplyGradientDescent(%a, %r, %g) ^%q\n", "return"),
        (loop("q", "h s", 5, "SumTo(%x) {shape=()}") + "%v = ApplyGradientDescent(%b, %q, %h)\n", "return"),
        ("cell %d float32[9]\nfeed %k float32[9]\n%q = Loop(%s) {space=()} {\nfeed %x float32[]\n%r = Neg(%x)\n"
         "return %r\n}\n%v = ApplyGradientDescent(%d, %q, %k)\n", "return"),
    ],
    ids=["a result", "control inputs", "behind a write", "large", "no update", "awaited", "a sum", "a large variable"],
)  # fmt: skip
def test_other_loops_stay_apart(second: str, result: str) -> None:
    check_unchanged(SMALL, HEAD + FIRST + second + result)


def test_without_a_size_no_loops_are_joined() -> None:
    check_unchanged(JoinSmall(), HEAD + FIRST + SECOND + "return")
    empty = "".join(
        f"cell %c{n} float32[0]\nfeed %e{n} float32[0]\n{loop(f'o{n}', f'e{n} s', 0)}"
        f"%t{n} = ApplyGradientDescent(%c{n}, %r, %o{n})\n"
        for n in range(2)
    )
    for none in (JoinSmall(), SMALL):
        check_unchanged(none, "feed %s float32[]\nconst %r float32[](0.5)\n" + empty + "return")


def test_the_joint_stands_where_the_last_loop_stood() -> None:
    between = "%n = Neg(%h)\n"
    made = run(SMALL, HEAD + FIRST + between + SECOND + "return %n").program
    kinds = [type(i.op).__name__ for i in made.instrs]
    assert kinds[kinds.index("Neg") :] == ["Neg", "Joint", "ApplyGradientDescent", "ApplyGradientDescent"]


def test_a_joint_is_shown_as_its_parts() -> None:
    made = run(SMALL, HEAD + FIRST + SECOND.replace("Mul", "Sub") + "return").program
    (box,) = [b for b in picture_of_program(made).boxes if "Mul" in b.op]
    assert box.op == "Mul+Sub"
    assert [line.split()[0] for line in box.inner] == ["Mul", "Sub"]
    (joint,) = [i.op for i in made.instrs if isinstance(i.op, Joint)]
    assert op_kind(joint) == "Joint(Mul+Sub)"
    assert joint.flops([t for types in joint.types for t in types], joint.infer(*sum(joint.types, ()))) == 8


def test_gradients_of_large_variables_do_not_wait_for_each_other() -> None:
    """A decayed learning rate is a small loop, too, which the updates of large variables read."""
    with tf.Graph().as_default():
        y = tf.ones([2, 64])
        for _ in range(3):
            y = tf.layers.batch_normalization(tf.layers.dense(y, 64), training=True)
        count = tf.train.get_or_create_global_step()
        rate = tf.train.exponential_decay(0.1, count, 10, 0.9)
        step = tf.train.MomentumOptimizer(rate, 0.9).minimize(tf.reduce_sum(tf.square(y)), count)
        settings: dict[str, Any] = {
            "multi_tensor": MultiTensor(max_bytes=1000),
            "inline_operands": InlineOperands(small_operands=True, keeps_sums=True),
        }
        peaks = []
        for join in (JoinSmall(), JoinSmall(max_elements=64)):
            passes = [(settings | {"join_small": join}).get(p.name, p) for p in ALL]
            options: Any = {"passes": passes, "disable_passes": ["fuse_blocks", "fuse_update"]}
            with tf.Session(backend="numpy", **options) as session:
                peaks.append(session.plan_for(step)[0].peak)
        assert peaks[1] < peaks[0] + 64 * 64 * 4  # which one more gradient would take


def trained(passes: list[Any]) -> tuple[list[np.ndarray], int]:
    random = np.random.RandomState(0)
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        y = tf.constant(random.randn(4, 20, 8).astype(np.float32))
        for _ in range(2):
            y = tf.layers.batch_normalization(tf.nn.dropout(tf.layers.dense(y, 8), 0.9), training=True)
        step = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_mean(tf.square(y - 1.0)))
        with tf.Session(backend="numpy", passes=passes) as session:
            session.run(tf.global_variables_initializer())
            session.run(step)
            ops = [s.instr.op for p in session._runner.cache.plans for s in p.steps]
            return session.run(tf.global_variables()), sum(len(o.ops) for o in ops if isinstance(o, Joint))


def test_training_has_the_same_bits() -> None:
    settings = {"inline_operands": InlineOperands(small_operands=True), "join_small": JoinSmall(max_elements=64)}
    (mine, count), (plain, none) = trained([settings.get(p.name, p) for p in ALL]), trained(list(ALL))
    assert count > none == 0
    for one, other in zip(mine, plain, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")
def test_one_launch_does_the_work_of_all() -> None:
    random = np.random.RandomState(0)
    sizes = [(3,), (1000,), (4, 8), (1,)]
    arrays = [np.asarray(random.randn(*shape), np.float32) for size in sizes for shape in (size, ())]
    backend = CupyBackend(some_device())
    types = [(type_of(arrays[i]), type_of(arrays[i + 1])) for i in range(0, len(arrays), 2)]
    op = Joint(tuple(single_op_loop(Mul(), t, t[0].static) for t in types), tuple(types))
    out = op.infer(*(t for pair in types for t in pair))
    assert len(backend.lower(op, [t for pair in types for t in pair], out).bind.steps) == 1  # type: ignore[attr-defined]
    (text,) = backend.kernel_text(op, [t for pair in types for t in pair], out).values()
    assert text.count("none is read") == len(types)
    for trial in trials(backend, op, arrays):
        trial.run()
