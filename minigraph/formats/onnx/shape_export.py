"""Exporters of the ops that make, change or report shapes. `shape.py` has their importers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigraph.core.graph import Tensor
from minigraph.core.types import Dim
from minigraph.formats.onnx.emit import Emit
from minigraph.formats.onnx.library import as_onnx_dtype
from minigraph.formats.onnx.reduce import FIRST
from minigraph.formats.onnx.values import first_perm, last_perm
from minigraph.ops.array.shape import static_dims
from minigraph.ops.broadcast import normalise_axes

FAR = 2**63 - 1


def _flat_image(e: Emit) -> str:
    """The name of an input, in either layout if the image has one pixel, because the element order is then the same."""
    shape = e.inputs[0].type.shape or ()
    return e.first() if e.is_first() and set(shape[1:-1]) == {1} else e.plain()


def _shape_of(e: Emit, tensor: Tensor) -> str:
    """The shape in minigraph's layout, as int64."""
    sheet = e.sheet
    if tensor in sheet.first and tensor not in sheet.plain:
        order = e.ints(last_perm(tensor.type.rank or 0), "perm")
        return e.add("Gather", e.add("Shape", sheet.first[tensor]), order)
    return e.add("Shape", sheet.name_of(tensor))


def _reshaped(e: Emit, name: str, shape: Sequence[Dim]) -> str:
    return e.add("Reshape", name, e.ints([-1 if d is None else d for d in shape], "shape"))


def _reshape_to(e: Emit) -> None:
    dims = static_dims(e.inputs[1])
    if dims is not None and dims.count(None) <= 1:
        e.give(_reshaped(e, _flat_image(e), dims))
    else:
        e.give(e.add("Reshape", _flat_image(e), e.as_int64(1)))


def _reshape_like(e: Emit) -> None:
    shape = e.out.shape
    if shape is not None and shape.count(None) <= 1:
        e.give(_reshaped(e, _flat_image(e), shape))
    else:
        e.give(e.add("Reshape", _flat_image(e), _shape_of(e, e.inputs[1])))


def _squeeze(e: Emit) -> None:
    axes = [e.ints(e.op.axis, "axes")] if e.op.axis else []
    e.give(e.add("Squeeze", e.plain(), *axes))


def _transpose(e: Emit) -> None:
    """A transpose from one image layout to the other needs no node."""
    rank = e.inputs[0].type.rank
    perm = e.op.perm if e.op.perm is not None or rank is None else tuple(reversed(range(rank)))
    if rank is not None and rank > 2 and perm == first_perm(rank) and e.is_first():
        e.give(e.first())
    elif rank is not None and rank > 2 and perm == last_perm(rank):
        e.give_first(e.plain())
    else:
        attributes: dict[str, Any] = {} if perm is None else {"perm": list(perm)}
        e.give(e.add("Transpose", e.plain(), **attributes))


def _concat(e: Emit) -> None:
    rank = e.out.rank or 0
    axis = e.op.axis % rank if rank else e.op.axis
    if rank == 4 and any(e.is_first(i) for i in range(len(e.inputs))):
        names = [e.first(i) for i in range(len(e.inputs))]
        e.give_first(e.add("Concat", *names, axis=FIRST[axis]))
    else:
        e.give(e.add("Concat", *(e.plain(i) for i in range(len(e.inputs))), axis=axis))


def _pack(e: Emit) -> None:
    axes = e.ints([e.op.axis], "axes")
    names = [e.add("Unsqueeze", e.plain(i), axes) for i in range(len(e.inputs))]
    e.give(e.add("Concat", *names, axis=e.op.axis))


def _pieces(e: Emit, axis: int, sizes: Sequence[int] | None, count: int) -> tuple[list[str], bool]:
    rank = e.inputs[0].type.rank or 0
    first = rank == 4 and e.is_first()
    name, place = (e.first(), FIRST[axis % rank]) if first else (e.plain(), axis)
    extra = [] if sizes is None else [e.ints(sizes, "sizes")]
    return e.sheet.add("Split", [name, *extra], e.name, count, axis=place), first


def _split(e: Emit) -> None:
    names, first = _pieces(e, e.op.axis, e.op.sizes, len(e.node.outputs))
    for i, name in enumerate(names):
        (e.give_first if first else e.give)(name, i)


def _unpack(e: Emit) -> None:
    axes = e.ints([e.op.axis], "axes")
    names = e.sheet.add("Split", [e.plain()], e.name, e.op.num, axis=e.op.axis)
    for i, name in enumerate(names):
        e.give(e.add("Squeeze", name, axes), i)


def _strided_slice(e: Emit) -> None:
    shape = e.inputs[0].type.shape
    if shape is None:
        e.unsupported("the rank of the input must be known")
    entries, dropped, new = _by_axis(e.op.spec, len(shape))
    first = len(shape) == 4 and e.is_first() and not dropped and not new
    name = e.first() if first else e.plain()
    cuts = {(FIRST[a] if first else a): cut for a, cut in entries.items()}
    if cuts:
        columns = [e.ints(column, "slice") for column in zip(*cuts.values(), strict=True)]
        name = e.add("Slice", name, columns[0], columns[1], e.ints(list(cuts), "axes"), columns[2])
    if dropped:
        name = e.add("Squeeze", name, e.ints(dropped, "axes"))
    if new:
        name = e.add("Unsqueeze", name, e.ints(new, "axes"))
    if not (cuts or dropped or new):
        name = e.add("Identity", name)
    e.result(name, first)


def _by_axis(spec: Any, rank: int) -> tuple[dict[int, tuple[int, int, int]], list[int], list[int]]:
    """(start, end, step) by axis; the input's dropped axes; the result's new axes."""
    used = sum(kind in ("slice", "index") for kind, *_ in spec)
    cuts: dict[int, tuple[int, int, int]] = {}
    dropped, new = [], []
    axis = out = 0
    for kind, *args in spec:
        if kind == "new":
            new.append(out)
            out += 1
        elif kind == "rest":
            axis, out = axis + rank - used, out + rank - used
        elif kind == "index":
            cuts[axis] = args[0], FAR if args[0] == -1 else args[0] + 1, 1
            dropped.append(axis)
            axis += 1
        else:
            start, stop, step = args
            step = step or 1
            if (start, stop, step) != (None, None, 1):
                low, high = (0, FAR) if step > 0 else (FAR, -FAR)
                cuts[axis] = low if start is None else start, high if stop is None else stop, step
            axis, out = axis + 1, out + 1
    return cuts, dropped, new


def _mirror_pad(e: Emit) -> None:
    if e.op.mode == "REFLECT":
        _padded(e, "reflect", [])
        return
    name = e.plain()
    for axis, (before, after) in enumerate(e.op.paddings):
        length = (e.inputs[0].type.shape or (None,) * (axis + 1))[axis]
        if (before or after) and length is None:
            e.unsupported(f"the length of axis {axis} must be known")
        if before or after:
            places = np.pad(np.arange(length or 0), (before, after), "symmetric")
            name = e.add("Gather", name, e.ints(places, "places"), axis=axis)
    e.give(name)


def _padded(e: Emit, mode: str, value: list[str]) -> None:
    pairs = list(e.op.paddings)
    first = len(pairs) == 4 and e.is_first()
    if first:
        pairs = [pairs[p] for p in first_perm(4)]
    pads = e.ints([p[0] for p in pairs] + [p[1] for p in pairs], "pads")
    e.result(e.add("Pad", e.first() if first else e.plain(), pads, *value, mode=mode), first)


def _with_reduced(e: Emit, rank: int) -> str:
    """The input with ones where reduced axes were dropped."""
    missing = normalise_axes(e.op.axis, rank)
    if (e.inputs[0].type.rank or 0) == rank or e.op.axis == ():
        return e.plain(0)
    return e.add("Unsqueeze", e.plain(0), e.ints(missing, "axes"))


def _broadcast_like(e: Emit) -> None:
    rank = e.inputs[1].type.rank
    if rank is None:
        e.unsupported("its rank must be known")
    _expand(e, _with_reduced(e, rank), _shape_of(e, e.inputs[1]))


def _expand(e: Emit, x: str, shape: str) -> None:
    """Copies of `x`; for the gradient of a mean, divided by their number."""
    y = e.add("Expand", x, shape)
    if e.op.mean:
        copies = e.add("Div", e.add("Size", y), e.add("Size", x))
        y = e.add("Div", y, e.add("Cast", copies, to=as_onnx_dtype(e.out.dtype)))
    e.give(y)


def _sliced(e: Emit, sizes: str) -> None:
    """A slice from places that may be fed; a size of −1 means all that follow."""
    begin = e.as_int64(1)
    to_end = e.add("Less", sizes, e.ints([0], "zero"))
    end = e.add("Where", to_end, e.ints([FAR], "far"), e.add("Add", begin, sizes))
    e.give(e.add("Slice", e.plain(0), begin, end))


def _pad_by(e: Emit) -> None:
    """ONNX has all numbers of elements before the axes, then all after them, not pairs."""
    amounts = e.add("Reshape", e.add("Transpose", e.as_int64(1), perm=[1, 0]), e.ints([-1], "flat"))
    e.give(e.add("Pad", e.plain(0), amounts, e.number(e.op.value, "value")))


EXPORT: dict[str, Callable[[Emit], None]] = {
    "BroadcastLike": _broadcast_like,
    "BroadcastTo": lambda e: _expand(e, _with_reduced(e, len(e.op.shape)), e.ints(e.op.shape, "shape")),
    "ConcatV2": _concat,
    "ExpandDims": lambda e: e.give(e.add("Unsqueeze", e.plain(), e.ints([e.op.axis], "axes"))),
    "Fill": lambda e: e.give(e.add("Expand", e.plain(1), e.as_int64(0))),
    "Full": lambda e: e.give(e.constant(np.full(e.op.type.static, e.op.value, e.out.dtype.np_dtype))),
    "MirrorPad": _mirror_pad,
    "Pack": _pack,
    "Pad": lambda e: _padded(e, "constant", [e.number(e.op.value, "value")]),
    "PadBy": _pad_by,
    "PlaceholderWithDefault": Emit.alias,
    "Reshape": lambda e: e.give(_reshaped(e, _flat_image(e), e.op.shape)),
    "ReshapeLike": _reshape_like,
    "ReshapeTo": _reshape_to,
    "Range": lambda e: e.give(e.add("Range", e.plain(0), e.plain(1), e.plain(2))),
    "Rank": lambda e: e.give(e.add("Cast", e.add("Size", _shape_of(e, e.inputs[0])), to=as_onnx_dtype(e.out.dtype))),
    "Shape": lambda e: e.give(e.add("Cast", _shape_of(e, e.inputs[0]), to=as_onnx_dtype(e.out.dtype))),
    "Size": lambda e: e.give(e.add("Cast", e.add("Size", _flat_image(e)), to=as_onnx_dtype(e.out.dtype))),
    "Slice": lambda e: _sliced(e, e.as_int64(2)),
    "SliceAt": lambda e: _sliced(e, e.ints(e.op.sizes, "sizes")),
    "SplitV": _split,
    "Squeeze": _squeeze,
    "StridedSlice": _strided_slice,
    "Tile": lambda e: e.give(e.add("Tile", e.plain(), e.ints(e.op.multiples, "multiples"))),
    "Transpose": _transpose,
    "Unpack": _unpack,
    "Where": lambda e: e.give(e.add("Transpose", e.add("NonZero", e.plain()), perm=[1, 0])),
}
