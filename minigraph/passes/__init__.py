"""Rewrite passes, one a file, and the pipelines that order them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from minigraph.passes.constant_folding import constant_folding
from minigraph.passes.fold_batch_norm import fold_batch_norm
from minigraph.passes.fuse_blocks import fuse_blocks
from minigraph.passes.fuse_epilogue import fuse_epilogue
from minigraph.passes.fuse_pointwise import fuse_pointwise
from minigraph.passes.hoist import hoist
from minigraph.passes.layout import layout
from minigraph.passes.multi_tensor import multi_tensor
from minigraph.passes.relu_after_pool import relu_after_pool
from minigraph.passes.remove_dropout import remove_dropout
from minigraph.passes.simplify import simplify
from minigraph.passes.stabilise import stabilise
from minigraph.passes.winograd import winograd
from minigraph.rewrite.pipeline import Pass

_O2: tuple[Pass, ...] = (stabilise, constant_folding, simplify, remove_dropout, layout, fold_batch_norm)
_O3: tuple[Pass, ...] = (
    *_O2,
    relu_after_pool,
    winograd,
    hoist,
    fuse_pointwise,
    fuse_epilogue,
    fuse_blocks,
    multi_tensor,
)

ALL = _O3

PIPELINES: dict[str, tuple[Pass, ...]] = {
    "O0": (),
    "O1": (constant_folding, simplify),
    "O2": _O2,
    "O3": _O3,
}


def choose(
    optimize: str,
    passes: Iterable[str | Pass] | None,
    disabled: Iterable[str],
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Pass, ...]:
    """The passes of a pipeline, or those listed, without the disabled ones.

    settings: a backend's values for fields of passes, by the pass's name. They apply to passes that are chosen by
    level or by name; a pass that is given as an object keeps its own.
    Raises ValueError for an unknown name.
    """
    known = {p.name: _with_settings(p, (settings or {}).get(p.name)) for p in ALL}
    unknown = [p for p in (*(passes or ()), *disabled) if isinstance(p, str) and p not in known]
    if unknown:
        raise ValueError(f"unknown pass {unknown[0]!r}; there are {', '.join(sorted(known))}")
    if passes is None:
        if optimize not in PIPELINES:
            raise ValueError(f"optimize must be one of {', '.join(PIPELINES)}, not {optimize!r}")
        chosen = tuple(known[p.name] for p in PIPELINES[optimize])
    else:
        chosen = tuple(known[p] if isinstance(p, str) else p for p in passes)
    off = set(disabled)
    return tuple(p for p in chosen if p.name not in off)


def _with_settings(each: Any, settings: Mapping[str, Any] | None) -> Pass:
    """A copy of the pass with other values for some of its fields; the pass itself if there are no settings."""
    found: Pass = replace(each, **settings) if settings else each
    return found
