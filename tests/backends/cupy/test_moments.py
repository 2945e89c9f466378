"""Mean and variance in one pass: as close to the exact ones as two passes come, for all shapes and offsets."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from gpu.some_device import has_device, some_device
from gpu.trials import trials

from minigraph.backends.cupy.backend import CupyBackend
from minigraph.core.dtypes import as_dtype
from minigraph.core.types import TensorType
from minigraph.ir.moments import Moments

pytestmark = pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")


@pytest.mark.parametrize("shape", [(1, 2), (7, 3), (64, 33), (65, 40), (5, 9, 13, 70), (3000, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments_are_those_of_the_definition(shape: tuple[int, ...], dtype: str) -> None:
    x = np.random.RandomState(0).randn(*shape).astype(dtype)
    for trial in trials(CupyBackend(some_device()), Moments(), [x]):
        trial.run()


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4])
def test_one_pass_is_as_accurate_as_two_in_float32(offset: float) -> None:
    """Also where the mean is large beside the deviations, which a sum of squares would lose; and after a ramp."""
    backend, random = CupyBackend(some_device()), np.random.RandomState(1)
    x = (random.randn(4000, 6) + offset + np.linspace(0, 1, 4000)[:, None]).astype(np.float32)
    kind = TensorType(as_dtype("float32"), (1, 6))
    code = backend.lower(Moments(), [TensorType(as_dtype("float32"), x.shape)], [kind, kind])
    (trial, *_) = trials(backend, Moments(), [x], tolerance=1.0)
    trial.run()
    assert code.workspace
    mean, variance = (np.asarray(backend.read(v)).ravel() for v in trial.outputs if v is not None)
    exact = x.astype(np.float64)
    two_passes = np.square(x - x.mean(0, keepdims=True)).mean(0)
    allowed = 2 * np.abs(two_passes - exact.var(0)).max() + 1e-6
    np.testing.assert_allclose(mean, exact.mean(0), rtol=2e-7, atol=1e-6)
    np.testing.assert_allclose(variance, exact.var(0), atol=allowed, rtol=0)


@pytest.mark.parametrize("rows", [0, 64, 3000])
def test_moments_of_nothing_are_nan_and_those_of_one_large_number_finite(rows: int) -> None:
    backend, x = CupyBackend(some_device()), np.full((rows, 3), 2.0**124, np.float32)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        (trial, *_) = trials(backend, Moments(), [x])
    for view in trial.views:
        backend.write(view, x)
    trial.launch()
    mean, variance = (np.asarray(backend.read(v)).ravel() for v in trial.outputs if v is not None)
    if rows:
        assert mean.tolist() == [2.0**124] * 3
        assert variance.tolist() == [0.0] * 3
    else:
        assert np.isnan([mean, variance]).all()


def test_one_infinite_element_spoils_its_column_only() -> None:
    backend, x = CupyBackend(some_device()), np.random.RandomState(2).randn(100, 3).astype(np.float32)
    want = Moments().forward(np, x)
    (trial, *_) = trials(backend, Moments(), [x])
    x[50, 1] = np.inf
    trial.inputs[0][:] = x
    for view, value in zip(trial.views, trial.inputs, strict=True):
        backend.write(view, value)
    trial.launch()
    for view, exact in zip(trial.outputs, want, strict=True):
        assert view is not None
        found = np.asarray(backend.read(view)).ravel()
        np.testing.assert_allclose(found[[0, 2]], exact.ravel()[[0, 2]], rtol=1e-5, atol=1e-6)
        assert not np.isfinite(found[1])
