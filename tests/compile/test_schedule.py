"""The order of effects: what each read sees, which writes wait, and when a read must be a copy.

Tests `compile/effects.py` and `ir/buffers.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigraph as tf
from minigraph.compile.plan import Plan
from minigraph.compile.schedule import schedule
from minigraph.compile.specialise import specialise
from minigraph.ir.buffers import is_source
from minigraph.ir.program import Cell, Instr, Program, Value

START = (3.0, 5.0, 7.0)


def program_of(fetches: list[Any]) -> Program:
    """The program of a run without feeds."""
    tensors = [f.ref if isinstance(f, tf.Variable) else f for f in fetches if not isinstance(f, tf.Operation)]
    return specialise(tensors, [f for f in fetches if isinstance(f, tf.Operation)], [], [])


def plan_of(fetches: list[Any]) -> Plan:
    session = tf.Session()
    return Plan(program_of(fetches), session.backend, session.buffers)


def started(*variables: tf.Variable) -> tf.Session:
    session = tf.Session()
    session.run([v.initializer for v in variables])
    return session


# reads and writes of one run


def test_reads_come_before_the_updates_of_the_run() -> None:
    w = tf.Variable(2.0)
    x = tf.placeholder(tf.float32, [])
    loss = tf.square(w * x)
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    for fetches in ([train, loss], [loss, train]):
        with started(w) as session:
            values = session.run(fetches, {x: 1.0})
            assert values[fetches.index(loss)] == 4.0
            assert session.run(w) == pytest.approx(1.6)


def test_a_variable_and_its_assignment() -> None:
    v = tf.Variable(2.0)
    update = v.assign(v * 10.0)
    with started(v) as session:
        assert session.run([v, update, v, v.value(), v.read_value()]) == [20, 20, 20, 2, 2]
        assert session.run([update, v]) == [200, 200]
        assert session.run(v) == 200


def test_a_chain_of_assignments_through_data() -> None:
    v = tf.Variable(1.0)
    first = v.assign_add(1.0)
    second = v.assign(first * 10.0)
    third = tf.assign_sub(v, second + first)
    with started(v) as session:
        assert session.run([third, second, first, v]) == [-2, 20, 2, -2]
        assert session.run(v) == -2


def test_overwrites_come_before_updates_and_else_graph_order_counts() -> None:
    v = tf.Variable(1.0)
    more = v.assign_add(100.0)
    double = v.assign(v * 2.0)
    again = v.assign(v * 3.0)
    less = v.assign_sub(1.0)
    with started(v) as session:
        assert session.run([more, double]) == [102, 2]
        assert session.run([double, v]) == [204, 204]  # the other one is not part of this run
        assert session.run([less, again, v, double, more]) == [711, 612, 711, 408, 712]


def test_no_update_is_lost_beside_a_clipped_overwrite() -> None:
    """As TensorFlow 1.15.5 does in either order of the fetches."""
    v = tf.Variable([0.2] * 3)
    x = tf.placeholder(tf.float32, [None, 3])
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(tf.reduce_sum(x * v, 1)))
    clip = v.assign(tf.clip_by_value(v, -0.5, 0.5))
    for fetches in ([train, clip], [clip, train]):
        with started(v) as session:
            values = []
            for _ in range(4):
                session.run(fetches, {x: np.ones([20, 3])})
                values.append(session.run(v)[0])
        np.testing.assert_allclose(values, [0.1, 0.0, -0.1, -0.2], atol=1e-6)


def test_an_optimizer_with_slots_beside_an_overwrite() -> None:
    v = tf.Variable(1.0)
    train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(v * 2.0)
    halve = v.assign(v * 0.5)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run([train, halve])
        assert session.run(v) == pytest.approx(0.3)


@pytest.mark.parametrize("optimize", ["O0", "O3"])
def test_two_training_steps_of_one_variable_in_one_run(optimize: str) -> None:
    w, u = tf.Variable(10.0), tf.Variable(3.0)
    optimizer = tf.train.GradientDescentOptimizer(0.5)
    steps = [optimizer.minimize(w * 1.0), optimizer.minimize(w * 2.0 + u)]
    with tf.Session(optimize=optimize) as session:
        session.run([w.initializer, u.initializer])
        session.run(steps)
        assert session.run([w, u]) == [8.5, 2.5]


def test_control_dependencies_override_the_order_of_overwrites_and_updates() -> None:
    v = tf.Variable(12.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        double = v.assign(v * 2.0)
    with started(v) as session:
        assert session.run([v, double]) == [26, 26]


def test_where_rules_contradict_each_other_graph_order_decides() -> None:
    a, b = tf.Variable(1.0), tf.Variable(1.0)
    add_a, add_b = a.assign_add(10.0), b.assign_add(10.0)
    with tf.control_dependencies([add_b]):
        set_a = a.assign(5.0)
    with tf.control_dependencies([add_a]):
        set_b = b.assign(5.0)
    with started(a, b) as session:
        session.run([set_a, set_b])  # add_a, made first, breaks the circle; then set_b, add_b, set_a
        assert session.run([a, b]) == [5, 15]


def test_a_fetched_variable_shows_the_state_after_the_run() -> None:
    x = tf.placeholder(tf.float32, [])
    w = tf.Variable(2.0, name="w")
    step = tf.train.get_or_create_global_step()
    loss = w * x
    train = tf.train.GradientDescentOptimizer(0.5).minimize(loss, step)
    with started(w, step) as session:
        for count in range(1, 4):
            _, seen, by_name, value, by_object = session.run([train, step, "w:0", loss, w], {x: 1.0})
            assert (seen, by_name, by_object) == (count, 2 - count / 2, 2 - count / 2)
            assert value == 2 - (count - 1) / 2


@pytest.mark.parametrize(
    "read",
    [
        lambda v: v.read_value(),
        lambda v: v * 1.0,
        lambda v: tf.identity(v),
        lambda v: tf.identity(v.read_value()),
        lambda v: tf.reshape(v, [1])[0],
    ],
)
def test_a_read_behind_a_write_sees_it(read: Callable[[tf.Variable], tf.Tensor]) -> None:
    v = tf.Variable(1.0)
    with tf.control_dependencies([v.assign(8.0)]):
        after = read(v)
    with started(v) as session:
        assert session.run([after, v]) == [8, 8]
        assert session.run([v, after]) == [8, 8]


def test_a_snapshot_ignores_control_dependencies() -> None:
    v = tf.Variable(1.0)
    before = v.value()
    with tf.control_dependencies([v.assign(8.0)]):
        late = before + 0.0
    with started(v) as session:
        assert session.run(late) == 1
        assert session.run(v) == 8


def test_swap() -> None:
    a, b = tf.Variable(1.0), tf.Variable(2.0)
    swap = tf.group(a.assign(b), b.assign(a))
    with started(a, b) as session:
        session.run(swap)
        assert session.run([a, b]) == [2, 1]
        session.run(swap)
        assert session.run([a, b]) == [1, 2]
    assert len(plan_of([swap]).copies) == 1


def test_rotation_of_three() -> None:
    a, b, c = variables = [tf.Variable(np.full(5, k)) for k in range(3)]
    turn = [a.assign(b), b.assign(c), c.assign(a)]
    with started(*variables) as session:
        for shift in range(1, 5):
            session.run(turn)
            assert [v[0] for v in session.run(variables)] == [(k + shift) % 3 for k in range(3)]


def test_the_value_before_an_update_can_be_had_after_it() -> None:
    v = tf.Variable(1.0)
    old = v.read_value()
    with tf.control_dependencies([v.assign_add(1.0)]):
        difference = v.read_value() - old
    assert plan_of([difference]).copies
    with started(v) as session:
        assert session.run(difference) == 1


def test_an_early_value_of_a_chain_can_be_had_late() -> None:
    v = tf.Variable(1.0)
    first = v.assign_add(1.0)
    with tf.control_dependencies([v.assign(first * 5.0)]):
        both = tf.stack([first, v.read_value()])
    with started(v) as session:
        assert session.run(both).tolist() == [2, 10]


def test_an_update_of_a_variable_by_itself() -> None:
    v = tf.Variable([1.0, 2.0])
    cases = [
        v.assign_add(v),
        v.assign_sub(v.value()),
        v.assign(v[::-1]),
        v.assign(v),
        v.assign_add(v.assign([4.0, 5.0])),
    ]
    expected = [[2, 4], [0, 0], [2, 1], [1, 2], [8, 10]]
    for update, value in zip(cases, expected, strict=True):
        with started(v) as session:
            assert session.run(update).tolist() == value
            assert session.run(v).tolist() == value


@pytest.mark.parametrize("position", ["variable", "slot"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_an_optimizer_step_whose_gradient_is_a_variable_it_updates(position: str, nesterov: bool) -> None:
    v = tf.Variable([1.0, 2.0])
    optimizer = tf.train.MomentumOptimizer(0.5, 0.5, use_nesterov=nesterov)
    optimizer.apply_gradients([(tf.constant([1.0, 1.0]), v)])
    slot = optimizer.get_slot(v, "momentum")
    assert slot is not None
    step = optimizer.apply_gradients([(slot if position == "slot" else v, v)])
    with started(v, slot) as session:
        slot.load([3.0, 4.0], session)
        session.run(step)
        accum = np.array([3.0, 4.0])
        grad = accum if position == "slot" else np.array([1.0, 2.0])
        accum = accum * 0.5 + grad
        change = 0.5 * (grad + 0.5 * accum if nesterov else accum)
        np.testing.assert_allclose(session.run(slot), accum)
        np.testing.assert_allclose(session.run(v), [1, 2] - change)


def test_effects_behind_what_is_known_at_compile_time() -> None:
    v = tf.Variable(1.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        sizes = tf.shape(tf.placeholder_with_default(tf.zeros([2, 3]), [None, 3]))
    with started(v) as session:
        assert session.run(tf.zeros(sizes)).shape == (2, 3)
        assert session.run(v) == 2
    like = tf.zeros_like(v.assign_add(5.0))
    with started(v) as session:
        assert session.run(like) == 0
        assert session.run(v) == 6


# copies are made only where they are needed


def test_training_makes_no_copies() -> None:
    x = tf.placeholder_with_default(tf.ones([4, 3]), [None, 3])
    w1, w2 = tf.Variable(tf.ones([3, 5])), tf.Variable(tf.ones([5, 2]))
    loss = tf.reduce_mean(tf.square(tf.matmul(tf.tanh(tf.matmul(x, w1)), w2)))
    for optimizer in (
        tf.train.AdamOptimizer(0.1),
        tf.train.MomentumOptimizer(0.1, 0.9),
        tf.train.RMSPropOptimizer(0.1),
        tf.train.AdagradOptimizer(0.1),
    ):
        train = optimizer.minimize(loss, tf.train.get_or_create_global_step())
        assert not plan_of([train, loss]).copies


def test_a_fetched_value_from_before_a_write_is_copied() -> None:
    v = tf.Variable(1.0)
    update = v.assign_add(1.0)
    assert len(plan_of([update, v.value()]).copies) == 1
    assert not plan_of([update, v]).copies
    assert not plan_of([update]).copies
    assert not plan_of([v]).copies
    assert not plan_of([update, v + 1.0]).copies  # the read is used up before the write


# the order itself


class Model(NamedTuple):
    """One statement of a random program. `operands` and `controls` are positions of earlier statements."""

    kind: str
    variable: int
    operands: tuple[int, ...]
    controls: tuple[int, ...]
    number: float


PURE = ("add", "identity", "times_one", "size", "use")
WRITES = ("assign", "assign_add", "assign_sub")
OPERANDS = {"add": 2, "identity": 1, "times_one": 1, "size": 1}
KINDS = ("read", "snapshot", "group", *PURE, *WRITES, *WRITES)


@st.composite
def programs(draw: st.DrawFn) -> list[Model]:
    out: list[Model] = []
    for position in range(draw(st.integers(2, 14))):
        tensors = [i for i, s in enumerate(out) if s.kind != "group"]
        kind = draw(st.sampled_from(KINDS))
        if kind in OPERANDS and not tensors:
            kind = "read"
        count = OPERANDS.get(kind, draw(st.integers(0, 1)) if kind in WRITES and tensors else 0)
        operands = tuple(draw(st.sampled_from(tensors)) for _ in range(count))
        before = st.lists(st.integers(0, position - 1), max_size=3, unique=True) if position else st.just([])
        number = float(draw(st.integers(-9, 9)))
        out.append(Model(kind, draw(st.integers(0, len(START) - 1)), operands, tuple(draw(before)), number))
    return out


def build(program: list[Model], variables: list[tf.Variable]) -> list[Any]:
    made: list[Any] = []
    for s in program:
        variable = variables[s.variable]
        inputs = [made[i] for i in s.operands]
        value = inputs[0] if inputs else tf.constant(s.number, tf.float64)
        with tf.control_dependencies([made[i] for i in s.controls]):
            if s.kind in WRITES:
                node: Any = getattr(variable, s.kind)(value)
            else:
                node = {
                    "read": variable.read_value,
                    "snapshot": variable.value,
                    "group": tf.no_op,
                    "add": lambda inputs=inputs: tf.add(*inputs),
                    "identity": lambda value=value: tf.identity(value),
                    "times_one": lambda value=value: value * 1.0,
                    "size": lambda value=value: tf.cast(tf.size(value), tf.float64),
                    "use": lambda variable=variable, s=s: variable * s.number,
                }[s.kind]()
        made.append(node)
    return made


def expect(program: list[Model], wanted: list[int], fed: dict[int, float]) -> tuple[dict[int, float], list[float]]:
    """Each statement's value and the final state, from the rule alone.

    A statement comes behind its operands and its controls. Of two writes to one variable that do not depend on each
    other, an overwrite comes before an update, else the one made first. A read sees the last write to its variable
    that it comes behind.
    """
    before: dict[int, set[int]] = {}  # of each statement that runs, those it names
    stack = list(wanted)
    while stack:
        position = stack.pop()
        if position not in before and position not in fed:
            s = program[position]
            before[position] = {*s.operands, *(() if s.kind == "snapshot" else s.controls)}
            stack += before[position]
    reach: dict[int, set[int]] = {position: set() for position in fed}
    for position in sorted(before):
        reach[position] = {p for q in before[position] for p in (q, *reach[q])}
    writes = [i for i in sorted(before) if program[i].kind in WRITES]
    after = {i: set(found) for i, found in before.items()}
    for first, second in itertools.combinations(writes, 2):
        if program[first].variable == program[second].variable:
            kinds = (program[first].kind == "assign", program[second].kind == "assign")
            swapped = kinds == (False, True) and first not in reach[second]
            after[first if swapped else second].add(second if swapped else first)
    try:
        order = [i for i in TopologicalSorter(after).static_order() if i not in fed]
    except CycleError:
        assume(False)  # the rule for one variable contradicts the rule for another
    values: dict[int, float] = dict(fed)
    behind: dict[int, list[int]] = {position: [] for position in fed}  # writes, in the order in which they happen
    latest = list(START)
    chains: list[list[int]] = [[] for _ in START]
    for position in order:
        s = program[position]
        past = {w for other in before[position] for w in behind[other]}
        if s.kind in WRITES:
            past |= {position, *(w for last in chains[s.variable][-1:] for w in behind[last])}
            value = values[s.operands[0]] if s.operands else s.number
            old = latest[s.variable]
            latest[s.variable] = {"assign": value, "assign_add": old + value, "assign_sub": old - value}[s.kind]
            chains[s.variable].append(position)
            values[position] = latest[s.variable]
        elif s.kind in ("read", "snapshot", "use"):
            seen = [w for w in chains[s.variable] if w in past]
            value = values[seen[-1]] if seen else START[s.variable]
            values[position] = value * s.number if s.kind == "use" else value
        elif s.kind == "size":
            values[position] = 1.0
        elif s.kind != "group":
            values[position] = sum(values[i] for i in s.operands)
        behind[position] = sorted(past)
    return values, latest


@given(programs(), st.data())
@settings(max_examples=400)
def test_random_programs_follow_the_rule(program: list[Model], data: st.DataObject) -> None:
    tensors = [i for i, s in enumerate(program) if s.kind != "group"]
    wanted = data.draw(st.lists(st.integers(0, len(program) - 1), min_size=1, max_size=6, unique=True))
    fed_at = data.draw(st.lists(st.sampled_from(tensors), max_size=1)) if tensors else []
    fed = {i: 1000.0 for i in fed_at if program[i].kind != "snapshot"}  # a snapshot is shared by its variable's uses
    shown = data.draw(st.lists(st.integers(0, len(START) - 1), max_size=2))
    with tf.Graph().as_default():
        variables = [tf.Variable(np.float64(v)) for v in START]
        made = build(program, variables)
        with started(*variables) as session:
            fetches = [*(variables[k] for k in shown), *(made[i] for i in wanted)]
            found = session.run(fetches, {made[i]: v for i, v in fed.items()})
            state = session.run(variables)
    values, final = expect(program, wanted, fed)
    assert found == [*(final[k] for k in shown), *(values.get(i) for i in wanted)]
    assert state == final


@pytest.mark.parametrize("memory_aware", [False, True])
@given(program=programs(), data=st.data())
@settings(max_examples=200)
def test_no_write_comes_before_the_last_use_of_what_it_destroys(
    memory_aware: bool, program: list[Model], data: st.DataObject
) -> None:
    wanted = data.draw(st.lists(st.integers(0, len(program) - 1), min_size=1, max_size=6, unique=True))
    with tf.Graph().as_default():
        made = build(program, [tf.Variable(np.float64(v)) for v in START])
        compiled = program_of([made[i] for i in wanted])
    order, copies = schedule(compiled, memory_aware)
    assert sorted(order, key=lambda i: i.serial) == [i for i in compiled.instrs if not is_source(i)]

    version: dict[Instr, int] = {}  # of each cell's buffer
    holds: dict[Value, tuple[Instr, int] | None] = {}  # the cell and version a value is an alias of; None: its own
    seen: set[Instr] = set()

    def intact(value: Value) -> bool:
        where = holds.get(value)
        return where is None or version[where[0]] == where[1]

    for instr in order:
        # A copied read may run before its control inputs: it only has to come after the writes that it is to see.
        early = instr in copies and instr.op.is_view
        assert early or all(is_source(p) or p in seen for p in instr.predecessors)
        seen.add(instr)
        assert all(intact(v) for v in instr.inputs), f"{instr} reads what is destroyed"
        cells = [instr.inputs[w].instr for w in instr.op.writes]
        for cell in cells:
            version[cell] = version.get(cell, 0) + 1
        for index in range(len(instr.types)):
            value = Value(instr, index)
            written = index - (len(instr.types) - len(cells))
            if instr in copies:
                holds[value] = None
            elif written >= 0:
                holds[value] = (cells[written], version[cells[written]])
            elif instr.op.is_view:
                source = instr.inputs[0]
                fresh = isinstance(source.instr.op, Cell)
                holds[value] = (source.instr, version.setdefault(source.instr, 0)) if fresh else holds.get(source)
    assert all(intact(v) for v in compiled.results)


@pytest.mark.parametrize("memory_aware", [False, True])
def test_a_schedule_does_not_depend_on_chance(memory_aware: bool) -> None:
    variables = [tf.Variable(float(k)) for k in range(6)]
    shift = [v.assign(w + 1.0) for v, w in zip(variables, variables[1:] + variables[:1], strict=True)]
    first = schedule(program_of(shift), memory_aware)
    again = schedule(program_of(shift), memory_aware)
    assert [i.name for i in first.order] == [i.name for i in again.order]
    assert sorted(i.name for i in first.copies) == sorted(i.name for i in again.copies)
