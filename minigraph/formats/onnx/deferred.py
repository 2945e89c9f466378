"""Nodes that are built when a run is compiled: their importers need numbers where the graph has unknown dimensions.

Such a node is one op in the graph. When its inputs have static types, the importer spells it out by other ops, and so
does its gradient. Integers that depend on fed values are read by the host before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.errors import ShapeError
from minigraph.core.graph import Node, Tensor
from minigraph.core.op import Op, Sample
from minigraph.core.types import Dim, TensorType
from minigraph.formats.onnx.building import built, interpret, value_of
from minigraph.formats.onnx.call import Attributes, OnnxNode, depends_on_values
from minigraph.formats.onnx.functions import schema_of
from minigraph.formats.onnx.library import as_onnx_dtype, from_onnx_dtype, require_onnx
from minigraph.formats.onnx.unread import refuse_unread
from minigraph.formats.onnx.values import OnnxValue, first_perm, last_perm, valid_name
from minigraph.ops.builder import apply_all
from minigraph.ops.constant import Placeholder
from minigraph.ops.host.decided import decided

# Operators whose importers give images with channels last.
GIVE_LAST = {"AveragePool", "Conv", "ConvInteger", "ConvTranspose", "DeformConv", "LpPool", "MaxPool"}
# Operators whose first input decides a shape, too.
READ_FIRST = {"BlackmanWindow", "ConstantOfShape", "HammingWindow", "HannWindow", "MelWeightMatrix", "Range"}

# Operators whose further inputs are no weights, even if they are floating-point numbers.
WITHOUT_WEIGHTS = {"Dropout", "MelWeightMatrix", "Pad", "Range", "Resize", "Upsample"}


class DeferredOnnx(Op):
    """A node of an ONNX model that its importer builds for static types.

    kind, opset, attributes: of the node; lists as tuples. given: which of its inputs exist. last: whether each given
    input has channels last. wanted: which of its outputs are used. gives_last: whether its results have channels last.
    order: 0 for the node itself, 1 for its gradient, 2 for the gradient of that, and so on. A gradient reads the inputs
    of the op that it differentiates, and then the gradients of that op's results.
    """

    name: str
    kind: str
    opset: int
    attributes: tuple[tuple[str, Any], ...]
    given: tuple[bool, ...]
    last: tuple[bool, ...]
    wanted: tuple[bool, ...]
    gives_last: bool = False
    order: int = 0
    expands = True

    def infer(self, *types: TensorType) -> tuple[TensorType, ...]:
        if self.order:
            return tuple(types[i] for i in _floats(types[: self._counts(types)[0]]))
        return tuple(self.result_types(types, [None] * len(types)))

    def result_types(self, types: Sequence[TensorType], consts: Sequence[Any]) -> list[TensorType]:
        """The types of the node's results, by ONNX's rules. consts: the values of the inputs that are known."""
        onnx = require_onnx()
        names = [f"i{n}" if there else "" for n, there in enumerate(self.given)]
        present = [n for n in names if n]
        attributes = {n: _as_onnx(v) for n, v in self.attributes}
        outputs = [f"o{n}" if wanted else "" for n, wanted in enumerate(self.wanted)]
        node = onnx.helper.make_node(self.kind, names, outputs, self.name, **attributes)
        kinds = {
            n: onnx.helper.make_tensor_type_proto(as_onnx_dtype(t.dtype), _onnx_shape(t.shape, last))
            for n, t, last in zip(present, types, self.last, strict=True)
        }
        data = {n: onnx.numpy_helper.from_array(c) for n, c in zip(present, consts, strict=True) if c is not None}
        schema = schema_of("", self.kind, self.opset)
        try:
            found = onnx.shape_inference.infer_node_outputs(
                schema, node, kinds, data, opset_imports=[onnx.helper.make_opsetid("", self.opset)]
            )
        except (onnx.shape_inference.InferenceError, RuntimeError, ValueError):
            raise ShapeError(
                f"node '{self.name}' ({self.kind}): its attributes and inputs do not fit together"
            ) from None
        return [self._type(found.get(n), types[0]) for n in outputs if n]

    def _type(self, proto: Any, first: TensorType) -> TensorType:
        if proto is None or not proto.tensor_type.elem_type:
            return TensorType(first.dtype, None)
        kind = proto.tensor_type
        dtype = from_onnx_dtype(kind.elem_type)
        if not kind.HasField("shape"):
            return TensorType(dtype, None)
        shape = [d.dim_value if d.WhichOneof("value") == "dim_value" else None for d in kind.shape.dim]
        turned = [shape[i] for i in last_perm(len(shape))] if self.gives_last else shape
        return TensorType(dtype, tuple(turned))

    def _counts(self, types: Sequence[TensorType]) -> tuple[int, int]:
        """The numbers of inputs and results of the op that this one differentiates; for order 0 of this op."""
        inputs, results = sum(self.given), sum(self.wanted)
        for _ in range(self.order - 1):
            inputs, results = inputs + results, len(_floats(types[:inputs]))
        return inputs, results

    def expand(self, inputs: Sequence[Tensor], consts: Sequence[Any]) -> Sequence[Tensor]:
        if not self.order:
            return self._spelled_out(inputs, consts)
        count, _ = self._counts([t.type for t in inputs])
        inner, grads = inputs[:count], inputs[count:]
        results = self.replace(order=self.order - 1).expand(inner, consts[:count])
        pairs = [(y, g) for y, g in zip(results, grads, strict=True) if y.dtype.is_floating]
        xs = [inner[i] for i in _floats([t.type for t in inner])]
        found = tf.gradients([y for y, _ in pairs], xs, [g for _, g in pairs]) if pairs else [None] * len(xs)
        return [tf.zeros_like(x) if g is None else tf.convert_to_tensor(g) for x, g in zip(xs, found, strict=True)]

    def _spelled_out(self, inputs: Sequence[Tensor], consts: Sequence[Any]) -> list[Tensor]:
        from minigraph.formats.onnx.table import IMPORTERS

        tensors = iter(zip(inputs, consts, self.last, strict=True))
        values = [_value(f"i{n}", *next(tensors)) if there else None for n, there in enumerate(self.given)]
        names = [f"o{n}" if wanted else "" for n, wanted in enumerate(self.wanted)]
        attributes = Attributes({n: list(v) if isinstance(v, tuple) else v for n, v in self.attributes})
        call = OnnxNode(self.name, self.kind, self.opset, values, names, attributes, in_graph=False)
        results = built(call, IMPORTERS[self.kind])
        refuse_unread(call)
        found = [value_of(n, r) for n, r in zip(names, results, strict=False) if n]
        return [v.form(last_perm(v.type.rank or 0) if self.gives_last else None) for v in found]

    def forward(self, xp: Any, *arrays: Any) -> tuple[Any, ...]:
        with tf.Graph().as_default() as scratch:
            types = [tf.as_dtype(a.dtype) for a in arrays]
            given = [scratch.add(Placeholder(d, a.shape), ()).outputs[0] for d, a in zip(types, arrays, strict=True)]
            results = self.expand(given, [a if a.size <= 1024 else None for a in arrays])
            values = interpret(scratch, dict(zip(given, arrays, strict=True)))
        return tuple(values[r] for r in results)

    def vjp(self, node: Node, *grads: Tensor | None) -> Sequence[Tensor | None]:
        filled = [tf.zeros_like(y) if g is None else g for y, g in zip(node.outputs, grads, strict=True)]
        found = iter(apply_all(self.replace(order=self.order + 1), *node.inputs, *filled))
        floats = _floats([t.type for t in node.inputs])
        return [next(found) if i in floats else None for i in range(len(node.inputs))]

    @classmethod
    def samples(cls) -> Sequence[Sample]:
        return ()


def _floats(types: Sequence[TensorType]) -> list[int]:
    return [i for i, t in enumerate(types) if t.dtype.is_floating]


def _as_onnx(value: Any) -> Any:
    return require_onnx().numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value


def _onnx_shape(shape: Sequence[Dim] | None, last: bool) -> Sequence[Dim] | None:
    return shape if shape is None or not last else [shape[i] for i in first_perm(len(shape))]


def _value(name: str, tensor: Tensor, const: Any, last: bool) -> OnnxValue:
    rank = tensor.type.rank or 0
    if const is None:
        return OnnxValue(name, forms={last_perm(rank) if last else None: tensor})
    return OnnxValue(name, np.transpose(const, first_perm(rank)) if last else np.asarray(const))


def can_defer(call: OnnxNode) -> bool:
    """Whether the node may be built when a run is compiled."""
    return not call.enters and call.domain == "" and schema_of("", call.kind, call.opset) is not None


def defer(call: OnnxNode, read: int | None) -> list[OnnxValue | None]:
    """The results of a node that is built when a run is compiled. read: an input whose value its importer needs."""
    tensors, last, consts = [], [], []
    for index, value in enumerate(call.inputs):
        if value is None:
            continue
        perm = last_perm(value.type.rank or 0)
        turned = not value.known and None not in value.forms and perm in value.forms
        tensor = _constant(value) if _is_parameter(call, index) else value.form(perm if turned else None)
        if (index == read or _may_decide(call, index, tensor)) and depends_on_values(tensor):
            tensor = decided(tensor)
        tensors.append(tensor)
        last.append(turned)
        consts.append(value.array)
    op = DeferredOnnx(
        call.name, call.kind, call.opset, _attributes(call.attributes.all), tuple(v is not None for v in call.inputs),
        tuple(last), tuple(map(bool, call.outputs)), _gives_last(call),
    )  # fmt: skip
    graph = tf.get_default_graph()
    with graph.name_scope(valid_name(call.name)):
        results = graph.add(op, tensors, call.kind).outputs
    for result, known in zip(results, op.result_types([t.type for t in tensors], consts), strict=True):
        result.set_shape(known.shape)
    found = iter(results)
    call.attributes.deferred = True
    return [_result(op, name, next(found)) for name in call.outputs if name]


def _gives_last(call: OnnxNode) -> bool:
    return call.kind in GIVE_LAST and (call.type().rank or 0) > 2


def _constant(value: OnnxValue) -> Tensor:
    assert value.array is not None
    return tf.constant(value.array)


def _is_parameter(call: OnnxNode, index: int) -> bool:
    """Whether a known input is a parameter, not a weight to train."""
    return index > 0 and call.kind in WITHOUT_WEIGHTS and call.value(index).known


def _result(op: DeferredOnnx, name: str, tensor: Tensor) -> OnnxValue:
    rank = tensor.type.rank
    return OnnxValue(name, forms={last_perm(rank or 0) if op.gives_last else None: tensor})


def _may_decide(call: OnnxNode, index: int, tensor: Tensor) -> bool:
    """Whether a shape may depend on the value of an input: a number or a vector beside the data."""
    exact = tensor.dtype.is_integer or tensor.dtype == tf.bool or call.kind in WITHOUT_WEIGHTS
    return exact and tensor.type.rank in (0, 1) and (index > 0 or call.kind in READ_FIRST)


def _attributes(values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple((n, tuple(v) if isinstance(v, list) else v) for n, v in values.items())
