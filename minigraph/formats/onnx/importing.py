"""Imports ONNX graphs into the default graph, node by node, folding known values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf
from minigraph.core.errors import DataLossError, DTypeError, MinigraphError
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType
from minigraph.formats.onnx.building import built, dims_of, evaluated, tensor_of, value_of, with_inputs
from minigraph.formats.onnx.call import Attributes, OnnxNode, Result
from minigraph.formats.onnx.deferred import can_defer, defer
from minigraph.formats.onnx.functions import body_of, defaults_of, schema_of
from minigraph.formats.onnx.inputs import input_types, open_sizes, refuse_unknown
from minigraph.formats.onnx.library import (
    DOMAINS,
    NeedsConstantError,
    NeedsShapeError,
    UnsupportedError,
    from_onnx_dtype,
    require_onnx,
)
from minigraph.formats.onnx.modelfile import subgraphs
from minigraph.formats.onnx.quantise import dequantizing
from minigraph.formats.onnx.sequences import IMPORT as SEQUENCES
from minigraph.formats.onnx.table import importer_of
from minigraph.formats.onnx.unread import refuse_unread
from minigraph.formats.onnx.values import (
    Dequantized,
    NoTensor,
    NoValue,
    OnnxSequence,
    OnnxValue,
    UnknownDim,
    valid_name,
)
from minigraph.ir.scan import LoopBody
from minigraph.ir.scan_gradient import make_region
from minigraph.util.read_budget import MOST_DIMS, Budget, Damaged

Env = dict[str, OnnxValue]
Opsets = Mapping[str, int]
Functions = Mapping[tuple[str, str], Any]


class Imported(NamedTuple):
    """The tensors of an imported model's inputs and outputs, by their names in the model.

    Args:
        inputs: Tensors of the inputs that are not fixed.
        outputs: Tensors of the outputs. Those of a sequence `y` are `y[0]`, `y[1]`, ….

    Example:
        >>> from minigraph import onnx
        >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
        >>> model = onnx.load(onnx.to_model({"y": tf.nn.relu(x)}))
        >>> list(model.inputs), list(model.outputs)
        (['x'], ['y'])
    """

    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


def import_model(
    model: Any,
    given: Mapping[str, Any],
    variables: bool,
    shapes: Mapping[str, Sequence[int | None]],
    dims: Mapping[str, int],
) -> Imported:
    """Add a checked ModelProto, its data in memory, to the default graph; see `minigraph.onnx.load`."""
    opsets = {DOMAINS.get(o.domain, o.domain): o.version for o in model.opset_import}
    functions = {(f.domain, f.name): f for f in model.functions}
    budget = Budget(model.ByteSize)
    importer = _Importer(functions, variables, budget)
    if lacking := sorted({o.name for o in model.graph.output} - set(_names(model.graph))):
        raise DataLossError(f"no node computes the model's outputs {lacking[:10]}")
    missing = list(importer.missing(model.graph.node, opsets, set()))
    if missing:
        raise UnsupportedError("no importer for these operators:\n  " + "\n  ".join(missing))
    try:
        budget.visit("its functions", inlined(model.graph.node, functions, {}))
    except Damaged as error:
        raise DataLossError(str(error)) from None
    env: Env = {}
    importer.read_weights(model.graph, env)
    wanted = {i.name: i for i in model.graph.input if i.name not in env}
    inputs = _read_inputs(wanted, given, env, input_types(wanted, shapes, dims))
    try:
        importer.run(model.graph.node, env, opsets)
    except NeedsShapeError as error:
        raise NeedsShapeError(f"{error}. {open_sizes(wanted, inputs)}") from None
    outputs = [(name, value) for o in model.graph.output for name, value in _tensors(o.name, env[o.name])]
    return Imported(inputs, {name: tf.identity(v.form(), name=valid_name(name)) for name, v in outputs})


def _names(graph: Any) -> Iterator[str]:
    """The names that a graph's inputs, weights and nodes give values to."""
    yield from (i.name for i in (*graph.input, *graph.initializer))
    yield from (name for node in graph.node for name in node.output)


def _read_inputs(
    wanted: Mapping[str, Any], given: Mapping[str, Any], env: Env, types: Mapping[str, TensorType | None]
) -> dict[str, Tensor]:
    refuse_unknown("inputs", given, wanted)
    origins = tf.get_default_graph().stores.setdefault("onnx_inputs", {})
    inputs = {}
    for name in wanted:
        kind = types[name]
        if name in given:
            env[name] = _given(name, given[name], kind is None and isinstance(given[name], list | tuple))
        elif kind is None:
            what = wanted[name].type.WhichOneof("value")
            raise UnsupportedError(f"the input '{name}' is not a tensor but {what}: give its tensors by inputs=")
        else:
            inputs[name] = tf.placeholder(kind.dtype, kind.shape, name=valid_name(name))
            origins[inputs[name].node] = name
            env[name] = OnnxValue(name, forms={None: inputs[name]})
    return inputs


def _given(name: str, value: Any, is_sequence: bool) -> OnnxValue:
    """The value of an input that the caller gives."""
    if is_sequence:
        return OnnxSequence(name, [_given(f"{name}[{i}]", v, False) for i, v in enumerate(value)])
    if value is None:
        return NoValue(name)
    return OnnxValue(name, forms={None: value}) if isinstance(value, Tensor) else OnnxValue(name, np.asarray(value))


def _tensors(name: str, value: OnnxValue) -> list[tuple[str, OnnxValue]]:
    """The tensors of an output, by names."""
    if isinstance(value, OnnxSequence):
        return [(f"{name}[{i}]", part) for i, part in enumerate(value.parts)]
    return [(name, value)]


class _Importer:
    def __init__(self, functions: Functions, variables: bool, budget: Budget) -> None:
        self.functions = functions
        self.budget = budget
        self.variables = variables

    def missing(self, nodes: Sequence[Any], opsets: Opsets, seen: set[tuple[str, str]]) -> Iterator[str]:
        """A line for each unsupported node. seen: the functions looked into."""
        for node in nodes:
            domain = DOMAINS.get(node.domain, node.domain)
            if (domain, node.op_type) in self.functions:
                if (domain, node.op_type) not in seen:
                    seen.add((domain, node.op_type))
                    body = self.functions[domain, node.op_type]
                    yield from self.missing(body.node, {o.domain: o.version for o in body.opset_import}, seen)
            elif not is_known(domain, node.op_type, opsets.get(domain, 1)):
                kind = f"{domain}.{node.op_type}" if domain else node.op_type
                yield f"node '{_label(node)}' ({kind}, operator set {opsets.get(domain, '?')})"
            for attribute in node.attribute:
                for graph in subgraphs(attribute):
                    yield from self.missing(graph.node, opsets, seen)

    def read_weights(self, graph: Any, env: Env) -> None:
        if graph.sparse_initializer:
            raise UnsupportedError(f"sparse initializers: {[s.values.name for s in graph.sparse_initializer]}")
        for initializer in graph.initializer:
            array = _array(initializer, f"initializer '{initializer.name}'")
            env[initializer.name] = OnnxValue(initializer.name, array, weight=self._is_weight(array))

    def _is_weight(self, array: np.ndarray) -> bool:
        return self.variables and array.dtype.kind == "f" and array.ndim > 0 and array.size > 1

    def run(self, nodes: Sequence[Any], env: Env, opsets: Opsets, attributes: Mapping[str, Any] | None = None) -> None:
        """Import nodes in order. attributes: of the function whose body they form."""
        for node in nodes:
            try:
                results = self._apply(node, env, opsets, attributes or {})
            except (DataLossError, UnsupportedError):
                raise
            except (MinigraphError, Damaged) as error:
                raise UnsupportedError(f"node '{_label(node)}' ({node.op_type}): {error}") from error
            except Exception as error:  # an importer can fail in any way on attributes that do not fit its inputs
                message = f"node '{_label(node)}' ({node.op_type}): its attributes and inputs do not fit together"
                raise UnsupportedError(message) from error
            for name, value in zip(node.output, results, strict=False):
                if name and value is not None:
                    env[name] = value

    def _outputs(self, graph: Any, env: Env, opsets: Opsets, outer: Mapping[str, Any]) -> list[OnnxValue]:
        """The outputs of a graph inside an operator, which may be entered again and again."""
        self.budget.visit("its loops and branches", 1 + len(graph.node))
        self.read_weights(graph, env)
        self.run(graph.node, env, opsets, outer)
        return [env[o.name] for o in graph.output]

    def _apply(self, node: Any, env: Env, opsets: Opsets, outer: Mapping[str, Any]) -> list[OnnxValue | None]:
        inputs = [env[name] if name else None for name in node.input]
        domain = DOMAINS.get(node.domain, node.domain)

        def enter(graph: Any, given: Sequence[OnnxValue] = ()) -> list[OnnxValue]:
            inner = env | {i.name: v for i, v in zip(graph.input, given, strict=True)}
            # One that enters again shares no variables.
            importer = _Importer(self.functions, False, self.budget) if given else self
            return importer._outputs(graph, inner, opsets, outer)

        attributes = Attributes(_attributes(node, outer))
        version = opsets.get(domain, 1)
        call = OnnxNode(_label(node), node.op_type, version, inputs, node.output, attributes, enter, domain)
        call.region = partial(self._region, env, opsets, outer)
        function = self.functions.get((domain, node.op_type))
        importer = None if function is not None else importer_of(domain, node.op_type)
        if importer is None:
            return self._inline(call, node, function or body_of(node, call), opsets)
        if _computes_bfloat16(call):
            results = [_narrowed(v) for v in self._build(_widened(call), importer)]
        else:
            results = self._build(call, importer)
        refuse_unread(call)
        return results

    def _region(
        self, env: Env, opsets: Opsets, outer: Mapping[str, Any], graph: Any, types: Sequence[TensorType]
    ) -> tuple[LoopBody, list[Tensor]]:
        """A loop's body for inputs of these types, and the outer tensors that it reads, which are further inputs."""
        free = {n: env[n] for n in dict.fromkeys(_free_names(graph)) if n in env}
        known = {n: v for n, v in free.items() if v.known and not v.weight}
        read = {n: v.form() for n, v in free.items() if n not in known}

        def body(*tensors: Tensor) -> list[Tensor]:
            names = [*(i.name for i in graph.input), *read]
            inner = {n: OnnxValue(n, v.array) for n, v in known.items()}
            inner |= {n: OnnxValue(n, forms={None: t}) for n, t in zip(names, tensors, strict=True)}
            importer = _Importer(self.functions, False, self.budget)
            return [value.form() for value in importer._outputs(graph, inner, opsets, outer)]

        return make_region([*types, *(t.type for t in read.values())], body), list(read.values())

    def _inline(self, call: OnnxNode, node: Any, body: Any, opsets: Opsets) -> list[OnnxValue | None]:
        """Import the nodes that define the operator instead of its node."""
        given = zip(body.input, call.inputs, strict=False)
        env = _Optional({name: v for name, v in given if v is not None})
        standard = {name: _attribute(a) for name, a in defaults_of(node, call).items()}
        own = {a.name: _attribute(a) for a in body.attribute_proto}
        attributes = standard | own | dict(call.attributes)
        opsets = dict(opsets) | {o.domain: o.version for o in body.opset_import}
        with tf.get_default_graph().name_scope(valid_name(call.name)):
            self.run(body.node, env, opsets, attributes)
        return [env.get(name) for name in body.output][: len(node.output)]

    def _build(self, call: OnnxNode, importer: Callable[[OnnxNode], Result]) -> list[OnnxValue | None]:
        if call.enters or call.kind in SEQUENCES:
            return _values(call, built(call, importer))
        given = [v for v in call.inputs if v is not None]
        if given and all(v.known for v in given):
            weight = any(v.weight for v in given)
            arrays = evaluated(call, importer)
            if arrays is None:
                return _values(call, built(call, importer))
            self._take(call, given, arrays)
            if call.kind == "DequantizeLinear" and (make := dequantizing(call)) is not None:
                return [Dequantized(call.outputs[0], arrays[0], make)]
            pairs = zip(call.outputs, arrays, strict=False)
            return [OnnxValue(n, a, weight=weight and self._is_weight(a)) for n, a in pairs]
        if len(call.outputs) == 1 and given and all(v.known or v.dims is not None for v in given):
            dims = dims_of(call, importer)
            if dims is not None and not any(isinstance(d, UnknownDim) for d in dims.ravel()):
                return [OnnxValue(call.outputs[0], dims.astype(np.int64))]
            if dims is not None:
                return [OnnxValue(call.outputs[0], dims=dims, build=lambda: tensor_of(built(call, importer)[0]))]
        try:
            results = built(call, importer)
        except (NeedsShapeError, NeedsConstantError) as error:
            if not can_defer(call):
                raise
            return defer(call, error.index if isinstance(error, NeedsConstantError) else None)
        except (DTypeError, UnsupportedError):
            raise
        except (MinigraphError, TypeError, ValueError):  # of arithmetic with an unknown dimension
            if all(v.type.is_static for v in given) or not can_defer(call):
                raise
            return defer(call, None)
        return _values(call, results)

    def _take(self, call: OnnxNode, given: Sequence[OnnxValue], arrays: Sequence[np.ndarray]) -> None:
        """Ask for the memory of computed constants. Views of the inputs take none."""
        for array in arrays:
            if not any(v.array is not None and np.may_share_memory(array, v.array) for v in given):
                self.budget.take(f"node '{call.name}'", array.shape, array.dtype.itemsize)


def inlined(nodes: Sequence[Any], functions: Functions, counts: dict[tuple[str, str], int]) -> int:
    """The number of nodes that calls of the model's functions are replaced by. counts: of the functions seen."""
    total = 0
    for node in nodes:
        key = DOMAINS.get(node.domain, node.domain), node.op_type
        if key in functions:
            if key not in counts:
                body = functions[key].node
                counts[key] = 0  # of one that calls itself, which the checker refuses
                counts[key] = len(body) + inlined(body, functions, counts)
            total += counts[key]
        total += sum(inlined(g.node, functions, counts) for a in node.attribute for g in subgraphs(a))
    return total


def _values(call: OnnxNode, results: Sequence[Result]) -> list[OnnxValue | None]:
    return [None if r is None else value_of(n, r) for n, r in zip(call.outputs, results, strict=False)]


def _free_names(graph: Any) -> Iterator[str]:
    """The outer names that a subgraph reads."""
    own = set(_names(graph))
    for node in graph.node:
        inner = [g for a in node.attribute for g in subgraphs(a)]
        names = [*node.input, *(n for g in inner for n in _free_names(g))]
        yield from (n for n in names if n and n not in own)
    yield from (o.name for o in graph.output if o.name not in own)


KEPT = {"Cast", "CastLike", "DequantizeLinear", "QuantizeLinear", *SEQUENCES}  # importers that take bfloat16


def _computes_bfloat16(call: OnnxNode) -> bool:
    """Whether the node does arithmetic on bfloat16, which is done in float32. Subgraphs decide node by node."""
    return call.domain == "" and not call.enters and call.kind not in KEPT and any(map(_is_bfloat16, call.inputs))


def _is_bfloat16(value: OnnxValue | None) -> bool:
    return not (value is None or isinstance(value, NoTensor)) and value.type.dtype.name == "bfloat16"


def _widened(call: OnnxNode) -> OnnxNode:
    """The node with float32 instead of bfloat16."""
    return with_inputs(call, [_as(v, tf.float32) if v is not None and _is_bfloat16(v) else v for v in call.inputs])


def _narrowed(value: OnnxValue | None) -> OnnxValue | None:
    """A result of such a node, rounded to bfloat16."""
    bfloat16 = from_onnx_dtype(require_onnx().TensorProto.BFLOAT16)
    return _as(value, bfloat16) if value is not None and value.type.dtype is tf.float32 else value


def _as(value: OnnxValue, dtype: Any) -> OnnxValue:
    if value.array is not None:
        return OnnxValue(value.name, value.array.astype(dtype.np_dtype))
    return OnnxValue(value.name, forms={perm: tf.cast(tensor, dtype) for perm, tensor in value.forms.items()})


class _Optional(dict[str, OnnxValue]):
    """The values of a function's inputs; None for inputs that were not given."""

    def __missing__(self, name: str) -> None:
        return None


def is_known(domain: str, kind: str, opset: int) -> bool:
    """Whether the operator is in the table, or defined by operators that are."""
    if importer_of(domain, kind) is not None:
        return True
    schema = schema_of(domain, kind, opset)
    if schema is None or not schema.has_function:
        return schema is not None and bool(schema.has_context_dependent_function)
    body = schema.function_body
    versions = {o.domain: o.version for o in body.opset_import}
    return all(is_known(n.domain, n.op_type, versions.get(n.domain, opset)) for n in body.node)


def _array(tensor: Any, what: str) -> np.ndarray:
    """The array of a TensorProto. DataLossError if its numbers do not fill its shape."""
    try:
        return require_onnx().numpy_helper.to_array(tensor)  # type: ignore[no-any-return]
    except Exception:  # onnx's and NumPy's errors
        raise DataLossError(
            f"{what}: its data does not fit its type and shape {list(tensor.dims)[:MOST_DIMS]}"
        ) from None


def _label(node: Any) -> Any:
    return node.name or next((o for o in node.output if o), node.op_type)


def _attributes(node: Any, outer: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for attribute in node.attribute:
        refers = attribute.ref_attr_name
        value = outer.get(refers) if refers else _attribute(attribute)
        if value is not None:
            found[attribute.name] = value
    return found


def _attribute(attribute: Any) -> Any:
    onnx = require_onnx()
    value = onnx.helper.get_attribute_value(attribute)
    if attribute.type == onnx.AttributeProto.TENSOR:
        return _array(value, f"attribute '{attribute.name}'")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return list(value) if attribute.type >= onnx.AttributeProto.FLOATS and not hasattr(value, "DESCRIPTOR") else value
