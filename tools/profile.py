"""What `minigraph profile` prints and writes."""

from __future__ import annotations

import json
from pathlib import Path

from minigraph.compile.profile import Profile
from minigraph.core.files import atomic_write
from minigraph.tools.explain import console
from minigraph.tools.target import Target


def profile(target: Target, steps: int, optimize: str, backend: str | None) -> Profile:
    """`steps` timed runs of a target."""
    with target.session(backend=backend, optimize=optimize, passes=target.passes) as session:
        return session.profile(target.fetches, target.feeds, repeat=steps)


def print_profile(found: Profile, top: int) -> None:
    """The `top` launches by time, and the totals."""
    out = console()
    out.print(found.table(top))
    hidden = len(found.launches) - top
    if hidden > 0:
        out.print(f"{hidden} more launches; --top shows more of them", highlight=False)


def write_trace(path: Path, found: Profile) -> None:
    """The trace for Perfetto or chrome://tracing, whole or not at all."""
    with atomic_write(path, "w") as file:
        json.dump(found.to_trace(), file)
        file.write("\n")
