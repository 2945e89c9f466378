"""The ways in which a program is run, and what each must give."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigraph as tf
from fuzz.compare import STATEFUL, Oracle, Runs, bits_differ
from fuzz.program import Built, Program
from minigraph.core.errors import MinigraphError

# docs/passes.md promises equal bits of these. Two of them change the order of some sums.
BITS = (
    "constant_folding",
    "simplify",
    "remove_dropout",
    "layout",
    "relu_after_pool",
    "fuse_epilogue",
    "fuse_concat",
    "multi_tensor",
)
FOLDING = {"constant_folding", "remove_dropout"}  # constants are the references' numbers, not those of kernels
SUMS = {"reduction", "moments", "batch_norm", "fused_norm", "softmax", "cross_entropy", "gradients", "count", "update"}


@dataclass(frozen=True)
class Way:
    """options: of the session. promise: "close" to float64; "bits", those of the same backend without passes, or with
    folded constants; or "plain", which is what float32 without passes must be: as close as many roundings explain."""

    options: tuple[tuple[str, Any], ...]
    promise: str = "close"
    wide: bool = False

    @property
    def text(self) -> str:
        return ", ".join(f"{k}={v!r}" for k, v in self.options)

    def __str__(self) -> str:
        return f"{self.text}{', float64' if self.wide else ''}{', to the bit' if self.promise == 'bits' else ''}"


def way(backend: str, promise: str = "close", wide: bool = False, **options: Any) -> Way:
    return Way((("backend", backend), *options.items()), promise, wide)


PLAIN = way("numpy", "plain", optimize="O0")


@dataclass(frozen=True)
class Finding:
    """A way to run a program that gives what it must not."""

    program: Program
    how: Way | None
    message: str

    @property
    def sort(self) -> str:
        """What shrinking must keep: the name of the error, or that there is none."""
        return self.message.split(":")[0] if self.message.startswith("raises ") else "differs"


def ways(program: Program, backends: tuple[str, ...]) -> Iterator[Way]:
    """The default of each backend, and some of the other ways, which the seed chooses."""
    yield PLAIN
    chosen = random.Random(program.seed)
    kinds = {step.kind for step in program.steps}
    kept = [p for p in BITS if not (p == "layout" and kinds & SUMS) and not (p == "relu_after_pool" and kinds & SUMS)]
    for backend in backends:
        if backend != "cupy" or chosen.random() < 0.2:  # g++ takes seconds
            yield way(backend, optimize="O3")
    several = [b for b in backends if b != "cupy"]
    yield way(chosen.choice(several), optimize=chosen.choice(["O1", "O2"]))
    yield way(chosen.choice(several), "bits", passes=tuple(kept))
    others = [
        way("numpy", wide=True, optimize="O3"),
        way("numpy", optimize="O3", debug=True),
        way(chosen.choice(several), optimize="O3", disable_passes=("winograd",)),
        way(chosen.choice(several), "bits", passes=(chosen.choice(kept),)),
        way(chosen.choice(several), passes=("fuse_pointwise", "fuse_blocks")),
        way(chosen.choice(several), optimize="O3", reorder=False),
    ]
    if "llvm" in backends:
        others += [way("llvm", optimize="O0"), way("llvm", wide=True, optimize="O3"), way("llvm", "bits", passes=())]
    yield from chosen.sample(others, 3)


class Checker:
    """Checks one program; runs without passes are shared."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.oracle = Oracle(program)
        self.bases: dict[tuple[str, tuple[str, ...]], Runs] = {}

    def built(self, how: Way) -> Built:
        return self.oracle.double if how.wide else self.oracle.single

    def check(self, how: Way) -> str | None:
        """What is wrong with this way to run the program, or None."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                right = _outcome(lambda: self.oracle.right)
                got = _outcome(lambda: self.built(how).run(**dict(how.options)))
                if isinstance(right, Exception) or isinstance(got, Exception):
                    return _errors(right, got)
                return self._again(got) or self._values(how, got)
            except MinigraphError as error:
                return f"raises {type(error).__name__}: {str(error)[:300]}"

    def _again(self, got: Runs) -> str | None:
        """The last run has the feeds of the first, so without state it has its results."""
        if STATEFUL & {step.kind for step in self.program.steps}:
            return None
        return bits_differ(got[-1:], got[:1])

    def _values(self, how: Way, got: Runs) -> str | None:
        options = dict(how.options)
        if how.promise == "plain":
            return self.oracle.complaint_of_plain()
        if how.promise == "bits":
            folds = FOLDING & set(options["passes"])
            base = (options["backend"], ("constant_folding",) if folds else ())
            if base not in self.bases:
                self.bases[base] = self.oracle.single.run(backend=base[0], passes=base[1])
            return bits_differ(got, self.bases[base])
        found = self.oracle.complaint(got, how.wide)
        if found is None or options.get("passes") is not None or options.get("optimize") in ("O0", "O1"):
            return found
        for off in ("stabilise", "winograd"):
            options["disable_passes"] = (*options.get("disable_passes", ()), off)
            calm = self.built(how).run(**options)
            if self.oracle.complaint(calm, how.wide) is None:
                return self._forgiven(off, got, calm, found, how.wide)
        return found

    def _forgiven(self, off: str, got: Runs, calm: Runs, found: str, wide: bool) -> str | None:
        """One pass makes the difference: stable forms may be finite where the program is not, and Winograd rounds.

        With an infinite operand, a stable form may be NaN, as softmax is. Whole numbers made of such values, as ranks
        are, may be others.
        """
        if off == "winograd":
            return self.oracle.complaint(got, wide, winograd=True)
        if self.oracle.infinite:
            got = [
                [g if g is None else np.where(np.isnan(g), c, g) if g.dtype.kind == "f" else c for g, c in pair]
                for pair in (zip(a, b, strict=True) for a, b in zip(got, calm, strict=True))
            ]
        mended = [
            [
                np.where(np.isfinite(c) | ~np.isfinite(g), g, c) if g is not None and g.dtype.kind == "f" else g
                for g, c in zip(a, b, strict=True)
            ]
            for a, b in zip(got, calm, strict=True)
        ]
        return self.oracle.complaint(mended, wide, winograd=True) and found


def _outcome(run: Callable[[], Runs]) -> Runs | Exception:
    try:
        return run()
    except Exception as error:
        return error


def _errors(right: Runs | Exception, got: Runs | Exception) -> str | None:
    """Both must fail, by errors of one class, which is one of minigraph's."""
    if isinstance(right, tf.errors.OpError) and type(got) is type(right):
        return None
    for found in (got, right):
        if isinstance(found, Exception) and not isinstance(found, MinigraphError):
            return f"raises {type(found).__name__}: {str(found)[:300]}"
    if isinstance(got, Exception):
        return f"raises {type(got).__name__}: {str(got)[:300]}; without passes {type(right).__name__}"
    return f"raises no {type(right).__name__}: {str(right)[:300]}"


def check(program: Program, backends: tuple[str, ...]) -> Finding | None:
    """The first way to run the program that gives what it must not."""
    checker = Checker(program)
    for how in ways(program, backends):
        message = checker.check(how)
        if message:
            return Finding(program, how, message)
    return None
