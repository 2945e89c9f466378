"""What `run.sh` does: each part on its own, so that one that fails leaves the others, and one JSON file of all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

PACKAGES = ("minigraph", "numpy", "cupy-cuda13x", "torch", *(f"nvidia-{n}" for n in ("cublas", "cuda-nvrtc")))
PACKAGES += ("nvidia-cudnn-cu13", "nvidia-cudnn-frontend")
STEPS = 20
RUNGS = ("fused", "plain", "im2col")
PARITY = {"float32": 1e-5, "tf32": 1e-3, "bfloat16": 1e-2}  # bars of the relative norm
SANITIZED = ("Softmax", "Sum", "MaxPool", "Conv2D")  # ops whose samples compute-sanitizer runs


def versions() -> dict[str, Any]:
    """Of Python, the libraries, driver and GPU."""
    from importlib.metadata import PackageNotFoundError, version

    from minigraph.backends.cupy.device import CudaDevice

    found: dict[str, Any] = {"python": sys.version.split()[0], "device": CudaDevice().describe()}
    for name in PACKAGES:
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
    import numpy as np
    from test_cupy_backend import batch, network

    import minigraph as tf

    images, labels = batch()
    losses = {}
    for name, backend, switch in (("numpy", "numpy", "1"), ("eager", "cupy", "0"), ("captured", "cupy", "1")):
        with (
            environment("MINIGRAPH_CUDA_GRAPHS", switch),
            tf.Graph().as_default(),
            tf.Session(backend=backend) as session,
        ):
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


@contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """An environment variable, for a while."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def ladder() -> dict[str, Any]:
    """Every case of convolutions and a residual block on each rung, against the reference; and why a rung was left."""
    import numpy as np
    from test_cuda_kernels import trials
    from test_cudnn import evaluate, forms

    from minigraph.backend import get_backend

    backend: Any = get_backend("cupy")
    want = evaluate("numpy")[0]
    found = {}
    for rung in RUNGS:
        with environment("MINIGRAPH_CONV", rung):
            backend.ladder.reasons.clear()
            wrong = {}
            for dtype in (np.float32, np.float16):
                for op, inputs in forms(dtype):
                    for trial in trials(backend, op, inputs):
                        try:
                            trial.run()
                        except Exception as error:
                            wrong[f"{op}, {np.dtype(dtype)}"] = f"{type(error).__name__}: {error}"[:500]
            made, plan = evaluate("cupy")
            reasons = {str(problem): reason for problem, reason in backend.ladder.reasons.items()}
            found[rung] = {
                "wrong": wrong,
                "block_error": float(np.linalg.norm(made - want) / np.linalg.norm(want)),
                "capture_declined": plan.declined,
                "next_rung": reasons,
            }
    return found


def precisions(models: tuple[str, ...] = ("mnist-cnn", "squeezenet", "resnet50"), batch: int = 4) -> dict[str, Any]:
    """The relative norm of the error in each precision: the worst of convolutions and matrix products, and of networks'
    logits and gradients, against NumPy. Gradients have no bar: where rounding changes which of two elements is the
    largest, or the sign before a ReLU, a gradient takes another way."""
    from minigraph.core.errors import MinigraphError

    found: dict[str, Any] = {"products": {p: {"error": _worst_product(p), "bar": bar} for p, bar in PARITY.items()}}
    for model in models:
        try:
            want = _logits_and_gradients(model, batch, "numpy", "float32")
        except MinigraphError as error:
            found[model] = {"failed": str(error)}
            continue
        found[model] = {
            precision: {"bar": bar, **_errors(_logits_and_gradients(model, batch, "cupy", precision), want)}
            for precision, bar in PARITY.items()
        }
    return found


def _worst_product(precision: str) -> float:
    import numpy as np
    from test_cuda_kernels import trials
    from test_cudnn import forms

    from minigraph.backend import get_backend
    from minigraph.ops.matmul import MatMul

    backend: Any = get_backend("cupy", precision)
    random = np.random.RandomState(0)
    a, b = (random.randn(*shape).astype(np.float32) for shape in ((64, 300), (300, 48)))
    errors = []
    for op, inputs in [*forms(np.float32), (MatMul(), [a, b])]:
        (want,) = op.forward(np, *(x.astype(np.float64) for x in inputs))
        for trial in trials(backend, op, inputs, 1.0):
            trial.run()
            got = backend.read(trial.outputs[0])
            errors.append(float(np.linalg.norm(got - want) / np.linalg.norm(want)))
    return max(errors)


def _errors(got: list[Any], want: list[Any]) -> dict[str, float]:
    import numpy as np

    return {
        name: float(np.linalg.norm(a - b) / np.linalg.norm(b))
        for name, a, b in zip(("logits", "gradients"), got, want, strict=True)
    }


def _logits_and_gradients(model: str, batch: int, backend: str, precision: str) -> list[Any]:
    import numpy as np

    import minigraph as tf
    from minigraph.models.registry import get_model

    network, random = get_model(model), np.random.RandomState(0)
    pictures = random.rand(batch, *network.image_shape).astype(np.float32)
    one_hot = np.eye(network.classes, dtype=np.float32)[random.randint(network.classes, size=batch)]
    with tf.Graph().as_default(), tf.Session(backend=backend, precision=precision) as session:
        tf.set_random_seed(1)
        images = tf.placeholder(tf.float32, pictures.shape)
        logits, _ = network.build(images, num_classes=network.classes, is_training=False)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=tf.constant(one_hot), logits=logits))
        gradients = tf.gradients(loss, tf.trainable_variables())
        session.run(tf.global_variables_initializer())
        made, parts = session.run([logits, gradients], {images: pictures})
    return [made.ravel(), np.concatenate([np.ravel(p) for p in parts])]


def host_time() -> dict[str, Any]:
    """See `benchmark.host_time`."""
    from gpu import benchmark as timing

    return timing.host_time()


def benchmark() -> dict[str, Any]:
    """See `benchmark.benchmark`."""
    from gpu import benchmark as timing

    return timing.benchmark()


def main(path: str) -> int:
    report: dict[str, Any] = {}
    failed = False
    for part in (versions, parity, ladder, precisions, training, sanitizer, host_time, benchmark):
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
