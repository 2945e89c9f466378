"""Registers and spills of every kernel of the ops' samples and of a training step of mnist-cnn, as JSON; needs nvcc.

python tests/gpu/registers.py out.json [sm_90]
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from minigraph.backends.cupy.emit import emit, module
from minigraph.backends.cupy.kernel import Kernel, Launch
from minigraph.backends.cupy.prelude import OPTIONS

_SPILLS = r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
_ENTRY = re.compile(r"Compiling entry function '(\w+)'.*?" + _SPILLS + r".*?Used (\d+) registers", re.DOTALL)


def registers(kernels: Iterable[Kernel], architecture: str) -> dict[str, dict[str, int]]:
    """For each kernel the registers of a thread, and bytes of its stack and spills."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "plan.cu"
        source.write_text(module(kernels))
        target = ["-cubin", f"-arch={architecture}", "-Xptxas", "-v", "-o", str(source.with_suffix(".cubin"))]
        done = subprocess.run(["nvcc", *target, *OPTIONS, str(source)], capture_output=True, text=True, check=True)
    found = {}
    for name, stack, stores, loads, used in _ENTRY.findall(done.stderr):
        found[name] = {"registers": int(used), "stack": int(stack), "spills": int(stores) + int(loads)}
    return found


def training_step() -> list[Kernel]:
    """The kernels of a training step of mnist-cnn at batch 256, as the backend's pipeline leaves it."""
    import minigraph as tf
    from gpu.host import HostDevice
    from minigraph import backend as backends
    from minigraph.backends.cupy.backend import CupyBackend
    from minigraph.tools.target import load_target

    backends._loaded["cupy"] = CupyBackend(HostDevice())
    target = load_target("mnist-cnn", 256, False)
    with tf.Session(graph=target.graph, backend="cupy") as session:
        plan, _ = session.plan_for(target.fetches, target.feeds)
    found = {}
    for step in plan.steps:
        outs = [v.type for v in step.outputs if v is not None]
        code = emit(step.instr.op, [v.type for v in step.inputs], list(step.instr.types) or outs)
        found |= {s.kernel.name: s.kernel for s in (code.steps if code else ()) if isinstance(s, Launch)}
    return list(found.values())


def main(path: str, architecture: str = "sm_90") -> None:
    from gpu.trials import kernels_of, large_cases, sample_cases

    groups = {"samples": kernels_of([*sample_cases(), *large_cases()]), "mnist-cnn step": training_step()}
    report = {name: registers(kernels, architecture) for name, kernels in groups.items()}
    Path(path).write_text(json.dumps({"architecture": architecture, **report}, indent=1) + "\n")
    for name, found in report.items():
        worst = max(found, key=lambda k: found[k]["registers"])
        spilling = [k for k, v in found.items() if v["spills"]]
        print(
            f"{name}: {len(found)} kernels, most registers {found[worst]['registers']} ({worst}), spilling: {spilling}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
