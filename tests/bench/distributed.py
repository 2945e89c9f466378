"""What several processes cost and gain on this host. Needs MPI and a quiet machine.

    python tests/bench/distributed.py all-reduce [--megabytes 26] [--repeat 30]
    python tests/bench/distributed.py steps [--workers 2] [--batch-size 256] [--steps 30] [--pairs 5]
    python tests/bench/distributed.py hidden [--batch-size 256] [--resnet-batch 8] [--steps 20]
    python tests/bench/distributed.py scale [--batch-size 64] [--resnet-batch 2] [--steps 10] [--rounds 3]
    python tests/bench/distributed.py kills [--times 50]

`all-reduce`: the all-reduce of float32 numbers between two processes by the compiler's path, against MPI's own
blocking call, in turns. `steps`: training steps of mnist-cnn by one process with all cores against `--workers`
processes that share them, in turns; the ratio of the medians, and the seconds that a step waits for its exchanges.
`hidden`: the share of the exchanges of mnist-cnn and resnet18 that two processes hide behind other work: 1 − (the wait
of the process that waits least) / (the same exchanges by themselves). What the other waits longer is for its partner.
`scale`: predictions of `minigraph scale` for 1, 2 and 4 processes on the cores of this host against measured steps of
mnist-cnn and resnet18, in turns. The batch is that of a process; the latency and the bandwidth are those of all-reduces
between two processes.
`kills`: a random rank of a run with `--restarts` is killed at a random moment; the losses must be those of an
undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from minigraph.ops.collective.launch import find_mpiexec, mpiexec_environment
from minigraph.passes.bucket_gradients import bucket_gradients
from minigraph.tools.scale import Hosts, Link, TimedStep, exchange_cost, predict, sharing
from minigraph.util.cores import usable_cores

MAIN = "from minigraph.tools.cli import main; main()"
ALL_REDUCE = """
import time
import numpy as np
import minigraph.distributed as hvd
from minigraph.ops.collective.world import WORLD
hvd.init()
from mpi4py import MPI
array = np.ones({count}, np.float32)
times = {{"ours": [], "MPI": []}}
for _ in range({repeat}):
    for name, call in (("ours", lambda: WORLD.reduce(array, "sum")),
                       ("MPI", lambda: MPI.COMM_WORLD.Allreduce(MPI.IN_PLACE, array))):
        array.fill(1)
        MPI.COMM_WORLD.Barrier()
        start = time.perf_counter()
        call()
        times[name].append(time.perf_counter() - start)
        assert (array == hvd.size()).all()
if hvd.rank() == 0:
    ours, theirs = (sorted(times[name])[len(times[name]) // 2] for name in ("ours", "MPI"))
    print(ours, theirs)
"""
WHOLE = """
import statistics, time
import minigraph as tf
import minigraph.distributed as hvd
hvd.init()
if hvd.size() > 1:  # the optimizer of a network without a recipe; one with a recipe sees to it itself
    plain = tf.train.MomentumOptimizer
    tf.train.MomentumOptimizer = lambda *given, **more: hvd.DistributedOptimizer(plain(*given, **more))
from minigraph.tools.shared.target import load_target
target = load_target({name!r}, {batch})
with target.session(**target.options("O3", "llvm")) as session:
    feeds = target.feeds
    times = []
    for _ in range({steps} + 2):
        start = time.perf_counter()
        session.run(target.fetches, feeds)
        times.append(time.perf_counter() - start)
if hvd.rank() == 0:
    print(statistics.median(times[2:]))
"""
STEPS = """
import sys, time
import numpy as np
import minigraph as tf
import minigraph.distributed as hvd
from minigraph.models.registry import get_model
from minigraph.ops.collective.world import WORLD
from minigraph.tools.shared.train import build_network
hvd.init()
batch = {batch} // hvd.size()
numbers = np.random.RandomState(hvd.rank())
network = build_network(get_model("mnist-cnn"), stddev=0.03, learning_rate=0.002, seed=0)
feeds = {{network.images: numbers.uniform(size=[batch, 784]).astype(np.float32),
          network.labels: np.eye(10, dtype=np.float32)[numbers.randint(0, 10, batch)], network.keep_prob: 1.0}}
if network.share is not None:
    feeds[network.share] = 1 / hvd.size()
waited = [0.0]
finish = WORLD.finish_reduce
def timed(*given):
    start = time.perf_counter()
    finish(*given)
    waited[0] += time.perf_counter() - start
WORLD.finish_reduce = timed
with tf.Session(graph=network.graph, backend="llvm") as session:
    session.run(network.initialise)
    for _ in range(3):
        session.run([network.train_step, network.loss], feeds)
    waited[0], start = 0.0, time.perf_counter()
    for _ in range({steps}):
        session.run([network.train_step, network.loss], feeds)
    seconds = time.perf_counter() - start
if hvd.rank() == 0:
    print(seconds / {steps}, waited[0] / {steps})
"""


HIDDEN = """
import time
import warnings
from statistics import median
import numpy as np
import minigraph as tf
import minigraph.distributed as hvd
from minigraph.models.classifier import classifier
from minigraph.models.registry import get_model
from minigraph.ops.collective.world import WORLD
warnings.simplefilter("ignore")
hvd.init()
barrier = WORLD._mpi.COMM_WORLD.Barrier
net = classifier(get_model({name!r}))
with net.graph.as_default():
    step = hvd.DistributedOptimizer(tf.train.MomentumOptimizer(0.001, 0.9)).minimize(net.loss)
    initialise = tf.global_variables_initializer()
numbers = np.random.RandomState(hvd.rank())
shapes = [[{batch} // hvd.size(), *x.type.shape[1:]] for x in (net.images, net.labels)]
feeds = {{net.images: numbers.uniform(-1, 1, shapes[0]), net.labels: numbers.uniform(0, 0.1, shapes[1])}}
waited, buckets = [0.0], []
start, finish = WORLD.start_reduce, WORLD.finish_reduce
def seen(array, reduction):
    buckets.append((np.zeros_like(array), reduction))
    start(array, reduction)
def timed(*given):
    begin = time.perf_counter()
    finish(*given)
    waited[0] += time.perf_counter() - begin
WORLD.start_reduce, WORLD.finish_reduce = seen, timed
rows = []
with tf.Session(graph=net.graph, backend="llvm") as session:
    session.run(initialise)
    session.run(step, feeds)
    for _ in range({steps}):
        barrier()
        buckets.clear()
        waited[0], begin = 0.0, time.perf_counter()
        session.run(step, feeds)
        rows.append((time.perf_counter() - begin, waited[0]))
alone = []
for _ in range(30):
    barrier()
    begin = time.perf_counter()
    for bucket in buckets:
        start(*bucket)
        finish(*bucket)
    alone.append(time.perf_counter() - begin)
both = zip(*hvd.allgather_object(rows))
if hvd.rank() == 0:
    steps, waits = zip(*(map(min, zip(*ranks)) for ranks in both))
    print(median(alone), median(steps), median(waits))
"""


def mpiexec(count: int, program: str) -> str:
    command = [find_mpiexec(), "-n", str(count), sys.executable, "-c", program]
    done = subprocess.run(command, env={**os.environ, **mpiexec_environment()}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def all_reduce_times(count: int, repeat: int) -> tuple[float, float]:
    """The seconds of an all-reduce of float32 numbers between two processes, and of MPI's own."""
    ours, theirs = mpiexec(2, ALL_REDUCE.format(count=count, repeat=repeat)).split()
    return float(ours), float(theirs)


def all_reduce(options: argparse.Namespace) -> None:
    ours, theirs = all_reduce_times(int(options.megabytes * 250_000), options.repeat)
    print(f"ours {ours * 1e3:.2f} ms, MPI.Allreduce {theirs * 1e3:.2f} ms, ratio {ours / theirs:.3f}")


def steps(options: argparse.Namespace) -> None:
    program = STEPS.format(batch=options.batch_size, steps=options.steps)
    found: dict[int, list[list[float]]] = {1: [], options.workers: []}
    for _ in range(options.pairs):
        for count, rows in found.items():
            rows.append([float(text) for text in mpiexec(count, program).split()])
    for count, rows in found.items():
        step, waited = (statistics.median(column) for column in zip(*rows, strict=True))
        print(f"{count} processes: {step * 1e3:.1f} ms a step, {waited * 1e3:.1f} ms of it waiting for exchanges")
    one, many = (statistics.median(row[0] for row in rows) for rows in found.values())
    print(f"ratio {many / one:.3f}")


def hidden(options: argparse.Namespace) -> None:
    for name, batch in (("mnist-cnn", options.batch_size), ("resnet18", options.resnet_batch)):
        program = HIDDEN.format(name=name, batch=batch, steps=options.steps)
        alone, step, waited = map(float, mpiexec(2, program).split())
        times = f"step {step * 1e3:.1f} ms, exchanges by themselves {alone * 1e3:.2f} ms, waiting {waited * 1e3:.2f} ms"
        print(f"{name}: {times}, hidden {1 - waited / alone:.2f}")


def scale(options: argparse.Namespace) -> None:
    cores, size = len(usable_cores()), 26_000_000
    latency = all_reduce_times(1, 200)[0] / 2
    link = Link(size / (all_reduce_times(size // 4, 30)[0] - 2 * latency), latency)
    print(f"between two processes {link.bandwidth / 1e9:.2f} GB/s, {latency * 1e6:.1f} us")
    for name, batch in (("mnist-cnn", options.batch_size), ("resnet18", options.resnet_batch)):
        timed = TimedStep(name, batch, options.steps, "llvm")
        for count in (1, 2, 4):
            how = sharing(count, cores)
            cost = partial(exchange_cost, "ring", workers=count, hosts=Hosts(link, link, count, carries=True))
            program = WHOLE.format(name=name, batch=batch, steps=options.steps)
            predicted, found = [], []
            for _ in range(options.rounds):
                step = timed.step_of_copies(how.copies, how.threads)
                predicted.append(predict(step, count, cost, bucket_gradients.max_bytes, how.turns).step * 1e3)
                found.append(float(mpiexec(count, program)) * 1e3)
            rounds = ", ".join(f"{p:.1f}/{f:.1f} = {p / f:.2f}" for p, f in zip(predicted, found, strict=True))
            print(f"{name}, {count}: ms predicted/measured in each round {rounds}", flush=True)


def train(out: Path, *more: str) -> list[str]:
    fixed = ["--workers", "2", "--batch-size", "50", "--max-steps", "60", "--checkpoint-every", "5", "--quiet"]
    return [sys.executable, "-c", MAIN, "train", "mnist-cnn", "--keep-prob", "1", *fixed, "--out", str(out), *more]


def ranks(out: Path) -> list[int]:
    """The processes of a run that mpiexec has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            parts = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(out).encode() in parts and b"--distributed" in parts and b"-n" not in parts:
            found.append(int(entry.parent.name))
    return found


def kills(options: argparse.Namespace) -> None:
    folder = Path(tempfile.mkdtemp())
    start = time.monotonic()
    subprocess.run(train(folder / "whole"), check=True, capture_output=True)
    seconds = time.monotonic() - start
    expected = json.loads((folder / "whole" / "history.json").read_text())["loss"]
    draw, finished = random.Random(0), 0
    for number in range(options.times):
        out = folder / str(number)
        process = subprocess.Popen(train(out, "--restarts", "3"), stderr=subprocess.PIPE, text=True)
        time.sleep(draw.uniform(0.1, seconds))
        for pid in draw.sample(alive := ranks(out), min(1, len(alive))):
            os.kill(pid, signal.SIGKILL)
        _, errors = process.communicate(timeout=20 * seconds)
        same = process.returncode == 0 and json.loads((out / "history.json").read_text())["loss"] == expected
        finished += same
        print(f"{number + 1}: {'equal' if same else errors}", flush=True)
    print(f"{finished} of {options.times} finished as an undisturbed run")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, function, numbers in (
        ("all-reduce", all_reduce, {"megabytes": 26, "repeat": 30}),
        ("steps", steps, {"workers": 2, "batch-size": 256, "steps": 30, "pairs": 5}),
        ("hidden", hidden, {"batch-size": 256, "resnet-batch": 8, "steps": 20}),
        ("scale", scale, {"batch-size": 64, "resnet-batch": 2, "steps": 10, "rounds": 3}),
        ("kills", kills, {"times": 50}),
    ):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        for option, default in numbers.items():
            command.add_argument(f"--{option}", type=int, default=default)
    options = parser.parse_args()
    options.function(options)


if __name__ == "__main__":
    main()
