"""The page of `minigraph eval --report`: accuracy, the confusion matrix, and the images that were taken for others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigraph.tools.report import as_pixels
from minigraph.tools.shared.baseline import cross_entropy
from minigraph.tools.shared.data import Images
from minigraph.tools.shared.html_page import heading, paragraph, tiles, write_page
from minigraph.util.html import Cell, Shaded, table

MOST_CLASSES = 40  # of a confusion matrix that is written out
MOST_IMAGES = 120
MOST_PAIRS = 30


class Confusion(NamedTuple):
    """counts: [actual, predicted]."""

    counts: NDArray[np.int64]

    @classmethod
    def of(cls, actual: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> Confusion:
        pairs = np.asarray(actual, np.int64) * classes + predicted
        return cls(np.bincount(pairs, minlength=classes * classes).reshape(classes, classes))

    def shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For each class: the share of its images that were found, and of those that were taken for it, the right ones.

        These are recall and precision; NaN for a class without images, and for one that was never predicted.
        """
        right = np.diag(self.counts)
        with np.errstate(invalid="ignore"):
            return right / self.counts.sum(1), right / self.counts.sum(0)

    def pairs(self) -> list[tuple[int, int, int]]:
        """(count, actual, predicted) of the confusions, most frequent first."""
        off = self.counts - np.diag(np.diag(self.counts))
        return sorted(((int(off[i, j]), int(i), int(j)) for i, j in zip(*np.nonzero(off), strict=True)), reverse=True)


def write_report(
    path: Path, title: str, logits: NDArray[np.float32], labels: NDArray[np.float32], images: Images,
    classes: Sequence[str],
) -> None:  # fmt: skip
    """Write the page.

    logits, labels: [M, classes], of the images. images: [M, pixels], grey from 0 (white) to 1, or colours [M, H, W, 3]
    from 0 to 1.
    """
    actual, predicted = labels.argmax(1), logits.argmax(1)
    found = Confusion.of(actual, predicted, len(classes))
    wrong = np.flatnonzero(actual != predicted)
    loss = float(np.mean(cross_entropy(logits, labels)))
    right = len(actual) - len(wrong)
    body = [
        paragraph(
            f"Accuracy {right / len(actual):.4f}: {right:,} of {len(actual):,} images. Mean cross-entropy {loss:.4f}."
        ),
        heading("By class"),
        paragraph(
            "Recall: the share of a class that was found. Precision: of the images taken for it, the right ones."
        ),
        _by_class(found, classes),
        heading("Confusion matrix"),
        *_matrix(found, classes),
        heading(f"Wrong: {len(wrong):,} images"),
        *_wrong(logits, actual, predicted, wrong, images, classes),
    ]
    write_page(path, title, body)


def _by_class(found: Confusion, classes: Sequence[str]) -> str:
    recall, precision = found.shares()
    totals = found.counts.sum(1)
    rows = [
        (name, f"{totals[i]:,}", _share(recall[i]), _share(precision[i]), f"{found.counts[:, i].sum():,}")
        for i, name in enumerate(classes)
    ]
    return table(("class", "images", "recall", "precision", "predicted"), rows, range(1, 5))


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.1%}"


def _matrix(found: Confusion, classes: Sequence[str]) -> Iterator[str]:
    """All counts; only the most frequent confusions of many classes."""
    if len(classes) > MOST_CLASSES:
        pairs = found.pairs()
        yield paragraph(f"The {min(len(pairs), MOST_PAIRS)} most frequent of {len(pairs)} confusions.")
        listed = [(classes[i], classes[j], f"{count:,}") for count, i, j in pairs[:MOST_PAIRS]]
        yield table(("actual", "predicted", "images"), listed, (2,))
        return
    yield paragraph("A row is the actual class, a column the predicted one. Green are the right ones; red, the wrong.")
    totals = np.maximum(found.counts.sum(1), 1)
    rows = [
        [name, *(_count(int(count), count / totals[i], i == j) for j, count in enumerate(found.counts[i]))]
        for i, name in enumerate(classes)
    ]
    yield table(("actual \\ predicted", *classes), rows, range(1, len(classes) + 1))


def _count(count: int, share: float, right: bool) -> Cell:
    """A count on a colour that deepens with the share of the class; confusions deepen sooner."""
    if not count:
        return ""
    depth = 0.15 + 0.5 * (share if right else min(1.0, 5 * share))
    return Shaded(f"{count:,}", f"rgba({'20,130,82' if right else '200,40,44'},{depth:.2f})")


def _wrong(
    logits: NDArray[np.float32], actual: NDArray[np.integer], predicted: NDArray[np.integer],
    wrong: NDArray[np.integer], images: Images, classes: Sequence[str],
) -> Iterator[str]:  # fmt: skip
    if not len(wrong):
        return
    surest = -cross_entropy(logits, np.eye(len(classes), dtype=np.float32)[predicted])  # log of the probability
    order = wrong[np.argsort(-surest[wrong], kind="stable")][:MOST_IMAGES]
    shown = "all" if len(order) == len(wrong) else f"the {len(order)}"
    yield paragraph(f"Sorted by the probability of the wrong class, the surest first; {shown} are shown.")
    yield tiles(_captioned(int(i), actual, predicted, surest, images, classes) for i in order)


def _captioned(
    i: int, actual: NDArray[np.integer], predicted: NDArray[np.integer], surest: NDArray[np.floating[Any]],
    images: Images, classes: Sequence[str],
) -> tuple[NDArray[np.uint8], str]:  # fmt: skip
    text = f"{i}: {classes[actual[i]]} taken for {classes[predicted[i]]} ({np.exp(surest[i]):.0%})"
    return as_pixels(images[i]), text
