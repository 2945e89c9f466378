"""What `minigraph viz` feeds and restores to record a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import minigraph as tf
from minigraph.core.errors import InvalidArgumentError
from minigraph.models.labels import class_index, class_names
from minigraph.models.record import Preprocessing
from minigraph.tools.prediction import pixels
from minigraph.tools.shared.inputs import read_inputs
from minigraph.tools.shared.restoring import restore
from minigraph.tools.shared.sizes import Sizes
from minigraph.tools.shared.target import Classes, Target, load_target


class Recording(NamedTuple):
    """What a run starts from.

    checkpoint, weights: of a model's variables. inputs: files, as for `read_inputs`. label: name or number of the
    class of all pictures, in training; by default the one that the network finds.
    """

    checkpoint: Path | None = None
    weights: Path | None = None
    inputs: Sequence[str] = ()
    label: str | None = None


class Prepared(NamedTuple):
    """A target with feeds and variables; what is fed, in words; the order of colours."""

    target: Target
    fed: str
    channels: str


def prepare(name: str, batch_size: int | None, inference: bool, sizes: Sizes, recording: Recording) -> Prepared:
    """The target of a name with a recording's variables and feeds.

    The batch is as large as the inputs. Raises InvalidArgumentError if the recording has variables and the target is
    not a model, or a label and no training step of one.
    """
    target = load_target(name, batch_size or (1 if recording.inputs else None), inference, sizes)
    restored = _restored(target, recording)
    target = _with_variables(target, restored)
    read = _read(target, recording)
    count = next((len(a) for t, a in read.items() if a.ndim and (t.type.shape or (0,))[0] is None), target.batch_size)
    if count != target.batch_size:
        if batch_size is not None:
            raise InvalidArgumentError(f"--batch-size {batch_size}: the files of --input are a batch of {count}")
        target = _with_variables(load_target(name, count, inference, sizes), restored)
        read = _read(target, recording)
    target = replace(target, given=target.feeds | read)
    fed = f"Fed: {', '.join(recording.inputs)}" if read else "Fed: random numbers; --input names files"
    network = target.network
    channels = network.preprocessing.channels if network else "RGB"
    if network is None or network.labels is None:
        if recording.label is not None:
            raise InvalidArgumentError(f"{name}: --label is for the training step of a model")
        return Prepared(target, f"{fed}.", channels)
    if not read and recording.label is None:
        return Prepared(target, f"{fed}.", channels)
    numbers, said = _labels(target, network, recording.label)
    one_hot = np.eye(target.feeds[network.labels].shape[1], dtype=np.float32)[numbers]
    target = replace(target, given=target.feeds | {network.labels: one_hot})
    return Prepared(target, f"{fed}; label: {said}.", channels)


class _Restored(NamedTuple):
    """The variables by name, and the scaling of images that they expect."""

    state: dict[str, np.ndarray]
    scaling: Preprocessing


def _restored(target: Target, recording: Recording) -> _Restored | None:
    """What the checkpoint or the weight file holds for the target, read once."""
    if recording.checkpoint is None and recording.weights is None:
        return None
    if target.network is None or target.network.model is None:
        raise InvalidArgumentError(
            f"{target.name}: --checkpoint and --weights are for the models of `minigraph models`"
        )
    with tf.Session(graph=target.graph) as session:
        scaling = restore(session, target.network.model, recording.checkpoint, recording.weights)
        return _Restored(session.read_state(), scaling)


def _with_variables(target: Target, restored: _Restored | None) -> Target:
    """The target with restored variables, and the scaling that they expect."""
    if restored is None or target.network is None:
        return target
    known = target.network._replace(preprocessing=restored.scaling)
    return replace(target, restore=lambda session: session.write_state(restored.state), network=known)


def _read(target: Target, recording: Recording) -> dict[Any, np.ndarray]:
    """The arrays of the input files, by placeholder."""
    inputs, network = {t.op.name: t for t in target.feeds if isinstance(t, tf.Tensor)}, target.network
    if network is None or not recording.inputs:
        return read_inputs(recording.inputs, inputs)
    size, crop, scaling, shape = network.image_size, network.crop, network.preprocessing, network.image_shape

    def picture(path: Path) -> np.ndarray:
        return scaling.apply(pixels(path, size, crop, scaling.channels)).reshape(1, *shape)

    return read_inputs(recording.inputs, inputs, network.images.op.name, picture)


def _labels(target: Target, network: Classes, wanted: str | None) -> tuple[np.ndarray, str]:
    """The number of each example's class, and the words for them."""
    assert network.model is not None
    assert network.logits is not None
    names = class_names(network.model)
    if wanted is not None:
        index = class_index(names, wanted)
        return np.full(target.batch_size, index), names[index]
    with target.session() as session:
        found = session.run(network.logits, target.feeds).argmax(axis=1)
    chosen = ", ".join(dict.fromkeys(names[i] for i in found.tolist()))
    return found, f"{chosen}, as the network finds; --label names another"
