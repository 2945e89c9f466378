"""Advice for names of TensorFlow 2, PyTorch and NumPy that graphs lack."""

from __future__ import annotations

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

# Names of the module that programs for TensorFlow 2 or PyTorch use.
OF_MODULE = {
    "GradientTape": f"A graph needs no tape: {_GRADIENTS}",
    "Module": _MODULE,
    "autograd": _GRADIENTS,
    "autograph": _COMPILED,
    "compat": _OLD,
    "config": _OLD,
    "contrib": _OLD,
    "cuda": "tf.Session(backend='cupy') runs on a GPU.",
    "data": "`import minigraph.tf1 as tf` has tf.data; `minigraph.data` has digits, folders of images, and batches.",
    "debugging": "tf.Session(check_numerics=True) finds the first NaN; tf.Assert checks a condition in a run.",
    "enable_eager_execution": _EAGER,
    "enable_v2_behavior": _EAGER,
    "from_numpy": "tf.constant makes a constant of an array; tf.placeholder takes an array in each run.",
    "function": _COMPILED,
    "no_grad": "tf.stop_gradient stops gradients at a tensor; a run computes none unless they are fetched.",
    "optim": "The optimizers are in tf.train, such as tf.train.AdamOptimizer.",
    "optimizers": "The optimizers are in tf.train, such as tf.train.AdamOptimizer; Keras's are in tf.keras.optimizers.",
    "print": "tf.Print prints values in a run; print(sess.run(tensor)) prints them after it.",
    "random": f"tf.random_normal, tf.random_uniform and tf.set_random_seed draw numbers. {_OLD}",
    "tensor": "tf.constant makes a constant, tf.Variable a variable, tf.placeholder an input.",
}

# Attributes of tensors and variables; t stands for the tensor.
OF_TENSOR = {
    "T": "tf.transpose(t) transposes it.",
    "astype": "tf.cast(t, dtype) makes a tensor of another dtype.",
    "backward": _GRADIENTS,
    "cpu": _RUN,
    "cuda": "tf.Session(backend='cupy') runs on a GPU.",
    "data": _RUN,
    "detach": "tf.stop_gradient(t) stops gradients there.",
    "flatten": "tf.reshape(t, [-1]) makes it flat; tf.layers.flatten keeps the batch.",
    "grad": _GRADIENTS,
    "item": _RUN,
    "max": "tf.reduce_max(t) is its maximum.",
    "mean": "tf.reduce_mean(t) is its mean.",
    "min": "tf.reduce_min(t) is its minimum.",
    "ndim": "len(t.shape) is its rank.",
    "numpy": _RUN,
    "permute": "tf.transpose(t, perm) permutes the axes.",
    "requires_grad": "Variables have `trainable`; tf.stop_gradient(t) stops gradients.",
    "reshape": "tf.reshape(t, shape) reshapes it.",
    "size": "t.shape is the static shape, tf.size(t) the number of elements in a run.",
    "sum": "tf.reduce_sum(t) is its sum.",
    "to": "tf.cast(t, dtype) makes a tensor of another dtype; tf.Session(backend='cupy') runs on a GPU.",
    "tolist": _RUN,
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


def missing(kind: str, name: str, table: dict[str, str]) -> str:
    """The message for an attribute that is missing, with the advice of a table."""
    advice = table.get(name, "")
    return f"{kind} has no attribute '{name}'" + (f". {advice}" if advice else "")
