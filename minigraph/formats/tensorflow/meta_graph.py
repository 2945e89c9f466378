"""TensorFlow's `MetaGraphDef`: a graph with its variables, its collections, and the nodes that save and restore."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigraph.core.collections import GraphKeys
from minigraph.core.dtypes import DType, string
from minigraph.core.errors import DataLossError, GraphError
from minigraph.core.graph import Graph, Node, Tensor
from minigraph.core.protos import proto
from minigraph.core.typing import PathLike
from minigraph.formats.tensorflow.emit import TfGraph, const_attributes
from minigraph.formats.tensorflow.exporting import graph_message
from minigraph.formats.tensorflow.functions import without_functions
from minigraph.formats.tensorflow.graph_def import is_graph, read_message_file
from minigraph.formats.tensorflow.importing import add_message
from minigraph.formats.tensorflow.values import Dims, read_attribute, read_tensor
from minigraph.graphs.importing import base_name
from minigraph.ops.builder import apply
from minigraph.ops.constant import Const, string_array
from minigraph.ops.state.variable import Assign, ReadVariable, VariableV2
from minigraph.run.variables import Variable
from minigraph.util.read_budget import Budget, Damaged

# The collections whose items are `VariableDef` messages.
OF_VARIABLES = (
    GraphKeys.GLOBAL_VARIABLES, GraphKeys.TRAINABLE_VARIABLES, GraphKeys.LOCAL_VARIABLES, GraphKeys.MODEL_VARIABLES,
    GraphKeys.MOVING_AVERAGE_VARIABLES, "metric_variables", GraphKeys.GLOBAL_STEP,
)  # fmt: skip
# Collections of other messages, for which minigraph has no use.
_OTHER = ("cond_context", "while_context", "queue_runners", "savers", "saved_model_assets")
_MOST_IDENTITIES = 16  # between what restores a variable and what assigns it
_ASSIGN = ("Assign", "AssignVariableOp")


class Restored(NamedTuple):
    """A variable that the nodes of a Saver restore from the tensor `key`, or from the part `spec` of it."""

    variable: str
    key: str
    spec: str


class ImportedMetaGraph(NamedTuple):
    """The parts of a graph that a `MetaGraphDef` became, by their names in the message.

    variables: by the names of their nodes. restored: the variables that its Saver restores.
    """

    nodes: dict[str, Node]
    variables: dict[str, Variable]
    restored: list[Restored]


# writing


def meta_graph_message(
    graph: Graph, saved: Mapping[str, Variable] | None = None, keys: Iterable[str] | None = None,
    tags: Iterable[str] = (),
) -> Any:  # fmt: skip
    """A `MetaGraphDef` of a graph.

    saved: the variables that its Saver saves, by name; None for no Saver. keys: names of the collections to take; by
    default all whose name is a string.
    """
    message = proto("meta_graph", "MetaGraphDef")(graph_def=graph_message(graph))
    message.meta_info_def.tags.extend(tags)
    message.meta_info_def.tensorflow_version = "1.15.5"
    message.meta_info_def.tensorflow_git_version = "minigraph"
    if saved:
        message.saver_def.CopyFrom(add_saver(message.graph_def, saved))
    for key in graph.get_all_collection_keys() if keys is None else keys:
        if isinstance(key, str) and (items := graph.get_collection(key)):
            _write_collection(message.collection_def, key, items)
    message.meta_info_def.stripped_op_list.SetInParent()
    return message


def _write_collection(collections: Any, key: str, items: Sequence[Any]) -> None:
    if key in OF_VARIABLES:
        found = [_variable_def(v).SerializeToString() for v in items if isinstance(v, Variable)]
        if found:
            collections[key].bytes_list.value.extend(found)
        return
    kinds = {(bool, int): "int64_list", (float,): "float_list", (str, bytes): "bytes_list"}
    field = next((f for k, f in kinds.items() if all(isinstance(i, k) for i in items)), "node_list")
    for item in items:
        value = item.name if isinstance(item, Variable | Tensor | Node) else item
        value = value.encode() if isinstance(value, str) and field == "bytes_list" else value
        try:
            getattr(collections[key], field).value.append(value)
        except TypeError:
            text = f"the collection '{key}' is saved without {item!r}, which has no form in a file"
            warnings.warn(text, stacklevel=4)
    if not getattr(collections[key], field).value:
        del collections[key]


def _variable_def(variable: Variable) -> Any:
    return proto("variable", "VariableDef")(
        variable_name=variable.name,
        initial_value_name=variable.initial_value.name,
        initializer_name=variable.initializer.name,
        snapshot_name=variable.value().name,
        trainable=variable.trainable,
    )


def add_saver(graph_def: Any, saved: Mapping[str, Variable]) -> Any:
    """Append TensorFlow's nodes that save and restore variables, and describe them in a `SaverDef`."""
    sheet = TfGraph(node.name for node in graph_def.node)
    names = list(saved)
    kinds = tuple(v.dtype for v in saved.values())

    def add(kind: str, label: str, *inputs: str, **attributes: Any) -> str:
        name = sheet.fresh(f"save/{label}")
        sheet.add(kind, name, inputs, attributes)
        return name

    file = add("Const", "filename/input", **const_attributes(string_array("model")))
    file = add("PlaceholderWithDefault", "filename", file, dtype=string, shape=Dims(()))
    prefix = add("PlaceholderWithDefault", "Const", file, dtype=string, shape=Dims(()))
    texts = {"tensor_names": names, "shape_and_slices": [""] * len(names)}
    tables = [add("Const", f"SaveV2/{n}", **const_attributes(string_array(v))) for n, v in texts.items()]
    variables = [v.op.name for v in saved.values()]
    save = add("SaveV2", "SaveV2", prefix, *tables, *variables, dtypes=kinds)
    done = add("Identity", "control_dependency", prefix, f"^{save}", T=string)
    restore = add("RestoreV2", "RestoreV2", prefix, *tables, dtypes=kinds)
    assigned = [
        add("Assign", "Assign", v, restore if i == 0 else f"{restore}:{i}", T=kinds[i], validate_shape=True)
        for i, v in enumerate(variables)
    ]
    everything = add("NoOp", "restore_all", *(f"^{a}" for a in assigned))
    graph_def.node.extend(sheet.nodes)
    kind = proto("saver", "SaverDef")
    return kind(
        filename_tensor_name=f"{prefix}:0", save_tensor_name=f"{done}:0", restore_op_name=everything,
        max_to_keep=5, keep_checkpoint_every_n_hours=10000.0, version=kind.V2,
    )  # fmt: skip


# reading


def read_meta_graph(path: PathLike) -> Any:
    """The `MetaGraphDef` in a file, binary or text. NotFoundError; DataLossError."""
    return read_message_file(path, proto("meta_graph", "MetaGraphDef"), "a meta graph of TensorFlow", _holds_graph)


def _holds_graph(message: Any) -> bool:
    return is_graph(message.graph_def)


def add_meta_graph(
    graph: Graph, message: Any, scope: str = "", replaced: Mapping[str, Tensor] | None = None, trusted: bool = False
) -> ImportedMetaGraph:
    """Add a `MetaGraphDef` to a graph, with variables and collections.

    GraphError, or DataLossError for variables that are too large; then nothing is added.
    """
    definitions = _variable_defs(message)
    names = {node.name for node in message.graph_def.node}
    for definition in definitions.values():
        _check_variable(definition, names)
    whole = without_functions(message.graph_def)
    restored = restored_by(whole)
    bare = dict.fromkeys(r.variable for r in restored if r.variable not in definitions)
    _check_sizes(message, [node for node in whole.node if node.name in bare])
    added = add_message(graph, whole, scope, replaced, trusted=trusted)
    variables = {name: _variable(d, added.tensors, added.nodes) for name, d in definitions.items()}
    for name in bare:
        if name in added.nodes and isinstance(added.nodes[name].op, VariableV2):
            variables[name] = _bare_variable(added.nodes[name].outputs[0])
    for key, collection in message.collection_def.items():
        for item in _items(key, collection, added.nodes, added.tensors, variables):
            graph.add_to_collection(key, item)
    return ImportedMetaGraph(added.nodes, variables, restored)


def _variable_defs(message: Any) -> dict[str, Any]:
    """The `VariableDef` messages of all collections, by the names of the variables' nodes."""
    from google.protobuf.message import DecodeError

    kind, found = proto("variable", "VariableDef"), {}
    for key in OF_VARIABLES:
        for content in message.collection_def[key].bytes_list.value if key in message.collection_def else ():
            try:
                definition = kind.FromString(content)
            except DecodeError:
                raise DataLossError(f"the collection '{key}' holds what is no variable") from None
            name = base_name(definition.variable_name)
            if key == GraphKeys.TRAINABLE_VARIABLES:
                definition.trainable = True
            if name not in found or definition.trainable:
                found[name] = definition
    return found


def _check_variable(definition: Any, nodes: set[str]) -> None:
    for name in (definition.variable_name, definition.initializer_name, definition.snapshot_name):
        if name and base_name(name) not in nodes:
            raise GraphError(f"the variable '{definition.variable_name}' refers to '{name}', which is not in the graph")


def _check_sizes(message: Any, variables: Iterable[Any]) -> None:
    """DataLossError if the initial values of variables, which the file does not hold, are too large for the file."""
    budget = Budget(message.ByteSize)
    for node in variables:
        kind, shape = (read_attribute(node.attr[k], budget) if k in node.attr else None for k in ("dtype", "shape"))
        if isinstance(kind, DType) and isinstance(shape, tuple) and None not in shape:
            try:
                budget.take(node.name, shape, kind.np_dtype.itemsize)
            except Damaged as error:
                raise DataLossError(f"the variable {error}") from None


def _variable(definition: Any, tensors: Mapping[str, Tensor], nodes: Mapping[str, Node]) -> Variable:
    ref = tensors[definition.variable_name]
    snapshot = tensors.get(definition.snapshot_name, ref)
    initializer = nodes.get(definition.initializer_name)
    if initializer is None or len(initializer.inputs) < 2:
        raise GraphError(f"the variable '{definition.variable_name}' has no node that gives it its initial value")
    initial = tensors.get(definition.initial_value_name, initializer.inputs[1])
    return Variable.from_parts(ref, initializer, initial, snapshot, definition.trainable)


def _bare_variable(ref: Tensor) -> Variable:
    """A variable that is in no collection, as in TensorFlow 2's SavedModels, with zeros as its initial value."""
    with ref.graph.counted_as(0), ref.graph.name_scope(f"{ref.node.name}/"):
        zeros = np.zeros(ref.type.static, ref.dtype.np_dtype)
        initial = apply(Const(zeros), name="Initializer/zeros")
        assign = ref.graph.add(Assign(), (ref, initial), "Assign")
        return Variable.from_parts(ref, assign, initial, apply(ReadVariable(), ref, name="read"), False)


def _items(
    key: str, collection: Any, nodes: Mapping[str, Node], tensors: Mapping[str, Tensor],
    variables: Mapping[str, Variable],
) -> Iterable[Any]:  # fmt: skip
    kind = collection.WhichOneof("kind")
    if kind is None or kind == "any_list" or key in _OTHER:
        return []
    values = getattr(collection, kind).value
    if key in OF_VARIABLES and kind == "bytes_list":
        definitions = map(proto("variable", "VariableDef").FromString, values)
        return [variables[base_name(d.variable_name)] for d in definitions]
    if kind == "node_list":
        found = [tensors.get(v) if ":" in v else nodes.get(v) for v in values]
        return [item for item in found if item is not None]  # what only saves and restores is left out
    return [v.decode(errors="replace") if isinstance(v, bytes) else v for v in values]


def restored_by(graph_def: Any) -> list[Restored]:
    """The variables that the nodes of a Saver in a graph restore."""
    messages = {node.name: node for node in graph_def.node}
    budget = Budget(graph_def.ByteSize)

    @cache
    def texts(name: str) -> list[str]:
        node = messages.get(base_name(name))
        if node is None or node.op != "Const":
            return []
        return [v.decode(errors="replace") for v in read_tensor(node.attr["value"].tensor, budget).ravel()]

    found: dict[str, Restored] = {}
    for node in graph_def.node:
        if node.op not in _ASSIGN or len(node.input) < 2:
            continue
        source = node.input[1]
        for _ in range(_MOST_IDENTITIES):
            maker = messages.get(base_name(source))
            if maker is None or maker.op != "Identity" or not maker.input:
                break
            source = maker.input[0]
        if maker is None or maker.op not in ("RestoreV2", "RestoreSlice", "Restore") or len(maker.input) < 2:
            continue
        output = source.partition(":")[2]
        index = int(output) if output.isdecimal() else 0
        names, specs = texts(maker.input[1]), texts(maker.input[2]) if len(maker.input) > 2 else []
        if index < len(names):
            target = base_name(node.input[0])
            spec = specs[index] if index < len(specs) else ""
            found.setdefault(target, Restored(target, names[index], spec))
    return list(found.values())
