"""Record a SavedModel of functions, as TensorFlow 2 writes them, and its results: writes tf2_saved_model.zip.

Needs what record.py needs. Then, in this folder:

    python record_saved_model.py
"""

from __future__ import annotations

import os
import shutil
import tempfile

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf

tf.compat.v1.enable_v2_behavior()


class Model(tf.Module):
    def __init__(self):
        super().__init__()
        self.weights = tf.Variable(np.arange(6.0).reshape(3, 2).astype(np.float32) / 5, name="weights")
        self.decay = tf.Variable(0.5)

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
    def scores(self, x):
        y = tf.nn.relu(tf.matmul(x, self.weights))
        step = tf.constant(0)
        while step < 3:
            y = y * self.decay + 1.0
            step += 1
        if tf.reduce_sum(y) > 5.0:
            y = -y
        return {"scores": y}


def main():
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(model, folder, signatures=model.scores)
        shutil.rmtree(os.path.join(folder, "assets"))
        x = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.25]], np.float32)
        np.savez(
            os.path.join(folder, "expected.npz"),
            x=x,
            first=model.scores(x[:1])["scores"],
            both=model.scores(x)["scores"],
        )
        shutil.make_archive("tf2_saved_model", "zip", folder)


if __name__ == "__main__":
    main()
