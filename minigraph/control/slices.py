"""Functions applied to the slices of tensors: `tf.map_fn`, `tf.scan`, `tf.foldl`, `tf.foldr`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minigraph.control.tracing import run_steps
from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import as_dtype
from minigraph.core.errors import DTypeError
from minigraph.core.graph import Tensor
from minigraph.ops.array.joining import concat
from minigraph.ops.array.reshape import expand_dims
from minigraph.ops.builder import composed
from minigraph.ops.identity import stop_gradient
from minigraph.util import nest

__all__ = ["foldl", "foldr", "map_fn", "scan"]


def _tensors(values: Any) -> list[Tensor]:
    """The leaves of a nest as tensors. ValueError if there are none."""
    leaves = [convert_to_tensor(v) for v in nest.flatten(values)]
    if not leaves:
        raise ValueError("elems must not be empty")
    return leaves


def _results(structure: Any, tensors: Sequence[Tensor], back_prop: bool) -> Any:
    return nest.pack(structure, [t if back_prop else stop_gradient(t) for t in tensors])


def map_fn(
    fn: Callable[[Any], Any], elems: Any, dtype: Any = None, parallel_iterations: int | None = None,
    back_prop: bool = True, swap_memory: bool = False, infer_shape: bool = True, name: str | None = None,
) -> Any:  # fmt: skip
    """Apply a function to each slice along the first axis, and stack the results.

    The function is called once, when the graph is built. A random op inside draws other numbers for each slice.

    Args:
        fn: A function of one slice that returns a tensor, or a nest of tensors.
        elems: A tensor, or a nest of tensors of one first dimension; then `fn` gets a nest.
        dtype: The dtype that `fn` returns, or a nest of them in the structure of its results.
        parallel_iterations, swap_memory, infer_shape: TensorFlow 1's; they have no effect.
        back_prop: Whether gradients flow back through the results.
        name: Name scope of the nodes.

    Returns:
        The stacked results, in the structure that `fn` returns.

    Raises:
        DTypeError: `fn` returns another dtype than `dtype`.
        UnimplementedError: `fn` changes a variable, or takes from a queue or a dataset.

    Example:
        >>> tf.Session().run(tf.map_fn(tf.reduce_sum, tf.constant([[1.0, 2.0], [3.0, 4.0]])))
        array([3., 7.], dtype=float32)
    """
    with composed(name, "map", *nest.flatten(elems)):
        structure: list[Any] = []
        sequences, kinds = _tensors(elems), nest.flatten(dtype)
        count = _Count(_MAP, sequences, len(kinds) if dtype is not None else len(sequences))

        def step(_: list[Tensor], rows: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
            count.begin()
            result = fn(nest.pack(elems, rows))
            structure.append(result)
            return [], _tensors(result)

        _, outputs = run_steps(step, [], sequences)
        count.end()
        for output, kind in zip(outputs, kinds * len(outputs) if len(kinds) == 1 else kinds, strict=True):
            if kind is not None and output.dtype is not as_dtype(kind):
                raise DTypeError(f"map_fn: fn returns {output.dtype.name}, but dtype is {as_dtype(kind).name}")
        return _results(structure[0], outputs, back_prop)


def scan(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10,
    back_prop: bool = True, swap_memory: bool = False, infer_shape: bool = True, reverse: bool = False,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Carry a state along the first axis of tensors, and stack the states of all steps.

    Args:
        fn: A function of the state and one slice that returns the next state.
        elems: A tensor, or a nest of tensors of one first dimension; then `fn` gets a nest.
        initializer: The first state, a tensor or a nest of tensors; by default the first slice, which is then also the
            first of the results.
        parallel_iterations, swap_memory, infer_shape: TensorFlow 1's; they have no effect.
        back_prop: Whether gradients flow back through the results.
        reverse: Whether to begin at the last slice.
        name: Name scope of the nodes.

    Returns:
        The states, stacked, in the structure of the state.

    Raises:
        ValueError: `fn` returns another structure than that of the state.
        UnimplementedError: `fn` changes a variable, or takes from a queue or a dataset.

    Example:
        >>> tf.Session().run(tf.scan(lambda total, x: total + x, np.array([1, 2, 3, 4])))
        array([ 1,  3,  6, 10])
    """
    with composed(name, "scan", *nest.flatten(elems)):
        first, states = _folded(fn, elems, initializer, reverse, _SCAN_REVERSED if reverse else _SCAN)
        if initializer is None:
            with first[0].graph.counted_as(0):
                rows = [expand_dims(s, 0) for s in first]
                states = [concat([y, x] if reverse else [x, y], 0) for x, y in zip(rows, states, strict=True)]
        return _results(elems if initializer is None else initializer, states, back_prop)


def foldl(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10,
    back_prop: bool = True, swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Carry a state along the first axis of tensors, from the first slice to the last.

    Args:
        fn: A function of the state and one slice that returns the next state.
        elems: A tensor, or a nest of tensors of one first dimension; then `fn` gets a nest.
        initializer: The first state, a tensor or a nest of tensors; by default the first slice.
        parallel_iterations, swap_memory: TensorFlow 1's; they have no effect.
        back_prop: Whether gradients flow back through the result.
        name: Name scope of the nodes.

    Returns:
        The last state.

    Raises:
        ValueError: `fn` returns another structure than that of the state.
        UnimplementedError: `fn` changes a variable, or takes from a queue or a dataset.

    Example:
        >>> tf.Session().run(tf.foldl(lambda state, x: 2 * state + x, tf.constant([1, 0, 1]))).item()
        5
    """
    return _last(name, "foldl", fn, elems, initializer, back_prop, reverse=False)


def foldr(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10,
    back_prop: bool = True, swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Carry a state along the first axis of tensors, from the last slice to the first.

    Args:
        fn: A function of the state and one slice that returns the next state.
        elems: A tensor, or a nest of tensors of one first dimension; then `fn` gets a nest.
        initializer: The first state, a tensor or a nest of tensors; by default the last slice.
        parallel_iterations, swap_memory: TensorFlow 1's; they have no effect.
        back_prop: Whether gradients flow back through the result.
        name: Name scope of the nodes.

    Returns:
        The last state.

    Raises:
        ValueError: `fn` returns another structure than that of the state.
        UnimplementedError: `fn` changes a variable, or takes from a queue or a dataset.

    Example:
        >>> tf.Session().run(tf.foldr(lambda state, x: 2 * state + x, tf.constant([1, 1, 0]))).item()
        3
    """
    return _last(name, "foldr", fn, elems, initializer, back_prop, reverse=True)


def _last(
    name: str | None, default: str, fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, back_prop: bool,
    reverse: bool,
) -> Any:  # fmt: skip
    """The last state, in the structure of the state."""
    with composed(name, default, *nest.flatten(elems)):
        states, _ = _folded(fn, elems, initializer, reverse, _FOLDR if reverse else _FOLDL)
        return _results(elems if initializer is None else initializer, states, back_prop)


def _folded(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any, reverse: bool, nodes: _Nodes
) -> tuple[list[Tensor], list[Tensor]]:
    """The first states of a scan or the last ones of a fold, and the states after each step of a scan."""
    every = nodes in (_SCAN, _SCAN_REVERSED)
    sequences = _tensors(elems)
    structure = elems if initializer is None else initializer
    if initializer is None:
        count = _Count(nodes, sequences, len(sequences), begins=True)
        first = [s[-1] if reverse else s[0] for s in sequences]
        sequences = [s[:-1] if reverse else s[1:] for s in sequences]
    else:
        first = _tensors(initializer)
        count = _Count(nodes, sequences, len(first))

    def step(states: list[Tensor], rows: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        count.begin()
        result = fn(nest.pack(structure, states), nest.pack(elems, rows))
        if nest.form(result) != nest.form(structure):
            raise ValueError(f"fn returns {result!r}, which has not the structure of its state, {structure!r}")
        new = [convert_to_tensor(v, s.dtype) for v, s in zip(nest.flatten(result), states, strict=True)]
        return new, new if every else []

    last, outputs = run_steps(step, first, sequences, reverse)
    count.end()
    return (first if every else last), outputs


class _Nodes(NamedTuple):
    """How many nodes TensorFlow 1.15 makes around the body of a loop over slices; seeds of random ops depend on it.

    Each count is (constant, for each sequence, for each result). known, unknown: before the body, by whether the length
    is known. first: how many more where the first slices are the first state, with a known length and without. after:
    after the body.
    """

    known: tuple[int, int, int]
    unknown: tuple[int, int, int]
    after: tuple[int, int, int]
    first: tuple[tuple[int, int, int], tuple[int, int, int]] = ((0, 0, 0), (0, 0, 0))


_MAP = _Nodes((19, 14, 6), (22, 13, 5), (6, 0, 9))
_SCAN = _Nodes((19, 14, 10), (22, 13, 9), (6, 0, 11), ((0, 4, 0), (0, 4, 0)))
_SCAN_REVERSED = _Nodes((19, 14, 10), (26, 13, 9), (6, 0, 11), ((0, 4, 0), (0, 6, 0)))
_FOLDL = _Nodes((19, 14, 4), (22, 13, 4), (6, 0, 2), ((0, 2, 0), (0, 2, 0)))
_FOLDR = _Nodes((21, 14, 4), (24, 13, 4), (4, 0, 2), ((0, 2, 0), (2, 1, 0)))


class _Count:
    """Counts the nodes of a loop over sequences as TensorFlow does. begins: whether the first slices begin it."""

    def __init__(self, nodes: _Nodes, sequences: Sequence[Tensor], results: int, begins: bool = False) -> None:
        self.graph = sequences[0].graph
        self.start = self.graph.last_id
        known = bool(sequences[0].type.shape) and sequences[0].type.shape[0] is not None  # type: ignore[index]
        parts = [nodes.known if known else nodes.unknown, nodes.first[not known] if begins else (0, 0, 0)]
        self.before = sum(a + b * len(sequences) + c * results for a, b, c in parts)
        self.after = nodes.after[0] + nodes.after[2] * results

    def begin(self) -> None:
        """Called before the nodes of the body."""
        self.graph.last_id = self.start + self.before

    def end(self) -> None:
        """Called after the loop."""
        self.graph.reserve_ids(self.after)
