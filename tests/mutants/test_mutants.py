"""The faults that `make mutants` makes, and whether they are noticed."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT, TESTS

from mutants.__main__ import KNOWN, sample
from mutants.faults import faults, with_fault
from mutants.selection import calls_for

CODE = '''
"""Text."""
__all__ = ["f"]


def f(x: int = 3) -> bool:
    """1 + 1"""
    if x < 2 and x is not None:
        raise ValueError("too small", 1 + 1)
    for i, _ in zip(range(x), range(x), strict=True):
        print(i)
        if not i % 2:
            continue
        x += 1
    return -x * 2.0 > 5


def samples():
    return 1 + 1
'''
FAULTS = [
    "3 -> 4", "if x < 2 and x is not None: raise ValueError('too small', 1 + 1) -> "
    "if not (x < 2 and x is not None): raise ValueError('too small', 1 + 1)",
    "x < 2 and x is not None -> x < 2 or x is not None", "x < 2 -> x <= 2", "2 -> 3", "x is not None -> x is None",
    "print(i) -> pass", "if not i % 2: continue -> if not not i % 2: continue", "not i % 2 -> i % 2", "i % 2 -> i * 2",
    "2 -> 3", "continue -> break", "x += 1 -> pass", "1 -> 2", "-x * 2.0 > 5 -> -x * 2.0 >= 5",
    "-x * 2.0 -> -x + 2.0", "-x -> x", "2.0 -> 3.0", "5 -> 6",
]  # fmt: skip


def test_the_faults_of_a_file(tmp_path: Path) -> None:
    """Each changes what the code does; texts, types, errors and samples stay as they are."""
    path = tmp_path / "code.py"
    path.write_text(CODE, "utf-8")
    found = list(faults(path, "code.py"))
    assert [f"{fault.before} -> {fault.after}" for fault in found] == FAULTS
    plain = ast.unparse(ast.parse(CODE))
    texts = [ast.unparse(with_fault(path, fault.number)) for fault in found]
    assert plain not in texts
    assert len(set(texts)) == len(texts)
    for text in texts:
        assert "return 1 + 1" in text
        assert "__all__ = ['f']" in text
        compile(text, "code.py", "exec")


def test_the_sample_is_the_same_each_time_and_in_all_folders() -> None:
    chosen = sample(300)
    part = [f.key for f in sample(10**6, ["minigraph/passes"])]
    assert [f.key for f in sample(50, ["minigraph/passes"])] == part[:50]
    of_passes = [f.key for f in chosen if f.file.startswith("minigraph/passes/")]
    assert of_passes == part[: len(of_passes)]
    assert {f.file.rpartition("/")[0] for f in chosen} >= {
        "minigraph/ops/nn", "minigraph/ops/math", "minigraph/passes", "minigraph/compile", "backends/llvm",
        "backends/numpy",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("file", "first"),
    [
        ("minigraph/passes/layout.py", "passes/test_layout.py"),
        ("minigraph/compile/memory.py", "compile/test_memory.py"),
        ("backends/llvm/conv.py", "backends/llvm/test_kernels.py"),
        ("minigraph/ops/math/reduce.py", "ops/test_every_op.py"),
        ("minigraph/passes/stable_products.py", "passes/test_stabilise.py"),
    ],
)
def test_a_files_tests(file: str, first: str) -> None:
    calls = calls_for(file)
    assert calls[0][0] == str(TESTS / first)
    for call in calls:
        for name in call:
            if name.endswith(".py"):
                assert Path(name).exists()


def test_a_fault_is_caught_and_the_code_without_it_passes(tmp_path: Path) -> None:
    """In another process, since pytest runs inside a fork."""
    program = """
import json
from mutants.faults import faults, with_fault
from mutants.runner import load, run
from support.paths import ROOT, TESTS
file, call = "minigraph/passes/remove_dropout.py", [str(TESTS / "passes" / "test_remove_dropout.py")]
load()
fault = next(f for f in faults(ROOT / file, file) if f.before.startswith("if ") or "==" in f.before)
faulty = run(call, 120.0, file, with_fault(ROOT / file, fault.number))
assert all("test_remove_dropout" in name for name in faulty.failed), faulty
print(json.dumps([run(call, 120.0).code, faulty.code, len(faulty.failed), run(call, 0.05).code]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=TESTS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [0, 1, 1, None]


def test_processes_that_a_test_starts_have_the_fault(tmp_path: Path) -> None:
    asks = "import minigraph.util.alignment as module; assert not module.FAULTY"
    test = f"import subprocess, sys\ndef test_it():\n    subprocess.run([sys.executable, '-c', {asks!r}], check=True)\n"
    (tmp_path / "test_it.py").write_text(test, "utf-8")
    program = f"""
import ast
from mutants.runner import run
print(run([{str(tmp_path)!r}], 60.0, "minigraph.util.alignment.py", ast.parse("FAULTY = True")))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=TESTS)
    assert "code=1" in done.stdout, done.stderr
    assert "test_it.py::test_it" in done.stdout


def test_equal_faults_have_keys_of_their_own_that_other_lines_do_not_change(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text("class A:\n    def f(self):\n        return 1, 1\n", "utf-8")
    keys = [fault.key for fault in faults(path, "code.py")]
    assert keys == ["code.py: A.f: 1 -> 2", "code.py: A.f: 1 -> 2 #2"]
    path.write_text("x = 1\n\n" + path.read_text("utf-8"), "utf-8")
    assert [fault.key for fault in faults(path, "code.py")][1:] == keys


def test_each_survivor_that_is_listed_has_a_reason() -> None:
    for key, reason in json.loads(KNOWN.read_text("utf-8")).items():
        assert (ROOT / key.partition(":")[0]).exists(), key
        assert len(reason.split()) > 4
