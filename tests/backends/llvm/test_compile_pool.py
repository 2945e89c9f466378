"""Modules compiled by child processes: the same code, each module once, whatever happens to a child."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path

import pytest
from support.llvm import run_program

from minigraph.backends.llvm import codegen
from minigraph.backends.llvm import compile_pool as pool_module
from minigraph.backends.llvm.compile_pool import CompilePool
from minigraph.backends.llvm.compiler import LazyModule, compile_ahead, host, load

TARGET = host()[:2]


def job(n: int) -> tuple[str, str, str]:
    lines = "\n".join(f"  %v{i + 1} = mul i64 %v{i}, {n + i}" for i in range(50))
    return (f"define i64 @f(i64 %v0) {{\n{lines}\n  ret i64 %v50\n}}", *TARGET)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[bytes]]:
    monkeypatch.setattr(pool_module, "WORTHWHILE", 1)
    monkeypatch.setattr(pool_module, "IDLE", 0.2)
    monkeypatch.setenv("MINIGRAPH_COMPILE_PROCESSES", "3")
    return {}


def pool_for(kept: dict[str, list[bytes]]) -> CompilePool:
    return CompilePool(lambda key, content: kept.setdefault(key, []).append(content))


def test_each_module_is_compiled_once_to_the_same_code(kept: dict[str, list[bytes]]) -> None:
    pool = pool_for(kept)
    for n in range(20):
        pool.submit(str(n), job(n))
        pool.submit(str(n), job(n))
    found = [pool.take(str(n), lambda n=n: job(n)) for n in range(25)]  # type: ignore[misc]
    assert found == [codegen.object_code(*job(n)) for n in range(25)]
    assert {key: len(made) for key, made in kept.items()} == {str(n): 1 for n in range(25)}
    assert 0 < pool._progress.done == pool._progress.total <= 25  # all that was counted is done


def test_the_one_who_takes_an_invalid_module_gets_the_error(kept: dict[str, list[bytes]]) -> None:
    pool = pool_for(kept)
    wrong = ("define void @f() {", *TARGET)
    for n in range(5):
        pool.submit(str(n), job(n))
    pool.submit("wrong", wrong)
    time.sleep(0.5)
    for n in range(5):
        pool.take(str(n), lambda n=n: job(n))  # type: ignore[misc]
    with pytest.raises(RuntimeError):
        pool.take("wrong", lambda: wrong)


def test_modules_of_a_child_that_is_killed_are_compiled(
    kept: dict[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    children = []
    start = pool_module.subprocess.Popen
    monkeypatch.setattr(
        pool_module.subprocess, "Popen", lambda *args, **kw: children.append(start(*args, **kw)) or children[-1]
    )
    pool = pool_for(kept)
    for n in range(40):
        pool.submit(str(n), job(n))
    while not children:
        time.sleep(0.01)
    children[0].send_signal(signal.SIGKILL)
    for n in range(40):
        assert pool.take(str(n), lambda n=n: job(n)) == codegen.object_code(*job(n))  # type: ignore[misc]


def test_children_end_when_there_is_nothing_to_do(kept: dict[str, list[bytes]]) -> None:
    pool = pool_for(kept)
    for n in range(10):
        pool.submit(str(n), job(n))
    for n in range(10):
        pool.take(str(n), lambda n=n: job(n))  # type: ignore[misc]
    until = time.monotonic() + 30
    while pool._children and time.monotonic() < until:
        time.sleep(0.05)
    assert not pool._children


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_compiles_on_its_own(kept: dict[str, list[bytes]]) -> None:
    pool = pool_for(kept)
    for n in range(40):
        pool.submit(str(n), job(n))
    child = os.fork()
    if child == 0:
        right = pool.take("0", lambda: job(0)) == codegen.object_code(*job(0))
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    for n in range(40):
        pool.take(str(n), lambda n=n: job(n))  # type: ignore[misc]


def test_results_and_cache_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    program = """
import numpy as np
import minigraph as tf
from minigraph.backends.llvm import compile_pool
compile_pool.WORTHWHILE = 1
x = tf.placeholder(tf.float32, [2, 12, 12, 3])
w = tf.constant(np.linspace(-1, 1, 3 * 3 * 3 * 8, dtype=np.float32).reshape(3, 3, 3, 8))
y = tf.nn.relu(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"))
y = tf.nn.softmax(tf.reshape(tf.nn.max_pool(y, [1, 2, 2, 1], [1, 2, 2, 1], "SAME"), [2, -1]))
with tf.Session(backend="llvm") as session:
    found = session.run([y, tf.gradients(y * y, x)[0]], {x: np.linspace(0, 1, 864).reshape(2, 12, 12, 3)})
print([float(np.sum(f.astype(np.float64) ** 2)).hex() for f in found])
"""
    results, files = [], []
    for count in ("1", "3"):
        folder = tmp_path / count
        results.append(run_program(program, MINIGRAPH_CACHE=str(folder), MINIGRAPH_COMPILE_PROCESSES=count))
        keyed = hashlib.sha256().digest_size  # bytes of a digest by the folder's own secret
        files.append({f.name: f.read_bytes()[keyed:] for f in (folder / "llvm").glob("*.obj")})
    assert results[0] == results[1]
    assert files[0] == files[1]


def test_a_module_that_is_named_twice_is_printed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAPH_COMPILE_PROCESSES", "2")
    monkeypatch.setenv("MINIGRAPH_CACHE", str(tmp_path))
    printed: list[int] = []
    module = LazyModule("a module of this test", lambda: printed.append(1) or job(7)[0])
    compile_ahead([module, module])
    compile_ahead([module])
    assert load(module).get_function_address("f")
    assert printed == [1]
