"""Importers and exporters of variables, assignments, optimizer steps, random numbers, conditions and files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigraph.core.dtypes import int32, string, uint8
from minigraph.core.graph import Tensor
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.formats.tensorflow.emit import Exporter, TfExport, const_attributes, plain, typed
from minigraph.formats.tensorflow.node import Importer, Result, TfNode, same
from minigraph.formats.tensorflow.values import Dims, read_shape
from minigraph.ops.array.gathering import GatherV2
from minigraph.ops.builder import apply
from minigraph.ops.constant import Const, StringConst, string_array
from minigraph.ops.control.branches import Merge, Switch
from minigraph.ops.control.checks import Assert, Print
from minigraph.ops.host.image_files import DecodeImage, EncodeImage, ReadFile, WriteFile
from minigraph.ops.host.summary import HistogramSummary, ImageSummary, MergeSummary, ScalarSummary
from minigraph.ops.identity import Identity
from minigraph.ops.random import distributions, sampling
from minigraph.ops.state import update
from minigraph.ops.state.scatter import ScatterAdd, ScatterSub, ScatterUpdate
from minigraph.ops.state.sparse_update import SPARSE, SparseApply, SparseApplyGradientDescent
from minigraph.ops.state.variable import Assign, AssignAdd, AssignSub, NoOp, ReadVariable, VariableV2

Tensors = Sequence[Tensor]

# variables


def _variable(call: TfNode) -> Tensors:
    shape = read_shape(call.raw("shape").shape)
    kind = TensorType(call.dtype("dtype"), shape)
    if not kind.is_static:
        call.unsupported(f"a variable of unknown shape {kind} is not read")
    return call.add(VariableV2(kind, call.name))


def _writes(op: Op) -> Importer:
    """An op on a variable. TensorFlow's ops on resources give nothing."""

    def build(call: TfNode) -> Result:
        if not isinstance(call.x.node.op, VariableV2):
            call.unsupported(f"it changes '{call.x.name}', which is no variable")
        return call.same(op)

    return build


def _apply(kind: type[update.Apply]) -> Importer:
    return lambda call: call.add(kind(**_attributes(call, kind)), *_operands(call, kind))


def _sparse_apply(kind: type[SparseApply]) -> Importer:
    """TensorFlow has the indices right after the gradient."""

    def build(call: TfNode) -> Tensors:
        op = kind(**_attributes(call, kind))
        operands = _operands(call, kind)
        operands.append(operands.pop(op.step.gradient % (len(operands) - 1) + 1))
        return call.add(op, *operands)

    return build


def _attributes(call: TfNode, kind: type[Op]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if "use_nesterov" in kind.fields:
        given["use_nesterov"] = bool(call.attr("use_nesterov", False))
    if "power" in kind.fields:
        given["power"] = -call.constant(len(call.inputs) - 1, "lr_power").item()
    return given


def _operands(call: TfNode, kind: type[Op]) -> list[Tensor]:
    """The operands without the power, which is an attribute here."""
    return list(call.inputs[: len(call.inputs) - ("power" in kind.fields)])


_STEPS = (
    update.ApplyGradientDescent, update.ApplyMomentum, update.ApplyAdagrad, update.ApplyAdadelta, update.ApplyFtrl,
    update.ApplyRMSProp, update.ApplyCenteredRMSProp, update.ApplyAdam, update.ApplyAdaMax, update.ApplyAdagradV2,
    update.ApplyKerasMomentum,
)  # fmt: skip
_SPARSE_STEPS = [kind for kind in SPARSE.values() if kind is not SparseApplyGradientDescent]
_UPDATES: dict[str, Op] = {
    "Assign": Assign(), "AssignVariableOp": Assign(), "AssignAdd": AssignAdd(), "AssignAddVariableOp": AssignAdd(),
    "AssignSub": AssignSub(), "AssignSubVariableOp": AssignSub(), "ScatterAdd": ScatterAdd(),
    "ResourceScatterAdd": ScatterAdd(), "ScatterSub": ScatterSub(), "ResourceScatterSub": ScatterSub(),
    "ScatterUpdate": ScatterUpdate(), "ResourceScatterUpdate": ScatterUpdate(),
}  # fmt: skip

# random numbers


def _random(kind: type[distributions.RandomOp]) -> Importer:
    def build(call: TfNode) -> Tensors:
        seed, seed2 = int(call.attr("seed", 0)), int(call.attr("seed2", 0))
        seeds = (seed, seed2) if seed or seed2 else (None, None)
        known = call.known(0)
        shape = None if known is None else tuple(map(int, known))
        if kind is distributions.RandomUniformInt:
            low, high = (int(call.constant(i, "a bound")) for i in (1, 2))
            op: Op = kind(call.dtype("Tout"), shape, *seeds).replace(low=low, high=high)
        else:
            op = kind(call.dtype("dtype"), shape, *seeds)
        return call.add(op, *([] if shape is not None else [call.x]))

    return build


def _shuffle(call: TfNode) -> Tensors:
    rows = (call.shape() or (None,))[0]
    if rows is None:
        call.unsupported("the number of rows must be known")
    seed, seed2 = int(call.attr("seed", 0)), int(call.attr("seed2", 0))
    order = sampling.RandomPermutation(int32, (rows,), *((seed, seed2) if seed or seed2 else (None, None)))
    return call.add(GatherV2(0), call.x, apply(order))


# conditions


def condition(tensor: Tensor) -> Tensor:
    """The tensor that a condition copies, so that all its switches read the same one."""
    while isinstance(tensor.node.op, Identity):
        tensor = tensor.node.inputs[0]
    return tensor


def shared_conditions(first: Sequence[Any], second: Sequence[Any]) -> int:
    """How many conditions, from the outermost on, two tensors have in common."""
    count = 0
    while count < min(len(first), len(second)) and first[count] == second[count]:
        count += 1
    return count


def _switch(call: TfNode) -> Tensors:
    return call.add(Switch(), call.x, condition(call.inputs[1]))


def _is_initialised(call: TfNode) -> Tensors:
    return call.add(Const(np.array(False)))


def _merge(call: TfNode) -> Tensors:
    """TensorFlow's Merge gives the input that was computed; minigraph's also reads the condition that decided."""
    if len(call.inputs) != 2:
        call.unsupported(f"it merges {len(call.inputs)} branches")
    shared = shared_conditions(*call.guards)
    one, other = (g[shared] if shared < len(g) else None for g in call.guards)
    decided = one or other
    if decided is not None and (one is None or other is None or (one[0] is other[0] and one[1] != other[1])):
        pred, taken = decided
        falls = (one is not None) == (taken == 0)  # whether the first input is that for False
        no, yes = call.inputs if falls else call.inputs[::-1]
        made = call.add(Merge(), no, yes, pred)
        return made if falls else (made[0], 1 - made[1])
    return call.unsupported("no condition decides between the two tensors that it merges")


# checks, summaries and files


def _assert(call: TfNode) -> Tensors:
    parts, data = [], []
    for tensor in call.inputs[1:]:
        value = tensor.node.op
        if isinstance(value, StringConst):
            parts.append(value.value.decode(errors="replace"))
        else:
            parts.append(None)  # type: ignore[arg-type]
            data.append(tensor)
    summarize = int(call.attr("summarize", 3))
    return call.add(Assert(tuple(parts), summarize), call.x, *data)


def _print(call: TfNode) -> Tensors:
    op = Print(call.attr("message", ""), int(call.attr("first_n", -1)), int(call.attr("summarize", 3)))
    return call.add(op, *[t for t in call.inputs if not isinstance(t.node.op, StringConst)])


def _summary(kind: type[Op]) -> Importer:
    def build(call: TfNode) -> Tensors:
        more = {"max_images": int(call.attr("max_images", 3))} if kind is ImageSummary else {}
        return call.add(kind(tag=call.text(0, "the tag").decode(), **more), call.inputs[1])

    return build


def _decode(form: str) -> Importer:
    return lambda call: call.same(DecodeImage(int(call.attr("channels", 0)), form))


def _encode(form: str) -> Importer:
    def build(call: TfNode) -> Tensors:
        quality, compression = int(call.attr("quality", 95)), int(call.attr("compression", -1))
        return call.same(EncodeImage(form, quality, compression))

    return build


IMPORT: dict[str, Importer] = {
    **{kind.__name__: _apply(kind) for kind in _STEPS},
    **{f"Resource{kind.__name__}": _apply(kind) for kind in _STEPS},
    **{kind.__name__: _sparse_apply(kind) for kind in _SPARSE_STEPS},
    **{f"Resource{kind.__name__}": _sparse_apply(kind) for kind in _SPARSE_STEPS},
    **{name: _writes(op) for name, op in _UPDATES.items()},
    "Assert": _assert,
    "ControlTrigger": lambda call: call.node(NoOp()),
    "DecodeBmp": _decode("BMP"),
    "DecodeGif": _decode("GIF"),
    "DecodeJpeg": _decode("JPEG"),
    "DecodePng": _decode("PNG"),
    "EncodeJpeg": _encode("JPEG"),
    "EncodePng": _encode("PNG"),
    "HistogramSummary": _summary(HistogramSummary),
    "Identity": lambda call: call.same(ReadVariable() if isinstance(call.x.node.op, VariableV2) else Identity()),
    "IsVariableInitialized": _is_initialised,
    "VarIsInitializedOp": _is_initialised,
    "ImageSummary": _summary(ImageSummary),
    "Merge": _merge,
    "MergeSummary": same(MergeSummary()),
    "NoOp": lambda call: call.node(NoOp()),
    "Print": _print,
    "RandomShuffle": _shuffle,
    "RandomStandardNormal": _random(distributions.RandomStandardNormal),
    "RandomUniform": _random(distributions.RandomUniform),
    "RandomUniformInt": _random(distributions.RandomUniformInt),
    "ReadFile": same(ReadFile()),
    "ReadVariableOp": same(ReadVariable()),
    "RefSwitch": _switch,
    "ScalarSummary": _summary(ScalarSummary),
    "Switch": _switch,
    "TruncatedNormal": _random(distributions.TruncatedNormal),
    "VarHandleOp": _variable,
    "Variable": _variable,
    "VariableV2": _variable,
    "WriteFile": same(WriteFile()),
}


# exporting


def _export_variable(e: TfExport) -> None:
    kind: TensorType = e.op.type
    e.give("VariableV2", dtype=kind.dtype, shape=Dims(kind.shape), container="", shared_name="")


def _export_apply(e: TfExport) -> None:
    _give_step(e, list(e.reads))


def _export_sparse_apply(e: TfExport) -> None:
    """TensorFlow's op makes one step for each index, so slices with one index are added up before."""
    *names, indices = e.reads
    place = e.op.step.gradient % len(names)
    kinds = {"T": e.dtype(place), "Tindices": e.dtype(len(names))}
    unique = e.help("Unique", "Unique", indices, T=kinds["Tindices"], out_idx=int32)
    count = e.help("Size", "count", unique, T=kinds["Tindices"], out_type=int32)
    names[place] = e.help(
        "UnsortedSegmentSum", "summed", names[place], f"{unique}:1", count, T=kinds["T"], Tindices=int32,
        Tnumsegments=int32,
    )  # fmt: skip
    names.insert(place + 1, unique)
    _give_step(e, names, Tindices=kinds["Tindices"])


def _give_step(e: TfExport, names: list[str], **kinds: Any) -> None:
    if "power" in e.op.fields:
        names = [*names, e.number(-e.op.power, e.dtype(), "lr_power")]
    nesterov = {"use_nesterov": e.op.use_nesterov} if "use_nesterov" in e.op.fields else {}
    e.give(type(e.op).__name__, *names, T=e.dtype(), **kinds, **nesterov)


def _export_sparse_descent(e: TfExport) -> None:
    variable, rate, values, indices = e.reads
    change = e.help("Mul", "mul", values, rate, T=e.dtype())
    e.give("ScatterSub", variable, indices, change, T=e.dtype(), Tindices=e.dtype(3))


def _export_scatter(kind: str) -> Exporter:
    return lambda e: e.same(kind, T=e.dtype(), Tindices=e.dtype(1))


def _export_random(kind: str) -> Exporter:
    def export(e: TfExport) -> Any:
        op = e.op
        shape = e.constant(op.shape, "shape") if op.shape is not None else e.read()
        seeds = {"seed": int(op.seed or 0), "seed2": int(op.seed2 or 0)}
        kind_of_shape = int32 if op.shape is not None else e.dtype()
        if kind == "RandomUniformInt":
            bounds = [e.number(v, op.dtype, n) for v, n in ((op.low, "min"), (op.high, "max"))]
            return e.give(kind, shape, *bounds, T=kind_of_shape, Tout=op.dtype, **seeds)
        return e.give(kind, shape, T=kind_of_shape, dtype=op.dtype, **seeds)

    return export


def _export_merge(e: TfExport) -> None:
    """TensorFlow's Merge gives the input that was computed, so each side must depend on a switch by the condition."""
    names, pred = e.reads, e.inputs[2]
    for taken in (0, 1):
        if not depends_on_switch(e.inputs[taken], pred, taken):
            switch = e.help("Switch", "Switch", names[taken], names[2], T=e.out.dtype)
            names[taken] = f"{switch}:1" if taken else switch
    e.give("Merge", *names[:2], T=e.out.dtype, N=2)


def depends_on_switch(tensor: Tensor, pred: Tensor, taken: int) -> bool:
    """Whether a tensor is computed only where the condition is True (`taken` 1) or False, as TensorFlow runs graphs."""
    stack, seen = [tensor], {tensor}
    while stack:
        found = stack.pop()
        node = found.node
        if isinstance(node.op, Switch) and node.inputs[1] is pred and found.value_index == taken:
            return True
        if not isinstance(node.op, Merge):
            stack += [t for t in node.inputs if t not in seen]
            seen.update(node.inputs)
    return False


def _export_assert(e: TfExport) -> None:
    data, names, kinds = list(e.reads[1:]), [], []
    types = [t.dtype for t in e.inputs[1:]]
    for i, part in enumerate(e.op.parts):
        if part is None:
            names.append(data.pop(0))
            kinds.append(types.pop(0))
        else:
            names.append(e.text(str(part), f"data_{i}"))
            kinds.append(string)
    summarize = 3 if e.op.summarize is None else e.op.summarize
    check = e.help("Assert", "check", e.read(), *names, T=tuple(kinds), summarize=int(summarize))
    message = e.give("Identity", e.read(), T=e.dtype())
    message.input.append(f"^{check}")


def _export_print(e: TfExport) -> None:
    more = {"summarize": int(e.op.summarize)} if e.op.summarize is not None else {}
    kinds = tuple(t.dtype for t in e.inputs[1:])
    e.same("Print", T=e.dtype(), U=kinds, message=e.op.message, first_n=int(e.op.first_n), **more)


def _export_summary(kind: str, label: str) -> Exporter:
    def export(e: TfExport) -> Any:
        more = {"max_images": int(e.op.max_images)} if kind == "ImageSummary" else {}
        return e.give(kind, e.text(e.op.tag, label), e.read(), T=e.dtype(), **more)

    return export


def _export_decode(e: TfExport) -> None:
    kind = {"JPEG": "DecodeJpeg", "PNG": "DecodePng", "BMP": "DecodeBmp"}.get(e.op.format, "DecodePng")
    e.same(kind, channels=int(e.op.channels), dtype=uint8 if kind == "DecodePng" else None)


def _export_encode(e: TfExport) -> None:
    if e.op.format == "JPEG":
        e.same("EncodeJpeg", quality=int(e.op.quality))
    else:
        e.same("EncodePng", compression=int(e.op.compression), T=e.dtype())


EXPORT: dict[str, Exporter] = {
    **{kind.__name__: _export_apply for kind in _STEPS},
    **{kind.__name__: _export_sparse_apply for kind in _SPARSE_STEPS},
    "SparseApplyGradientDescent": _export_sparse_descent,
    **{name: _export_scatter(name) for name in ("ScatterAdd", "ScatterSub", "ScatterUpdate")},
    **{
        name: _export_random(name)
        for name in ("RandomStandardNormal", "RandomUniform", "RandomUniformInt", "TruncatedNormal")
    },
    "Assert": _export_assert,
    "Assign": lambda e: e.same("Assign", T=e.dtype(), validate_shape=True),
    "AssignAdd": typed("AssignAdd"),
    "AssignSub": typed("AssignSub"),
    "DecodeImage": _export_decode,
    "EncodeImage": _export_encode,
    "HistogramSummary": _export_summary("HistogramSummary", "tag"),
    "ImageSummary": _export_summary("ImageSummary", "tag"),
    "Merge": _export_merge,
    "MergeSummary": lambda e: e.same("MergeSummary", N=len(e.inputs)),
    "NoOp": lambda e: e.give("NoOp"),
    "Print": _export_print,
    "ReadFile": plain("ReadFile"),
    "ReadVariable": typed("Identity"),
    "ScalarSummary": _export_summary("ScalarSummary", "tags"),
    "StringArray": lambda e: e.give("Const", **const_attributes(string_array(e.op.values).reshape(e.op.shape))),
    "StringConst": lambda e: e.give("Const", **const_attributes(string_array(e.op.value))),
    "Switch": typed("Switch"),
    "VariableV2": _export_variable,
    "WriteFile": plain("WriteFile"),
}
