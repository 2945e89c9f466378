"""Values of a graph's tensors that are known without a run, given those of the variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from minigraph.core.errors import GraphError
from minigraph.core.graph import Node, Tensor
from minigraph.ops.array.shape import static_value
from minigraph.ops.constant import Const
from minigraph.ops.math.arithmetic import Add, AddV2, Mul
from minigraph.ops.math.comparison import GreaterEqual
from minigraph.ops.math.quantization import DequantizeLinear
from minigraph.ops.random.distributions import RandomUniform
from minigraph.ops.state.variable import ReadVariable

Known = dict[Tensor, np.ndarray]


def add_known(nodes: Iterable[Node], known: Known, variables: Mapping[str, Any]) -> None:
    """Add the values of tensors that no input decides: constants, variables, expressions of these, and dropout's mask.

    Dequantised integers are left out. Raises GraphError for a variable without a value.
    """
    for node in nodes:
        op = node.op
        if not node.outputs or node.outputs[0] in known:
            continue
        if isinstance(op, Const):
            known[node.outputs[0]] = op.value
        elif isinstance(op, ReadVariable):
            name = node.inputs[0].node.name
            if name not in variables:
                reader = f"node '{node.name}' (op {node.type}, made at {node.source.describe()})"
                raise GraphError(f"there is no value for the variable '{name}', which {reader} reads")
            known[node.outputs[0]] = np.asarray(variables[name])
        elif _always_kept(node, known):
            known[node.outputs[0]] = np.asarray(True)
        elif (
            node.inputs
            and not (op.stateful or isinstance(op, DequantizeLinear))
            and all(t in known for t in node.inputs)
        ):
            with np.errstate(all="ignore"):
                results = op.reference(*(known[t] for t in node.inputs))
            known.update({t: np.asarray(r) for t, r in zip(node.outputs, results, strict=True)})
        elif (value := static_value(node.outputs[0])) is not None:
            known[node.outputs[0]] = value.astype(node.outputs[0].dtype.np_dtype)


def _always_kept(node: Node, known: Known) -> bool:
    """Whether this is dropout's U ≥ r with a rate r of 0, for U uniform in [0, 1)."""
    if not isinstance(node.op, GreaterEqual):
        return False
    rate = known.get(node.inputs[1])
    return rate is not None and bool(np.all(rate <= 0)) and _is_uniform(node.inputs[0], known)


def _is_uniform(tensor: Tensor, known: Known) -> bool:
    """Whether the tensor is a random draw, possibly plus 0 or times 1."""
    op = tensor.node.op
    neutral = {Add: 0, AddV2: 0, Mul: 1}.get(type(op))  # type: ignore[arg-type]
    if neutral is None:
        return isinstance(op, RandomUniform)
    rest = [t for t in tensor.node.inputs if not (t in known and np.all(known[t] == neutral))]
    return len(rest) == 1 and _is_uniform(rest[0], known)
