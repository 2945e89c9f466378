"""Loops with gradients: the gradient of a loop is a loop in the other direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from minigraph.autodiff.gradients import gradients
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.types import TensorType
from minigraph.ir.scan import LoopBody, Scan, ScanLoop
from minigraph.ops.builder import apply_all
from minigraph.ops.constant import Placeholder
from minigraph.ops.filling import zeros_like
from minigraph.ops.identity import Identity

Body = Callable[..., Sequence[Tensor]]


def make_region(types: Sequence[TensorType], body: Body) -> LoopBody:
    """The body that a function builds from tensors of these types."""
    graph = Graph()
    with graph.as_default():
        inputs = [graph.add(Placeholder(t.dtype, t.shape), ()).outputs[0] for t in types]
        outputs = body(*inputs)
    return LoopBody(inputs, outputs, _gradient)


def scan_region(
    body: LoopBody, states: Sequence[Tensor], sequences: Sequence[Tensor], constants: Sequence[Tensor],
    reverse: bool = False,
) -> list[Tensor]:  # fmt: skip
    """The final states, and the further outputs of all steps, of a loop over the first axis of the sequences."""
    op = Scan(body, len(states), len(sequences), reverse)
    return list(apply_all(op, *states, *sequences, *constants))


def _floats(tensors: Sequence[Tensor]) -> list[int]:
    return [i for i, t in enumerate(tensors) if t.dtype.is_floating]


def _gradient(node: Node, grads: Sequence[Tensor | None]) -> Sequence[Tensor | None]:
    """Run the body again for the states before each step; then the gradients of the steps, from the last to the first.

    The states of that loop are the gradient for the body's state and the sums of those for the constants.
    """
    op = node.op
    assert isinstance(op, ScanLoop)
    body, count, last = op.body, op.carried, op.carried + op.scanned
    inputs = list(node.inputs)
    with_states = LoopBody(body.inputs, [*body.outputs, *body.inputs[:count]], _gradient)
    states = apply_all(op.replace(body=with_states), *inputs)[len(body.outputs) :]
    filled = [zeros_like(y) if g is None else g for y, g in zip(node.outputs, grads, strict=True)]
    state, constants = _floats(inputs[:count]), [last + i for i in _floats(inputs[last:])]
    stacked = [count + i for i in _floats(body.outputs[count:])]
    begin = [*(filled[i] for i in state), *(zeros_like(inputs[i]) for i in constants)]
    sequences = [*states, *inputs[count:last], *(filled[i] for i in stacked)]
    region = _gradient_region(body, count, op.scanned)
    loop = type(op)(region, len(begin), len(sequences), not op.reverse)
    found = list(apply_all(loop, *begin, *sequences, *inputs[last:]))
    scanned = [count + i for i in _floats(inputs[count:last])]
    places = [*state, *constants, *scanned]
    result: list[Tensor | None] = [None] * len(inputs)
    for place, grad in zip(places, found, strict=True):
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
        found = [
            zeros_like(x) if g is None else g for x, g in zip(xs, gradients(ys, xs, [*after, *outer]), strict=True)
        ]
        totals: list[Tensor] = [s + g for s, g in zip(sums, found[len(state) : len(state) + len(sums)], strict=True)]
        return [*found[: len(state)], *totals, *found[len(state) + len(sums) :]]

    return make_region(types, step)
