"""Record TF-slim's networks as TensorFlow 1.15.5 builds them: `slim_nets.json`. See `record.py` for what is needed.

    python record_nets.py FOLDER

FOLDER has TF-slim's package `nets`, from tensorflow/models, research/slim.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from importlib import import_module
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.filterwarnings("ignore")

from nets_cases import CASES, RUN, built  # noqa: E402


def main() -> None:
    sys.path.insert(0, sys.argv[1])
    import tensorflow as tf

    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    slim: Any = import_module("tensorflow.contrib.slim.nets")
    found = {}
    for name, case in CASES.items():
        module = case[0]
        own = getattr(slim, module, None) if module != "inception" else slim.inception
        found[name] = built(tf, own or import_module("nets." + module), name, name in RUN)
        print(name)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slim_nets.json")
    with open(path, "w") as file:
        json.dump(found, file, indent=0, sort_keys=True)
        file.write("\n")


if __name__ == "__main__":
    main()
