"""The options of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from minigraph.rewrite.pipeline import Pass

Level: TypeAlias = Literal["O0", "O1", "O2", "O3"]
Precision: TypeAlias = Literal["float32", "tf32", "bfloat16"]


@dataclass(frozen=True)
class SessionOptions:
    """How a session compiles and runs programs. `Session` describes each option."""

    backend: str | None = None
    optimize: Level = "O3"
    passes: tuple[str | Pass, ...] | None = None
    disable_passes: tuple[str, ...] = ()
    debug: bool = False
    check_numerics: bool = False
    reorder: bool = True
    lint: bool = True
    precision: Precision = "float32"
    autotune: bool | None = None
    memory_limit: int | None = None
