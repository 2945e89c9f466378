"""Tests stand where the package's files stand: `minigraph/run/stages.py` is tested in `tests/run/test_stages.py`, or
another file of `tests/run/` imports it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.paths import ROOT, TESTS

MAPPED = ("backends", "models", "tools")
OTHERS = {"fuzz", "house", "interface", "mutants"}  # test folders without a folder in the package
FOLDERS = (
    "autodiff", "backend", "compile", "data", "graphs", "inspect", "ir", "loops", "passes", "rewrite", "run", "util",
    "viz",
)  # fmt: skip
ELSEWHERE = {  # files whose tests go through other files
    "compile/assignment.py": "compile/test_specialise.py",
    "run/staged.py": "run/test_session.py",
    "run/session_base.py": "run/test_session.py",
    "run/runner.py": "run/test_session.py",
    "run/options.py": "run/test_session.py",
    "run/growth.py": "run/test_session.py",
    "run/default_session.py": "run/test_session.py",
    "run/contexts.py": "run/test_session.py",
    "run/compiler.py": "compile/test_plan_cache.py",
    "backend/base.py": "backends/numpy/test_kernels.py",
    "backend/host.py": "backends/numpy/test_kernels.py",
    "compile/effects.py": "compile/test_schedule.py",
    "data/generators.py": "data/test_batches.py",
    "data/order.py": "data/test_batches.py",
    "graphs/scoping.py": "graphs/test_importing.py",
    "graphs/walk.py": "graphs/test_importing.py",
    "ir/buckets.py": "passes/test_bucket_gradients.py",
    "ir/buffers.py": "compile/test_schedule.py",
    "ir/hoist.py": "passes/test_hoist.py",
    "ir/multi_tensor_apply.py": "passes/test_multi_tensor.py",
    "ir/scan.py": "control/test_loops.py",
    "ir/scan_gradient.py": "control/test_loops.py",
    "loops/axes.py": "loops/test_statements.py",
    "loops/refusal.py": "loops/test_statements.py",
    "passes/stable_products.py": "passes/test_stabilise.py",
    "rewrite/choice.py": "passes/test_winograd.py",
    "rewrite/grouping.py": "passes/test_fuse_pointwise.py",
    "inspect/interpret.py": "inspect/test_numerics.py",
    "inspect/trace.py": "tf1/test_goldens.py",
    "run/buffers.py": "run/test_variables.py",
    "run/initializers.py": "run/test_variables.py",
    "run/request.py": "run/test_feeds.py",
    "run/variable_lists.py": "run/test_variables.py",
    "run/variable_scope.py": "run/test_variables.py",
}


def source_folder(tests: Path) -> Path:
    inside = tests.relative_to(TESTS)
    return ROOT / inside if inside.parts[0] in MAPPED else ROOT / "minigraph" / inside


@pytest.mark.parametrize("folder", sorted({p.parent for p in TESTS.rglob("test_*.py")}), ids=lambda p: p.name)
def test_a_folder_of_tests_has_the_name_of_a_folder_of_the_package(folder: Path) -> None:
    assert folder.name in OTHERS or source_folder(folder).is_dir()


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_file_has_its_tests(folder: str) -> None:
    texts = {p.stem: p.read_text("utf-8") for p in (TESTS / folder).glob("test_*.py")}
    missing = [
        source.name
        for source in sorted((ROOT / "minigraph" / folder).glob("*.py"))
        if source.stem != "__init__"
        and f"{folder}/{source.name}" not in ELSEWHERE
        and f"test_{source.stem}" not in texts
        and not any(
            re.search(rf"minigraph\.{folder}(\.{source.stem}\b| import .*\b{source.stem}\b)", text)
            for text in texts.values()
        )
    ]
    assert not missing


@pytest.mark.parametrize(("source", "tests"), ELSEWHERE.items())
def test_the_list_of_files_tested_elsewhere_is_up_to_date(source: str, tests: str) -> None:
    assert (ROOT / "minigraph" / source).exists()
    assert (TESTS / tests).exists()
    assert not (TESTS / source).with_name(f"test_{Path(source).name}").exists()
