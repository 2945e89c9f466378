"""The LLVM backend without llvmlite, and with a cache that is damaged or cannot be written."""

from __future__ import annotations

import gc
from collections import deque
from pathlib import Path

import pytest
from support.llvm import LOOP_PROGRAM, run_program


def test_a_damaged_cache_is_ignored_and_repaired(tmp_path: Path) -> None:
    first = run_program(LOOP_PROGRAM, MINIGRAPH_CACHE=str(tmp_path))
    files = sorted((tmp_path / "llvm").glob("*.obj"))
    whole = [f.read_bytes() for f in files]
    assert files
    for n, file in enumerate(files):
        file.write_bytes([b"", b"\0" * 500, whole[n][:-1], whole[n - 1]][n % 4])
    assert run_program(LOOP_PROGRAM, MINIGRAPH_CACHE=str(tmp_path)) == first
    assert [f.read_bytes() for f in files] == whole


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert run_program(LOOP_PROGRAM, MINIGRAPH_CACHE=str(tmp_path / "file")) == run_program(LOOP_PROGRAM)


def test_without_llvmlite_the_error_names_the_extra() -> None:
    program = """
import importlib.util as util
find = util.find_spec
util.find_spec = lambda name, *rest: None if name == "llvmlite" else find(name, *rest)
import minigraph as tf
try:
    tf.Session(backend="llvm")
except tf.errors.BackendError if hasattr(tf, "errors") else RuntimeError as error:
    print(error)
"""
    assert "minigraph[llvm]" in run_program(program)


def test_a_kernel_whose_code_is_cached_is_not_printed(tmp_path: Path) -> None:
    program = """
import numpy as np
import minigraph as tf
from minigraph.backends.llvm import nest_native
printed = []
printer = nest_native.LlvmPrinter
nest_native.LlvmPrinter = lambda *args: printed.append(args) or printer(*args)
x = tf.placeholder(tf.float32, [2, 8, 8, 3])
y = tf.nn.softmax(tf.reshape(tf.nn.max_pool(x, 3, 2, "SAME"), [2, 48]))
with tf.Session(backend="llvm") as session:
    session.run(y, {x: np.zeros((2, 8, 8, 3))})
print(len(printed))
"""
    assert [run_program(program, MINIGRAPH_CACHE=str(tmp_path)).strip() for _ in range(2)] == ["2", "0"]


def test_the_cpu_can_be_forced() -> None:
    """Each level that this machine has computes the same, within rounding; any other is refused, with the reason."""
    program = """
import numpy as np
import minigraph as tf
from minigraph.backends.llvm.compiler import host
x = np.cos(np.arange(2 * 9 * 9 * 8)).reshape(2, 9, 9, 8).astype("f4")
y = tf.nn.conv2d(x, np.sin(np.arange(3 * 3 * 8 * 16)).reshape(3, 3, 8, 16).astype("f4"), [1, 1, 1, 1], "SAME")
z = [tf.nn.softmax(y), tf.cast(tf.cast(y, tf.float16), tf.float32)]
try:
    with tf.Session(backend="llvm") as session, tf.Session(backend="numpy") as other:
        for a, b in zip(session.run(z), other.run(z)):
            np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-5)
    print(host().cpu, host().lanes)
except tf.errors.BackendError if hasattr(tf, "errors") else RuntimeError as error:
    print(error)
"""
    for level, lanes in (("x86-64-v2", 4), ("x86-64-v3", 8), ("x86-64-v4", 16)):
        said = run_program(program, MINIGRAPH_CPU=level).strip()
        assert said == f"{level} {lanes}" or "this CPU lacks" in said
    assert "MINIGRAPH_CPU must be native or one of" in run_program(program, MINIGRAPH_CPU="i386")


def test_modules_follow_all_that_they_need() -> None:
    compiler = pytest.importorskip("minigraph.backends.llvm.compiler", reason="needs llvmlite")
    inner = compiler.LazyModule("inner", str)
    middle = compiler.LazyModule("middle", str, [("f", inner)])
    outer = compiler.LazyModule("outer", str, [("g", middle), ("f", inner)])
    assert compiler.with_needs([outer, "text", middle]) == [inner, middle, outer, "text"]


def test_code_is_unloaded_when_nothing_holds_it_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = pytest.importorskip("minigraph.backends.llvm.compiler", reason="needs llvmlite")
    known = compiler._Code()
    known.recent = deque(maxlen=1)
    monkeypatch.setattr(compiler, "_CODE", known)
    texts = [f"define i64 @f() {{ ret i64 {n} }}" for n in range(3)]
    held = compiler.load(texts[0])
    for text in texts[1:]:
        compiler.load(text)
    gc.collect()
    assert set(known.engines) == {texts[0], texts[2]}
    assert compiler.load(texts[0]) is held
