"""The script for a machine with a GPU, on a machine without one: its parts on a stand-in, and how it bears failures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu import benchmark, jobs, report
from gpu.fake_cudnn import FakeCudnn
from gpu.host import COMPILER, HostDevice
from gpu.layout import lay_out
from gpu.some_device import has_gpu
from support.paths import TESTS

from minigraph.backend import discovery as backends
from minigraph.backends.cupy.backend import CupyBackend

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="g++ is not installed")

MISBEHAVING = """
import os, signal, sys, time
sys.path.insert(0, {tests!r})
from gpu.jobs import Part, serve

def hang():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(60)

def wrong(): raise ValueError("a reason")
def made():
    named = [("first", lambda: 1), ("crash", lambda: os.abort()), ("wrong", wrong)]
    named += [("slow", lambda: time.sleep(30)), ("last", lambda: {{"a": 2}})]
    return [*named, ("hang", hang), ("known", lambda: 0)]

raise SystemExit(serve(Part("p", made, 60, 0.5), *sys.argv[2:]))
"""

STAND_IN = """
import sys
sys.path.insert(0, {tests!r})
from gpu import report
from gpu.fake_cudnn import FakeCudnn
from gpu.host import HostDevice
from minigraph.backend import discovery as backends
from minigraph.backends.cupy import device
from minigraph.backends.cupy.backend import CupyBackend

device.CudaDevice = HostDevice
HostDevice.describe = lambda self: "a stand-in"
backends._loaded["cupy"] = CupyBackend(HostDevice(cudnn=FakeCudnn()))
raise SystemExit(report.serve(sys.argv[1:]))
"""


def script(folder: Path, text: str) -> Sequence[str]:
    path = folder / "serve.py"
    path.write_text(text.format(tests=str(TESTS)))
    return sys.executable, str(path)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_job_that_fails_crashes_or_hangs_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(jobs, "GRACE", 4)
    part = jobs.Part("p", list, 60, 0.5, processes)
    results = jobs.run(part, script(tmp_path, MISBEHAVING), 60, ["known"])
    assert results.found["first"] == 1
    assert results.found["last"] == {"a": 2}
    assert "ended with -6" in results.found["crash"]["failed"]
    assert results.found["wrong"]["failed"] == "ValueError: a reason"
    assert "TimeoutError" in results.found["slow"]["failed"]
    assert "no sign of life" in results.found["hang"]["failed"]
    assert "known" not in results.found
    assert (results.left, results.failed) == ([], [])


def test_jobs_end_when_their_time_is_over(tmp_path: Path) -> None:
    text = MISBEHAVING.replace("60, 0.5", "60, 50").replace("os.abort()", "3")
    start = time.monotonic()
    results = jobs.run(jobs.Part("p", list, 2, 50), script(tmp_path, text), 60)
    assert time.monotonic() - start < 20
    assert set(results.left) <= {"first", "crash", "wrong", "last", "hang", "known"}
    assert "last" in results.left or results.failed


def test_the_layout_without_an_installation_has_metadata_and_wheels(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "other-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("other.py", "here = True\n")
    lay_out(tmp_path / "site", wheels)
    program = (
        "import other; from importlib.metadata import entry_points, version; from minigraph.backends.cupy import *; "
        "import minigraph.models.registry; found = entry_points(group='minigraph.backends'); "
        "print(other.here, CupyBackend.name, version('minigraph'), *sorted({e.name for e in found}))"
    )
    setting = os.environ | {"PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run([sys.executable, "-c", program], env=setting, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.split()[:2] == ["True", "cupy"], done.stderr
    assert {"cupy", "llvm", "numpy"} <= set(done.stdout.split()[3:])


@pytest.mark.slow
def test_the_script_runs_with_numpy_alone_and_without_an_installation(tmp_path: Path) -> None:
    """minigraph is found by links; each part says what is missing."""
    venv.create(tmp_path / "bare")
    python = tmp_path / "bare" / "bin" / "python"
    packages = next((tmp_path / "bare").glob("lib/python*/site-packages"))
    for pattern in ("numpy*", "threadpoolctl*"):
        for path in Path(np.__file__).parents[1].glob(pattern):
            (packages / path.name).symlink_to(path)
    command = [TESTS / "gpu" / "run.sh", tmp_path / "report.json"]
    done = subprocess.run(command, env=os.environ | {"PYTHON": str(python)}, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    found = json.loads((tmp_path / "report.json").read_text())
    assert list(found) == [part.name for part in report.PARTS]
    assert found["versions"]["minigraph"]
    assert "networkx" in found["versions"]["missing"]
    for part in ("training", "host_time"):
        assert "needs CuPy" in found[part]["failed"]
    for part in ("parity", "benchmark"):
        assert "needs CuPy" in found[part]["failed"][0]


@needs_compiler
@pytest.mark.skipif(has_gpu(), reason="it is for machines without a GPU")
def test_the_script_on_a_stand_in(tmp_path: Path) -> None:
    command = script(tmp_path, STAND_IN)
    path = tmp_path / "report.json"
    assert report.main([str(path), "--only", "versions,ladder"], command) == 0
    path.write_text(json.dumps(json.loads(path.read_text()) | {"training": {"kept": 1}}))
    assert report.main([str(path), "--only", "sanitizer", "--minutes", "0"], command) == 0
    found = json.loads(path.read_text())
    assert found["versions"]["device"] == "a stand-in"
    assert set(found["ladder"]) == {"fused", "plain", "im2col"}
    assert not any(r["wrong"] or r["next_rung"] or r["capture_declined"] for r in found["ladder"].values())
    assert all(r["block_error"] < 1e-5 for r in found["ladder"].values())
    assert found["training"] == {"kept": 1}


@needs_compiler
@pytest.mark.slow
@pytest.mark.skipif(has_gpu(), reason="it is for machines without a GPU")
def test_every_op_in_the_report_on_a_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "PARTS", [p._replace(processes=1, seconds=600) for p in report.PARTS])
    path = tmp_path / "report.json"
    report.main([str(path), "--only", "parity", "--minutes", "10"], script(tmp_path, STAND_IN))
    found = json.loads(path.read_text())["parity"]
    assert found["cases"] > 500
    assert found["wrong"] == {}
    assert "not_run" not in found


@needs_compiler
def test_the_script_s_parts_run_on_a_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minigraph.backends.cupy.device.CudaDevice", HostDevice)
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(HostDevice(cudnn=FakeCudnn())))
    monkeypatch.setattr(report, "STEPS", 3)
    monkeypatch.setenv("MINIGRAPH_CUDA_GRAPHS", "1")  # which the script changes
    report.check_ops(report.SANITIZED)
    trained = report.training()
    assert trained["eager_equals_captured"]
    assert trained["capture_declined"] is None
    assert trained["largest_relative_error"] < 1e-5


@needs_compiler
@pytest.mark.slow
def test_the_script_s_parts_with_whole_networks_run_on_a_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(backends._loaded, "cupy", CupyBackend(HostDevice()))
    assert all(0 < each["error"] < each["bar"] for each in report.products().values())
    found = report.network_errors("mnist-cnn", 2)
    assert all(each["logits"] < each["bar"] for each in found.values())
    assert found["float32"]["gradients"] < 1e-5
    timed = benchmark.host_time("mnist-cnn", 2, 2)
    assert timed["capture_declined"] is None
    assert timed["microseconds"] > 0
    row = benchmark.Row("lenet5-modern", 2, True, 0.5)
    monkeypatch.setattr(benchmark, "ROUNDS", 1)
    ours = benchmark.ours(row, "float32")
    assert ours["capture_declined"] is None
    assert benchmark.first_run(row, "tf32")["seconds"] > 0


def test_the_table_has_the_ratio_to_the_best_that_was_measured() -> None:
    label = benchmark.ROWS[0].label("float32")
    found: dict[str, Any] = {
        f"{label}: minigraph": {"seconds": 2.0},
        f"{label}: torch eager, contiguous": {"seconds": 8.0},
        f"{label}: torch captured, contiguous": {"seconds": 4.0},
        f"{label}: torch compiled, contiguous": {"not_measured": "a reason"},
    }
    row = benchmark.table(found)[label]
    assert (row["ratio"], row["best_peer"], row["bar"]) == (0.5, "torch captured, contiguous", 0.7)
    names = [name for name, _ in benchmark.jobs()]
    assert len(set(names)) == len(names) == 8 * 3 * (1 + 3 * 2)
    assert len(benchmark.jobs("mnist-cnn")) == 5
