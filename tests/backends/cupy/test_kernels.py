"""Every emitted CUDA kernel, run on the CPU, against its op's reference; all of them through the real compiler too.

Tests `backends/cupy/data.py`, `backends/cupy/grouped.py`, `backends/cupy/image.py`, `backends/cupy/loop.py`,
`backends/cupy/matmul.py`, `backends/cupy/moves.py`, `backends/cupy/reduce.py`, `backends/cupy/source.py`,
`backends/cupy/update.py` and `backends/cupy/windows.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu import registers
from gpu.host import COMPILER, SANITIZE, HostDevice
from gpu.some_device import has_device, some_device
from gpu.trials import kernels_of, large_cases, sample_cases, trials
from hypothesis import given, settings
from support.kernel_cases import randn, type_of
from support.paths import TESTS
from support.random_graphs import Case, evaluate, random_graphs
from support.strategies import convolutions, pools

from minigraph.backend import discovery as backends
from minigraph.backends.cupy import nvrtc
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.backends.cupy.emit import emit, module
from minigraph.backends.cupy.prelude import OPTIONS
from minigraph.core.dtypes import int32
from minigraph.core.op import REGISTRY, Op
from minigraph.ops.array.slicing import MirrorPad, MirrorPadGrad
from minigraph.ops.collective.collective import Collective
from minigraph.ops.image.edges import Hysteresis
from minigraph.ops.image.median import MedianFilter
from minigraph.ops.math.argmax import ArgMax
from minigraph.ops.math.cumulative import Cumsum
from minigraph.ops.math.reduce import Mean, Sum
from minigraph.ops.math.reduce_extremes import Max, Min
from minigraph.ops.math.reduce_product import Prod
from minigraph.ops.nn import conv2d as C
from minigraph.ops.nn.avg_pool import AvgPool, AvgPoolInputGrad
from minigraph.ops.nn.max_pool import MaxPool, MaxPoolGather, MaxPoolInputGrad

pytestmark = pytest.mark.skipif(not has_device(), reason="neither g++ nor a GPU is there")

HOST_CALLS = {name for name, kind in REGISTRY.items() if kind.on_host}
STEPS = "test_backend.py"  # whose steps have kernels that no op has alone
Conv2DFilterGrad: Any = C.Conv2DFilterGrad
Conv2DInputGrad: Any = C.Conv2DInputGrad
MaxPoolInputGrad: Any = MaxPoolInputGrad
AvgPoolInputGrad: Any = AvgPoolInputGrad


def check(op: Op, inputs: list[Any], tolerance: float | None = None) -> None:
    for trial in trials(CupyBackend(some_device()), op, inputs, tolerance):
        trial.run()
        trial.run()


def check_all(cases: list[tuple[str, Op, list[Any]]], tolerance: float | None, device: Any = None) -> None:
    """All kernels make one module, which is quicker to compile than many."""
    backend = CupyBackend(device or some_device())
    made = [(name, t) for name, op, inputs in cases for t in trials(backend, op, inputs, tolerance)]
    wrong = []
    for name, trial in made:
        try:
            trial.run()
            trial.run()
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)
    assert len(backend.kernels.sources) == 1


def test_samples_equal_the_reference() -> None:
    check_all(sample_cases(), None)


def test_reductions_of_every_dtype_compile_and_equal_the_reference() -> None:
    """The names of some types are several words in C."""
    kinds = [np.uint8, np.uint16, np.uint32, np.uint64, np.int8, np.int16, np.int32, np.int64, np.float16, np.float64]
    cases: list[tuple[str, Op, list[Any]]] = []
    for dtype in kinds:
        x = np.random.RandomState(0).randint(0 if np.dtype(dtype).kind == "u" else -9, 9, (5, 33, 3)).astype(dtype)
        made: list[Op] = [Sum((1,)), Max((1,)), Min((0, 1)), Prod((2,)), ArgMax(1, int32), Cumsum(1)]
        if np.dtype(dtype).kind == "f":
            made += [Mean((0,))]
        cases += [(f"{op} of {np.dtype(dtype)}", op, [x]) for op in made]
    check_all(cases, None)


@pytest.mark.slow
def test_large_and_odd_shapes_equal_the_reference() -> None:
    check_all(large_cases(), 2e-5)


few_or_many = pytest.mark.parametrize("examples", [5, pytest.param(50, marks=pytest.mark.slow)])


@pytest.mark.slow
@pytest.mark.skipif(SANITIZE, reason="this is it")
def test_no_kernel_leaves_its_arrays() -> None:
    """The kernel tests again, those of training steps too, with AddressSanitizer and UBSan in the kernels."""
    names = [f"lib{n}.so" for n in ("asan", "ubsan")] + ["libstdc++.so.6"]
    ask = [str(COMPILER), *(f"-print-file-name={n}" for n in names)]
    found = [subprocess.run([ask[0], a], capture_output=True, text=True, check=True).stdout.strip() for a in ask[1:]]
    if not all(Path(path).is_absolute() for path in found):
        pytest.skip("g++ has no sanitizers")
    setting = {"LD_PRELOAD": " ".join(found), "ASAN_OPTIONS": "detect_leaks=0", "MINIGRAPH_SANITIZE": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", "-m", "slow or not slow"]
    chosen = ["-k", "(equal or follows or bit_for_bit) and not 50", __file__, str(Path(__file__).with_name(STEPS))]
    done = subprocess.run([*command, *chosen], env=os.environ | setting, capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]


def test_a_write_beyond_the_end_is_found() -> None:
    """The sanitizer that the test above relies on does its work."""
    source = 'extern "C" __global__ void bad(float* y0) { y0[blockIdx.x] = 1.0f; }'
    program = (
        "from gpu.host import HostDevice; from minigraph.backends.cupy.kernel import CudaKernel\n"
        f"kernel = CudaKernel('bad', {source!r}, 5, 1); device = HostDevice(True); buffer = device.allocate(16)\n"
        "device.compile(kernel.source, [kernel])['bad']((buffer.pointer,))"
    )
    library = subprocess.run([str(COMPILER), "-print-file-name=libasan.so"], capture_output=True, text=True).stdout
    if not Path(library.strip()).is_absolute():
        pytest.skip("g++ has no sanitizers")
    setting = {"LD_PRELOAD": library.strip(), "ASAN_OPTIONS": "detect_leaks=0"}
    folder = TESTS
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | setting, capture_output=True, text=True, cwd=folder
    )
    assert "heap-buffer-overflow" in done.stderr


@pytest.mark.parametrize(
    "architecture",
    ["sm_80", *(pytest.param(f"sm_{n}", marks=pytest.mark.slow) for n in (75, 86, 89, 90, 100, 120))],
)
def test_nvrtc_compiles_every_kernel_within_limits(architecture: str) -> None:
    library = nvrtc.find()
    if library is None:
        pytest.skip("the wheel nvidia-cuda-nvrtc is not installed")
    kernels = [*kernels_of([*sample_cases(), *large_cases()]), *registers.training_step()]
    found = registers.registers(kernels, architecture)
    assert set(found) == {k.name for k in kernels}
    assert registers.beyond_limits(found) == []
    source = module(kernels[:1])
    with pytest.raises(nvrtc.CompileError, match="undefined"):
        nvrtc.compile(library, source + "int f() { return nothing; }", architecture, OPTIONS)


def test_every_op_is_emitted_or_a_known_host_call() -> None:
    backend = CupyBackend(HostDevice())
    found, seen = set(), set()
    for _, op, inputs in sample_cases():
        seen.add(type(op).__name__)
        types = [type_of(a) for a in inputs]
        lowered = backend.lower(op, types, op.infer(*types))
        emitted = isinstance(op, Collective) or emit(op, types, op.infer(*types)) is not None
        assert lowered.fallback != emitted
        if lowered.fallback:
            found.add(type(op).__name__)
    assert found == HOST_CALLS & seen


@few_or_many
def test_convolutions_equal_the_reference(examples: int) -> None:
    @settings(max_examples=examples)
    @given(convolutions())
    def run(case: Any) -> None:
        op, x, w = case
        image, filters, delta = randn(*x), randn(*w), randn(*op.out_shape(x, w))
        backend = CupyBackend(some_device())
        forms = [
            (op, [image, filters]),
            (Conv2DFilterGrad(*op.attributes, w), [image, delta]),
            (Conv2DInputGrad(*op.attributes, x), [filters, delta]),
        ]
        for trial in [t for each, inputs in forms for t in trials(backend, each, inputs)]:
            trial.run()

    run()


def test_convolutions_of_many_groups_equal_the_reference() -> None:
    """Depthwise, and more than one channel in and out of a group."""
    cases: list[tuple[str, Op, list[Any]]] = []
    for groups, depth, fan in ((9, 1, 1), (8, 1, 2), (8, 3, 2)):
        op = C.Conv2D((2, 1), ((1, 0), (2, 1)), (1, 2), groups)
        image, filters = randn(2, 6, 7, groups * depth), randn(3, 2, depth, groups * fan)
        delta = randn(*op.out_shape(image.shape, filters.shape))
        cases.append(("forward", op, [image, filters]))
        cases.append(("filter gradient", Conv2DFilterGrad(*op.attributes, filters.shape), [image, delta]))
        cases.append(("input gradient", Conv2DInputGrad(*op.attributes, image.shape), [filters, delta]))
    device = some_device()
    check_all(cases, None, device)
    assert "gemm" not in getattr(device, "log", ())


def test_convolution_in_pieces_equals_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigraph.backends.cupy.conv.LIMIT", 1 << 12)
    op = C.Conv2D((1, 1), ((1, 1), (1, 1)))
    image, filters = randn(5, 6, 5, 3), randn(3, 3, 3, 4)
    delta = randn(*op.out_shape(image.shape, filters.shape))
    check(op, [image, filters])
    check(Conv2DFilterGrad(*op.attributes, filters.shape), [image, delta])
    check(Conv2DInputGrad(*op.attributes, image.shape), [filters, delta])


@few_or_many
def test_pooling_equals_the_reference(examples: int) -> None:
    @settings(max_examples=examples)
    @given(pools())
    def run(case: Any) -> None:
        attributes, shape = case
        image = np.round(randn(*shape))  # with ties
        y, where = MaxPool(*attributes).forward(np, image)
        delta = randn(*y.shape)
        backend = CupyBackend(some_device())
        forms: list[tuple[Op, list[Any]]] = [
            (MaxPool(*attributes), [image]),
            (MaxPoolInputGrad(*attributes, shape), [where, delta]),
            (MaxPoolGather(*attributes), [image, where]),
            (AvgPool(*attributes), [image]),
            (AvgPoolInputGrad(*attributes, shape), [delta]),
        ]
        for trial in [t for each, inputs in forms for t in trials(backend, each, inputs)]:
            trial.run()

    with np.errstate(invalid="ignore"):
        run()


@pytest.fixture
def on_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions with the backend cupy run on some device."""
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(some_device()))


@few_or_many
@pytest.mark.usefixtures("on_device")
def test_random_graphs_equal_numpy(examples: int) -> None:
    @settings(max_examples=examples)
    @given(random_graphs())
    def run(case: Case) -> None:
        for a, b in zip(evaluate(case), evaluate(case, backend="cupy"), strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)

    run()


def test_mirrored_borders_wider_than_the_array_and_their_gradient_equal_the_reference() -> None:
    paddings = ((2, 1), (0, 0), (4, 5))
    for mode in ("REFLECT", "SYMMETRIC"):
        check(MirrorPad(paddings, mode), [randn(3, 2, 6)])
        check(MirrorPadGrad(paddings, mode), [randn(6, 2, 15)])
        check(MirrorPad(((3, 4),), mode), [randn(2)])


def test_hysteresis_follows_a_long_path() -> None:
    """A spiral, of which only the innermost pixel is strong: each round adds a little."""
    weak = np.zeros((2, 41, 43, 2), bool)
    for k in range(0, 20, 2):
        weak[0, k, max(k - 2, 0) : 43 - k, 1] = weak[0, k : 41 - k, 42 - k, 1] = True
        weak[0, 40 - k, k : 43 - k, 1] = weak[0, k + 2 : 41 - k, k, 1] = True
    strong = np.zeros(weak.shape, bool)
    strong[0, 18, 17, 1] = strong[1, 3, 3, 0] = True
    assert (0, 18, 17, 1) in {tuple(p) for p in np.argwhere(weak)}
    check(Hysteresis(), [weak, strong])


def test_medians_with_nan_equal_the_reference() -> None:
    x = np.round(randn(2, 7, 5, 2), 1).astype(np.float32)
    x[0, 2:4, 1:3] = np.nan
    for border in ("replicate", "shrink"):
        check(MedianFilter((3, 5), border), [x])
