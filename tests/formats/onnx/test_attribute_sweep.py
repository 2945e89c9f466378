"""Single nodes over attributes, known and unknown axes and dtypes: as ONNX Runtime, or refused by name.

Tests `formats/onnx/conv.py`, `formats/onnx/pool.py`, `formats/onnx/norm.py`, `formats/onnx/reduce.py`,
`formats/onnx/resize.py`, `formats/onnx/shape.py`, `formats/onnx/elementwise.py` and
`formats/onnx/quantise.py`.
"""

from __future__ import annotations

import warnings
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")
ort = pytest.importorskip("onnxruntime", reason="needs ONNX Runtime as the oracle")

from support.onnx_sweep import Case, cases  # noqa: E402

import minigraph as tf  # noqa: E402
from minigraph.core.errors import MinigraphError  # noqa: E402
from minigraph.onnx import UnsupportedError, load  # noqa: E402

CASES = list(cases())
KINDS = sorted({case.kind for case in CASES})
FEEDS = ("known", "unknown", "constant")  # how the first input is given

# Refusals, whether the axes of the first input are known or not.
REFUSED = {
    "ReduceL2": "'Sqrt' does not take int32",
    "ReduceLogSum": "'Log' does not take int32",
    "ReduceLogSumExp": "'IsFinite' does not take int32",
}

Arrays = list[npt.NDArray[np.generic]]


def computed(case: Case, feed: str, like: Arrays) -> Arrays:
    with tf.Graph().as_default():
        found = load(case.model(feed, like), variables=False)
        with tf.Session(backend="numpy", optimize="O0") as session:
            feeds = dict.fromkeys(found.inputs.values(), case.inputs[0])
            return [np.asarray(a) for a in session.run(list(found.outputs.values()), feeds)]


def fault(case: Case, feed: str, wanted: Arrays | None) -> str:
    """What is wrong with a case; empty if it is right, or clearly refused."""
    data = case.inputs[0]
    assert data is not None
    try:
        found = computed(case, feed, wanted or [data] * case.outputs)
    except UnsupportedError as error:
        stated = wanted is None or REFUSED.get(case.kind, "?") in str(error)
        return "" if stated and f"'the_node' ({case.kind})" in str(error) else f"refused: {error}"
    except Exception as error:  # any other exception is a fault, except where ONNX Runtime fails as well
        return "" if wanted is None and isinstance(error, MinigraphError) else f"{type(error).__name__}: {error}"
    for mine, theirs in zip(found, wanted or (), strict=False):
        if (mine.dtype, mine.shape) != (theirs.dtype, theirs.shape):
            return f"{mine.dtype}{mine.shape}, not {theirs.dtype}{theirs.shape}"
        error = 2e-3 if mine.dtype == np.float16 else 1e-5
        if not np.allclose(mine, theirs, error, error, equal_nan=True):
            return f"{mine.ravel()[:5]}, not {theirs.ravel()[:5]}"
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_as_onnx_runtime(kind: str) -> None:
    faults = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for case in (c for c in CASES if c.kind == kind):
            wanted = case.expected()
            found = {feed: fault(case, feed, wanted) for feed in FEEDS}
            faults += [f"{case} {feed}: {text}" for feed, text in found.items() if text]
    assert not faults, "\n".join(faults)


def test_enough_cases() -> None:
    assert len(CASES) >= 1500
    assert len({str(case) for case in CASES}) == len(CASES)


# Before operator set 7, for which ONNX Runtime has no kernels.

A = np.arange(24, dtype=np.float32).reshape(2, 3, 4) + 1
OLD = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power, "Greater": np.greater}


@pytest.mark.parametrize(("kind", "feed"), list(product(OLD, FEEDS)))
def test_old_broadcasting(kind: str, feed: str) -> None:
    for axis, shape in (
        (None, (4,)),
        (None, (3, 4)),
        (0, (2,)),
        (0, (2, 3)),
        (1, (3,)),
        (1, (3, 4)),
        (2, (4,)),
        (0, ()),
    ):
        second = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape) / 4 + 1
        given = {} if axis is None else {"axis": axis}
        place = 3 - len(shape) if axis is None else axis
        wanted = OLD[kind](A, second.reshape(shape + (1,) * (3 - len(shape) - place)))
        (found,) = computed(Case(kind, 6, [A, second], {"broadcast": 1, **given}), feed, [wanted])
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_old_operators_without_broadcasting() -> None:
    with pytest.raises(UnsupportedError, match="broadcast=0 takes operands of one shape"):
        computed(Case("Add", 6, [A, A[0]]), "known", [A])
    (found,) = computed(Case("Add", 6, [A, A]), "known", [A])
    np.testing.assert_array_equal(found, A + A)


def test_old_padding() -> None:
    wanted = np.pad(A, ((0, 0), (1, 0), (0, 2)))
    (found,) = computed(Case("Pad", 1, [A], {"paddings": [0, 1, 0, 0, 0, 2]}), "known", [wanted])
    np.testing.assert_array_equal(found, wanted)


def test_old_slopes_belong_to_channels() -> None:
    slope = np.array([0.1, 0.2, 0.3], np.float32)
    (found,) = computed(Case("PRelu", 6, [-A, slope]), "known", [A])
    np.testing.assert_allclose(found, -A * slope[:, None], rtol=1e-6)


@pytest.mark.parametrize(
    ("case", "attribute"),
    [
        (Case("BatchNormalization", 7, [A, *[np.ones(3, np.float32)] * 4], {"spatial": 0}), "spatial=0"),
        (Case("BatchNormalization", 7, [A, *[np.ones(3, np.float32)] * 4], {}, 5), "more than one output"),
        (Case("Pad", 13, [A, np.zeros(4, np.int64)]), "do not fit together"),
        (Case("MaxPool", 12, [A], {"kernel_shape": [2], "strides": [0]}), "positive numbers"),
        (Case("Pad", 13, [A, np.zeros(6, np.int64)], {"mode": "mirror"}), "mode 'mirror'"),
        (Case("Slice", 13, [A, *(np.array([n]) for n in (0, 1, 0, 0))]), "steps"),
        (
            Case("GroupNormalization", 21, [A, *[np.ones(3, np.float32)] * 2], {"num_groups": 1, "stash_type": 10}),
            "stash",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_attributes_without_effect_are_refused(case: Case, attribute: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"'the_node' \({case.kind}\): .*{attribute}"):
        computed(case, "known", [A] * case.outputs)
