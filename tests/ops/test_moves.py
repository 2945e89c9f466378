"""The rule `moves`: the record says what the reference does, and every backend runs it without code of the op's own.

Tests `core/moves.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from gpu.some_device import has_device, some_device
from gpu.trials import trials
from hypothesis import given
from hypothesis import strategies as st
from support.kernel_cases import samples_of, type_of

from minigraph.backend.host import HostBackend
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.emit import emit
from minigraph.backends.llvm import LlvmBackend
from minigraph.backends.numpy import NumpyBackend
from minigraph.core.dtypes import float32
from minigraph.core.errors import InternalError
from minigraph.core.moves import Moves, read, write
from minigraph.core.op import REGISTRY, Op
from minigraph.core.types import TensorType
from minigraph.ops.array import joining as J
from minigraph.ops.array import reshape as R
from minigraph.ops.array import slicing as X
from minigraph.ops.broadcast import BroadcastTo

needs_device = pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")


def numbers(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


class SwapBlocks(Op, abstract=True):
    """The blocks of `size` rows, the last first. No backend knows this op."""

    size: int

    def infer(self, x: TensorType) -> tuple[TensorType, ...]:
        return (x,)

    def forward(self, xp: Any, x: Any) -> tuple[Any, ...]:
        return (xp.concatenate([x[i : i + self.size] for i in range(0, len(x), self.size)][::-1]),)

    def moves(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> Moves:
        rest = in_types[0].static[1:]
        return read(in_types[0], lambda x: x.reshape(-1, self.size, *rest)[::-1])


def samples() -> list[tuple[str, Op, list[np.ndarray]]]:
    """The registry's samples, specialised, of ops that state moves on their types."""
    found = []
    for name, kind in sorted(REGISTRY.items()):
        if kind.moves is not Op.moves or kind.is_view:
            for i, (op, inputs) in enumerate(samples_of(kind, "float32")):
                if moves_of(op, inputs) is not None:
                    found.append((f"{name}-{i}", op, inputs))
    return found


def moves_of(op: Op, inputs: Sequence[Any]) -> Moves | None:
    types = [type_of(a) for a in inputs]
    return op.moves(types, op.infer(*types))


BOTH = ((1, 2), (2, 1))
MORE: list[tuple[str, Op, list[Any]]] = [
    ("swap-blocks", SwapBlocks(2), [numbers(6, 5)]),
    ("transpose-4", R.Transpose((3, 1, 0, 2)), [numbers(2, 3, 4, 5)]),
    ("transpose-scalar", R.Transpose(), [np.array(2.0)]),
    ("element", X.StridedSlice((("index", 1), ("index", -1))), [numbers(4, 5)]),
    ("backwards", X.StridedSlice((("slice", None, None, -2), ("new",), ("slice", 4, 0, -3))), [numbers(5, 6)]),
    ("empty-slice", X.StridedSlice((("slice", 2, 2, None),)), [numbers(4, 3)]),
    ("put-element", X.PutSlice((("index", 1), ("index", -1)), (4, 5)), [np.float32(3.0)]),
    ("put-backwards", X.PutSlice((("rest",), ("slice", None, None, -1)), (2, 5)), [numbers(2, 5)]),
    ("put-nothing", X.PutSlice((("slice", 1, 1, None),), (2, 5)), [numbers(0, 5)]),
    ("pad-nothing", X.Pad(((2, 1), (0, 1)), 3.0), [numbers(0, 2)]),
    ("pad-int", X.Pad(((1, 2), (0, 3), (0, 0)), 7.0), [numbers(2, 3, 1, dtype=np.int64)]),
    ("pad-bool", X.Pad(((1, 0),), 1.0), [np.array([True, False])]),
    ("pad-half", X.Pad(((1, 0), (33, 40)), 0.1), [numbers(2, 2, dtype=np.float16)]),
    ("pad-infinite", X.Pad(((0, 0), (40, 0)), -np.inf), [numbers(2, 3)]),
    ("mirror-far", X.MirrorPad(((3, 4), (0, 0)), "REFLECT"), [numbers(2, 2)]),
    ("mirror-one", X.MirrorPad(((3, 4),), "REFLECT"), [numbers(1)]),
    ("mirror-three", X.MirrorPad((*BOTH, (2, 2)), "SYMMETRIC"), [numbers(2, 3, 4)]),
    ("mirror-none", X.MirrorPad(((0, 0), (0, 0)), "REFLECT"), [numbers(2, 3)]),
    ("tile-none", R.Tile((0, 2)), [numbers(2, 3)]),
    ("tile-bytes", R.Tile((3, 70)), [numbers(2, 1, dtype=np.uint8)]),
    ("broadcast", BroadcastTo((3, 2, 5)), [numbers(2, 1)]),
    ("broadcast-scalar", BroadcastTo((300,)), [np.array(2, np.int16)]),
    ("concat-last", J.ConcatV2(-1), [numbers(3, 2), numbers(3, 0), numbers(3, 4)]),
    ("split-last", J.SplitV((1, 0, 3), -1), [numbers(2, 4)]),
    ("pack-many", J.Pack(1), [numbers(2, 3)] * 30),
    ("unpack-last", J.Unpack(3, -1), [numbers(2, 3)]),
]
CASES = [pytest.param(op, inputs, id=name) for name, op, inputs in (*samples(), *MORE)]
each_case = pytest.mark.parametrize(("op", "inputs"), CASES)


def execute(moves: Moves, inputs: Sequence[Any], out_types: Sequence[TensorType]) -> list[np.ndarray]:
    """The outputs, element by element; -1 where nothing is written."""
    flat = [np.ravel(a) for a in inputs]
    outputs = [np.full(t.size, -1 if moves.fill is None else moves.fill).astype(t.dtype.np_dtype) for t in out_types]
    written: set[tuple[int, int]] = set()
    for part in moves.parts:
        for index in np.ndindex(part.shape):
            source, target = (v.offset + int(np.dot(index, v.strides)) for v in (part.source, part.target))
            assert min(source, target) >= 0
            assert (part.target.position, target) not in written
            written.add((part.target.position, target))
            outputs[part.target.position][target] = flat[part.source.position][source]
    if moves.fill is None:
        assert len(written) == sum(t.size for t in out_types)
    return [a.reshape(t.static) for a, t in zip(outputs, out_types, strict=True)]


@each_case
def test_the_record_says_what_the_reference_does(op: Op, inputs: list[Any]) -> None:
    inputs = [np.asarray(a) for a in inputs]
    out_types = op.infer(*map(type_of, inputs))
    moves = moves_of(op, inputs)
    assert moves is not None
    for found, wanted in zip(execute(moves, inputs, out_types), op.forward(np, *inputs), strict=True):
        assert found.dtype == np.asarray(wanted).dtype
        np.testing.assert_array_equal(found, wanted)


@each_case
def test_gaps_and_parts_write_every_element(op: Op, inputs: list[Any]) -> None:
    out_types = op.infer(*(type_of(np.asarray(a)) for a in inputs))
    moves = moves_of(op, [np.asarray(a) for a in inputs])
    assert moves is not None
    written = [np.zeros(t.size, bool) for t in out_types]
    for shape, target in [(g.shape, g.target) for g in moves.gaps(out_types)] + [
        (p.shape, p.target) for p in moves.parts
    ]:
        for index in np.ndindex(shape):
            written[target.position][target.offset + int(np.dot(index, target.strides))] = True
    assert all(w.all() for w in written)


def test_every_op_that_states_moves_has_a_sample_that_moves() -> None:
    stated = {name for name, kind in REGISTRY.items() if kind.moves is not Op.moves}
    assert stated
    assert {type(op).__name__ for _, op, _ in samples()} >= stated


def run(backend: HostBackend, op: Op, inputs: list[Any], missing: int | None) -> list[Any]:
    """The results of the op's own kernel; one may be left out. Nothing may be written beyond their ends."""
    types = [type_of(a) for a in inputs]
    out_types = op.infer(*types)
    lowered = backend.lower(op, types, out_types)
    assert not lowered.fallback
    assert not lowered.not_native
    buffers = [backend.allocate(kind.nbytes + 64) for kind in out_types]
    outputs = [backend.view(buffer, 0, kind) for buffer, kind in zip(buffers, out_types, strict=True)]
    for buffer in buffers:
        buffer.fill(0xA5)
    wanted = [None if i == missing else out for i, out in enumerate(outputs)]
    lowered.bind(inputs, wanted, backend.allocate(lowered.workspace))()
    for buffer, kind in zip(buffers, out_types, strict=True):
        assert (buffer[kind.nbytes :] == 0xA5).all()
    return wanted


@pytest.mark.parametrize("backend", [NumpyBackend(), LlvmBackend()], ids=lambda b: b.name)
@each_case
def test_the_hosts_backends_run_it(op: Op, inputs: list[Any], backend: HostBackend) -> None:
    inputs = [np.asarray(a) for a in inputs]
    wants = [np.asarray(w) for w in op.forward(np, *inputs)]
    for missing in (None, *(range(len(wants)) if len(wants) > 1 else ())):
        for found, want in zip(run(backend, op, inputs, missing), wants, strict=True):
            if found is not None:
                assert found.dtype == want.dtype
                np.testing.assert_array_equal(found, want)


def test_the_cuda_backend_has_steps_for_it() -> None:
    for _, op, inputs in (*samples(), *MORE):
        types = [type_of(np.asarray(a)) for a in inputs]
        assert emit(op, types, op.infer(*types)) is not None


@needs_device
def test_cuda_kernels_run_it() -> None:
    backend = CupyBackend(some_device())
    for trial in [t for _, op, inputs in (*samples(), *MORE) for t in trials(backend, op, inputs, 0)]:
        trial.run()


@given(st.data())
def test_blocks_and_slices_of_any_shape(data: st.DataObject) -> None:
    """Writing into a view and reading it again gives the input back; the rest is the fill."""
    shape = tuple(data.draw(st.lists(st.integers(0, 4), max_size=3)))
    bounds = st.one_of(st.none(), st.integers(-5, 5))
    steps = st.sampled_from([None, 1, 2, -1, -3])
    index = tuple(slice(data.draw(bounds), data.draw(bounds), data.draw(steps)) for _ in shape)
    whole = TensorType(float32, shape)
    part = np.empty(shape)[index]
    small = TensorType(float32, part.shape)
    want = np.full(shape, 9, np.float32)
    want[index] = numbers(*part.shape)
    put = write(whole, lambda a: a[(*index, ...)], fill=9)
    (found,) = execute(put, [numbers(*part.shape)], [whole])
    np.testing.assert_array_equal(found, want)
    (back,) = execute(read(whole, lambda a: a[(*index, ...)]), [found], [small])
    np.testing.assert_array_equal(back, numbers(*part.shape))
    gaps = np.zeros(whole.size, int)
    for gap in put.gaps([whole]):
        for place in np.ndindex(gap.shape):
            gaps[gap.target.offset + int(np.dot(place, gap.target.strides))] += 1
    assert gaps.max(initial=0) <= 1
    outside = np.ones(shape, bool)
    outside[index] = False
    assert gaps.reshape(shape)[outside].all()


def test_a_view_that_makes_a_copy_is_an_error() -> None:
    with pytest.raises(InternalError, match=r"the view of an array of shape \[2, 3\] in the rule `moves` makes a copy"):
        read(TensorType(float32, (2, 3)), lambda x: x.T.reshape(-1))


def test_neighbouring_axes_are_merged() -> None:
    channels_first = read(TensorType(float32, (2, 5, 6, 3)), lambda x: x.transpose(0, 3, 1, 2))
    assert channels_first.parts[0].merged() == [(2, 90, 90), (3, 1, 30), (30, 3, 1)]
    assert read(TensorType(float32, (2, 5)), lambda x: x[None]).parts[0].merged() == [(10, 1, 1)]
    assert read(TensorType(float32, ()), lambda x: x).parts[0].merged() == [(1, 1, 1)]


def test_only_the_border_around_a_block_is_filled() -> None:
    out = TensorType(float32, (4, 5))
    gaps = list(write(out, lambda y: y[1:3, 2:], fill=0).gaps([out]))
    assert sum(g.size for g in gaps) == out.size - 2 * 3
