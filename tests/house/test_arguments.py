"""Every argument of a public function acts, is refused with an error, or is in the list of this file with its reason.

The test reads the code: an argument that the body of its function never reads does not act.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from support.paths import ROOT as HOUSE

import minigraph as tf
import minigraph.data
import minigraph.models
import minigraph.onnx
import minigraph.tf1
import minigraph.weights
from minigraph.core.op import Op
from minigraph.tf1.namespace import ROOT, symbols
from minigraph.tf1.training import SessionRunHook

MODULES = (
    tf, tf.nn, tf.math, tf.linalg, tf.layers, tf.losses, tf.metrics, tf.train, tf.summary, tf.image, tf.filters,
    tf.initializers, tf.graph_util, tf.saved_model,
    tf.errors, tf.viz, minigraph.onnx, minigraph.weights, minigraph.data,
    minigraph.models,
)  # fmt: skip

# Arguments that may have no effect, by reason.
WITHOUT_EFFECT: dict[str, dict[str, str]] = {
    "Updates are atomic within a run, so there is nothing to lock.": {
        "Optimizer.__init__": "use_locking",
        "Variable.assign": "use_locking",
        "Variable.assign_add": "use_locking",
        "Variable.assign_sub": "use_locking",
        "assign": "use_locking",
        "assign_add": "use_locking",
        "assign_sub": "use_locking",
        "scatter_add": "use_locking",
        "scatter_sub": "use_locking",
        "scatter_update": "use_locking",
        "scatter_div": "use_locking",
        "scatter_max": "use_locking",
        "scatter_min": "use_locking",
        "scatter_mul": "use_locking",
        "scatter_nd_add": "use_locking",
        "scatter_nd_sub": "use_locking",
        "scatter_nd_update": "use_locking",
        "PartialUpdates.scatter_add": "use_locking",
        "PartialUpdates.scatter_div": "use_locking",
        "PartialUpdates.scatter_max": "use_locking",
        "PartialUpdates.scatter_min": "use_locking",
        "PartialUpdates.scatter_mul": "use_locking",
        "PartialUpdates.scatter_sub": "use_locking",
        "PartialUpdates.scatter_update": "use_locking",
        "Operand.assign": "use_locking read_value",
    },
    "Gradients see the variables' values from before the run, in any order, and a session has one device.": {
        "Optimizer.compute_gradients": "gate_gradients aggregation_method colocate_gradients_with_ops",
        "Optimizer.minimize": "gate_gradients aggregation_method colocate_gradients_with_ops",
        "create_train_op": "gate_gradients aggregation_method colocate_gradients_with_ops",
        "optimize_loss": "colocate_gradients_with_ops",
        "gradients": "gate_gradients aggregation_method colocate_gradients_with_ops",
        "hessians": "gate_gradients aggregation_method colocate_gradients_with_ops",
    },
    "The types of a node's outputs follow from its inputs; the argument belongs to ONNX's interface.": {
        "OnnxBackend.run_node": "outputs_info",
    },
    "A session has one device, chosen by `backend`, and one copy of each variable; all kinds of variables are one.": {
        "DeviceWrapper.__init__": "device",
        "Graph.device": "device_name_or_function",
        "Layer.add_weight": "use_resource synchronization aggregation",
        "TestCase.cached_session": "use_gpu force_gpu",
        "TestCase.session": "use_gpu force_gpu",
        "TestCase.test_session": "use_gpu force_gpu",
        "Variable.__init__": "caching_device use_resource synchronization aggregation",
        "colocate_with": "op ignore_existing",
        "conv1d": "use_cudnn_on_gpu",
        "conv2d": "use_cudnn_on_gpu",
        "conv2d_backprop_filter": "use_cudnn_on_gpu",
        "conv2d_backprop_input": "use_cudnn_on_gpu",
        "is_gpu_available": "cuda_only",
        "variable_scope": "caching_device use_resource",
    },
    "The check is always made.": {
        "Variable.__init__": "validate_shape",
        "assign": "validate_shape",
        "embedding_lookup": "validate_indices",
        "gather": "validate_indices",
    },
    "Equal elements always keep their order.": {"argsort": "stable"},
    "Nothing is random in it, in TensorFlow neither.": {"compute_accidental_hits": "seed"},
    "It belongs to renorm, which is refused.": {
        "batch_norm": "renorm_decay",
        "batch_normalization": "renorm_momentum",
    },
    "Subclasses read it.": {"Layer.build": "input_shape"},
    "Losses and updates are those of all calls of the layer.": {
        "Layer.add_loss": "inputs",
        "Layer.add_update": "inputs",
    },
    "It tells TensorFlow's kernels how to find the same result.": {
        "matmul": "a_is_sparse b_is_sparse",
        "ones_like": "optimize",
        "zeros_like": "optimize",
    },
    "TensorFlow 1.15 ignores it, too: the variance is computed from the mean in any case.": {"moments": "shift"},
    "The function is called once in each run in any case; the argument permits fewer calls.": {"py_func": "stateful"},
    "The steps of a loop run one after the other, and their values stay where they are.": {
        "foldl": "parallel_iterations swap_memory",
        "foldr": "parallel_iterations swap_memory",
        "map_fn": "parallel_iterations swap_memory infer_shape",
        "scan": "parallel_iterations swap_memory infer_shape",
        "while_loop": "parallel_iterations swap_memory",
        "bidirectional_dynamic_rnn": "parallel_iterations swap_memory",
        "dynamic_rnn": "parallel_iterations swap_memory",
    },
    "The sizes and dtypes are those of the tensors.": {"DropoutWrapper.__init__": "input_size dtype"},
    "An array of a loop is a tensor.": {
        "TensorArray.__init__": "clear_after_read tensor_array_name colocate_with_first_write_call",
    },
    "It chooses between decoders whose pixels differ by a few steps; there is one.": {
        "decode_jpeg": "fancy_upscaling dct_method",
    },
    "The graph has no devices, one saver, and few attributes that have their defaults.": {
        "SavedModelBuilder.add_meta_graph": "clear_devices strip_default_attrs",
        "SavedModelBuilder.add_meta_graph_and_variables": "clear_devices strip_default_attrs",
        "export_tensorflow_meta_graph": "clear_devices clear_extraneous_savers strip_default_attrs",
    },
    "Files have minigraph's own format: text, with all attributes, types and shapes, without devices and savers.": {
        "Saver.__init__": "name restore_sequentially filename",
        "Saver.save": "strip_default_attrs",
        "export_meta_graph": "as_text clear_devices clear_extraneous_savers strip_default_attrs",
        "import_graph_def": "op_dict producer_op_list",
        "import_meta_graph": "clear_devices",
    },
    "A dataset's elements come in one order, whatever is read ahead or at the same time.": {
        "FixedLengthRecordDataset": "buffer_size num_parallel_reads",
        "TFRecordDataset": "buffer_size num_parallel_reads",
        "CsvDataset": "buffer_size",
        "TextLineDataset": "buffer_size num_parallel_reads",
        "parallel_interleave": "sloppy buffer_output_elements prefetch_input_elements",
        "numpy_input_fn": "num_threads",
        "prefetch_to_device": "device",
    },
    "Datasets have one implementation, without options; iterators belong to one session.": {
        "GraphDataset.with_options": "options",
        "Iterator.from_string_handle": "output_classes",
        "Iterator.from_structure": "shared_name output_classes",
    },
    "It only adds to TensorFlow's messages.": {
        "parse_example": "example_names",
        "parse_single_example": "example_names",
    },
    "Places are checked in any case.": {"sparse_tensor_to_dense": "validate_indices"},
    "A closed queue takes nothing in, in any case.": {"QueueBase.close": "cancel_pending_enqueues"},
    "There are no other processes to start and wait for.": {
        "MonitoredSession.__init__": "stop_grace_period_secs",
        "MonitoredTrainingSession": "stop_grace_period_secs max_wait_secs",
        "RunOptions.__init__": "inter_op_thread_pool report_tensor_allocations_upon_oom",
        "SingularMonitoredSession": "stop_grace_period_secs",
        "Supervisor.__init__": "recovery_wait_secs stop_grace_secs local_init_run_options",
        "Supervisor.prepare_or_wait_for_session": "max_wait_secs",
        "train": "startup_delay_steps ignore_live_threads",
    },
    "A run that reads a variable without a value fails in any case, and names it.": {
        "Scaffold.__init__": "ready_op ready_for_local_init_op",
        "Supervisor.__init__": "ready_op ready_for_local_init_op",
        "train": "ready_op",
    },
    "Nothing is downloaded, and labels are used as they are.": {
        "DataSet.__init__": "one_hot",
        "read_data_sets": "source_url",
    },
    "All networks take it; these have nothing that depends on it.": {
        "lenet5": "is_training",
        "lenet5_modern": "is_training",
    },
}

# Methods that minigraph calls and users define: an implementation may need only some of the arguments.
CALLBACKS: dict[type, set[str]] = {
    SessionRunHook: {"after_create_session", "before_run", "after_run", "at_step", "end"},
    tf.train.Optimizer: {"prepare", "step", "finish"},
}


@cache
def definitions(file: str) -> dict[tuple[int, str], ast.FunctionDef]:
    """The functions of a file by name and by the lines on which Python may say that they begin."""
    found = [n for n in ast.walk(ast.parse(Path(file).read_text("utf-8"))) if isinstance(n, ast.FunctionDef)]
    return {(at.lineno, n.name): n for n in found for at in (n, *n.decorator_list)}


def is_ours(file: str) -> bool:
    return Path(file).is_relative_to(HOUSE / "minigraph") or Path(file).is_relative_to(HOUSE / "models")


def parameters_of(node: ast.FunctionDef) -> set[str]:
    args = node.args
    extra = [("*", args.vararg), ("**", args.kwarg)]
    names = {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)} - {"self", "cls"}
    return names | {stars + a.arg for stars, a in extra if a is not None}


def unread(node: ast.FunctionDef) -> set[str]:
    """The parameters that the body never reads; none for a body that only raises an error, which refuses them all."""
    body = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    if not body or all(isinstance(s, ast.Raise) for s in body):
        return set()
    read = {n.id for s in node.body for n in ast.walk(s) if isinstance(n, ast.Name)}
    return {name for name in parameters_of(node) if name.lstrip("*") not in read}


def functions(value: Any) -> Iterator[FunctionType]:
    """The functions behind a public value: itself, or the methods of a class or of a callable object."""
    while isinstance(value, partial):
        value = value.func
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    if isinstance(value, type):
        if issubclass(value, Op):
            return  # the rules of ops have fixed arguments, and no user calls them
        for base in (b for b in value.__mro__ if b.__module__.startswith("minigraph")):
            skipped = {name for kind, names in CALLBACKS.items() if issubclass(base, kind) for name in names}
            for name, member in vars(base).items():
                if (name[0] != "_" or name in ("__init__", "__call__", "__new__")) and name not in skipped:
                    yield from functions(member) if not isinstance(member, type) else ()
        return
    value = inspect.unwrap(value) if callable(value) else value
    value = getattr(value, "__func__", value)
    if isinstance(value, FunctionType):
        yield value
    elif callable(value) and type(value).__module__.startswith("minigraph"):
        yield from functions(type(value).__call__)


def public_values() -> Iterator[Any]:
    for module in MODULES:
        for name in dir(module):
            if not name.startswith("_"):
                yield getattr(module, name, None)
    for path in symbols(ROOT):
        value: Any = ROOT
        for name in path.split("."):
            value = getattr(value, name, None)
        yield value


def walk() -> dict[FunctionType, ast.FunctionDef]:
    """The public functions of minigraph, with their definitions."""
    found = {}
    for value in public_values():
        if isinstance(value, ModuleType):
            continue
        for function in functions(value):
            code = function.__code__
            if is_ours(code.co_filename):
                node = definitions(code.co_filename).get((code.co_firstlineno, code.co_name))
                if node is not None:
                    found[function] = node
    return found


def listed() -> set[tuple[str, str]]:
    return {(f, name) for table in WITHOUT_EFFECT.values() for f, names in table.items() for name in names.split()}


def test_every_argument_acts_is_refused_or_is_listed() -> None:
    functions = walk()
    assert len(functions) > 700
    idle = {(f.__qualname__, name) for f, node in functions.items() for name in unread(node)}
    assert idle - listed() == set(), "arguments that are taken and not used: make them act, or refuse them"
    assert listed() - idle == set(), "these act now: take them off the list"


def test_no_public_function_swallows_unknown_arguments() -> None:
    for function, node in walk().items():
        assert not {p for p in parameters_of(node) if p.startswith(("*_", "**_"))}, function.__qualname__


def test_the_walk_sees_what_is_never_read() -> None:
    source = '''
def f(a, b, *_rest, c=1, **_ignored):
    """Doc b."""
    return a
def g(a, **options):
    raise NotImplementedError(a)
'''
    f, g = (n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef))
    assert unread(f) == {"b", "c", "*_rest", "**_ignored"}
    assert unread(g) == set()
