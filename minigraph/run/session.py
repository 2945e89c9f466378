"""Sessions: they run parts of a graph and keep the values of its variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

import numpy.typing as npt

from minigraph.compile.misfit import node_of
from minigraph.core.arguments import refuse_remote
from minigraph.core.default_graph import get_default_graph
from minigraph.core.errors import OpError
from minigraph.core.graph import Graph, Node
from minigraph.core.operand import Operand
from minigraph.inspect.trace import RunOptions
from minigraph.run.feeds import flat_feeds
from minigraph.run.gpu_options import chosen_backend, limit_memory
from minigraph.run.options import Level, Precision, SessionOptions
from minigraph.run.partial_session import PartialSession
from minigraph.run.session_base import Feeds
from minigraph.run.staged import run_in_stages

if TYPE_CHECKING:
    from minigraph.rewrite.pipeline import Pass

__all__ = ["Session"]

K = TypeVar("K")
Result: TypeAlias = npt.NDArray[Any] | Any  # an array, or a scalar: a NumPy number, bytes, a SymPy expression
Options: TypeAlias = RunOptions | None


class Session(PartialSession):
    """Runs parts of a graph on a backend, and keeps the values of variables between runs.

    Args:
        target: `str`; "" or "local", as there are no sessions of other processes.
        graph: `Graph`; by default the default graph.
        config: `ConfigProto`; its `gpu_options.visible_device_list` and `per_process_gpu_memory_fraction` act.
        backend: `str`, the name of a backend, or "auto" for the fastest that runs here: cupy on a GPU, else llvm, else
            numpy with a warning that says why; by default MINIGRAPH_BACKEND, else "auto". "cupy:1" is the second GPU.
        optimize: `str`, the passes that rewrite a program before it runs, from "O0" (none) to "O3".
        passes: names of passes, or passes, in place of those of `optimize`.
        disable_passes: names of passes to leave out.
        debug: `bool`; whether to run each program before and after each pass by the ops' references, and to raise
            `VerificationError` if the results differ.
        check_numerics: `bool`; whether to raise `InvalidArgumentError`, which names the op, when an op makes the first
            NaN or infinity. Variables are then as before the run.
        reorder: `bool`; whether operations may run in another order if that needs less memory. Results stay the same.
        lint: `bool`; whether to warn about programs that run but are probably wrong (see `minigraph.inspect.lint`).
        precision: `str`, the precision to which convolutions and matrix products may round float32 operands: "float32",
            on cupy also "tf32" or "bfloat16", on llvm "bfloat16": weights that no run changes are read as bfloat16,
            which halves their bytes. Stored values and sums are float32.
        autotune: `bool`; whether to choose between several ways to compute something by timed trials, which are
            remembered on disk, instead of by estimates. By default if MINIGRAPH_AUTOTUNE is 1.
        memory_limit: `int`, bytes that the values of a run may take, without variables and constants. Where they would
            take more, values that wait long for a reader, as those of the forward pass do for their gradients, are
            computed again instead of being kept: those that a minimum cut finds cheapest. Results stay the same.

    Raises:
        BackendError: there is no such backend, it cannot run here, or it does not have the precision.
        ValueError: there is no such pass or level, the option is not for the backend, or a value of `config` is wrong.
        ResourceExhaustedError: from `run`, if no recomputation keeps a run within `memory_limit`.

    Example:
        >>> x = tf.placeholder(tf.float32, [3])
        >>> with tf.Session() as session:
        ...     session.run(2.0 * x, feed_dict={x: [1.0, 2.0, 3.0]})
        array([2., 4., 6.], dtype=float32)
    """

    def __init__(
        self, target: str = "", graph: Graph | None = None, config: Any = None, backend: str | None = None, *,
        optimize: Level = "O3", passes: Iterable[str | Pass] | None = None, disable_passes: Iterable[str] = (),
        debug: bool = False, check_numerics: bool = False, reorder: bool = True, lint: bool = True,
        precision: Precision = "float32", autotune: bool | None = None, memory_limit: int | None = None,
    ) -> None:  # fmt: skip
        refuse_remote("tf.Session", target=target)
        options = SessionOptions(
            chosen_backend(backend, config), optimize, None if passes is None else tuple(passes), tuple(disable_passes),
            debug, check_numerics, reorder, lint, precision, autotune, memory_limit,
        )  # fmt: skip
        super().__init__(graph if graph is not None else get_default_graph(), options)
        limit_memory(self.backend, config)

    # fmt: off
    @overload
    def run(self, fetches: Node, feed_dict: Feeds = ..., options: Options = ..., run_metadata: Any = ..., *,
            as_device: bool = ...) -> None: ...
    @overload
    def run(self, fetches: Operand[Any], feed_dict: Feeds = ..., options: Options = ..., run_metadata: Any = ..., *,
            as_device: bool = ...) -> Result: ...
    @overload
    def run(self, fetches: list[Any], feed_dict: Feeds = ..., options: Options = ..., run_metadata: Any = ..., *,
            as_device: bool = ...) -> list[Any]: ...
    @overload
    def run(self, fetches: tuple[Any, ...], feed_dict: Feeds = ..., options: Options = ..., run_metadata: Any = ..., *,
            as_device: bool = ...) -> tuple[Any, ...]: ...
    @overload
    def run(self, fetches: dict[K, Any], feed_dict: Feeds = ..., options: Options = ..., run_metadata: Any = ..., *,
            as_device: bool = ...) -> dict[K, Any]: ...
    @overload
    def run(self, fetches: str | Sequence[Any] | Mapping[Any, Any], feed_dict: Feeds = ..., options: Options = ...,
            run_metadata: Any = ..., *, as_device: bool = ...) -> Any: ...
    def run(self, fetches: Any, feed_dict: Feeds = None, options: Options = None, run_metadata: Any = None, *,
            as_device: bool = False) -> Any:
    # fmt: on
        """Compute `fetches`.

        Unless control dependencies say otherwise, every computation sees the values that variables had before the run.

        Args:
            fetches: a `Tensor`, `Operation`, `Variable` or the name of one; or lists, tuples and dicts of them.
            feed_dict: the values of tensors, by tensor or name, or tuples of them. Any tensor can be fed, not only a
                placeholder. Arrays of CuPy or PyTorch in the GPU's memory stay there on cupy.
            options: `RunOptions`; with a trace level, `run_metadata` is filled.
            run_metadata: `RunMetadata`; gets the times of the launches.
            as_device: `bool`; whether values are CuPy arrays on cupy, and NumPy arrays, not numbers, elsewhere.

        Returns:
            The values, in the structure of `fetches`: an array or a NumPy number for a tensor or variable, `bytes` for
            a string, None for an operation.

        Raises:
            TypeError: a fetch or a key of `feed_dict` is not part of a graph, or a value is not an array.
            ValueError: a fetch is not in the session's graph, or a fed array does not fit the tensor's shape.
            FailedPreconditionError: a variable that is read has no value.
            RuntimeError: the session is closed.
        """
        with self._lock:
            if self._closed:
                self._check_open()
            if len(self.graph.nodes) != self._growth.seen:
                self._growth.look(self._runner.runs)
            feeds = flat_feeds(feed_dict) if feed_dict else {}
            request = self._runner.cache.find(fetches, feeds)
            try:
                if request.staged:
                    values = run_in_stages(self._runner, self.resources, request, feeds, self._lock, as_device)
                else:
                    values = self._runner.run(request, feeds, options, run_metadata, as_device)
                return request.assemble(values)
            except OpError as error:
                if isinstance(error.op, str):
                    error.op = node_of(self.graph, error.op)
                raise

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """Make a function of the values of some tensors that runs `fetches`.

        Args:
            fetches: as in `run`.
            feed_list: the tensors whose values the function takes, in its order.
            accept_options: whether the function also takes `options` and `run_metadata` by name.

        Returns:
            The function.

        Example:
            >>> x = tf.placeholder(tf.float32)
            >>> double = tf.Session().make_callable(2.0 * x, [x])
            >>> float(double(3.0))
            6.0
        """
        keys = tuple(feed_list or ())

        def call(*values: Any, **options: Any) -> Any:
            if options and not accept_options:
                raise TypeError("the function was made without accept_options=True")
            return self.run(fetches, dict(zip(keys, values, strict=True)), **options)

        return call

    def run_steps(self, fetches: Any, steps: int) -> Any:
        """Run `fetches` `steps` times and return the last results.

        For training loops whose batch index is in a variable: nothing is fed. On cupy several steps are one launch.

        Args:
            fetches: as in `run`.
            steps: `int`, at least 1.

        Returns:
            The values of the last run, in the structure of `fetches`.

        Raises:
            ValueError: `steps` is less than 1.
        """
        if steps < 1:
            raise ValueError(f"steps must be at least 1, not {steps}")
        with self._lock:
            results = self.run(fetches)
            if steps == 1:
                return results
            request = self._single_plan_request(fetches, {})
            return request.assemble(self._runner.run_steps(request, steps - 1))
