"""Record the parameters of TensorFlow 1.15.5's public functions and methods: ``signatures.json``.

Needs what ``record.py`` needs. In this folder: python record_signatures.py
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import types
import warnings
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")

import tensorflow as tf  # noqa: E402
import tensorflow.contrib.slim.nets  # noqa: E402, F401  (tf.contrib does not load it by itself)
from tensorflow.python.util import tf_decorator  # noqa: E402

MODULES = (
    "", "nn", "math", "linalg", "layers", "losses", "metrics", "train", "summary", "image", "initializers", "graph_util",
    "errors", "gfile", "io", "io.gfile", "logging", "flags", "app", "compat", "test", "random", "dtypes", "debugging",
    "strings", "contrib.slim", "contrib.slim.learning", "contrib.slim.losses", "contrib.slim.metrics",
    "contrib.slim.nets.vgg", "contrib.layers", "contrib.losses", "contrib.framework", "keras.layers", "keras.models",
    "keras.losses", "keras.metrics", "keras.optimizers", "keras.callbacks", "keras.initializers", "keras.regularizers",
    "keras.constraints", "keras.activations", "keras.backend", "keras.utils",
)  # fmt: skip


def parameters(function: Any) -> Any:
    """Names in order, those without a default, what `*` and `**` are called, and those that are keywords only."""
    argspec = None
    for decorator in tf_decorator.unwrap(function)[0]:
        argspec = argspec or decorator.decorator_argspec
    if argspec is None:
        argspec = inspect.getfullargspec(inspect.unwrap(tf_decorator.unwrap(function)[1]))
    names = [n for n in argspec.args if n not in ("self", "cls")]
    keywords = getattr(argspec, "kwonlyargs", [])
    return [names, len(names) - len(argspec.defaults or ()), argspec.varargs, argspec[2], sorted(keywords)]


def methods(kind: type) -> Any:
    """The public methods of a class, its constructor and its call, by name."""
    for name in dir(kind):
        member = inspect.getattr_static(kind, name)
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        if (not name.startswith("_") or name in ("__init__", "__call__")) and isinstance(member, types.FunctionType):
            yield name, member


def found() -> Any:
    result = {}
    for path in MODULES:
        module = tf
        for part in path.split(".") if path else ():
            module = getattr(module, part)
        for name in dir(module):
            value, full = getattr(module, name, None), path + "." * bool(path) + name
            if name.startswith("_") or isinstance(value, types.ModuleType) or not callable(value):
                continue
            if isinstance(value, type):
                few = path.startswith("keras.") and path != "keras.models"  # whose methods are the base class's
                result.update((full + "." + m, parameters(f)) for m, f in methods(value) if m == "__init__" or not few)
            else:
                try:
                    result[full] = parameters(value)
                except TypeError:
                    print("no signature:", full)
    return result


def main() -> None:
    table = found()
    lines = ["%s: %s" % (json.dumps(k), json.dumps(table[k])) for k in sorted(table)]
    folder = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(folder, "signatures.json"), "w") as file:
        file.write('{"tensorflow": "%s", "signatures": {\n%s\n}}\n' % (tf.__version__, ",\n".join(lines)))
    print(len(table), "signatures", sys.version)


if __name__ == "__main__":
    main()
