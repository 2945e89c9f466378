"""What `run.sh` does: each part on its own, so that one that fails leaves the others, and one JSON file of all."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

STEPS, ROUNDS = 20, 30
SANITIZED = ("Softmax", "Sum", "MaxPool", "Conv2D")  # ops whose samples compute-sanitizer runs


def versions() -> dict[str, Any]:
    """Of Python, the libraries, driver and GPU."""
    from importlib.metadata import PackageNotFoundError, version

    from minigraph.backends.cupy.device import CudaDevice

    found: dict[str, Any] = {"python": sys.version.split()[0], "device": CudaDevice().describe()}
    for name in ("minigraph", "numpy", "cupy-cuda13x", "torch", "nvidia-cublas", "nvidia-cuda-nvrtc"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def parity(only: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every op's samples on the device against its reference."""
    from test_cuda_kernels import sample_cases, trials

    from minigraph.backends.cupy.backend import CupyBackend
    from minigraph.backends.cupy.device import CudaDevice

    backend = CupyBackend(CudaDevice())
    cases = [case for case in sample_cases() if not only or type(case[1]).__name__ in only]
    made = [(name, t) for name, op, inputs in cases for t in trials(backend, op, inputs)]
    wrong = {}
    for name, trial in made:
        try:
            trial.run()
        except Exception as error:
            wrong[name] = f"{type(error).__name__}: {error}"[:500]
    return {"cases": len(made), "wrong": wrong}


def training() -> dict[str, Any]:
    """Losses of the small network of the tests for some steps: NumPy, eager launches, one CUDA graph a step."""
    import os

    import numpy as np
    from test_cupy_backend import batch, network

    import minigraph as tf

    images, labels = batch()
    losses = {}
    for name, backend, switch in (("numpy", "numpy", "1"), ("eager", "cupy", "0"), ("captured", "cupy", "1")):
        os.environ["MINIGRAPH_CUDA_GRAPHS"] = switch
        with tf.Graph().as_default(), tf.Session(backend=backend) as session:
            x, y, loss, train = network()
            session.run(tf.global_variables_initializer())
            losses[name] = [float(session.run([loss, train], {x: images, y: labels})[0]) for _ in range(STEPS)]
            if name == "captured":
                plan: Any = session.plan_for([loss, train], {x: images, y: labels})[0]
                declined = plan.declined
    want = np.array(losses["numpy"])
    return {
        "losses": losses,
        "capture_declined": declined,
        "eager_equals_captured": losses["eager"] == losses["captured"],
        "largest_relative_error": float(np.max(np.abs(np.array(losses["captured"]) - want) / np.abs(want))),
    }


def sanitizer() -> dict[str, Any]:
    """compute-sanitizer's memcheck and racecheck on a few ops."""
    program = shutil.which("compute-sanitizer")
    if program is None:
        return {"skipped": "compute-sanitizer is not installed"}
    code = f"import sys; sys.path.insert(0, {str(TESTS / 'gpu')!r}); import report; r = report.parity({SANITIZED!r})"
    found = {}
    for tool in ("memcheck", "racecheck"):
        check = [sys.executable, "-c", f"{code}; assert not r['wrong']"]
        command = [program, "--tool", tool, "--error-exitcode", "9", *check]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        found[tool] = {"exit": done.returncode, "end": (done.stdout + done.stderr)[-2000:]}
    return found


def median_seconds(step: Callable[[], Any]) -> float:
    """Of one call, after some to warm up."""
    for _ in range(5):
        step()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return sorted(times)[ROUNDS // 2]


def benchmark() -> dict[str, Any]:
    """Seconds of a training step of mnist-cnn at batch 256, feeds and the loss's copy included. PyTorch runs the same
    layers, eagerly and compiled."""
    import numpy as np

    from minigraph.tools.target import load_target

    target = load_target("mnist-cnn", 256, False)
    feeds = target.feeds
    with target.session(backend="cupy") as session:
        found: dict[str, Any] = {"minigraph": median_seconds(lambda: session.run(target.fetches, feeds))}
    try:
        import torch
    except ImportError:
        return found | {"torch": "not installed"}
    nn = torch.nn
    layers = [nn.Conv2d(1, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 128, 5, padding=2), nn.ReLU()]
    layers += [nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6272, 1024), nn.ReLU(), nn.Dropout(0.5), nn.Linear(1024, 10)]
    x = torch.tensor(np.random.rand(256, 1, 28, 28), dtype=torch.float32, device="cuda")
    y = torch.randint(0, 10, (256,), device="cuda")
    model = nn.Sequential(*layers).cuda()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False

    def step(network: Any) -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    compiled = torch.compile(model, mode="reduce-overhead")
    found["torch_eager"] = median_seconds(lambda: step(model))
    found["torch_compiled"] = median_seconds(lambda: step(compiled))
    return found


def main(path: str) -> int:
    report: dict[str, Any] = {}
    failed = False
    for part in (versions, parity, training, sanitizer, benchmark):
        print(f"{part.__name__} ...", flush=True)
        try:
            report[part.__name__] = part()
        except Exception:
            report[part.__name__] = {"failed": traceback.format_exc()}
            failed = True
        Path(path).write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {path}")
    return int(failed or bool(report["parity"].get("wrong")))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
