"""Products cut into pieces by their shapes, for the threads of the team."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from minigraph.backend.base import Launch, in_sequence
from minigraph.backends.numpy.common import Array
from minigraph.backends.numpy.threads import TEAM

MOST = 8  # pieces of a product, and so the most threads that have work
_PIECE = 200_000  # estimated nanoseconds of a piece that is worth handing over to a thread, which takes some 50,000
_LENGTH = 96  # rows or columns of a piece, below which BLAS spends more time on packing than on products
_ALIGNED = 16  # pieces begin at multiples of this, a multiple of the rows that BLAS does at once


def count_pieces(m: int, k: int, n: int, length: int) -> int:
    """The number of pieces for the product [m,k]·[k,n], cut along an axis of `length`."""
    estimate = m * k * n // 64 + (m * k + k * n + m * n) // 3
    return max(1, min(MOST, estimate // _PIECE, length // _LENGTH))


def shares(pieces: int) -> list[slice]:
    """The pieces of each thread of the team, some in a row."""
    workers = max(min(TEAM.size, pieces), 1)
    return [slice(pieces * i // workers, pieces * (i + 1) // workers) for i in range(workers)]


def in_parallel(work: Sequence[Sequence[Launch]]) -> Launch:
    """One launch of the work of all threads."""
    if len(work) == 1:
        return in_sequence(work[0])
    return partial(TEAM.run, [in_sequence(part) for part in work])


def shared(pieces: Sequence[Launch]) -> Launch:
    """One launch of independent pieces, which the threads share."""
    return in_parallel([pieces[some] for some in shares(len(pieces))])


def cuts(length: int, count: int) -> list[slice]:
    """`count` slices that cover range(length) and start at multiples of _ALIGNED."""
    ends = [min(-(-length * i // count // _ALIGNED) * _ALIGNED, length) for i in range(count)] + [length]
    return [slice(a, b) for a, b in pairwise(ends) if a < b]


def product(left: Array, right: Array, out: Array, threads: bool) -> Launch:
    """out = left·right, of matrices, of as many matrices each, or of a row and a matrix.

    threads: whether all threads work on it.
    """
    whole: Launch = partial(np.matmul, left, right, out)
    if not threads or not out.size:
        return whole
    if left.ndim == 1:
        return product(left[None], right, out[None], threads)
    (m, k), n = left.shape[-2:], right.shape[-1]
    if out.ndim > 2:
        many = math.prod(out.shape[:-2])
        if left.ndim != out.ndim or right.ndim != out.ndim or len(left) != len(right):
            return whole
        count = min(len(out), count_pieces(m * many, k, n, _LENGTH * MOST))
        return shared([partial(np.matmul, left[p], right[p], out[p]) for p in _even(len(out), count)])
    if max(m, n) < 2 * _LENGTH:
        return _by_terms(left, right, out, count_pieces(m, k, n, k))
    if m >= n:
        return shared([partial(np.matmul, left[p], right, out[p]) for p in cuts(m, count_pieces(m, k, n, m))])
    return shared([partial(np.matmul, left, right[:, p], out[:, p]) for p in cuts(n, count_pieces(m, k, n, n))])


def _even(length: int, count: int) -> list[slice]:
    return [slice(length * i // count, length * (i + 1) // count) for i in range(count)]


def _by_terms(left: Array, right: Array, out: Array, count: int) -> Launch:
    """A small matrix from long sums: the sum of the products of some columns of `left` with some rows of `right`."""
    pieces = cuts(left.shape[1], count)
    if len(pieces) == 1:
        return partial(np.matmul, left, right, out)
    parts = np.empty((len(pieces), *out.shape), out.dtype)
    made = [partial(np.matmul, left[:, p], right[p], part) for p, part in zip(pieces, parts, strict=True)]
    return in_sequence([shared(made), partial(np.add.reduce, parts, axis=0, out=out)])
