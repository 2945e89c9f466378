"""Streams of elements, each a tuple of arrays: the steps of input pipelines, with TensorFlow's orders."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigraph.core.errors import InvalidArgumentError

Element = tuple[NDArray[Any], ...]
Stream = Iterator[Element]


def shuffled(make: Callable[[], Stream], size: int, numbers: Iterator[int], epochs: int | None = 1) -> Stream:
    """The elements of `epochs` passes over a source, or of passes without end, in TensorFlow's random order.

    make: makes the source for a pass. size: the number of elements that wait to be drawn. numbers: random numbers of 32
    bits, one for each element. Elements of the next pass are read ahead, but come after all those of this one.
    """
    held: list[Any] = [None] * size
    passes: deque[list[int]] = deque([[0, 0]])  # of each pass begin and end in the ring `held`
    source: Stream | None = make()
    waiting, epoch, is_new = 0, 0, True
    while True:
        while source is not None and waiting < size:
            element = next(source, None)
            while element is None:
                epoch += 1
                if (is_new and epochs is None) or (epochs is not None and epoch >= epochs):
                    source = None
                    break
                passes.append([passes[-1][1]] * 2)
                source, is_new = make(), True
                element = next(source, None)
            if element is not None:
                is_new = False
                held[passes[-1][1] % size] = element
                passes[-1][1] += 1
                waiting += 1
        if not waiting:
            return
        while passes[0][0] == passes[0][1]:
            passes.popleft()
        start, end = passes[0]
        place = (start + next(numbers) % (end - start)) % size
        element, held[place] = held[place], held[start % size]
        held[start % size] = None
        passes[0][0] += 1
        waiting -= 1
        if element is not None:
            yield element


def batched(source: Iterable[Element], size: int, stack: Callable[[Sequence[Element]], Element], whole: bool) -> Stream:
    """Groups of `size` elements, stacked; the last may be smaller, unless `whole`."""
    elements = iter(source)
    while rows := list(islice(elements, size)):
        if len(rows) < size and whole:
            return
        yield stack(rows)


def stack(rows: Sequence[Element]) -> Element:
    """The elements' parts, stacked. InvalidArgumentError if they differ in shape."""
    parts = []
    for part in zip(*rows, strict=True):
        shapes = {array.shape for array in part}
        if len(shapes) > 1:
            raise InvalidArgumentError(f"Cannot batch tensors with different shapes: {sorted(shapes)}")
        parts.append(np.stack(part))
    return tuple(parts)


def padded(rows: Sequence[Element], shapes: Sequence[tuple[int | None, ...]], fills: Sequence[Any]) -> Element:
    """The elements' parts, filled up to shapes (None: to the largest) and stacked."""
    parts = []
    for part, shape, fill in zip(zip(*rows, strict=True), shapes, fills, strict=True):
        sizes = [max(array.shape[i] for array in part) if n is None else n for i, n in enumerate(shape)]
        out = np.full((len(part), *sizes), fill, part[0].dtype)
        for number, array in enumerate(part):
            if any(n > wanted for n, wanted in zip(array.shape, sizes, strict=True)):
                raise InvalidArgumentError(f"an element of shape {list(array.shape)} cannot be padded to {sizes}")
            where: tuple[Any, ...] = (number, *(slice(0, n) for n in array.shape))
            out[where] = array
        parts.append(out)
    return tuple(parts)


def repeated(make: Callable[[], Stream], count: int | None) -> Stream:
    """`count` passes over a source, or passes without end; none after an empty one."""
    done = 0
    while count is None or done < count:
        is_empty = True
        for element in make():
            is_empty = False
            yield element
        if is_empty:
            return
        done += 1


def interleaved(source: Stream, inner: Callable[[Element], Stream], cycle: int, block: int) -> Stream:
    """Elements of the streams `inner` makes of a source's, `cycle` of them at a time, in turns of `block` elements."""
    turns: list[Stream | None] = [None] * cycle
    has_more, place, given = True, 0, 0
    while has_more or any(stream is not None for stream in turns):
        stream = turns[place]
        if stream is None and has_more:
            outer = next(source, None)
            has_more = outer is not None
            if outer is not None:
                turns[place] = inner(outer)
            continue
        made = None if stream is None else next(stream, None)
        if made is None:
            turns[place] = None
        else:
            yield made
            given += 1
        if made is None or given == block:
            place, given = (place + 1) % cycle, 0


def zipped(*sources: Stream) -> Stream:
    """Elements with the parts of one element of each source, until one ends."""
    for elements in zip(*sources):  # noqa: B905 - the shortest ends
        yield tuple(part for element in elements for part in element)
