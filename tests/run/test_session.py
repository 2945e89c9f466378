"""Sessions: fetches, errors, the plan cache, threads.

Tests `run/contexts.py`, `run/default_session.py`, `run/growth.py`, `run/options.py`, `run/runner.py` and
`run/session_base.py`.
"""

from __future__ import annotations

import gc
import threading
import warnings
import weakref
from collections import OrderedDict, defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest
from support.lines import here

import minigraph as tf
from minigraph.core import errors
from minigraph.run import plan_cache


class Pair(NamedTuple):
    first: Any
    second: Any


# fetches


def test_nested_fetches_keep_their_structure() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    y, z = tf.add(x, 1.0, name="y"), x * 2.0
    v = tf.Variable(7.0, name="v")
    with tf.Session() as session:
        session.run(v.initializer)

        def run(fetches: Any) -> Any:
            return session.run(fetches, {x: 3.0})

        assert run(y) == 4
        assert run([y]) == [4]
        assert run((y, z)) == (4, 6)
        assert run([]) == []
        assert run({"a": y, "b": [z, (y,)]}) == {"a": 4, "b": [6, (4,)]}
        assert run(Pair(y, {"z": z})) == Pair(4, {"z": 6})
        assert isinstance(run(Pair(y, z)), Pair)
        assert list(run(OrderedDict([("q", y), ("a", z)]))) == ["q", "a"]
        assert type(run(OrderedDict(a=y))) is OrderedDict
        assert run(defaultdict(list, a=y)) == {"a": 4}
        assert run([y, y, "y:0", x, "x:0"]) == [4, 4, 4, 3, 3]
        assert run(["y", v.initializer, y.op]) == [None, None, None]
        assert run([v, "v:0", v.value(), "v/read:0"]) == [7, 7, 7, 7]


def test_a_duplicate_fetch_is_computed_once() -> None:
    v = tf.Variable(0.0)
    count = v.assign_add(1.0)
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run([count, count, {"again": count}, count.op]) == [1, 1, {"again": 1}, None]
        assert session.run(v) == 1


def test_values_are_numpy_scalars_and_arrays() -> None:
    with tf.Session() as session:
        scalar, vector, flag, index = session.run(
            [tf.constant(1.5), tf.constant([1, 2]), tf.equal(1, 1), tf.argmax([1.0, 3.0], 0)]
        )
        assert type(scalar) is np.float32
        assert vector.dtype == np.int32
        assert flag.dtype == np.bool_
        assert index.dtype == np.int64
        assert session.run(tf.constant(2.0)) == 2  # a plan without any launch


@pytest.mark.parametrize("fetch", [None, 3, 2.5, [None], {"a": 1}, np.float32(1), object(), {1, 2}])
def test_fetches_of_what_is_no_part_of_a_graph(fetch: Any) -> None:
    with tf.Session() as session, pytest.raises(TypeError, match="has invalid type"):
        session.run(fetch)


@pytest.mark.parametrize("name", ["nosuch:0", "nosuch", "x:1", "x:y", ""])
def test_fetches_of_unknown_names(name: str) -> None:
    tf.placeholder(tf.float32, name="x")
    with tf.Session() as session, pytest.raises(ValueError, match="cannot be interpreted as a Tensor"):
        session.run(name)


def test_elements_of_another_graph() -> None:
    with tf.Graph().as_default():
        other, variable = tf.placeholder(tf.float32, []), tf.Variable(1.0)
    x = tf.placeholder(tf.float32, [])
    with tf.Session() as session:
        for fetch in (other, variable, other.op):
            with pytest.raises(ValueError, match="not an element of this graph"):
                session.run(fetch)
        for key in (other, variable):
            with pytest.raises(TypeError, match="Cannot interpret feed_dict key as Tensor"):
                session.run(x, {key: 1.0})
        with pytest.raises(ValueError, match="not in the session's graph"):
            variable.load(3.0, session)


# errors


def test_an_unfed_placeholder() -> None:
    x, line = tf.placeholder(tf.float32, [None, 3], name="digits"), here()
    y = tf.reduce_sum(x)
    with tf.Session() as session:
        with pytest.raises(errors.InvalidArgumentError, match=r"You must feed.*'digits' with dtype float32") as caught:
            session.run(y)
        assert line in str(caught.value)
        assert r"(?, 3)" in str(caught.value)
        assert caught.value.op is x.op
        assert session.run(y, {x: np.ones((2, 3))}) == 6


def test_an_uninitialised_variable() -> None:
    v, line = tf.Variable(3.0, name="weights"), here()
    double = v * 2.0
    with tf.Session() as session:
        for fetch in (v, double, v.assign_add(1.0), [v.initializer, double]):
            with pytest.raises(errors.FailedPreconditionError, match="uninitialized value weights"):
                session.run(fetch)
        with pytest.raises(errors.FailedPreconditionError, match=line):
            session.run(double)
        assert session.run(v.assign(4.0)) == 4  # a first value
        assert session.run(double) == 8
    with tf.Session() as other, pytest.raises(errors.FailedPreconditionError):
        other.run(double)


def test_a_failed_run_does_not_count_as_initialisation() -> None:
    x = tf.placeholder(tf.int32, [])
    v = tf.Variable(1.0, name="v")
    bad = tf.gather([1.0, 2.0], x)
    with tf.Session() as session:
        with pytest.raises(errors.InvalidArgumentError):
            session.run([v.initializer, bad], {x: 9})
        session.run([v.initializer, bad], {x: 1})
        assert session.run(v) == 1


def test_a_kernel_error_names_the_node_and_its_line() -> None:
    x = tf.placeholder(tf.int32, [None])
    y, line = tf.gather(tf.constant([1.0, 2.0, 3.0]), x, name="pick"), here()
    total = tf.reduce_sum(y)
    with tf.Session() as session:
        assert session.run(total, {x: [0, 2]}) == 4
        for index in (3, -1):
            with pytest.raises(errors.InvalidArgumentError, match="'pick'") as caught:
                session.run(total, {x: [0, index]})
            assert line in str(caught.value)
        assert session.run(total, {x: [0, 2]}) == 4


def test_shapes_that_misfit_when_they_are_known() -> None:
    x, y = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.float32, [None, None])
    z, line = tf.matmul(x, y, name="product"), here()
    with tf.Session() as session:
        with pytest.raises(errors.InvalidArgumentError, match="product") as caught:
            session.run(z, {x: np.ones((2, 3)), y: np.ones((4, 5))})
        assert line in str(caught.value)
        assert session.run(z, {x: np.ones((2, 3)), y: np.ones((3, 5))}).shape == (2, 5)


def test_numerical_trouble_is_silent() -> None:
    x = tf.placeholder(tf.float32, [None])
    n = tf.placeholder(tf.int32, [])
    with tf.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert session.run(tf.log(x), {x: [0, -1, 1]})[0] == -np.inf
        assert np.isinf(session.run(1.0 / x, {x: [0]})[0])
        assert np.isinf(session.run(tf.exp(x), {x: [1000]})[0])
        assert np.isnan(session.run(tf.reduce_mean(x), {x: []}))
        session.run(tf.cast(x, tf.int32), {x: [np.nan, 1e30]})
        session.run(n * 2**30, {n: 2**30})


def test_a_closed_session() -> None:
    y = tf.constant(1.0) + 1.0
    v = tf.Variable(1.0)
    session = tf.Session()
    with session:
        assert session.run(y) == 2
    for use in (lambda: session.run(y), lambda: v.load(2.0, session), session.read_state):
        with pytest.raises(RuntimeError, match="closed Session"):
            use()
    session.close()


def test_an_unknown_backend() -> None:
    with pytest.raises(errors.BackendError, match="unknown backend 'nosuch'"):
        tf.Session(backend="nosuch")


# contexts


def test_default_sessions() -> None:
    x = tf.constant(2.0)
    v = tf.Variable(3.0)
    with pytest.raises(ValueError, match="No default session"):
        x.eval()
    assert tf.get_default_session() is None
    with tf.Session() as outer:
        v.initializer.run()
        assert (x.eval(), v.eval()) == (2, 3)
        with tf.Session() as inner:
            assert tf.get_default_session() is inner
        assert tf.get_default_session() is outer
        with inner.as_default(), pytest.raises(RuntimeError):
            x.eval()
        assert x.eval(session=outer) == 2
        assert x.eval({x: 5.0}) == 5
    assert tf.get_default_session() is None
    session = tf.InteractiveSession()
    try:
        assert x.eval() == 2
    finally:
        session.close()
    assert tf.get_default_session() is None


def test_a_session_brings_its_graph() -> None:
    graph = tf.Graph()
    with tf.Session(graph=graph) as session:
        assert tf.get_default_graph() is graph
        y = tf.constant(1.0) + 1.0
        v = tf.Variable(5.0)
        session.run(tf.global_variables_initializer())  # made inside the block
        assert session.run([y, v]) == [2, 5]
    assert tf.get_default_graph() is not graph


def test_sessions_keep_their_own_values() -> None:
    v = tf.Variable(1.0)
    more = v.assign_add(1.0)
    with tf.Session() as a, tf.Session() as b:
        for session in (a, b):
            session.run(v.initializer)
        assert [a.run(more) for _ in range(3)] == [2, 3, 4]
        assert b.run(v) == 1


# the plan cache


def test_equal_calls_compile_once() -> None:
    x = tf.placeholder(tf.float32, [None, 2])
    y = tf.reduce_sum(x, 1)
    with tf.Session() as session:
        for _ in range(5):
            session.run(y, {x: np.ones((4, 2))})
            session.run(y, {x: [[1, 2]] * 4})  # a list of the same shape
        assert session.stats == (10, 1, 0, 1)
        session.run(y, {x: np.ones((3, 2))})
        assert session.stats.compiled == 2
        session.run([y], {x: np.ones((3, 2))})
        assert session.stats.compiled == 3
        session.run(y, {x: np.ones((4, 2), np.int8)})
        assert session.stats.compiled == 3  # the dtype that counts is the tensor's
        session.run([y], {x: np.ones((3, 2))})
        assert session.stats == (14, 3, 0, 3)


def test_the_least_recently_used_plan_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_cache, "PLAN_LIMIT", 4)
    x = tf.placeholder(tf.float32, [None])
    y = x + 1.0
    with tf.Session() as session:

        def run(size: int) -> None:
            assert session.run(y, {x: np.zeros(size)}).shape == (size,)

        run(1)
        for size in range(2, 30):
            run(size)
            run(1)  # so that it is always recent
        assert session.stats.kept == 4
        assert session.stats.compiled == 29
        assert session.stats.dropped == 25
        run(29)
        run(1)
        assert session.stats.compiled == 29
        run(2)
        assert session.stats.compiled == 30


# threads


def together(count: int, work: Any) -> None:
    failures: list[BaseException] = []
    gate = threading.Barrier(count)

    def target(index: int) -> None:
        try:
            gate.wait(30)
            work(index)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=target, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]


def test_threads_share_a_session() -> None:
    x = tf.placeholder(tf.float32, [None])
    v = tf.Variable(0.0)
    count = v.assign_add(1.0)
    y = tf.reduce_sum(x * 2.0)
    with tf.Session() as session:
        session.run(v.initializer)

        def work(index: int) -> None:
            for turn in range(50):
                size = 1 + (index + turn) % 5
                assert session.run([y, count], {x: np.full(size, index)})[0] == 2 * size * index

        together(8, work)
        assert session.run(v) == 400
        assert session.stats.runs == 402


def test_threads_with_a_session_each() -> None:
    x = tf.placeholder(tf.float32, [None, 4])
    v = tf.Variable(tf.ones([4, 3]))
    y = tf.matmul(x, v)
    add = v.assign_add(tf.ones([4, 3]))
    graph = tf.get_default_graph()

    def work(index: int) -> None:
        with tf.Session(graph=graph) as session:
            session.run(v.initializer)
            for turn in range(1, 20):
                session.run(add)
                assert session.run(y, {x: np.full((index + 1, 4), index)}).tolist() == [
                    [4 * index * (turn + 1)] * 3
                ] * (index + 1)

    together(8, work)


# growing graphs


def test_a_graph_that_grows_between_runs_is_reported() -> None:
    v = tf.Variable(0.0)
    with tf.Session() as session:
        session.run(v.initializer)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", tf.GraphGrowsWarning)
            for _ in range(20):
                session.run(v + 1.0)
        assert len(caught) == 1
        assert caught[0].category is tf.GraphGrowsWarning
        text = str(caught[0].message)
        assert "test_session.py" in text
        assert "session.run(v + 1.0)" in text
        assert caught[0].filename == __file__


def test_ordinary_use_is_not_reported() -> None:
    with tf.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("error", tf.GraphGrowsWarning)
        x = tf.placeholder(tf.float32, [None])
        v = tf.Variable(0.0)
        for _ in range(3):
            session.run(tf.global_variables_initializer())
        y = tf.reduce_sum(x) + v
        loss = tf.square(y - 1.0)
        session.run(y, {x: [1.0]})
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        for size in range(30):
            session.run([train, loss], {x: np.zeros(size)})
            session.run(v)
            v.load(1.0, session)
            v.eval()


def test_the_graph_as_records() -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        tf.constant(1.0, name="a")
        assert [node.name for node in session.graph_def.node] == ["a"]


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_the_memory_of_a_dropped_session_is_freed_at_once(backend: str) -> None:
    v = tf.Variable(np.ones(3, np.float32))
    x = tf.placeholder(tf.float32, [None])
    session = tf.Session(backend=backend)
    gc.collect()
    gc.disable()  # so that only counts of references free anything
    try:
        session.run(v.initializer)
        for size in (2, 3):
            session.run([v + 1.0, x * 2.0], {x: [1.0] * size})
        kept = [weakref.ref(session), weakref.ref(session.buffers), weakref.ref(session.plan_for(v + 1.0)[0])]
        del session
        assert [ref() for ref in kept] == [None, None, None]
    finally:
        gc.enable()
