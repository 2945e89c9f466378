"""What every op must satisfy, checked on the sample cases of the whole registry.

Tests `core/op.py` and `ops/`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from support.evaluate import Case, check_gradients, import_ops

from minigraph.core import dtypes
from minigraph.core.dtypes import as_dtype
from minigraph.core.op import REGISTRY, Op, Sample, attribute_key
from minigraph.core.scalar import evaluate, operand
from minigraph.core.types import TensorType, compatible
from minigraph.ops.broadcast import BroadcastLike, ReduceLike
from minigraph.ops.builder import apply_all
from minigraph.ops.host.summary import SummaryOp

import_ops()
OPS = {name: kind for name, kind in REGISTRY.items() if kind.__module__.startswith("minigraph.ops.")}
# Without samples: ops whose value the session supplies, ops that run between two plans (see test_staging), and ops that
# give strings (see test_summary).
UNSAMPLED = {
    name for name, kind in OPS.items() if kind.forward is Op.forward or kind.staged or issubclass(kind, SummaryOp)
}
CASES = [
    (sample, f"{name}-{i}")
    for name, kind in OPS.items()
    if name not in UNSAMPLED
    for i, sample in enumerate(kind.samples())
]
SAMPLES = [pytest.param(sample, id=case) for sample, case in CASES]
DIFFERENTIABLE = [pytest.param(s, id=case) for s, case in CASES if s.smooth and s.op.differentiable]

each_sample = pytest.mark.parametrize("sample", SAMPLES)


def type_of(array: Any) -> TensorType:
    return TensorType(as_dtype(array.dtype), array.shape)


def types_of(sample: Sample) -> list[TensorType]:
    """The types that inference sees: the state cell of a random op is appended by the compiler."""
    return [type_of(a) for a in (sample.inputs[:-1] if sample.op.draws else sample.inputs)]


def run(op: Op, inputs: Sequence[Any]) -> list[np.ndarray]:
    """The forward values; inputs are write-protected, for a reference must not change them."""
    arrays = [np.array(a) for a in inputs]
    for array in arrays:
        array.flags.writeable = False
    with np.errstate(all="ignore"):
        return [np.asarray(r) for r in op.forward(np, *arrays)]


def same(found: Sequence[np.ndarray], expected: Sequence[np.ndarray], tolerance: float = 1e-13) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", OPS)
def test_an_op_has_samples_and_a_docstring(name: str) -> None:
    assert (OPS[name].__dict__.get("__doc__") or "").strip(), f"{name} has no docstring"
    assert bool(list(OPS[name].samples())) is (name not in UNSAMPLED)


@pytest.mark.parametrize("name", OPS)
def test_an_op_has_a_gradient_or_is_declared_without(name: str) -> None:
    kind = OPS[name]
    has_vjp = kind.vjp is not Op.vjp
    assert has_vjp is (kind.differentiable and name != "VariableV2")


@each_sample
def test_static_inference_gives_the_run_time_types(sample: Sample) -> None:
    inferred = sample.op.infer(*types_of(sample))
    found = [type_of(r) for r in run(sample.op, sample.inputs)]
    assert len(found) == len(inferred)
    for actual, expected in zip(found, inferred, strict=True):
        assert actual.dtype is expected.dtype
        assert compatible(actual.shape, expected.shape)
    if all(t.is_static for t in inferred):
        assert found == list(inferred)
    else:  # its shape is a value, so only the specialised op knows it
        assert sample.op.specialise(types_of(sample), list(sample.inputs))[0] != sample.op


def blur(shape: tuple[int, ...]) -> Iterator[tuple[int | None, ...] | None]:
    """What may be known of a shape: nothing, the rank, all but one dimension."""
    yield None
    yield (None,) * len(shape)
    for axis in range(len(shape)):
        yield (*shape[:axis], None, *shape[axis + 1 :])


@each_sample
def test_inference_from_less_is_compatible(sample: Sample) -> None:
    known = types_of(sample)
    exact = sample.op.infer(*known)
    choices = [[(i, s)] for i, t in enumerate(known) for s in blur(t.static)]
    choices += [list(enumerate([None] * len(known))), [(i, (None,) * len(t.static)) for i, t in enumerate(known)]]
    for choice in choices:
        blurred = list(known)
        for position, shape in choice:
            blurred[position] = TensorType(known[position].dtype, shape)
        for less, more in zip(sample.op.infer(*blurred), exact, strict=True):
            assert less.dtype is more.dtype
            assert compatible(less.shape, more.shape), f"{less} from {blurred}, {more} from {known}"


def single(array: Any) -> Any:
    return array.astype(np.float32) if array.dtype == np.float64 else array


@each_sample
def test_float32_stays_float32(sample: Sample) -> None:
    narrow = sample._replace(inputs=tuple(map(single, sample.inputs)))
    inferred = narrow.op.infer(*types_of(narrow))
    wide, found = run(sample.op, sample.inputs), run(narrow.op, narrow.inputs)
    for actual, expected, reference in zip(found, inferred, wide, strict=True):
        assert actual.dtype == expected.dtype.np_dtype
        np.testing.assert_allclose(actual, reference, rtol=1e-4, atol=1e-5)


@each_sample
def test_scalars_and_empty_inputs_keep_their_dtype(sample: Sample) -> None:
    """Python scalars beside 0-d arrays are where NumPy widens."""
    if (not sample.op.fields or sample.op.writes) and all(a.dtype.kind == "f" for a in sample.inputs):
        for shape in ((), (0,)):
            arrays = [np.full(shape, 0.5, np.float32)] * len(sample.inputs)
            try:
                inferred = sample.op.infer(*map(type_of, arrays))
            except ValueError:
                continue  # it needs a rank
            same_types = [type_of(r) for r in run(sample.op, arrays)]
            assert same_types == list(inferred)


@each_sample
def test_specialised_ops_agree_and_are_final(sample: Sample) -> None:
    known, inputs = types_of(sample), list(sample.inputs)
    consts = [a if a.dtype.kind in "iu" else None for a in inputs[: len(known)]]
    op, kept = sample.op.specialise(known, consts)
    cell = inputs[len(known) :]
    results = run(op, [inputs[i] for i in kept] + cell)
    same(results, run(sample.op, inputs))
    kept_types = [known[i] for i in kept]
    inferred = op.infer(*kept_types)
    assert all(t.is_static for t in inferred)
    assert [type_of(r) for r in results] == list(inferred)
    again, kept_again = op.specialise(kept_types, [consts[i] for i in kept])
    assert again == op
    assert kept_again == tuple(range(len(kept)))


def specialised(sample: Sample) -> tuple[Op, list[np.ndarray], list[TensorType]]:
    """The final op of a sample, its inputs, and their types."""
    known, inputs = types_of(sample), list(sample.inputs)
    consts = [a if a.dtype.kind in "iu" else None for a in inputs[: len(known)]]
    op, kept = sample.op.specialise(known, consts)
    arrays = [inputs[i] for i in kept] + inputs[len(known) :]
    return op, arrays, [type_of(a) for a in arrays]


@each_sample
def test_pieces_along_the_batch_make_up_the_whole(sample: Sample) -> None:
    op, inputs, known = specialised(sample)
    whole = run(op, inputs)
    how = op.batching(known, op.infer(*known))
    if how is None or not any(how.cut):
        return
    (size,) = {len(a) for a, cut in zip(inputs, how.cut, strict=True) if cut}
    for step in {1, max(size - 1, 1), size}:
        pieces = [slice(i, min(i + step, size)) for i in range(0, size, step)]
        parts = [
            run(op.for_batch(p.stop - p.start), [a[p] if c else a for a, c in zip(inputs, how.cut, strict=True)])
            for p in pieces
        ]
        joined = [
            np.sum(results, axis=0).astype(results[0].dtype) if is_sum else np.concatenate(results)
            for results, is_sum in zip(zip(*parts, strict=True), how.sums, strict=True)
        ]
        same(joined, whole)


@each_sample
def test_pointwise_ops_look_at_no_position(sample: Sample) -> None:
    op, inputs, known = specialised(sample)
    if not op.is_pointwise(known):
        return
    (whole,) = run(op, inputs)
    order = np.random.RandomState(0).permutation(whole.size)
    (found,) = run(op, [np.broadcast_to(a, whole.shape).ravel()[order] for a in inputs])
    same([found], [whole.ravel()[order]])


@each_sample
def test_scalar_expressions_give_the_elements(sample: Sample) -> None:
    op, inputs, known = specialised(sample)
    if not op.is_pointwise(known):
        return
    expression = op.expr(*(operand(i, t.dtype) for i, t in enumerate(known)))
    (whole,) = run(op, inputs)
    assert expression.dtype is op.infer(*known)[0].dtype
    with np.errstate(all="ignore"):
        found = np.broadcast_to(np.asarray(evaluate(expression, inputs, np)), whole.shape)
    same([found], [whole])


@each_sample
def test_ops_that_only_sum_give_the_sum_over_their_axes(sample: Sample) -> None:
    op, inputs, known = specialised(sample)
    axes = op.summed_axes(known)
    if axes is not None:
        (whole,) = run(op, inputs)
        same([np.sum(inputs[0], axis=axes).reshape(whole.shape).astype(whole.dtype)], [whole])


def build(op: Op) -> Callable[..., Any]:
    return lambda *inputs: apply_all(op, *inputs)


@pytest.mark.parametrize("sample", DIFFERENTIABLE)
def test_gradients_against_finite_differences(sample: Sample) -> None:
    check_gradients(build(sample.op), sample.inputs, order=2, tolerance=sample.tolerance)


@pytest.mark.parametrize("sample", DIFFERENTIABLE)
def test_gradients_do_not_depend_on_what_is_known_of_shapes(sample: Sample) -> None:
    cases = [Case(build(sample.op), sample.inputs, dims=dims) for dims in (np.shape, lambda a: [None] * a.ndim)]
    (_, exact), (_, blurred) = (case.differentiate(case.outputs) for case in cases)
    assert [g is None for g in exact] == [g is None for g in blurred]
    found = [case.values([g for g in e if g is not None]) for case, e in zip(cases, (exact, blurred), strict=True)]
    same(found[0], found[1])


def test_adjoints_of_broadcasts_over_negative_and_kept_axes() -> None:
    like, vector = np.ones((2, 3, 4)), np.arange(12.0).reshape(3, 4)
    for axis, small in (((-3,), vector), ((0, 2), np.arange(3.0)), ((-1,), np.ones((2, 3, 1))), (None, np.array(2.0))):
        for mean in (False, True):
            (spread,) = run(BroadcastLike(axis, mean), [small, like])
            (back,) = run(ReduceLike(axis, mean), [like, small])
            assert spread.shape == like.shape
            assert np.isclose(np.sum(spread * like), np.sum(back * small))


# records


@each_sample
def test_a_record_is_frozen_and_rebuilt_from_its_repr(sample: Sample) -> None:
    op = sample.op
    names = {"array": np.array, "tf": dtypes, "TensorType": TensorType, **REGISTRY}
    assert eval(repr(op), {}, names) == op
    again = op.replace()
    assert again == op
    assert hash(again) == hash(op)
    with pytest.raises(AttributeError):
        op.strides = 3


class Probe(Op, abstract=True):
    """A record with one attribute."""

    value: Any


def test_keys_tell_equal_looking_values_apart() -> None:
    values = [
        0.0, -0.0, 0, False, 1, True, 1.0, "1", None, (1,), (True,), (1.0,), (0.0,), (-0.0,), ((-0.0,),), ((0.0,),),
        np.zeros(1), -np.zeros(1), np.zeros(1, np.float32), np.zeros((1, 1)), np.zeros(1, np.int64),
        np.float32(0.0), np.float32(-0.0), dtypes.float32, dtypes.float64,
    ]  # fmt: skip
    records = [Probe(v) for v in values]
    assert len(set(records)) == len(values)
    assert len({attribute_key(v) for v in values}) == len(values)
    nan = float("nan")
    assert Probe(nan) == Probe(float("nan"))
    assert Probe(np.float32(nan)) == Probe(np.float32(nan))
    assert Probe(1.5) == Probe(1.5)
    assert Probe(np.arange(3)) == Probe(np.arange(3))
    assert Probe(1) != types.SimpleNamespace(value=1)


def test_a_record_takes_its_attributes_once_and_by_name() -> None:
    for args, kwargs in (((), {}), ((1, 2), {}), ((1,), {"value": 2}), ((), {"value": 1, "other": 2})):
        with pytest.raises(TypeError):
            Probe(*args, **kwargs)
