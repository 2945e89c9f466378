"""Record what TensorFlow 1.15.5 answers to the cases: for each group NAME.npz (arrays) and NAME.json (all else).

Needs CPython 3.7 with ``pip install tensorflow==1.15.5 "protobuf<3.21" "numpy<1.19"``. Then, in this folder:

    python record.py [GROUP ...]

A group is one of `GROUPS`; by default all are recorded.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from importlib import import_module
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow.contrib.slim.nets  # noqa: E402, F401  (tf.contrib does not load it by itself)

from cases import CASES, GROUPS  # noqa: E402


def main() -> None:
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.ERROR)
    chosen = sys.argv[1:] or list(GROUPS)
    known = set()  # type: Any
    for group, modules in GROUPS.items():
        for module in modules:
            import_module(module)
        names = [name for name in CASES if name not in known]
        known.update(names)
        if group in chosen:
            record(group, names)


def record(group: str, names: Any) -> None:
    arrays: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name in names:
        try:
            results = CASES[name].run(tf)
        except Exception:
            print("case", name)
            raise
        error = results.get("error")
        if error:
            assert all(phrase in error["message"] for phrase in error["phrases"]), (name, error)
            error["message"] = error["message"].split("\n")[0]  # what follows is a stack of this machine
        others[name] = {}
        for key, value in results.items():
            if isinstance(value, (np.ndarray, np.generic)):
                arrays[name + "|" + key] = np.asarray(value)
            else:
                others[name][key] = value
    folder = os.path.dirname(os.path.abspath(__file__))
    np.savez_compressed(os.path.join(folder, group + ".npz"), **{k: arrays[k] for k in sorted(arrays)})
    with open(os.path.join(folder, group + ".json"), "w") as file:
        json.dump({"tensorflow": tf.__version__, "cases": others}, file, indent=1, sort_keys=True)
        file.write("\n")
    print(group, len(names), "cases,", len(arrays), "arrays")


if __name__ == "__main__":
    main()
