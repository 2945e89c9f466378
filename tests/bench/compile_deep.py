"""Time to compile deep training graphs, how close the planned memory comes to its lower bound, and what recomputation
saves.

    python tests/bench/compile_deep.py [--rounds 5]

Seconds are from `run` to the first launch, in a new session each; another batch is compiled in the same session.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.compile.memory import lower_bound
from minigraph.compile.plan import Plan

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support.deep_networks import googlenet, residual_chain, resnet

Case = tuple[tf.Graph, list[Any], dict[Any, Any]]


def mnist(batch: int) -> Case:
    from minigraph.models.registry import get_model
    from minigraph.tools.shared.train import build_network

    made = build_network(get_model("mnist-cnn"), stddev=1.0, learning_rate=0.01, seed=1)
    images, labels = np.zeros((batch, 784), np.float32), np.zeros((batch, 10), np.float32)
    feeds = {made.images: images, made.labels: labels, made.keep_prob: 0.75}
    return made.graph, [made.train_step, made.loss], feeds


def plan_of(case: Case) -> Plan:
    graph, fetches, feeds = case
    return tf.Session(graph=graph).plan_for(fetches, feeds)[0]


def show_memory() -> None:
    deep, wide = resnet(152, side=32, width=8), googlenet(side=32, width=16)
    cases = {
        "mnist-cnn, batch 256": mnist(256),
        "152 layers, residual, batch 8": (deep.graph, deep.fetches, deep.feeds(8)),
        "Inception modules, batch 16": (wide.graph, wide.fetches, wide.feeds(16)),
    }
    for name, case in cases.items():
        plan = plan_of(case)
        bound = lower_bound(plan.lifetimes)
        print(f"{name}: peak {plan.peak:,} bytes, {plan.peak / bound:.4f} of the lower bound")
    peaks = []
    for scope in (tf.name_scope, tf.recompute):
        chain = residual_chain(16, scope)
        peaks.append(plan_of((chain.graph, chain.fetches, chain.feeds(64))).peak)
    print(f"16 residual blocks, batch 64: peak {peaks[0]:,} bytes, {peaks[1]:,} with each block recomputed")


def show_time(rounds: int) -> None:
    medians = []
    networks = {layers: resnet(layers) for layers in (50, 152)}
    times: dict[tuple[int, str], list[float]] = {}
    for _ in range(rounds):
        for layers, network in networks.items():
            session = tf.Session(graph=network.graph)
            for what, batch in (("first batch", 4), ("another batch", 3)):
                feeds = network.feeds(batch)
                started = time.perf_counter()
                session.plan_for(network.fetches, feeds)
                times.setdefault((layers, what), []).append(time.perf_counter() - started)
    for (layers, what), found in times.items():
        medians.append(statistics.median(found))
        nodes = len(networks[layers].graph)
        print(f"{layers} layers, {nodes:,} nodes, {what}: median {medians[-1]:.2f} s, fastest {min(found):.2f} s")
    growth = len(networks[152].graph) / len(networks[50].graph)
    print(f"from 50 to 152 layers: {medians[2] / medians[0] / growth:.2f} of linear in the number of nodes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    show_memory()
    show_time(parser.parse_args().rounds)


if __name__ == "__main__":
    main()
