"""Importers of branches whose condition is known at import."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minigraph.formats.onnx.call import OnnxNode, Result


def _if(call: OnnxNode) -> Result:
    chosen = bool(np.ravel(call.array(0))[0])
    assert call.enter is not None
    return call.enter(call.attr("then_branch" if chosen else "else_branch"))


IMPORT: dict[str, Callable[[OnnxNode], Result]] = {"If": _if}
