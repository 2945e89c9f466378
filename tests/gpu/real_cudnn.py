"""The real cuDNN without a GPU. It is told what an H100 is, and so says which engine it would take for a graph.

python tests/gpu/real_cudnn.py               the convolutions of the tests, as JSON
python tests/gpu/real_cudnn.py resnet50 32   those of a network's training step at a batch size, as a table

It needs the package nvidia-cudnn-frontend and cuDNN. Where there is no driver, LD_PRELOAD has to name what
`driver_stand_in` makes: cuDNN links to the driver's library, but calls nothing of it before a graph is executed.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

H100: dict[str, Any] = {
    "deviceName": "NVIDIA H100 80GB HBM3", "cudaDeviceId": 0, "totalGlobalMem": 80 << 30, "deviceVer": 900,
    "driverVer": 13000, "pciDeviceId": 0, "isTccDriver": 0,
    "multiProcessorCount": 132, "smCountOrigin": 0, "warpSize": 32, "supportCoopLaunch": 1, "regsPerBlock": 65536,
    "maxGridSize": [2**31 - 1, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "maxThreadsPerBlock": 1024,
    "maxThreadsPerSM": 2048, "maxCtasPerSM": 32, "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 48 << 10,
    "maxSharedMemoryPerBlockOptin": 227 << 10, "reservedSharedMemoryPerBlock": 1024, "smClockRateKHz": 1980000,
    "oversizedSharedMemoryPerBlock": 0, "memClockRateKHz": 2619000, "memoryBusWidth": 5120, "l2CacheSize": 50 << 20,
}  # fmt: skip
CALLED = ("GetErrorString", "ModuleGetFunction", "ModuleLoadData", "ModuleUnload")
CALLED += ("TensorMapEncodeIm2col", "TensorMapEncodeTiled")
PRECISIONS = ("float32", "tf32", "bfloat16", "float16")


def driver_stand_in(folder: Path, compiler: str) -> Path | None:
    """A library with the driver's name and the functions that cuDNN links to; None where there is a driver."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        source, library = folder / "driver.c", folder / "libcuda.so.1"
        source.write_text("".join(f'extern "C" int cu{name}() {{ return 100; }}\n' for name in CALLED))
        command = [compiler, "-x", "c++", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", str(source), "-o"]
        subprocess.run([*command, str(library)], check=True)
        return library
    return None


class RealCudnn:
    """The module cudnn, whose graphs are for an H100 that is not there."""

    def __init__(self) -> None:
        import cudnn

        self._real: Any = cudnn
        self._properties = cudnn.create_device_properties(json.dumps(H100))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create_handle(self) -> int:
        return 1

    def set_stream(self, handle: int, stream: int) -> None:
        pass

    def pygraph(self, handle: int, **options: Any) -> Any:
        return self._real.pygraph(device_property=self._properties, sm_version=90, sm_count=132, **options)


def backend(precision: str) -> Any:
    from gpu.host import HostDevice
    from minigraph.backends.cupy.backend import CupyBackend

    name = "float32" if precision == "float16" else precision
    return CupyBackend(HostDevice(cudnn=RealCudnn()), name)


def ask() -> dict[str, Any]:
    """For each precision how many of the tests' convolutions were asked for, and which of them have no engine."""
    from support.kernel_cases import type_of

    from gpu.networks import forms

    found = {}
    for precision in PRECISIONS:
        asked = backend(precision)
        cases = forms(np.float16 if precision == "float16" else np.float32)
        for op, inputs in cases:
            types = [type_of(a) for a in inputs]
            asked.lower(op, types, op.infer(*types))
        asked.ladder.fused(block(precision))
        found[precision] = {
            "asked": len(asked.device.cudnn._graphs),
            "refused": {str(p): reason for p, reason in asked.ladder.reasons.items()},
        }
    return found


def block(precision: str) -> Any:
    """A convolution with residual, bias and ReLU, as the compiler fuses them."""
    import minigraph as tf
    from gpu.networks import residual_block
    from minigraph.ir.regions import Epilogue

    dtype = tf.float16 if precision == "float16" else tf.float32
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(dtype, [2, 5, 6, 4])
        plan, _ = session.plan_for(residual_block(x), {x: np.zeros((2, 5, 6, 4))})
    return next(i.op for i in plan.program.instrs if isinstance(i.op, Epilogue))


def of_network(model: str, batch: int) -> None:
    """For a training step and inference in each precision: graphs, those without an engine, and largest workspace."""
    import minigraph as tf
    from minigraph.backend import discovery as backends
    from minigraph.tools.shared.target import load_target

    for inference in (False, True):
        for precision in PRECISIONS[:3]:
            asked = backend(precision)
            backends._loaded["cupy"] = asked
            asked._others["float32"] = asked
            asked._others[precision] = asked
            target = load_target(model, batch, inference)
            with tf.Session(graph=target.graph, backend="cupy", precision=precision) as session:
                session.plan_for(target.fetches, target.feeds)
            graphs = asked.device.cudnn._graphs
            room = max((g.workspace for g in graphs.values() if not isinstance(g, str)), default=0)
            refused = [(p.kind, p.epilogue, p.image, p.filters) for p in asked.ladder.reasons]
            what = "inference" if inference else "training step"
            print(f"{model} {what} {precision}: {len(graphs)} graphs, {len(refused)} refused, {room:,} bytes at most")
            for problem in refused:
                print("   ", *problem)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        of_network(sys.argv[1], int(sys.argv[2]))
    else:
        print(json.dumps(ask()))
