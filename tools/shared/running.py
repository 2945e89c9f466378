"""Support for training runs: stopping on a signal, and checkpoints that only the same run may resume."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import minigraph as tf
from minigraph.core.errors import DataLossError, MinigraphError, NotFoundError
from minigraph.ops.collective.world import WORLD
from minigraph.util.files import remove_leftovers

_PREFIX = "checkpoint-"
STOP = getattr(signal, "SIGUSR1", signal.SIGINT)  # which mpiexec passes on to the ranks


class TrainingError(MinigraphError, RuntimeError):
    """Training cannot start or continue."""


class Interrupted(Exception):
    """Training stopped at the user's request; `checkpoint` holds its state."""

    def __init__(self, checkpoint: Path, step: int) -> None:
        super().__init__(f"stopped after step {step}")
        self.checkpoint = checkpoint
        self.step = step

    def describe(self, total: int) -> str:
        """A message for the user. total: steps of the whole run."""
        return (
            f"Stopped after step {self.step} of {total}. Saved {self.checkpoint};"
            " the same command (without --no-resume) goes on from there."
        )


class StopRequest:
    """A `with` block in which the first SIGINT or SIGTERM only sets `asked`; a second one acts at once.

    Of several ranks, only those signals ask to stop that mpiexec passes on; the others end it.

    A step is therefore never interrupted halfway, which would leave the variables partly updated.
    """

    def __init__(self) -> None:
        self.asked = False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            signals = (STOP,) if WORLD.size > 1 else (signal.SIGINT, signal.SIGTERM, STOP)
            self._old = {number: signal.signal(number, self._ask) for number in signals}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


class Checkpoints:
    """The checkpoints of one run, in its folder.

    identity: everything besides the folder that determines the run's numbers; a run resumes only with an equal
    identity. command: the command that writes them, for error messages.
    """

    def __init__(
        self, folder: Path, saver: tf.train.Saver, session: tf.Session, identity: Mapping[str, Any], command: str
    ) -> None:
        self._folder, self._saver, self._session = folder, saver, session
        self._identity, self._command = dict(identity), command
        self._saved: tuple[int, Path] | None = None
        self._replaced: list[Path] = []

    @property
    def last(self) -> Path | None:
        """The checkpoint last written or restored."""
        return self._saved[1] if self._saved else None

    def restore(self, resume: bool, keys: tuple[str, ...]) -> tuple[Path, dict[str, Any]] | None:
        """Restore the latest checkpoint, if any; return its path and the state saved beside the variables, by key.

        With resume=False, old checkpoints are removed once a new one is written. Raises TrainingError for checkpoints
        of a run with another identity, DataLossError for those of another command.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self._folder)
        found = find_checkpoints(self._folder)
        if not found or not resume:
            self._replaced = found
            return None
        latest = found[-1]
        metadata = read_state(latest, ("settings", *keys), self._command)
        _check_identity(metadata["settings"], self._identity, latest)
        self._saver.restore(self._session, latest)
        self._saver.last_checkpoints = [os.fspath(path) for path in found]
        self._saved = int(latest.stem.removeprefix(_PREFIX)), latest
        return latest, metadata

    def save(self, step: int, state: Mapping[str, Any]) -> Path:
        """The checkpoint of this step, written unless it exists. state: JSON-compatible."""
        if self._saved is None or self._saved[0] != step:
            metadata = {key: json.dumps(value) for key, value in {"settings": self._identity, **state}.items()}
            path = self._saver.save(
                self._session, self._folder / "checkpoint", step, write_meta_graph=False, metadata=metadata
            )
            self._saved = step, Path(path)
            while self._replaced:
                if (old := self._replaced.pop()) != self._saved[1]:
                    old.unlink(missing_ok=True)
        return self._saved[1]


class Best:
    """The variables of a network, without the optimizer's, after the best epoch so far: `best.safetensors`.

    variables: those to keep. identity, command: as for `Checkpoints`.
    """

    def __init__(
        self, folder: Path, variables: Sequence[tf.Variable], identity: Mapping[str, Any], command: str
    ) -> None:
        self.path = folder / "best.safetensors"
        self._metadata = {"settings": json.dumps(dict(identity)), "command": command}
        with variables[0].graph.as_default():
            self._saver = tf.train.Saver(list(variables))

    def save(self, session: tf.Session, step: int) -> None:
        """Replace the file by the session's variables."""
        metadata = {**self._metadata, "step": str(step)}
        self._saver.save(session, self.path, write_meta_graph=False, write_state=False, metadata=metadata)


def find_checkpoints(folder: Path) -> list[Path]:
    """The files `checkpoint-<step>.safetensors` in a folder, by step."""
    found = [(path.stem.removeprefix(_PREFIX), path) for path in folder.glob(f"{_PREFIX}*.safetensors")]
    return [path for _, path in sorted((int(step), path) for step, path in found if step.isdecimal())]


def checkpoint_file(path: Path) -> Path:
    """The file itself, or the latest checkpoint in a folder. NotFoundError if the folder has none."""
    if not path.is_dir():
        return path
    found = find_checkpoints(path)
    if not found:
        raise NotFoundError(f"{path}: no checkpoint in this folder")
    return found[-1]


def recorded(settings: Any) -> dict[str, Any]:
    """The settings of a run as a checkpoint keeps them: another GPU may resume it, so the backend has no number."""
    return {**asdict(settings), "backend": settings.backend.partition(":")[0]}


def read_identity(checkpoint: Path, command: str) -> dict[str, Any]:
    """The settings of the run that wrote a checkpoint. Raises DataLossError if another command wrote it."""
    found: dict[str, Any] = read_state(checkpoint, ("settings",), command)["settings"]
    return found


def read_state(checkpoint: Path, keys: tuple[str, ...], command: str) -> dict[str, Any]:
    """What a run saved beside its variables, by key. Raises DataLossError if another command wrote the checkpoint."""
    metadata = tf.train.read_metadata(checkpoint)
    try:
        return {key: json.loads(metadata[key]) for key in keys}
    except (KeyError, ValueError):
        raise DataLossError(
            f"{checkpoint}: not a checkpoint of `{command}`, so there is nothing to resume; choose another --out"
        ) from None


def _check_identity(theirs: dict[str, Any], ours: dict[str, Any], checkpoint: Path) -> None:
    other = [key for key in ours if theirs.get(key) != ours[key]]
    if other:
        differences = ", ".join(f"{key.replace('_', '-')} {theirs.get(key)} instead of {ours[key]}" for key in other)
        raise TrainingError(
            f"{checkpoint} is from a run with {differences}."
            " Choose another --out, give that run's options to go on with it, or --no-resume to replace it"
        )
