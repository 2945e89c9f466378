"""Savers: the variables of a session to checkpoints and back."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minigraph.compile.specialise import RANDOM_STATE
from minigraph.core.arguments import refuse
from minigraph.core.errors import (
    FailedPreconditionError,
    GraphError,
    InvalidArgumentError,
    MissingPackageError,
    NotFoundError,
)
from minigraph.core.graph import Tensor
from minigraph.core.types import format_shape
from minigraph.core.typing import PathLike
from minigraph.formats.tensorflow.checkpoint import write_checkpoint as write_tensorflow
from minigraph.graphs.importing import base_name
from minigraph.run.variable_lists import global_variables
from minigraph.run.variables import Variable
from minigraph.train.checkpoint_state import (
    STATE_FILE,
    STATE_FILE_OF_TENSORFLOW,
    checkpoint_exists,
    write_checkpoint_state,
)
from minigraph.train.graph_export import export_meta_graph
from minigraph.train.meta_graph_def import saver_def as message_of
from minigraph.train.meta_graph_def import write_meta_graph
from minigraph.train.native_checkpoint import SUFFIX, write_checkpoint
from minigraph.train.stored import read_any

if TYPE_CHECKING:
    from minigraph.run.session import Session


class VariablePart(NamedTuple):
    """A part of a partitioned variable: the name and shape of the whole in the checkpoint, and its place there."""

    whole: str
    shape: tuple[int, ...]
    place: tuple[slice, ...]


class Saver:
    """Saves variables to checkpoints and restores them.

    A checkpoint is one safetensors file. With the default `var_list` it also holds the states of random ops, so that a
    restored session continues exactly. With `write_version` it has TensorFlow's form, which TensorFlow restores, and
    no states of random ops. `last_checkpoints` lists the paths of the checkpoints that are kept.

    Args:
        var_list: The variables, or a mapping from names in the checkpoint to variables; by default all global variables
            of the default graph at this time.
        reshape: Whether `restore` reshapes values that have another shape but as many elements as their variable.
        sharded: TensorFlow 1's; it has no effect but on the count of nodes, from which default seeds come.
        name, restore_sequentially, filename: TensorFlow 1's; they have no effect: no node writes a checkpoint.
        max_to_keep: The number of checkpoints to keep; older ones are deleted. None or 0 keeps all.
        keep_checkpoint_every_n_hours: Hours after which one further checkpoint is kept for good.
        saver_def: A `SaverDef` of TensorFlow, which says how many checkpoints to keep.
        builder: Not supported; it must be None.
        defer_build: Whether the variables are chosen when `build` is called, in place of now.
        allow_empty: Whether there may be no variables; then `save` and `restore` concern random states only.
        write_version: 2 for checkpoints in TensorFlow's form (1, its older form, is written as 2); None for
            minigraph's own. `minigraph.tf1`, which old programs get, has 2 as the default.
        pad_step_number: Whether the step in a checkpoint's name has at least eight digits.
        save_relative_paths: Whether TensorFlow's file `checkpoint` lists paths relative to its folder in any case.

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
        name: str | None = None, restore_sequentially: bool = False, saver_def: Any = None, builder: None = None,
        defer_build: bool = False, allow_empty: bool = False, write_version: Any = None, pad_step_number: bool = False,
        save_relative_paths: bool = False, filename: PathLike | None = None,
    ) -> None:  # fmt: skip
        refuse("tf.train.Saver", builder=builder)
        if write_version not in (None, 1, 2):
            raise ValueError(f"write_version must be 1, 2 or None, not {write_version!r}")
        self._of_tensorflow, self._relative = write_version is not None, save_relative_paths
        self._parts: dict[str, VariablePart] = {}
        self._sharded = sharded
        if defer_build and var_list is not None:
            raise ValueError("If `var_list` is provided then build cannot be deferred. Either set defer_build=False or "
                             "var_list=None.")  # fmt: skip
        self._whole, self._allow_empty, self._reshape = var_list is None, allow_empty, reshape
        self._built = False
        if saver_def is not None:
            if not hasattr(saver_def, "max_to_keep"):
                raise TypeError(f"saver_def must be a SaverDef, not {saver_def!r}")
            max_to_keep = saver_def.max_to_keep
            keep_checkpoint_every_n_hours = saver_def.keep_checkpoint_every_n_hours or keep_checkpoint_every_n_hours
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
        named = dict(chosen) if isinstance(chosen, Mapping) else {base_name(v.name): v for v in chosen}
        if not named and not self._allow_empty:
            raise ValueError("No variables to save")
        for variable in named.values():
            if not isinstance(variable, Variable):
                raise TypeError(f"var_list must hold tf.Variables, not {variable!r}")
        self._variables: dict[str, Variable] = named
        self._built = True
        for variable in list(named.values())[:1]:  # TensorFlow's nodes that save, and that restore each variable
            variable.graph.reserve_ids((20 if self._sharded else 11) + len(named))

    @property
    def variables(self) -> dict[str, Variable]:
        """The variables by their names in the checkpoint."""
        self._require_built()
        return dict(self._variables)

    def take_parts(self, parts: Mapping[str, VariablePart]) -> None:
        """State which variables are parts of a partitioned one, for graphs of TensorFlow.

        Args:
            parts: The parts by the names in `variables`.
        """
        self._parts = dict(parts)

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

        An older file of this name stays until the new one is whole. In TensorFlow's form it is several files, and the
        path that they share is the checkpoint's.

        Args:
            sess: The session that holds the values.
            save_path: Path of the file, without its ending. The folder is made if it does not exist.
            global_step: A number, or a scalar tensor or variable, which is run.
            latest_filename: Name of the file that lists the folder's checkpoints; by default `checkpoint.json`, or
                TensorFlow's `checkpoint`.
            meta_graph_suffix: Ending of the file that `write_meta_graph` writes.
            write_meta_graph: Whether the graph is written beside the checkpoint, for `tf.train.import_meta_graph`. By
                default it is, unless it holds what no file can hold, such as a Python function, or a package is
                missing; then only True is an error.
            write_state: Whether the checkpoint is listed in the folder's file, and older ones are deleted.
            strip_default_attrs: TensorFlow 1's; it has no effect: files of minigraph hold all attributes.
            save_debug_info: Not supported; it must be False.
            metadata: Texts to keep in the file; `read_metadata` gives them back. Not in TensorFlow's form.

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
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if write_meta_graph is not False:
            with suppress(*[GraphError, MissingPackageError] * (write_meta_graph is None)):
                self._write_graph(f"{path}.{meta_graph_suffix}", sess)
        path = self._write(path, arrays, metadata)
        if write_state:
            own = STATE_FILE_OF_TENSORFLOW if self._of_tensorflow else STATE_FILE
            self._remember(path, latest_filename or own, meta_graph_suffix)
        return path

    def _write(self, path: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None) -> str:
        if not self._of_tensorflow:
            write_checkpoint(path + SUFFIX, arrays, metadata or {})
            return path + SUFFIX
        if metadata:
            raise ValueError("tf.train.Saver.save: metadata has no place in a checkpoint of TensorFlow")
        write_tensorflow(path, arrays)
        return path

    def _write_graph(self, path: str, sess: Session) -> None:
        if self._of_tensorflow:
            write_meta_graph(path, sess.graph, self._variables)
        else:
            export_meta_graph(path, graph=sess.graph)

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
        for name, part in self._parts.items():
            whole = out.setdefault(part.whole, np.zeros(part.shape, out[name].dtype))
            whole[part.place] = out.pop(name)
        if self._whole and not self._of_tensorflow:
            out |= {name: value for name, value in state.items() if name.startswith(RANDOM_STATE)}
        return out

    def _remember(self, path: str, state_file: str, meta_graph_suffix: str) -> None:
        self._saved_at[path] = time.time()
        known = [p for p in self.last_checkpoints if p != path] + [path]
        old = known[: -self._keep] if self._keep else []
        self.last_checkpoints = known[-self._keep :] if self._keep else known
        write_checkpoint_state(os.path.join(os.path.dirname(path), state_file), self.last_checkpoints, self._relative)
        for stale in old:
            if self._saved_at.pop(stale, 0.0) > self._keep_next:  # one checkpoint for these hours stays
                self._keep_next += self._hours * 3600
                continue
            data = glob.glob(f"{glob.escape(stale)}.data-?????-of-?????") if self._of_tensorflow else []
            index = [f"{stale}.index"] if self._of_tensorflow else [stale]
            for part in (*index, *data, f"{stale.removesuffix(SUFFIX)}.{meta_graph_suffix}"):
                if os.path.exists(part):
                    os.remove(part)

    def recover_last_checkpoints(self, checkpoint_paths: Iterable[str]) -> None:
        """Count the checkpoints of an earlier program towards `max_to_keep`.

        Args:
            checkpoint_paths: Their paths, the oldest first. Those that do not exist are left out.
        """
        self.last_checkpoints = [p for p in checkpoint_paths if checkpoint_exists(p)]

    def as_saver_def(self) -> Any:
        """Describe the Saver as TensorFlow's message. Needs TensorBoard.

        Returns:
            A `SaverDef`.
        """
        return message_of(self.variables)

    def to_proto(self, export_scope: None = None) -> Any:
        """Describe the Saver as TensorFlow's message. Needs TensorBoard.

        Args:
            export_scope: Not supported; it must be None.

        Returns:
            A `SaverDef`.
        """
        refuse("tf.train.Saver.to_proto", export_scope=export_scope)
        return self.as_saver_def()

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
        arrays = read_any(save_path)
        state = {}
        for name, variable in self._variables.items():
            part = self._parts.get(name)
            key = part.whole if part else name
            if key not in arrays:
                raise NotFoundError(f"Key {key} not found in checkpoint {os.fspath(save_path)}")
            array = arrays[key]
            if part is not None and array.shape == part.shape:
                array = array[part.place]
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
