"""Runs in parts give what one run gives, and compute everything once. Tests `run/partial_session.py`, too."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

import minigraph as tf


@pytest.mark.parametrize("order", [*permutations("abc")])
def test_parts_in_any_order_give_what_one_run_gives_and_update_once(order: tuple[str, ...]) -> None:
    fed = {name: tf.placeholder(tf.float32, [2], name=name) for name in "abc"}
    counts = {name: tf.Variable(0.0, name=f"count_{name}") for name in "abc"}
    noise = tf.random_normal([2], name="noise")
    parts = {}
    for name, x in fed.items():
        with tf.control_dependencies([counts[name].assign_add(1.0)]):
            parts[name] = tf.multiply(x, noise, name=f"part_{name}")
    total = tf.add_n([*parts.values()], name="total")
    values = {name: np.float32([i, -i]) for i, name in enumerate("abc", 2)}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        handle = session.partial_run_setup([noise, total, *parts.values()], list(fed.values()))
        drawn = session.partial_run(handle, noise)
        for name in order:
            got = session.partial_run(handle, parts[name], {fed[name]: values[name]})
            np.testing.assert_allclose(got, values[name] * drawn, rtol=1e-6)
        whole = session.run(total, {noise: drawn, **{fed[n]: v for n, v in values.items()}})
        np.testing.assert_allclose(session.partial_run(handle, total), whole, rtol=1e-6)
        assert session.run(list(counts.values())) == [2.0, 2.0, 2.0]  # once by the parts, once by the whole run


def test_strings_are_made_of_what_the_parts_computed() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    drawn = x + tf.random_normal([])
    text = tf.summary.scalar("drawn", drawn)
    with tf.Session() as session:
        handle = session.partial_run_setup([drawn, text], [x])
        value = session.partial_run(handle, drawn, {x: 4.0})
        assert session.partial_run(handle, text) == session.run(text, {drawn: value})
