"""ONNX's definitions of operators through other operators."""

from __future__ import annotations

from typing import Any

from minigraph.formats.onnx.call import OnnxNode
from minigraph.formats.onnx.library import as_onnx_dtype, require_onnx
from minigraph.formats.onnx.values import OnnxValue


def schema_of(domain: str, kind: str, opset: int) -> Any:
    """ONNX's schema of an operator; None for an unknown one."""
    defs = require_onnx().defs
    try:
        return defs.get_schema(kind, opset, domain)
    except defs.SchemaError:
        return None


def body_of(node: Any, call: OnnxNode) -> Any:
    """The FunctionProto that defines the operator of a node. Raises UnsupportedError if there is none for its types."""
    onnx = require_onnx()
    schema = schema_of(node.domain, node.op_type, call.opset)
    if schema is not None and schema.has_function:
        return schema.function_body
    if schema is None or not schema.has_context_dependent_function:
        call.unsupported("there is no importer for this operator")
    types = [_type(v).SerializeToString() for v in call.inputs]
    text = schema.get_context_dependent_function(_settled(node, call).SerializeToString(), types)
    body = onnx.FunctionProto()
    body.ParseFromString(text)
    if not body.node:
        call.unsupported("ONNX gives no definition of it for these attributes and types")
    return body


def _settled(node: Any, call: OnnxNode) -> Any:
    """The node with references to attributes of the enclosing function replaced by values."""
    onnx = require_onnx()
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    del copy.attribute[:]
    for attribute in node.attribute:
        value = call.attributes.get(attribute.name)
        if not attribute.ref_attr_name:
            copy.attribute.append(attribute)
        elif value is not None:
            copy.attribute.append(onnx.helper.make_attribute(attribute.name, value))
    return copy


def defaults_of(node: Any, call: OnnxNode) -> dict[str, Any]:
    """ONNX's default attributes of an operator."""
    schema = schema_of(node.domain, node.op_type, call.opset)
    if schema is None:
        return {}
    return {name: a.default_value for name, a in schema.attributes.items() if a.default_value.type}


def _type(value: OnnxValue | None) -> Any:
    onnx = require_onnx()
    if value is None:
        return onnx.TypeProto()
    dtype, shape = value.type
    return onnx.helper.make_tensor_type_proto(as_onnx_dtype(dtype), shape)
