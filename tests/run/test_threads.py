"""Losses and variables are the same to the bit whatever the number of threads, on every backend of the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import TESTS

import minigraph as tf

PROGRAM = TESTS / "support" / "thread_models.py"
SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def digests(cache: Path, backend: str, cases: int, threads: int, *team: str) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if k not in SETTINGS}
    environment |= {"OMP_NUM_THREADS": str(threads), "MINIGRAPH_CACHE": str(cache)}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), backend, str(cases), *team],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 3 * cases
    return lines


def test_training_on_numpy_does_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    one = digests(tmp_path, "numpy", 4, 1)
    assert digests(tmp_path, "numpy", 4, 4) == one
    # BLAS itself takes no more threads than there are CPUs.
    assert digests(tmp_path, "numpy", 4, 2, "3") == one
    assert digests(tmp_path, "numpy", 1, 2, "8") == one[::4]


def test_training_on_llvm_does_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    pytest.importorskip("llvmlite", reason="needs llvmlite")
    assert digests(tmp_path, "llvm", 1, 3) == digests(tmp_path, "llvm", 1, 1)


def test_blas_has_its_threads_back_after_a_run_and_after_an_error() -> None:
    from threadpoolctl import threadpool_info

    before = threadpool_info()
    x = tf.placeholder(tf.float32, [300, 300])
    label = tf.placeholder(tf.int32, [300])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=tf.matmul(x, x))
    with tf.Session(backend="numpy") as session:
        feed = {x: [[0.5] * 300] * 300}
        session.run(loss, {**feed, label: [1] * 300})
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(loss, {**feed, label: [400] * 300})
    assert threadpool_info() == before
