"""Record the first losses of the programs in ../programs under TensorFlow 1.15.5: writes programs.json.

Needs what record.py needs. Then, in this folder:

    python record_programs.py
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(os.path.dirname(HERE), "programs")
DIGITS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "minigraph", "data", "digits")
STEPS = 20
NAMES = [
    "autoencoder", "batch_norm", "cnn_layers", "cnn_raw", "dataset_cnn", "estimator_cnn", "mlp", "monitored",
    "queue_cnn", "save_restore", "slim_cnn", "summaries", "transfer", "vgg_small",
]  # fmt: skip


def main() -> None:
    import tensorflow as tf

    recorded = {}
    for name in NAMES:
        path = os.path.join(PROGRAMS, name + ".py")
        with open(path) as file:
            arguments = ["--data_dir=" + DIGITS] if "data_dir" in file.read() else []
        environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, path] + arguments, stdout=subprocess.PIPE, cwd=folder, env=environment, check=True
            )
        losses = re.findall(r"loss (\S+)", done.stdout.decode())
        recorded[name] = [float(loss) for loss in losses[:STEPS]]
        assert len(recorded[name]) == STEPS, name
        print(name, recorded[name][0], recorded[name][-1])
    with open(os.path.join(HERE, "programs.json"), "w") as file:
        json.dump({"tensorflow": tf.__version__, "losses": recorded}, file, indent=1, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
