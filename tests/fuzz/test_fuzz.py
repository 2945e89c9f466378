"""The fuzzer: a slice of its seeds, and what it must be able to find, to forgive and to shrink."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.paths import TESTS

import minigraph as tf
from fuzz.campaign import Campaign, examine, text_of
from fuzz.check import Checker, Finding, check, way
from fuzz.compare import disagreement
from fuzz.effects import FAMILIES, grow
from fuzz.program import Leaf, Program, Step
from minigraph.backends.numpy import backend as numpy_backend

BACKENDS = ("numpy", "llvm")


def step(name: str, text: str, rounds: str = "each", tag: str = "F") -> Step:
    return Step("any", (name,), (tag,), text, rounds)


def program(*steps: Step, leaves: tuple[Leaf, ...], fetches: tuple[str, ...] = (), **options: Any) -> Program:
    return Program(0, leaves, steps, fetches or steps[-1].names, **options)


X = Leaf("f0", "feed", "F", (4, 5), "normal", 1)


@pytest.mark.parametrize("start", [0, pytest.param(10, marks=pytest.mark.slow)])
def test_a_slice_of_the_seeds(start: int) -> None:
    for seed in range(start, start + 10):
        found = check(grow(seed, Counter()), BACKENDS)
        assert found is None, f"seed {seed}: {found.how}: {found.message}\n{text_of(found)}"


def test_every_kind_of_step_is_made() -> None:
    refused: Counter[str] = Counter()
    made: Counter[str] = Counter()
    tried = 250
    for seed in range(tried):
        made.update({s.kind for s in grow(seed, refused).steps})
    kinds = {kind for table in FAMILIES.values() for kind in table} - {"layer", "other_ranks"}
    assert kinds | {"depthwise", "conv1d", "conv3d", "fused_norm", "gradients", "update", "after"} <= set(made)
    assert sum(refused.values()) < tried / 10, refused


def test_a_program_is_the_same_each_time() -> None:
    assert [grow(s, Counter()) for s in range(20)] == [grow(s, Counter()) for s in range(20)]


def test_a_printed_program_runs_and_shows_both_results(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(text_of(Finding(grow(7, Counter()), way("numpy", optimize="O3"), "nothing")), "utf-8")
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("float64 {") == done.stdout.count("float32 {") == 1


def test_a_wrong_kernel_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hyperbolic tangent that is wrong in the last column of wide arrays only."""
    from minigraph.ops.math import trigonometric

    original = numpy_backend.NumpyBackend.lower

    def lower(self: Any, op: Any, in_types: Any, out_types: Any) -> Any:
        made = original(self, op, in_types, out_types)
        if not isinstance(op, trigonometric.Tanh) or in_types[0].dtype != tf.float32 or in_types[0].static[-1] < 3:
            return made

        def bind(inputs: Any, outputs: Any, workspace: Any) -> Any:
            launch = made.bind(inputs, outputs, workspace)

            def wrong() -> None:
                launch()
                outputs[0][..., -1] += 0.01

            return wrong

        return made._replace(bind=bind)

    monkeypatch.setattr(numpy_backend.NumpyBackend, "lower", lower)
    start = program(
        step("s0", "f0 * 2.0"), step("s1", "tf.tanh(s0)"), step("s2", "tf.concat([s1, f0], 1)"), step("s3", "s2 + v1"),
        leaves=(X, Leaf("v1", "variable", "F", (4, 10), "normal", 2)), fetches=("s0", "s3"),
    )  # fmt: skip
    monkeypatch.setattr("fuzz.campaign.grow", lambda seed, refused: start)
    found = examine(0, ("numpy",))
    assert found is not None
    assert [s.text for s in found.program.steps] == ["tf.tanh(f0)"]
    assert [leaf.shape for leaf in found.program.leaves] == [(1, 3)]


@pytest.mark.parametrize(
    ("steps", "leaves"),
    [
        ([step("g0", "grads(total(F, [tf.nn.softmax(f0)]), [f0])[0]")], (X,)),
        # The true gradient is 0: a constant before a normalisation by the batch's own mean.
        (
            [
                step("s0", "f0 + v1"), step("s1", "s0 - tf.reduce_mean(s0, 0)", "sum"),
                step("g2", "grads(total(F, [tf.square(s1)]), [v1])[0]", "sum"),
            ],
            (X, Leaf("v1", "variable", "F", (5,), "normal", 3)),
        ),
        ([step("s0", "tf.log(tf.nn.softmax(f0))")], (replace(X, kind="wide"),)),
        ([step("s0", "tf.cast(f0 / 3.0 * 3.0, tf.int32)", tag="int32")], (replace(X, kind="small"),)),
    ],
)  # fmt: skip
def test_what_is_right_is_not_reported(steps: list[Step], leaves: tuple[Leaf, ...]) -> None:
    checker = Checker(program(*steps, leaves=leaves))
    for backend in BACKENDS:
        for level in ("O0", "O1", "O2", "O3"):
            assert checker.check(way(backend, optimize=level)) is None


def test_disagreement() -> None:
    """Rounding is allowed as far as float32 or the trials moved; other numbers, other infinities and dtypes are not."""
    right, unit = np.array([1.0, 1000.0, 0.0, np.inf, np.nan]), 2.0**-24
    plain = right.astype(np.float32)

    def differs(place: int, value: float, moved: float = 0.0, **options: Any) -> bool:
        got, other = plain.copy(), right.copy()
        got[place] = value
        other[place] += moved
        return disagreement(got, right, plain, [other], unit, **options) is not None

    assert not differs(0, 1 + 2e-7)
    assert differs(0, 1 + 2e-6)
    assert not differs(0, 1 + 2e-6, moved=1e-6)
    assert differs(2, 1e-30)
    assert not differs(2, 1e-30, moved=1e-29)
    assert differs(3, -np.inf)
    assert differs(3, np.nan)
    assert differs(4, 0.0)
    assert differs(1, np.nan)
    assert not differs(1, np.nan, moved=np.nan)
    assert differs(0, np.nextafter(np.float32(1), np.float32(2)), exact=True)
    whole = np.array([1, 2])
    assert disagreement(whole + 1, whole, whole, [whole], 0.0) is not None
    assert disagreement(whole + 1, whole, whole, [whole + 3], 0.0) is None
    assert disagreement(whole.astype(np.int32), whole, whole, [], 0.0) is not None


def test_the_command_goes_on_where_it_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fuzz", "--count", "2", "--backends", "numpy", "--folder", str(tmp_path)]
    for following in (2, 4):
        done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS)
        assert done.returncode == 0, done.stdout + done.stderr
        assert (Campaign(tmp_path, None).next, Campaign(tmp_path, None).checked) == (following, following)
