"""Convolutions by cuDNN: the upper two rungs of a ladder.

"fused" is one cuDNN graph for convolution, bias, residual and ReLU; "plain" is a graph for the convolution alone,
followed by a generated kernel; "im2col" is `conv.py`. If cuDNN has no engine for a graph, the next rung is taken.
MINIGRAPH_CONV names the highest rung allowed. Filters are [KH,KW,C,O] in minigraph and [O,KH,KW,C] in cuDNN. Filters
that do not change between runs are packed once in cuDNN's layout, and dtype; others are copied for each use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigraph.backend.workspace import BufferRef, WorkspaceLayout, ins
from minigraph.backends.cupy.conv import ConvSizes, by_columns, shape_of
from minigraph.backends.cupy.kernel import Code, Convolve, ConvProblem, Step, Types
from minigraph.backends.cupy.moves import gather
from minigraph.core.dtypes import uint16
from minigraph.core.errors import BackendError
from minigraph.core.moves import View
from minigraph.core.op import Op
from minigraph.core.types import TensorType
from minigraph.ir.packed import OnPacked, Packed
from minigraph.ir.program import Feed, Instr, Value
from minigraph.ir.regions import Epilogue, slots_of
from minigraph.ops.math.arithmetic import Add
from minigraph.ops.nn.activation import Relu
from minigraph.ops.nn.bias import BiasAdd
from minigraph.ops.nn.conv2d import Conv2D, Conv2DFilterGrad, Conv2DInputGrad, Convolution

SWITCH = "MINIGRAPH_CONV"
RUNGS = ("fused", "plain", "im2col")

ROUNDING = {"value": "mg::bfloat_bits({})", "stored": "unsigned short"}

Ask = Callable[[ConvProblem], int | str]  # the bytes of workspace needed, or the reason why cuDNN cannot solve it


def to_cudnn(filters: Any) -> Any:
    """The view [O,KH,KW,C] of filters [KH,KW,C,O]."""
    return filters.transpose(3, 0, 1, 2)


def _unpacked(op: Op, filters: TensorType) -> tuple[Any, tuple[int, ...]]:
    """The op on filters as they are, and their shape [KH,KW,C,O]; filters: their type as given."""
    return (op.op, op.types[1].static) if isinstance(op, OnPacked) else (op, filters.static)


class Ladder:
    """Emits convolutions for a precision: "float32", "tf32" or "bfloat16".

    reasons: for each problem that took a lower rung, why.
    """

    def __init__(self, ask: Ask, precision: str) -> None:
        self._ask = ask
        self.precision = precision
        self.reasons: dict[ConvProblem, str] = {}

    @property
    def highest(self) -> int:
        """The number of the highest rung allowed."""
        name = os.environ.get(SWITCH) or RUNGS[0]
        if name not in RUNGS:
            raise BackendError(f"{SWITCH} must be one of {', '.join(RUNGS)}, not {name!r}")
        return RUNGS.index(name)

    def plain(self, op: Op, in_types: Types, out_types: Types) -> Code | None:
        """A convolution or one of its gradients; None to take the next rung.

        Convolutions that are plain matrix products take the next rung, as they need no copy of the filter.
        """
        if self.highest > 1 or not isinstance(op, Conv2D | Conv2DInputGrad | Conv2DFilterGrad):
            return None
        if isinstance(op, Conv2D):
            s = shape_of(op, in_types[0], in_types[1].static)
            return None if s.is_matmul else self._forward(op, s, (), ())
        if isinstance(op, Conv2DInputGrad):
            s = shape_of(op, out_types[0], in_types[0].static)
            return None if s.is_matmul else self._input_grad(op, s)
        s = shape_of(op, in_types[0], out_types[0].static)
        return None if s.is_matmul else self._filter_grad(op, s)

    def fused(self, op: Epilogue) -> Code | None:
        """A convolution followed by some of residual, bias and ReLU; None if cuDNN cannot fuse them."""
        root = op.root
        if self.highest > 0 or not isinstance(_unpacked(root.op, root.types[0])[0], Conv2D):
            return None
        follows = _following(op)
        if follows is None:
            return None
        names, operands = follows
        image, filters = root.inputs
        conv, shape = _unpacked(root.op, filters.type)
        s = shape_of(conv, image.type, shape)
        code = self._forward(conv, s, names, operands, conv is not root.op)
        if code is None:
            return None
        slots = slots_of((image, filters, *operands))
        steps = code.moved(ins(*slots), [BufferRef("out")], 0)
        return Code(tuple(steps), code.workspace)

    # Filters that do not change between runs

    def packs(self, op: Op, in_types: Types) -> Mapping[int, TensorType]:
        """The type of a convolution's packed filters, by position.

        The lowest rung takes packed filters, too, but not those of several groups or in bfloat16: these are packed only
        if cuDNN solves the convolution.
        """
        if self.highest > 1 or not isinstance(op, Conv2D):
            return {}
        s = shape_of(op, in_types[0], in_types[1].static)
        problem = self._problem(op, s, "forward")
        if problem is None:
            return {}
        narrow = problem.operands == "bfloat16"
        if (narrow or s.groups > 1) and self._workspace_bytes(problem) is None:
            return {}
        return {1: TensorType(uint16 if narrow else in_types[1].dtype, problem.filters)}

    def packing(self, op: Packed) -> Code:
        """The copy that packs the filters of a convolution."""
        rounding = ROUNDING if op.to.dtype == uint16 else {}
        step = gather(op.types[op.position], to_cudnn, BufferRef("in"), BufferRef("out"), **rounding)
        return Code((step,))

    def packed(self, op: OnPacked, in_types: Types) -> Code:
        """A convolution with packed filters; one that is a plain matrix product is not done by cuDNN."""
        conv, shape = _unpacked(op, in_types[1])
        s = shape_of(conv, in_types[0], shape)
        code = None if s.is_matmul and s.dtype == in_types[1].dtype else self._forward(conv, s, (), (), True)
        return code or by_columns(s, packed=True)

    # Graphs

    def _problem(self, op: Convolution, s: ConvSizes, kind: str, epilogue: tuple[str, ...] = ()) -> ConvProblem | None:
        """The problem for cuDNN; None for dtypes and sizes that cuDNN does not take."""
        output = (s.image.static[0], s.rows, s.columns, s.fan * s.groups)
        if s.dtype.name not in ("float32", "float16") or 0 in (*s.image.static, *output):
            return None
        narrow = self.precision == "bfloat16" and s.dtype.name == "float32"
        operands = "bfloat16" if narrow else s.dtype.name
        pads = s.window.pads(*s.image.static[1:3])
        filters = (output[3], *s.window.kernel, s.depth)
        strict = operands == "float32" and self.precision == "float32"
        return ConvProblem(
            kind, s.image.static, filters, output, pads, op.strides, op.dilations, operands, strict, epilogue
        )

    def _workspace_bytes(self, problem: ConvProblem | None) -> int | None:
        if problem is None:
            return None
        answer = self._ask(problem)
        if isinstance(answer, str):
            self.reasons[problem] = answer
            return None
        return answer

    def _forward(
        self, op: Conv2D, s: ConvSizes, epilogue: tuple[str, ...], operands: Sequence[Value], packed: bool = False
    ) -> Code | None:
        problem = self._problem(op, s, "forward", epilogue)
        nbytes = self._workspace_bytes(problem)
        if problem is None or nbytes is None:
            return None
        build = _Building(problem)
        x = build.operand(s.image, BufferRef("in"))
        w = BufferRef("in", 1) if packed else build.filters(s, BufferRef("in", 1))
        extras = [build.operand(v.type, BufferRef("in", 2 + k)) for k, v in enumerate(operands)]
        return build.code((x, w, *extras), nbytes, TensorType(s.dtype, problem.output))

    def _input_grad(self, op: Conv2DInputGrad, s: ConvSizes) -> Code | None:
        problem = self._problem(op, s, "input_grad")
        nbytes = self._workspace_bytes(problem)
        if problem is None or nbytes is None:
            return None
        build = _Building(problem)
        w = build.filters(s, BufferRef("in"))
        grad = build.operand(TensorType(s.dtype, problem.output), BufferRef("in", 1))
        return build.code((w, grad), nbytes, s.image)

    def _filter_grad(self, op: Conv2DFilterGrad, s: ConvSizes) -> Code | None:
        problem = self._problem(op, s, "filter_grad")
        nbytes = self._workspace_bytes(problem)
        if problem is None or nbytes is None:
            return None
        build = _Building(problem)
        x = build.operand(s.image, BufferRef("in"))
        grad = build.operand(TensorType(s.dtype, problem.output), BufferRef("in", 1))
        made = TensorType(s.dtype, problem.filters)
        return build.code((x, grad), nbytes, made, lambda a: a.transpose(1, 2, 3, 0))


class _Building:
    """The steps of one problem and the layout of their workspace."""

    def __init__(self, problem: ConvProblem) -> None:
        self.problem = problem
        self.steps: list[Step] = []
        self.layout = WorkspaceLayout()

    @property
    def _narrow(self) -> bool:
        return self.problem.operands == "bfloat16"

    def _bytes(self, kind: TensorType) -> int:
        return kind.size * (2 if self._narrow else kind.dtype.size)

    def operand(self, kind: TensorType, source: BufferRef) -> BufferRef:
        """The operand in the dtype that the graph takes."""
        if not self._narrow:
            return source
        return self._moved(kind, lambda a: a.reshape(-1), source)

    def filters(self, s: ConvSizes, source: BufferRef) -> BufferRef:
        """The filters [KH,KW,C,O] copied to [O,KH,KW,C]."""
        kind = TensorType(s.dtype, (*s.window.kernel, s.depth, s.fan * s.groups))
        return self._moved(kind, to_cudnn, source)

    def _moved(self, kind: TensorType, view: View, source: BufferRef) -> BufferRef:
        target = self.layout.reserve(self._bytes(kind))
        self.steps.append(gather(kind, view, source, target, **(ROUNDING if self._narrow else {})))
        return target

    def code(self, operands: tuple[BufferRef, ...], nbytes: int, result: TensorType, view: View | None = None) -> Code:
        """The steps with the convolution at the end.

        result: the type of the graph's result; the op's result is `view` of it. cuDNN's engines return the dtype they
        take, so a rounded result is widened by a copy.
        """
        direct = view is None and not self._narrow
        target = BufferRef("out") if direct else self.layout.reserve(self._bytes(result))
        steps = [*self.steps, Convolve(self.problem, (*operands, target, self.layout.reserve(nbytes)))]
        if not direct:
            widening = {"value": "mg::bfloat_value({})", "loaded": "unsigned short"} if self._narrow else {}
            steps.append(gather(result, view or (lambda a: a.reshape(-1)), target, BufferRef("out"), **widening))
        return Code(tuple(steps), self.layout.nbytes)


def _following(op: Epilogue) -> tuple[tuple[str, ...], list[Value]] | None:
    """The names of the ops after the convolution in cuDNN's order, and their operands; None if cuDNN has no such graph.

    cuDNN adds the residual before the bias, which gives the same sum.
    """
    value = Value(op.root, 0)
    found: dict[str, list[Value]] = {}
    for instr in op.members[1:]:
        others = [v for v in instr.inputs if v != value]
        name = _name(instr, others, value) if value in instr.inputs else None
        if name is None or name in found or "relu" in found:
            return None
        found[name] = others
        value = Value(instr, 0)
    names = sorted(found)
    return (tuple(names), [v for n in names for v in found[n]]) if op.program.results == (value,) else None


def _name(instr: Instr, others: Sequence[Value], value: Value) -> str | None:
    if isinstance(instr.op, Relu):
        return "relu"
    if len(others) != 1 or not isinstance(instr.op, BiasAdd | Add) or not isinstance(others[0].instr.op, Feed):
        return None
    shape, whole = others[0].type.static, value.type.static
    if shape == whole:
        return "add"
    per_channel = shape[-1:] == whole[-1:] and all(n == 1 for n in shape[:-1])
    return "bias" if per_channel else None
