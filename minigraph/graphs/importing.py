"""Nodes from records, with TensorFlow 1's names and rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from minigraph.core.dtypes import DType
from minigraph.core.errors import FinalizedError, GraphError, ShapeError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.graph_def import GraphRecords, NodeRecord, Types
from minigraph.core.naming import VALID_NAME
from minigraph.core.op import REGISTRY, Op
from minigraph.core.types import TensorType, compatible, merge
from minigraph.ops.registry import find_op


def base_name(name: str) -> str:
    """The name of the node that an input (`name`, `name:output` or `^name`) reads or follows."""
    return name.removeprefix("^").partition(":")[0]


def full_name(name: str) -> str:
    """The name of a tensor with its output; `name` alone is the first."""
    return name if ":" in name else f"{name}:0"


class _Checked(NamedTuple):
    """A node whose op and types are known to fit, so making it cannot fail."""

    definition: NodeRecord
    op: Op
    types: Types


def add_nodes(
    graph: Graph, definition: GraphRecords, prefix: str = "", replaced: Mapping[str, Tensor] | None = None,
    trusted: bool = False,
) -> dict[str, Node]:  # fmt: skip
    """Append all nodes of a definition, named `prefix`/…; the new nodes by their names in the definition.

    replaced: tensors of `graph` by the inputs (`name` or `name:output`) that they replace. A name that is taken gets a
    suffix. trusted: whether nodes may read and write files, and call functions. GraphError names the first node that
    does not fit; then nothing is added.
    """
    mapped = {full_name(name): tensor for name, tensor in (replaced or {}).items()}
    checked = _check(definition, mapped)
    for record, op, _ in checked:
        if op.outside and not trusted:
            raise GraphError(
                f"{_where(record)}: in a run it would work on files or call functions, which a graph from a file may "
                "only do if it is trusted: trusted=True"
            )
    if graph.finalized:
        raise FinalizedError("Graph is finalized and cannot be modified.")
    made: dict[str, Node] = {}
    with graph.lock, graph.name_scope(None):
        for (name, _, inputs, _, _, source), op, types in checked:
            full = graph.unique_name(f"{prefix}/{name}" if prefix else name)
            data = [mapped[key] if (key := full_name(i)) in mapped else output(made, key) for i in _data(inputs)]
            control = tuple(made[i[1:]] for i in inputs if i.startswith("^"))
            made[name] = graph.append(op.renamed(full), tuple(data), types, full, control, source)
        for node in made.values():
            graph.use_scopes(node.name)
        graph.last_id += definition.op_count - len(made)
    return made


def _check(definition: GraphRecords, mapped: Mapping[str, Tensor]) -> list[_Checked]:
    types: dict[str, Types] = {}
    changed: set[str] = set()  # nodes behind replaced inputs, whose types may differ from the definition's
    checked = []
    for node in definition.node:
        if node.name in types:
            raise GraphError(f"{_where(node)}: the name occurs twice")
        if not VALID_NAME.fullmatch(node.name) or node.name.endswith("/"):
            raise GraphError(f"{_where(node)}: the name is not valid")
        given = [_given(types, node, i, mapped) for i in map(full_name, _data(node.input))]
        for name in (i[1:] for i in node.input if i.startswith("^")):
            if name not in types:
                raise GraphError(f"{_where(node)} runs after '{name}', which does not come before it")
        if any(full_name(i) in mapped or base_name(i) in changed for i in _data(node.input)):
            changed.add(node.name)
        op = _make_op(node)
        types[node.name] = _agree(node, _infer(node, op, given), node.name in changed)
        checked.append(_Checked(node, op, types[node.name]))
    return checked


def _where(node: NodeRecord) -> str:
    return f"node '{node.name}' ({node.op}, made at {node.source})"


def _data(inputs: Iterable[str]) -> list[str]:
    return [i for i in inputs if not i.startswith("^")]


def output(made: Mapping[str, Node], name: str) -> Tensor:
    """The tensor of a name, `node:output`."""
    base, _, index = name.partition(":")
    return made[base].outputs[int(index)]


def _given(types: Mapping[str, Types], node: NodeRecord, name: str, mapped: Mapping[str, Tensor]) -> TensorType:
    """The type of an input, which may be replaced by a tensor of the same dtype."""
    if name not in mapped:
        return _type(types, node, name)
    found = mapped[name]
    if base_name(name) in types and (expected := _type(types, node, name).dtype) is not found.dtype:
        raise GraphError(
            f"{_where(node)} was passed {found.dtype.name} from {found.name}, incompatible with expected "
            f"{expected.name}"
        )
    return found.type


def _type(types: Mapping[str, Types], node: NodeRecord, name: str) -> TensorType:
    base, _, index = name.partition(":")
    if base not in types:
        raise GraphError(f"{_where(node)} reads '{name}', but no node '{base}' comes before it")
    if not index.isdecimal() or int(index) >= len(types[base]):
        raise GraphError(f"{_where(node)} reads '{name}', but '{base}' has {len(types[base])} outputs")
    return types[base][int(index)]


def _make_op(node: NodeRecord) -> Op:
    kind = find_op(node.op)
    if kind is None:
        import difflib

        near = difflib.get_close_matches(node.op, REGISTRY, n=3)
        hint = f"; close names are {', '.join(near)}" if near else ""
        raise GraphError(f"{_where(node)}: there is no op named '{node.op}'{hint}")
    missing = [name for name in kind.fields if name not in node.attr and not hasattr(kind, name)]
    unknown = [name for name in node.attr if name not in kind.fields]
    if missing or unknown:
        found = f"lacks {missing}" if missing else f"has no {unknown}"
        raise GraphError(f"{_where(node)}: the op has the attributes {list(kind.fields)}; this one {found}")
    try:
        return kind(**node.attr)
    except Exception as error:
        raise GraphError(f"{_where(node)}: the attributes {dict(node.attr)} do not fit: {error}") from error


def _infer(node: NodeRecord, op: Op, given: list[TensorType]) -> Types:
    try:
        types = tuple(op.infer(*given))
        if not all(isinstance(t.dtype, DType) for t in types):
            raise TypeError("a dtype was expected")
        return types
    except Exception as error:  # attributes of a wrong kind can fail in any way
        inputs = ", ".join(map(str, given))
        raise GraphError(
            f"{_where(node)}: the attributes {dict(node.attr)} do not fit the inputs [{inputs}]: {error}"
        ) from error


def _agree(node: NodeRecord, inferred: Types, changed: bool) -> Types:
    """The types of the outputs: the definition's, or the inferred ones behind replaced inputs."""
    fits = [t.dtype for t in node.types] == [t.dtype for t in inferred]
    if not changed:
        if not fits or not all(compatible(a.shape, b.shape) for a, b in zip(inferred, node.types, strict=True)):
            said, rule = (f"({', '.join(map(str, types))})" for types in (node.types, inferred))
            raise GraphError(f"{_where(node)}: the file gives the output types {said}, but the op's rule gives {rule}")
        return node.types
    if not fits:
        return inferred
    return tuple(_merged(a, b) for a, b in zip(inferred, node.types, strict=True))


def _merged(inferred: TensorType, said: TensorType) -> TensorType:
    try:
        return TensorType(inferred.dtype, merge(inferred.shape, said.shape))
    except ShapeError:
        return inferred
