"""Advice for names of TensorFlow 2, PyTorch and NumPy that graphs lack."""

from __future__ import annotations

from sys import modules
from typing import Any

_RUN = "A graph tensor has no value until it is run: sess.run(t) or t.eval() gives it."
_GRADIENTS = (
    "tf.gradients(loss, variables) makes the gradients as tensors, and minimize(loss) of an optimizer the whole "
    "training step."
)
_COMPILED = "Every graph that Session.run runs is compiled; no function needs a mark."
_EAGER = "minigraph runs graphs only, as TensorFlow 1: build tensors, then run them in a tf.Session."
_MODULE = (
    "Layers are functions of tf.layers, and tf.variable_scope names and shares their variables; tf.keras has models."
)
_OLD = "`import minigraph.tf1 as tf` has this module of TensorFlow 1."

_LAYERS = (
    "Layers are functions of tf.layers, such as tf.layers.dense and tf.layers.conv2d; tf.keras.layers has classes."
)
_SEEDS = "tf.set_random_seed sets the seed of a graph's random numbers."
_FILES = "tf.train.Saver saves and restores variables."

# Names of the module and its parts that programs for TensorFlow 2 or PyTorch use.
OF_MODULE = {
    "GradientTape": f"A graph needs no tape: {_GRADIENTS}",
    "Module": _MODULE,
    "arange": "tf.range(start, limit, delta) counts.",
    "autograd": _GRADIENTS,
    "autograph": _COMPILED,
    "cat": "tf.concat(tensors, axis) joins tensors.",
    "compat": _OLD,
    "config": _OLD,
    "contrib": _OLD,
    "cuda": "tf.Session(backend='cupy') runs on a GPU.",
    "data": "`import minigraph.tf1 as tf` has tf.data; `minigraph.data` has digits, folders of images, and batches.",
    "debugging": "tf.Session(check_numerics=True) finds the first NaN; tf.Assert checks a condition in a run.",
    "distribute": "minigraph.distributed trains on several processes, with Horovod's functions.",
    "enable_eager_execution": _EAGER,
    "enable_v2_behavior": _EAGER,
    "executing_eagerly": _EAGER,
    "from_numpy": "tf.constant makes a constant of an array; tf.placeholder takes an array in each run.",
    "function": _COMPILED,
    "load": _FILES,
    "losses.BinaryCrossentropy": "tf.losses.sigmoid_cross_entropy is the loss as a tensor.",
    "losses.CategoricalCrossentropy": "tf.losses.softmax_cross_entropy is the loss as a tensor.",
    "losses.MeanSquaredError": "tf.losses.mean_squared_error is the loss as a tensor.",
    "losses.SparseCategoricalCrossentropy": "tf.losses.sparse_softmax_cross_entropy is the loss as a tensor.",
    "manual_seed": _SEEDS,
    "metrics.Accuracy": "tf.metrics.accuracy gives a value and its update as tensors.",
    "metrics.Mean": "tf.metrics.mean gives a value and its update as tensors.",
    "nn.BCEWithLogitsLoss": "tf.losses.sigmoid_cross_entropy is the loss as a tensor.",
    "nn.BatchNorm2d": _LAYERS,
    "nn.Conv2d": _LAYERS,
    "nn.CrossEntropyLoss": "tf.losses.sparse_softmax_cross_entropy is the loss as a tensor.",
    "nn.Dropout": _LAYERS,
    "nn.Flatten": _LAYERS,
    "nn.Linear": _LAYERS,
    "nn.MSELoss": "tf.losses.mean_squared_error is the loss as a tensor.",
    "nn.MaxPool2d": _LAYERS,
    "nn.Module": _MODULE,
    "nn.ReLU": "tf.nn.relu is a function of a tensor.",
    "nn.Sequential": "A network is a chain of calls, each on the result of the last; tf.keras.Sequential is a class.",
    "nn.functional": "Its functions are in tf.nn, such as tf.nn.relu and tf.nn.conv2d.",
    "no_grad": "tf.stop_gradient stops gradients at a tensor; a run computes none unless they are fetched.",
    "optim": "The optimizers are in tf.train, such as tf.train.AdamOptimizer.",
    "optimizers": "The optimizers are in tf.train, such as tf.train.AdamOptimizer; Keras's are in tf.keras.optimizers.",
    "print": "tf.Print prints values in a run; print(sess.run(tensor)) prints them after it.",
    "rand": "tf.random_uniform draws numbers in each run.",
    "randn": "tf.random_normal draws numbers in each run.",
    "random": f"tf.random_normal, tf.random_uniform and tf.set_random_seed draw numbers. {_OLD}",
    "save": _FILES,
    "summary.create_file_writer": "tf.summary.FileWriter writes the results of summary ops that were run.",
    "tensor": "tf.constant makes a constant, tf.Variable a variable, tf.placeholder an input.",
    "train.Checkpoint": _FILES,
    "train.CheckpointManager": "tf.train.Saver(max_to_keep=n) keeps the last n checkpoints.",
}

# Attributes of tensors and variables; t stands for the tensor.
OF_TENSOR = {
    "T": "tf.transpose(t) transposes it.",
    "argmax": "tf.argmax(t, axis) is the place of its maximum.",
    "astype": "tf.cast(t, dtype) makes a tensor of another dtype.",
    "backward": _GRADIENTS,
    "clone": "tf.identity(t) makes another tensor of its values; tensors never change.",
    "copy_": "tf.assign(variable, value) makes an op that sets a variable in a run.",
    "cpu": _RUN,
    "cuda": "tf.Session(backend='cupy') runs on a GPU.",
    "data": _RUN,
    "detach": "tf.stop_gradient(t) stops gradients there.",
    "dim": "len(t.shape) is its rank.",
    "double": "tf.cast(t, tf.float64) makes a tensor of another dtype.",
    "flatten": "tf.reshape(t, [-1]) makes it flat; tf.layers.flatten keeps the batch.",
    "float": "tf.cast(t, tf.float32) makes a tensor of another dtype.",
    "grad": _GRADIENTS,
    "half": "tf.cast(t, tf.float16) makes a tensor of another dtype.",
    "int": "tf.cast(t, tf.int32) makes a tensor of another dtype.",
    "item": _RUN,
    "long": "tf.cast(t, tf.int64) makes a tensor of another dtype.",
    "max": "tf.reduce_max(t) is its maximum.",
    "mean": "tf.reduce_mean(t) is its mean.",
    "min": "tf.reduce_min(t) is its minimum.",
    "ndim": "len(t.shape) is its rank.",
    "numpy": _RUN,
    "permute": "tf.transpose(t, perm) permutes the axes.",
    "requires_grad": "Variables have `trainable`; tf.stop_gradient(t) stops gradients.",
    "reshape": "tf.reshape(t, shape) reshapes it.",
    "size": "t.shape is the static shape, tf.size(t) the number of elements in a run.",
    "squeeze": "tf.squeeze(t, axis) drops axes of size 1.",
    "sum": "tf.reduce_sum(t) is its sum.",
    "to": "tf.cast(t, dtype) makes a tensor of another dtype; tf.Session(backend='cupy') runs on a GPU.",
    "tolist": _RUN,
    "transpose": "tf.transpose(t, perm) permutes the axes.",
    "unsqueeze": "tf.expand_dims(t, axis) adds an axis of size 1.",
    "view": "tf.reshape(t, shape) reshapes it.",
}

# Attributes of optimizers.
OF_OPTIMIZER = {
    "apply": "apply_gradients takes pairs of a gradient and a variable.",
    "param_groups": "The learning rate may be a tensor, such as a placeholder or tf.train.exponential_decay(…).",
    "state_dict": "tf.train.Saver saves the optimizer's slots with all other variables.",
    "zero_grad": "Gradients do not add up between runs, so nothing has to be cleared.",
}

# Attributes of `minigraph.data.Dataset`, which has the name of TensorFlow's class.
OF_DATASET = dict.fromkeys(
    ("from_generator", "from_tensor_slices", "from_tensors", "list_files", "range", "zip"),
    "`import minigraph.tf1 as tf` has TensorFlow's tf.data.Dataset; this one holds the images of a data set.",
)


def no_attribute(path: str, name: str) -> AttributeError:
    """The error for a name that a module of the interface lacks, such as `minigraph.nn`, with the advice for it."""
    key = ".".join([*path.split("."), name][1:])
    return AttributeError(
        missing(f"module {path!r}", name, {name: OF_MODULE.get(key, "")}), name=name, obj=modules[path]
    )


def advise(path: str) -> None:
    """Let the errors for names that a module of the interface lacks give advice."""

    def __getattr__(name: str) -> Any:
        raise no_attribute(path, name)

    vars(modules[path])["__getattr__"] = __getattr__


def missing(kind: str, name: str, table: dict[str, str]) -> str:
    """The message for an attribute that is missing, with the advice of a table."""
    advice = table.get(name, "")
    return f"{kind} has no attribute '{name}'" + (f". {advice}" if advice else "")
