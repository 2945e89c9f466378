"""A program for Horovod and TensorFlow 1, shaped like Horovod's example of MNIST, under `minigraph run`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.program import run
from support.ranks import mpiexec

PROGRAM = """
import argparse
import numpy as np
import tensorflow as tf
import horovod.tensorflow as hvd

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=60)
options = parser.parse_args()


def digits(count, seed):
    '''Rows of pixels in which one of ten bright squares tells the class.'''
    numbers = np.random.RandomState(seed)
    labels = numbers.randint(0, 10, count)
    images = numbers.uniform(0, 0.5, [count, 14, 14])
    for image, label in zip(images, labels):
        row, column = divmod(label, 5)
        image[2 + 6 * row : 6 + 6 * row, 2 * column : 2 * column + 3] += 0.5
    return images.reshape(count, -1).astype(np.float32), labels.astype(np.float32)


def model(images, labels):
    x = tf.reshape(images, [-1, 14, 14, 1])
    with tf.variable_scope("first"):
        x = tf.layers.conv2d(x, 8, [5, 5], activation=tf.nn.relu, padding="SAME")
        x = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    x = tf.layers.dense(tf.layers.flatten(x), 32, activation=tf.nn.relu)
    logits = tf.layers.dense(tf.layers.dropout(x, 0.1, training=True), 10)
    target = tf.one_hot(tf.cast(labels, tf.int32), 10, 1, 0)
    return tf.argmax(logits, 1), tf.losses.softmax_cross_entropy(target, logits)


def main(_):
    hvd.init()
    images, labels = digits(400, seed=hvd.rank())
    with tf.name_scope("input"):
        image = tf.placeholder(tf.float32, [None, 196], name="image")
        label = tf.placeholder(tf.float32, [None], name="label")
    predicted, loss = model(image, label)
    optimizer = hvd.DistributedOptimizer(tf.train.AdamOptimizer(0.003 * hvd.size()), op=hvd.Average)
    step = tf.train.get_or_create_global_step()
    train = optimizer.minimize(loss, global_step=step)
    hooks = [
        hvd.BroadcastGlobalVariablesHook(0),
        tf.train.StopAtStepHook(last_step=options.steps // hvd.size()),
        tf.train.LoggingTensorHook(tensors={"step": step, "loss": loss}, every_n_iter=10),
    ]
    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    config.gpu_options.visible_device_list = str(hvd.local_rank())
    folder = "./checkpoints" if hvd.rank() == 0 else None
    count = 0
    with tf.train.MonitoredTrainingSession(checkpoint_dir=folder, hooks=hooks, config=config) as session:
        while not session.should_stop():
            part = np.arange(count * 50, count * 50 + 50) % 400
            session.run(train, feed_dict={image: images[part], label: labels[part]})
            count += 1
    del predicted
    print("rank %d of %d made %d steps" % (hvd.rank(), hvd.size(), count))


if __name__ == "__main__":
    tf.app.run()
"""


MAIN = "from minigraph.tools.cli import main; main()"


@pytest.mark.slow
def test_a_program_for_horovod_runs_on_two_ranks(tmp_path: Path) -> None:
    script = tmp_path / "mnist.py"
    script.write_text(PROGRAM)
    done = mpiexec(2, [sys.executable, "-c", MAIN, "run", str(script)], 120, cwd=tmp_path)
    assert done.code == 0, done.err
    assert sorted(done.out.splitlines()) == ["rank 0 of 2 made 30 steps", "rank 1 of 2 made 30 steps"]
    assert (tmp_path / "checkpoints" / "checkpoint").exists()


def test_horovods_name_leads_to_minigraph(tmp_path: Path) -> None:
    done = run(tmp_path, "import horovod.tensorflow as hvd; print(hvd.__name__)")
    assert done.stdout == "minigraph.distributed\n", done.stderr
