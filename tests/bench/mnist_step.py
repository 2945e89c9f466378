"""Time the training step of mnist-cnn (batch 256, Adam 0.01, keep_prob 0.75), minigraph against PyTorch eager.

    python tests/bench/mnist_step.py [--rounds 15] [--backend numpy]

All candidates take their steps in turn in one process; medians are of the rounds after the warm-up. Peak memory is
each candidate's alone, in a process of its own. Without PyTorch only minigraph is timed.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

BATCH = 256
WARM_UP = 3
TORCH = {
    "PyTorch, contiguous": (False, False),
    "PyTorch, contiguous, fused Adam": (False, True),
    "PyTorch, channels_last": (True, False),
    "PyTorch, channels_last, fused Adam": (True, True),
}
Step = Callable[[], float]


def batch() -> tuple[np.ndarray, np.ndarray]:
    """The first 256 digits of the sample: float32 [256, 784], one-hot float32 [256, 10]."""
    from minigraph.data import load

    data = load()
    return data.train_images[:BATCH], data.train_labels[:BATCH]


def minigraph_step(backend: str) -> Step:
    import minigraph as tf
    from minigraph.models.registry import get_model
    from minigraph.tools.train import build_network

    network = build_network(get_model("mnist-cnn"), stddev=1.0, learning_rate=0.01, seed=1)
    session = tf.Session(graph=network.graph, backend=backend)
    session.run(network.initialise)
    images, labels = batch()
    feeds = {network.images: images, network.labels: labels, network.keep_prob: 0.75}
    return lambda: float(session.run([network.train_step, network.loss], feeds)[1])


def torch_step(channels_last: bool, fused: bool) -> Step:
    import torch
    from torch import nn

    torch.manual_seed(1)
    layers = nn.Sequential(
        nn.Conv2d(1, 64, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(7 * 7 * 128, 1024),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(1024, 10),
    )
    for parameter in layers.parameters():
        nn.init.normal_(parameter)
    if channels_last:
        layers = layers.to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(layers.parameters(), 0.01, fused=fused)
    loss_of = nn.CrossEntropyLoss()
    images, labels = batch()

    def step() -> float:
        x = torch.from_numpy(images).reshape(BATCH, 1, 28, 28)
        if channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        adam.zero_grad()
        loss = loss_of(layers(x), torch.from_numpy(labels))
        loss.backward()
        adam.step()
        return loss.item()

    return step


def make(name: str, backend: str) -> Step:
    return torch_step(*TORCH[name]) if name in TORCH else minigraph_step(backend)


def peak_memory(name: str, backend: str) -> float:
    """Peak resident memory in MB of a fresh process that takes a few steps."""
    command = [sys.executable, __file__, "--peak", name, "--backend", backend]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_peak(name: str, backend: str) -> None:
    step = make(name, backend)
    for _ in range(WARM_UP):
        step()
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, else KiB
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print_peak(options.peak, options.backend)
        return

    ours = f"minigraph, {options.backend}"
    names = [ours]
    has_torch = importlib.util.find_spec("torch") is not None
    if has_torch:
        names += TORCH
    # Before anything large is loaded here: a child may count its parent's memory as its own.
    peaks = {name: peak_memory(name, options.backend) for name in names}
    if has_torch:
        import torch

        print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads; NumPy {np.__version__}")
    else:
        print("PyTorch is not installed, so there is nothing to compare with: pip install torch")
    steps = {name: make(name, options.backend) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    gc.disable()
    for turn in range(WARM_UP + options.rounds):
        for name, step in steps.items():
            started = time.perf_counter()
            step()
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - started)
    del steps, step

    print(f"{'training step, batch 256':36} {'median':>9} {'fastest':>9} {'to ours':>8} {'peak memory':>12}")
    reference = statistics.median(seconds[ours])
    for name, times in seconds.items():
        median = statistics.median(times)
        print(
            f"{name:36} {median * 1e3:6.0f} ms {min(times) * 1e3:6.0f} ms {median / reference:7.2f}x"
            f" {peaks[name]:9.0f} MB"
        )
    rivals = [statistics.median(seconds[name]) for name in names if name in TORCH]
    if rivals:
        print(f"minigraph / fastest PyTorch: {reference / min(rivals):.2f}; / slowest: {reference / max(rivals):.2f}")


if __name__ == "__main__":
    main()
