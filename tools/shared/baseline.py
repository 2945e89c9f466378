"""The baseline of predicting the class frequencies, to tell whether a network has learned anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NOTHING = 0.95  # of the baseline's loss; a loss above it may be noise
_SIGMAS = 2.0


class Baseline(NamedTuple):
    """The result of predicting the class priors for every image.

    loss: mean cross-entropy on the test images, in nats; if classes are as frequent there as in training, the entropy
        −Σ p ln p of the priors p. accuracy: on the test images, of always predicting the most frequent class, `name`.
    images: the number of test images.
    """

    loss: float
    accuracy: float
    name: str
    images: int

    @staticmethod
    def of(train_labels: NDArray[np.floating], test_labels: NDArray[np.floating], classes: Sequence[str]) -> Baseline:
        """From one-hot labels [N, classes] and [M, classes]."""
        priors, frequencies = np.mean(train_labels, axis=0), np.mean(test_labels, axis=0)
        most = int(np.argmax(priors))
        with np.errstate(divide="ignore"):
            surprise = np.where(frequencies > 0, -np.log(priors), 0)
        return Baseline(float(frequencies @ surprise), float(frequencies[most]), classes[most], len(test_labels))

    def describe(self) -> str:
        """The baseline in one line."""
        return (
            f"baseline       {self.accuracy:.4f}  (always {self.name!r}); the class priors alone give a loss of"
            f" {self.loss:.4g}"
        )

    def verdict(self, accuracy: float, loss: float, training_loss: float) -> str | None:
        """A message for a network that is no better than the baseline; None for a better one.

        accuracy, loss: on the test images. training_loss: on the training images.
        A network has learned nothing if its loss is less than 5 % below the baseline's, and its accuracy is within
        two standard deviations of the binomial distribution with the baseline's probability.
        """
        chance = _SIGMAS * math.sqrt(self.accuracy * (1 - self.accuracy) / self.images)
        if loss < NOTHING * self.loss or accuracy > self.accuracy + chance:
            return None
        if training_loss < NOTHING * self.loss:
            return (
                "The network has learned nothing that holds for other images: its loss in training is"
                f" {training_loss:.4g}, but on the test images a loss of {loss:.4g} and an accuracy of {accuracy:.4f}"
                " are no better than what the class priors alone give. More images, or more distortions, may help."
            )
        return (
            f"The network has learned nothing: a loss of {loss:.4g} and an accuracy of {accuracy:.4f} are no better"
            " than what the class priors alone give. Look at what it is fed, the initial values and the learning rate."
        )


def cross_entropy(logits: NDArray[np.floating], labels: NDArray[np.floating]) -> NDArray[np.float64]:
    """The cross-entropy of softmax(logits) [M, classes] and labels [M, classes] by row, in nats: float64 [M]."""
    shifted = logits.astype(np.float64) - logits.max(1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    result: NDArray[np.float64] = -(labels * log_probabilities).sum(1)
    return result
