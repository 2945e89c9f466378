"""The subcommand `viz`: pictures of graphs, and the page."""

from __future__ import annotations

from pathlib import Path

import click

from minigraph.core.errors import InvalidArgumentError
from minigraph.tools.shared import completion
from minigraph.tools.shared.options import (
    backend_option,
    batch_option,
    debug_option,
    given_options,
    inference_option,
    number,
    optimize_option,
    output_file,
    tell_backend,
)
from minigraph.tools.shared.sizes import parse_sizes, size_options


@click.command()
@click.argument("target", metavar="MODEL|FILE", shell_complete=completion.targets)
@click.option("-o", "--out", type=output_file, help="A .svg, .png, .pdf, .dot or .html file [default: a browser].")
@click.option(
    "--stage",
    metavar="before|after|PASS",
    shell_complete=completion.stages,
    help="Stage to draw [default: before; with --diff or --profile: after].",
)
@click.option("--diff", is_flag=True, help="Show the boxes that all passes, or the one of --stage, removed and added.")
@batch_option
@inference_option
@optimize_option
@click.option(
    "--fold",
    "limit",
    type=number(whole=True, least=0),
    default=90,
    show_default=True,
    help="Fold scopes until about this many boxes remain; 0 folds nothing.",
)
@click.option("--html", is_flag=True, help="Also write a page with all stages, next to the picture.")
@click.option("--profile", is_flag=True, help="Run the program, and show the time of each launch after all passes.")
@click.option(
    "--steps", type=number(whole=True, least=1), default=3, show_default=True, help="Timed runs of --profile."
)
@click.option("--values", is_flag=True, help="Run the program once, and show its values on the page.")
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="[NAME=]FILE",
    help="For --values: a picture, a .npy file, or a .npz file with arrays by the inputs' names; may be repeated.",
)
@click.option("--checkpoint", type=click.Path(path_type=Path), help="For --values: a run of `minigraph train`.")
@click.option("--weights", type=click.Path(path_type=Path), help="For --values: weight file of a pretrained network.")
@click.option("--label", metavar="NAME", help="For --values: class of the pictures [default: the network's answer].")
@click.option("--live", is_flag=True, help="Follow a training run: TARGET is its folder, which need not exist yet.")
@size_options
@click.option("--open", "opened", is_flag=True, help="Open the page in a browser, if there is a screen.")
@backend_option
@debug_option
def viz(
    target: str,
    out: Path | None,
    stage: str | None,
    diff: bool,
    batch_size: int | None,
    inference: bool,
    optimize: str,
    limit: int,
    html: bool,
    profile: bool,
    steps: int,
    values: bool,
    inputs: tuple[str, ...],
    checkpoint: Path | None,
    weights: Path | None,
    label: str | None,
    live: bool,
    shapes: tuple[str, ...],
    dims: tuple[str, ...],
    opened: bool,
    backend: str | None,
) -> None:
    """Draw a training step, or any other graph; without --out, show its page in a browser.

    The target is a model's name, a bundle (.mgb), a Python file that builds a graph (.py), a saved graph, a graph of
    TensorFlow, or an ONNX model (.onnx); with --live it is the folder of a run. --input, --checkpoint, --weights and
    --label imply --values.
    """
    from minigraph.tools import viz as drawing
    from minigraph.tools.recording import Recording, prepare
    from minigraph.tools.shared.local_server import has_screen
    from minigraph.tools.shared.target import load_target

    if live:
        if idle := [name for name in given_options() if name != "--live"]:
            raise click.UsageError(f"--live follows a run in the browser; it takes no {', '.join(idle)}")
        from minigraph.tools.live import follow

        follow(Path(target))
        return
    is_page = out is None or html or out.suffix.lower() == ".html"
    needs = {"--steps": ("--profile", profile), "--html": ("--out", out is not None), "--open": ("a page", is_page)}
    for option, (need, there) in needs.items():
        if not there and option in given_options():
            raise click.UsageError(f"{option} needs {need}")
    recording = Recording(checkpoint, weights, inputs, label)
    recorded = values or recording != Recording()
    if recorded and out is not None and out.suffix.lower() != ".html" and not html:
        raise InvalidArgumentError(f"{out}: the page shows values, so add --html or name an .html file")
    if profile or recorded:
        tell_backend(backend)
    chosen = drawing.PictureOptions(stage, diff, optimize, limit, html, steps if profile else 0, backend)
    sizes = parse_sizes(shapes, dims)
    if recorded:
        prepared = prepare(target, batch_size, inference, sizes, recording)
        loaded, chosen = prepared.target, chosen._replace(values=(prepared.fed, prepared.channels))
    else:
        loaded = load_target(target, batch_size, inference, sizes)
    if out is None:
        drawing.show(loaded, chosen)
        return
    drawn = drawing.draw(loaded, out, chosen)
    for line in drawn.notes:
        click.echo(line, err=True)
    click.echo(f"wrote {', '.join(map(str, drawn.files))}")
    pages = [file for file in drawn.files if file.suffix == ".html"]
    if opened and pages and has_screen():
        click.launch(str(pages[0].resolve()))
