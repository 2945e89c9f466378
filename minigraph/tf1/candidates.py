"""Samplers of candidate classes, and the losses over sampled classes: noise-contrastive estimation, sampled softmax.

Samplers draw TensorFlow 1's numbers. Source: Jean, Cho, Memisevic and Bengio 2015, On Using Very Large Target
Vocabulary for Neural Machine Translation; Gutmann and Hyvärinen 2010, Noise-contrastive estimation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.convert import convert_to_tensor
from minigraph.core.errors import InvalidArgumentError, NotFoundError, ShapeError
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType, format_shape
from minigraph.ops.array.joining import concat
from minigraph.ops.host.base import HostOp
from minigraph.ops.random import philox
from minigraph.ops.random.distributions import RandomOp, get_seed
from minigraph.util.nest import listed

_WORDS = 0xFFFFFFFF
_COUNTERS = 512  # that one sampled class reserves, four words each
_LEAST = np.finfo(np.float32).min


class Words:
    """The 32-bit words of consecutive counters, one after the other."""

    def __init__(self, cell: Any) -> None:
        self._offset, self._key, self._stream = (int(v) for v in cell)
        self._words = self._stored()

    def _stored(self) -> Iterator[int]:
        while True:
            yield from philox.raw(64, self._key, self._stream, self._offset).ravel().tolist()
            self._offset += 64

    def bits(self, size: int = 32) -> int:
        low = next(self._words)
        return low if size == 32 else low | next(self._words) << 32

    def unit(self) -> float:
        """In [0, 1), with 23 random bits."""
        return (self.bits() & 0x7FFFFF) * 2.0**-23

    def double(self) -> float:
        """In [0, 1), with 52 random bits."""
        high, low = self.bits(), self.bits()
        return ((high & 0xFFFFF) << 32 | low) * 2.0**-52

    def below(self, n: int, size: int = 32) -> int:
        """One of n numbers; all are equally likely, as the lowest words are drawn again."""
        if n & (n - 1) == 0:
            return self.bits(size) & (n - 1)
        least = 2**size % n
        word = self.bits(size)
        while word < least:
            word = self.bits(size)
        return word % n


class CandidateSampler(RandomOp):
    """`num_sampled` of `range_max` classes; how often each true class and each sampled one is expected in the sample.

    The words are drawn on the host. `unique`: no class twice.
    """

    num_sampled: int = 1
    range_max: int = 1
    unique: bool = True
    writes = (1,)
    on_host = True

    def infer(self, true_classes: TensorType, cell: TensorType | None = None) -> tuple[TensorType, ...]:  # type: ignore[override]
        if true_classes.rank not in (None, 2):
            raise ShapeError(f"true_classes must be a matrix, not shape {format_shape(true_classes.shape)}")
        drawn = (self.num_sampled,)
        return (
            TensorType(tf.int64, drawn), TensorType(tf.float32, true_classes.shape or (None, None)),
            TensorType(tf.float32, drawn), TensorType(tf.uint64, (self._cell_size(),)),
        )  # fmt: skip

    def _cell_size(self) -> int:
        return 3

    def specialise(self, types: Sequence[TensorType], consts: Sequence[Any]) -> tuple[RandomOp, tuple[int, ...]]:
        return self, (0,)

    def loops(self, in_types: Sequence[TensorType], out_types: Sequence[TensorType]) -> None:
        return None

    def sampler(self, cell: Any) -> tuple[Callable[[Words], int], Callable[[Any], Any]]:
        """A function that draws a class, and one that gives the chance of each of some classes."""
        raise NotImplementedError

    def forward(self, xp: Any, true_classes: Any, cell: Any) -> tuple[Any, ...]:  # type: ignore[override]
        cell = np.asarray(cell)
        if not np.all((true_classes >= 0) & (true_classes < self.range_max)):
            raise InvalidArgumentError(f"a true class is not in [0, {self.range_max})")
        draw, chance = self.sampler(cell)
        words, found, tries = Words(cell[:3]), dict[int, None](), 0
        drawn: list[int] = []
        while len(drawn) < self.num_sampled:
            tries += 1
            value = draw(words)
            if not self.unique or value not in found:
                found[value] = None
                drawn.append(value)
        sampled = np.array(drawn, np.int64)

        def expected(classes: Any) -> Any:
            p = np.asarray(chance(classes), np.float32)
            if tries == self.num_sampled:
                return p * np.float32(tries)
            return (-np.expm1(tries * np.log1p(-p.astype(np.float64)))).astype(np.float32)

        return sampled, expected(true_classes), expected(sampled), self.after(cell, true_classes)

    def after(self, cell: Any, true_classes: Any) -> Any:
        """The state after the draw."""
        after = cell.copy()
        after[0] += np.uint64(_COUNTERS * self.num_sampled)
        return after

    @classmethod
    def samples(cls) -> Iterator[Any]:
        yield from ()


class UniformSampler(CandidateSampler):
    """All classes are equally likely."""

    def sampler(self, cell: Any) -> tuple[Callable[[Words], int], Callable[[Any], Any]]:
        chance = np.float32(1 / self.range_max)
        return lambda words: words.below(self.range_max, 64), lambda classes: np.full(classes.shape, chance)


class LogUniformSampler(CandidateSampler):
    """Class i has the probability log((i + 2) / (i + 1)) / log(range_max + 1), as words sorted by frequency have."""

    def sampler(self, cell: Any) -> tuple[Callable[[Words], int], Callable[[Any], Any]]:
        whole = math.log(self.range_max + 1)
        return (
            lambda words: (int(math.exp(words.double() * whole)) - 1) % self.range_max,
            lambda classes: np.log((classes + 2.0) / (classes + 1.0)) / whole,
        )


class UnigramSampler(CandidateSampler):
    """Class i has a probability proportional to `weights[i]`. Source: Vose 1991, a linear algorithm for random numbers
    with a given distribution."""

    weights: tuple[float, ...] = ()

    def sampler(self, cell: Any) -> tuple[Callable[[Words], int], Callable[[Any], Any]]:
        weights = np.array(self.weights, np.float32)
        total = np.add.accumulate(weights, dtype=np.float32)[-1]
        odds, others = _alias_table(weights)

        def draw(words: Words) -> int:
            unit, place = words.unit(), words.below(len(weights))
            return place if unit < odds[place] else others[place]

        return draw, lambda classes: weights[classes] / total


def _alias_table(weights: Any) -> tuple[list[float], list[int]]:
    """For each place how likely it stands for itself, and the other place that it stands for."""
    n, total = len(weights), float(np.sum(weights, dtype=np.float64))
    odds = [float(np.float32(w * np.float32(n)) / total) for w in weights]
    others = list(range(n))
    high = [i for i in range(n) if not odds[i] < 1]
    low = [i for i in range(n) if odds[i] < 1]
    while high and low:
        little, much = low.pop(), high.pop()
        others[little] = much
        odds[much] -= 1 - odds[little]
        (low if odds[much] < 1 else high).append(much)
    rest = {*high, *low}
    return [1.0 if i in rest else float(np.float32(p)) for i, p in enumerate(odds)], others


class LearnedUnigramSampler(CandidateSampler):
    """Class i has a probability proportional to 1 + the number of times it was a true class in earlier runs.

    The state of the op holds the counts after those of the generator."""

    def _cell_size(self) -> int:
        return 3 + self.range_max

    def initial_cell(self) -> np.ndarray:
        return np.append(super().initial_cell(), np.ones(self.range_max, np.uint64))

    def sampler(self, cell: Any) -> tuple[Callable[[Words], int], Callable[[Any], Any]]:
        counts = np.asarray(cell[3:]).astype(np.int64)
        ends = np.cumsum(counts)
        if not (counts > 0).all():
            raise InvalidArgumentError("the counts of a sampler must be positive")
        return (
            lambda words: int(np.searchsorted(ends, words.below(int(ends[-1])), side="right")),
            lambda classes: counts[classes].astype(np.float32) / np.float32(ends[-1]),
        )

    def after(self, cell: Any, true_classes: Any) -> Any:
        after = super().after(cell, true_classes)
        np.add.at(after, 3 + true_classes.ravel(), np.uint64(1))
        return after


class AllSampler(CandidateSampler):
    """All classes, each expected once."""

    def forward(self, xp: Any, true_classes: Any, cell: Any) -> tuple[Any, ...]:  # type: ignore[override]
        ones = np.ones(self.num_sampled, np.float32)
        state = self.after(np.asarray(cell), true_classes)
        return np.arange(self.num_sampled), np.ones(true_classes.shape, np.float32), ones, state


def _sampled(
    kind: type[CandidateSampler], default: str, true_classes: Any, num_true: int, num_sampled: int, unique: bool,
    range_max: int, seed: int | None, name: str | None, **more: Any,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    num_true, num_sampled, range_max = _counts(num_true=num_true, num_sampled=num_sampled, range_max=range_max)
    with tf.name_scope(name, default, [true_classes]) as scope:
        true = convert_to_tensor(true_classes, tf.int64)
        given = true.type.shape
        if given is not None and (len(given) != 2 or given[1] not in (None, num_true)):
            raise ShapeError(f"true_classes must be [batch_size, {num_true}], not {format_shape(given)}")
        if unique and num_sampled > range_max:
            raise InvalidArgumentError("Sampler's range is too small.")
        first, second = get_seed(true.graph, seed)
        op = kind(tf.int64, None, first, second, num_sampled, range_max, unique, **more)
        sampled, true_expected, sampled_expected, _ = true.graph.add(op, (true,), scope).outputs
        return sampled, true_expected, sampled_expected


def _counts(least: int = 1, **numbers: Any) -> list[int]:
    """Arguments of samplers as integers, by their names. TypeError for others, also for tensors."""
    for name, value in numbers.items():
        if isinstance(value, Tensor) or not hasattr(value, "__index__"):
            raise TypeError(f"{name} must be an integer that is known when the graph is made, not {value!r}")
        if value < least:
            raise InvalidArgumentError(f"{name} must be at least {least}, not {value}")
    return [int(value) for value in numbers.values()]


def uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: int | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(classes, how often each true class is expected, how often each sampled one): all are equally likely."""
    args = (true_classes, num_true, num_sampled, unique, range_max, seed, name)
    return _sampled(UniformSampler, "UniformCandidateSampler", *args)


def log_uniform_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: int | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(classes, how often each true class is expected, how often each sampled one): small numbers are likelier."""
    args = (true_classes, num_true, num_sampled, unique, range_max, seed, name)
    return _sampled(LogUniformSampler, "LogUniformCandidateSampler", *args)


def learned_unigram_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, seed: int | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(classes, how often each true class is expected, how often each sampled one): as in the true classes so far."""
    args = (true_classes, num_true, num_sampled, unique, range_max, seed, name)
    return _sampled(LearnedUnigramSampler, "LearnedUnigramCandidateSampler", *args)


def _vocabulary_weights(path: str) -> list[float]:
    """The last field of each line of a file. NotFoundError; InvalidArgumentError for a field that is no number."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [(i, line.rpartition(",")[2].strip()) for i, line in enumerate(file, 1) if line.strip()]
    except OSError as error:
        raise NotFoundError(f"vocab_file {path!r} cannot be read: {error.strerror}") from None
    found = []
    for number, field in lines:
        try:
            found.append(float(field))
        except ValueError:
            raise InvalidArgumentError(f"line {number} of {path!r} ends in {field!r}, which is no weight") from None
    return found


def _distorted(weight: float, distortion: float) -> float:
    """A weight to a power, in single precision. InvalidArgumentError if there is none."""
    with np.errstate(all="ignore"):
        power = float(np.float32(np.float64(np.float32(weight)) ** np.float64(np.float32(distortion))))
    if weight < 0 or not math.isfinite(power):
        raise InvalidArgumentError(f"a weight must be positive or 0 and have a power {distortion}, but one is {weight}")
    return power


def fixed_unigram_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, range_max: int, vocab_file: str = "",
    distortion: float = 1.0, num_reserved_ids: int = 0, num_shards: int = 1, shard: int = 0,
    unigrams: Sequence[float] = (), seed: int | None = None, name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(classes, how often each true class is expected, how often each sampled one), by given frequencies.

    unigrams: the weight of each class after the reserved ones; or vocab_file: lines whose last field is the weight.
    distortion: the power that weights are raised to.
    """
    if bool(vocab_file) == bool(len(unigrams)):
        raise InvalidArgumentError("fixed_unigram_candidate_sampler takes either vocab_file or unigrams")
    num_sampled, range_max, num_shards = _counts(num_sampled=num_sampled, range_max=range_max, num_shards=num_shards)
    shard, num_reserved_ids = _counts(0, shard=shard, num_reserved_ids=num_reserved_ids)
    if shard >= num_shards:
        raise InvalidArgumentError(f"shard must be less than num_shards, {num_shards}, not {shard}")
    given = _vocabulary_weights(vocab_file) if vocab_file else list(unigrams)
    powers = [_distorted(float(w), float(distortion)) for w in given]
    weights = [w for i, w in enumerate([0.0] * num_reserved_ids + powers) if i % num_shards == shard]
    if len(weights) != range_max:
        raise InvalidArgumentError(f"range_max is {range_max}, but {len(weights)} weights are given")
    if sum(w > 0 for w in weights) < (num_sampled if unique else 1):
        raise InvalidArgumentError("Sampler's range is too small.")
    args = (true_classes, num_true, num_sampled, unique, range_max, seed, name)
    return _sampled(UnigramSampler, "FixedUnigramCandidateSampler", *args, weights=tuple(weights))


def all_candidate_sampler(
    true_classes: Any, num_true: int, num_sampled: int, unique: bool, seed: int | None = None, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(the classes 0 … num_sampled − 1, ones for the true classes, ones for all)."""
    args = (true_classes, num_true, num_sampled, unique, num_sampled, seed, name)
    return _sampled(AllSampler, "AllCandidateSampler", *args)


class AccidentalHits(HostOp):
    """(row, place) of each sampled class that is a true class of the row, and the weight that rules it out."""

    def infer(self, true_classes: TensorType, sampled: TensorType) -> tuple[TensorType, ...]:
        if true_classes.rank not in (None, 2) or sampled.rank not in (None, 1):
            raise ShapeError("compute_accidental_hits takes a matrix of true classes and a vector of sampled ones")
        return tuple(TensorType(kind, (None,)) for kind in (tf.int32, tf.int64, tf.float32))

    def forward(self, xp: Any, true_classes: Any, sampled: Any) -> tuple[Any, ...]:
        places = {int(c): i for i, c in enumerate(sampled)}
        hits = [(row, places[int(c)]) for row, classes in enumerate(true_classes) for c in classes if int(c) in places]
        rows, ids = np.array(hits, np.int64).reshape(-1, 2).T
        return rows.astype(np.int32), ids, np.full(len(hits), _LEAST, np.float32)


def compute_accidental_hits(
    true_classes: Any, sampled_candidates: Any, num_true: int, seed: int | None = None, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(rows, places in the sample, weights of −3.4e38) of the sampled classes that are true classes of a row."""
    with tf.name_scope(name, "ComputeAccidentalHits", [true_classes, sampled_candidates]) as scope:
        true = convert_to_tensor(true_classes, tf.int64)
        given = true.type.shape
        if given is not None and (len(given) != 2 or given[1] not in (None, num_true)):
            raise ShapeError(f"true_classes must be [batch_size, {num_true}], not {format_shape(given)}")
        sampled = convert_to_tensor(sampled_candidates, tf.int64)
        rows, places, weights = true.graph.add(AccidentalHits(), (true, sampled), scope).outputs
        return rows, places, weights


def _ruled_out(labels: Tensor, sampled: Tensor, like: Tensor) -> Tensor:
    """[N, S]: the least number for each class among the labels of the row, once: at its last place; elsewhere 0."""
    known = tf.reduce_any(tf.equal(tf.expand_dims(labels, 2), sampled), 1)
    places = tf.range(tf.size(sampled))
    repeated = tf.logical_and(tf.equal(sampled[:, None], sampled), places[:, None] < places)
    last = tf.logical_not(tf.reduce_any(repeated, 1))
    return tf.where(tf.logical_and(known, last), tf.fill(tf.shape(like), tf.cast(_LEAST, like.dtype)),
                    tf.zeros_like(like))  # fmt: skip


def _logits(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int,
    sampled_values: Any, remove_accidental_hits: bool, partition_strategy: Any, name: str, seed: int | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The logits of the true classes and the sampled ones, less the logarithms of how often they are expected, and the
    labels of both."""
    with tf.name_scope(name, "compute_sampled_logits", [*listed(weights), biases, inputs, labels]):
        x = convert_to_tensor(inputs)
        given = convert_to_tensor(labels)
        true = given if given.dtype == tf.int64 else tf.cast(given, tf.int64)
        flat = tf.reshape(true, [-1])
        if sampled_values is None:
            args = (true, num_true, num_sampled, True, num_classes, seed)
            sampled_values = log_uniform_candidate_sampler(*args)
        sampled, true_expected, sampled_expected = (tf.stop_gradient(v) for v in sampled_values)
        sampled = tf.cast(sampled, tf.int64)
        ids = concat([flat, sampled], 0)
        rows, offsets = (
            tf.cast(tf.nn.embedding_lookup(table, ids, partition_strategy), x.dtype) for table in (weights, biases)
        )
        with x.graph.counted_as(73 + 21 * remove_accidental_hits):
            count = tf.size(flat)
            true_logits = tf.reduce_sum(
                tf.expand_dims(x, 1) * tf.reshape(rows[:count], [-1, num_true, rows.shape[1]]), 2
            ) + tf.reshape(offsets[:count], [-1, num_true])
            sampled_logits = tf.matmul(x, rows[count:], transpose_b=True) + offsets[count:]
            if remove_accidental_hits:
                sampled_logits += _ruled_out(true, sampled, sampled_logits)
            true_logits -= tf.log(tf.cast(true_expected, x.dtype))
            sampled_logits -= tf.log(tf.cast(sampled_expected, x.dtype))
            out = concat([tf.ones_like(true_logits) / num_true, tf.zeros_like(sampled_logits)], 1)
            return concat([true_logits, sampled_logits], 1), out


def nce_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1,
    sampled_values: Any = None, remove_accidental_hits: bool = False, partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Tensor:  # fmt: skip
    """Noise-contrastive estimation: a loss [N] of telling the true classes of each row from sampled ones.

    weights: a table [num_classes, D], or parts of it; biases [num_classes]; labels [N, num_true]; inputs [N, D].
    """
    logits, out = _logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        partition_strategy, name,
    )  # fmt: skip
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=out, logits=logits, name="sampled_losses")
    with logits.graph.counted_as(12):
        return tf.reduce_sum(losses, 1)


def sampled_softmax_loss(
    weights: Any, biases: Any, labels: Any, inputs: Any, num_sampled: int, num_classes: int, num_true: int = 1,
    sampled_values: Any = None, remove_accidental_hits: bool = True, partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss", seed: int | None = None,
) -> Tensor:  # fmt: skip
    """The softmax cross-entropy [N] over the true classes of each row and sampled ones, for training with many classes.

    weights: a table [num_classes, D], or parts of it; biases [num_classes]; labels [N, num_true]; inputs [N, D].
    """
    logits, out = _logits(
        weights, biases, labels, inputs, num_sampled, num_classes, num_true, sampled_values, remove_accidental_hits,
        partition_strategy, name, seed,
    )  # fmt: skip
    return tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.stop_gradient(out), logits=logits)
