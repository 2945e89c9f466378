"""What stands in for the module cudnn: graphs with the real one's methods, which record, check and compute on the CPU.

The names and parameters are those of nvidia-cudnn-frontend 1.24.0; `test_cudnn.py` builds the same graphs with the real
module where it is installed together with cuDNN.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from gpu.rounding import rounded


class NotSupported(Exception):
    pass


class Tensor:
    def __init__(self, dim: list[int], stride: list[int], data_type: str, name: str, virtual: bool = False) -> None:
        self.dim, self.stride, self.data_type, self.name, self.virtual = dim, stride, data_type, name, virtual
        self.value: Any = None

    def set_output(self, on: bool) -> Tensor:
        self.virtual = not on
        return self

    def set_data_type(self, data_type: str) -> Tensor:
        self.data_type = data_type
        return self

    def set_dim(self, dim: list[int]) -> Tensor:
        assert not self.dim or self.dim == dim, f"{self.dim} is not {dim}"
        self.dim = dim
        return self

    def set_stride(self, stride: list[int]) -> Tensor:
        self.stride = stride
        return self


class Graph:
    """cudnn.pygraph. calls: (operation, its inputs' names), in order."""

    def __init__(self, fake: FakeCudnn, **options: Any) -> None:
        assert set(options) == {"name", "io_data_type", "intermediate_data_type", "compute_data_type", "handle"}
        self.fake, self.options = fake, options
        self.calls: list[tuple[str, ...]] = []
        self.notes: list[str] = []
        self.state: list[str] = []
        self._tensors: list[Tensor] = []
        self._work: list[tuple[Tensor, Callable[[], np.ndarray]]] = []

    def tensor(self, dim: list[int], stride: list[int], data_type: str, name: str) -> Tensor:
        assert len(dim) == len(stride) == 4
        self._tensors.append(Tensor(dim, stride, data_type, name))
        return self._tensors[-1]

    def _made(self, call: tuple[str, ...], dim: list[int], compute: Callable[[], np.ndarray]) -> Tensor:
        self.calls.append(call)
        out = Tensor(dim, [], self.options["intermediate_data_type"], call[0], True)
        self._work.append((out, compute))
        return out

    def conv_fprop(self, image: Tensor, weight: Tensor, **window: Any) -> Tensor:
        geometry = Geometry(image.dim, weight.dim, **window)
        dim = [image.dim[0], weight.dim[0], *geometry.out]
        return self._made(("conv_fprop",), dim, lambda: geometry.forward(image.value, weight.value))

    def conv_dgrad(self, loss: Tensor, filter: Tensor, **window: Any) -> Tensor:
        def compute() -> np.ndarray:
            return Geometry(made.dim, filter.dim, **window).input_grad(loss.value, filter.value)

        made = self._made(("conv_dgrad",), [], compute)
        return made

    def conv_wgrad(self, image: Tensor, loss: Tensor, **window: Any) -> Tensor:
        def compute() -> np.ndarray:
            return Geometry(image.dim, made.dim, **window).filter_grad(image.value, loss.value)

        made = self._made(("conv_wgrad",), [], compute)
        return made

    def bias(self, input: Tensor, bias: Tensor, name: str) -> Tensor:
        assert bias.dim == [1, input.dim[1], 1, 1]
        return self._made(("bias",), input.dim, lambda: input.value + bias.value)

    def add(self, a: Tensor, b: Tensor, name: str) -> Tensor:
        assert a.dim == b.dim
        return self._made(("add",), a.dim, lambda: a.value + b.value)

    def relu(self, input: Tensor, name: str) -> Tensor:
        return self._made(("relu",), input.dim, lambda: np.maximum(input.value, 0))

    def validate(self) -> None:
        self.state.append("validate")
        for tensor, _ in self._work[-1:]:
            assert tensor.dim
            assert tensor.stride
            assert not tensor.virtual

    def build_operation_graph(self) -> None:
        self.state.append("build_operation_graph")

    def create_execution_plans(self, modes: list[str]) -> None:
        assert modes == ["A", "FALLBACK"]
        self.state.append("create_execution_plans")

    def deselect_numeric_notes(self, notes: list[str]) -> None:
        self.notes += notes

    def deselect_workspace_greater_than(self, nbytes: int) -> None:
        self.limit = nbytes

    def check_support(self) -> None:
        self.state.append("check_support")
        assert {t.data_type for t in self._tensors} == {self._work[-1][0].data_type}  # as real engines want it
        if self.fake.refuses(self):
            raise NotSupported("No execution plans support the graph.")

    def build_plans(self) -> None:
        self.state.append("build_plans")

    def get_workspace_size(self) -> int:
        return 48

    def execute(self, arrays: dict[Tensor, int], workspace: int, handle: int) -> None:
        order = ["validate", "build_operation_graph", "create_execution_plans", "check_support", "build_plans"]
        assert self.state == order
        assert type(workspace) is int
        assert workspace % 256 == 0
        ctypes.memset(workspace, 0xFF, 48)
        for tensor, pointer in arrays.items():
            if tensor not in [t for t, _ in self._work]:
                tensor.value = read(tensor, pointer)
        for tensor, compute in self._work:
            tensor.value = compute()
        result = self._work[-1][0]
        write(result, arrays[result])


def memory(tensor: Tensor, pointer: int, kind: Any) -> np.ndarray:
    """The array as cuDNN sees it, by dimensions and strides."""
    last = sum((d - 1) * s for d, s in zip(tensor.dim, tensor.stride, strict=True))
    itemsize = np.dtype(kind).itemsize
    raw = np.frombuffer((ctypes.c_char * ((last + 1) * itemsize)).from_address(pointer), kind)
    return np.lib.stride_tricks.as_strided(raw, tensor.dim, [s * itemsize for s in tensor.stride])


def read(tensor: Tensor, pointer: int) -> np.ndarray:
    if tensor.data_type == "BFLOAT16":
        wide = memory(tensor, pointer, np.uint16).astype(np.uint32) << np.uint32(16)
        return wide.view(np.float32).astype(np.float64)
    return memory(tensor, pointer, FakeCudnn.numpy_types[tensor.data_type]).astype(np.float64)


def write(tensor: Tensor, pointer: int) -> None:
    if tensor.data_type == "BFLOAT16":
        bits = rounded(tensor.value.astype(np.float32), "bfloat16").view(np.uint32)
        memory(tensor, pointer, np.uint16)[...] = bits >> np.uint32(16)
        return
    kind = FakeCudnn.numpy_types[tensor.data_type]
    memory(tensor, pointer, kind)[...] = tensor.value.astype(kind)


class Geometry:
    """A convolution by its definition, images [N,C,H,W] and filters [O,C,KH,KW]."""

    def __init__(
        self, image: list[int], filters: list[int], pre_padding: list[int], post_padding: list[int],
        stride: list[int], dilation: list[int], compute_data_type: str, name: str,
    ) -> None:  # fmt: skip
        assert compute_data_type == "FLOAT"
        self.image, self.filters, self.pre, self.post = image, filters, pre_padding, post_padding
        self.stride, self.dilation = stride, dilation
        spans = [d * (k - 1) + 1 for k, d in zip(filters[2:], dilation, strict=True)]
        sizes = zip(image[2:], pre_padding, post_padding, spans, stride, strict=True)
        self.out = [(n + a + b - span) // s + 1 for n, a, b, span, s in sizes]
        self.groups = image[1] // filters[1]

    def _frame(self) -> np.ndarray:
        sides = zip(self.image[2:], self.pre, self.post, strict=True)
        return np.zeros([*self.image[:2], *(n + a + b for n, a, b in sides)])

    def _inside(self, frame: np.ndarray) -> np.ndarray:
        (top, left), (height, width) = self.pre, self.image[2:]
        return frame[:, :, top : top + height, left : left + width]

    def _taps(self, frame: np.ndarray) -> Iterator[tuple[Any, Any, Any, np.ndarray]]:
        depth, fan = self.filters[1], self.filters[0] // self.groups
        for g, r, s in itertools.product(range(self.groups), *map(range, self.filters[2:])):
            rows, columns = (
                slice(k * d, k * d + n * step, step)
                for k, d, n, step in zip((r, s), self.dilation, self.out, self.stride, strict=True)
            )
            inside, outside = slice(g * depth, (g + 1) * depth), slice(g * fan, (g + 1) * fan)
            yield outside, (r, s), inside, frame[:, inside, rows, columns][:, :, : self.out[0], : self.out[1]]

    def forward(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        frame, y = self._frame(), np.zeros([x.shape[0], w.shape[0], *self.out])
        self._inside(frame)[...] = x
        for outside, (r, s), _, part in self._taps(frame):
            y[:, outside] += np.einsum("nchw,oc->nohw", part, w[outside, :, r, s])
        return y

    def input_grad(self, dy: np.ndarray, w: np.ndarray) -> np.ndarray:
        frame = self._frame()
        for outside, (r, s), _, part in self._taps(frame):
            part += np.einsum("nohw,oc->nchw", dy[:, outside], w[outside, :, r, s])
        return self._inside(frame)

    def filter_grad(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        frame, dw = self._frame(), np.zeros(self.filters)
        self._inside(frame)[...] = x
        for outside, (r, s), _, part in self._taps(frame):
            dw[outside, :, r, s] = np.einsum("nchw,nohw->oc", part, dy[:, outside])
        return dw


class FakeCudnn:
    """The module. refuses: whether a graph has no engine. graphs: all that were begun."""

    numpy_types: ClassVar = {"FLOAT": np.float32, "HALF": np.float16}
    cudnnGraphNotSupportedError = NotSupported
    data_type = SimpleNamespace(FLOAT="FLOAT", HALF="HALF", BFLOAT16="BFLOAT16")
    heur_mode = SimpleNamespace(A="A", FALLBACK="FALLBACK")
    numerical_note = SimpleNamespace(
        **{n: n for n in ("NONDETERMINISTIC", "TENSOR_CORE", "DOWN_CONVERT_INPUTS", "REDUCED_PRECISION_REDUCTION")}
    )

    def __init__(self, refuses: Callable[[Graph], bool] = lambda graph: False) -> None:
        self.refuses = refuses
        self.graphs: list[Graph] = []
        self.stream: int | None = None

    def create_handle(self) -> int:
        return 7

    def set_stream(self, handle: int, stream: int) -> None:
        assert handle == 7
        self.stream = stream

    def pygraph(self, **options: Any) -> Graph:
        self.graphs.append(Graph(self, **options))
        return self.graphs[-1]
