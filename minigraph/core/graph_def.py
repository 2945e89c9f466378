"""Graphs as plain records, apart from any `Graph`, and their text, for files and for imports into other graphs.

The text is one JSON object with a line for each node. Reading gives back the same records, to the bit.

```
{
"format": "minigraph.graph", "version": 1, "op_count": 2,
"nodes": [
{"name": "x", "op": "Placeholder", "input": [], "attr": {"dtype": {"dtype": "float32"}, "shape": [null, 3]},
 "types": ["float32[?,3]"], "source": ["program.py", 3, "<module>"]},
…
],
"variables": [
{"name": "w", "initializer": "w/Assign", "initial_value": "w/initial_value:0", "snapshot": "w/read:0",
 "trainable": true}
],
"collections": {"variables": [{"variable": "w"}], "losses": [{"tensor": "loss:0"}]}
}
```

Tuples are lists, and what JSON does not know is an object: {"dtype": name}, {"type": "float32[?,3]"}, {"float": "nan"},
and arrays: {"array": "float32[2]", "values": [1.0, -0.0]} where they are small, with "fill" and one number where all
elements are equal, else and for complex numbers with "data", their little-endian bytes in base64; {"scalar": …}
likewise for NumPy's scalars.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.dtypes import ALL, COMPLEX, DType, as_dtype
from minigraph.core.errors import DataLossError, GraphError, MinigraphError
from minigraph.core.provenance import Source
from minigraph.core.types import TensorType
from minigraph.util.read_budget import Budget, Damaged

FORMAT, VERSION = "minigraph.graph", 1
_SMALL = 16  # elements; larger arrays are written in base64
_DTYPES = {d.name: d for d in (*ALL, *COMPLEX)}

Types = tuple[TensorType, ...]


class NodeRecord(NamedTuple):
    """One node. input: `name` or `name:output` for data, then `^name` for control inputs, as in TensorFlow 1.

    op: the op's type; attr: its attributes by name. types: of the outputs.
    """

    name: str
    op: str
    input: tuple[str, ...]
    attr: Mapping[str, Any]
    types: Types
    source: Source


class GraphRecords:
    """The nodes of a graph as plain records, in the order of making. `tf.Graph.as_records` makes it.

    Args:
        node: The records.
        op_count: TensorFlow 1's count of the nodes, from which default seeds of random ops come.
    """

    def __init__(self, node: Iterable[NodeRecord] = (), op_count: int = 0) -> None:
        self.node = list(node)
        self.op_count = op_count

    def to_text(self) -> str:
        """The text of a graph file with these nodes. GraphError where an attribute cannot be written."""
        return to_text(Saved(self))

    @classmethod
    def from_text(cls, text: str) -> GraphRecords:
        """The records in the text of a graph file. DataLossError where it is damaged or of another kind."""
        return from_bytes(text.encode()).graph_def

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GraphRecords) and self.to_text() == other.to_text()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<GraphRecords of {len(self.node)} nodes>"


class VariableDef(NamedTuple):
    """A variable, by the names of its buffer's node, its initializer, and the tensors of initial value and read."""

    name: str
    initializer: str
    initial_value: str
    snapshot: str
    trainable: bool


class ItemRef(NamedTuple):
    """An item of a collection that stands for a part of the graph. kind: "variable", "tensor" or "operation"."""

    kind: str
    name: str


class Saved(NamedTuple):
    """The content of a graph file. Items of collections are references, numbers and strings."""

    graph_def: GraphRecords
    variables: tuple[VariableDef, ...] = ()
    collections: Mapping[str, tuple[Any, ...]] = {}


# writing


def to_text(saved: Saved) -> str:
    """The text of a graph file."""
    head = {"format": FORMAT, "version": VERSION, "op_count": saved.graph_def.op_count}
    parts = [_json(head)[1:-1], f'"nodes": {_lines(map(_plain_node, saved.graph_def.node))}']
    if saved.variables:
        parts.append(f'"variables": {_lines(v._asdict() for v in saved.variables)}')
    if saved.collections:
        items = (f"{_json(key)}: {_json([_plain_item(i) for i in v])}" for key, v in saved.collections.items())
        parts.append('"collections": {\n' + ",\n".join(items) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _lines(values: Iterable[Any]) -> str:
    return "[\n" + ",\n".join(map(_json, values)) + "\n]"


def _plain_node(node: NodeRecord) -> dict[str, Any]:
    attributes = plain_attributes(node.name, node.op, node.attr)
    return node._asdict() | {"attr": attributes, "types": list(map(str, node.types))}


def plain_attributes(node: str, op: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """JSON's form of the attributes of a node's op. GraphError where one has none."""
    plain = {}
    for name, value in attributes.items():
        try:
            plain[name] = _plain(value)
        except (Damaged, MinigraphError) as error:
            raise GraphError(f"node '{node}' ({op}) cannot be written: its attribute '{name}' is {error}") from None
    return plain


def attributes_from(plain: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
    """The attributes that `plain` states as JSON. DataLossError if it states none."""
    try:
        return {name: _value(value, budget) for name, value in plain.items()}
    except Damaged as error:
        raise DataLossError(str(error)) from None


def _plain(value: Any) -> Any:
    """JSON's form of an attribute's value."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": str(value)}
    if type(value) is tuple:
        return [_plain(v) for v in value]
    if isinstance(value, DType):
        return {"dtype": value.name}
    if isinstance(value, TensorType):
        return {"type": str(value)}
    if isinstance(value, np.ndarray | np.generic):
        return _plain_array(np.asarray(value), "array" if isinstance(value, np.ndarray) else "scalar")
    raise Damaged(f"{value!r}, and a {type(value).__name__} has no form in a graph file")


def _plain_array(array: np.ndarray, kind: str) -> dict[str, Any]:
    head = {kind: str(TensorType(as_dtype(array.dtype), array.shape))}
    raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    if array.size <= _SMALL:
        values = _exact(array)
        if values is not None:
            return head | {"values": values}
    elif raw == raw[: array.itemsize] * array.size and (values := _exact(array.reshape(-1)[:1])):
        return head | {"fill": values[0]}
    import base64

    return head | {"data": base64.b64encode(raw).decode("ascii")}


def _exact(array: np.ndarray) -> list[Any] | None:
    """The elements as JSON's numbers, with the fewest digits that give them back to the bit; None if there are none."""
    if array.dtype.kind == "c":
        return None
    flat = array.reshape(-1)
    values = [float(str(v)) for v in flat] if array.dtype.kind == "f" else flat.tolist()
    same = np.array(values, array.dtype).tobytes() == flat.tobytes()
    return values if same and np.isfinite(flat).all() else None


def _plain_item(item: Any) -> Any:
    return {item.kind: item.name} if isinstance(item, ItemRef) else _plain(item)


# reading


def from_bytes(content: bytes, name: str = "the graph") -> Saved:
    """The content of a graph file; errors call it `name`. DataLossError if it is damaged or of another kind."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise DataLossError(f"{name} is not a graph file") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        if f'"{FORMAT}"' in text[:200]:
            raise DataLossError(f"{name} is a damaged graph file, perhaps cut off: {error}") from None
        raise DataLossError(f"{name} is not a graph file") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise DataLossError(f"{name} is not a graph file")
    if found.get("version") != VERSION:
        raise DataLossError(f"{name} is a graph file of version {found.get('version')}, this reads version {VERSION}")
    try:
        return _saved(found, Budget(len(content)))
    except Damaged as error:
        raise DataLossError(f"{name} is a damaged graph file: {error}") from None


def _saved(found: dict[str, Any], budget: Budget) -> Saved:
    nodes = [_about(f"node {i}", _node, plain, budget) for i, plain in enumerate(_get(found, "nodes", list))]
    variables = found.get("variables", [])
    collections = found.get("collections", {})
    if not isinstance(variables, list) or not isinstance(collections, dict):
        raise Damaged("'variables' must be a list and 'collections' an object")
    return Saved(
        GraphRecords(nodes, _get(found, "op_count", int)),
        tuple(_about(f"variable {i}", _variable, plain) for i, plain in enumerate(variables)),
        {key: _about(f"collection '{key}'", _items, plain, budget) for key, plain in collections.items()},
    )


def _about(what: str, read: Callable[..., Any], plain: Any, *arguments: Budget) -> Any:
    """`read(plain, …)`, with `what` in front of an error's text."""
    try:
        return read(plain, *arguments)
    except Damaged as error:
        name = f" '{plain['name']}'" if isinstance(plain, dict) and isinstance(plain.get("name"), str) else ""
        raise Damaged(f"{what}{name}: {error}") from None


def _get(plain: Any, key: str, kind: type) -> Any:
    if not isinstance(plain, dict):
        raise Damaged(f"expected an object, got {_short(plain)}")
    if type(plain.get(key)) is not kind:
        raise Damaged(f"'{key}' must be a {kind.__name__}, got {_short(plain.get(key))}")
    return plain[key]


def _short(plain: Any) -> str:
    text = json.dumps(plain)
    return text if len(text) <= 60 else text[:57] + "..."


def _node(plain: Any, budget: Budget) -> NodeRecord:
    attributes = {n: _about(f"attribute '{n}'", _value, v, budget) for n, v in _get(plain, "attr", dict).items()}
    where = _get(plain, "source", list)
    if list(map(type, where)) != [str, int, str]:
        raise Damaged(f"'source' must be a file, a line and a function, got {_short(where)}")
    types = tuple(parse_type(t) for t in _strings(plain, "types"))
    name, op = _get(plain, "name", str), _get(plain, "op", str)
    return NodeRecord(name, op, _strings(plain, "input"), attributes, types, Source(*where))


def _strings(plain: Any, key: str) -> tuple[str, ...]:
    values = _get(plain, key, list)
    if not all(type(v) is str for v in values):
        raise Damaged(f"'{key}' must hold strings, got {_short(values)}")
    return tuple(values)


def _variable(plain: Any) -> VariableDef:
    kinds = {"trainable": bool}
    return VariableDef(**{n: _get(plain, n, kinds.get(n, str)) for n in VariableDef._fields})


def _items(plain: Any, budget: Budget) -> tuple[Any, ...]:
    if not isinstance(plain, list):
        raise Damaged(f"expected a list, got {_short(plain)}")
    return tuple(_item(i, budget) for i in plain)


def _item(plain: Any, budget: Budget) -> Any:
    if isinstance(plain, dict) and len(plain) == 1:
        kind = next(iter(plain))
        if kind in ("variable", "tensor", "operation"):
            return ItemRef(kind, _get(plain, kind, str))
    return _value(plain, budget)


def parse_type(text: str) -> TensorType:
    """The type that prints as `text`, such as `float32[?,3]`."""
    name, bracket, rest = text.partition("[")
    if name not in _DTYPES or not bracket or not rest.endswith("]"):
        raise Damaged(f"expected a type such as float32[?,3], got '{text}'")
    dtype, inner = _DTYPES[name], rest[:-1]
    if inner == "...":
        return TensorType(dtype, None)
    dims = inner.split(",") if inner else []
    if not all(d == "?" or re.fullmatch(r"[0-9]{1,18}", d) for d in dims):
        raise Damaged(f"expected a type such as float32[?,3], got '{text}'")
    return TensorType(dtype, tuple(None if d == "?" else int(d) for d in dims))


def _value(plain: Any, budget: Budget) -> Any:
    """The attribute value that `plain` states as JSON."""
    if plain is None or isinstance(plain, bool | int | str):
        return plain
    if isinstance(plain, float) and math.isfinite(plain):
        return plain
    if isinstance(plain, list):
        with budget.nested("a list"):
            return tuple([_value(v, budget) for v in plain])
    if isinstance(plain, dict):
        keys = set(plain)
        if keys == {"float"} and plain["float"] in ("nan", "inf", "-inf"):
            return float(plain["float"])
        if keys == {"dtype"} and (dtype := _DTYPES.get(_get(plain, "dtype", str))):
            return dtype
        if keys == {"type"}:
            return parse_type(_get(plain, "type", str))
        if len(keys) == 2 and keys & {"array"}:
            return _array(plain, "array", budget)
        if len(keys) == 2 and keys & {"scalar"}:
            return _array(plain, "scalar", budget)[()]
    raise Damaged(f"{_short(plain)} cannot be held by a graph file")


def _array(plain: dict[str, Any], kind: str, budget: Budget) -> np.ndarray:
    type = parse_type(_get(plain, kind, str))
    if not type.is_static:
        raise Damaged(f"an array of type {type} has no definite size")
    dtype = type.dtype.np_dtype
    budget.take("an array", type.static, dtype.itemsize)
    if "fill" in plain:
        return np.full(type.static, _from_values([plain["fill"]], dtype)[0])
    array = _from_values(_get(plain, "values", list), dtype) if "values" in plain else _from_data(plain, dtype)
    if array.size != type.size:
        raise Damaged(f"an array of type {type} needs {type.size} elements, but {array.size} are given")
    return array.reshape(type.static)


def _from_values(values: list[Any], dtype: np.dtype[Any]) -> np.ndarray:
    kinds = {"f": (float, int), "b": (bool,)}.get(dtype.kind, (int,))
    if not all(type(v) in kinds for v in values):
        raise Damaged(f"{_short(values)} are not {dtype} values")
    try:
        return np.array(values, dtype)
    except (OverflowError, ValueError) as error:
        raise Damaged(str(error)) from None


def _from_data(plain: dict[str, Any], dtype: np.dtype[Any]) -> np.ndarray:
    import base64

    try:
        raw = base64.b64decode(_get(plain, "data", str), validate=True)
    except ValueError as error:
        raise Damaged(f"'data' is not base64: {error}") from None
    if len(raw) % dtype.itemsize or (dtype.kind == "b" and raw.strip(b"\0\1")):
        raise Damaged(f"'data' does not hold whole elements of {dtype}")
    return np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype)
