"""An evaluator of user graphs that shares nothing with the compiler, and finite differences on top of it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

import minigraph.ops
from minigraph.autodiff.gradients import dense_gradients
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.types import compatible
from minigraph.ops.constant import placeholder

Feeds = dict[Tensor, Any]


def import_ops() -> None:
    """Import every op family, so that the registry is complete."""
    for module in pkgutil.walk_packages(minigraph.ops.__path__, "minigraph.ops."):
        importlib.import_module(module.name)


def evaluate(
    tensors: Iterable[Tensor],
    feeds: Feeds | None = None,
    change: Callable[[Node, np.ndarray], np.ndarray] = lambda node, array: array,
) -> list[np.ndarray]:
    """The values of `tensors`, by the ops' reference forwards, node by node. Any tensor may be fed.

    Every value is checked against the static type of its tensor. change: what is done to each value that a node gives.
    """
    tensors = list(tensors)
    values = {t: np.asarray(v, t.dtype.np_dtype) for t, v in (feeds or {}).items()}
    with np.errstate(all="ignore"):
        for node in sorted(_needed(tensors, values), key=lambda n: n.id):
            if node.type == "Placeholder":
                raise KeyError(f"{node.name} is not fed")
            results = node.op.forward(np, *(values[t] for t in node.inputs))
            for tensor, result in zip(node.outputs, results, strict=True):
                array = np.asarray(result)
                assert array.dtype == tensor.dtype.np_dtype, f"{node!r} gave {array.dtype} for {tensor!r}"
                assert compatible(array.shape, tensor.type.shape), f"{node!r} gave {array.shape} for {tensor!r}"
                values.setdefault(tensor, change(node, array))
    return [values[t] for t in tensors]


def _needed(tensors: Iterable[Tensor], known: Feeds) -> set[Node]:
    needed: set[Node] = set()
    stack = [t for t in tensors if t not in known]
    while stack:
        node = stack.pop().node
        if node not in needed:
            needed.add(node)
            stack.extend(t for t in node.inputs if t not in known)
    return needed


Build = Callable[..., "Tensor | Sequence[Tensor]"]


class Case:
    """A function of tensors, built on placeholders that hold `arrays`, its floating outputs, and its gradients.

    `wrt` are the positions of the inputs to differentiate by (default: all floating ones). `dims` maps an array to
    the placeholder's shape (default: all dimensions known).
    """

    def __init__(
        self, build: Build, arrays: Sequence[Any], wrt: Sequence[int] | None = None, dims: Any = np.shape
    ) -> None:
        self.graph = Graph()
        self.arrays = [np.asarray(a) for a in arrays]
        with self.graph.as_default():
            self.inputs = [placeholder(a.dtype, dims(a)) for a in self.arrays]
            built = build(*self.inputs)
        outputs = [built] if isinstance(built, Tensor) else list(built)
        self.outputs = [t for t in outputs if t.dtype.is_floating]
        floating = [i for i, a in enumerate(self.arrays) if a.dtype.kind == "f"]
        self.wrt = floating if wrt is None else list(wrt)
        self.random = np.random.RandomState(0)

    def values(self, tensors: Iterable[Tensor], arrays: Sequence[Any] | None = None) -> list[np.ndarray]:
        return evaluate(tensors, dict(zip(self.inputs, self.arrays if arrays is None else arrays, strict=True)))

    def differentiate(self, ys: Sequence[Tensor]) -> tuple[list[np.ndarray], list[Tensor | None]]:
        """Random weights for `ys`, and the gradients of the weighted sum."""
        weights = [self.random.uniform(0.5, 1.5, y.shape).astype(y.dtype) for y in self.values(ys)]
        with self.graph.as_default():
            return weights, dense_gradients(list(ys), [self.inputs[i] for i in self.wrt], grad_ys=weights)

    def compare(
        self, ys: Sequence[Tensor], weights: Sequence[np.ndarray], grads: Sequence[Tensor | None], tolerance: float
    ) -> None:
        """Compare `grads` with central differences of Σ weights·ys along random directions."""
        # A cast to float32 rounds; only a large step drowns that.
        step = 1e-5 if tolerance < 1e-4 else 1e-2
        for position, grad in zip(self.wrt, grads, strict=True):
            direction = self.random.uniform(-1, 1, self.arrays[position].shape)
            found = 0.0
            if grad is not None:
                (value,) = self.values([grad])
                assert value.shape == direction.shape, f"gradient of shape {value.shape} for input {position}"
                found = float(np.sum(value * direction))
            ends = []
            for sign in (1, -1):
                moved = list(self.arrays)
                moved[position] = self.arrays[position] + sign * step * direction
                ends.append(sum(np.sum(w * y) for w, y in zip(weights, self.values(ys, moved), strict=True)))
            expected = (ends[0] - ends[1]) / (2 * step)
            assert abs(found - expected) <= tolerance * max(1.0, abs(expected)), (
                f"input {position}: {found} for {expected}"
            )


def check_gradients(
    build: Build,
    arrays: Sequence[Any],
    wrt: Sequence[int] | None = None,
    order: int = 2,
    tolerance: float = 1e-6,
    dims: Any = np.shape,
) -> None:
    """Compare the gradients of `build(*tensors)` at `arrays` (float64) with finite differences, to second order."""
    case = Case(build, arrays, wrt, dims)
    ys: Sequence[Tensor] = case.outputs
    for _ in range(order):
        weights, grads = case.differentiate(ys)
        case.compare(ys, weights, grads, tolerance)
        ys = [g for g in grads if g is not None]
        if not ys:
            return
