"""Checkpoints: variables and random states in one safetensors file, written atomically and checked when read."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigraph.compile.specialise import RANDOM_STATE
from minigraph.core.arguments import refuse
from minigraph.core.errors import (
    DataLossError,
    FailedPreconditionError,
    GraphError,
    InvalidArgumentError,
    NotFoundError,
)
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import PathLike
from minigraph.run.variable_lists import global_variables
from minigraph.run.variables import Variable
from minigraph.train.graph_export import export_meta_graph
from minigraph.util.files import atomic_write

if TYPE_CHECKING:
    from minigraph.run.session import Session

SUFFIX = ".safetensors"
STATE_FILE = "checkpoint.json"
_STATE_FILE_OF_TENSORFLOW = "checkpoint"
_FORMAT = "minigraph.checkpoint.1"


class Saver:
    """Saves variables to checkpoints and restores them.

    A checkpoint is one safetensors file. With the default `var_list` it also holds the states of random ops, so that a
    restored session continues exactly. `last_checkpoints` lists the paths of the checkpoints that are kept.

    Args:
        var_list: The variables, or a mapping from names in the checkpoint to variables; by default all global variables
            of the default graph at this time.
        reshape: Whether `restore` reshapes values that have another shape but as many elements as their variable.
        sharded: TensorFlow 1's; it has no effect but on the count of nodes, from which default seeds come.
        name, restore_sequentially, write_version, save_relative_paths, filename: TensorFlow 1's; they have no
            effect: a checkpoint is one file of minigraph's own format, and no node writes it.
        max_to_keep: The number of checkpoints to keep; older ones are deleted. None or 0 keeps all.
        keep_checkpoint_every_n_hours: Hours after which one further checkpoint is kept for good.
        saver_def, builder: Not supported; they must be None.
        defer_build: Whether the variables are chosen when `build` is called, in place of now.
        allow_empty: Whether there may be no variables; then `save` and `restore` concern random states only.
        pad_step_number: Whether the step in a checkpoint's name has at least eight digits.

    Raises:
        ValueError: There are no variables, or an argument is not supported.
        TypeError: An item of `var_list` is not a variable.

    Example:
        >>> w = tf.Variable(2.0)
        >>> saver = tf.train.Saver()
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     path = saver.save(sess, "model", global_step=7)
        >>> path
        'model-7.safetensors'
        >>> with tf.Session() as sess:
        ...     saver.restore(sess, tf.train.latest_checkpoint("."))
        ...     print(sess.run(w))
        2.0
    """

    def __init__(
        self, var_list: Mapping[str, Variable] | Iterable[Variable] | None = None, reshape: bool = False,
        sharded: bool = False, max_to_keep: int | None = 5, keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None, restore_sequentially: bool = False, saver_def: None = None, builder: None = None,
        defer_build: bool = False, allow_empty: bool = False, write_version: Any = None, pad_step_number: bool = False,
        save_relative_paths: bool = False, filename: PathLike | None = None,
    ) -> None:  # fmt: skip
        refuse("tf.train.Saver", saver_def=saver_def, builder=builder)
        self._sharded = sharded
        if defer_build and var_list is not None:
            raise ValueError("If `var_list` is provided then build cannot be deferred. Either set defer_build=False or "
                             "var_list=None.")  # fmt: skip
        self._whole, self._allow_empty, self._reshape = var_list is None, allow_empty, reshape
        self._built = False
        self._keep, self._digits = max_to_keep or 0, 8 if pad_step_number else 0
        self._hours = keep_checkpoint_every_n_hours
        self._keep_next = time.time() + self._hours * 3600
        self._saved_at: dict[str, float] = {}
        self.last_checkpoints: list[str] = []
        if not defer_build:
            self._choose(var_list)

    def build(self) -> None:
        """Choose the variables, for a Saver that was made with `defer_build`.

        Raises:
            ValueError: There are no variables.
        """
        if not self._built:
            self._choose(None)

    def _choose(self, var_list: Mapping[str, Variable] | Iterable[Variable] | None) -> None:
        chosen = global_variables() if var_list is None else var_list
        named = dict(chosen) if isinstance(chosen, Mapping) else {v.name.partition(":")[0]: v for v in chosen}
        if not named and not self._allow_empty:
            raise ValueError("No variables to save")
        for variable in named.values():
            if not isinstance(variable, Variable):
                raise TypeError(f"var_list must hold tf.Variables, not {variable!r}")
        self._variables: dict[str, Variable] = named
        self._built = True
        for variable in list(named.values())[:1]:  # TensorFlow's nodes that save, and that restore each variable
            variable.graph.reserve_ids((20 if self._sharded else 11) + len(named))

    def _require_built(self) -> None:
        if not self._built:
            raise RuntimeError("`build()` should be called before save and restore if defer_build==True")

    def save(
        self,
        sess: Session,
        save_path: PathLike,
        global_step: int | np.integer[Any] | Tensor | Variable | None = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool | None = None,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write a checkpoint, `<save_path>.safetensors` or `<save_path>-<global_step>.safetensors`.

        An older file of this name stays until the new one is whole.

        Args:
            sess: The session that holds the values.
            save_path: Path of the file, without its ending. The folder is made if it does not exist.
            global_step: A number, or a scalar tensor or variable, which is run.
            latest_filename: Name of the file that lists the folder's checkpoints; by default `checkpoint.json`.
            meta_graph_suffix: Ending of the file that `write_meta_graph` writes.
            write_meta_graph: Whether the graph is written beside the checkpoint, for `tf.train.import_meta_graph`. By
                default it is, unless it holds what no file can hold, such as a Python function; then only True is an
                error.
            write_state: Whether the checkpoint is listed in the folder's file, and older ones are deleted.
            strip_default_attrs: TensorFlow 1's; it has no effect: files of minigraph hold all attributes.
            save_debug_info: Not supported; it must be False.
            metadata: Texts to keep in the file; `read_metadata` gives them back.

        Returns:
            The path of the file.

        Raises:
            FailedPreconditionError: A variable has no value yet.
            GraphError: `write_meta_graph` is True, and the graph cannot be written.
            RuntimeError: The Saver's build was deferred, and `build` was not called.
            ValueError: An argument is not supported.
        """
        refuse("tf.train.Saver.save", save_debug_info=save_debug_info)
        self._require_built()
        path = str(os.fspath(save_path)).removesuffix(SUFFIX)
        if global_step is not None:
            step = global_step if isinstance(global_step, int | np.integer) else sess.run(global_step)
            path = f"{path}-{int(step):0{self._digits}d}"
        arrays = self._collect(sess)
        if write_meta_graph is not False:
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with suppress(*[GraphError] * (write_meta_graph is None)):
                export_meta_graph(f"{path}.{meta_graph_suffix}", graph=sess.graph)
        path += SUFFIX
        write_checkpoint(path, arrays, metadata or {})
        if write_state:
            self._remember(path, latest_filename or STATE_FILE, meta_graph_suffix)
        return path

    def _collect(self, sess: Session) -> dict[str, np.ndarray]:
        state = sess.read_state()
        out = {}
        for name, variable in self._variables.items():
            if variable.op.name not in state:
                where = variable.op.source.describe()
                raise FailedPreconditionError(
                    f"Attempting to use uninitialized value {variable.op.name}, to save it (made at {where})"
                )
            out[name] = state[variable.op.name]
        if self._whole:
            out |= {name: value for name, value in state.items() if name.startswith(RANDOM_STATE)}
        return out

    def _remember(self, path: str, state_file: str, meta_graph_suffix: str) -> None:
        import json

        folder = os.path.dirname(path)
        self._saved_at[path] = time.time()
        known = [p for p in self.last_checkpoints if p != path] + [path]
        old = known[: -self._keep] if self._keep else []
        self.last_checkpoints = known[-self._keep :] if self._keep else known
        names = [os.path.relpath(p, folder or ".") for p in self.last_checkpoints]
        with atomic_write(os.path.join(folder, state_file), "w") as file:
            json.dump({"latest": names[-1], "all": names}, file, indent=1)
        for stale in old:
            if self._saved_at.pop(stale, 0.0) > self._keep_next:  # one checkpoint for these hours stays
                self._keep_next += self._hours * 3600
                continue
            for part in (stale, f"{stale.removesuffix(SUFFIX)}.{meta_graph_suffix}"):
                if os.path.exists(part):
                    os.remove(part)

    def restore(self, sess: Session, save_path: PathLike) -> None:
        """Set variables to the values in a checkpoint, of minigraph or of TensorFlow 1.

        All variables are set, or none if there is an error.

        Args:
            sess: The session that gets the values.
            save_path: Path of the checkpoint.

        Raises:
            ValueError: `save_path` is None.
            NotFoundError: The file does not exist, or a variable is not in it.
            DataLossError: The file is damaged or of another kind.
            InvalidArgumentError: A variable has another shape or dtype in the file.
            RuntimeError: The Saver's build was deferred, and `build` was not called.
        """
        self._require_built()
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        arrays = _of_tensorflow(save_path) or read_checkpoint(save_path)[0]
        state = {}
        for name, variable in self._variables.items():
            if name not in arrays:
                raise NotFoundError(f"Key {name} not found in checkpoint {os.fspath(save_path)}")
            array = arrays[name]
            kind = variable.type
            if self._reshape and array.size == kind.size:
                array = array.reshape(kind.static)
            if array.shape != kind.shape or array.dtype != kind.dtype.np_dtype:
                raise InvalidArgumentError(
                    f"{os.fspath(save_path)}: '{name}' is {array.dtype}{list(array.shape)} in the checkpoint and "
                    f"{kind} (shape {format_shape(kind.shape)}) in the graph"
                )
            state[variable.op.name] = array
        if self._whole:
            nodes = {RANDOM_STATE + n.name for n in sess.graph.nodes if n.op.draws}
            state |= {name: value for name, value in arrays.items() if name in nodes}
        sess.write_state(state)


def write_checkpoint(path: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write named arrays with a checksum. `metadata`: texts by key."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()}
    header = {f"user.{k}": v for k, v in metadata.items()} | {"format": _FORMAT}
    data = save(contiguous, header | {"sha256": _digest(contiguous, header)})
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with atomic_write(path) as file:
        file.write(data)


def read_checkpoint(path: PathLike) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The named arrays and the metadata of a checkpoint. NotFoundError; DataLossError if the file is damaged."""
    from safetensors import SafetensorError, safe_open

    file = _find(path)
    try:
        with safe_open(file, framework="np") as content:
            header = content.metadata() or {}
            if header.get("format") != _FORMAT:
                raise DataLossError(f"{file} is a safetensors file, but not a checkpoint of minigraph")
            arrays = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise DataLossError(f"{file} is damaged, or not a checkpoint: {error}") from None
    if header.pop("sha256", None) != _digest(arrays, header):
        raise DataLossError(f"{file} is damaged: its content does not match its checksum")
    return arrays, {k.removeprefix("user."): v for k, v in header.items() if k.startswith("user.")}


def read_metadata(path: PathLike) -> dict[str, str]:
    """Read the metadata that `Saver.save` was given.

    Args:
        path: Path of the checkpoint.

    Returns:
        The texts by key.

    Raises:
        NotFoundError: The file does not exist.
        DataLossError: The file is damaged or of another kind.

    Example:
        >>> w = tf.Variable(2.0)
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     path = tf.train.Saver().save(sess, "model", metadata={"epoch": "3"})
        >>> tf.train.read_metadata(path)
        {'epoch': '3'}
    """
    return read_checkpoint(path)[1]


def latest_checkpoint(checkpoint_dir: PathLike, latest_filename: str | None = None) -> str | None:
    """Find the newest checkpoint that a Saver, of minigraph or of TensorFlow 1, wrote into a folder.

    Args:
        checkpoint_dir: The folder.
        latest_filename: Name of the file in which the Saver notes its checkpoints; by default `checkpoint.json` of
            minigraph, or else `checkpoint` of TensorFlow.

    Returns:
        The path of the checkpoint; None if there is none.

    Example:
        >>> print(tf.train.latest_checkpoint("no_such_folder"))
        None
    """
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not checkpoint_exists(state.model_checkpoint_path):
        return None
    return state.model_checkpoint_path


class CheckpointState(NamedTuple):
    """The newest checkpoint of a folder, and all that are kept, the oldest first."""

    model_checkpoint_path: str
    all_model_checkpoint_paths: list[str]


def get_checkpoint_state(checkpoint_dir: PathLike, latest_filename: str | None = None) -> CheckpointState | None:
    """Read which checkpoints a Saver, of minigraph or of TensorFlow 1, keeps in a folder.

    Args:
        checkpoint_dir: The folder.
        latest_filename: Name of the file in which the Saver notes its checkpoints; by default `checkpoint.json` of
            minigraph, or else `checkpoint` of TensorFlow.

    Returns:
        A named tuple of `model_checkpoint_path`, the newest, and `all_model_checkpoint_paths`, the oldest first; None
        if there is no such file or it cannot be read.

    Example:
        >>> w = tf.Variable(2.0)
        >>> saver = tf.train.Saver()
        >>> with tf.Session() as sess:
        ...     sess.run(w.initializer)
        ...     for step in (1, 2):
        ...         path = saver.save(sess, "logs/model", global_step=step)
        >>> tf.train.get_checkpoint_state("logs").model_checkpoint_path
        'logs/model-2.safetensors'
    """
    folder = os.fspath(checkpoint_dir)
    for name in [latest_filename] if latest_filename else [STATE_FILE, _STATE_FILE_OF_TENSORFLOW]:
        try:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                latest, every = _read_state(file.read())
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return CheckpointState(os.path.join(folder, latest), [os.path.join(folder, path) for path in every])
    return None


def _read_state(text: str) -> tuple[str, list[str]]:
    """The paths in a file about a folder's checkpoints: the newest, and all. Raises some error for any other file."""
    import json
    import re

    if text.lstrip().startswith("{"):
        state = json.loads(text)
        return state["latest"], state["all"]
    found = re.findall(r'^(all_)?model_checkpoint_paths?: "(.*)"$', text, re.MULTILINE)
    newest = dict(found)
    return newest[""], [path for kind, path in found if kind]


def checkpoint_exists(checkpoint_prefix: PathLike) -> bool:
    """Tell whether there is a checkpoint, of minigraph or of TensorFlow 1, at a path.

    Args:
        checkpoint_prefix: Path of the checkpoint, with or without its ending.

    Returns:
        True if the file exists.

    Example:
        >>> tf.train.checkpoint_exists("model")
        False
    """
    try:
        _find(checkpoint_prefix)
    except NotFoundError:
        return os.path.isfile(f"{os.fspath(checkpoint_prefix)}.index")  # of TensorFlow
    return True


def _of_tensorflow(path: PathLike) -> dict[str, np.ndarray] | None:
    """The variables of a checkpoint of TensorFlow; None if there is none. DataLossError if it is damaged."""
    from minigraph.formats.registry import find_format, load_weights
    from minigraph.formats.tensorflow.checkpoint import is_checkpoint

    if os.path.isfile(f"{os.fspath(path)}{SUFFIX}"):
        return None
    try:
        form, _ = find_format(path)
    except (NotFoundError, DataLossError):
        return None
    return load_weights(path) if form.matches is is_checkpoint else None


def _find(path: PathLike) -> str:
    text = str(os.fspath(path))
    for candidate in (text, text + SUFFIX):
        if os.path.isfile(candidate):
            return candidate
    raise NotFoundError(f"no checkpoint at {text}")


def _digest(arrays: Mapping[str, np.ndarray], header: Mapping[str, str]) -> str:
    import hashlib
    import json

    digest = hashlib.sha256(json.dumps(sorted(header.items())).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
