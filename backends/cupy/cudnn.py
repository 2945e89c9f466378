"""cuDNN graphs by nvidia-cudnn-frontend, one for each convolution or gradient."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Any

from minigraph.backends.cupy.installation import advice
from minigraph.backends.cupy.kernel import ConvProblem
from minigraph.backends.cupy.libraries import MissingLibrary, load
from minigraph.core.errors import BackendError, InternalError

LIMIT = 1 << 30  # most bytes of workspace for an engine
CUDNN_ALIGNMENT = (
    256  # bytes: a workspace starts at a multiple, as memory that CUDA allocates does and an arena's parts do not
)
_TYPES = {"float32": "FLOAT", "float16": "HALF", "bfloat16": "BFLOAT16"}


class Cudnn:
    """One handle on one stream, and a graph for each problem seen.

    module: cudnn, or a stand-in for it. major: the version of CUDA that cuDNN must be for.
    """

    def __init__(self, stream: int, module: Any = None, major: int | None = None) -> None:
        self._cudnn = module or _load(major)
        try:
            self._handle = self._cudnn.create_handle()
            self._cudnn.set_stream(handle=self._handle, stream=stream)
        except RuntimeError as error:
            raise BackendError(f"cuDNN does not start ({error}): {advice()}") from None
        self._graphs: dict[ConvProblem, _Graph | str] = {}

    def prepare(self, problem: ConvProblem) -> int | str:
        """The bytes of workspace that the problem needs, or the reason why cuDNN cannot solve it."""
        if problem not in self._graphs:
            try:
                self._graphs[problem] = _Graph(self._cudnn, self._handle, problem)
            except (self._cudnn.cudnnGraphNotSupportedError, RuntimeError) as error:
                self._graphs[problem] = f"{type(error).__name__}: {error}"
        found = self._graphs[problem]
        return found if isinstance(found, str) else found.reserved

    def run(self, problem: ConvProblem, pointers: tuple[int, ...]) -> None:
        """Launch on pointers to operands, result, workspace. The launch can be captured."""
        graph = self._graphs[problem]
        if isinstance(graph, str):
            raise InternalError(f"cuDNN cannot do {problem}: {graph}")
        graph.run(pointers)


def _load(major: int | None) -> Any:
    for name in ("cublas", "nvrtc"):  # cuDNN looks for them by name
        with suppress(MissingLibrary):
            load(name, major)
    with suppress(MissingLibrary):
        library = load("cudnn")  # builds for all versions of CUDA have one name
        library.cudnnGetCudartVersion.restype = ctypes.c_size_t
        found = library.cudnnGetCudartVersion() // 1000
        if major is not None and found != major:
            raise BackendError(f"cuDNN is for CUDA {found}, and CuPy for CUDA {major}: {advice()}")
    try:
        import cudnn
    except Exception as error:  # it asserts the files it finds on disk
        raise BackendError(f"the package nvidia-cudnn-frontend cannot be imported ({error}): {advice()}") from None
    return cudnn


class _Graph:
    def __init__(self, cudnn: Any, handle: int, problem: ConvProblem) -> None:
        self._handle = handle
        self._kinds = {name: getattr(cudnn.data_type, label) for name, label in _TYPES.items()}
        kind = self._kinds[problem.operands]
        wide = self._kinds["float32"]
        self._graph = cudnn.pygraph(
            name=problem.kind, io_data_type=kind, intermediate_data_type=wide, compute_data_type=wide, handle=handle
        )
        self._tensors: list[Any] = []
        result, shape = getattr(self, f"_{problem.kind}")(problem)
        result.set_output(True).set_data_type(kind)
        result.set_dim(_logical(shape)).set_stride(_strides(shape))
        self._tensors.append(result)
        self.workspace = self._build(cudnn, problem)
        self.reserved = self.workspace + CUDNN_ALIGNMENT if self.workspace else 0

    def _build(self, cudnn: Any, problem: ConvProblem) -> int:
        graph, note = self._graph, cudnn.numerical_note
        graph.validate()
        graph.build_operation_graph()
        graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
        unwanted = [note.NONDETERMINISTIC]
        if problem.strict:
            unwanted += [note.TENSOR_CORE, note.DOWN_CONVERT_INPUTS, note.REDUCED_PRECISION_REDUCTION]
        graph.deselect_numeric_notes(unwanted)
        graph.deselect_workspace_greater_than(LIMIT)
        graph.check_support()
        graph.build_plans()
        return int(graph.get_workspace_size())

    def _tensor(self, name: str, shape: tuple[int, ...], dtype: str) -> Any:
        made = self._graph.tensor(dim=_logical(shape), stride=_strides(shape), data_type=self._kinds[dtype], name=name)
        self._tensors.append(made)
        return made

    def _window(self, problem: ConvProblem) -> dict[str, Any]:
        before, after = zip(*problem.pads, strict=True)
        return {
            "pre_padding": list(before),
            "post_padding": list(after),
            "stride": list(problem.strides),
            "dilation": list(problem.dilations),
            "compute_data_type": self._kinds["float32"],
            "name": problem.kind,
        }

    def _forward(self, problem: ConvProblem) -> tuple[Any, tuple[int, ...]]:
        x = self._tensor("x", problem.image, problem.operands)
        w = self._tensor("w", problem.filters, problem.operands)
        y = self._graph.conv_fprop(image=x, weight=w, **self._window(problem))
        channels = problem.output[3]
        for name in problem.epilogue:
            if name == "bias":
                y = self._graph.bias(input=y, bias=self._tensor(name, (1, 1, 1, channels), problem.operands), name=name)
            elif name == "add":
                y = self._graph.add(a=y, b=self._tensor(name, problem.output, problem.operands), name=name)
            else:
                y = self._graph.relu(input=y, name=name)
        return y, problem.output

    def _input_grad(self, problem: ConvProblem) -> tuple[Any, tuple[int, ...]]:
        w = self._tensor("w", problem.filters, problem.operands)
        dy = self._tensor("dy", problem.output, problem.operands)
        return self._graph.conv_dgrad(loss=dy, filter=w, **self._window(problem)), problem.image

    def _filter_grad(self, problem: ConvProblem) -> tuple[Any, tuple[int, ...]]:
        x = self._tensor("x", problem.image, problem.operands)
        dy = self._tensor("dy", problem.output, problem.operands)
        return self._graph.conv_wgrad(image=x, loss=dy, **self._window(problem)), problem.filters

    def run(self, pointers: tuple[int, ...]) -> None:
        *arrays, workspace = pointers
        workspace += -workspace % CUDNN_ALIGNMENT if self.workspace else 0
        self._graph.execute(dict(zip(self._tensors, arrays, strict=True)), workspace, handle=self._handle)


def _logical(shape: tuple[int, ...]) -> list[int]:
    """The shape as cuDNN expects it: always in the order NCHW, whatever the memory layout."""
    return [shape[0], shape[3], shape[1], shape[2]]


def _strides(shape: tuple[int, ...]) -> list[int]:
    """The strides of an array [N,H,W,C] in C order, in the order NCHW."""
    _, rows, columns, channels = shape
    return [rows * columns * channels, 1, columns * channels, channels]
