"""Registers and spills of every kernel of the ops' samples and of a training step of mnist-cnn, as JSON; needs NVRTC.

python tests/gpu/registers.py out.json [sm_90]
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from minigraph.backends.cupy import nvrtc
from minigraph.backends.cupy.emit import emit, module
from minigraph.backends.cupy.kernel import CudaKernel, Launch
from minigraph.backends.cupy.prelude import OPTIONS

REGISTERS = 64  # of a thread: four blocks of 256 threads on a multiprocessor
# Bytes, for arguments of sin and cos that are large.
STACK_OF = {"loop": 40, "truncated_normal_w0": 40, "randomstandardnormal_y0": 40}
_SPILLS = r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads"
_ENTRY = re.compile(r"Compiling entry function '(\w+)'.*?" + _SPILLS + r".*?Used (\d+) registers", re.DOTALL)


def registers(kernels: Iterable[CudaKernel], architecture: str) -> dict[str, dict[str, int]]:
    """For each kernel the registers of a thread, and bytes of its stack and spills."""
    options = [*OPTIONS, "--ptxas-options=-v"]
    code, log = nvrtc.compile_with_log(nvrtc.find(), module(kernels), architecture, options)
    assert code[:4] == b"\x7fELF"
    found = {}
    for name, stack, stores, loads, used in _ENTRY.findall(log):
        found[name] = {"registers": int(used), "stack": int(stack), "spills": int(stores) + int(loads)}
    return found


def beyond_limits(found: dict[str, dict[str, int]]) -> list[str]:
    """The kernels that spill, or take more registers or stack than is on record."""
    wrong = []
    for name, used in found.items():
        family = name.rsplit("_", 1)[0]
        most = REGISTERS, STACK_OF.get(family, 0)
        if used["spills"] or used["registers"] > most[0] or used["stack"] > most[1]:
            wrong.append(f"{name}: {used}, where {most} are on record")
    return wrong


def training_step() -> list[CudaKernel]:
    """The kernels of a training step of mnist-cnn at batch 256, as the backend's pipeline leaves it."""
    import minigraph as tf
    from gpu.host import HostDevice
    from minigraph.backend import discovery as backends
    from minigraph.backends.cupy.backend import CupyBackend
    from minigraph.tools.shared.target import load_target

    target = load_target("mnist-cnn", 256, False)
    before = dict(backends._loaded)
    backends._loaded["cupy"] = CupyBackend(HostDevice())
    try:
        with tf.Session(graph=target.graph, backend="cupy") as session:
            plan, _ = session.plan_for(target.fetches, target.feeds)
    finally:
        backends._loaded.clear()
        backends._loaded.update(before)
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
