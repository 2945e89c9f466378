"""Loops with gradients: the gradient of a loop is a loop in the other direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minigraph.autodiff.gradients import dense_gradients
from minigraph.core.dtypes import bool_, int64
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.types import TensorType
from minigraph.ir.scan import LoopBody, Scan, ScanLoop, WhileLoop
from minigraph.ops.array.gathering import gather
from minigraph.ops.array.reversal import reverse as reverse_along
from minigraph.ops.array.shape import shape
from minigraph.ops.builder import apply_all
from minigraph.ops.constant import Placeholder, constant
from minigraph.ops.control.arrays import EmptyArray
from minigraph.ops.filling import zeros_like
from minigraph.ops.identity import Identity
from minigraph.ops.math.casting import cast

Body = Callable[..., Sequence[Tensor]]


def make_region(types: Sequence[TensorType], body: Body) -> LoopBody:
    """The body that a function builds from tensors of these types."""
    graph = Graph()
    with graph.as_default():
        inputs = [graph.add(Placeholder(t.dtype, t.shape), ()).outputs[0] for t in types]
        outputs = body(*inputs)
    return region(inputs, outputs)


def region(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> LoopBody:
    """The body of a loop between tensors of a graph."""
    return LoopBody(inputs, outputs, _gradient)


def scan_region(
    body: LoopBody, states: Sequence[Tensor], sequences: Sequence[Tensor], constants: Sequence[Tensor],
    reverse: bool = False,
) -> list[Tensor]:  # fmt: skip
    """The final states, and the further outputs of all steps, of a loop over the first axis of the sequences."""
    return _scanned(Scan, body, [*states, *sequences, *constants], len(states), len(sequences), reverse)


def _scanned(
    kind: type[ScanLoop], body: LoopBody, inputs: Sequence[Tensor], carried: int, scanned: int, reverse: bool
) -> list[Tensor]:
    if any(node.op.staged for node in body.nodes):
        return _scanned_on_host(body, inputs, carried, carried + scanned, reverse)
    return list(apply_all(kind(body, carried, scanned, reverse), *inputs))


def _scanned_on_host(body: LoopBody, inputs: Sequence[Tensor], count: int, last: int, reverse: bool) -> list[Tensor]:
    """The results of a loop whose body has ops with results of shapes that depend on values."""
    length = cast(shape(inputs[count])[0], int64)

    def step(number: Tensor, go: Tensor, *tensors: Tensor) -> list[Tensor]:
        place = tensors[-1] - 1 - number if reverse else number
        rows = [gather(s, place) for s in tensors[count:last]]
        return [go, *body.copied(go.graph, [*tensors[:count], *rows, *tensors[last:-1]])]

    loop = make_region([TensorType(int64, ()), TensorType(bool_, ()), *(t.type for t in inputs), length.type], step)
    results = apply_all(WhileLoop(loop, count), length, constant(True), *inputs, length)
    steps = inputs[count].type.shape or (None,)
    for stacked in results[count:]:
        if stacked.type.shape:
            stacked.set_shape((steps[0], *stacked.type.shape[1:]))
    return [*results[:count], *(reverse_along(y, [0]) if reverse else y for y in results[count:])]


def _floats(tensors: Sequence[Tensor]) -> list[int]:
    return [i for i, t in enumerate(tensors) if t.dtype.is_floating]


def _gradient(node: Node, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
    """Run the loop again for the states before each step; then take the gradients of the steps, from the last one."""
    op = node.op
    if isinstance(op, WhileLoop):
        return _while_gradient(node, op, grads)
    assert isinstance(op, ScanLoop)
    body, count = op.body, op.carried
    with_states = region(body.inputs, [*body.outputs, *body.inputs[:count]])
    states = apply_all(op.replace(body=with_states), *node.inputs)[len(body.outputs) :]
    return _backwards(op, node.inputs, states, node.outputs, grads)


def _while_gradient(node: Node, op: WhileLoop, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
    """The gradient of the loop over as many steps as it took."""
    body, count = op.body, op.carried
    steps, states, constants = body.inputs[:2], body.inputs[2 : 2 + count], body.inputs[2 + count :]
    limit, go, *rest = node.inputs
    # An empty array gets its elements in the loop. Its gradient needs states of one shape, that of the last one.
    first = [zeros_like(y) if isinstance(x.node.op, EmptyArray) else x
             for x, y in zip(rest[:count], node.outputs, strict=False)]  # fmt: skip
    with_states = region(body.inputs, [*body.outputs, *steps, *states])
    found = apply_all(op.replace(body=with_states), limit, go, *first, *rest[count:])[len(body.outputs) - 1 :]
    scan = ScanLoop(region([*states, *steps, *constants], body.outputs[1:]), count, len(steps))
    result = _backwards(scan, [*first, *found[: len(steps)], *rest[count:]], found[len(steps) :], node.outputs, grads)
    return [None, None, *result[:count], *result[count + len(steps) :]]


def _backwards(
    op: ScanLoop, inputs: Sequence[Tensor], states: Sequence[Tensor], outputs: Sequence[Tensor],
    grads: Sequence[Tensor | None],
) -> Sequence[Tensor | None]:  # fmt: skip
    """The gradients for the inputs of a loop, from those for its outputs.

    states: those before each step. The states of the loop that this makes are the gradient for the body's state and the
    sums of those for the constants.
    """
    body, count, last = op.body, op.carried, op.carried + op.scanned
    filled = [zeros_like(y) if g is None else g for y, g in zip(outputs, grads, strict=True)]
    state, constants = _floats(inputs[:count]), [last + i for i in _floats(inputs[last:])]
    stacked = [count + i for i in _floats(body.outputs[count:])]
    begin = [*(filled[i] for i in state), *(zeros_like(inputs[i]) for i in constants)]
    sequences = [*states, *inputs[count:last], *(filled[i] for i in stacked)]
    step = _gradient_region(body, count, op.scanned)
    given = [*begin, *sequences, *inputs[last:]]
    found = _scanned(type(op), step, given, len(begin), len(sequences), not op.reverse)
    scanned = [count + i for i in _floats(inputs[count:last])]
    result: list[Tensor | None] = [None] * len(inputs)
    for place, grad in zip([*state, *constants, *scanned], found, strict=True):
        result[place] = grad
    return result


def _gradient_region(body: LoopBody, count: int, scanned: int) -> LoopBody:
    """The gradient of one step. Inputs: the gradients for the new state and the sums for the constants; the old state,
    the step's elements of the sequences, the gradients for the step's outputs; the constants."""
    state, stacked = _floats(body.outputs[:count]), _floats(body.outputs[count:])
    given = body.inputs[: count + scanned]
    constants = body.inputs[count + scanned :]
    summed = [constants[i] for i in _floats(constants)]
    types = [*(body.outputs[i].type for i in state), *(t.type for t in summed), *(t.type for t in given)]
    types += [*(body.outputs[count + i].type for i in stacked), *(t.type for t in constants)]

    def step(*tensors: Tensor) -> Sequence[Tensor]:
        rest = list(tensors)

        def take(number: int) -> list[Tensor]:
            taken = rest[:number]
            del rest[:number]
            return taken

        after, sums, before = take(len(state)), take(len(summed)), take(len(given))
        outer, fixed = take(len(stacked)), take(len(constants))
        own = [*before, *fixed]
        results = body.copied(own[0].graph, own)
        # A result that is an input itself: a node of its own has a gradient of its own.
        results = [apply_all(Identity(), r)[0] if r in own else r for r in results]
        ys = [*(results[i] for i in state), *(results[count + i] for i in stacked)]
        places = [*_floats(own[:count]), *(count + scanned + i for i in _floats(fixed))]
        places += [count + i for i in _floats(own[count : count + scanned])]
        xs = [own[i] for i in places]
        slopes = dense_gradients(ys, xs, [*after, *outer])
        found = [zeros_like(x) if g is None else g for x, g in zip(xs, slopes, strict=True)]
        totals: list[Tensor] = [s + g for s, g in zip(sums, found[len(state) : len(state) + len(sums)], strict=True)]
        return [*found[: len(state)], *totals, *found[len(state) + len(sums) :]]

    return make_region(types, step)
