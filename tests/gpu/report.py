"""What `run.sh` does. Each part runs in processes of its own, so that one that fails, crashes or hangs leaves the
others; one JSON file has all of it.

    run.sh [REPORT] [--quick] [--only PART,PART] [--minutes N]

REPORT: gpu-report.json by default; parts that are not run this time stay as they are in it, and of `benchmark` what has
been measured is not measured again. --quick: the versions, every op, and mnist-cnn's training step. --minutes: 8 by
default.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from gpu import jobs  # noqa: E402
from gpu.jobs import Job, Part  # noqa: E402

PACKAGES = ("minigraph", "numpy", "cupy-cuda13x", "cupy-cuda12x", "cuda-pathfinder", "torch", "nvidia-cublas")
PACKAGES += ("nvidia-cuda-nvrtc", "nvidia-cudnn-cu13", "nvidia-cudnn-cu12", "nvidia-cudnn-frontend")
LIBRARIES = ("cublas", "nvrtc", "cudnn")
STEPS = 20
RUNGS = ("fused", "plain", "im2col")
PARITY = {"float32": 1e-5, "tf32": 1e-3, "bfloat16": 1e-2}  # bars of the relative norm
SANITIZED = ("Softmax", "Sum", "MaxPool", "Conv2D")  # ops whose samples compute-sanitizer runs
NETWORKS = ("mnist-cnn", "lenet5-modern", "squeezenet", "resnet50")


def versions() -> dict[str, Any]:
    """Of Python, packages, driver and GPU, and where the libraries are."""
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, Any] = {"python": sys.version.split()[0], "processors": os.cpu_count()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text())["project"]
    found["missing"] = [n for d in project["dependencies"] if not _is_there(n := re.split("[><=!~]", d)[0])]
    for what, ask in (("device", _device), *((name, partial(_library, name)) for name in LIBRARIES)):
        try:
            found[what] = ask()
        except Exception as error:
            found[what] = f"{type(error).__name__}: {error}"[:500]
    return found


def _is_there(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def _device() -> str:
    from minigraph.backends.cupy.device import CudaDevice

    return CudaDevice().describe()


def _library(name: str) -> str:
    from cuda import pathfinder

    if name == "cudnn" and importlib.util.find_spec("cudnn"):
        import cudnn

        return f"{cudnn.backend_version()}, frontend {cudnn.__version__}"
    return str(pathfinder.load_nvidia_dynamic_lib(name).abs_path)


def ops(only: tuple[str, ...] = ()) -> list[Job]:
    """Every op's samples on the device against its reference; a job gives None where all is well."""
    from gpu.trials import sample_cases
    from minigraph.backends.cupy.backend import CupyBackend
    from minigraph.backends.cupy.device import CudaDevice

    backend = CupyBackend(CudaDevice())
    cases = [case for case in sample_cases() if not only or type(case[1]).__name__ in only]
    return [(f"{name}, {number}", Check(backend, op, inputs)) for number, (name, op, inputs) in enumerate(cases)]


class Check:
    """All ways to bind an op's kernels to arrays, against its reference."""

    def __init__(self, backend: Any, op: Any, inputs: Any) -> None:
        self._case = backend, op, inputs
        self._bound: list[Any] | None = None

    def bind(self) -> None:
        from gpu.trials import trials

        self._bound = list(trials(*self._case))

    def __call__(self) -> None:
        if self._bound is None:
            self.bind()
        for trial in self._bound or ():
            trial.run()


def bind(checks: Sequence[Job]) -> None:
    """All together, so that their kernels are one module. A check that cannot be bound says so when its turn comes."""
    for _, check in checks:
        with suppress(Exception):
            check.bind()  # type: ignore[attr-defined]


def check_ops(only: tuple[str, ...]) -> None:
    """For compute-sanitizer: raises what the jobs raise."""
    checks = ops(only)
    bind(checks)
    for _, check in checks:
        check()


def training() -> dict[str, Any]:
    """Losses of the small network of the tests for some steps: NumPy, eager launches, one CUDA graph a step."""
    import numpy as np

    import minigraph as tf
    from gpu.networks import batch, network

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
                missed = plan.missed
    want = np.array(losses["numpy"])
    return {
        "losses": losses,
        "capture_declined": missed,
        "eager_equals_captured": losses["eager"] == losses["captured"],
        "largest_relative_error": float(np.max(np.abs(np.array(losses["captured"]) - want) / np.abs(want))),
    }


def _sanitizer() -> str | None:
    """Where compute-sanitizer is: on the path, in a toolkit's folder, or in a wheel."""
    found = shutil.which("compute-sanitizer")
    roots = [Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")), *Path("/usr/local").glob("cuda-*")]
    spec = importlib.util.find_spec("nvidia")
    folders = [r / "bin" for r in roots] + [r / "compute-sanitizer" for r in roots]
    folders += [p for f in (spec.submodule_search_locations or () if spec else ()) for p in Path(f).glob("*/bin")]
    places = [found, *(shutil.which("compute-sanitizer", path=str(folder)) for folder in folders)]
    return next((place for place in places if place), None)


def sanitize(tool: str) -> dict[str, Any]:
    """compute-sanitizer's memcheck or racecheck on a few ops."""
    program = _sanitizer()
    if program is None:
        return {"skipped": "compute-sanitizer is not installed"}
    code = f"import sys; sys.path.insert(0, {str(TESTS)!r}); from gpu import report; report.check_ops({SANITIZED!r})"
    command = [program, "--tool", tool, "--error-exitcode", "9", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    return {"exit": done.returncode, "end": (done.stdout + done.stderr)[-2000:]}


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


def ladder(rung: str) -> dict[str, Any]:
    """Every case of convolutions and a residual block on a rung, against the reference; and why it was left."""
    import numpy as np

    from gpu.networks import evaluate, forms
    from gpu.trials import trials
    from minigraph.backend.discovery import get_backend

    backend: Any = get_backend("cupy")
    want = evaluate("numpy")[0]
    wrong = {}
    with environment("MINIGRAPH_CONV", rung):
        backend.ladder.reasons.clear()
        bound: list[tuple[str, Any]] = []  # all before the first is run, so that their kernels are one module
        for dtype in (np.float32, np.float16):
            for op, inputs in forms(dtype):
                name = f"{op}, {np.dtype(dtype)}"
                try:
                    bound += [(name, trial) for trial in trials(backend, op, inputs)]
                except Exception as error:
                    wrong[name] = f"{type(error).__name__}: {error}"[:500]
        for name, trial in bound:
            try:
                trial.run()
            except Exception as error:
                wrong[name] = f"{type(error).__name__}: {error}"[:500]
        made, plan = evaluate("cupy")
    return {
        "wrong": wrong,
        "block_error": float(np.linalg.norm(made - want) / np.linalg.norm(want)),
        "capture_declined": plan.missed,
        "next_rung": {str(problem): reason for problem, reason in backend.ladder.reasons.items()},
    }


def products() -> dict[str, Any]:
    """In each precision the relative norm of the error of the worst of convolutions and matrix products."""
    return {p: {"error": _worst_product(p), "bar": bar} for p, bar in PARITY.items()}


def network_errors(model: str, batch: int = 4) -> dict[str, Any]:
    """In each precision the relative norms of the errors of a network's logits and gradients, against NumPy. Gradients
    have no bar: where rounding changes which of two elements is the largest, or the sign before a ReLU, a gradient
    takes another way."""
    want = _logits_and_gradients(model, batch, "numpy", "float32")
    return {
        precision: {"bar": bar, **_errors(_logits_and_gradients(model, batch, "cupy", precision), want)}
        for precision, bar in PARITY.items()
    }


def _worst_product(precision: str) -> float:
    import numpy as np

    from gpu.networks import forms
    from gpu.trials import trials
    from minigraph.backend.discovery import get_backend
    from minigraph.ops.math.matmul import MatMul

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


def timing(only: str = "") -> list[Job]:
    """See `benchmark.jobs`."""
    from gpu import benchmark
    from minigraph.backend.discovery import get_backend

    get_backend("cupy")  # else each job would fail, after building its network
    return benchmark.jobs(only)


def first_runs() -> list[Job]:
    """See `benchmark.first_run`; they leave compiled kernels for the benchmark."""
    from gpu import benchmark
    from minigraph.backend.discovery import get_backend

    get_backend("cupy")  # else each job would fail, after building its network
    return [
        (row.label(p), partial(benchmark.first_run, row, p)) for p in benchmark.PRECISIONS for row in benchmark.ROWS
    ]


def host_time() -> dict[str, Any]:
    """See `benchmark.host_time`."""
    from gpu import benchmark

    return benchmark.host_time()


PARTS = (
    Part("versions", lambda: [("versions", versions)], 60, 60),
    Part("parity", ops, 120, 60, 8, bind),
    Part("ladder", lambda: [(rung, partial(ladder, rung)) for rung in RUNGS], 60, 60, 3),
    Part("training", lambda: [("training", training)], 60, 60),
    Part("mnist_step", partial(timing, "mnist-cnn"), 60, 30),
    Part("host_time", lambda: [("host_time", host_time)], 60, 60),
    Part("first_runs", first_runs, 120, 90, 8),
    Part(
        "precisions", lambda: [("products", products), *((n, partial(network_errors, n)) for n in NETWORKS)], 90, 80, 5
    ),
    Part("sanitizer", lambda: [(t, partial(sanitize, t)) for t in ("memcheck", "racecheck")], 60, 55, 2),
    Part("benchmark", timing, 3600, 90),
)
SERVE = (sys.executable, "-X", "faulthandler", __file__, "--serve")
QUICK = ("versions", "parity", "mnist_step")


def summary(name: str, results: jobs.Results, before: dict[str, Any]) -> dict[str, Any]:
    """A part as it stands in the report."""
    found: dict[str, Any] = results.found
    if name == "parity":
        wrong = {job: result for job, result in found.items() if result is not None}
        found = {"cases": len(found), "wrong": wrong}
    elif name in ("benchmark", "mnist_step"):
        from gpu import benchmark

        found = {"measured": before | found, "table": benchmark.table(before | found)}
    elif list(found) == [name]:
        found = found[name]
    if results.left:
        found = found | {"not_run": results.left}
    if results.failed:
        found = found | {"failed": results.failed}
    return found


def is_bad(found: Any) -> bool:
    """Whether something failed or is wrong, anywhere in a part."""
    if not isinstance(found, dict):
        return False
    return bool(found.get("failed") or found.get("wrong") or found.get("exit")) or any(map(is_bad, found.values()))


def serve(arguments: list[str]) -> int:
    """What the processes of a part do."""
    return jobs.serve(next(p for p in PARTS if p.name == arguments[0]), *arguments[1:])


def main(arguments: list[str], command: Sequence[str] = SERVE) -> int:
    parser = argparse.ArgumentParser(prog="run.sh", description="Checks and times minigraph on a GPU.")
    parser.add_argument("report", nargs="?", default="gpu-report.json", type=Path)
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK)} only")
    parser.add_argument("--only", metavar="PART,PART", help=f"of {', '.join(p.name for p in PARTS)}")
    parser.add_argument("--minutes", type=float, default=8)
    given = parser.parse_args(arguments)
    chosen = given.only.split(",") if given.only else QUICK if given.quick else [p.name for p in PARTS]
    if unknown := set(chosen) - {p.name for p in PARTS}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    report: dict[str, Any] = json.loads(given.report.read_text()) if given.report.exists() else {}
    until = time.monotonic() + 60 * given.minutes
    for part in (p for p in PARTS if p.name in chosen):
        print(f"{part.name} ...", end=" ", flush=True)
        started = time.monotonic()
        measured = report.get(part.name, {}).get("measured", {}) if part.name == "benchmark" else {}
        before = {name: result for name, result in measured.items() if "failed" not in result}
        results = jobs.run(part, command, until - started, before)
        report[part.name] = summary(part.name, results, before)
        said = "something failed" if is_bad(report[part.name]) else "well" if not results.left else "not finished"
        print(f"{said}, {time.monotonic() - started:.0f} s", flush=True)
        given.report.write_text(json.dumps(report, indent=1) + "\n")
    print(f"wrote {given.report}")
    return int(any(is_bad(report[name]) for name in chosen))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        raise SystemExit(serve(sys.argv[2:]))
    raise SystemExit(main(sys.argv[1:]))
