"""ONNX Runtime as an oracle. A test file imports it by `from support import onnx_runtime` and is skipped without it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

ort = pytest.importorskip("onnxruntime", reason="needs ONNX Runtime as the oracle")


def session_of(model: Any, optimised: bool = True) -> Any:
    """A session for an ONNX model, given as a file or a ModelProto; it reports errors only.

    Optimised, quantised networks are computed on integers. On processors without VNNI, sums of two products of uint8
    and int8 would saturate in int16; the entry below avoids that, but some networks cannot be opened with it.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 3
    if optimised:
        options.add_session_config_entry("session.x64quantprecision", "1")
    else:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    source = str(model) if isinstance(model, (str, Path)) else model.SerializeToString()
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def evaluate(model: Any, feeds: Mapping[str, Any], optimised: bool = True) -> list[Any]:
    """The outputs of an ONNX model, given as a file or a ModelProto."""
    return list(session_of(model, optimised).run(None, dict(feeds)))
