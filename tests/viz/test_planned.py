"""The places of values in memory, and the code of launches, as the page shows them."""

from __future__ import annotations

import itertools

import pytest

import minigraph as tf
from minigraph.compile.memory import lower_bound
from minigraph.tools.profile import pictures, profile
from minigraph.tools.shared.target import load_target
from minigraph.viz.planned import planned


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_buffers_that_live_at_once_do_not_overlap(backend: str) -> None:
    target = load_target("mnist-cnn", 4)
    found = profile(target, 1, "O3", backend)
    traced = pictures(target, found)
    boxes = {box.id for box in traced.pictures[-1].boxes}
    places = traced.planned.places
    assert {place.box for place in places} <= boxes
    assert max(p.offset + p.bytes for p in places) == traced.planned.peak
    for a, b in itertools.combinations(places, 2):
        apart = a.offset + a.bytes <= b.offset or b.offset + b.bytes <= a.offset
        assert apart or a.last < b.first or b.last < a.first
    live = [sum(p.bytes for p in places if p.first <= t <= p.last) for t in range(1 + max(p.last for p in places))]
    assert max(live) == lower_bound(found.plan.lifetimes)


def test_code_of_a_kernel() -> None:
    with tf.Graph().as_default() as graph, tf.Session(graph=graph, backend="llvm") as session:
        x = tf.placeholder(tf.float32, [8, 16])
        y = tf.cumsum(x, axis=1)
        plan, _ = session.plan_for(y, {x: [[0.0] * 16] * 8})
    ids = {instr: f"n{i}" for i, instr in enumerate(plan.program.instrs)}
    code = planned(plan, ids).code
    assert code is not None
    for assembly in (False, True):
        titles = [title for box in code.boxes for title in code.of(box, assembly)]
        assert any(title.startswith("LLVM IR of ") for title in titles)
        assert any(title.startswith("assembly of ") for title in titles) is assembly
