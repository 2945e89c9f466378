"""The ops of a TensorFlow 1 program that the CuPy backend would run on the host.

python tests/gpu/host_calls.py program.py [ARGS]

The program runs on this CPU; each of its plans is also compiled for a GPU. The last line printed is JSON: the number of
plans and the host calls. A plan without them is captured whole.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpu.launch_list import NoDevice
from minigraph.backends.cupy.backend import CupyBackend
from minigraph.ir.buffers import is_source
from minigraph.passes import choose
from minigraph.rewrite.pipeline import run_pipeline
from minigraph.run import compiler


def host_calls(program: Any) -> list[str]:
    """The host calls among the steps of a program, by name."""
    backend = CupyBackend(NoDevice())  # type: ignore[arg-type]
    after, _ = run_pipeline(program, choose("O3", None, backend.unwanted_passes))
    steps = [i for i in after.instrs if not is_source(i)]
    return [i.name for i in steps if backend.lower(i.op, [v.type for v in i.inputs], list(i.types)).fallback]


def main(script: str, *arguments: str) -> None:
    from minigraph.tools.cli import main as command

    programs: list[Any] = []
    plain = compiler.specialise

    def recorded(*args: Any) -> Any:
        programs.append(plain(*args))
        return programs[-1]

    compiler.specialise = recorded
    try:
        command(["run", script, *arguments], standalone_mode=False)
    except SystemExit as end:
        if end.code:
            raise
    print(json.dumps({"plans": len(programs), "host calls": sorted({n for p in programs for n in host_calls(p)})}))


if __name__ == "__main__":
    main(*sys.argv[1:])
