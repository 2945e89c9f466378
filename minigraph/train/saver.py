"""Checkpoints: variables and random states in one safetensors file, written atomically and checked when read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minigraph.compile.specialise import RANDOM_STATE
from minigraph.core.errors import DataLossError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from minigraph.core.types import format_shape
from minigraph.run.variables import Variable, global_variables
from minigraph.util.files import atomic_write

SUFFIX = ".safetensors"
STATE_FILE = "checkpoint.json"
_STATE_FILE_OF_TENSORFLOW = "checkpoint"
_FORMAT = "minigraph.checkpoint.1"


class Saver:
    """Saves and restores the variables in `var_list` (a list, or names → variables; default: all global ones now).

    With the default, the states of random ops are saved too, so that a restored session goes on exactly.
    `max_to_keep` checkpoints are kept (None or 0: all).
    """

    def __init__(self, var_list: Any = None, max_to_keep: int | None = 5, **_ignored: Any) -> None:
        self._whole = var_list is None
        chosen = global_variables() if var_list is None else var_list
        named = dict(chosen) if isinstance(chosen, Mapping) else {v.name.partition(":")[0]: v for v in chosen}
        if not named:
            raise ValueError("No variables to save")
        for variable in named.values():
            if not isinstance(variable, Variable):
                raise TypeError(f"var_list must hold tf.Variables, not {variable!r}")
        self._variables: dict[str, Variable] = named
        self._keep = max_to_keep or 0
        self.last_checkpoints: list[str] = []

    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        metadata: Mapping[str, str] | None = None,
        **_ignored: Any,
    ) -> str:
        """Write `<save_path>[-<global_step>].safetensors`; its path. The old file stays until the new one is whole.

        FailedPreconditionError where a variable has no value yet.
        """
        path = str(os.fspath(save_path)).removesuffix(SUFFIX)
        if global_step is not None:
            step = global_step if isinstance(global_step, int | np.integer) else sess.run(global_step)
            path = f"{path}-{int(step)}"
        path += SUFFIX
        write_checkpoint(path, self._collect(sess), metadata or {})
        self._remember(path)
        return path

    def _collect(self, sess: Any) -> dict[str, np.ndarray]:
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

    def _remember(self, path: str) -> None:
        import json

        folder = os.path.dirname(path)
        known = [p for p in self.last_checkpoints if p != path] + [path]
        old = known[: -self._keep] if self._keep else []
        self.last_checkpoints = known[-self._keep :] if self._keep else known
        names = [os.path.relpath(p, folder or ".") for p in self.last_checkpoints]
        with atomic_write(os.path.join(folder, STATE_FILE), "w") as file:
            json.dump({"latest": names[-1], "all": names}, file, indent=1)
        for stale in old:
            if os.path.exists(stale):
                os.remove(stale)

    def restore(self, sess: Any, save_path: Any) -> None:
        """Set the variables from a checkpoint, of minigraph or of TensorFlow 1. Nothing changes unless all of it is
        there and right.

        NotFoundError, DataLossError (damaged or foreign), InvalidArgumentError (another shape or dtype).
        """
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        arrays = _of_tensorflow(save_path) or read_checkpoint(save_path)[0]
        state = {}
        for name, variable in self._variables.items():
            if name not in arrays:
                raise NotFoundError(f"Key {name} not found in checkpoint {os.fspath(save_path)}")
            array = arrays[name]
            kind = variable.type
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
    """Write named arrays with a checksum. `metadata` is text by key."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()}
    header = {f"user.{k}": v for k, v in metadata.items()} | {"format": _FORMAT}
    data = save(contiguous, header | {"sha256": _digest(contiguous, header)})
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with atomic_write(path) as file:
        file.write(data)


def read_checkpoint(path: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The named arrays and the metadata of a checkpoint. NotFoundError; DataLossError (damaged or foreign)."""
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


def read_metadata(path: Any) -> dict[str, str]:
    """The metadata that was given to `Saver.save`."""
    return read_checkpoint(path)[1]


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The path of the newest checkpoint that a Saver, minigraph's or TensorFlow 1's, wrote into the folder, or None."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None or not checkpoint_exists(state.model_checkpoint_path):
        return None
    return state.model_checkpoint_path


class CheckpointState(NamedTuple):
    """The newest checkpoint of a folder and all that are kept, the oldest first."""

    model_checkpoint_path: str
    all_model_checkpoint_paths: list[str]


def get_checkpoint_state(checkpoint_dir: Any, latest_filename: str | None = None) -> CheckpointState | None:
    """The checkpoints that a Saver, minigraph's or else TensorFlow 1's, wrote into the folder, or None."""
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
    """The paths that a file about a folder's checkpoints names: the newest, and all. Any error if it is none."""
    import json
    import re

    if text.lstrip().startswith("{"):
        state = json.loads(text)
        return state["latest"], state["all"]
    found = re.findall(r'^(all_)?model_checkpoint_paths?: "(.*)"$', text, re.MULTILINE)
    newest = dict(found)
    return newest[""], [path for kind, path in found if kind]


def checkpoint_exists(checkpoint_prefix: Any) -> bool:
    """Whether there is a checkpoint of that path, with or without its suffix."""
    try:
        _find(checkpoint_prefix)
    except NotFoundError:
        return os.path.isfile(f"{os.fspath(checkpoint_prefix)}.index")  # of TensorFlow
    return True


def _of_tensorflow(path: Any) -> dict[str, np.ndarray] | None:
    """The variables of a checkpoint that TensorFlow wrote; None if the path leads to none. DataLossError."""
    from minigraph.formats.registry import find_format, load_weights
    from minigraph.formats.tensorflow.checkpoint import is_checkpoint

    if os.path.isfile(f"{os.fspath(path)}{SUFFIX}"):
        return None
    try:
        form, _ = find_format(path)
    except (NotFoundError, DataLossError):
        return None
    return load_weights(path) if form.matches is is_checkpoint else None


def _find(path: Any) -> str:
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
