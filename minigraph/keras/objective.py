"""The losses and metrics of a compiled model, and the steps of its optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Node, Tensor
from minigraph.keras import backend as K
from minigraph.keras import losses, metrics
from minigraph.keras.data import ArrayBatch
from minigraph.keras.losses.classes import weighted as weighted_loss
from minigraph.keras.losses.functions import FUNCTIONS
from minigraph.keras.masks import mask_of, masked_weights
from minigraph.keras.metrics.base import MeanMetric
from minigraph.keras.network import Network
from minigraph.keras.state import get_session, phase_feeds, state_of
from minigraph.train.optimizer import Optimizer as CoreOptimizer
from minigraph.util.nest import listed


def by_output(value: Any, names: Sequence[str], nests: bool = False) -> list[Any]:
    """The item for each output, from one item for all, a list, or a dictionary by names.

    nests: whether each may be a list, as metrics are.
    """
    if isinstance(value, Mapping):
        if unknown := sorted(value.keys() - set(names)):
            raise ValueError(f'Unknown entry: "{unknown[0]}". Only expected the following keys: {list(names)}')
        return [value.get(n) for n in names]
    if nests and isinstance(value, list | tuple) and any(isinstance(v, list | tuple) for v in value):
        return list(value)
    if isinstance(value, list | tuple) and not nests:
        if len(value) != len(names):
            raise ValueError(
                "When passing a list as loss, it should have one entry per model outputs. "
                f"The model has {len(names)} outputs, but you passed loss={value}"
            )
        return list(value)
    return [value] * len(names)


class OutputMetric:
    """A metric of one output, under the name that histories have. totals: of the batches of an epoch so far."""

    def __init__(self, name: str, metric: metrics.Metric) -> None:
        self.name, self.metric = name, metric
        self.totals: list[Any] = []

    def add(self, values: Sequence[Any]) -> None:
        """Count a batch's sums."""
        values = [np.asarray(v, np.float64) for v in values]
        self.totals = [a + b for a, b in zip(self.totals, values, strict=True)] if self.totals else values

    @property
    def value(self) -> float:
        """The metric of the examples so far."""
        return float(self.metric.final(self.totals)) if self.totals else 0.0


def _chosen(metric: Any, loss: Any, output: Tensor) -> tuple[str, metrics.Metric]:
    """A metric and its name; "accuracy" and "crossentropy" follow from the loss and the output's shape."""
    name = {"accuracy": "acc", "acc": "acc", "crossentropy": "ce", "ce": "ce"}.get(metric) if isinstance(
        metric, str
    ) else None  # fmt: skip
    if name is None:
        found = metrics.get(metric)
        if isinstance(found, metrics.Metric):
            return found.name, found
        return found.__name__, MeanMetric(found, found.__name__)
    function = getattr(loss, "function", loss)
    binary = (output.type.shape or (None,))[-1] == 1 or function is losses.binary_crossentropy
    kind = "binary" if binary else "sparse" if function is losses.sparse_categorical_crossentropy else "categorical"
    table: Mapping[tuple[str, str], Callable[..., Any]] = {
        ("acc", "binary"): metrics.binary_accuracy, ("acc", "sparse"): metrics.sparse_categorical_accuracy,
        ("acc", "categorical"): metrics.categorical_accuracy, ("ce", "binary"): losses.binary_crossentropy,
        ("ce", "sparse"): losses.sparse_categorical_crossentropy,
        ("ce", "categorical"): losses.categorical_crossentropy,
    }  # fmt: skip
    return name, MeanMetric(table[name, kind], name)


class Objective:
    """The losses and metrics of a model, and the functions that compute them for a batch.

    loss, metrics, weighted_metrics, loss_weights: as `Model.compile` takes them.
    """

    def __init__(
        self, model: Network, optimizer: CoreOptimizer, loss: Any, metric: Any, weighted_metric: Any, loss_weights: Any,
        targets: Any,
    ) -> None:  # fmt: skip
        self.model, self.optimizer = model, optimizer
        self.trained = model.trainable_weights  # later changes of the flag do not count
        outputs, names = model.outputs or [], model.output_names
        self.losses = [None if v is None else losses.get(v) for v in by_output(loss, names)]
        self.kept = [i for i, v in enumerate(self.losses) if v is not None]  # the outputs with losses
        if not self.kept and not model.losses:
            raise ValueError("The model cannot be compiled because it has no loss to optimize.")
        shares = by_output(loss_weights, names)
        self.shares = [1.0 if v is None else float(v) for v in shares]
        given = by_output(targets, names)
        self.targets = [self._target(i, given[i]) for i in self.kept]
        self.target_names = [names[i] for i in self.kept]
        several = len(self.kept) > 1
        self.loss_names = ["loss", *(f"{n}_loss" for n in (self.target_names if several else ()))]
        self.metrics: list[tuple[int, bool, OutputMetric]] = []
        for weighted, some in ((False, metric), (True, weighted_metric)):
            for i, entries in enumerate(by_output(some, names, nests=True)):
                for entry in listed(entries) if entries else ():
                    name, made = _chosen(entry, self.losses[i], outputs[i])
                    name = f"{'weighted_' if weighted and isinstance(entry, str) else ''}{name}"
                    self._add_metric(i, weighted, f"{names[i]}_{name}" if several else name, made)
        self._graphs: dict[bool, tuple[list[Tensor], list[Tensor], list[list[Tensor]]]] = {}
        self._step: dict[bool, list[Node]] = {}

    def _target(self, output: int, given: Any) -> Tensor:
        if given is not None:
            return given  # type: ignore[no-any-return]
        tensor = (self.model.outputs or [])[output]
        name = f"{self.model.output_names[output]}_target"
        return K.placeholder(ndim=tensor.type.rank, dtype=tensor.dtype, name=name)

    def _add_metric(self, output: int, weighted: bool, name: str, made: metrics.Metric) -> None:
        taken, number, free = {m.name for _, _, m in self.metrics}, 0, name
        while free in taken:
            number += 1
            free = f"{name}_{number}"
        self.metrics.append((output, weighted, OutputMetric(free, made)))

    def checked_targets(self) -> list[Tensor | None]:
        """For each loss the tensor whose shape its targets must have; None for losses that take others."""
        free = (losses.sparse_categorical_crossentropy,)
        standard = set(FUNCTIONS.values()) - set(free)
        functions = [getattr(self.losses[i], "function", self.losses[i]) for i in self.kept]
        return [o if f in standard else t for f, o, t in zip(
            functions, [(self.model.outputs or [])[i] for i in self.kept], self.targets, strict=True)]  # fmt: skip

    @property
    def names(self) -> list[str]:
        """The names of the losses and metrics, in the order of `values`."""
        return [*self.loss_names, *(m.name for _, _, m in self.metrics)]

    def _graph(self, weighted: bool) -> tuple[list[Tensor], list[Tensor], list[list[Tensor]]]:
        """The placeholders of weights, the total loss and each output's, and the sums of each metric."""
        if weighted not in self._graphs:
            outputs = self.model.outputs or []
            weights = [K.placeholder(ndim=1, name=f"{n}_sample_weights") for n in self.target_names] if weighted else []
            at = {i: place for place, i in enumerate(self.kept)}
            with K.name_scope("loss"):
                each = []
                for i, place in at.items():
                    loss: Any = self.losses[i]
                    arguments = self.targets[place], outputs[i]
                    weight = masked_weights(mask_of(outputs[i]), weights[place] if weighted else None, outputs[i])
                    each.append(loss(*arguments, weight) if isinstance(loss, losses.Loss)
                                else weighted_loss(loss(*arguments), weight))  # fmt: skip
                total: Any = sum(self.shares[i] * v if self.shares[i] != 1 else v
                                 for i, v in zip(self.kept, each, strict=True))  # fmt: skip
                for penalty in self.model.losses:
                    total = total + penalty
            with K.name_scope("metrics"):
                sums = []
                for i, by_weight, m in self.metrics:
                    weight = weights[at[i]] if by_weight and weighted else None
                    weight = masked_weights(mask_of(outputs[i]), weight, outputs[i])
                    sums.append(m.metric.sums(self.targets[at[i]], outputs[i], weight))
            self._graphs[weighted] = weights, [total, *(each if len(each) > 1 else ())], sums
        return self._graphs[weighted]

    def step(self, weighted: bool) -> list[Node]:
        """The operations of a step of training."""
        if weighted not in self._step:
            total = self._graph(weighted)[1][0]
            nodes: list[Node] = []
            if self.trained:
                with K.name_scope("training"), K.name_scope(type(self.optimizer).__name__):
                    nodes = self._updates(total, self.trained)
            self._step[weighted] = [*self.model.updates, *nodes]
        return self._step[weighted]

    def _updates(self, total: Tensor, trained: Any) -> list[Node]:
        if hasattr(self.optimizer, "get_updates"):
            found: list[Node] = self.optimizer.get_updates(total, trained)
            return found
        node = self.optimizer.minimize(total, var_list=trained)
        state_of(node.graph).track(self.optimizer.variables())
        return [node]

    def run(self, batch: ArrayBatch, training: bool) -> tuple[list[Any], list[list[Any]]]:
        """The losses of a batch and the sums of its metrics; in training after a step."""
        weights, totals, sums = self._graph(batch.weights is not None)
        step = self.step(batch.weights is not None) if training else self.model.state_updates
        feeds = dict(zip(self.model.inputs or [], batch.inputs, strict=True))
        feeds |= dict(zip(self.targets, batch.targets, strict=True))
        feeds |= dict(zip(weights, batch.weights or (), strict=True))
        found = get_session().run([totals, sums, step], feeds | phase_feeds(training))
        return found[0], found[1]

    def reset(self) -> None:
        """Forget the batches of the metrics so far."""
        for _, _, metric in self.metrics:
            metric.totals = []

    def count(self, sums: Sequence[Sequence[Any]]) -> list[float]:
        """The metrics after one more batch."""
        for (_, _, metric), values in zip(self.metrics, sums, strict=True):
            metric.add(values)
        return [metric.value for _, _, metric in self.metrics]
