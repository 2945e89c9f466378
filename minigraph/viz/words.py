"""What a layer computes, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from minigraph.ops.math.reduce import Mean
from minigraph.ops.nn.conv2d import Convolution
from minigraph.ops.nn.pool import Pool
from minigraph.viz.item import Item

NAMES = {
    "Conv2D": "convolution",
    "MatMul": "full connection",
    "BiasAdd": "bias",
    "Relu": "ReLU",
    "Relu6": "ReLU6",
    "Elu": "ELU",
    "Selu": "SELU",
    "MaxPool": "max-pooling",
    "AvgPool": "average pooling",
    "LRN": "local response normalisation",
    "ConcatV2": "concatenation",
    "Add": "add",
    "AddV2": "add",
    "AddN": "add",
    "SoftmaxCrossEntropyWithLogits": "softmax cross-entropy",
    "SparseSoftmaxCrossEntropyWithLogits": "softmax cross-entropy",
    "ArgMax": "largest",
}
_SHORT = {"Conv2D": "conv", "BiasAdd": "bias", "MaxPool": "pool", "AvgPool": "pool", "AddV2": "add"}
_TRIVIAL = ("Reshape", "Cast", "ReadVariable", "Identity", "StopGradient")
_ACTIVATIONS = ("Relu", "Relu6", "Elu", "Selu", "Tanh", "Sigmoid", "LeakyRelu")
_MANY = 4  # parts of a layer that are listed


def short(op: str) -> str:
    """The word for an op, as in `conv + bias + relu`; `∇ relu` for its gradient."""
    base = re.sub(r"(Input|Filter)?Grads?$", "", op)
    if base and base != op:
        return f"∇ {short(base)}"
    return _SHORT.get(op, op[0].lower() + op[1:])


def words_of(members: Sequence[Item], items: Sequence[Item], word: str = "") -> str:
    """`5×5 convolution, stride 2, bias, ReLU`. items: all nodes of the graph. word: the layer's function, if known."""
    main = members[0]
    types = [items[p].types[o] for p, o in main.inputs]
    ops = [type(m.op).__name__ for m in members]
    if word:
        return ", ".join((word, *(NAMES.get(op, op) for op in ops if op in _ACTIVATIONS)))
    first = NAMES.get(ops[0], ops[0])
    if isinstance(main.op, Convolution) and types[1].is_static:
        rows, columns, per_group, _ = types[1].static
        kind = "depthwise convolution" if per_group == 1 and main.op.groups > 1 else first
        groups = f", {main.op.groups} groups" if main.op.groups > 1 and kind == first else ""
        first = f"{_sizes((rows, columns))} {kind}{_sliding(main.op, (rows, columns))}{groups}"
    elif isinstance(main.op, Pool):
        first = f"{_sizes(main.op.ksize)} {first}{_sliding(main.op, main.op.ksize)}"
    elif isinstance(main.op, Mean) and len(members) == 1 and len(types[0].shape or ()) == 4:
        first = "global average"
    rest = list(dict.fromkeys(NAMES.get(op, op) for op in ops[1:] if op not in _TRIVIAL))
    if main.op.contracts and rest[:1] == ["add"]:
        rest[0] = "bias"
    if len(rest) > _MANY:
        rest = [*rest[:_MANY], "…"]
    return ", ".join([first, *rest])


def _sizes(pair: Sequence[int]) -> str:
    return "×".join(map(str, pair))  # noqa: RUF001


def _sliding(op: Convolution | Pool, window: Sequence[int]) -> str:
    """`, stride 2, padding 1`, as far as it is not the usual."""
    facts = [] if set(op.strides) == {1} else ["stride " + _sizes(sorted(set(op.strides)))]
    if isinstance(op.padding, str):
        facts.append(op.padding)
    elif any(any(side) for side in op.padding):
        each = zip(window, op.padding, op.strides, strict=True)
        same = all(0 <= size - 1 - sum(side) < stride for size, side, stride in each)
        sides = sorted({number for side in op.padding for number in side})
        facts.append("SAME" if same else "padding " + "–".join(map(str, sides)))  # noqa: RUF001
    elif any(size > 1 for size in window):
        facts.append("VALID")
    return "".join(f", {fact}" for fact in facts)
