"""A run in several plans: the nodes between them are computed, and branches decided, on the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.compile.specialise import decided
from minigraph.core.dtypes import string
from minigraph.core.errors import ShapeError, at_node
from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType, compatible, format_shape
from minigraph.ir.scan import WhileLoop
from minigraph.ops.constant import string_array
from minigraph.ops.control.branches import Merge
from minigraph.ops.host.resources import ResourceOp, Resources
from minigraph.ops.state.variable import VariableV2
from minigraph.run.feeds import feed_type
from minigraph.run.loop_steps import LoopSteps
from minigraph.run.request import Request
from minigraph.run.runner import Runner
from minigraph.run.stages import Branches, Known, is_known, next_stage
from minigraph.util.locks import Lock


def run_in_stages(
    runner: Runner, resources: Resources, request: Request, feeds: Mapping[Any, Any], lock: Lock, as_device: bool
) -> list[Any]:
    """The values of the tensors of a staged request. The request remembers its stages between runs.

    resources, lock: the session's; the lock is given up while an op acts on resources and may wait for other runs.
    """
    known: Known = {}
    for tensor, array in zip(request.feeds, request.cast_arrays(feeds), strict=True):
        known[tensor] = string_array(array) if tensor.dtype is string else array
        if tensor.dtype is not string:
            feed_type(tensor, array)  # refuses a shape that does not fit
    branches: Branches = {}
    while True:
        key = tuple(known), tuple((t, v) for t, v in branches.items() if not t.node.op.decides)
        if key not in request.stages:
            request.stages[key] = next_stage(request.tensors, request.targets, known, branches)
        stage = request.stages[key]
        if not stage.ready:
            planned = [t for t in request.tensors if t.dtype is not string]
            targets = [n for n in request.targets if not is_known(n, known)]
            if planned or targets:
                values = iter(_run_plan(runner, planned, targets, known, branches, as_device))
            else:  # the host has done all
                values = iter(())
                runner.runs += 1
            return [known[t] if t.dtype is string else next(values) for t in request.tensors]
        if stage.fetched or stage.order:
            results = _run_plan(runner, stage.fetched, stage.order, known, branches)
            known.update(zip(stage.fetched, results, strict=True))
        for node in stage.ready:
            _do(node, known, branches, resources, lock, runner.loop_steps)
        for tensor in stage.fetched:
            if isinstance(tensor.node.op, VariableV2):
                del known[tensor]  # so that later plans have the variable itself, which they may change


def _run_plan(
    runner: Runner,
    tensors: Sequence[Tensor],
    targets: Sequence[Node],
    known: Known,
    branches: Branches,
    as_device: bool = False,
) -> list[Any]:
    """The values of `tensors` by one plan, which is fed everything that is known."""
    feeds = {
        t: v for t, v in known.items() if isinstance(t, Tensor) and t.dtype is not string and not t.node.op.decides
    }
    request = runner.cache.find([[*tensors], [*targets]], feeds, dict(branches))
    values: list[Any] = request.assemble(runner.run(request, feeds, as_device=as_device))[0]
    return values


def _do(node: Node, known: Known, branches: Branches, resources: Resources, lock: Lock, loop_steps: LoopSteps) -> None:
    """Compute a node, or decide its branch, on the host."""
    if isinstance(node.op, Merge):
        condition = node.inputs[2]
        if known[condition].shape:
            shape = format_shape(known[condition].shape)
            raise at_node(ShapeError(f"the condition must be a scalar, not of shape {shape}"), node)
        branches[condition] = bool(np.asarray(known[condition]))
        return
    try:
        arrays = [np.asarray(known[t]) for t in node.inputs]  # also those fed on a device
        node.op.infer(*(TensorType(t.dtype, a.shape) for t, a in zip(node.inputs, arrays, strict=True)))
        if isinstance(node.op, ResourceOp):
            with lock.given_up():
                results = node.op.act(resources, *arrays)
        elif isinstance(node.op, WhileLoop):
            results = node.op.run(loop_steps.begin(), *arrays)
        else:
            results = node.op.reference(*arrays)
        for tensor, result in zip(node.outputs, results, strict=True):
            if not compatible(tensor.type.shape, result.shape):
                shapes = f"{format_shape(result.shape)}, not {format_shape(tensor.type.shape)}"
                raise ShapeError(f"the result has shape {shapes} as the graph says")
    except Exception as error:
        raise at_node(error, node) from error
    known.update(zip(node.outputs, results, strict=True))
    if node.op.decides:
        branches[node.outputs[0]] = decided(results[0])
    if not results:
        known[node] = None
