"""Files that list the checkpoints of a folder: `checkpoint.json` of minigraph, and `checkpoint` of TensorFlow."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from minigraph.core.errors import NotFoundError
from minigraph.core.typing import PathLike
from minigraph.train.native_checkpoint import find_checkpoint
from minigraph.util.files import atomic_write

STATE_FILE = "checkpoint.json"
STATE_FILE_OF_TENSORFLOW = "checkpoint"


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
    names = [latest_filename] if latest_filename else [STATE_FILE, STATE_FILE_OF_TENSORFLOW]
    for name in sorted(names, key=lambda name: -_written(os.path.join(folder, name))):
        try:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                latest, every = _read_state(file.read())
        except (OSError, ValueError, KeyError, TypeError):
            continue
        return CheckpointState(os.path.join(folder, latest), [os.path.join(folder, path) for path in every])
    return None


def _written(path: str) -> float:
    try:
        return os.path.getmtime(path)
    except OSError:
        return 0.0


def _read_state(text: str) -> tuple[str, list[str]]:
    """The paths in a file about a folder's checkpoints: the newest, and all. Raises some error for any other file."""
    if text.lstrip().startswith("{"):
        state = json.loads(text)
        return state["latest"], state["all"]
    found = re.findall(r'^(all_)?model_checkpoint_paths?: "(.*)"$', text, re.MULTILINE)
    plain = [(kind, re.sub(r"\\(.)", r"\1", path)) for kind, path in found]
    newest = dict(plain)
    return newest[""], [path for kind, path in plain if kind]


def write_checkpoint_state(path: str, checkpoints: Sequence[str], relative: bool) -> None:
    """Write the file that lists a folder's checkpoints, which are given from the oldest to the newest.

    In TensorFlow's form unless the name ends in `.json`. relative: write absolute paths relative to the folder, too.
    """
    folder = os.path.dirname(path)
    native = path.endswith(".json")
    names = [
        p if os.path.isabs(p) and not relative and not native else os.path.relpath(p, folder or ".")
        for p in checkpoints
    ]
    with atomic_write(path, "w") as file:
        if native:
            json.dump({"latest": names[-1], "all": names}, file, indent=1)
            return
        quoted = [name.replace("\\", "\\\\").replace('"', '\\"') for name in names]
        file.write(f'model_checkpoint_path: "{quoted[-1]}"\n')
        file.writelines(f'all_model_checkpoint_paths: "{name}"\n' for name in quoted)


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
        find_checkpoint(checkpoint_prefix)
    except NotFoundError:
        return os.path.isfile(f"{os.fspath(checkpoint_prefix)}.index")  # of TensorFlow
    return True
