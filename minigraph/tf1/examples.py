"""`tf.train.Example` and its parts, and how they are parsed into tensors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.convert import convert_to_tensor
from minigraph.core.dtypes import DType, as_dtype, float32, int64, string
from minigraph.core.errors import InvalidArgumentError, MissingPackageError
from minigraph.core.graph import Tensor
from minigraph.core.types import TensorType, as_shape
from minigraph.ops.constant import string_array
from minigraph.ops.host.base import HostOp

# TensorFlow's schema, tensorflow/core/example/{feature,example}.proto: fields by message, with number and type.
_SCHEMA: dict[str, list[tuple[str, int, str]]] = {
    "BytesList": [("value", 1, "*bytes")],
    "FloatList": [("value", 1, "*float")],
    "Int64List": [("value", 1, "*int64")],
    "Feature": [("bytes_list", 1, "?BytesList"), ("float_list", 2, "?FloatList"), ("int64_list", 3, "?Int64List")],
    "Features": [("feature", 1, "{Feature}")],
    "FeatureList": [("feature", 1, "*Feature")],
    "FeatureLists": [("feature_list", 1, "{FeatureList}")],
    "Example": [("features", 1, "Features")],
    "SequenceExample": [("context", 1, "Features"), ("feature_lists", 2, "FeatureLists")],
}


@cache
def messages() -> dict[str, Any]:
    """The message classes by name. MissingPackageError without protobuf."""
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError as error:
        raise MissingPackageError('tf.train.Example needs protobuf: pip install "minigraph[records]"') from error
    file = descriptor_pb2.FileDescriptorProto(name="minigraph/example.proto", package="tensorflow", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    scalars = {"bytes": kinds.TYPE_BYTES, "float": kinds.TYPE_FLOAT, "int64": kinds.TYPE_INT64}
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            plain = kind.strip("*?{}")
            made = message.field.add(name=field, number=number, label=kinds.LABEL_OPTIONAL)
            if plain in scalars:
                made.type = scalars[plain]
            else:
                made.type, made.type_name = kinds.TYPE_MESSAGE, f".tensorflow.{plain}"
            if kind[0] == "*":
                made.label = kinds.LABEL_REPEATED
            elif kind[0] == "?":
                made.oneof_index = 0
            elif kind[0] == "{":
                entry = message.nested_type.add(name="".join(w.title() for w in field.split("_")) + "Entry")
                entry.options.map_entry = True
                entry.field.add(name="key", number=1, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_STRING)
                entry.field.add(name="value", number=2, label=kinds.LABEL_OPTIONAL, type=kinds.TYPE_MESSAGE,
                                type_name=f".tensorflow.{plain}")  # fmt: skip
                made.label, made.type_name = kinds.LABEL_REPEATED, f".tensorflow.{name}.{entry.name}"
        if name == "Feature":
            message.oneof_decl.add(name="kind")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.{n}")) for n in _SCHEMA}
    for message in made.values():
        message.__module__ = __name__
    return made


class Messages:
    """The message classes as attributes, which are made when one is asked for."""

    __all__ = tuple(_SCHEMA)

    def __getattr__(self, name: str) -> Any:
        if name not in _SCHEMA:
            raise AttributeError(name)
        return messages()[name]


class FixedLenFeature(NamedTuple):
    """A feature with as many values as `shape` has; `default_value` where an example lacks it."""

    shape: Any
    dtype: Any
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature with any number of values."""

    dtype: Any


class FixedLenSequenceFeature(NamedTuple):
    """A feature with any number of parts of a shape, on a new first axis."""

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class ParseExample(HostOp):
    """The features of serialised examples, by name and kind; variable ones padded at their end.

    For a variable feature there are two results: the values, and the number of them in each example.
    """

    names: tuple[str, ...]
    dtypes: tuple[DType, ...]
    shapes: tuple[Any, ...]  # None for a variable feature
    defaults: tuple[Any, ...]
    sequences: tuple[bool, ...]

    def infer(self, serialized: TensorType) -> tuple[TensorType, ...]:
        lead = serialized.shape
        found = []
        for dtype, shape, sequence in zip(self.dtypes, self.shapes, self.sequences, strict=True):
            if shape is None:
                found += [TensorType(dtype, None if lead is None else (*lead, None)), TensorType(int64, lead)]
            else:
                more = (None, *shape) if sequence else shape
                found.append(TensorType(dtype, None if lead is None else (*lead, *more)))
        return tuple(found)

    def forward(self, xp: Any, serialized: Any) -> tuple[Any, ...]:
        rows = [self._parsed(text) for text in serialized.reshape(-1)]
        results: list[np.ndarray] = []
        for place, (dtype, shape) in enumerate(zip(self.dtypes, self.shapes, strict=True)):
            parts = [row[place] for row in rows]
            if shape is None or self.sequences[place]:
                size = max((len(part) for part in parts), default=0)
                fill: Any = b"" if dtype is string else 0
                out = np.full((len(parts), size, *(shape or ())), fill, dtype.np_dtype)
                for row, part in zip(out, parts, strict=True):
                    row[: len(part)] = part
                results.append(out.reshape((*serialized.shape, *out.shape[1:])))
                if shape is None:
                    results.append(np.array([len(part) for part in parts], np.int64).reshape(serialized.shape))
            else:
                made = np.empty((len(parts), *shape), dtype.np_dtype)
                for i, part in enumerate(parts):
                    made[i, ...] = part
                results.append(made.reshape((*serialized.shape, *shape)))
        return tuple(results)

    def _parsed(self, text: bytes) -> list[np.ndarray]:
        from google.protobuf.message import DecodeError

        try:
            example = messages()["Example"].FromString(text)
        except DecodeError as error:
            raise InvalidArgumentError(f"Could not parse example input, value: {text[:50]!r}") from error
        held = example.features.feature
        known = dict(held)  # asking a map of messages for a key would add it
        return [self._values(place, known.get(n)) for place, n in enumerate(self.names)]

    def _values(self, place: int, feature: Any) -> np.ndarray:
        name, dtype, shape = self.names[place], self.dtypes[place], self.shapes[place]
        kind = feature.WhichOneof("kind") if feature is not None else None
        if kind is None:
            if shape is None or self.sequences[place]:
                return np.empty((0, *(shape or ())), dtype.np_dtype)
            if self.defaults[place] is None:
                raise InvalidArgumentError(
                    f"Feature: {name} (data type: {dtype.name}) is required but could not be found."
                )
            values = self.defaults[place]
        else:
            expected = {string: "bytes_list", float32: "float_list", int64: "int64_list"}[dtype]
            if kind != expected:
                raise InvalidArgumentError(
                    f"Key: {name}.  Data types don't match. Expected type: {dtype.name}, but the example has a {kind}"
                )
            values = list(getattr(feature, kind).value)
        array = string_array(values) if dtype is string else np.array(values, dtype.np_dtype)
        if shape is None:
            return array.reshape(-1)
        if self.sequences[place]:
            return array.reshape(-1, *shape)
        if array.size != int(np.prod(shape)) and array.size != 1:
            raise InvalidArgumentError(
                f"Key: {name}.  Number of {dtype.name} values != expected.  Values size: {array.size} but output "
                f"shape: {list(shape)}"
            )
        if array.size != int(np.prod(shape)):
            return np.broadcast_to(array.reshape(()), shape)
        return array.reshape(shape)


class SparseTensor(NamedTuple):
    """The values of a feature of variable length: their indices, the values, and the shape of the dense array."""

    indices: Any
    values: Any
    dense_shape: Any


SparseTensorValue = SparseTensor


def _parse(serialized: Any, features: Mapping[str, Any], name: str, rank: int) -> dict[str, Any]:
    texts = convert_to_tensor(serialized, dtype=string)
    keys = sorted(features)
    kinds = [features[k] for k in keys]
    for key, kind in zip(keys, kinds, strict=True):
        if as_dtype(kind.dtype) not in (string, float32, int64):
            raise TypeError(f"feature {key}: expected int64, float32 or string, not {as_dtype(kind.dtype).name}")
    variable = [isinstance(kind, VarLenFeature) for kind in kinds]
    op = ParseExample(
        tuple(keys),
        tuple(as_dtype(kind.dtype) for kind in kinds),
        tuple(None if v else as_shape(kind.shape) for kind, v in zip(kinds, variable, strict=True)),
        tuple(_frozen(None if v else kind.default_value) for kind, v in zip(kinds, variable, strict=True)),
        tuple(isinstance(kind, FixedLenSequenceFeature) for kind in kinds),
    )
    texts.graph.reserve_ids(_constants(kinds, rank))
    outputs = iter(texts.graph.add(op, [texts], name).outputs)
    results: dict[str, Any] = {}
    for key, is_variable in zip(keys, variable, strict=True):
        value = next(outputs)
        results[key] = _sparse(value, next(outputs), rank) if is_variable else value
    return results


def _constants(kinds: list[Any], rank: int) -> int:
    """The number of nodes that TensorFlow makes for the defaults, and for a vector of examples for keys and names."""
    defaults = [getattr(kind, "default_value", None) for kind in kinds if not isinstance(kind, VarLenFeature)]
    made = sum(1 if default is None else 3 for default in defaults)
    return made + (len(kinds) + 1 if rank else 0)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value.tolist() if isinstance(value, np.ndarray) else value


class SparseIndices(HostOp):
    """Where the values of padded rows are: [number of values, rank], the values themselves, and the shape."""

    def infer(self, padded: TensorType, counts: TensorType) -> tuple[TensorType, ...]:
        rank = None if padded.shape is None else len(padded.shape)
        return TensorType(int64, (None, rank)), TensorType(padded.dtype, (None,)), TensorType(int64, (rank,))

    def forward(self, xp: Any, padded: Any, counts: Any) -> tuple[Any, ...]:
        held = np.arange(padded.shape[-1]) < counts[..., None]
        return np.argwhere(held).astype(np.int64), padded[held], np.array(padded.shape, np.int64)


def _sparse(padded: Tensor, counts: Tensor, rank: int) -> SparseTensor:
    indices, values, shape = padded.graph.add(SparseIndices(), [padded, counts], "Sparse").outputs
    indices.set_shape([None, rank + 1])
    return SparseTensor(indices, values, shape)


def parse_single_example(
    serialized: Any, features: Mapping[str, Any] | None = None, name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """The features of one serialised `tf.train.Example`, by name.

    features: by name a FixedLenFeature, FixedLenSequenceFeature or VarLenFeature, which gives a SparseTensor.
    example_names: only for TensorFlow's messages; no effect.
    """
    if not features:
        raise ValueError("Missing features.")
    return _parse(serialized, features, name or "ParseSingleExample", 0)


def parse_example(
    serialized: Any, features: Mapping[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """The features of a vector of serialised examples, by name; see `parse_single_example`."""
    if not features:
        raise ValueError("Missing: features was {}.")
    return _parse(serialized, features, name or "ParseExample", 1)


class SparseToDense(HostOp):
    """A dense array with the values at their places, and a default elsewhere."""

    default: Any

    def infer(self, indices: TensorType, values: TensorType, shape: TensorType) -> tuple[TensorType, ...]:
        rank = shape.shape[0] if shape.shape else None
        return (TensorType(values.dtype, None if rank is None else (None,) * rank),)

    def forward(self, xp: Any, indices: Any, values: Any, shape: Any) -> tuple[Any, ...]:
        fill = self.default.encode() if isinstance(self.default, str) else self.default
        out = np.full(tuple(int(n) for n in shape), fill, values.dtype)
        out[tuple(indices.T)] = values
        return (out,)


def sparse_tensor_to_dense(
    sp_input: Any, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """The dense form of a SparseTensor. validate_indices: no effect, as places are checked."""
    if default_value is None:
        default_value = b"" if sp_input.values.dtype is string else 0
    op = SparseToDense(default_value)
    node = sp_input.values.graph.add(op, [sp_input.indices, sp_input.values, sp_input.dense_shape], name)
    made: Tensor = node.outputs[0]
    return made
