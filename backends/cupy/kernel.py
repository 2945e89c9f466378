"""Kernels and the steps that launch them, as data: the result of an op's emitter."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minigraph.backend.workspace import BufferRef, relocated, work
from minigraph.backends.cupy.source import c_type, coordinates, index_type
from minigraph.core.dtypes import DType
from minigraph.core.types import TensorType

BLOCK = 256  # default threads of a block

Types = Sequence[TensorType]


class CudaKernel(NamedTuple):
    """A `__global__` function whose parameters are pointers, with all sizes as literals.

    parameters, body: the parts of the source, for `joined`.
    """

    name: str
    source: str
    grid: int
    block: int
    parameters: tuple[str, ...] = ()
    body: tuple[str, ...] = ()


class Launch(NamedTuple):
    """Run a kernel. A step is left out if no result of it is read; a pointer to a result that is not read is null."""

    kernel: CudaKernel
    args: tuple[BufferRef, ...]


class Gemm(NamedTuple):
    """C = op(A)·op(B) + beta·C in row-major order, `batch` times. Sizes and leading dimensions in elements."""

    m: int
    n: int
    k: int
    dtype: DType
    args: tuple[BufferRef, BufferRef, BufferRef]
    lda: int
    ldb: int
    ldc: int
    transpose_a: bool = False
    transpose_b: bool = False
    beta: float = 0.0
    batch: int = 1
    strides: tuple[int, int, int] = (0, 0, 0)
    precision: str = "float32"  # float32 operands may be rounded to it; also "tf32" or "bfloat16"


class ConvProblem(NamedTuple):
    """A convolution ("forward") or one of its gradients ("input_grad", "filter_grad") for cuDNN.

    Shapes are [N,H,W,C] of image and output, and [O,KH,KW,C/groups] of the filters. operands: the dtype of the operands
    and the result. strict: float32 must not be rounded. epilogue: the ops after a convolution: some of "add", "bias"
    and "relu", in this order.
    """

    kind: str
    image: tuple[int, ...]
    filters: tuple[int, ...]
    output: tuple[int, ...]
    pads: tuple[tuple[int, int], tuple[int, int]]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    operands: str
    strict: bool
    epilogue: tuple[str, ...] = ()


class Convolve(NamedTuple):
    """Run a cuDNN graph on its operands (x, w and the epilogue's; w, δ; or x, δ), its result and a workspace."""

    problem: ConvProblem
    args: tuple[BufferRef, ...]


class Constant(NamedTuple):
    """Copy a constant that is uploaded to the device at binding."""

    value: Any
    args: tuple[BufferRef]


class NcclCall(NamedTuple):
    """A collective of NCCL on an array, in place.

    kind: "sum", "average", "min" or "max" of all ranks' numbers, or "broadcast" of those of rank `root`. dtype: of the
    numbers, by NCCL's name.
    """

    kind: str
    size: int
    dtype: str
    root: int = 0


Step = Launch | Gemm | Convolve | Constant


class Verdict(NamedTuple):
    """Steps that find out whether an op refuses its operands. Their results are the evidence, of the given types.

    The first one is True, once or more, if it does. error: the error, from the evidence on the host.
    """

    steps: tuple[Step, ...]
    types: Types
    error: Callable[..., Exception]


class Code(NamedTuple):
    """An op's code: steps in order, bytes of workspace, and the inputs whose buffer result 0 may take over.

    verdict: looked at when the whole run is done, since a kernel cannot raise an error.
    """

    steps: tuple[Step, ...]
    workspace: int = 0
    inplace: tuple[int, ...] = ()
    verdict: Verdict | None = None

    def moved(self, inputs: Sequence[BufferRef], outputs: Sequence[BufferRef], workspace: int = 0) -> list[Step]:
        """The steps on other operands and results, with the workspace from a byte offset on."""
        space = work(workspace)
        return [s._replace(args=relocated(s.args, inputs, outputs, space)) for s in self.steps]  # type: ignore[arg-type]


Emitter = Callable[[Any, Types, Types], Code | None]  # None: the op is a host call on these types


def kernel(family: str, parameters: Sequence[str], body: Sequence[str], grid: int, block: int = BLOCK) -> CudaKernel:
    """A kernel named after its family and text, so that equal kernels have one name."""
    lines = "\n".join(f"    {line}" for line in body)
    text = f"({', '.join(parameters)}) {{\n{lines}\n}}\n"
    name = f"{family}_{hashlib.sha256(f'{text}{grid},{block}'.encode()).hexdigest()[:12]}"
    source = f'extern "C" __global__ void __launch_bounds__({block}) {name}{text}'
    return CudaKernel(name, source, grid, block, tuple(parameters), tuple(body))


def joined(family: str, launches: Sequence[Launch]) -> Launch:
    """One launch in place of several, of kernels without shared memory and with one size of block."""
    parameters: list[str] = []
    body: list[str] = []
    begin = 0
    for number, (made, refs) in enumerate(launches):
        end = begin + made.grid
        results = [p.rsplit(" ", 1)[1] for p, r in zip(made.parameters, refs, strict=True) if r.kind == "out"]
        body += [f"if (blockIdx.x < {end}) {{", f"    const unsigned block = blockIdx.x - {begin};"]
        for parameter in made.parameters:
            kind, own = parameter.rsplit(" ", 1)
            parameters.append(f"{kind} p{number}_{own}")
            body.append(f"    {kind} {own} = p{number}_{own};")
        body.append(f"    if (!({' || '.join(results)})) return;  // none is read")
        body += [f"    {line.replace('blockIdx.x', 'block')}" for line in made.body]
        body += ["    return;", "}"]
        begin = end
    whole = kernel(family, parameters, body, begin, launches[0].kernel.block)
    return Launch(whole, tuple(ref for launch in launches for ref in launch.args))


def pointer(dtype: DType, name: str, const: bool = True) -> str:
    """A pointer parameter."""
    return f"{'const ' if const else ''}{c_type(dtype)}* {name}"


def reads(types: Types) -> list[str]:
    """Parameters x0, x1, … for the operands."""
    return [pointer(t.dtype, f"x{i}") for i, t in enumerate(types)]


def per_element(
    family: str, shape: Sequence[int], parameters: Sequence[str], body: Sequence[str], reach: int = 0
) -> CudaKernel:
    """A kernel with a thread for each index of `shape`. `body` can use the index i and its coordinates c0, c1, …

    reach: the size of the largest operand, to which indices made of the coordinates have to count.
    """
    size = math.prod(shape)
    kind = index_type(size, reach)
    names = [f"c{a}" for a in range(len(shape))]
    head = [f"const {kind} i = blockIdx.x * ({kind}){BLOCK} + threadIdx.x;", f"if (i >= {size}) return;"]
    head += coordinates("i", shape, names, kind)
    return kernel(family, parameters, [*head, *body], -(-size // BLOCK), BLOCK)
