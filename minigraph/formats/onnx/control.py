"""Importers of branches and loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType
from minigraph.formats.onnx.call import MOST_MADE, OnnxNode, Result
from minigraph.formats.onnx.library import NeedsConstantError
from minigraph.formats.onnx.values import NoTensor, OnnxValue
from minigraph.ir.scan import LoopBody, WhileLoop, either, element
from minigraph.ir.scan_gradient import make_region, scan_region
from minigraph.ops.builder import apply_all
from minigraph.ops.constant import Const
from minigraph.ops.identity import Identity


def _if(call: OnnxNode) -> Result:
    """The chosen branch if the condition is known; otherwise both, and each run computes one of them."""
    assert call.enter is not None
    branches = [call.attr("else_branch"), call.attr("then_branch")]
    try:
        chosen = bool(np.ravel(call.array(0))[0])
    except NeedsConstantError:
        if any(o.type.WhichOneof("value") in ("sequence_type", "optional_type") for g in branches for o in g.output):
            raise
        return _cond(call, call.enter, branches)
    return call.enter(branches[chosen])


def _cond(call: OnnxNode, enter: Callable[[Any], list[Any]], branches: list[Any]) -> Result:
    def branch(graph: Any) -> Callable[[], list[Tensor]]:
        return lambda: [value.form() for value in enter(graph)]

    no, yes = map(branch, branches)
    try:
        return list(tf.cond(tf.reshape(call.x(0), []), yes, no, strict=True))
    except ValueError as error:
        if "same" not in str(error):
            raise
        return call.unsupported("its branches give results of different dtypes")


def _loop(call: OnnxNode) -> Result:
    """A loop of a known number of steps becomes a scan, which has a gradient. Any other loop runs on the host."""
    assert call.region is not None
    graph = call.attr("body")
    if any(isinstance(v, NoTensor) for v in call.inputs):
        return _unrolled(call, graph)
    first = [call.x(i) for i in range(2, len(call.inputs))]
    region, captured = _settled(call.region, graph, first)
    steps = call.value(0).array if call.has(0) else None
    if steps is not None and int(np.ravel(steps)[0]) <= MOST_MADE and call.array(1, True) and _goes_on(region):
        return _counted(region, first, captured, int(np.ravel(steps)[0]))
    limit = tf.reshape(call.x(0), []) if call.has(0) else tf.constant(np.int64(2**63 - 1))
    go = tf.reshape(call.x(1), []) if call.has(1) else tf.constant(True)
    return list(apply_all(WhileLoop(region, len(first)), limit, go, *first, *captured))


def _unrolled(call: OnnxNode, graph: Any) -> list[Any]:
    """A loop over sequences, step by step at import."""
    assert call.enter is not None
    steps, go = call.integer(0), call.array(1, True)
    states: list[Any] = call.inputs[2:]
    rows = []
    for step in range(steps):
        if not go:
            break
        number, condition = (OnnxValue(call.name, np.array(v)) for v in (np.int64(step), True))
        going, *results = call.enter(graph, [number, condition, *states])
        if not going.known:
            call.unsupported("the end of a loop over sequences must be known when the graph is built")
        go, states = going.array, results[: len(states)]
        rows.append(results[len(states) :])
    return [*states, *(tf.stack([v.form() for v in column]) for column in zip(*rows, strict=True))]


_INT, _BOOL = TensorType(tf.int64, ()), TensorType(tf.bool, ())
_ROUNDS = 3  # of finding the dimensions that a loop changes


def _settled(
    make: Callable[..., tuple[LoopBody, list[Tensor]]], graph: Any, first: list[Tensor]
) -> tuple[LoopBody, list[Tensor]]:
    """The body and the tensors that it captures. Dimensions of states that a step changes are unknown."""
    types = [t.type for t in first]
    for _ in range(_ROUNDS):
        region, captured = make(graph, [_INT, _BOOL, *types])
        after = [t.type for t in region.outputs[1 : 1 + len(types)]]
        wider = [either(a, b) for a, b in zip(types, after, strict=True)]
        if wider == types:
            break
        types = wider
    return region, captured


def _goes_on(region: LoopBody) -> bool:
    """Whether the condition stays true."""
    tensor = region.outputs[0]
    while isinstance(tensor.node.op, Identity) and tensor not in region.inputs:
        tensor = tensor.node.inputs[0]
    op = tensor.node.op
    return tensor is region.inputs[1] or (isinstance(op, Const) and bool(np.all(op.value)))


def _counted(region: LoopBody, first: list[Tensor], captured: list[Tensor], steps: int) -> list[Tensor]:
    count = len(first)

    def body(*tensors: Tensor) -> list[Tensor]:
        step = [tensors[count], tf.constant(True)]
        return region.copied(tf.get_default_graph(), [*step, *tensors[:count], *tensors[count + 1 :]])[1:]

    types = [t.type for t in region.inputs]
    own = make_region([*types[2 : 2 + count], _INT, *types[2 + count :]], body)
    return scan_region(own, first, [tf.constant(np.arange(steps, dtype=np.int64))], captured)


def _scan(call: OnnxNode) -> Result:
    """Move the axis of steps to the front of each scan input, and reverse the inputs that are read backwards."""
    assert call.region is not None
    scanned = call.attr("num_scan_inputs")
    if call.opset < 9:
        return _batch_scan(call, call.region, scanned)
    count = len(call.inputs) - scanned
    first = [call.x(i) for i in range(count)]
    axes, turned = (call.attr(f"scan_input_{n}", [0] * scanned) for n in ("axes", "directions"))
    sequences = [_moved(call.x(count + k), axes[k], 0, turned[k]) for k in range(scanned)]
    rows = [element(s.type) for s in sequences]
    region, captured = call.region(call.attr("body"), [*(t.type for t in first), *rows])
    results = scan_region(region, first, sequences, captured)
    stacked = len(results) - count
    axes, turned = (call.attr(f"scan_output_{n}", [0] * stacked) for n in ("axes", "directions"))
    return [*results[:count], *(_moved(results[count + k], 0, axes[k], turned[k]) for k in range(stacked))]


def _batch_scan(call: OnnxNode, make: Callable[..., tuple[LoopBody, list[Tensor]]], scanned: int) -> Result:
    """Scan of operator set 8: one loop for each element of a batch, the first axis of all operands."""
    if call.has(0):
        call.unsupported("lengths of the sequences in a batch are not supported")
    inputs = [call.x(i) for i in range(1, len(call.inputs))]
    turned = call.attr("directions", [0] * scanned)
    count = len(inputs) - scanned
    call.check_count(call.static(1)[0])
    rows = [tf.unstack(x, call.static(1)[0]) for x in inputs]
    kinds = [row[0].type for row in rows]
    region, captured = make(call.attr("body"), [*kinds[:count], *(element(k) for k in kinds[count:])])
    results = []
    for row in zip(*rows, strict=True):
        sequences = [_moved(x, 0, 0, t) for x, t in zip(row[count:], turned, strict=True)]
        results.append(scan_region(region, list(row[:count]), sequences, captured))
    return [tf.stack(column) for column in zip(*results, strict=True)]


def _moved(x: Tensor, old: int, new: int, turned: int) -> Tensor:
    """`x`, reversed along an axis if `turned`, with that axis moved to another place."""
    x = tf.reverse(x, [old]) if turned else x
    rank = x.type.rank or 1
    old, new = old % rank, new % rank
    if old == new:
        return x
    rest = [a for a in range(rank) if a != old]
    return tf.transpose(x, [*rest[:new], old, *rest[new:]])


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {"If": _if, "Loop": _loop, "Scan": _scan}
