"""How a backend is chosen."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import minigraph as tf
from minigraph.backend import discovery as B
from minigraph.core.errors import BackendError


@pytest.fixture(autouse=True)
def none_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(B, "_loaded", {})
    monkeypatch.delenv("MINIGRAPH_BACKEND", raising=False)


def refuse(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    load = B._load

    def only_others(name: str) -> Any:
        if name in names:
            raise BackendError(f"no {name} here")
        return load(name)

    monkeypatch.setattr(B, "_load", only_others)


def test_auto_takes_compiled_code_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    refuse(monkeypatch, "cupy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert B.get_backend("auto").name == "llvm"


def test_auto_falls_back_to_numpy_with_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "cupy", "llvm")
    with tf.Graph().as_default(), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(2):
            with tf.Session(backend="auto") as session:
                assert session.run(tf.constant(2.0) + 3.0) == np.float32(5)
    assert [str(w.message) for w in told if "no llvm here" in str(w.message)] == [
        "programs run on the numpy backend, which is slower: no llvm here"
    ]


def test_a_name_raises_where_auto_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "llvm")
    with pytest.raises(BackendError, match="no llvm here"):
        B.get_backend("llvm")


def test_the_environment_may_say_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "cupy", "llvm")
    monkeypatch.setenv("MINIGRAPH_BACKEND", "auto")
    with pytest.warns(RuntimeWarning, match="no llvm here"):
        assert B.get_backend().name == "numpy"


def test_a_machine_that_llvm_does_not_know_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = pytest.importorskip("minigraph.backends.llvm.compiler")

    def none(cpu: str, features: str) -> None:
        raise RuntimeError("No available targets are compatible with triple")

    monkeypatch.setattr(compiler.codegen, "machine", none)
    with pytest.raises(BackendError, match="cannot generate code for this machine: No available targets"):
        B.get_backend("llvm")


def test_the_default_is_the_fastest_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    refuse(monkeypatch, "cupy")
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.backend.name == "llvm"
    monkeypatch.setenv("MINIGRAPH_BACKEND", "numpy")
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.backend.name == "numpy"
    with tf.Graph().as_default(), tf.Session(backend="llvm") as session:
        assert session.backend.name == "llvm"
