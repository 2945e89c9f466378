"""The passes, one a file, and the table that orders them.

A pass is a frozen dataclass; its docstring states the form before, the form after, the conditions and the formula.
Nothing else lives here: the driver and the patterns are in rewrite/, the compiler's nodes in ir/.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from minigraph.passes.bucket_gradients import bucket_gradients
from minigraph.passes.constant_folding import constant_folding
from minigraph.passes.fold_batch_norm import fold_batch_norm
from minigraph.passes.fuse_blocks import fuse_blocks
from minigraph.passes.fuse_concat import fuse_concat
from minigraph.passes.fuse_epilogue import fuse_epilogue
from minigraph.passes.fuse_moments import fuse_moments
from minigraph.passes.fuse_pointwise import fuse_pointwise
from minigraph.passes.fuse_update import fuse_update
from minigraph.passes.hoist import hoist
from minigraph.passes.implicit_broadcast import implicit_broadcast
from minigraph.passes.inline_operands import inline_operands
from minigraph.passes.integer_products import integer_products
from minigraph.passes.join_small import join_small
from minigraph.passes.layout import layout
from minigraph.passes.multi_tensor import multi_tensor
from minigraph.passes.recompute import recompute
from minigraph.passes.relu_after_pool import relu_after_pool
from minigraph.passes.remove_dropout import remove_dropout
from minigraph.passes.simplify import simplify
from minigraph.passes.stabilise import stabilise
from minigraph.passes.trim_filters import trim_filters
from minigraph.passes.widen_float16 import widen_float16
from minigraph.passes.winograd import winograd
from minigraph.rewrite.pipeline import Pass


class PipelineEntry(NamedTuple):
    """A pass's place in the pipeline.

    level: the lowest level that runs it. before, after: the passes that must run before it, or after it, by name, each
    with the reason. A relation is stated once, at the pass that would miss something in the other order.
    """

    run: Pass
    level: str
    before: Mapping[str, str]
    after: Mapping[str, str]


# The passes in the order in which they run.
PIPELINE = (
    PipelineEntry(
        widen_float16,
        "O2",
        before={},
        after={
            "constant_folding": "the casts of constants are computed at compile time",
            "hoist": "the casts of variables are kept between runs",
            "fuse_pointwise": "the pass widens single instructions, not loops",
        },
    ),
    PipelineEntry(
        stabilise,
        "O2",
        before={},
        after={
            "layout": "log and softmax must be neighbours, and a transpose that sinks may come to stand between them",
            "fuse_pointwise": "a loop hides log, exp and the sum",
        },
    ),
    PipelineEntry(
        constant_folding,
        "O1",
        before={},
        after={"hoist": "an expression of constants is computed at compile time, not in the first run"},
    ),
    PipelineEntry(
        implicit_broadcast,
        "O2",
        before={"stabilise": "a sum of quotients is found by its broadcast"},
        after={
            "simplify": "a broadcast hides neutral operands",
            "fuse_pointwise": "a broadcast is no element-by-element operation and would split loops",
        },
    ),
    PipelineEntry(
        simplify,
        "O1",
        before={"constant_folding": "neutral operands are often computed from other constants"},
        after={"fuse_pointwise": "a loop hides neutral operands"},
    ),
    PipelineEntry(
        remove_dropout,
        "O2",
        before={"constant_folding": "the rate is computed from keep_prob"},
        after={"fuse_pointwise": "a loop hides the comparison with the rate"},
    ),
    PipelineEntry(
        layout,
        "O2",
        before={},
        after={"fuse_epilogue": "a transpose between a convolution and its bias or activation would keep them apart"},
    ),
    PipelineEntry(
        fold_batch_norm,
        "O2",
        before={
            "simplify": "a neutral operand between a convolution and its scale would hide the convolution",
            "layout": "in a channels-first network a transpose stands between a convolution and its scale",
        },
        after={
            "hoist": "the scaled filter depends on variables only and is kept between runs",
            "fuse_pointwise": "a loop hides scale and shift",
        },
    ),
    PipelineEntry(
        integer_products,
        "O2",
        before={
            "constant_folding": "zero points and scales are often computed from other constants",
            "layout": "in a channels-first network transposes stand between a convolution and what quantises",
        },
        after={
            "relu_after_pool": "a pool of dequantised numbers is one of the integers, whatever stands before it",
            "winograd": "a convolution of integers is faster than Winograd's",
            "hoist": "a filter that stays in integers is not dequantised beforehand",
            "fuse_pointwise": "a loop hides what quantises and dequantises",
        },
    ),
    PipelineEntry(
        relu_after_pool,
        "O3",
        before={"layout": "in a channels-first network a transpose stands between ReLU and pooling"},
        after={"fuse_pointwise": "a loop hides ReLU and its gradient"},
    ),
    PipelineEntry(
        trim_filters,
        "O3",
        before={"fold_batch_norm": "a part of a filter hides which scale belongs to it"},
        after={
            "winograd": "Winograd's form of a whole filter would hide what is over padding",
            "hoist": "the part of the filter depends on variables only and is kept between runs",
            "fuse_epilogue": "a region hides the convolution",
        },
    ),
    PipelineEntry(
        winograd,
        "O3",
        before={"fold_batch_norm": "the scale goes into the filter before the filter is transformed"},
        after={
            "hoist": "the transformed filter depends on variables only and is kept between runs",
            "fuse_epilogue": "a region hides the convolution",
            "fuse_blocks": "a region hides the convolution and its gradients",
        },
    ),
    PipelineEntry(
        hoist,
        "O3",
        before={},
        after={"fuse_pointwise": "a loop must not join what is kept with what each run computes"},
    ),
    PipelineEntry(
        fuse_moments,
        "O3",
        before={"implicit_broadcast": "it finds sums of differences from a mean by that mean"},
        after={"fuse_pointwise": "a loop hides the difference"},
    ),
    PipelineEntry(
        fuse_update,
        "O3",
        before={"simplify": "a neutral operation would become a part of the assignment"},
        after={
            "fuse_pointwise": "a loop takes the operations in and gives other values, too",
            "multi_tensor": "assignments of one kind are joined with what computes their values",
        },
    ),
    PipelineEntry(fuse_pointwise, "O3", before={}, after={}),
    PipelineEntry(
        fuse_epilogue,
        "O3",
        before={
            "fuse_pointwise": "an epilogue takes in a whole loop, where single instructions would be taken one by one"
        },
        after={"fuse_blocks": "a block runs a convolution with its epilogue as one instruction"},
    ),
    # The passes from here on are not replayable, so they are run again for each size.
    PipelineEntry(
        fuse_concat,
        "O3",
        before={"fuse_epilogue": "a convolution stores with its epilogue where it belongs"},
        after={"fuse_blocks": "a region hides the concatenation and the convolutions"},
    ),
    PipelineEntry(
        inline_operands,
        "O3",
        before={
            "fuse_pointwise": "the pass works on loops",
            "fuse_epilogue": "a loop that becomes an epilogue needs no operands of its own",
        },
        after={"fuse_blocks": "a region hides loops"},
    ),
    PipelineEntry(fuse_blocks, "O3", before={}, after={}),
    PipelineEntry(
        bucket_gradients,
        "O1",
        before={"fuse_blocks": "a bucket waits for several gradients; paths through it would keep regions apart"},
        after={},
    ),
    PipelineEntry(
        multi_tensor,
        "O3",
        before={
            "fuse_pointwise": "a joint update waits for every gradient; paths through it would keep loops apart",
            "fuse_blocks": "a joint update waits for every gradient; paths through it would keep regions apart",
        },
        after={},
    ),
    PipelineEntry(
        join_small,
        "O3",
        before={
            "inline_operands": "a loop whose results other loops compute themselves is left for the updates",
            "bucket_gradients": "a gradient that is exchanged between ranks waits for no other",
        },
        after={},
    ),
)

# Runs at every level, but only in a session with a memory limit. Not replayable: another size needs other cuts.
RECOMPUTE = PipelineEntry(
    recompute,
    "O0",
    before={"hoist": "what is kept between runs costs nothing to read again"},
    after={"fuse_pointwise": "a region hides which of its values wait for a reader, and copies join their readers"},
)

LEVELS = ("O0", "O1", "O2", "O3")

ALL = tuple(entry.run for entry in PIPELINE)

PIPELINES: dict[str, tuple[Pass, ...]] = {
    level: tuple(entry.run for entry in PIPELINE if entry.level <= level) for level in LEVELS
}


def choose(
    optimize: str,
    passes: Iterable[str | Pass] | None,
    disabled: Iterable[str],
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Pass, ...]:
    """The passes of a pipeline, or those listed, without the disabled ones.

    settings: a backend's values for fields of passes, by the pass's name. They apply to passes that are chosen by
    level or by name; a pass that is given as an object keeps its own. The pass "recompute" is there if it has
    settings, also beside those that are listed.
    Raises ValueError for an unknown name.
    """
    off = set(disabled)
    recomputes = bool(settings and "recompute" in settings)
    if recomputes and "recompute" in off:
        raise ValueError("memory_limit needs the pass 'recompute', which is disabled")
    known = {p.name: _with_settings(p, (settings or {}).get(p.name)) for p in (*ALL, RECOMPUTE.run)}
    unknown = [p for p in (*(passes or ()), *disabled) if isinstance(p, str) and p not in known]
    if unknown:
        raise ValueError(f"unknown pass {unknown[0]!r}; there are {', '.join(sorted(known))}")
    if passes is None:
        if optimize not in PIPELINES:
            raise ValueError(f"optimize must be one of {', '.join(PIPELINES)}, not {optimize!r}")
        chosen = [known[p.name] for p in PIPELINES[optimize]]
    else:
        chosen = [known[p] if isinstance(p, str) else p for p in passes]
    if recomputes and all(p.name != "recompute" for p in chosen):
        behind = [p.name for p in itertools.dropwhile(lambda p: p.name not in RECOMPUTE.after, ALL)]
        place = next((n for n, p in enumerate(chosen) if p.name in behind), len(chosen))
        chosen.insert(place, known["recompute"])
    return tuple(p for p in chosen if p.name not in off)


def _with_settings(each: Any, settings: Mapping[str, Any] | None) -> Pass:
    """A copy of the pass with other values for some of its fields; the pass itself if there are no settings."""
    found: Pass = replace(each, **settings) if settings else each
    return found
