"""Exports the nodes that the outputs need, with known values folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Node, Tensor
from minigraph.core.types import TensorType
from minigraph.formats.onnx.emit import IR_VERSION, OPSET, Emit, Sheet, describe, value_info
from minigraph.formats.onnx.library import UnsupportedError, require_onnx
from minigraph.formats.onnx.table import EXPORTERS
from minigraph.formats.onnx.values import first_perm
from minigraph.graphs.known import Known, add_known
from minigraph.ops.constant import Placeholder, PlaceholderWithDefault
from minigraph.ops.state.variable import VariableV2


def export_model(
    outputs: Mapping[str, Tensor],
    inputs: Sequence[Tensor],
    fixed: Mapping[Tensor, Any],
    variables: Mapping[str, Any],
    opset: int = OPSET,
    layout: str = "NHWC",
    batch: str = "N",
) -> Any:
    """The ModelProto that computes `outputs` from `inputs`; see `minigraph.onnx.save`."""
    if layout not in ("NHWC", "NCHW"):
        raise ValueError(f"layout must be NHWC or NCHW, not {layout!r}")
    latest = require_onnx().defs.onnx_opset_version()
    if not OPSET <= opset <= latest:
        raise UnsupportedError(
            f"the operator set must be from {OPSET} to {latest}, as the onnx package has, not {opset}"
        )
    needed = _ancestors(outputs.values())
    sheet = Sheet()
    sheet.known.update({t: np.asarray(v, t.dtype.np_dtype) for t, v in fixed.items()})
    add_known(needed, sheet.known, variables)
    wanted = _without_known(outputs.values(), sheet.known)
    _check(wanted, inputs)
    infos = [_enter(sheet, t, layout, batch) for t in inputs]
    for name in outputs:
        sheet.fresh(name)
    sheet.uses.update(Counter(t for node in wanted for t in node.inputs) + Counter(outputs.values()))
    for node in wanted:
        if node.outputs and node.outputs[0] not in sheet.plain and node.outputs[0] not in inputs:
            EXPORTERS[node.type](Emit(sheet, node))
    return _converted(_model(sheet, outputs, infos, batch), opset)


def _enter(sheet: Sheet, tensor: Tensor, layout: str, batch: str) -> Any:
    """Make a tensor an input, with channels first if `layout` says so; return its description."""
    name, kind = sheet.fresh(tensor.node.name), tensor.type
    if layout == "NHWC" or kind.shape is None or len(kind.shape) != 4:
        sheet.plain[tensor] = name
        return value_info(name, kind, batch)
    sheet.first[tensor] = name
    turned = tuple(kind.shape[i] for i in first_perm(4))
    return value_info(name, TensorType(kind.dtype, turned), batch)


def _ancestors(tensors: Iterable[Tensor], stop: Mapping[Tensor, Any] | None = None) -> list[Node]:
    """The nodes that the tensors need, in order, up to the tensors in `stop`."""
    todo = [t.node for t in tensors if not stop or t not in stop]
    found: set[Node] = set()
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += [t.node for t in node.inputs if not stop or t not in stop]
    return sorted(found, key=lambda n: n.id)


def _without_known(tensors: Iterable[Tensor], known: Known) -> list[Node]:
    return _ancestors(tensors, known)


def _check(nodes: Sequence[Node], inputs: Sequence[Tensor]) -> None:
    """Raise one error for all nodes that cannot be exported."""
    given = {t.node for t in inputs}
    problems = []
    for node in nodes:
        if node in given or node.type in EXPORTERS:
            continue
        if isinstance(node.op, Placeholder | PlaceholderWithDefault):
            why = "it is neither an input nor given a value"
        elif node.op.draws:
            why = "it draws random numbers, as in training; give dropout's rate the value for inference"
        elif node.op.writes or isinstance(node.op, VariableV2):
            why = "it changes variables, which only training does"
        else:
            why = "ONNX has no operator for it, or minigraph no exporter"
        problems.append(f"{describe(node)}: {why}")
    if problems:
        raise UnsupportedError("these cannot be written as ONNX:\n  " + "\n  ".join(problems))


def _converted(model: Any, opset: int) -> Any:
    """The model in a newer operator set."""
    if opset == OPSET:
        return model
    from onnx import version_converter

    newer = version_converter.convert_version(model, opset)
    newer.ir_version = max(IR_VERSION, require_onnx().helper.find_min_ir_version_for(newer.opset_import))
    return newer


def _model(sheet: Sheet, outputs: Mapping[str, Tensor], infos: Sequence[Any], batch: str) -> Any:
    onnx = require_onnx()
    helper = onnx.helper
    results = []
    for name, tensor in outputs.items():
        label = sheet.fresh(f"{name}/out")
        sheet.nodes.append(helper.make_node("Identity", [sheet.name_of(tensor)], [name], name=label))
        results.append(value_info(name, tensor.type, batch))
    _rename_identities(sheet, list(outputs))
    _drop_unread(sheet, outputs)
    graph = helper.make_graph(
        sheet.nodes,
        "minigraph",
        list(infos),
        results,
        [onnx.numpy_helper.from_array(a, n) for n, a in _read(sheet).items()],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="minigraph")


def _drop_unread(sheet: Sheet, outputs: Iterable[str]) -> None:
    """Remove dequantised filters in a layout that nothing reads."""
    read = {i for node in sheet.nodes for i in node.input} | set(outputs)
    sheet.nodes[:] = [n for n in sheet.nodes if n.op_type != "DequantizeLinear" or n.output[0] in read]


def _read(sheet: Sheet) -> dict[str, np.ndarray]:
    """The initializers that some node reads."""
    names = {i for node in sheet.nodes for i in node.input}
    return {n: a for n, a in sheet.initializers.items() if n in names}


def _rename_identities(sheet: Sheet, names: list[str]) -> None:
    """Rename the result of the node that makes an output to the output's name, if no other node is in between."""
    makers = {o: node for node in sheet.nodes for o in node.output}
    for node in [n for n in sheet.nodes if n.op_type == "Identity" and n.output[0] in names]:
        source = node.input[0]
        maker = makers.get(source)
        if maker is None or source in names:
            continue
        sheet.nodes.remove(node)
        for other in sheet.nodes:
            other.input[:] = [node.output[0] if i == source else i for i in other.input]
        maker.output[:] = [node.output[0] if o == source else o for o in maker.output]
