"""The types of a model's inputs, with sizes that the caller gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from minigraph.core.graph import Tensor
from minigraph.core.types import Dim, TensorType, compatible, format_shape
from minigraph.formats.onnx.library import UnsupportedError, from_onnx_dtype


def input_types(
    inputs: Mapping[str, Any], shapes: Mapping[str, Sequence[Dim]], dims: Mapping[str, int]
) -> dict[str, TensorType | None]:
    """The type of each input; None for one that is no tensor.

    inputs: ValueInfoProtos by name. shapes: shapes by the input's name, which replace those of the model. dims: numbers
    by the name of a symbolic dimension. UnsupportedError for a name that the model does not have, or a shape that does
    not fit.
    """
    refuse_unknown("inputs", shapes, inputs)
    refuse_unknown("symbolic dimensions", dims, _symbols(inputs.values()))
    return {name: _input_type(info, shapes.get(name), dims) for name, info in inputs.items()}


def refuse_unknown(what: str, given: Collection[str], known: Collection[str]) -> None:
    """Raise UnsupportedError if the caller gives something by a name that the model does not have."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise UnsupportedError(f"the model has no {what} {unknown}; it has {sorted(set(known))}")


def _symbols(inputs: Any) -> list[str]:
    """The names of the symbolic dimensions."""
    kinds = [i.type.tensor_type for i in inputs if i.type.WhichOneof("value") == "tensor_type"]
    return [d.dim_param for k in kinds for d in k.shape.dim if d.WhichOneof("value") == "dim_param"]


def _input_type(info: Any, shape: Sequence[Dim] | None, dims: Mapping[str, int]) -> TensorType | None:
    if info.type.WhichOneof("value") != "tensor_type":
        return None
    kind = info.type.tensor_type
    stated = tuple(_dim(d, dims) for d in kind.shape.dim) if kind.HasField("shape") else None
    try:
        dtype = from_onnx_dtype(kind.elem_type)
    except UnsupportedError as error:
        raise UnsupportedError(f"the input '{info.name}': {error}") from None
    if shape is None:
        return TensorType(dtype, stated)
    wanted = tuple(shape)
    if not compatible(stated, wanted):
        shapes = f"{format_shape(wanted)}, but is {format_shape(stated)} in the model"
        raise UnsupportedError(f"the input '{info.name}' is to have the shape {shapes}")
    return TensorType(dtype, wanted)


def _dim(dim: Any, dims: Mapping[str, int]) -> Dim:
    if dim.WhichOneof("value") == "dim_value":
        return int(dim.dim_value) if dim.dim_value > 0 else None  # some exporters write 0 or −1 for unknown ones
    return dims.get(dim.dim_param)


def open_sizes(infos: Mapping[str, Any], inputs: Mapping[str, Tensor]) -> str:
    """What the caller may give to make sizes known: the inputs that have unknown ones, with their symbolic names."""
    found = []
    for name, tensor in inputs.items():
        if not tensor.type.is_static:
            dims = infos[name].type.tensor_type.shape.dim
            sizes = zip(tensor.type.shape or (), dims, strict=False)
            found.append(f"{name}=" + ",".join(str(d) if d is not None else p.dim_param or "?" for d, p in sizes))
    return f"Give sizes by shapes= or --shape, or by dims= or --dim: {'; '.join(found)}"
