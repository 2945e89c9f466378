"""Attributes that importers do not read: without effect, or refused."""

from __future__ import annotations

from typing import Any

from minigraph.formats.onnx.call import OnnxNode
from minigraph.formats.onnx.functions import schema_of
from minigraph.formats.onnx.library import require_onnx

# Attributes that change no result, at least in the cases in which the importer does not read them.
NO_EFFECT: dict[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "BatchNormalization": "is_test momentum",  # at inference
        "Cast": "round_mode saturate",  # for dtypes of more than 8 bits
        "CastLike": "round_mode saturate",
        "Conv": "kernel_shape",  # the filters' shape has it
        "ConvInteger": "kernel_shape",
        "ConvTranspose": "kernel_shape",
        "DeformConv": "kernel_shape",
        "Dropout": "is_test ratio seed",  # at inference
        "FusedConv": "kernel_shape",
        "QLinearConv": "kernel_shape",
        "Optional": "type",  # of the value that is not there
        "QLinearSoftmax": "opset",
        "Gemm": "broadcast",  # a third input that needs no broadcasting gives the same
        "MaxPool": "storage_order",  # of indices that nobody uses
        "QuantizeLinear": "precision saturate",  # for integers
        "SequenceEmpty": "dtype",  # of elements that are not there
        "TopK": "sorted",  # the results are always sorted
        "Resize": (
            "antialias coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value "
            "keep_aspect_ratio_policy nearest_mode"  # each belongs to one mode, or the image keeps its size
        ),
    }.items()
}
EVERYWHERE = ("consumed_inputs", "noop_with_empty_axes")  # a hint about memory; of reductions with given axes


def refuse_unread(call: OnnxNode) -> None:
    """Raise UnsupportedError if an attribute that has an effect was not read."""
    if call.attributes.deferred:
        return  # its attributes are read when it is built
    for name, value in call.attributes.unread.items():
        known = name in EVERYWHERE or name in NO_EFFECT.get(call.kind, ())
        if not known and value != _default(call, name):
            call.unsupported(f"the attribute {name}={value} is not supported")


def _default(call: OnnxNode, name: str) -> Any:
    schema = schema_of("", call.kind, call.opset)
    if schema is None or name not in schema.attributes:
        return None
    default = schema.attributes[name].default_value
    found = require_onnx().helper.get_attribute_value(default) if default.type else None
    return found.decode() if isinstance(found, bytes) else found
