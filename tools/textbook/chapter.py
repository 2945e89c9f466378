"""The subcommands for the chapter on convolutional networks: filters, padding, derivations, figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from minigraph.tools.shared.completion import choices
from minigraph.tools.shared.options import backend_line, backend_option, debug_option, number, output_file

_FILTERS = ["identity", "mean", "median", "gaussian", "high-pass", "sharpen", "gradient", "sobel", "canny", "wiener"]
_BORDERS = ["zero", "symmetric", "reflect", "replicate", "shrink"]


@click.command("filter")
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(_FILTERS), help="Filter to apply.")
@click.option("--all", "all_kinds", is_flag=True, help="Write the results of all filters to one sheet.")
@click.option(
    "-o", "--out", type=output_file, help="Image file to write [default: IMAGE-KIND.png in the current folder]."
)
@click.option(
    "--size", type=number(whole=True, least=1), help="Odd side of the window [default: 3, or derived from --sigma]."
)
@click.option(
    "--sigma", type=number(above=0), help="Standard deviation of the Gaussian in pixels [default: 2.24; for canny 1]."
)
@click.option("--amount", type=number(least=0), help="Weight of the high-pass for sharpen [default: 0.785].")
@click.option("--variance", type=number(least=0), help="Variance of the noise for wiener [default: estimated].")
@click.option("--low", type=number(least=0), help="Lower gradient threshold for canny [default: 25.5].")
@click.option("--high", type=number(least=0), help="Upper gradient threshold for canny [default: 51].")
@click.option(
    "--border",
    type=click.Choice(_BORDERS),
    help="Padding outside the image [default: symmetric; for median replicate].",
)
@click.option("--grey", is_flag=True, help="Filter the grey levels of a colour image.")
@click.option("--noise", metavar="KIND:AMOUNT", help="First add noise: gaussian:VARIANCE or salt-pepper:FRACTION.")
@click.option(
    "--seed", type=number(whole=True, least=0, most=2**31 - 1), default=0, show_default=True, help="Seed of the noise."
)
@click.option(
    "--max-pixels",
    type=number(whole=True, least=1),
    default=40_000_000,
    show_default=True,
    help="Refuse larger images.",
)
@backend_option
@debug_option
def filter_(
    image: Path,
    kind: str | None,
    all_kinds: bool,
    out: Path | None,
    grey: bool,
    noise: str | None,
    seed: int,
    max_pixels: int,
    backend: str | None,
    **options: Any,
) -> None:
    """Filter an image file, each channel separately, keeping transparency. Canny finds the edges of the grey levels.

    Levels, thresholds and variances use the scale from 0 to 255.
    """
    from minigraph.tools.textbook import filter as filtering

    if (kind is None) is not all_kinds:
        raise click.UsageError("give either --kind or --all")
    try:
        noisy = None if noise is None else filtering.parse_noise(noise)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--noise'") from None
    line = backend_line(backend)
    target = out or Path(f"{image.stem}-{kind or 'filters'}.png")
    chosen = filtering.FilterOptions(**options)
    if kind is None:
        filtering.contact_sheet(image, target, chosen, noisy, seed, backend, max_pixels, grey)
    else:
        filtering.filter_file(image, kind, target, chosen, noisy, seed, backend, max_pixels, grey)
    click.echo(line, err=True)
    click.echo(f"wrote {target}")


@click.command("explain-padding")
@click.argument("length", type=number(whole=True, least=1))
@click.argument("kernel", type=number(whole=True, least=1))
@click.option("--stride", type=number(whole=True, least=1), default=1, show_default=True)
@click.option("--dilation", type=number(whole=True, least=1), default=1, show_default=True)
@click.option("--padding", type=number(whole=True, least=0), help="Elements added on each side (P in the formula).")
@debug_option
def explain_padding(length: int, kernel: int, stride: int, dilation: int, padding: int | None) -> None:
    """Show the number of outputs for LENGTH inputs along one axis, and the positions of the windows of size KERNEL."""
    from minigraph.tools.textbook.padding import explain as explain_windows

    click.echo(explain_windows(length, kernel, stride, dilation, padding))


def _pair(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Parse 2x3 as (2, 3), and 3 as (3, 3)."""
    if value is None:
        return None
    parts = value.lower().split("x")
    parts = parts * 2 if len(parts) == 1 else parts
    if len(parts) != 2 or not all(p.isdecimal() and int(p) > 0 for p in parts):
        raise click.BadParameter(f"expected ROWSxCOLUMNS such as 3x3, got {value}")
    return int(parts[0]), int(parts[1])


def _matrix(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
    """Parse `1 3/2 2` as a matrix of two rows."""
    import numpy as np

    if value is None:
        return None
    try:
        matrix = np.array([[float(v) for v in row.replace(",", " ").split()] for row in value.split("/")])
    except ValueError:
        matrix = np.zeros(0)
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise click.BadParameter(f"expected rows of equal length such as '1 3/2 2', got {value}")
    return matrix


def _layers() -> list[tuple[str, str]]:
    from minigraph.tools.textbook.derive.layers import LAYERS

    return [(name, "") for name in LAYERS]


def _figures() -> list[tuple[str, str]]:
    from minigraph.tools.textbook.figures.catalogue import FIGURES

    return [(figure.name, figure.title) for figure in FIGURES]


@click.command()
@click.argument("layer", metavar="LAYER", shell_complete=choices(_layers))
@click.option(
    "--size", callback=_pair, metavar="RxC", help="Size of the map or of the weights; 1xN for units or classes."
)
@click.option("--kernel", callback=_pair, metavar="RxC", help="Size of the kernel or of the window.")
@click.option("--stride", callback=_pair, metavar="RxC", help="Strides [default: 1; for pooling the window's size].")
@click.option("--padding", type=click.Choice(["VALID", "SAME"]), help="Padding [default: VALID].")
@click.option("--channels", callback=_pair, metavar="INxOUT", help="Numbers of input and output maps of conv2d.")
@click.option("--batch", type=number(whole=True, least=2), help="Examples per batch.")
@click.option("--values", callback=_matrix, metavar="'1 3/2 2'", help="Numbers for the map in max-pool's example.")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "latex"]), default="text", show_default=True)
@click.option("-o", "--out", type=output_file, help="Write to a file instead of printing.")
@click.option("--steps", is_flag=True, help="Add the chain rule, line by line.")
@click.option("--check", is_flag=True, help="Prove the closed forms and compare with numeric gradients.")
@debug_option
def derive(layer: str, form: str, out: Path | None, steps: bool, check: bool, **options: Any) -> None:
    """Derive a LAYER's gradients by running its graph and gradient graph on symbols.

    Layers: avg-pool, batch-norm, conv2d, dense, dropout, lrn, max-pool, rbf, residual, sigmoid, sigmoid-xent,
    softmax-xent. With --check, the exit code is 1 if a check fails.
    """
    from minigraph.backend.discovery import get_backend
    from minigraph.util.files import atomic_write

    get_backend("sympy")  # raises an error with install instructions
    from minigraph.tools.textbook.derive import layers
    from minigraph.tools.textbook.derive.problem import DeriveOptions

    document = layers.derive(layer, DeriveOptions(**options), check, steps)
    text = layers.write(document, form)
    if out is None:
        click.echo(text, nl=False)
    else:
        with atomic_write(out, "w") as file:
            file.write(text)
        click.echo(f"wrote {out}")
    if failed := layers.failures(document):
        raise click.ClickException(f"does not hold: {'; '.join(failed)}")


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=choices(_figures))
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("figures"), show_default=True
)
@click.option("--list", "listed", is_flag=True, help="List the names and exit.")
@debug_option
def figures(names: tuple[str, ...], out: Path, listed: bool) -> None:
    """Draw all or the named figures of the chapter on convolutional networks, and a page that shows them."""
    from minigraph.tools.textbook.figures import page

    drawings = page.chosen(names)
    if listed:
        for drawing in drawings:
            click.echo(f"{drawing.name:20} {drawing.title} ({drawing.rows})")
        return
    index = page.draw(out, drawings, lambda drawing: click.echo(f"drew {drawing.name}", err=True))
    click.echo(f"wrote {len(drawings)} figures and {index}")


COMMANDS = (filter_, explain_padding, derive, figures)
