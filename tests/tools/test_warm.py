"""`minigraph warm`: afterwards a process compiles nothing for the first run."""

from __future__ import annotations

from pathlib import Path

from support.llvm import run_program

FIRST_RUN = """
import minigraph as tf
from minigraph.backends.llvm import compile_pool
from minigraph.tools.shared.target import load_target

compiled = []
code = compile_pool.codegen.object_code
compile_pool.codegen.object_code = lambda *job: compiled.append(job) or code(*job)
target = load_target("lenet5", 2, True)
with target.session(backend="llvm") as session:
    session.run(target.fetches, target.feeds)
print(len(compiled))
"""


WARM = """
from minigraph.tools.cli import main
main(["warm", "lenet5", "--inference", "--batch-size", "2", "--backend", "llvm"], standalone_mode=False)
"""


def test_nothing_is_compiled_after_it(tmp_path: Path) -> None:
    first, second = (run_program(WARM, MINIGRAPH_CACHE=str(tmp_path)) for _ in range(2))
    assert "lenet5: " in first
    assert " 0 kernels compiled" not in first
    assert " 0 kernels compiled" in second
    assert run_program(FIRST_RUN, MINIGRAPH_CACHE=str(tmp_path)).strip() == "0"
