"""`tf.data.experimental` and `tf.contrib.data`: functions for `Dataset.apply`."""

from __future__ import annotations

from typing import Any

from minigraph.tf1.datasets import size_of

AUTOTUNE = -1


def map_and_batch(
    map_func: Any, batch_size: Any, num_parallel_batches: Any = None, drop_remainder: bool = False,
    num_parallel_calls: Any = None,
) -> Any:  # fmt: skip
    """`map`, then `batch`."""
    calls = num_parallel_calls if num_parallel_calls is not None else num_parallel_batches
    return lambda dataset: dataset.map(map_func, calls or None).batch(batch_size, drop_remainder)


def shuffle_and_repeat(buffer_size: Any, count: int | None = None, seed: int | None = None) -> Any:
    """`shuffle`, then `repeat`; elements of the next pass are read ahead, but come after those before."""
    epochs = None if count is None or count < 0 else count
    return lambda dataset: dataset._shuffled(size_of(buffer_size), seed, epochs, False, 4)


def parallel_interleave(
    map_func: Any, cycle_length: int, block_length: int = 1, sloppy: Any = False, buffer_output_elements: Any = None,
    prefetch_input_elements: Any = None,
) -> Any:  # fmt: skip
    """`interleave`, in its order also if `sloppy`. The buffers have no effect."""
    return lambda dataset: dataset.interleave(map_func, cycle_length, block_length)


def unbatch() -> Any:
    """`Dataset.unbatch`."""
    return lambda dataset: dataset.unbatch()


def batch_and_drop_remainder(batch_size: Any) -> Any:
    """`batch` without a smaller last one."""
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


def enumerate_dataset(start: int = 0) -> Any:
    """`Dataset.enumerate`."""
    return lambda dataset: dataset.enumerate(start)


def prefetch_to_device(device: Any, buffer_size: Any = None) -> Any:
    """`prefetch`: a session has one device."""
    return lambda dataset: dataset.prefetch(buffer_size or 2)
