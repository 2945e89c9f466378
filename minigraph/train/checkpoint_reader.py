"""Reading checkpoints without a Saver, under TensorFlow 1's names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigraph.compile.specialise import RANDOM_STATE
from minigraph.core.default_graph import get_default_graph
from minigraph.core.dtypes import DType, as_dtype
from minigraph.core.errors import NotFoundError
from minigraph.core.types import format_shape
from minigraph.core.typing import PathLike
from minigraph.ops.constant import constant
from minigraph.ops.state.variable import Assign
from minigraph.run.variable_lists import global_variables
from minigraph.run.variables import Variable
from minigraph.train.checkpoint_state import latest_checkpoint
from minigraph.train.stored import read_any


class NewCheckpointReader:
    """Reads the tensors of a checkpoint, of TensorFlow or of minigraph.

    Args:
        filepattern: Path of the checkpoint, as its Saver gave it.

    Raises:
        NotFoundError: There is no such checkpoint.
        DataLossError: It is damaged.

    Example:
        >>> w = tf.Variable([1.0, 2.0], name="w")
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     path = tf.train.Saver(write_version=2).save(sess, "model")
        >>> reader = tf.train.NewCheckpointReader(path)
        >>> reader.get_variable_to_shape_map(), reader.get_tensor("w").tolist()
        ({'w': [2]}, [1.0, 2.0])
    """

    def __init__(self, filepattern: PathLike) -> None:
        self._name = os.fspath(filepattern)
        self._arrays = {n: a for n, a in read_any(filepattern).items() if not n.startswith(RANDOM_STATE)}

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """List the shapes.

        Returns:
            The shapes by name.
        """
        return {name: list(array.shape) for name, array in self._arrays.items()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """List the dtypes.

        Returns:
            The dtypes by name.
        """
        return {name: as_dtype(array.dtype) for name, array in self._arrays.items()}

    def has_tensor(self, tensor_str: str) -> bool:
        """Tell whether there is a tensor of a name.

        Args:
            tensor_str: The name.

        Returns:
            True if there is.
        """
        return tensor_str in self._arrays

    def get_tensor(self, tensor_str: str) -> np.ndarray:
        """Give a tensor.

        Args:
            tensor_str: The name.

        Returns:
            The array.

        Raises:
            NotFoundError: There is no such tensor.
        """
        if tensor_str not in self._arrays:
            raise NotFoundError(f"Key {tensor_str} not found in checkpoint {self._name}")
        return self._arrays[tensor_str]

    def debug_string(self) -> bytes:
        """Describe the tensors.

        Returns:
            A line for each: name, dtype, shape.
        """
        lines = (f"{n} (DT_{a.dtype.name.upper()}) {list(a.shape)}" for n, a in sorted(self._arrays.items()))
        return "\n".join(lines).encode()


def load_checkpoint(ckpt_dir_or_file: PathLike) -> NewCheckpointReader:
    """Open a checkpoint, or the newest of a folder.

    Args:
        ckpt_dir_or_file: The checkpoint's path, or the folder.

    Returns:
        The reader.

    Raises:
        ValueError: The folder has no checkpoint.

    Example:
        >>> w = tf.Variable(2.0, name="w")
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     path = tf.train.Saver().save(sess, "logs/model")
        >>> tf.train.load_checkpoint("logs").has_tensor("w")
        True
    """
    path = os.fspath(ckpt_dir_or_file)
    if os.path.isdir(path):
        found = latest_checkpoint(path)
        if found is None:
            raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}")
        path = found
    return NewCheckpointReader(path)


def load_variable(ckpt_dir_or_file: PathLike, name: str) -> np.ndarray:
    """Read one tensor of a checkpoint, or of the newest of a folder.

    Args:
        ckpt_dir_or_file: The checkpoint's path, or the folder.
        name: The tensor's name; `:0` at its end does not count.

    Returns:
        The array.

    Raises:
        ValueError: The folder has no checkpoint.
        NotFoundError: There is no such tensor.

    Example:
        >>> w = tf.Variable(2.0, name="w")
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     path = tf.train.Saver().save(sess, "model")
        >>> float(tf.train.load_variable(path, "w"))
        2.0
    """
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: PathLike) -> list[tuple[str, list[int]]]:
    """List the tensors of a checkpoint, or of the newest of a folder.

    Args:
        ckpt_dir_or_file: The checkpoint's path, or the folder.

    Returns:
        Names and shapes, sorted by name.

    Raises:
        ValueError: The folder has no checkpoint.

    Example:
        >>> w = tf.Variable([1.0, 2.0], name="w")
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     path = tf.train.Saver().save(sess, "model")
        >>> tf.train.list_variables(path)
        [('w', [2])]
    """
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def init_from_checkpoint(ckpt_dir_or_file: PathLike, assignment_map: Mapping[str, Any]) -> None:
    """Make the initializers of variables give them values from a checkpoint.

    Args:
        ckpt_dir_or_file: The checkpoint's path, or a folder, whose newest is taken.
        assignment_map: Variables of the default graph, their names, or scopes that end in a slash, by the names or
            scopes in the checkpoint. `/` is the scope of all.

    Raises:
        ValueError: A name is not in the checkpoint or the graph, or shapes differ.

    Example:
        >>> w = tf.Variable([1.0, 2.0], name="old/w")
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     path = tf.train.Saver().save(sess, "model")
        >>> tf.reset_default_graph()
        >>> w = tf.get_variable("new/w", [2])
        >>> tf.train.init_from_checkpoint(path, {"old/": "new/"})
        >>> with tf.Session() as sess:
        ...     sess.run(tf.global_variables_initializer())
        ...     print(sess.run(w))
        [1. 2.]
    """
    reader = load_checkpoint(ckpt_dir_or_file)
    known = {v.op.name: v for v in global_variables()}
    for source, target in assignment_map.items():
        if isinstance(target, str) and target.endswith("/"):
            _init_scope(reader, source, target, known)
            continue
        variable = known.get(target.removesuffix(":0")) if isinstance(target, str) else target
        if not isinstance(variable, Variable):
            raise ValueError(f"the graph has no variable '{target}', to be initialised from '{source}'")
        _init(reader, source, variable)


def _init_scope(reader: NewCheckpointReader, source: str, target: str, known: Mapping[str, Variable]) -> None:
    if not source.endswith("/"):
        raise ValueError(f"Assignment map with scope only name {target} should map to scope only {source}. Should be "
                         f"'scope/': 'other_scope/'.")  # fmt: skip
    old, new = source.lstrip("/"), target.lstrip("/")
    for name, variable in known.items():
        if name.startswith(new):
            _init(reader, old + name.removeprefix(new), variable)


def _init(reader: NewCheckpointReader, source: str, variable: Variable) -> None:
    if not reader.has_tensor(source):
        raise ValueError(f"Tensor {source} is not found in the checkpoint, for the variable '{variable.op.name}'")
    array = reader.get_tensor(source)
    if array.shape != variable.type.shape:
        raise ValueError(
            f"Shape of variable {variable.name} ({format_shape(variable.type.shape)}) doesn't match with shape of "
            f"tensor {source} ({list(array.shape)}) from checkpoint reader."
        )
    graph = get_default_graph()
    with graph.control_dependencies(None), graph.name_scope("init_from_checkpoint"):
        value = constant(array, variable.dtype)
        variable.initializer = graph.add(Assign(), (variable.ref, value), "Assign")
    variable.initial_value = value
