"""The names that users take from minigraph: for the tests of docstrings, and for the reference of the handbook."""

from __future__ import annotations

import importlib
import inspect
from functools import partial
from typing import Any

# Modules from which users take names.
FACES = [
    "minigraph",
    "minigraph.data",
    "minigraph.core.errors",
    "minigraph.distributed",
    "minigraph.filters",
    "minigraph.graph_util",
    "minigraph.image",
    "minigraph.initializers",
    "minigraph.inspect.profile",
    "minigraph.keras",
    "minigraph.keras.activations",
    "minigraph.keras.backend",
    "minigraph.keras.callbacks",
    "minigraph.keras.constraints",
    "minigraph.keras.datasets.mnist",
    "minigraph.keras.initializers",
    "minigraph.keras.layers",
    "minigraph.keras.losses",
    "minigraph.keras.metrics",
    "minigraph.keras.models",
    "minigraph.keras.optimizers",
    "minigraph.keras.preprocessing.image",
    "minigraph.keras.regularizers",
    "minigraph.keras.utils",
    "minigraph.layers",
    "minigraph.linalg",
    "minigraph.losses",
    "minigraph.math",
    "minigraph.metrics",
    "minigraph.models",
    "minigraph.models.bundle",
    "minigraph.models.pretrained",
    "minigraph.nn",
    "minigraph.onnx",
    "minigraph.quantization",
    "minigraph.saved_model",
    "minigraph.summary",
    "minigraph.train",
    "minigraph.weights",
]
# Modules made of names that others define. Of any other without `__all__` only its own definitions are public.
GATHERED = {
    "minigraph",
    "minigraph.distributed",
    "minigraph.saved_model",
    "minigraph.keras",
    *(f"minigraph.keras.{n}" for n in ("backend", "callbacks", "layers", "losses", "metrics", "optimizers", "utils")),
    *(
        f"minigraph.{n}"
        for n in ("filters", "image", "layers", "linalg", "losses", "math", "metrics", "nn", "quantization", "train")
    ),
}


def find_public() -> dict[str, Any]:
    """The functions and classes of `FACES` that minigraph defines, by the first name that users see."""
    found: dict[Any, str] = {}
    for face in FACES:
        module = importlib.import_module(face)
        for name in getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]:
            value = getattr(module, name)
            value = value.func if isinstance(value, partial) else value
            if not (inspect.isfunction(value) or inspect.isclass(value)) or not value.__module__.startswith(
                "minigraph."
            ):
                continue
            if value.__module__ == face or face in GATHERED or hasattr(module, "__all__"):
                own = value.__name__ if getattr(module, value.__name__, None) is value else name  # of several names
                found.setdefault(value, f"{face}.{own}")
    return {name: value for value, name in found.items()}
