"""The body of a loop, traced in the user's graph from a Python function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import int32
from minigraph.core.errors import UnimplementedError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.types import TensorType
from minigraph.ir.scan import LoopBody, element
from minigraph.ir.scan_gradient import region, scan_region
from minigraph.ops.array.joining import concat
from minigraph.ops.array.known import static_value
from minigraph.ops.array.shape import shape
from minigraph.ops.constant import Placeholder, constant
from minigraph.ops.host.resources import ResourceOp
from minigraph.ops.random.distributions import RandomOp
from minigraph.ops.state.variable import VariableV2


class Trace(NamedTuple):
    """The results of a function of placeholders. `start`: the number of nodes that the graph had before."""

    graph: Graph
    inputs: list[Tensor]
    outputs: list[Tensor]
    start: int

    def captured(self, *inner: Tensor) -> list[Tensor]:
        """The tensors from outside that the outputs depend on. `inner` count as inputs."""
        given, found, seen = {*self.inputs, *inner}, [], set()
        stack = list(reversed(self.outputs))
        while stack:
            tensor = stack.pop()
            if tensor in given or tensor in seen:
                continue
            seen.add(tensor)
            node = tensor.node
            if node.id < self.start or isinstance(node.op, VariableV2 | Placeholder):
                found.append(tensor)
                continue
            checks = [c for c in node.control_inputs if c.op.checks]
            stack += [t for n in (*checks, node) for t in reversed(n.inputs)]
        return found

    def body(self, *inner: Tensor) -> tuple[LoopBody, list[Tensor]]:
        """The region, whose inputs are the placeholders, `inner` and the captured tensors; and the captured tensors."""
        captured = self.captured(*inner)
        made = region([*self.inputs, *inner, *captured], self.outputs)
        for node in made.nodes:
            _refuse_effects(node, self.start)
        return made, captured


def trace(types: Sequence[TensorType], function: Callable[..., Sequence[Tensor]]) -> Trace:
    """Call a function with placeholders of these types. Its nodes are in no branch and have no outer dependencies."""
    graph = get_default_graph()
    start = len(graph.nodes)
    with graph.control_dependencies(None):
        inputs = [graph.add(Placeholder(t.dtype, t.shape), (), "Identity").outputs[0] for t in types]
        return Trace(graph, inputs, list(function(*inputs)), start)


def _refuse_effects(node: Node, start: int) -> None:
    inside = [c for c in node.control_inputs if c.id >= start]
    for each in (node, *inside):
        if (each.op.writes and not each.op.draws) or isinstance(each.op, ResourceOp):
            raise UnimplementedError(f"a loop's body cannot run '{each.name}' ({each.type}): it changes a state", each)


def run_steps(
    step: Callable[[list[Tensor], list[Tensor]], tuple[Sequence[Tensor], Sequence[Tensor]]], states: Sequence[Tensor],
    sequences: Sequence[Tensor], reverse: bool = False,
) -> tuple[list[Tensor], list[Tensor]]:  # fmt: skip
    """A loop over the first axis of sequences: the final states, and the outputs of all steps.

    step: gives the new states and the outputs of one step from the states and the slices of the sequences. Its nodes
    are counted, and one for each tensor that it takes from outside.
    """
    count = len(states)

    def body(*tensors: Tensor) -> list[Tensor]:
        new, outputs = step(list(tensors[:count]), list(tensors[count:]))
        return [*new, *outputs]

    rows = [element(s.type) for s in sequences]
    traced = trace([*(s.type for s in states), *rows], body)
    counted = traced.graph.last_id
    made, captured = traced.body()
    counted += len(captured)
    draws = [node for node in made.nodes if node.op.draws]
    numbers = [_drawn(node, traced, states, sequences) for node in draws]
    if draws:
        made, captured = traced.body(*(node.outputs[0] for node in draws))
    results = scan_region(made, states, [*sequences, *numbers], captured, reverse)
    traced.graph.last_id = counted
    return results[:count], results[count:]


def _drawn(node: Node, traced: Trace, states: Sequence[Tensor], sequences: Sequence[Tensor]) -> Tensor:
    """The numbers that a random op of the body draws in all steps, drawn at once."""
    graph, op = traced.graph, node.op
    assert isinstance(op, RandomOp)
    if not op.draws_each():
        raise UnimplementedError(f"a loop's body cannot draw random numbers by '{node.name}' ({node.type})", node)
    if op.shape is not None:
        each = constant(op.shape, int32)
    else:
        body, captured = traced._replace(outputs=[node.inputs[0]]).body()
        (each,) = body.copied(graph, [*states, *(s[0] for s in sequences), *captured])
    dims = concat([shape(sequences[0])[:1], each], 0)
    known = static_value(dims)
    all_steps = op.replace(shape=None if known is None else tuple(known.tolist()))
    return graph.add(all_steps, [dims] if known is None else [], node.name.rpartition("/")[2]).outputs[0]
