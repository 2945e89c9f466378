"""The ONNX project's node tests: how many pass, and that docs/onnx.md says so.

Tests `formats/onnx/`.
"""

from __future__ import annotations

import re
import unittest

import pytest

onnx = pytest.importorskip("onnx", reason="needs the onnx package")

from onnx.backend.test import runner  # noqa: E402
from onnx.backend.test.loader import load_model_tests  # noqa: E402
from support import onnx_suite  # noqa: E402

from minigraph.onnx import Backend  # noqa: E402

# They divide by a length with a fraction; the standard's formula, ONNX Runtime and PyTorch divide by the whole length.
FRACTIONS = {f"test_resize_downsample_scales_{mode}_align_corners" for mode in ("linear", "cubic")}
RUN = re.compile("test_(conv|relu|lstm|gru|maxpool_2d|softmax_axis|resize_upsample_scales_nearest)")  # by ONNX itself
TRAINING = {f"test_training_dropout{end}" for end in ("", "_default", "_mask", "_default_mask")}


@pytest.fixture(scope="module")
def cases() -> list[onnx_suite.Case]:
    return onnx_suite.run_cases()


def test_operators_for_networks_are_supported(cases: list[onnx_suite.Case]) -> None:
    needed = (
        "Add AveragePool BatchNormalization Clip Concat Conv ConvTranspose DepthToSpace Elu Flatten Gather Gemm "
        "GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish InstanceNormalization LRN LayerNormalization LeakyRelu "
        "LogSoftmax MatMul MaxPool Mul PRelu Pad Relu Reshape Resize Selu Shape Sigmoid Slice Softmax Split Squeeze "
        "Tanh Transpose Unsqueeze Upsample"
    )
    failed = {c.operator for c in cases if c.error and not c.lacks_dtype and c.name not in FRACTIONS}
    assert set(needed.split()) <= onnx_suite.supported(cases) - failed


def test_share_of_supported_operators(cases: list[onnx_suite.Case]) -> None:
    known = onnx_suite.supported(cases)
    mine = [c for c in cases if c.operator in known]
    failed = sorted(c.name for c in mine if c.error)
    assert len(known) >= 140
    assert len(failed) <= 0.02 * len(mine), failed
    assert sum(not c.error for c in cases) >= 0.97 * len(cases)
    assert set(failed) >= TRAINING | FRACTIONS  # failures are counted, not passed over


def test_docs_say_so(cases: list[onnx_suite.Case]) -> None:
    """The table is what `python tests/support/onnx_suite.py` writes; other releases of onnx have other tests."""
    if f"With onnx {onnx.__version__}:" not in onnx_suite.written():
        pytest.skip(f"the table is of another release of onnx than {onnx.__version__}")
    assert onnx_suite.written() == onnx_suite.table(cases)


@pytest.mark.filterwarnings("ignore")
def test_onnxs_own_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = [case for case in load_model_tests(kind="node") if RUN.match(case.name)]
    monkeypatch.setattr(runner, "load_model_tests", lambda kind: nodes if kind == "node" else [])
    result = unittest.TestResult()
    runner.Runner(Backend, "minigraph_onnx_tests").include(r"_cpu$").test_suite.run(result)
    wrong = result.failures + result.errors
    assert not wrong, wrong[0][1]
    assert result.testsRun - len(result.skipped) >= 20
