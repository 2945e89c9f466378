"""The real cuDNN without a GPU. It is told what a GPU is, and so says which engine it would take for a graph.

python tests/gpu/real_cudnn.py T4                 the convolutions of the tests, as JSON
python tests/gpu/real_cudnn.py T4 resnet50 32     those of a network's training step at a batch size, as a table

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
# What differs from an H100, by NVIDIA's data sheets and the table of compute capabilities.
GPUS: dict[str, dict[str, Any]] = {
    "T4": {
        "deviceName": "Tesla T4", "deviceVer": 750, "multiProcessorCount": 40, "totalGlobalMem": 15 << 30,
        "maxThreadsPerSM": 1024, "maxCtasPerSM": 16, "maxSharedMemoryPerBlockOptin": 64 << 10, "l2CacheSize": 4 << 20,
        "smClockRateKHz": 1590000, "memClockRateKHz": 5001000, "memoryBusWidth": 256, "reservedSharedMemoryPerBlock": 0,
    },
    "RTX 3060": {
        "deviceName": "NVIDIA GeForce RTX 3060", "deviceVer": 860, "multiProcessorCount": 28,
        "totalGlobalMem": 12 << 30, "maxThreadsPerSM": 1536, "maxCtasPerSM": 16,
        "maxSharedMemoryPerBlockOptin": 99 << 10, "l2CacheSize": 2304 << 10, "smClockRateKHz": 1777000,
        "memClockRateKHz": 7501000, "memoryBusWidth": 192,
    },
    "RTX 4090": {
        "deviceName": "NVIDIA GeForce RTX 4090", "deviceVer": 890, "multiProcessorCount": 128,
        "totalGlobalMem": 24 << 30, "maxThreadsPerSM": 1536, "maxCtasPerSM": 24,
        "maxSharedMemoryPerBlockOptin": 99 << 10, "l2CacheSize": 72 << 20, "smClockRateKHz": 2520000,
        "memClockRateKHz": 10501000, "memoryBusWidth": 384,
    },
    "A100": {
        "deviceName": "NVIDIA A100-SXM4-40GB", "deviceVer": 800, "multiProcessorCount": 108,
        "totalGlobalMem": 40 << 30, "maxSharedMemoryPerBlockOptin": 163 << 10, "l2CacheSize": 40 << 20,
        "smClockRateKHz": 1410000, "memClockRateKHz": 1215000,
    },
    "H200": {"deviceName": "NVIDIA H200", "totalGlobalMem": 141 << 30},
    "B200": {
        "deviceName": "NVIDIA B200", "deviceVer": 1000, "multiProcessorCount": 148, "totalGlobalMem": 180 << 30,
        "l2CacheSize": 126 << 20, "memoryBusWidth": 8192,
    },
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
    """The module cudnn, whose graphs are for a GPU that is not there."""

    def __init__(self, gpu: str) -> None:
        import cudnn

        self._real: Any = cudnn
        self._told = H100 | GPUS[gpu]
        self._properties = cudnn.create_device_properties(json.dumps(self._told))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create_handle(self) -> int:
        return 1

    def set_stream(self, handle: int, stream: int) -> None:
        pass

    def pygraph(self, handle: int, **options: Any) -> Any:
        version, count = self._told["deviceVer"] // 10, self._told["multiProcessorCount"]
        return self._real.pygraph(device_property=self._properties, sm_version=version, sm_count=count, **options)


def backend(gpu: str, precision: str) -> Any:
    from gpu.host import HostDevice
    from minigraph.backends.cupy.backend import CupyBackend

    name = "float32" if precision == "float16" else precision
    return CupyBackend(HostDevice(cudnn=RealCudnn(gpu)), name)


def precisions(gpu: str) -> tuple[str, ...]:
    """Those that the backend offers on a GPU: bfloat16 needs compute capability 8.0."""
    return tuple(p for p in PRECISIONS if p != "bfloat16" or (H100 | GPUS[gpu])["deviceVer"] >= 800)


def ask(gpu: str) -> dict[str, Any]:
    """For each precision how many of the tests' convolutions were asked for, and which of them have no engine."""
    from support.kernel_cases import type_of

    from gpu.networks import forms

    found = {}
    for precision in precisions(gpu):
        asked = backend(gpu, precision)
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


def of_network(gpu: str, model: str, batch: int) -> None:
    """For a training step and inference in each precision: graphs, those without an engine, and largest workspace."""
    import minigraph as tf
    from minigraph.backend import discovery as backends
    from minigraph.tools.shared.target import load_target

    for inference in (False, True):
        for precision in [p for p in precisions(gpu) if p != "float16"]:
            asked = backend(gpu, precision)
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
    if len(sys.argv) > 2:
        of_network(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        print(json.dumps(ask(sys.argv[1])))
