"""Importers of branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import minigraph as tf
from minigraph.core.graph import Tensor
from minigraph.formats.onnx.call import OnnxNode, Result
from minigraph.formats.onnx.library import NeedsConstantError


def _if(call: OnnxNode) -> Result:
    """The branch taken, if the condition is known; else both, of which a run computes one."""
    assert call.enter is not None
    branches = [call.attr("else_branch"), call.attr("then_branch")]
    try:
        chosen = bool(np.ravel(call.array(0))[0])
    except NeedsConstantError:
        return _cond(call, call.enter, branches)
    return call.enter(branches[chosen])


def _cond(call: OnnxNode, enter: Callable[[Any], list[Any]], branches: list[Any]) -> Result:
    def branch(graph: Any) -> Callable[[], list[Tensor]]:
        return lambda: [value.form() for value in enter(graph)]

    no, yes = map(branch, branches)
    try:
        return list(tf.cond(tf.reshape(call.x(0), []), yes, no, strict=True))
    except ValueError as error:
        if "same" not in str(error):
            raise
        return call.unsupported("its branches give results of different dtypes")


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {"If": _if}
