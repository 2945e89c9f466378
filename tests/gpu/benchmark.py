"""Times of training steps and inference on a GPU, beside PyTorch's best, and host time per captured step.

Both copy the batch from the host to the device in each step: minigraph from the fed arrays, PyTorch from pinned memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf
from minigraph.models.registry import get_model
from minigraph.tools.bench import torch_peer
from minigraph.tools.bench.layers import NETWORKS
from minigraph.tools.shared.target import load_target

ROUNDS = 30
HOST_STEPS = 100  # fewer than what the driver lets wait


class Row(NamedTuple):
    """bar: minigraph's time in units of PyTorch's best."""

    model: str
    batch: int
    trains: bool
    bar: float

    def label(self, precision: str) -> str:
        return f"{self.model}, {'training step' if self.trains else 'inference'}, batch {self.batch}, {precision}"


ROWS = (
    Row("mnist-cnn", 256, True, 0.7),
    Row("lenet5-modern", 64, True, 0.5),
    *(Row(m, b, False, 1.0) for m in ("resnet50", "vgg16") for b in (1, 32)),
    *(Row(m, 32, True, 1.0) for m in ("resnet50", "vgg16")),
)
PRECISIONS = ("float32", "tf32", "bfloat16")


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


def jobs(only: str = "") -> list[tuple[str, Callable[[], Any]]]:
    """What is timed, the most telling first: minigraph, PyTorch's hand-made CUDA graph, its compiled form, which takes
    long to compile, and eager. only: a model, in float32 and without the compiled form."""
    rows = [row for row in ROWS if only in ("", row.model)]
    precisions = PRECISIONS[:1] if only else PRECISIONS
    found: list[tuple[str, Callable[[], Any]]] = []
    for variant in ("minigraph", "captured", *([] if only else ["compiled"]), "eager"):
        for precision in precisions:
            for row in rows:
                label = row.label(precision)
                if variant == "minigraph":
                    found.append((f"{label}: minigraph", partial(ours, row, precision)))
                    continue
                found += [
                    (f"{label}: torch {variant}, {layout}", partial(theirs, row, precision, variant, layout))
                    for layout in ("channels last", "contiguous")
                ]
    return found


def table(found: dict[str, Any]) -> dict[str, Any]:
    """For each row and precision seconds, and the ratio of minigraph's to the least of PyTorch's that were measured."""
    made: dict[str, Any] = {}
    bars = {row.label(p): row.bar for row in ROWS for p in PRECISIONS}
    for name, result in found.items():
        label, candidate = name.split(": ")
        made.setdefault(label, {})[candidate] = result.get("seconds")
    for label, seconds in made.items():
        peers = {n: v for n, v in seconds.items() if n != "minigraph" and v is not None}
        if peers and seconds.get("minigraph"):
            best = min(peers, key=lambda n: peers[n])
            seconds |= {"best_peer": best, "ratio": seconds["minigraph"] / peers[best]}
        seconds["bar"] = bars.get(label)
    return made


def ours(row: Row, precision: str) -> dict[str, Any]:
    """Seconds of a run, whether it was captured, and how many convolutions went a rung down."""
    target = load_target(row.model, row.batch, inference=not row.trains)
    feeds = target.feeds
    with target.session(backend="cupy", precision=precision) as session:
        seconds = median_seconds(lambda: session.run(target.fetches, feeds))
        plan: Any = session.plan_for(target.fetches, feeds)[0]
        return {
            "seconds": seconds,
            "capture_declined": plan.missed,
            "lower_rungs": len(session.backend.ladder.reasons),  # type: ignore[attr-defined]
            "arena": plan.peak,
        }


def first_run(row: Row, precision: str) -> dict[str, float]:
    """Seconds from a graph that is built to the results of its first run, most of which compile."""
    target = load_target(row.model, row.batch, inference=not row.trains)
    with target.session(backend="cupy", precision=precision) as session:
        start = time.perf_counter()
        session.run(target.fetches, target.feeds)
        return {"seconds": time.perf_counter() - start}


def theirs(row: Row, precision: str, variant: str, layout: str) -> dict[str, Any]:
    """PyTorch's seconds: eager, compiled, or captured by hand, in one of two layouts."""
    try:
        import torch
    except ImportError:
        return {"skipped": "PyTorch is not installed"}
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True
    form = torch.channels_last if layout == "channels last" else torch.contiguous_format
    try:
        return {"seconds": median_seconds(_Peer(row, precision, form).make(variant))}
    except Exception as error:  # a peer that cannot is no failure of what is checked here
        return {"not_measured": f"{type(error).__name__}: {error}"[:500]}
    finally:
        torch.cuda.empty_cache()


class _Peer:
    """A network of `tools/bench/layers.py` in PyTorch, on the GPU."""

    def __init__(self, row: Row, precision: str, layout: Any) -> None:
        import torch

        torch.manual_seed(1)
        network = NETWORKS[row.model]
        self.torch, self.row, self.precision = torch, row, precision
        module = torch_peer.build(network)
        self.module: Any = module.cuda().to(memory_format=layout).train(row.trains)
        height, width, channels = network.image
        images = torch.rand(row.batch, channels, height, width).contiguous(memory_format=layout)
        self.host = images.pin_memory(), torch.randint(network.classes, (row.batch,)).pin_memory()
        self.images, self.labels = (t.cuda() for t in self.host)
        self.optimizer = torch_peer.optimizer_of(network, self.module, capturable=True) if row.trains else None

    @contextmanager
    def _numbers(self) -> Iterator[None]:
        torch = self.torch
        narrow = self.precision == "bfloat16"
        with torch.autocast("cuda", torch.bfloat16, enabled=narrow), torch.set_grad_enabled(self.row.trains):
            yield

    def work(self, module: Any) -> Any:
        """On the device's batch: the loss, or the logits."""
        with self._numbers():
            out = module(self.images)
            if not self.row.trains:
                return out
            loss = self.torch.nn.functional.cross_entropy(out, self.labels)
        assert self.optimizer is not None
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss

    def make(self, variant: str) -> Callable[[], Any]:
        module = self.module
        if variant == "compiled":
            module = self.torch.compile(module, mode="reduce-overhead")
        run = self._captured() if variant == "captured" else partial(self.work, module)

        def step() -> Any:
            self.images.copy_(self.host[0], non_blocking=True)
            self.labels.copy_(self.host[1], non_blocking=True)
            return run().float().cpu()

        return step

    def _captured(self) -> Callable[[], Any]:
        torch = self.torch
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.work(self.module)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = self.work(self.module).detach()

        def replay() -> Any:
            graph.replay()
            return result

        return replay


def host_time(model: str = "mnist-cnn", batch: int = 64, steps: int | None = None) -> dict[str, Any]:
    """Microseconds until `run` of a captured training step is back, which does not wait for the device. The batch is in
    variables, so nothing is fed."""
    found = get_model(model)
    steps = steps or HOST_STEPS
    random = np.random.RandomState(0)
    with tf.Graph().as_default(), tf.Session(backend="cupy") as session:
        pictures = random.rand(batch, *found.image_shape).astype(np.float32)
        images = tf.Variable(pictures, trainable=False)
        labels = tf.Variable(np.eye(found.classes, dtype=np.float32)[random.randint(found.classes, size=batch)], False)
        logits, _ = found.build(images.value(), num_classes=found.classes, is_training=True)
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels.value(), logits=logits))
        train = tf.train.AdamOptimizer(1e-4).minimize(loss)
        session.run(tf.global_variables_initializer())
        for _ in range(5):
            session.run(train)
        session.run(loss)  # waits for the device
        times = []
        for _ in range(steps):
            start = time.perf_counter()
            session.run(train)
            times.append(time.perf_counter() - start)
        plan: Any = session.plan_for(train)[0]
        session.run_steps(train, 2 * steps)
        start = time.perf_counter()
        session.run_steps(train, 10 * steps)
        session.run(loss)
        return {
            "microseconds": sorted(times)[len(times) // 2] * 1e6,
            "bar": 30,
            "capture_declined": plan.missed,
            "microseconds_of_a_step_among_many": (time.perf_counter() - start) / (10 * steps) * 1e6,
        }
