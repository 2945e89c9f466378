"""Schedules as text, before and after, and their properties."""

from __future__ import annotations

from textwrap import dedent

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.loop_cases import loop_cases

from minigraph.backends.llvm import nest_schedule
from minigraph.backends.llvm.nest_schedule import GRAIN, TERMS, launches, scheduled
from minigraph.core.dtypes import float32
from minigraph.core.scalar import call
from minigraph.core.types import TensorType
from minigraph.loops import schedule
from minigraph.loops.builder import Statement
from minigraph.loops.index import Index, Var
from minigraph.loops.interpret import interpret
from minigraph.loops.kernel import ADD, MAXIMUM, Body, For, If, Kernel, Reduce, guards, rewrite, statements
from minigraph.loops.kernel import Statement as AnyStatement
from minigraph.loops.text import print_kernel
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad


def tensor(*shape: int) -> TensorType:
    return TensorType(float32, shape)


def padded(before: int = 1, rows: int = 3, columns: int = 4) -> Kernel:
    k = Statement("pad")
    x, y = k.operand(tensor(rows, columns)), k.result(tensor(rows + 2 * before, columns))
    with k.over(*y.shape) as (i, j):
        k.store(y, (i, j), k.padded(x, (i - before, j), 0))
    return k.done()


def window(size: int, stride: int, taps: int, channels: int = 8, lines: int = 1) -> Kernel:
    """A maximum over windows of lines; they may lie outside."""
    out = -(-size // stride)
    k = Statement("window")
    x, y = k.operand(tensor(lines, size, channels)), k.result(tensor(lines, out, channels))
    with k.over(lines, out, channels, names="npc") as (n, p, c):

        def term(r: Index) -> tuple[list[object], object]:
            h = p * stride + r - taps // 2
            return [x[n, h, c]], x.inside(n, h, c)

        (best,) = k.reduce([taps], MAXIMUM, [-np.inf], [float32], term)
        k.store(y, (n, p, c), best)
    return k.done()


def variable(kernel: Kernel, name: str) -> Var:
    return next(s.var for s in statements(kernel.body) if isinstance(s, For) and s.var.name == name)


def check(kernel: Kernel, text: str) -> None:
    head, _, body = print_kernel(kernel).partition("\n")
    assert head.startswith("kernel ")
    assert dedent(body).strip() == dedent(text).strip()


def test_flatten_and_tidy() -> None:
    check(
        schedule.tidy(schedule.flatten(padded())),
        """
        for i in 0:5
            for j in 0:4
                y0[4*i + j] = (x0[4*i + j - 4] if 0 <= i - 1 < 3 else 0:float32)
        """,
    )


def test_fuse_joins_loops_that_every_access_treats_as_one() -> None:
    k = Statement("copy")
    x, y = k.operand(tensor(2, 3, 4)), k.result(tensor(2, 3, 4))
    with k.over(*y.shape) as at:
        k.store(y, at, x[tuple(at)])
    check(schedule.fuse(schedule.flatten(k.done())), "for k in 0:24\n    y0[k] = x0[k]")


def test_fuse_leaves_loops_apart_where_an_access_or_a_guard_tells_them_apart() -> None:
    for kernel in (padded(), schedule.flatten(window(6, 1, 3))):
        flat = schedule.flatten(kernel)
        assert len(schedule.nest(schedule.fuse(schedule.tidy(flat)).body)[0]) == 2


def test_flat_changes_no_flat_kernel() -> None:
    """So one call is enough for a target that looks at a flat kernel before it schedules it."""
    for name, *_, kernel in loop_cases():
        for part in schedule.parts(kernel):
            flat = schedule.flat(part)
            assert print_kernel(schedule.flat(flat)) == print_kernel(flat), name


def test_split_tests_the_last_block() -> None:
    k = Statement("copy")
    x, y = k.operand(tensor(10)), k.result(tensor(10))
    with k.over(10) as (i,):
        k.store(y, (i,), x[i])
    kernel = k.done()
    split, _, _ = schedule.split(kernel, variable(kernel, "i"), 4)
    check(
        split,
        """
        for io in 0:3
            for ii in 0:4
                if 0 <= 4*io + ii < 10
                    y0[4*io + ii] = x0[4*io + ii]
        """,
    )
    check(
        schedule.blocks(kernel, variable(kernel, "i"), 4),
        """
        for io in 0:3
            if 0 <= io < 2
                for i in 0:4
                    y0[4*io + i] = x0[4*io + i]
            else
                for i in 0:2
                    y0[4*io + i] = x0[4*io + i]
        """,
    )


def test_cut_keeps_the_order() -> None:
    kernel = padded()
    check(
        schedule.cut(schedule.tidy(schedule.flatten(kernel)), variable(kernel, "i"), 1, 4),
        """
        for i in 0:1
            for j in 0:4
                y0[4*i + j] = (x0[4*i + j - 4] if 0 <= i - 1 < 3 else 0:float32)
        for i in 1:4
            for j in 0:4
                y0[4*i + j] = (x0[4*i + j - 4] if 0 <= i - 1 < 3 else 0:float32)
        for i in 4:5
            for j in 0:4
                y0[4*i + j] = (x0[4*i + j - 4] if 0 <= i - 1 < 3 else 0:float32)
        """,
    )


def test_sink_goes_along_a_loop_in_each_serial_step() -> None:
    k = Statement("running")
    x, y = k.operand(tensor(4, 3)), k.result(tensor(3))
    with k.over(3) as (i,):
        k.store(y, (i,), x[0, i])
        with k.steps(4) as s:
            k.store(y, (i,), y[i] + x[s, i])
    kernel = k.done()
    check(
        schedule.sink(kernel, variable(kernel, "i")),
        """
        for i in 0:3
            y0[i] = x0[0, i]
        for s in 0:4  # serial
            for i in 0:3
                y0[i] = add(y0[i], x0[s, i])
        """,
    )


def test_keep_stores_what_a_later_loop_would_compute_again() -> None:
    k = Statement("softmax")
    x, y = k.operand(tensor(2, 5)), k.result(tensor(2, 5))
    with k.over(2) as (i,):
        (total,) = k.reduce([5], ADD, [0], [float32], lambda r: [call("exp", x[i, r])])
        with k.over(5, names="j") as (j,):
            k.store(y, (i, j), call("exp", x[i, j]) / total)
    check(
        schedule.keep(k.done()),
        """
        for i in 0:2
            s = add from 0:float32 over r < 5
                s_term = exp(x0[i, r])
                y0[i, r] = s_term
                <- s_term
            for j in 0:5
                y0[i, j] = divide(y0[i, j], s)
        """,
    )


def summed(*shape: int, axes: tuple[int, ...]) -> Kernel:
    """A sum over some axes."""
    k, kept = Statement("sum"), [n for a, n in enumerate(shape) if a not in axes]
    x, y = k.operand(tensor(*shape)), k.result(tensor(*kept))
    with k.over(*kept) as outer:

        def term(*inner: Index) -> list[object]:
            near, away = iter(outer), iter(inner)
            return [x[tuple(next(away) if a in axes else next(near) for a in range(len(shape)))]]

        (total,) = k.reduce([shape[a] for a in axes], ADD, [0], [float32], term)
        k.store(y, outer, total)
    return k.done()


def reduction_of(kernel: Kernel) -> Reduce:
    return next(s for s in statements(kernel.body) if isinstance(s, Reduce))


def chunked(kernel: Kernel, terms: int, blocks: int) -> Kernel:
    def change(s: AnyStatement) -> Body | None:
        return schedule.chunked(s, terms, blocks) if isinstance(s, Reduce) else None

    return schedule.with_body(kernel, rewrite(kernel.body, change))


def test_chunked_bounds_the_terms_of_a_running_sum() -> None:
    check(
        chunked(summed(12, axes=(0,)), 5, 8),
        """
        s = add from 0:float32 over ro < 3
            s_part = add from 0:float32 over ri < 4
                <- x0[4*ro + ri]
            <- s_part
        y0[] = s
        """,
    )
    check(
        chunked(summed(11, axes=(0,)), 4, 8),
        """
        s_full = add from 0:float32 over ro < 2
            s_part = add from 0:float32 over ri < 4
                <- x0[4*ro + ri]
            <- s_part
        s_rest = add from 0:float32 over ri < 3
            <- x0[ri + 8]
        s = add(s_full, s_rest)
        y0[] = s
        """,
    )


@settings(max_examples=60)
@given(extents=st.lists(st.integers(1, 13), min_size=1, max_size=3), terms=st.integers(1, 9), blocks=st.integers(2, 5))
def test_no_running_sum_of_a_chunked_reduction_is_long(extents: list[int], terms: int, blocks: int) -> None:
    kernel = summed(2, *extents, axes=tuple(range(1, len(extents) + 1)))
    made = chunked(kernel, terms, blocks)
    assert all(s.size <= max(terms, blocks) for s in statements(made.body) if isinstance(s, Reduce))
    x = np.random.RandomState(terms).randint(-9, 9, (2, *extents)).astype(np.float32)
    np.testing.assert_array_equal(interpret(made, [x])[0], x.sum(tuple(range(1, x.ndim))))


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((100_352, 64), (0,)), ((1, 1 << 20), (1,)), ((64, 50_257), (1,)), ((32, 64, 3136), (0, 2)),
        ((70, 3, 900, 5), (0, 2)), ((9973, 10), (0,)), ((1, 130), (1,)), ((65, 7), (0,)),
    ],
)  # fmt: skip
def test_no_running_sum_is_long_on_a_cpu(shape: tuple[int, ...], axes: tuple[int, ...]) -> None:
    lanes = 8
    for made in launches(summed(*shape, axes=axes), lanes):
        for s in statements(made.kernel.body):
            if isinstance(s, Reduce):
                _, _, many = s.mapping.partition(":")
                assert s.size <= TERMS * (lanes * int(many) if many else 1)


def test_a_long_reduction_is_shared_out() -> None:
    first, second = launches(summed(100_352, 64, axes=(0,)), 8)
    assert first.tasks >= 64
    assert second.kernel.buffers[0].role == "out"
    (alone,) = launches(summed(64, 100_352, axes=(1,)), 8)
    assert alone.tasks == 64
    op = Conv2DFilterGrad(padding=((1, 1), (1, 1)), groups=64, shape=(3, 3, 1, 64))
    images = tensor(8, 28, 28, 64)
    first, _ = launches(op.loops([images, images], [tensor(*op.shape)]), 8)
    assert first.tasks >= 8  # few images, but many terms of each


def test_in_pieces_reduces_a_long_axis_in_two_kernels() -> None:
    kernel = summed(10, 3, axes=(0,))
    first, second = schedule.in_pieces(kernel, reduction_of(kernel), 4, 7)
    check(
        first,
        """
        for piece in 0:3
            if 0 <= piece < 2
                for i in 0:3
                    s_part = add from 0:float32 over row < 4
                        <- x0[4*piece + row, i]
                    w7[piece, i] = s_part
            else
                for i in 0:3
                    s_part = add from 0:float32 over row < 2
                        <- x0[4*piece + row, i]
                    w7[piece, i] = s_part
        """,
    )
    check(
        second,
        """
        for i in 0:3
            s = add from 0:float32 over piece < 3
                <- w7[piece, i]
            y0[i] = s
        """,
    )


def test_only_drops_the_results_that_nobody_reads() -> None:
    k = Statement("two")
    x, y, z = k.operand(tensor(3)), k.result(tensor(3)), k.result(tensor(3))
    with k.over(3) as (i,):
        k.store(y, (i,), x[i])
        k.store(z, (i,), -x[i])
    check(schedule.only(k.done(), (False, True)), "for i in 0:3\n    y1[i] = negative(x0[i])")


@settings(max_examples=60)
@given(
    size=st.integers(1, 14), stride=st.integers(1, 4), taps=st.integers(1, 6), channels=st.integers(1, 20),
    lanes=st.sampled_from([4, 8]), near=st.sampled_from([0, nest_schedule.NEAR]),
)  # fmt: skip
def test_every_schedule_computes_the_same(
    size: int, stride: int, taps: int, channels: int, lanes: int, near: int
) -> None:
    kernel = window(size, stride, taps, channels, lines=2)
    x = np.random.RandomState(size).randn(2, size, channels).astype(np.float32)
    (wanted,) = interpret(kernel, [x])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nest_schedule, "NEAR", near)
        (found,) = interpret(scheduled(kernel, lanes).kernel, [x])
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted)


@pytest.mark.parametrize(
    ("channels", "order"),
    [
        (128, [("p", "task"), ("qo", "each"), ("o", "vector"), ("qi", "unroll")]),
        (1024, [("p", "task"), ("o", "vector:2"), ("qo", "each"), ("qi", "unroll")]),
    ],
)
def test_windows_go_along_a_line_within_some_channels_where_a_sweep_over_all_leaves_the_cache(
    channels: int, order: list[tuple[str, str]]
) -> None:
    op, types = Conv2D(groups=channels), [tensor(1, 9, 12, channels), tensor(3, 3, 1, channels)]
    kernel = scheduled(op.loops(types, op.infer(*types)), 8).kernel
    assert [(s.var.name, s.mapping) for s in statements(kernel.body) if isinstance(s, For)][:4] == order


@pytest.mark.parametrize(("size", "stride", "taps"), [(20, 1, 3), (20, 2, 3), (21, 2, 5), (30, 3, 4)])
def test_no_guard_is_left_in_the_interior(size: int, stride: int, taps: int) -> None:
    kernel = scheduled(window(size, stride, taps), 8).kernel
    (peeled,) = (s for s in statements(kernel.body) if isinstance(s, If) and s.otherwise)
    assert not list(guards(peeled.body))
    assert list(guards(peeled.otherwise))


@pytest.mark.parametrize("shape", [(64, 56, 56), (4096,), (1 << 20,), (3, 100_000)])
def test_there_are_tasks_enough_for_the_work(shape: tuple[int, ...]) -> None:
    k = Statement("double")
    x, y = k.operand(tensor(*shape)), k.result(tensor(*shape))
    with k.over(*shape) as at:
        k.store(y, at, x[tuple(at)] + x[tuple(at)])
    made = scheduled(k.done(), 8)
    tasks = [s for s in statements(made.kernel.body) if isinstance(s, For) and s.mapping == "task"]
    count = -(-int(np.prod([s.stop for s in tasks])) // made.grain) if tasks else 1
    work = int(np.prod(shape))
    assert count >= 8 or work < 8 * GRAIN


def pairs(step: int, places: tuple[int, int]) -> Kernel:
    k = Statement("pairs")
    x, y = k.operand(tensor(5)), k.result(tensor(10))
    with k.over(5, names="i") as (i,):
        for place in places:
            k.store(y, (i * step + place,), x[i])
    return k.done()


@pytest.mark.parametrize(("step", "places", "found"), [(2, (0, 1), 2), (2, (1, 0), 0), (1, (0, 1), 0), (2, (0, 0), 0)])
def test_stores_to_adjacent_groups_are_found(step: int, places: tuple[int, int], found: int) -> None:
    loops, body = schedule.nest(pairs(step, places).body)
    assert len(schedule.interleaved(body, loops[-1].var)) == found


def test_a_kernel_in_parts_has_one_for_each_outermost_statement_that_stores() -> None:
    k = Statement("two")
    x, w, y = k.operand(tensor(4)), k.workspace(float32, (4,)), k.result(tensor(4))
    with k.over(4) as (i,):
        k.store(w, (i,), x[i])
    with k.over(4) as (i,):
        k.store(y, (i,), w[i])
    kernel = k.done()
    made = schedule.parts(kernel)
    assert [(part.name, [b.name for b in part.buffers]) for part in made] == [
        ("two_w0", ["x0", "w0"]),
        ("two_y0", ["w0", "y0"]),
    ]
    assert [part.name for part in schedule.parts(schedule.only(kernel, [False]))] == ["two_w0"]


def test_a_loop_that_runs_once_does_not_hide_the_one_around_it() -> None:
    kernel = schedule.flat(padded(1, 3, 1))
    assert [f.stop for f in schedule.nest(kernel.body)[0]] == [5]
