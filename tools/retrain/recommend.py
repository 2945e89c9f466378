"""The four cases of transfer learning: which layers to train, by a data set's size and similarity to the old one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigraph.data import ImageFolder
from minigraph.models.record import Model

LARGE = 1000  # images of a class; ImageNet has about 1,300
SIMILAR = 0.7  # of the way from guessing to no error


class Likeness(NamedTuple):
    """How well the pretrained features separate the classes without training.

    accuracy: of choosing the class whose other images' mean features are nearest. chance: share of the largest class.
    """

    accuracy: float
    chance: float

    @property
    def similar(self) -> bool:
        return self.accuracy >= self.chance + SIMILAR * (1 - self.chance)


class Advice(NamedTuple):
    """One of the four cases: the finding, the layers to train, and the options for it."""

    case: str
    layers: str
    options: str


def measure(features: NDArray[np.floating], labels: NDArray[np.integer]) -> Likeness:
    """Measure from features [N, …] and classes [N] with at least two images each.

    Each image is excluded from its class's mean. Features are scaled to length 1.
    """
    flat = features.reshape(len(features), -1).astype(np.float64)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
    one_hot = np.eye(labels.max() + 1)[labels]
    sums, counts = one_hot.T @ flat, one_hot.sum(0)
    means = sums / counts[:, None]
    distances = (means**2).sum(1) - 2 * flat @ means.T  # less |x|², the same for each class
    own = (sums[labels] - flat) / (counts[labels] - 1)[:, None]
    distances[np.arange(len(flat)), labels] = (own**2).sum(1) - 2 * (flat * own).sum(1)
    return Likeness(float(np.mean(distances.argmin(1) == labels)), float(counts.max() / counts.sum()))


def advise(model: Model, end_points: list[str], images_per_class: float, similar: bool) -> Advice:
    """The case of a data set. end_points: the network's, in order, up to its bottleneck."""
    large = images_per_class >= LARGE
    if similar and not large:
        return Advice("small and similar", f"a new last layer only, on the features of {model.bottleneck}",
                      "--train-last-only")  # fmt: skip
    if similar:
        return Advice("large and similar", "all layers, from the pretrained weights", "--train-all")
    if not large:
        cut = end_points[len(end_points) // 3]
        layers = f"what comes after {cut}, from the pretrained weights (first layers see edges, as anywhere)"
        return Advice("small and different", layers, f"--freeze-to {cut}")
    return Advice("large and different", "all layers, from initial values", "--from-scratch")


def describe(folder: ImageFolder, likeness: Likeness | None, advice: dict[bool, Advice]) -> list[str]:
    """Lines for the user. advice: for a similar data set, and for a dissimilar one."""
    counts = folder.counts()
    mean = sum(counts.values()) / len(counts)
    size = "large" if mean >= LARGE else "small"
    lines = [
        f"images:    {min(counts.values())} to {max(counts.values())} of a class, {mean:.0f} in the mean: a {size} set"
        f" (large: {LARGE:,} or more)"
    ]
    if likeness is None:
        lines.append("likeness:  not known without --weights; for each answer:")
        return lines + [f"  {'similar' if s else 'different'}: {_line(a)}" for s, a in advice.items()]
    least = likeness.chance + SIMILAR * (1 - likeness.chance)
    kind = "similar to" if likeness.similar else "different from"
    lines.append(
        f"likeness:  the nearest class mean of the pretrained features is right for {likeness.accuracy:.1%} of the"
        f" images; guessing for {likeness.chance:.1%}: {kind} what the network knows (similar: {least:.1%} or more)"
    )
    return [*lines, f"so:        {_line(advice[likeness.similar])}"]


def _line(advice: Advice) -> str:
    return f"{advice.case}: train {advice.layers}: {advice.options}"
