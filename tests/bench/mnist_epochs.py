"""Train mnist-cnn on the full MNIST set and print the mean loss of each epoch and the test accuracy after it.

    python tests/bench/mnist_epochs.py [--epochs 5] [--backend numpy] [--seed 1] [--disable winograd]

The settings are those of `minigraph train mnist-cnn --as-in-chapter --data mnist`. The data must be there:
`minigraph data mnist`, or MINIGRAPH_DATA.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

import minigraph as tf
from minigraph.data import Batches, load
from minigraph.models.registry import get_model, get_recipe
from minigraph.tools.shared.train import FIRST, build_network, predict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--disable", action="append", default=[], metavar="PASS")
    options = parser.parse_args()

    model = get_model("mnist-cnn")
    recipe = get_recipe(model)
    recipe = replace(recipe, **recipe.chapter)  # type: ignore[arg-type]
    data = load("mnist")
    actual = data.test_labels.argmax(1)
    network = build_network(model, stddev=recipe.stddev, learning_rate=recipe.learning_rate, seed=options.seed)
    batches = Batches(data.train_images, data.train_labels, batch_size=recipe.batch_size, seed=options.seed)
    with tf.Session(graph=network.graph, backend=options.backend, disable_passes=options.disable) as session:
        session.run(network.initialise)
        while batches.epoch < options.epochs:
            epoch, started, losses = batches.epoch, time.monotonic(), []
            while batches.epoch == epoch:
                images, labels = batches.next_batch()
                feeds = {network.images: images, network.labels: labels, network.keep_prob: recipe.keep_prob}
                losses.append(session.run([network.train_step, network.loss], feeds)[1])
            spent = time.monotonic() - started
            right = predict(session, network, data.test_images).argmax(1) == actual
            print(
                f"epoch {epoch + 1}: mean loss {np.mean(losses):.0f}, test accuracy {np.mean(right):.4f},"
                f" {np.sum(right[:FIRST])} of the first {FIRST}, {spent:.0f} s for {batches.steps_per_epoch} steps",
                flush=True,
            )


if __name__ == "__main__":
    main()
