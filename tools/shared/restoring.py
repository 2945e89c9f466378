"""A network's variables from a checkpoint of `minigraph train` or from a weight file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import minigraph as tf
from minigraph.models.pretrained import load_pretrained
from minigraph.models.record import Model, Preprocessing
from minigraph.tools.shared.running import checkpoint_file
from minigraph.tools.shared.train import model_variables


def restore(session: Any, model: Model, checkpoint: Path | None, weights: Path | None) -> Preprocessing:
    """Set a network's variables, without the optimizer's; the preprocessing of images that they expect.

    checkpoint: a file or a run's folder. weights: a file; required if there is no checkpoint.
    """
    if weights is not None:
        return load_pretrained(session, model, weights)
    assert checkpoint is not None
    with session.graph.as_default():
        tf.train.Saver(model_variables(session.graph)).restore(session, checkpoint_file(checkpoint))
    return model.preprocessing
