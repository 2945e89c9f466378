"""The modules of TensorFlow 1 by their paths below `tensorflow`."""

from __future__ import annotations

import unittest.mock
from types import ModuleType
from typing import Any

import minigraph
from minigraph.core.protos import MESSAGES
from minigraph.ops.state import counting
from minigraph.tf1 import (
    aliases,
    analyzer,
    app,
    arg_scope,
    candidates,
    cluster,
    collecting,
    combined,
    config,
    contrib_convolutions,
    contrib_layers,
    contrib_losses,
    contrib_metrics,
    contrib_norm,
    contrib_optimize,
    contrib_summaries,
    custom_gradients,
    dataset_iterators,
    dataset_steps,
    datasets,
    detection,
    estimator,
    examples,
    file_datasets,
    flags,
    gfile,
    host_math,
    hparams,
    logs,
    mnist,
    partitions,
    private_modules,
    queues,
    readers,
    rnn,
    rnn_cells,
    saving,
    slim,
    strings,
    structures,
    supervisor,
    tensor_protos,
    testing,
    timeline,
    training,
    vocabulary,
)
from minigraph.tf1.namespace import ROOT, Namespace
from minigraph.tf1.nets import NETS
from minigraph.tf1.template import make_template
from minigraph.train.moving_averages import assign_moving_average

_CORE_MODULES = (
    "graph_util", "image", "layers", "linalg", "losses", "math", "metrics", "nn", "summary", "train",
)  # fmt: skip
KINDS = ("complex64", "complex128", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "string",
         "uint8", "uint16", "uint32", "uint64")  # fmt: skip
_SCOPES = {n: getattr(arg_scope, n) for n in ("add_arg_scope", "arg_scope", "current_arg_scope", "has_arg_scope")}


def _core(name: str) -> ModuleType | None:
    """minigraph's public module of this name, if any."""
    found = getattr(minigraph, name, None)
    return found if isinstance(found, ModuleType) else None


def _module(path: str, *sources: Any, **names: Any) -> Namespace:
    return Namespace(path, [s for s in sources if s is not None], names)


def _public(module: Any, *left_out: str) -> dict[str, Any]:
    return {n: v for n, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__
            and n[0] != "_" and n not in left_out}  # fmt: skip


MODULES: dict[str, Namespace] = {"": ROOT}


def _add(path: str, *sources: Any, **names: Any) -> None:
    """A module, attached to its parent, which is created if missing."""
    if path in MODULES:
        MODULES[path]._sources += tuple(s for s in sources if s is not None)
        MODULES[path].__dict__.update(names)
        return
    base, _, name = path.rpartition(".")
    if base not in MODULES:
        _add(base)
    MODULES[path] = MODULES[base].__dict__[name] = _module(path, *sources, **names)


def _fill_root() -> None:
    ROOT.__dict__.update(
        _public(config, "Any"),
        VERSION="1.15.5",
        __version__="1.15.5",  # the version whose interface this is
        Operation=minigraph.Node,
        newaxis=None,
    )
    ROOT._sources += (saving.MessageClasses(MESSAGES),)
    for name in _CORE_MODULES:
        if (found := _core(name)) is not None:
            _add(name, found)
    _add("errors", minigraph.errors)
    _add("app", app, run=app.run)
    _add("flags", flags)
    MODULES["app"].__dict__["flags"] = MODULES["flags"]
    _add("gfile", gfile)
    _add("io.gfile", gfile)
    _add("logging", logs)
    _add("test", testing, mock=unittest.mock)
    own = {**_public(training, "Timer"), "Supervisor": supervisor.Supervisor}
    _add("train", training, saving.MessageClasses({"SaverDef": "saver"}), **own, Saver=saving.Saver,
         export_meta_graph=saving.export_meta_graph)  # fmt: skip
    _fill_saved_model()
    _add("compat", strings)
    _fill_input()
    starts = ("constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform",
              "ones", "orthogonal", "random_normal", "random_uniform", "truncated_normal", "variance_scaling",
              "zeros")  # fmt: skip
    _add("initializers", **{n: getattr(minigraph.initializers, n) for n in starts})


def _fill_saved_model() -> None:
    found = minigraph.saved_model
    _add("saved_model", found)
    _add("saved_model.builder", SavedModelBuilder=found.Builder)
    _add("saved_model.loader", load=found.load, maybe_saved_model_directory=found.maybe_saved_model_directory)
    for name in ("signature_constants", "tag_constants"):
        _add(f"saved_model.{name}", **vars(getattr(found, name)))
    signatures = {n: getattr(found, n) for n in ("build_signature_def", "predict_signature_def")}
    _add("saved_model.signature_def_utils", **signatures)
    infos = {n: getattr(found, n) for n in ("build_tensor_info", "get_tensor_from_tensor_info")}
    _add("saved_model.utils", **infos)
    for name in ("builder", "loader", "signature_constants", "signature_def_utils", "tag_constants", "utils"):
        _add(f"python.saved_model.{name}", MODULES[f"saved_model.{name}"])


def _fill_input() -> None:
    """Queues, readers and parsing, which TensorFlow has at several places."""
    producers = ("batch", "batch_join", "input_producer", "limit_epochs", "range_input_producer", "shuffle_batch",
                 "shuffle_batch_join", "slice_input_producer", "string_input_producer")  # fmt: skip
    kinds = {n: getattr(queues, n) for n in ("FIFOQueue", "PaddingFIFOQueue", "QueueBase", "RandomShuffleQueue")}
    parts = _public(examples, "Messages", "ParseExample", "SparseIndices", "SparseToDense", "messages")
    parts["SparseTensorValue"] = examples.SparseTensorValue
    records = {n: getattr(readers, n) for n in ("TFRecordCompressionType", "TFRecordOptions", "TFRecordWriter",
               "tf_record_iterator")}  # fmt: skip
    texts = {n: getattr(readers, n) for n in ("as_string", "decode_csv", "decode_raw", "matching_files", "string_join",
             "string_to_number")}  # fmt: skip
    found = {n: v for n, v in _public(readers).items() if n.endswith("Reader") or n == "ReaderBase"}
    ROOT.__dict__.update(**kinds, **parts, **texts, **found)
    _add(
        "train",
        examples.Messages(),
        **{n: getattr(queues, n) for n in producers},
        match_filenames_once=readers.match_filenames_once,
    )
    _add("python_io", **records)
    _add("estimator", **_public(estimator, "numpy_input_fn"))
    _add("estimator.inputs", numpy_input_fn=estimator.numpy_input_fn)
    kept = {"Dataset": datasets.GraphDataset, "Iterator": dataset_iterators.Iterator}
    kept |= {**_public(datasets, "GraphDataset", "source_of", "size_of"), **_public(file_datasets, "CsvDataset")}
    steps = {"AUTOTUNE": dataset_steps.AUTOTUNE, **_public(dataset_steps)}
    _add("data", **kept)
    _add("data.experimental", **steps, CsvDataset=file_datasets.CsvDataset)
    _add("contrib.data", **kept, **steps)
    _add("io", **records, **parts, **texts, **kinds, match_filenames_once=readers.match_filenames_once,
         read_file=minigraph.read_file, write_file=minigraph.write_file, **_IMAGES)  # fmt: skip


_IMAGES = {n: getattr(minigraph.image, n) for n in ("decode_image", "decode_jpeg", "decode_png", "encode_jpeg",
           "encode_png")}  # fmt: skip


def _fill_aliases() -> None:
    """Other names for what is there, and namespaces of later versions of TensorFlow 1."""
    own = _public(
        aliases,
        "VariablesWithoutValue",
        "IsVariableInitialized",
        "relu_layer",
        "constant_value",
        "LearnModes",
        "OnlyKeras",
    )
    ROOT.__dict__.update(own, OpError=minigraph.errors.OpError, make_template=make_template)
    more, parts = _public(combined, "ListDiff", "UniqueWithCounts"), _public(partitions, "Stitch", "Bincount")
    ROOT.__dict__.update(
        **more, **parts, count_up_to=counting.count_up_to, batch_scatter_update=counting.batch_scatter_update
    )
    _add("math", bincount=partitions.bincount)
    ROOT.__dict__.update(extract_image_patches=ROOT.image.extract_image_patches)
    ROOT.__dict__.update(custom_gradient=custom_gradients.custom_gradient, edit_distance=detection.edit_distance)
    _add("image", non_max_suppression=detection.non_max_suppression)
    _add("train", **_public(cluster))
    _add("contrib.training", HParams=hparams.HParams)
    numbers = _public(host_math, "HostFunction")
    messages = _public(tensor_protos)
    ROOT.__dict__.update(**numbers, **messages)
    _add("math", **numbers)
    _add("python.framework.tensor_util", **messages, MakeNdarray=tensor_protos.make_ndarray)
    _add("contrib.util", **messages)
    _add("math", **{n: more[n] for n in ("cross", "invert_permutation", "segment_mean", "unsorted_segment_mean",
         "unsorted_segment_sqrt_n")})  # fmt: skip
    _add("linalg", cross=combined.cross)
    _add("manip", roll=combined.roll)
    ROOT.__dict__.update(half=minigraph.float16, double=minigraph.float64, lin_space=minigraph.linspace)
    samplers = {n: f for n, f in _public(candidates).items() if n[0].islower()}
    _add("nn", relu_layer=aliases.relu_layer, **samplers)
    _add("initializers", uniform_unit_scaling=aliases.uniform_unit_scaling_initializer,
         variables=minigraph.variables_initializer, global_variables=minigraph.global_variables_initializer,
         local_variables=minigraph.local_variables_initializer)  # fmt: skip
    _add("random", normal=minigraph.random_normal, uniform=minigraph.random_uniform,
         truncated_normal=minigraph.truncated_normal, shuffle=minigraph.random_shuffle,
         **{n: f for n, f in samplers.items() if n.endswith("sampler")},
         multinomial=minigraph.multinomial, set_random_seed=minigraph.set_random_seed)  # fmt: skip
    kinds = {n: getattr(minigraph, n) for n in (*KINDS, "as_dtype", "cast", "saturate_cast", "DType")}
    _add("dtypes", **kinds, bool=minigraph.bool, half=minigraph.float16, double=minigraph.float64)
    checks = [n for n in dir(minigraph) if n.startswith("assert_")]
    _add("debugging", **{n: getattr(minigraph, n) for n in (*checks, "Assert", "check_numerics", "is_finite",
         "is_inf", "is_nan", "is_non_decreasing", "is_numeric_tensor", "is_strictly_increasing")})  # fmt: skip
    _add("train", AggregationMethod=aliases.AggregationMethod)
    _add("contrib.util", constant_value=aliases.constant_value)
    _add("contrib.learn", ModeKeys=aliases.LearnModes, RunConfig=estimator.RunConfig)
    for path in ("contrib.graph_editor", "python.ops.op_selector"):
        _add(path, get_backward_walk_ops=private_modules.get_backward_walk_ops)
    for path in ("python.lib.io.tf_record", "python.lib.io.python_io"):
        _add(path, MODULES["python_io"])
    _add("python.pywrap_tensorflow", NewCheckpointReader=minigraph.train.NewCheckpointReader)
    _add("python.ops.resources", **private_modules.RESOURCES)
    _add("contrib", aliases.OnlyKeras())
    _add("python.framework.test_util", TensorFlowTestCase=testing.TestCase)
    devices = {n: getattr(testing, n) for n in ("list_logical_devices", "list_physical_devices", "set_memory_growth")}
    _add("config.experimental", **devices)


def _fill_recurrent() -> None:
    loops = _public(rnn)
    cells = _public(rnn_cells)
    block = cells.pop("LSTMBlockCell")
    _add("nn", **loops)
    _add("nn.rnn_cell", **cells)
    _add(
        "contrib.rnn",
        **cells,
        LSTMBlockCell=block,
        static_rnn=rnn.static_rnn,
        static_bidirectional_rnn=rnn.static_bidirectional_rnn,
    )
    for path in ("contrib.framework.nest", "nest", "python.util.nest"):
        _add(path, **_public(structures))
    for path in ("python.ops.rnn_cell", "python.ops.rnn_cell_impl"):
        _add(path, **cells)
    _add("python.ops.rnn", **loops)


def _fill_contrib() -> None:
    _add("contrib.losses", contrib_losses)
    _add("contrib.metrics", contrib_metrics)
    losses, metrics = MODULES["contrib.losses"], MODULES["contrib.metrics"]
    steps = {n: getattr(minigraph.train, n) for n in ("create_global_step", "get_global_step",
             "get_or_create_global_step")}  # fmt: skip
    _add("contrib.framework", slim, **_SCOPES, **steps)
    layers = (contrib_layers, contrib_convolutions, contrib_norm, collecting, contrib_summaries)
    kept = {**_SCOPES, "optimize_loss": contrib_optimize.optimize_loss}
    _add("contrib.layers", *layers, **kept, OPTIMIZER_SUMMARIES=contrib_optimize.OPTIMIZER_SUMMARIES,
         OPTIMIZER_CLS_NAMES=contrib_optimize.OPTIMIZER_CLS_NAMES)  # fmt: skip
    _add("contrib.slim", *layers, slim, **kept, **steps, losses=losses, metrics=metrics)
    for name in ("initializers", "layers", "regularizers"):
        _add(f"contrib.slim.{name}", *layers, **kept)
    for name in ("encoders", "initializers", "layers", "optimizers", "regularizers", "summaries"):
        _add(f"contrib.layers.python.layers.{name}", *layers, **kept)
    _add("contrib.layers.python.layers.utils", collecting)
    _add("contrib.slim.utils", collecting)
    _add("contrib.slim.model_analyzer", **_public(analyzer))
    for path in ("contrib.framework.python.ops", "contrib.framework.python.ops.arg_scope",
                 "contrib.framework.python.ops.variables"):  # fmt: skip
        _add(path, slim, **_SCOPES, **steps)
    _add("contrib.learn.preprocessing", **_public(vocabulary))
    _add("contrib.slim.learning", create_train_op=slim.create_train_op, train=slim.train,
         train_step=slim.train_step)  # fmt: skip
    _add("contrib.slim.nets")
    for name, net in NETS.items():
        _add(f"contrib.slim.nets.{name}", net)
        _add(f"contrib.slim.python.slim.nets.{name}", net)
    _add("contrib.slim.nets.inception", NETS["inception_v4"], NETS["inception_resnet_v2"])
    _add("contrib.slim.python.slim.learning", create_train_op=slim.create_train_op, train=slim.train,
         train_step=slim.train_step)  # fmt: skip
    _add("contrib.learn.python.learn.datasets.mnist", mnist)
    _add("examples.tutorials.mnist.input_data", mnist)


def _fill_python() -> None:
    """Private modules that programs import nevertheless; each has the names of the public ones."""
    nn, train = MODULES["nn"], MODULES["train"]
    for name in ("errors", "errors_impl"):
        _add(f"python.framework.{name}", MODULES["errors"])
    for name in ("constant_op", "dtypes", "graph_util", "ops", "random_seed", "tensor_shape", "tensor_util"):
        _add(f"python.framework.{name}", MODULES.get(name), ROOT)
    for name in ("array_ops", "check_ops", "clip_ops", "control_flow_ops", "data_flow_ops", "init_ops", "logging_ops",
                 "math_ops", "nn", "nn_ops", "random_ops", "standard_ops", "state_ops", "variable_scope",
                 "variables", "image_ops"):  # fmt: skip
        _add(f"python.ops.{name}", ROOT, nn, MODULES.get("image"))
    _add("python.framework.ops", convert_to_tensor=minigraph.convert_to_tensor)
    _add("python.framework.random_seed", get_seed=testing.get_seed)
    for name in ("losses", "losses_impl", "util"):
        _add(f"python.ops.losses.{name}", MODULES["losses"])
    for name in ("metrics", "metrics_impl"):
        _add(f"python.ops.{name}", MODULES["metrics"])
    _add("python.framework.tensor_shape", **private_modules.SHAPES)
    _add("python.ops.weights_broadcast_ops", **private_modules.WEIGHTS)
    _add("python.ops.confusion_matrix", ROOT, **private_modules.CONFUSION)
    for name in ("base", "convolutional", "core", "layers", "normalization", "pooling"):
        _add(f"python.layers.{name}", MODULES["layers"])
    _add("python.layers.normalization", batch_norm=minigraph.layers.batch_normalization)
    for path in ("python.layers.utils", "contrib.layers.python.layers.utils", "contrib.slim.utils"):
        _add(path, **private_modules.CONDITIONS)
    for name in ("saver", "training", "training_util", "moving_averages", "optimizer", "session_run_hook",
                 "basic_session_run_hooks", "monitored_session"):  # fmt: skip
        _add(f"python.training.{name}", train, ROOT)
    _add("python.ops.control_flow_ops", with_dependencies=contrib_optimize.with_dependencies)
    _add("python.training.moving_averages", assign_moving_average=assign_moving_average)
    _add("python.framework.tensor_util", constant_value=aliases.constant_value)
    _add("python.client.session", ROOT)
    _add("python.client.timeline", timeline)
    _add("python.client.device_lib", testing.DEVICES)
    _add("python.summary.summary", MODULES["summary"])
    for name, module in (("app", app), ("flags", flags), ("gfile", gfile), ("tf_logging", logs), ("test", testing)):
        _add(f"python.platform.{name}", module)
    _add("python.util.compat", strings)
    _add("core.framework", ROOT)
    _add("core.protobuf.config_pb2", ROOT)
    for name in ("attr_value", "graph", "node_def"):
        _add(f"core.framework.{name}_pb2", ROOT)
    for name in ("meta_graph", "saver"):
        _add(f"core.protobuf.{name}_pb2", ROOT, train)


def private_module(path: str, package: str | None) -> Namespace:
    """A private module with the names of a package of `contrib`, if any, and of the root and its common modules."""
    contrib = MODULES[f"contrib.{package}"] if package else None
    return _module(path, contrib, ROOT, *(MODULES.get(name) for name in ("nn", "train", "image", "io")))


_fill_root()
_fill_aliases()
_fill_recurrent()
_fill_contrib()
_fill_python()
MODULES["compat.v1"] = MODULES["compat"].__dict__["v1"] = ROOT
for _name in ("disable_v2_behavior", "disable_eager_execution", "disable_resource_variables"):
    ROOT.__dict__[_name] = strings.accept_v1
for _path in [p for p in MODULES if p and "." not in p]:
    MODULES[f"compat.v1.{_path}"] = MODULES[_path]
