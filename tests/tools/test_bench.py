"""`minigraph bench`: what is compared does the same work, and what it writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from gpu import benchmark as gpu_benchmark

import minigraph as tf
from minigraph.core.types import TensorType
from minigraph.ops.nn.winograd import WinogradConv2D, WinogradFilterGrad, WinogradInputGrad
from minigraph.tools.bench import candidates, measure, report
from minigraph.tools.bench.candidates import Candidate
from minigraph.tools.bench.layers import NETWORKS
from minigraph.tools.bench.machine import Speeds, measure_machine
from minigraph.tools.bench.measure import BenchResult, Timing
from minigraph.tools.bench.ours import Work, work_of
from minigraph.tools.bench.workloads import WORKLOADS, Workload, get_workload
from minigraph.tools.cli import main

PARAMETERS = {"mnist-cnn": 6_640_394, "vgg16": 138_357_544, "resnet18": 11_689_512, "resnet50": 25_557_032}
PARAMETERS |= {"squeezenet": 1_235_496, "efficientnet-lite0": 4_652_008}
INFERENCE = Workload("mnist-1", "mnist-cnn", 1, False)


def test_every_workload_has_a_network() -> None:
    assert {w.model for w in WORKLOADS} == set(NETWORKS)
    assert {row.model for row in gpu_benchmark.ROWS} <= set(NETWORKS)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_the_peers_networks_have_as_many_parameters_as_published(name: str) -> None:
    torch = pytest.importorskip("torch")
    from minigraph.tools.bench.torch_peer import build

    with torch.device("meta"):
        module = build(NETWORKS[name])
    assert sum(p.numel() for p in module.parameters()) == PARAMETERS[name]


def test_the_work_is_counted_by_definition() -> None:
    products = 2 * (28 * 28 * 64 * 25 + 14 * 14 * 128 * 25 * 64 + 6272 * 1024 + 1024 * 10)
    assert products < work_of(INFERENCE).flops < 1.05 * products


def test_the_least_bytes_are_those_of_variables_feeds_and_results() -> None:
    """Adam reads and writes three numbers for each parameter, and two powers; digits and labels are fed, the loss is
    returned, the step counted."""
    state = 4 * PARAMETERS["mnist-cnn"]
    assert state < work_of(INFERENCE).nbytes - 4 * 784 < state + 10**4
    fed = 256 * 4 * (784 + 10)
    assert 6 * state < work_of(get_workload("mnist-step")).nbytes - fed < 6 * state + 10**4


def test_winograds_algorithm_takes_fewer_products() -> None:
    """A 3×3 convolution of 8×8 by tiles of 4×4 takes 6² products for 4² elements instead of 9·4²."""
    x, u, y = (TensorType(tf.float32, shape) for shape in ([2, 8, 8, 16], [36, 16, 32], [2, 8, 8, 32]))
    direct, tiled = 2 * 2 * 8 * 8 * 32 * 9 * 16, 2 * 2 * (2 * 2 * 36) * 16 * 32
    pads = ((1, 1), (1, 1))
    for op, ins, outs in (
        (WinogradConv2D(4, 3, pads), [x, u], [y]),
        (WinogradInputGrad(4, 3, pads, x.static), [u, y], [x]),
        (WinogradFilterGrad(4, 3, pads), [x, y], [u]),
    ):
        assert abs(op.flops(ins, outs) / direct - 1) < 0.01
        assert abs(op.arithmetic(ins, outs) / tiled - 1) < 0.01


def test_a_step_is_bound_by_what_takes_longer() -> None:
    machine = Speeds(flops=1e9, bandwidth=1e8)
    assert Work(9, 2 * 10**9, 10**8).seconds(machine) == 2.0
    assert Work(9, 10**8, 10**9).seconds(machine) == 10.0


def test_a_machine_is_measured() -> None:
    found = measure_machine(sizes=(64,), nbytes=1 << 20, repeat=1)
    assert found.flops > 0
    assert found.bandwidth > 0


def test_two_candidates_are_timed_in_turn(tmp_path: Path) -> None:
    told: list[str] = []
    compared = [Candidate("minigraph", "numpy"), Candidate("minigraph", "llvm")]
    result = measure.measure(INFERENCE, compared, 2, lambda text, part: told.append(text))
    assert [len(t.seconds) for t in result.timings] == [2, 2]
    assert all(t.parameters == PARAMETERS["mnist-cnn"] and t.peak > 30e6 and t.first > 0 for t in result.timings)
    assert result.best_peer is None
    assert any("round 5 of 5" in text for text in told)
    report.write_json(tmp_path / "bench.json", [result], report.about(Speeds(1e9, 1e9)))
    found = json.loads((tmp_path / "bench.json").read_text())
    assert found["results"][0]["workload"]["name"] == "mnist-1"
    assert found["machine"]["versions"]["numpy"] == np.__version__


def test_one_that_fails_is_told_and_the_others_go_on() -> None:
    compared = [Candidate("minigraph", "no such backend"), Candidate("minigraph", "numpy")]
    failed, fine = measure.measure(INFERENCE, compared, 1, lambda text, part: None).timings
    assert "no such backend" in failed.error
    assert not failed.seconds
    assert len(fine.seconds) == 1


def test_a_process_that_dies_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    script = tmp_path / "dies"
    script.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no memory left')\n")
    script.chmod(0o755)
    monkeypatch.setattr(measure.sys, "executable", str(script))
    (timing,) = measure.measure(INFERENCE, [Candidate("minigraph", "numpy")], 1, lambda text, part: None).timings
    assert "no memory left" in timing.error


def result_of(**medians: float) -> BenchResult:
    timings = [Timing(n, "PyTorch" if n == "torch" else "minigraph", [m], 1_000_000) for n, m in medians.items()]
    return BenchResult(get_workload("mnist-step"), Work(2_000_000, 1_000_000, 100), timings)


def test_ratios_are_to_the_fastest_peer() -> None:
    table = report.table(result_of(ours=0.5, torch=2.0), Speeds(8e6, 1e9))
    rows = {cells[0]: cells for cells in zip(*(c.cells for c in table.columns), strict=True)}
    assert rows["ours"][3:7] == ("0.25", "0", "0.50", "0.25")
    assert rows["torch"][3] == "1.00"


def test_a_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "bench.svg"
    report.write_plot(path, [result_of(ours=0.5, torch=2.0)])
    assert "mnist-cnn, training step, batch 256" in path.read_text()


def test_the_list_and_an_unknown_workload() -> None:
    listed = CliRunner().invoke(main, ["bench", "--list", "--no-peers"])
    assert listed.exit_code == 0
    assert all(w.name in listed.output for w in WORKLOADS)
    unknown = CliRunner().invoke(main, ["bench", "mnist-setp"])
    assert unknown.exit_code != 0
    assert "did you mean mnist-step?" in unknown.output


def test_only_installed_peers_take_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates.importlib.util, "find_spec", lambda name: None)
    assert [c.name for c in candidates.candidates(("numpy",), ("float32", "bfloat16"), peers=True)] == [
        "minigraph, numpy"
    ]
