"""What the subcommands' options share."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import click


def number(
    *, whole: bool = False, above: float | None = None, least: float | None = None, most: float | None = None
) -> Callable[[str], float]:
    """A converter to a finite number, above `above`, at least `least` and at most `most`, each if given."""
    bounds = (("above", above), ("at least", least), ("at most", most))
    limits = " and ".join(f"{word} {bound:.10g}" for word, bound in bounds if bound is not None)

    def convert(value: str) -> float:
        try:
            found = int(value) if whole else float(value)
        except ValueError:
            found = math.nan
        if (
            not math.isfinite(found)
            or (above is not None and found <= above)
            or (least is not None and found < least)
            or (most is not None and found > most)
        ):
            kind = "a whole number" if whole else "a finite number"
            raise click.BadParameter(f"expected {kind} {limits}, got {value}")
        return found

    convert.__name__ = "integer" if whole else "number"
    return convert


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["minigraph.debug"] = True


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, is_eager=True, callback=_set_debug, help="Show tracebacks of errors."
)
backend_option = click.option(
    "--backend",
    metavar="NAME",
    help="numpy, llvm, cupy, or auto for the fastest here [default: $MINIGRAPH_BACKEND, else numpy].",
)
output_file = click.Path(dir_okay=False, path_type=Path)
