"""The timed workloads."""

from __future__ import annotations

import difflib
from typing import NamedTuple

from minigraph.core.errors import UnknownNameError


class Workload(NamedTuple):
    """A training step (forward, backward, update, and the returned loss), or the logits of a batch.

    model: a name in both the table of models and `layers.NETWORKS`, or the path of an ONNX model. size: the rows and
    columns of the images; None for the model's own.
    """

    name: str
    model: str
    batch: int
    trains: bool
    size: int | None = None

    @property
    def is_file(self) -> bool:
        """Whether the model is an ONNX file, which only ONNX Runtime takes besides minigraph."""
        return self.model.endswith(".onnx")

    def describe(self) -> str:
        what = "training step" if self.trains else "inference"
        images = "" if self.size is None else f", images of {self.size}x{self.size}"
        return f"{self.model}, {what}, batch {self.batch}{images}"


WORKLOADS = (
    Workload("mnist-step", "mnist-cnn", 256, True),
    Workload("mnist-256", "mnist-cnn", 256, False),
    Workload("mnist-1", "mnist-cnn", 1, False),
    Workload("lenet-step", "lenet5-modern", 64, True),
    Workload("vgg16-1", "vgg16", 1, False),
    Workload("vgg16-8", "vgg16", 8, False),
    Workload("vgg16-step", "vgg16", 4, True),
    Workload("resnet18-step-32", "resnet18", 64, True, 32),
    Workload("resnet18-step", "resnet18", 8, True),
    Workload("resnet50-1", "resnet50", 1, False),
    Workload("resnet50-8", "resnet50", 8, False),
    Workload("squeezenet-1", "squeezenet", 1, False),
    Workload("efficientnet-1", "efficientnet-lite0", 1, False),
    Workload("efficientnet-step", "efficientnet-lite0", 4, True),
)


class UnknownWorkloadError(UnknownNameError, ValueError):
    """No workload has this name."""


def get_workload(name: str) -> Workload:
    """The workload of this name, or inference by an ONNX model in a file.

    Raises UnknownWorkloadError, which lists the names, for an unknown one.
    """
    if name.endswith(".onnx"):
        return Workload(name, name, 1, False)
    known = {w.name: w for w in WORKLOADS}
    if (plain := name.replace("_", "-")) in known:
        return known[plain]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise UnknownWorkloadError(f"unknown workload {name!r}{hint}; there are {', '.join(known)}")
